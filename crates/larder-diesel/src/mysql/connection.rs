//! What `MysqlConnection` has beside Diesel's traits.

use diesel::mysql::MysqlConnection;

use crate::{StoredRow, WrappedConnection, save::FetchesAfterUpdate};

impl WrappedConnection for MysqlConnection {
    fn detach<'conn>(_row: Self::Row<'conn, '_>, _names: &mut ()) -> Option<StoredRow>
    where
        Self: 'conn,
    {
        None
    }
}

impl FetchesAfterUpdate for MysqlConnection {}
