//! `.cached()` for connections that do not block.

use std::sync::Arc;

use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    query_builder::{AsQuery, QueryFragment, QueryId},
    query_dsl::CompatibleType,
    result::Error,
};
use futures_util::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::{BoxFuture, ready},
};
use larder_signals::{Planned, ReadOptions};

use super::{CachedAsyncConnection, CachedAsyncStream, Collected, WrappedAsyncConnection};
use crate::{
    session::{Answer, Kept},
    typed::{self, Cached, Typed, TypedConnection, TypedLoad},
};

impl<C: WrappedAsyncConnection> TypedConnection for CachedAsyncConnection<C> {
    type Answer<'c, T: Send + 'static> = BoxFuture<'c, QueryResult<T>>;
}

impl<'q, Q, U, ST, C> TypedLoad<'q, Q, U> for CachedAsyncConnection<C>
where
    U: Typed + FromSqlRow<ST, C::Backend>,
    ST: 'static,
    C: WrappedAsyncConnection,
    C::Backend: QueryMetadata<Q::SqlType>,
    Q: AsQuery,
    Q::Query: QueryFragment<C::Backend> + QueryId,
    Q::SqlType: CompatibleType<U, C::Backend, SqlType = ST>,
{
    fn load_typed<T: Send + 'static>(
        &mut self,
        cached: Cached<Q>,
        take: fn(Arc<Vec<U>>) -> QueryResult<T>,
    ) -> Self::Answer<'_, T> {
        let wish = cached.wish();
        match Collected::of(&self.session, &cached.query.as_query()) {
            Ok(collected) => {
                async move { take(shared::<U, Q::SqlType, ST, C>(self, &collected, wish).await?) }
                    .boxed()
            }
            Err(error) => ready(Err(error)).boxed(),
        }
    }
}

/// `S`: the columns of the query; `ST`: those that it gives to one value.
async fn shared<U, S, ST, C>(
    connection: &mut CachedAsyncConnection<C>,
    collected: &Collected<C::Backend>,
    wish: Option<ReadOptions>,
) -> QueryResult<Arc<Vec<U>>>
where
    U: Typed + FromSqlRow<ST, C::Backend>,
    C: WrappedAsyncConnection,
{
    connection.prepare().await;
    let planned = connection.session.plan_text(&collected.text);
    if !planned.only_reads() {
        let rows = connection.load_written(&planned, collected).await?;
        return decoded(rows).await.map(Arc::new);
    }
    match answer::<U, S, C>(connection, &planned, collected, wish).await {
        Answer::Hit(result) => Ok(result),
        Answer::Pass => decoded(connection.pass(collected).await?)
            .await
            .map(Arc::new),
        Answer::Fill(fill) => {
            let result = Arc::new(decoded(connection.pass(collected).await?).await?);
            // Its server may have become a standby meanwhile (P9).
            if !connection.session.keeper().lags() {
                let bytes = typed::weight(&*result);
                fill.store(Arc::clone(&result) as Kept, bytes).await;
            }
            Ok(result)
        }
    }
}

async fn answer<U, S, C>(
    connection: &mut CachedAsyncConnection<C>,
    planned: &Planned,
    collected: &Collected<C::Backend>,
    wish: Option<ReadOptions>,
) -> Answer<Vec<U>>
where
    U: Typed,
    C: WrappedAsyncConnection,
{
    let now = connection.answer_now(planned, collected, &typed::kept_as::<U, S>(), wish);
    connection.answer_to(now).await
}

async fn decoded<U, ST, C>(rows: CachedAsyncStream<'_, C>) -> QueryResult<Vec<U>>
where
    U: Typed + FromSqlRow<ST, C::Backend>,
    C: WrappedAsyncConnection,
{
    rows.map(|row| U::build_from_row(&row?).map_err(Error::DeserializationError))
        .try_collect()
        .await
}
