//! What becomes of a query, for people who ask.

use std::future::Future;

use diesel::{
    QueryResult,
    query_builder::{QueryFragment, QueryId},
};
use larder_signals::Explanation;

use super::{AsyncBackend, CachedAsyncConnection, Collected, WrappedAsyncConnection};

impl<C: WrappedAsyncConnection> CachedAsyncConnection<C> {
    /// What becomes of a query on this connection, and why: as
    /// [`CachedConnection::explain`](crate::CachedConnection::explain).
    ///
    /// # Errors
    /// Those of Diesel when it writes the query down.
    pub fn explain<T>(
        &mut self,
        query: &T,
    ) -> impl Future<Output = QueryResult<Explanation>> + Send + use<'_, T, C>
    where
        T: QueryFragment<C::Backend> + QueryId,
    {
        let collected = Collected::of(&self.session, query);
        async move { self.explained(collected?).await }
    }

    async fn explained(&mut self, collected: Collected<C::Backend>) -> QueryResult<Explanation> {
        self.prepare().await;
        let planned = self.session.plan_text(&collected.text);
        let params = C::Backend::params_of(&collected.binds, &mut self.player)?;
        let call = self.session.explain_call(&planned, &params);
        Ok(self.larder().explain(&call).await)
    }
}
