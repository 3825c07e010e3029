//! MySQL and MariaDB.

mod kinds;
mod queries;
mod read;

use super::CatalogQuery;
pub(super) use read::read;

pub(super) const QUERIES: &[CatalogQuery] = queries::QUERIES;
pub(super) const IDENTITY: CatalogQuery = queries::IDENTITY;
pub(super) const STANDBY: CatalogQuery = queries::STANDBY;

/// Host name, port, database and, where the server has one, its id.
pub(super) fn identity(row: &[Option<String>]) -> Option<String> {
    let [Some(host), Some(port), Some(database), id @ ..] = row else {
        return None;
    };
    let id = id.first().and_then(Option::as_deref).unwrap_or_default();
    Some(format!("mysql:{id}@{host}:{port}/{database}"))
}
