//! diesel-async: the same decisions, carried by tasks.

mod connection;
mod explain;
#[cfg(feature = "_pool")]
mod pool;
mod relay;
mod save;
mod stream;
mod transaction;
mod typed;
mod types;
mod wrap;
mod write;

use diesel::{
    QueryResult,
    query_builder::{Query, QueryFragment, QueryId},
};
use larder_core::Param;
use larder_signals::RowsBefore;

use crate::{
    backend::{CachedBackend, TypeName},
    session::{Session, Text},
};

pub use connection::{AsyncScope, CachedAsyncConnection, WrappedAsyncConnection};
#[cfg(feature = "_pool")]
pub use pool::cached_manager_config;
pub use relay::AsyncRelay;
pub use stream::CachedAsyncStream;
pub use transaction::CachedAsyncTransactionManager;
pub use wrap::DieselAsync;

/// A backend whose queries can be taken apart and sent later. Implemented for `Pg`, `Mysql` and
/// `Sqlite`; not for implementing elsewhere.
pub trait AsyncBackend: CachedBackend {
    /// Keeps the results of clients apart that lay rows out differently.
    #[doc(hidden)]
    const ASYNC_ADAPTER: &'static str;

    /// The parameters of a query.
    #[doc(hidden)]
    type Binds: Send + Sync + 'static;

    /// A query that was taken apart.
    #[doc(hidden)]
    type Statement: Query + QueryId + QueryFragment<Self> + Send + 'static;

    /// The parameters of a query, without asking the database.
    #[doc(hidden)]
    fn collect<T: QueryFragment<Self>>(query: &T) -> QueryResult<Self::Binds>;

    /// What [`CachedBackend::params`] makes of them.
    #[doc(hidden)]
    fn params_of(
        binds: &Self::Binds,
        player: &mut Self::Player,
    ) -> QueryResult<Vec<Param<'static>>>;

    /// Whether the count of an UPDATE is certain to be that of the rows it has matched, changed or
    /// not.
    #[doc(hidden)]
    const COUNTS_MATCHED: bool = true;

    /// The parameters at these positions.
    #[doc(hidden)]
    fn part_of(
        binds: &Self::Binds,
        params: &[Param<'_>],
        positions: &[usize],
    ) -> QueryResult<Self::Binds>;

    /// The types that the server must be asked for before they can be sent.
    #[doc(hidden)]
    fn type_names(_binds: &Self::Binds) -> &[TypeName] {
        &[]
    }

    /// The query put together again, with the server's numbers of those types and of their arrays.
    #[doc(hidden)]
    fn statement(
        sql: String,
        safe_to_keep: bool,
        binds: &Self::Binds,
        types: &[(u32, u32)],
    ) -> Self::Statement;
}

/// A query that was taken apart: futures that run on other threads cannot hold the query itself.
pub(crate) struct Collected<DB: AsyncBackend> {
    pub(crate) text: Text,
    /// What is appended to the text.
    pub(crate) end: String,
    safe_to_keep: bool,
    pub(crate) binds: DB::Binds,
}

impl<DB: AsyncBackend> Collected<DB> {
    pub(crate) fn of<T>(session: &Session, query: &T) -> QueryResult<Self>
    where
        T: QueryFragment<DB> + QueryId,
    {
        Ok(Self {
            text: session.text::<DB, T>(query)?,
            end: String::new(),
            safe_to_keep: query.is_safe_to_cache_prepared(&DB::default())?,
            binds: DB::collect(query)?,
        })
    }

    /// The SELECT of the rows that it is about to change.
    pub(crate) fn part(&self, before: &RowsBefore, params: &[Param<'_>]) -> QueryResult<Self> {
        Ok(Self {
            text: self.text.other(&before.sql),
            end: String::new(),
            safe_to_keep: self.safe_to_keep,
            binds: DB::part_of(&self.binds, params, &before.parameters)?,
        })
    }

    pub(crate) fn statement(&self, types: &[(u32, u32)]) -> DB::Statement {
        let sql = format!("{}{}", self.text.sql, self.end);
        DB::statement(sql, self.safe_to_keep, &self.binds, types)
    }
}
