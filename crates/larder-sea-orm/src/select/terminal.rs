//! The cached terminals. Each runs SeaORM's own on a probe connection: on a hit it gets no rows
//! and its result means nothing, on a miss it decodes as always.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, SelectExt};

use super::CachedSelect;
use crate::{
    probe::{Answer, ProbeConnection, ResultSlot, Slot},
    result::CachedResult,
};

impl<E> CachedSelect<E>
where
    E: EntityTrait,
    E::Model: CachedResult,
{
    /// The first row, or `None`. Cached.
    ///
    /// # Errors
    /// Those of [`Select::one`](sea_orm::Select::one); a fault of the cache is none.
    pub async fn one<C: ConnectionTrait>(self, db: &C) -> Result<Option<E::Model>, DbErr> {
        if self.uncached {
            return self.select.one(db).await;
        }
        let slot = self.slot::<Option<Arc<E::Model>>>("one");
        let row = slot.check(self.select.one(&probe(db, &slot)).await)?;
        match slot.take() {
            Answer::Uncached => Ok(row),
            Answer::Hit(row) => Ok(row.as_deref().cloned()),
            Answer::Fill(fill) => {
                fill.store(Arc::new(row.clone().map(Arc::new)), one_bytes(row.as_ref()))
                    .await;
                Ok(row)
            }
        }
    }

    /// The first row, shared with the cache: nothing is cloned. Cached together with
    /// [`one`](Self::one).
    ///
    /// # Errors
    /// Those of [`one`](Self::one).
    pub async fn one_shared<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Option<Arc<E::Model>>, DbErr> {
        if self.uncached {
            return Ok(self.select.one(db).await?.map(Arc::new));
        }
        let slot = self.slot::<Option<Arc<E::Model>>>("one");
        let row = slot
            .check(self.select.one(&probe(db, &slot)).await)?
            .map(Arc::new);
        match slot.take() {
            Answer::Uncached => Ok(row),
            Answer::Hit(row) => Ok(row.as_ref().clone()),
            Answer::Fill(fill) => {
                fill.store(Arc::new(row.clone()), one_bytes(row.as_deref()))
                    .await;
                Ok(row)
            }
        }
    }

    /// The first row, or [`DbErr::RecordNotFound`]. Cached together with [`one`](Self::one).
    ///
    /// # Errors
    /// Those of [`one`](Self::one), and `RecordNotFound` when no row matches.
    pub async fn require_one<C: ConnectionTrait>(self, db: &C) -> Result<E::Model, DbErr> {
        // The text is SeaORM's: wrapping a query must not change its error.
        self.one(db)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("None of the models match the query".to_owned()))
    }

    /// All rows. Cached.
    ///
    /// # Errors
    /// Those of [`Select::all`](sea_orm::Select::all); a fault of the cache is none.
    pub async fn all<C: ConnectionTrait>(self, db: &C) -> Result<Vec<E::Model>, DbErr> {
        if self.uncached {
            return self.select.all(db).await;
        }
        let slot = self.slot::<Vec<E::Model>>("all");
        let rows = slot.check(self.select.all(&probe(db, &slot)).await)?;
        match slot.take() {
            Answer::Uncached => Ok(rows),
            Answer::Hit(rows) => Ok(Arc::unwrap_or_clone(rows)),
            Answer::Fill(fill) => {
                fill.store(Arc::new(rows.clone()), all_bytes(&rows)).await;
                Ok(rows)
            }
        }
    }

    /// All rows, shared with the cache: nothing is cloned. Cached together with
    /// [`all`](Self::all).
    ///
    /// # Errors
    /// Those of [`all`](Self::all).
    pub async fn all_shared<C: ConnectionTrait>(self, db: &C) -> Result<Arc<Vec<E::Model>>, DbErr> {
        if self.uncached {
            return Ok(Arc::new(self.select.all(db).await?));
        }
        let slot = self.slot::<Vec<E::Model>>("all");
        let rows = slot.check(self.select.all(&probe(db, &slot)).await)?;
        Ok(shared_rows(&slot, rows).await)
    }

    /// The number of rows, `limit` and `offset` honoured. Cached.
    ///
    /// # Errors
    /// Those of [`PaginatorTrait::count`]; a fault of the cache is none.
    pub async fn count<C: ConnectionTrait>(self, db: &C) -> Result<u64, DbErr> {
        if self.uncached {
            return PaginatorTrait::count(self.select, db).await;
        }
        let slot = self.slot::<u64>("count");
        let count = slot.check(PaginatorTrait::count(self.select, &probe(db, &slot)).await)?;
        scalar(&slot, count).await
    }

    /// Whether any row matches. Cached.
    ///
    /// # Errors
    /// Those of [`SelectExt::exists`]; a fault of the cache is none.
    pub async fn exists<C: ConnectionTrait>(self, db: &C) -> Result<bool, DbErr> {
        if self.uncached {
            return self.select.exists(db).await;
        }
        let slot = self.slot::<bool>("exists");
        let exists = slot.check(self.select.exists(&probe(db, &slot)).await)?;
        scalar(&slot, exists).await
    }

    fn slot<T: Send + Sync + 'static>(&self, terminal: &'static str) -> Arc<ResultSlot<T>> {
        ResultSlot::new(terminal, E::Model::SCHEMA_FINGERPRINT, self.options)
    }
}

fn probe<'a, C, T: Send + Sync + 'static>(
    db: &'a C,
    slot: &Arc<ResultSlot<T>>,
) -> ProbeConnection<'a, C> {
    ProbeConnection::new(db, Arc::clone(slot) as Arc<dyn Slot>)
}

async fn scalar<T: Copy + Send + Sync + 'static>(
    slot: &ResultSlot<T>,
    found: T,
) -> Result<T, DbErr> {
    match slot.take() {
        Answer::Uncached => Ok(found),
        Answer::Hit(found) => Ok(*found),
        Answer::Fill(fill) => {
            fill.store(Arc::new(found), size_of::<T>()).await;
            Ok(found)
        }
    }
}

fn one_bytes<M: CachedResult>(row: Option<&M>) -> usize {
    row.map_or(0, CachedResult::result_bytes)
}

/// The rows that a terminal gave, or the stored ones where they answer it.
pub(crate) async fn shared_rows<M: CachedResult>(
    slot: &ResultSlot<Vec<M>>,
    rows: Vec<M>,
) -> Arc<Vec<M>> {
    match slot.take() {
        Answer::Uncached => Arc::new(rows),
        Answer::Hit(rows) => rows,
        Answer::Fill(fill) => {
            let bytes = all_bytes(&rows);
            let rows = Arc::new(rows);
            fill.store(rows.clone(), bytes).await;
            rows
        }
    }
}

fn all_bytes<M: CachedResult>(rows: &[M]) -> usize {
    rows.iter()
        .map(CachedResult::result_bytes)
        .fold(0, usize::saturating_add)
}
