//! The loaders that SeaORM's generated entity loaders call. Same names and signatures, so that a
//! module that says `use larder::sea_orm;` calls these.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Identity, ModelTrait, Related, RelatedSelfVia,
    RelationDef, RelationTrait, Value,
};

use super::{LoaderSource, Terminal, between, keys, parent_columns, run};
use crate::result::CachedResult;

/// A model for which an entity loader may load. Implemented by the derive, for the models of both
/// formats: of SeaORM's own trait nobody knows that `Option` and `Vec` never implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cached model",
    note = "add `#[derive(larder::Cacheable)]` to the entity's `Model`"
)]
pub trait LoaderParent: ModelTrait + Sync {}

/// Parents whose keys can be written down with the places at which there is none.
pub trait Keyed: Sized {
    /// One of them.
    type Parent: ModelTrait;
    /// One list of keys means different parents in different shapes.
    type Shape: 'static;

    fn keys(&self, columns: &Identity) -> Vec<Value>;
}

impl<M: LoaderParent> Keyed for &[M] {
    type Parent = M;
    type Shape = M::Entity;

    fn keys(&self, columns: &Identity) -> Vec<Value> {
        keys(*self, columns)
    }
}

impl<M: LoaderParent> Keyed for &[Option<M>] {
    type Parent = M;
    type Shape = Option<M::Entity>;

    fn keys(&self, columns: &Identity) -> Vec<Value> {
        let one = |parent: &Option<M>| {
            let mut values = vec![Value::from(parent.is_some())];
            values.extend(keys(parent, columns));
            values
        };
        self.iter().flat_map(one).collect()
    }
}

impl<M: LoaderParent> Keyed for &[Vec<M>] {
    type Parent = M;
    type Shape = Vec<M::Entity>;

    fn keys(&self, columns: &Identity) -> Vec<Value> {
        let one = |parents: &Vec<M>| {
            let mut values = vec![Value::from(parents.len() as u64)];
            values.extend(keys(parents, columns));
            values
        };
        self.iter().flat_map(one).collect()
    }
}

/// The loader of this name from parents of this shape to the other entity.
const fn from<P: Keyed, R>(name: &'static str) -> Terminal<(P::Shape, R)> {
    between(name)
}

/// One result per parent.
type Flat<T> = Vec<T>;
/// One result per parent of each group.
type Deep<T> = Vec<Vec<T>>;

type EntityOf<M> = <M as ModelTrait>::Entity;
type ModelExOf<M> = <EntityOf<M> as EntityTrait>::ModelEx;
type ModelOf<M> = <EntityOf<M> as EntityTrait>::Model;
type RelationOf<M> = <EntityOf<M> as EntityTrait>::Relation;

/// The trait of one shape of results and its implementations, all by SeaORM's trait of that name.
macro_rules! extended_loader {
    ($trait:ident, $shape:ident, [$($parents:ty),+]) => {
        /// The trait of this name in SeaORM, cached.
        #[doc(hidden)]
        #[async_trait]
        pub trait $trait: Keyed + sea_orm::$trait<Model = <Self as Keyed>::Parent> {
            async fn load_self_ex<S, C>(
                &self,
                source: S,
                relation: RelationOf<Self::Parent>,
                db: &C,
            ) -> Result<$shape<Option<ModelExOf<Self::Parent>>>, DbErr>
            where
                C: ConnectionTrait,
                ModelOf<Self::Parent>: Send + Sync,
                ModelExOf<Self::Parent>: From<ModelOf<Self::Parent>> + CachedResult,
                RelationOf<Self::Parent>: Send,
                S: LoaderSource<EntityOf<Self::Parent>>,
            {
                let keys = self.keys(&relation.def().from_col);
                let terminal = from::<Self, EntityOf<Self::Parent>>("load_self");
                run(terminal, source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_self_ex(self, source, relation, &probe).await
                })
                .await
            }

            async fn load_self_many_ex<S, C>(
                &self,
                source: S,
                relation: RelationOf<Self::Parent>,
                db: &C,
            ) -> Result<$shape<Vec<ModelExOf<Self::Parent>>>, DbErr>
            where
                C: ConnectionTrait,
                ModelOf<Self::Parent>: Send + Sync,
                ModelExOf<Self::Parent>: From<ModelOf<Self::Parent>> + CachedResult,
                RelationOf<Self::Parent>: Send,
                S: LoaderSource<EntityOf<Self::Parent>>,
            {
                let keys = self.keys(&relation.def().from_col);
                let terminal = from::<Self, EntityOf<Self::Parent>>("load_self_many");
                run(terminal, source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_self_many_ex(self, source, relation, &probe).await
                })
                .await
            }

            async fn load_self_via_ex<V, C>(
                &self,
                via: V,
                is_reverse: bool,
                db: &C,
            ) -> Result<$shape<Vec<ModelExOf<Self::Parent>>>, DbErr>
            where
                C: ConnectionTrait,
                V: EntityTrait,
                ModelOf<Self::Parent>: Send + Sync,
                ModelExOf<Self::Parent>: From<ModelOf<Self::Parent>> + CachedResult,
                EntityOf<Self::Parent>: RelatedSelfVia<V>,
            {
                let (terminal, columns) = if is_reverse {
                    ("load_self_via_rev", EntityOf::<Self::Parent>::to().to_col)
                } else {
                    ("load_self_via", EntityOf::<Self::Parent>::via().from_col)
                };
                let keys = self.keys(&columns);
                run(from::<Self, V>(terminal), Default::default(), keys, db, |probe| async move {
                    sea_orm::$trait::load_self_via_ex(self, via, is_reverse, &probe).await
                })
                .await
            }

            async fn load_one_ex<R, S, C>(
                &self,
                source: S,
                db: &C,
            ) -> Result<$shape<Option<R::ModelEx>>, DbErr>
            where
                C: ConnectionTrait,
                R: EntityTrait,
                R::Model: Send + Sync,
                R::ModelEx: From<R::Model> + CachedResult,
                S: LoaderSource<R>,
                EntityOf<Self::Parent>: Related<R>,
            {
                let keys = self.keys(&parent_columns::<EntityOf<Self::Parent>, R>());
                run(from::<Self, R>("load_one"), source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_one_ex(self, source, &probe).await
                })
                .await
            }

            async fn load_one_ex_with_rel<R>(
                &self,
                source: impl LoaderSource<R>,
                relation: RelationDef,
                db: &impl ConnectionTrait,
            ) -> Result<$shape<Option<R::ModelEx>>, DbErr>
            where
                R: EntityTrait,
                R::Model: Send + Sync,
                R::ModelEx: From<R::Model> + CachedResult,
            {
                let keys = self.keys(&relation.from_col);
                run(from::<Self, R>("load_one"), source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_one_ex_with_rel(self, source, relation, &probe).await
                })
                .await
            }

            async fn load_many_ex<R, S, C>(
                &self,
                source: S,
                db: &C,
            ) -> Result<$shape<Vec<R::ModelEx>>, DbErr>
            where
                C: ConnectionTrait,
                R: EntityTrait,
                R::Model: Send + Sync,
                R::ModelEx: From<R::Model> + CachedResult,
                S: LoaderSource<R>,
                EntityOf<Self::Parent>: Related<R>,
            {
                let keys = self.keys(&parent_columns::<EntityOf<Self::Parent>, R>());
                run(from::<Self, R>("load_many"), source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_many_ex(self, source, &probe).await
                })
                .await
            }

            async fn load_many_ex_with_rel<R>(
                &self,
                source: impl LoaderSource<R>,
                relation: RelationDef,
                db: &impl ConnectionTrait,
            ) -> Result<$shape<Vec<R::ModelEx>>, DbErr>
            where
                R: EntityTrait,
                R::Model: Send + Sync,
                R::ModelEx: From<R::Model> + CachedResult,
            {
                let keys = self.keys(&relation.from_col);
                run(from::<Self, R>("load_many"), source.wishes(), keys, db, |probe| async move {
                    sea_orm::$trait::load_many_ex_with_rel(self, source, relation, &probe).await
                })
                .await
            }
        }

        $(impl<M: LoaderParent> $trait for $parents {})+
    };
}

extended_loader!(LoaderTraitEx, Flat, [&[M], &[Option<M>]]);
extended_loader!(NestedLoaderTrait, Deep, [&[Vec<M>]]);
