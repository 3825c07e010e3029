//! The rows that the introspection queries returned.

use std::{collections::BTreeMap, fmt};

/// A catalog query's answer is missing or not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogError {
    query: String,
    problem: &'static str,
}

impl CatalogError {
    pub(super) fn new(query: &str, problem: &'static str) -> Self {
        Self {
            query: query.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot read the catalog: {} in the answer to query {}",
            self.problem, self.query
        )
    }
}

impl std::error::Error for CatalogError {}

/// All answers by query name.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_query: BTreeMap<String, Vec<Vec<Option<String>>>>,
}

/// One row of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    query: &'a str,
    fields: &'a [Option<String>],
}

impl Answers {
    pub(super) fn insert(&mut self, query: &str, rows: Vec<Vec<Option<String>>>) {
        self.by_query.insert(query.to_owned(), rows);
    }

    /// The rows of a query that must have been answered.
    pub(super) fn rows<'a>(
        &'a self,
        query: &'a str,
    ) -> Result<impl Iterator<Item = Row<'a>>, CatalogError> {
        match self.by_query.get(query) {
            Some(rows) if rows.len() > ROWS_MAX => Err(CatalogError::new(query, "too many rows")),
            Some(rows) => Ok(rows.iter().map(move |fields| Row { query, fields })),
            None => Err(CatalogError::new(query, "no rows")),
        }
    }

    /// The rows of an optional query, none when it failed.
    pub(super) fn optional_rows<'a>(&'a self, query: &'a str) -> impl Iterator<Item = Row<'a>> {
        let rows = self
            .by_query
            .get(query)
            .map(Vec::as_slice)
            .unwrap_or_default();
        rows.iter()
            .take(ROWS_MAX)
            .map(move |fields| Row { query, fields })
    }

    /// Whether an optional query was answered completely.
    pub(super) fn has(&self, query: &str) -> bool {
        self.by_query
            .get(query)
            .is_some_and(|rows| rows.len() <= ROWS_MAX)
    }
}

impl<'a> Row<'a> {
    /// The text of a field, if it is there and not NULL.
    pub(super) fn optional(self, field: usize) -> Option<&'a str> {
        self.fields.get(field)?.as_deref()
    }

    /// The text of a field that may not be NULL.
    pub(super) fn text(self, field: usize) -> Result<&'a str, CatalogError> {
        self.optional(field)
            .ok_or_else(|| CatalogError::new(self.query, "a missing field"))
    }

    /// A truth value in any spelling of the three databases.
    pub(super) fn flag(self, field: usize) -> Result<bool, CatalogError> {
        match self.text(field)? {
            "true" | "t" | "1" | "YES" => Ok(true),
            "false" | "f" | "0" | "NO" => Ok(false),
            _ => Err(CatalogError::new(self.query, "an unreadable truth value")),
        }
    }

    /// A number, if the field holds one.
    pub(super) fn number<T: std::str::FromStr>(self, field: usize) -> Option<T> {
        self.optional(field)?.parse().ok()
    }
}

/// A schema with more columns than this is not read: everything bounded.
const ROWS_MAX: usize = 500_000;
