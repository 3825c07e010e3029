//! The rows of one result, kept ones first.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use diesel::{QueryResult, result::Error};
use diesel_async::AsyncConnectionCore;
use futures_core::Stream;

use super::WrappedAsyncConnection;
use crate::{backend::CachedBackend, row::CachedRow, rows::Rows, session::Session};

type Live<'conn, C> = <C as AsyncConnectionCore>::Stream<'conn, 'static>;
type LiveRow<'conn, C> = <C as AsyncConnectionCore>::Row<'conn, 'static>;
type Backend<C> = <C as AsyncConnectionCore>::Backend;

/// The rows of a query on a wrapped connection: kept ones, then those that were too many to keep,
/// as the driver delivers them.
#[must_use = "streams do nothing unless polled"]
pub struct CachedAsyncStream<'conn, C: WrappedAsyncConnection> {
    stored: Option<<Backend<C> as CachedBackend>::StoredRows<'conn>>,
    live: Option<Pin<Box<Live<'conn, C>>>>,
    error: Option<Error>,
    /// Hears of an error of the live rows.
    session: Option<&'conn mut Session>,
}

impl<'conn, C: WrappedAsyncConnection> CachedAsyncStream<'conn, C> {
    pub(super) fn stored(
        player: &'conn mut <Backend<C> as CachedBackend>::Player,
        rows: Arc<Rows>,
    ) -> QueryResult<Self> {
        Ok(Self {
            stored: Some(Backend::<C>::play(player, rows)?),
            live: None,
            error: None,
            session: None,
        })
    }

    /// The query failed after these rows.
    pub(super) fn failed(
        player: &'conn mut <Backend<C> as CachedBackend>::Player,
        rows: Arc<Rows>,
        error: Error,
    ) -> QueryResult<Self> {
        let mut stream = Self::stored(player, rows)?;
        stream.error = Some(error);
        Ok(stream)
    }

    pub(super) fn live(live: Live<'conn, C>, session: &'conn mut Session) -> Self {
        Self {
            stored: None,
            live: Some(Box::pin(live)),
            error: None,
            session: Some(session),
        }
    }

    /// After these rows comes the rest.
    pub(super) fn mixed(
        player: &'conn mut <Backend<C> as CachedBackend>::Player,
        rows: Arc<Rows>,
        live: Pin<Box<Live<'conn, C>>>,
    ) -> QueryResult<Self> {
        let mut stream = Self::stored(player, rows)?;
        stream.live = Some(live);
        Ok(stream)
    }
}

// Nothing in it is pinned but what stands on the heap.
impl<C: WrappedAsyncConnection> Unpin for CachedAsyncStream<'_, C> {}

impl<'conn, C: WrappedAsyncConnection> Stream for CachedAsyncStream<'conn, C> {
    type Item = QueryResult<CachedRow<LiveRow<'conn, C>, <Backend<C> as CachedBackend>::StoredRow>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(row) = this.stored.as_mut().and_then(Iterator::next) {
            return Poll::Ready(Some(row.map(CachedRow::Stored)));
        }
        this.stored = None;
        if let Some(live) = &mut this.live {
            match ready!(live.as_mut().poll_next(cx)) {
                Some(row) => {
                    if let (Err(error), Some(session)) = (&row, &mut this.session) {
                        session.read_failed(error);
                    }
                    return Poll::Ready(Some(row.map(CachedRow::Live)));
                }
                None => this.live = None,
            }
        }
        Poll::Ready(this.error.take().map(Err))
    }
}

impl<C: WrappedAsyncConnection> fmt::Debug for CachedAsyncStream<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedAsyncStream").finish_non_exhaustive()
    }
}
