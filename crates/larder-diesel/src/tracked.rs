//! Reads that go past the cache while a memo runs.

use diesel::query_builder::QueryFragment;
use larder_signals::Planned;

use crate::{CachedConnection, backend::CachedBackend as _, connection::WrappedConnection};

impl<C: WrappedConnection> CachedConnection<C> {
    /// Lets a memo that runs here rest on a read that goes past the cache, and is sent next.
    pub(crate) fn track<T>(&mut self, planned: &Planned, source: &T)
    where
        T: QueryFragment<C::Backend>,
    {
        if !self.session.may_track(planned) {
            return;
        }
        let larder = self.session.larder().clone();
        match C::Backend::params(source, &mut self.player) {
            Ok(params) => larder.track_blocking(&self.session.passing(planned, &params)),
            Err(_) => larder.unseen(),
        }
    }
}
