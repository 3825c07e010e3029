//! The rows of one result, kept ones first.

use std::{fmt, sync::Arc, vec};

use diesel::{
    QueryResult,
    connection::{DefaultLoadingMode, LoadConnection},
    result::Error,
};

use crate::{
    backend::CachedBackend, connection::WrappedConnection, row::CachedRow, rows::Rows,
    session::Session,
};

type LiveCursor<'conn, 'query, C> =
    <C as LoadConnection<DefaultLoadingMode>>::Cursor<'conn, 'query>;
type LiveRow<'conn, 'query, C> = <C as LoadConnection<DefaultLoadingMode>>::Row<'conn, 'query>;

/// The rows of a query on a wrapped connection: kept ones, then those that were too many to keep,
/// as the driver delivers them.
pub struct CachedCursor<'conn, 'query, C: WrappedConnection + 'conn> {
    detached: vec::IntoIter<<C::Backend as CachedBackend>::StoredRow>,
    stored: Option<<C::Backend as CachedBackend>::StoredRows<'conn>>,
    next: Option<LiveRow<'conn, 'query, C>>,
    live: Option<LiveCursor<'conn, 'query, C>>,
    error: Option<Error>,
    /// Hears of an error of the live rows.
    session: Option<&'conn mut Session>,
}

impl<'conn, C: WrappedConnection> CachedCursor<'conn, '_, C> {
    pub(crate) fn stored(
        player: &'conn mut <C::Backend as CachedBackend>::Player,
        rows: Arc<Rows>,
    ) -> QueryResult<Self> {
        Ok(Self {
            detached: Vec::new().into_iter(),
            stored: Some(C::Backend::play(player, rows)?),
            next: None,
            live: None,
            error: None,
            session: None,
        })
    }

    /// Rows that were kept, and are at hand as well.
    pub(crate) fn detached(rows: Vec<<C::Backend as CachedBackend>::StoredRow>) -> Self {
        Self {
            detached: rows.into_iter(),
            stored: None,
            next: None,
            live: None,
            error: None,
            session: None,
        }
    }

    /// The query failed after these rows.
    pub(crate) fn failed(
        player: &'conn mut <C::Backend as CachedBackend>::Player,
        rows: Arc<Rows>,
        error: Error,
    ) -> QueryResult<Self> {
        let mut cursor = Self::stored(player, rows)?;
        cursor.error = Some(error);
        Ok(cursor)
    }
}

impl<'conn, 'query, C: WrappedConnection> CachedCursor<'conn, 'query, C> {
    pub(crate) fn live(
        live: LiveCursor<'conn, 'query, C>,
        session: Option<&'conn mut Session>,
    ) -> Self {
        Self {
            detached: Vec::new().into_iter(),
            stored: None,
            next: None,
            live: Some(live),
            error: None,
            session,
        }
    }

    /// After these rows comes one that could not be kept, then the rest.
    pub(crate) fn mixed(
        player: &'conn mut <C::Backend as CachedBackend>::Player,
        rows: Arc<Rows>,
        next: Option<LiveRow<'conn, 'query, C>>,
        live: LiveCursor<'conn, 'query, C>,
    ) -> QueryResult<Self> {
        let mut cursor = Self::stored(player, rows)?;
        cursor.next = next;
        cursor.live = Some(live);
        Ok(cursor)
    }
}

impl<'conn, 'query, C: WrappedConnection> Iterator for CachedCursor<'conn, 'query, C> {
    type Item =
        QueryResult<CachedRow<LiveRow<'conn, 'query, C>, <C::Backend as CachedBackend>::StoredRow>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.detached.next() {
            return Some(Ok(CachedRow::Stored(row)));
        }
        if let Some(row) = self.stored.as_mut().and_then(Iterator::next) {
            return Some(row.map(CachedRow::Stored));
        }
        self.stored = None;
        if let Some(row) = self.next.take() {
            return Some(Ok(CachedRow::Live(row)));
        }
        if let Some(row) = self.live.as_mut().and_then(Iterator::next) {
            if let (Err(error), Some(session)) = (&row, &mut self.session) {
                session.read_failed(error);
            }
            return Some(row.map(CachedRow::Live));
        }
        self.error.take().map(Err)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let hint = |it: Option<(usize, Option<usize>)>| it.unwrap_or((0, Some(0)));
        let stored = hint(self.stored.as_ref().map(Iterator::size_hint));
        let live = hint(self.live.as_ref().map(Iterator::size_hint));
        let own = self.detached.len()
            + usize::from(self.next.is_some())
            + usize::from(self.error.is_some());
        let most = stored
            .1
            .zip(live.1)
            .map(|(stored, live)| stored + live + own);
        (stored.0 + live.0 + own, most)
    }
}

impl<C: WrappedConnection> fmt::Debug for CachedCursor<'_, '_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCursor").finish_non_exhaustive()
    }
}
