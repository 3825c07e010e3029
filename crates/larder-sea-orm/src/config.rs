//! How one connection is wrapped.

use std::{sync::Arc, time::Duration};

/// How one connection is wrapped; see [`CachedConnection::wrap`](crate::CachedConnection::wrap).
#[derive(Clone, Debug)]
#[must_use]
pub struct WrapConfig {
    pub(crate) source: Option<Arc<str>>,
    pub(crate) catalog_refresh: Duration,
    pub(crate) exact_rows: bool,
}

impl WrapConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            source: None,
            catalog_refresh: CATALOG_REFRESH,
            exact_rows: true,
        }
    }

    /// Which database this is. Must be the same wherever it is the same database, and different
    /// wherever it is not. Default: the identity that the server reports; where it reports none,
    /// nothing is cached without this.
    pub fn source(mut self, id: impl Into<Arc<str>>) -> Self {
        self.source = Some(id.into());
        self
    }

    /// How often the schema is read again, for changes by other processes. DDL through the wrapper
    /// is noticed at once. Default: 5 minutes. Zero: before every miss and every write.
    pub fn catalog_refresh(mut self, every: Duration) -> Self {
        self.catalog_refresh = every;
        self
    }

    /// Whether rows of the connection say NULL only for NULL. Rows of SeaORM's `proxy` and `mock`
    /// say it for whatever they cannot decode, so nothing is learnt from them. Default: they do.
    pub fn exact_rows(mut self, exact: bool) -> Self {
        self.exact_rows = exact;
        self
    }
}

impl Default for WrapConfig {
    fn default() -> Self {
        Self::new()
    }
}

const CATALOG_REFRESH: Duration = Duration::from_secs(5 * 60);
