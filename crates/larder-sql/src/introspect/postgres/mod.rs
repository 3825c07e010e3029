//! PostgreSQL.

mod kinds;
mod policies;
mod queries;
mod read;

use std::fmt::Write as _;

use super::CatalogQuery;
pub(super) use read::read;

pub(super) const QUERIES: &[CatalogQuery] = queries::QUERIES;
pub(super) const IDENTITY: CatalogQuery = queries::IDENTITY;
pub(super) const STANDBY: CatalogQuery = queries::STANDBY;

/// Both parts of the row are the server's own: the way by which a client reached it (socket,
/// address, proxy) must not make two sources of one database.
pub(super) fn identity(row: &[Option<String>]) -> Option<String> {
    let [Some(system), Some(port), Some(database)] = row else {
        return None;
    };
    let mut id = String::from("postgres:");
    write!(id, "{system}:{port}/{database}").ok()?;
    Some(id)
}
