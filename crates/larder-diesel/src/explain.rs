//! What becomes of a query, for people who ask.

use diesel::{
    QueryResult,
    query_builder::{QueryFragment, QueryId},
};
use larder_core::{BypassReason, Param};
use larder_signals::{ExplainCall, Explanation, Planned, PoliciesKnown};
use larder_sql::plan::Reason;

use crate::{
    CachedConnection, backend::CachedBackend, connection::WrappedConnection, session::Session,
};

impl<C: WrappedConnection> CachedConnection<C> {
    /// What becomes of a query on this connection, and why: whether it is cached and for how long,
    /// what its result rests on and which writes drop it; of a write, what it drops. The query is
    /// not run. Print it, or read its fields.
    ///
    /// It takes what Diesel takes for a query: `posts::table.filter(..)`, `diesel::update(..)`,
    /// `sql_query(..)`; of a bare table `posts::table.as_query()`.
    ///
    /// # Errors
    /// Those of Diesel when it writes the query down.
    pub fn explain<T>(&mut self, query: &T) -> QueryResult<Explanation>
    where
        T: QueryFragment<C::Backend> + QueryId,
    {
        self.prepare();
        let text = self.session.text::<C::Backend, T>(query)?;
        let planned = self.session.plan_text(&text);
        let params = C::Backend::params(query, &mut self.player)?;
        let call = self.session.explain_call(&planned, &params);
        Ok(self.larder().explain_blocking(&call))
    }
}

impl Session {
    /// The question what becomes of a statement.
    pub(crate) fn explain_call<'a>(
        &'a self,
        planned: &'a Planned,
        params: &'a [Param<'a>],
    ) -> ExplainCall<'a> {
        let options = self.options();
        let unready = || {
            let unready = self.keeper().ready().is_none();
            unready.then(|| BypassReason::Uncacheable(Reason::new("catalog not loaded")))
        };
        let uncached = || {
            let uncached = options.is_none();
            uncached
                .then(|| BypassReason::Uncacheable(Reason::new("the scope around it is uncached")))
        };
        let options = options.unwrap_or_default();
        ExplainCall {
            source: &planned.source,
            prepared: &planned.prepared,
            params,
            options,
            scope: self.named_scope(),
            refusal: self
                .refusal(&planned.prepared, options.mode)
                .or_else(uncached)
                .or_else(unready),
            policies: PoliciesKnown::Here,
        }
    }
}
