//! Setting up a [`Larder`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use larder_core::{
    Cache, CacheOptions, Clock, Codec, Entropy, Error, FunctionLists, Limits, Observer, Policy,
    SourceLimits, Stores,
};

use crate::{
    ChangeLimits, Larder, Undelivered, delivery::Delivery, hooks::Hooks, larder::Inner,
    policy::Policies, read_hooks::ReadHooks, reporting::Reporting, sources::Sources,
};

/// Builds a [`Larder`]. The namespace and the store are mandatory.
#[must_use]
pub struct LarderBuilder {
    pub(crate) namespace: Option<String>,
    pub(crate) store: Option<Stores>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) never: BTreeSet<String>,
    pub(crate) default_policy: Option<Policy>,
    pub(crate) enabled: bool,
    pub(crate) cache: CacheOptions,
    pub(crate) source_limits: SourceLimits,
    pub(crate) change_limits: ChangeLimits,
    pub(crate) functions: FunctionLists,
    pub(crate) uncertain_for: Duration,
    pub(crate) hook_images: bool,
    pub(crate) undelivered: Undelivered,
    pub(crate) entry_version: Arc<str>,
    #[cfg(feature = "config")]
    pub(crate) settings: Option<crate::Settings>,
    pub(crate) report_every: Duration,
}

/// Zero stands for "no larder".
static NEXT_ID: AtomicU64 = AtomicU64::new(1);
const REPORT_EVERY: Duration = Duration::from_secs(10);
const UNCERTAIN_FOR: Duration = Duration::from_secs(5 * 60);
const NAMESPACE_MAX: usize = 64;
const ENABLED_VARIABLE: &str = "LARDER_ENABLED";

impl LarderBuilder {
    /// Keeps this application's entries apart from others in the same store: letters, digits, `-`
    /// and `_`, at most 64. Mandatory.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Where entries are kept. Mandatory.
    pub fn store(mut self, store: impl Into<Stores>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// The policy of tables that have none of their own. Default: none, so that nothing is cached
    /// unless a model or [`LarderBuilder::policy`] says so.
    pub fn default_policy(mut self, policy: Policy) -> Self {
        self.default_policy = Some(policy);
        self
    }

    /// The policy of `table` or `schema.table`, instead of the one that its model declares.
    ///
    /// The name may be a glob: `*` stands for any characters, `?` for one. A glob with a dot is
    /// compared with `schema.table`, one without with the table's name. An exact name counts before
    /// a glob, a longer glob before a shorter one, and `never` before all of them; a model that says
    /// `never` is overruled by an exact name alone.
    pub fn policy(mut self, table: impl Into<String>, policy: Policy) -> Self {
        self.policies.insert(table.into(), policy);
        self
    }

    /// Tables of which no query is cached, by names and globs as [`policy`](Self::policy) takes
    /// them. Calls add up. Default: none. Writes to them invalidate as ever.
    pub fn never<T: Into<String>>(mut self, tables: impl IntoIterator<Item = T>) -> Self {
        self.never.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Whether reads may be cached. Default: true. The environment variable
    /// `LARDER_ENABLED=false` says no as well. See [`Larder::disable`].
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Hears of hits, misses, fills, invalidations and faults. Default: nobody. May be called more
    /// than once: each hears all, in the order of the calls.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.cache.observers.push(observer);
        self
    }

    /// How often this process writes what it has counted into a store outside it, where the `larder`
    /// command and `RedisStore::reports` find it: totals, tables, and the 50 statements that saved
    /// most time with 25 each that miss and that go past the cache most often, without parameters and
    /// literals. A report lives for three periods; one that cannot be written is only counted.
    /// Default: 10 s. Zero: never. Without effect on a memory store.
    pub fn report_every(mut self, period: Duration) -> Self {
        self.report_every = period;
        self
    }

    /// Tells the time. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.cache.clock = clock;
        self
    }

    /// Makes stamps and jitter replay, for tests. Default: random. Never share a store between two
    /// larders with one seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.cache.entropy = Entropy::seeded(seed);
        self
    }

    /// Bytes of decoded results that are kept in process memory beside a store outside it. They are
    /// served only when the store confirms that nothing they rest on was written, so that they are
    /// never staler than the store. Default: 64 MiB. Zero: none. Without effect on a memory store.
    pub fn near_cache_bytes(mut self, bytes: usize) -> Self {
        self.cache.near_bytes = bytes;
        self
    }

    /// How results are written down for a store outside the process. Entries say how they are
    /// written: processes with different codecs read each other's. Default: MessagePack.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.cache.codec = codec;
        self
    }

    /// The bounds of the protocol.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.cache.limits = limits;
        self
    }

    /// The bounds of plans and dependencies.
    pub fn source_limits(mut self, limits: SourceLimits) -> Self {
        self.source_limits = limits;
        self
    }

    /// How many rows and tables of a write are told apart.
    pub fn change_limits(mut self, limits: ChangeLimits) -> Self {
        self.change_limits = limits;
        self
    }

    /// Whether hooks are told the values of rows, which may be personal data. Default: false.
    pub fn hook_images(mut self, images: bool) -> Self {
        self.hook_images = images;
        self
    }

    /// Functions of the database that you vouch for.
    pub fn functions(mut self, functions: FunctionLists) -> Self {
        self.functions = functions;
        self
    }

    /// How long a write of unknown outcome is expected to commit at the latest (W4). Its tables are
    /// not read from the cache for so long. Default: 5 minutes. Zero: its records drop once.
    pub fn uncertain_for(mut self, duration: Duration) -> Self {
        self.uncertain_for = duration;
        self
    }

    /// Keeps results of this version of the application apart from those of others on the same store,
    /// while writes of all of them invalidate each other's. Change it when a type *inside* a result
    /// changes that is written by its serde form (the type of a JSON column, an enum), or a decoding
    /// of your own does: the fields of a derived row and their types' names are part of the key
    /// already, what is inside those types is not. Default: empty.
    pub fn entry_version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.entry_version = version.into();
        self
    }

    /// What becomes of writes while the store cannot be reached. Default: they go on.
    pub fn undelivered(mut self, undelivered: Undelivered) -> Self {
        self.undelivered = undelivered;
        self
    }

    /// The larder.
    ///
    /// # Errors
    ///
    /// `Config` when the namespace or the store is missing, the namespace has other characters, a
    /// policy has no way to a TTL or a TTL of zero, `LARDER_ENABLED` is neither true nor false, or
    /// settings name a store that is not `memory` and that nobody has made.
    pub fn build(self) -> Result<Larder, Error> {
        #[cfg(feature = "config")]
        let mut this = self.configured()?;
        #[cfg(not(feature = "config"))]
        let mut this = self;
        for table in mem::take(&mut this.never) {
            this.policies.insert(table, Policy::never());
        }
        this.assemble()
    }

    fn assemble(self) -> Result<Larder, Error> {
        let namespace: Arc<str> = checked_namespace(self.namespace)?.into();
        let store = self.store.ok_or_else(|| Error::config("no store is set"))?;
        check_policies(&self.policies, self.default_policy.as_ref())?;
        let enabled = self.enabled && enabled_by(std::env::var_os(ENABLED_VARIABLE))?;
        let mut options = self.cache;
        options.namespace = namespace.clone();
        let cache = Cache::new(store, options);
        let inner = Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            namespace,
            enabled: AtomicBool::new(enabled),
            policies: Policies::new(self.policies, self.default_policy),
            sources: Sources::default(),
            source_limits: self.source_limits,
            change_limits: self.change_limits,
            functions: self.functions,
            hooks: Hooks::new(self.hook_images),
            read_hooks: ReadHooks::default(),
            reporting: Reporting::default(),
            delivery: Delivery::new(cache.clone(), self.change_limits),
            uncertain_for: self.uncertain_for,
            undelivered: self.undelivered,
            entry_version: self.entry_version,
            cache,
        };
        let inner = Arc::new(inner);
        inner.reporting.start(&inner, self.report_every);
        Ok(Larder { inner })
    }
}

impl Default for LarderBuilder {
    fn default() -> Self {
        Self {
            namespace: None,
            store: None,
            policies: BTreeMap::new(),
            never: BTreeSet::new(),
            default_policy: None,
            enabled: true,
            cache: CacheOptions::default(),
            source_limits: SourceLimits::default(),
            change_limits: ChangeLimits::default(),
            functions: FunctionLists::default(),
            uncertain_for: UNCERTAIN_FOR,
            hook_images: false,
            undelivered: Undelivered::default(),
            entry_version: Arc::from(""),
            #[cfg(feature = "config")]
            settings: None,
            report_every: REPORT_EVERY,
        }
    }
}

impl fmt::Debug for LarderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LarderBuilder")
            .field("namespace", &self.namespace)
            .field("policies", &self.policies)
            .field("default_policy", &self.default_policy)
            .finish_non_exhaustive()
    }
}

pub(crate) fn checked_namespace(namespace: Option<String>) -> Result<String, Error> {
    let namespace = namespace.ok_or_else(|| Error::config("no namespace is set"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if namespace.is_empty() || namespace.len() > NAMESPACE_MAX || !namespace.chars().all(allowed) {
        return Err(Error::config(format!(
            "the namespace must be 1 to {NAMESPACE_MAX} letters, digits, `-` or `_`"
        )));
    }
    Ok(namespace)
}

fn check_policies(
    policies: &BTreeMap<String, Policy>,
    default: Option<&Policy>,
) -> Result<(), Error> {
    let zero = |policy: &Policy| policy.ttl().is_some_and(|ttl| ttl.is_zero());
    if let Some(default) = default {
        if zero(default) {
            return Err(Error::config("the default policy has a ttl of zero"));
        }
        if default.ttl().is_none() && !default.is_never() {
            return Err(Error::config("the default policy has no ttl"));
        }
    }
    let default_ttl = default.and_then(Policy::ttl);
    for (table, policy) in policies {
        if zero(policy) {
            return Err(Error::config(format!(
                "the policy of `{table}` has a ttl of zero"
            )));
        }
        if policy.ttl().is_none() && !policy.is_never() && default_ttl.is_none() {
            return Err(Error::config(format!(
                "the policy of `{table}` has no ttl and there is no default policy with one"
            )));
        }
    }
    Ok(())
}

/// What the environment says. Anything but a clear word is an error: a misspelt kill switch must
/// not be found out when it is needed.
fn enabled_by(value: Option<std::ffi::OsString>) -> Result<bool, Error> {
    let Some(value) = value else { return Ok(true) };
    match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
        "" | "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err(Error::config(format!(
            "{ENABLED_VARIABLE} must be `true` or `false`"
        ))),
    }
}

#[cfg(test)]
mod tests;
