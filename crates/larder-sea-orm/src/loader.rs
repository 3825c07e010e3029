//! SeaORM's loaders, cached: the same names and calls, by importing these traits instead.
//!
//! A loader sends one statement for all parents and deals its rows out to them, so its result
//! depends on the parents' keys and their order too: they are part of the key. `load_many_to_many`
//! sends two statements and is stored as one operation.

use std::marker::PhantomData;

use async_trait::async_trait;
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Identity, ModelTrait, Related, RelatedSelfVia,
    RelationTrait, Select, Value,
};

use crate::{
    probe::{ProbeConnection, ResultSlot},
    query::CachedSelect,
    result::CachedResult,
};

mod extended;

pub use extended::{LoaderParent, LoaderTraitEx, NestedLoaderTrait};

/// What a loader may be given: an entity, SeaORM's select, or a cached select with its wishes.
pub trait LoaderSource<E: EntityTrait>: sea_orm::EntityOrSelect<E> {
    /// What the caller asks of the cache.
    #[doc(hidden)]
    fn wishes(&self) -> ReadOptions {
        ReadOptions::default()
    }
}

impl<E: EntityTrait> LoaderSource<E> for E {}

impl<E: EntityTrait> LoaderSource<E> for Select<E> {}

impl<E: EntityTrait> LoaderSource<E> for CachedSelect<E> {
    fn wishes(&self) -> ReadOptions {
        self.options()
    }
}

type EntityOf<T> = <<T as LoaderTrait>::Model as ModelTrait>::Entity;
type ModelOf<T> = <EntityOf<T> as EntityTrait>::Model;
type RelationOf<T> = <EntityOf<T> as EntityTrait>::Relation;

/// SeaORM's [`LoaderTrait`](sea_orm::LoaderTrait), cached: write `use larder::LoaderTrait;` where it
/// said `use sea_orm::LoaderTrait;`. An explicit import wins over the one in SeaORM's prelude.
///
/// # Staleness
/// As of [`Cached`](crate::Cached).
#[async_trait]
pub trait LoaderTrait {
    /// The parents.
    type Model: ModelTrait + Sync;

    /// All of them, in order.
    #[doc(hidden)]
    fn parents(&self) -> &[Self::Model];

    /// See [`LoaderTrait::load_self`](sea_orm::LoaderTrait::load_self). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_self<S, C>(
        &self,
        source: S,
        relation: RelationOf<Self>,
        db: &C,
    ) -> Result<Vec<Option<ModelOf<Self>>>, DbErr>
    where
        C: ConnectionTrait,
        ModelOf<Self>: CachedResult,
        RelationOf<Self>: Send,
        S: LoaderSource<EntityOf<Self>>,
    {
        let parents = self.parents();
        let keys = keys(parents, &relation.def().from_col);
        let terminal = between::<EntityOf<Self>, EntityOf<Self>>("load_self");
        run(terminal, source.wishes(), keys, db, |probe| async move {
            sea_orm::LoaderTrait::load_self(&parents, source, relation, &probe).await
        })
        .await
    }

    /// See [`LoaderTrait::load_self_many`](sea_orm::LoaderTrait::load_self_many). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_self_many<S, C>(
        &self,
        source: S,
        relation: RelationOf<Self>,
        db: &C,
    ) -> Result<Vec<Vec<ModelOf<Self>>>, DbErr>
    where
        C: ConnectionTrait,
        ModelOf<Self>: CachedResult,
        RelationOf<Self>: Send,
        S: LoaderSource<EntityOf<Self>>,
    {
        let parents = self.parents();
        // SeaORM turns a relation round that is not the owner's: both ends of it count.
        let definition = relation.def();
        let mut keys_of_both = keys(parents, &definition.from_col);
        keys_of_both.extend(keys(parents, &definition.to_col));
        let wishes = source.wishes();
        run(
            between::<EntityOf<Self>, EntityOf<Self>>("load_self_many"),
            wishes,
            keys_of_both,
            db,
            |probe| async move {
                sea_orm::LoaderTrait::load_self_many(&parents, source, relation, &probe).await
            },
        )
        .await
    }

    /// See [`LoaderTrait::load_self_via`](sea_orm::LoaderTrait::load_self_via). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_self_via<V, C>(&self, via: V, db: &C) -> Result<Vec<Vec<ModelOf<Self>>>, DbErr>
    where
        C: ConnectionTrait,
        V: EntityTrait,
        ModelOf<Self>: CachedResult,
        EntityOf<Self>: RelatedSelfVia<V>,
    {
        let parents = self.parents();
        let keys = keys(
            parents,
            &<EntityOf<Self> as RelatedSelfVia<V>>::via().from_col,
        );
        let wishes = ReadOptions::default();
        run(
            between::<EntityOf<Self>, V>("load_self_via"),
            wishes,
            keys,
            db,
            |probe| async move { sea_orm::LoaderTrait::load_self_via(&parents, via, &probe).await },
        )
        .await
    }

    /// See [`LoaderTrait::load_self_via_rev`](sea_orm::LoaderTrait::load_self_via_rev). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_self_via_rev<V, C>(
        &self,
        via: V,
        db: &C,
    ) -> Result<Vec<Vec<ModelOf<Self>>>, DbErr>
    where
        C: ConnectionTrait,
        V: EntityTrait,
        ModelOf<Self>: CachedResult,
        EntityOf<Self>: RelatedSelfVia<V>,
    {
        let parents = self.parents();
        let keys = keys(parents, &<EntityOf<Self> as RelatedSelfVia<V>>::to().to_col);
        let wishes = ReadOptions::default();
        run(
            between::<EntityOf<Self>, V>("load_self_via_rev"),
            wishes,
            keys,
            db,
            |probe| async move {
                sea_orm::LoaderTrait::load_self_via_rev(&parents, via, &probe).await
            },
        )
        .await
    }

    /// See [`LoaderTrait::load_one`](sea_orm::LoaderTrait::load_one). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_one<R, S, C>(&self, source: S, db: &C) -> Result<Vec<Option<R::Model>>, DbErr>
    where
        C: ConnectionTrait,
        R: EntityTrait,
        R::Model: CachedResult,
        S: LoaderSource<R>,
        EntityOf<Self>: Related<R>,
    {
        let parents = self.parents();
        let keys = keys(parents, &parent_columns::<EntityOf<Self>, R>());
        run(
            between::<EntityOf<Self>, R>("load_one"),
            source.wishes(),
            keys,
            db,
            |probe| async move { sea_orm::LoaderTrait::load_one(&parents, source, &probe).await },
        )
        .await
    }

    /// See [`LoaderTrait::load_many`](sea_orm::LoaderTrait::load_many). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_many<R, S, C>(&self, source: S, db: &C) -> Result<Vec<Vec<R::Model>>, DbErr>
    where
        C: ConnectionTrait,
        R: EntityTrait,
        R::Model: CachedResult,
        S: LoaderSource<R>,
        EntityOf<Self>: Related<R>,
    {
        let parents = self.parents();
        let keys = keys(parents, &parent_columns::<EntityOf<Self>, R>());
        run(
            between::<EntityOf<Self>, R>("load_many"),
            source.wishes(),
            keys,
            db,
            |probe| async move { sea_orm::LoaderTrait::load_many(&parents, source, &probe).await },
        )
        .await
    }

    /// See [`LoaderTrait::load_many_to_many`](sea_orm::LoaderTrait::load_many_to_many). Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    async fn load_many_to_many<R, S, V, C>(
        &self,
        source: S,
        via: V,
        db: &C,
    ) -> Result<Vec<Vec<R::Model>>, DbErr>
    where
        C: ConnectionTrait,
        R: EntityTrait,
        R::Model: CachedResult,
        S: LoaderSource<R>,
        V: EntityTrait,
        V::Model: Send + Sync,
        EntityOf<Self>: Related<R>,
    {
        let parents = self.parents();
        let mut inputs = keys(parents, &parent_columns::<EntityOf<Self>, R>());
        let wishes = source.wishes();
        let select = sea_orm::EntityOrSelect::select(source);
        // The first statement names the junction alone; the second is not built before its end.
        inputs.extend(statement(&select, db));
        let slot = ResultSlot::new::<(EntityOf<Self>, V, R)>("load_many_to_many", wishes);
        let loaded = slot
            .of_several()
            .with_inputs(inputs)
            .run(db, |probe| async move {
                sea_orm::LoaderTrait::load_many_to_many(&parents, select, via, &probe).await
            });
        Ok(loaded.await?.into_owned())
    }
}

impl<M: ModelTrait + Sync> LoaderTrait for &[M] {
    type Model = M;

    fn parents(&self) -> &[M] {
        self
    }
}

impl<M: ModelTrait + Sync> LoaderTrait for Vec<M> {
    type Model = M;

    fn parents(&self) -> &[M] {
        self
    }
}

/// A loader's name and what it relates: of one text, results differ by that.
struct Terminal<D> {
    name: &'static str,
    relates: PhantomData<fn() -> D>,
}

/// The loader of this name from these parents to the other entity.
const fn between<P, R>(name: &'static str) -> Terminal<(P, R)> {
    Terminal {
        name,
        relates: PhantomData,
    }
}

/// Runs one of SeaORM's loaders of one statement, whose result depends on these keys and on how the
/// entities `D` are related.
async fn run<'a, D: 'static, C, T, F>(
    terminal: Terminal<D>,
    wishes: ReadOptions,
    keys: Vec<Value>,
    db: &'a C,
    load: impl FnOnce(ProbeConnection<'a, C>) -> F + Send,
) -> Result<T, DbErr>
where
    C: ConnectionTrait,
    T: CachedResult,
    F: Future<Output = Result<T, DbErr>> + Send,
{
    let slot = ResultSlot::new::<D>(terminal.name, wishes).with_inputs(keys);
    Ok(slot.run(db, load).await?.into_owned())
}

/// The columns of the parents by which their children are found.
fn parent_columns<E: Related<R>, R: EntityTrait>() -> Identity {
    E::via().unwrap_or_else(E::to).from_col
}

/// The values of these columns, parent by parent. A column that the entity does not have makes
/// SeaORM refuse before it sends anything.
fn keys<'a, M: ModelTrait + 'a>(
    parents: impl IntoIterator<Item = &'a M>,
    columns: &Identity,
) -> Vec<Value> {
    use std::str::FromStr as _;
    type ColumnOf<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;
    let columns: Vec<ColumnOf<M>> = columns
        .iter()
        .filter_map(|column| ColumnOf::<M>::from_str(&column.inner()).ok())
        .collect();
    parents
        .into_iter()
        .flat_map(|parent| columns.iter().map(|column| parent.get(*column)))
        .collect()
}

/// A select as values: its text and its parameters.
fn statement<E: EntityTrait, C: ConnectionTrait>(select: &Select<E>, db: &C) -> Vec<Value> {
    let built = sea_orm::QueryTrait::build(select, db.get_database_backend());
    let mut values = vec![Value::from(built.sql)];
    values.extend(built.values.into_iter().flat_map(|values| values.0));
    values
}
