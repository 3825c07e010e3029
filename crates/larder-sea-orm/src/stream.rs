//! Streams: never cached; one that writes invalidates at its end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use larder_signals::{Planned, Returned, WriteGuard};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, StreamTrait};

use crate::{CachedConnection, failure, shared::Shared, told, write};

impl<C> StreamTrait for CachedConnection<C>
where
    C: ConnectionTrait + StreamTrait + 'static,
{
    type Stream<'a>
        = CachedStream<C::Stream<'a>>
    where
        C: 'a;

    fn get_database_backend(&self) -> DbBackend {
        StreamTrait::get_database_backend(self.inner())
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            let planned = self.shared().plan(self.inner(), &statement.sql).await;
            match &planned {
                Some(planned) if planned.only_reads() => self.shared().track(&statement).await,
                Some(_) => {}
                None => self.larder().unseen(),
            }
            let Some(planned) = planned.filter(|planned| !planned.only_reads()) else {
                let stream = self.inner().stream_raw(statement).await?;
                self.shared().tracked();
                return Ok(CachedStream {
                    inner: Box::pin(stream),
                    end: End::Nothing,
                });
            };
            write::allowed(self.shared(), &planned)?;
            let mut guard = write::guard(self.shared(), &planned);
            guard.sent();
            let writing = Writing {
                guard,
                planned,
                statement: statement.clone(),
                shared: self.shared().clone(),
            };
            match self.inner().stream_raw(statement).await {
                Ok(stream) => Ok(CachedStream {
                    inner: Box::pin(stream),
                    end: End::Writing(Box::new(writing)),
                }),
                Err(error) => {
                    writing.end(Some(&error)).await;
                    Err(error)
                }
            }
        })
    }
}

/// The stream of a wrapped connection.
#[must_use = "streams do nothing unless polled"]
pub struct CachedStream<S> {
    inner: Pin<Box<S>>,
    end: End,
}

impl<S> CachedStream<S> {
    /// A stream inside a transaction, with what is to be delivered at its end.
    pub(crate) fn inside(stream: S, guard: Option<WriteGuard>) -> Self {
        Self {
            inner: Box::pin(stream),
            end: guard.map_or(End::Nothing, |guard| End::Known(Box::new(guard))),
        }
    }
}

/// What is left to do at the end.
enum End {
    Nothing,
    /// The rows come from a write. Dropped before its end, its outcome is not known.
    Writing(Box<Writing>),
    /// They come from a statement inside a transaction, of which some shows before COMMIT.
    Known(Box<WriteGuard>),
    /// The last item waits until its invalidation is delivered.
    Delivering(
        Pin<Box<dyn Future<Output = ()> + Send>>,
        Option<Result<QueryResult, DbErr>>,
    ),
    Over,
}

struct Writing {
    guard: WriteGuard,
    planned: Planned,
    statement: Statement,
    shared: Arc<Shared>,
}

impl Writing {
    /// Rows that went by were not looked at: the change is what the statement tells.
    async fn end(mut self, error: Option<&DbErr>) {
        self.shared.look_at(error);
        if self.planned.changes_schema() {
            self.shared.schema_changed();
        }
        let guard = &mut self.guard;
        let exact = self.shared.has_exact_rows();
        match error.map(failure::of) {
            None => told::tell(&self.planned, exact, &self.statement, None, |params, _| {
                guard.succeeded(params, Returned::Nothing);
            }),
            Some(Some(failure)) => {
                told::tell(&self.planned, exact, &self.statement, None, |params, _| {
                    guard.failed(params, failure);
                })
            }
            Some(None) => return self.guard.handed_over(),
        }
        self.guard.deliver().await;
    }
}

impl<S> Stream for CachedStream<S>
where
    S: Stream<Item = Result<QueryResult, DbErr>>,
{
    type Item = Result<QueryResult, DbErr>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if matches!(this.end, End::Nothing | End::Writing(_) | End::Known(_)) {
            let item = ready!(this.inner.as_mut().poll_next(cx));
            let goes_on = matches!(item, Some(Ok(_)));
            this.end = match std::mem::replace(&mut this.end, End::Nothing) {
                End::Writing(writing) if !goes_on => {
                    let error = item.as_ref().and_then(|item| item.as_ref().err()).cloned();
                    let delivery = async move { writing.end(error.as_ref()).await };
                    End::Delivering(Box::pin(delivery), item)
                }
                End::Known(guard) if !goes_on => End::Delivering(Box::pin(guard.deliver()), item),
                end => {
                    this.end = end;
                    return Poll::Ready(item);
                }
            };
        }
        if let End::Delivering(delivery, item) = &mut this.end {
            ready!(delivery.as_mut().poll(cx));
            let item = item.take();
            this.end = End::Over;
            return Poll::Ready(item);
        }
        Poll::Ready(None)
    }
}

impl<S> fmt::Debug for CachedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStream").finish_non_exhaustive()
    }
}
