//! [`CachedStatement`]: any SELECT, as text, with terminals that ask the cache.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use larder_core::ReadMode;
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement, StatementBuilder,
};

use crate::{
    probe::{ProbeConnection, ResultSlot, Slot},
    result::CachedResult,
    select::shared_rows,
};

/// A statement of the caller's own, decoded row by row as `R`. Cached as a select of the same
/// text is: the plan decides what it rests on, and a statement that writes is never cached.
///
/// The TTL and the operations come from the policies of the tables that the text names.
#[must_use = "a statement does nothing until one of its terminals is awaited"]
pub struct CachedStatement<R> {
    statement: Statement,
    options: ReadOptions,
    row: PhantomData<fn() -> R>,
}

impl<R: FromQueryResult + CachedResult> CachedStatement<R> {
    /// A cached run of this statement.
    pub fn new(statement: Statement) -> Self {
        Self {
            statement,
            options: ReadOptions::default(),
            row: PhantomData,
        }
    }

    /// How long this result may be served, in place of the policy's time.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// Goes to the database and stores what it says, whatever is stored now.
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// All rows. Cached.
    ///
    /// # Errors
    /// Those of the query and of decoding; a fault of the cache is none.
    pub async fn all<C: ConnectionTrait>(self, db: &C) -> Result<Vec<R>, DbErr> {
        self.all_shared(db).await.map(Arc::unwrap_or_clone)
    }

    /// All rows, shared with the cache: nothing is cloned.
    ///
    /// # Errors
    /// Those of [`all`](Self::all).
    pub async fn all_shared<C: ConnectionTrait>(self, db: &C) -> Result<Arc<Vec<R>>, DbErr> {
        let slot = ResultSlot::<Vec<R>>::new("statement", R::SCHEMA_FINGERPRINT, self.options);
        let probe = ProbeConnection::new(db, Arc::clone(&slot) as Arc<dyn Slot>);
        let rows = probe.query_all(&Text(self.statement)).await;
        let decode = |rows: Vec<QueryResult>| {
            let rows = rows.iter().map(|row| R::from_query_result(row, ""));
            rows.collect::<Result<Vec<R>, DbErr>>()
        };
        let rows = slot.check(rows.and_then(decode))?;
        Ok(shared_rows(&slot, rows).await)
    }
}

impl<R> fmt::Debug for CachedStatement<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStatement")
            .field("sql", &self.statement.sql)
            .finish_non_exhaustive()
    }
}

/// A text as a builder: only builders can carry a probe.
struct Text(Statement);

impl StatementBuilder for Text {
    fn build(&self, _backend: &DbBackend) -> Statement {
        self.0.clone()
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        // As SeaORM answers for raw text: a restricted connection refuses it.
        Err(sea_orm::AuditError::UnsupportedQuery)
    }
}
