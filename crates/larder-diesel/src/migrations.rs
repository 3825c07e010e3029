//! Diesel's migrations run on a wrapped connection as on any other.

use diesel::{QueryResult, migration::MigrationConnection};

use crate::{CachedConnection, connection::WrappedConnection};

impl<C: WrappedConnection + MigrationConnection> MigrationConnection for CachedConnection<C> {
    /// Makes the table of migrations, which no result can rest on yet: nothing is dropped for it.
    fn setup(&mut self) -> QueryResult<usize> {
        self.session.larder().unseen();
        let made = self.inner.setup();
        self.session.keeper().doubt();
        made
    }
}
