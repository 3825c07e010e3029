//! How one connection is wrapped.

use std::{sync::Arc, time::Duration};

/// How one connection is wrapped.
#[derive(Clone, Debug)]
#[must_use]
pub struct WrapConfig {
    pub(crate) source: Option<Arc<str>>,
    pub(crate) catalog_refresh: Duration,
    pub(crate) exact_rows: bool,
    pub(crate) replica: Option<Replica>,
    pub(crate) scope: Option<Arc<str>>,
}

/// What reads from a replica may do with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replica {
    /// They are answered from the cache, and what the replica says is not stored: it may be older
    /// than a write that has already invalidated.
    ReadThrough,
    /// The replica shows every write before the write returns to its caller (PostgreSQL's
    /// `synchronous_commit = remote_apply`, Galera with `wsrep_sync_wait`), so that its answers are
    /// as good as the primary's.
    DeclaredSafe,
}

impl WrapConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            source: None,
            catalog_refresh: CATALOG_REFRESH,
            exact_rows: true,
            replica: None,
            scope: None,
        }
    }

    /// Which database this is. Must be the same wherever it is the same database, and different
    /// wherever it is not. Default: the identity that the server reports; where it reports none,
    /// nothing is cached without this.
    pub fn source(mut self, id: impl Into<Arc<str>>) -> Self {
        self.source = Some(id.into());
        self
    }

    /// Says that this connection reads a replica. Both handles need the same [`source`](Self::source)
    /// to share results, since the servers report an identity each.
    ///
    /// Default: what the server says when the catalog is read. A PostgreSQL server in recovery and a
    /// MySQL or MariaDB server that is `read_only` are taken for [`Replica::ReadThrough`], any other
    /// for a primary.
    pub fn replica(mut self, replica: Replica) -> Self {
        self.replica = Some(replica);
        self
    }

    /// Whose rows the sessions of this connection see: a tenant, for row-level security (PostgreSQL).
    /// Results are kept for each scope apart; a write drops in all of them. Whoever names it vouches
    /// that every session behind it sees what that tenant may see and nothing else: that it was
    /// opened with the tenant's role or setting, and keeps it.
    ///
    /// Default: none, so that nothing of a table with row-level security is cached.
    pub fn scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The scope, if one is named.
    #[must_use]
    pub fn named_scope(&self) -> Option<&Arc<str>> {
        self.scope.as_ref()
    }

    /// How often the schema is read again, for changes by other processes. DDL through the wrapper
    /// is noticed at once. Default: 5 minutes. Zero: before every miss and every write.
    pub fn catalog_refresh(mut self, every: Duration) -> Self {
        self.catalog_refresh = every;
        self
    }

    /// Whether [`exact_rows`](Self::exact_rows) is on.
    #[must_use]
    pub fn has_exact_rows(&self) -> bool {
        self.exact_rows
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
