//! What becomes of a query, for people who ask.

use std::{future::Future, sync::Arc};

use larder_core::{BypassReason, ReadMode};
use larder_signals::{ExplainCall, Explanation, PoliciesKnown, ReadOptions};
use larder_sql::plan::Reason;
use sea_orm::{ConnectionTrait, QueryTrait, Statement};

use crate::{CachedConnection, param::Params, query::Cached, shared::Shared};

impl<C> CachedConnection<C>
where
    C: ConnectionTrait + Send + Sync + 'static,
{
    /// What becomes of a query on this connection, and why: whether it is cached and for how long,
    /// what its result rests on and which writes drop it; of a write, what it drops. Selects of a
    /// cached model, plain ones, inserts, updates and deletes. The query is not run. Print it, or
    /// read its fields.
    ///
    /// # Examples
    ///
    /// ```ignore
    /// let query = post::Entity::find().filter(post::Column::AuthorId.eq(3));
    /// println!("{}", db.explain(&query).await);
    /// ```
    pub fn explain<Q: QueryTrait>(
        &self,
        query: &Q,
    ) -> impl Future<Output = Explanation> + Send + use<'_, Q, C> {
        let statement = query.build(self.get_database_backend());
        async move { self.explained(&statement, ReadOptions::default()).await }
    }

    /// [`explain`](Self::explain) of a statement as text.
    pub async fn explain_statement(&self, statement: &Statement) -> Explanation {
        self.explained(statement, ReadOptions::default()).await
    }

    async fn explained(&self, statement: &Statement, options: ReadOptions) -> Explanation {
        let shared = self.shared();
        shared.keep(self.inner()).await;
        let planned = shared.planned(self.get_database_backend(), &statement.sql);
        let dialect = planned.source.dialect();
        let params = match planned.prepared.read() {
            Some(_) => Params::of_read(statement, &[], dialect),
            None => Params::of_write(statement, dialect),
        };
        let call = ExplainCall {
            source: &planned.source,
            prepared: &planned.prepared,
            params: &params.values,
            options,
            scope: shared.scope(),
            refusal: refusal(shared, params.exact, options),
            policies: PoliciesKnown::Here,
        };
        self.larder().explain(&call).await
    }
}

impl<Q: QueryTrait> Cached<Q>
where
    Self: QueryTrait,
{
    /// [`CachedConnection::explain`] with what the query itself asks for
    /// ([`ttl`](Self::ttl), [`allow_stale`](Self::allow_stale)).
    pub fn explain<C>(
        &self,
        db: &CachedConnection<C>,
    ) -> impl Future<Output = Explanation> + Send + use<Q, C>
    where
        C: ConnectionTrait + Send + Sync + 'static,
    {
        let statement = self.build(db.get_database_backend());
        let (db, options) = (db.clone(), self.options());
        async move { db.explained(&statement, options).await }
    }
}

fn refusal(shared: &Arc<Shared>, exact: bool, options: ReadOptions) -> Option<BypassReason> {
    shared
        .refusal(exact, options.mode == ReadMode::Refresh)
        .or_else(|| {
            let unready = shared.keeper().ready().is_none();
            unready.then(|| BypassReason::Uncacheable(Reason::new("catalog not loaded")))
        })
}
