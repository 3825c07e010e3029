//! SQLite.

mod definition;
mod kinds;
mod queries;
mod read;

use super::CatalogQuery;
pub(super) use read::read;

pub(super) const QUERIES: &[CatalogQuery] = queries::QUERIES;
pub(super) const IDENTITY: CatalogQuery = queries::IDENTITY;

/// The file. A database in memory has none: every connection is a database of its own.
pub(super) fn identity(row: &[Option<String>]) -> Option<String> {
    match row.first() {
        Some(Some(file)) if !file.is_empty() => Some(format!("sqlite:{file}")),
        _ => None,
    }
}
