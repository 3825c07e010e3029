//! What a command works with.

use std::{env, path::PathBuf};

use larder_core::MemoryStore;
use larder_signals::{Larder, WrapConfig};

use crate::{
    arguments::Global,
    database::Database,
    exit::Failure,
    output::Output,
    place::{DATABASE, STORE},
    store::{Redis, Store},
};

/// What a command works with. Nothing is connected before it is asked for.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) output: Output,
    store: Option<String>,
    database: Option<String>,
    namespace: Option<String>,
    source: Option<String>,
}

impl Context {
    pub(crate) fn new(global: &Global, output: Output) -> Result<Self, Failure> {
        let Global {
            store,
            store_file,
            database,
            database_file,
            namespace,
            source,
            json: _,
        } = global;
        let url = |option: &Option<String>, file: &Option<PathBuf>, names: crate::place::Names| {
            names.url(option.as_deref(), file.as_ref())
        };
        let from_environment = || {
            env::var("LARDER_NAMESPACE")
                .ok()
                .filter(|it| !it.is_empty())
        };
        Ok(Self {
            output,
            store: url(store, store_file, STORE)?,
            database: url(database, database_file, DATABASE)?,
            namespace: namespace.clone().or_else(from_environment),
            source: source.clone(),
        })
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> Result<&str, Failure> {
        let namespace = self.namespace.as_deref().ok_or_else(|| {
            Failure::usage(
                "no namespace is named: give --namespace or LARDER_NAMESPACE, the name that the \
                 application gives to its larder",
            )
        })?;
        // The rule for names is the library's; nothing is stored here.
        let named = Larder::builder().namespace(namespace);
        named
            .store(MemoryStore::with_capacity_bytes(1 << 10))
            .build()?;
        Ok(namespace)
    }

    /// The store, connected. One in the memory of another process is an error that says so.
    pub(crate) fn store(&self) -> Result<Redis, Failure> {
        match self.store.as_deref() {
            None => Err(Failure::usage(format!(
                "no store is named: give --store or LARDER_STORE; {MEMORY}"
            ))),
            Some("memory" | "memory://") => Err(Failure::usage(MEMORY)),
            Some(url) => Redis::connect(url),
        }
    }

    /// Whether a store outside the application's process is named.
    pub(crate) fn what_store(&self) -> Store {
        match self.store.as_deref() {
            None => Store::None,
            Some("memory" | "memory://") => Store::Memory,
            Some(_) => Store::Redis,
        }
    }

    /// Whether a database is named.
    pub(crate) fn has_database(&self) -> bool {
        self.database.is_some()
    }

    /// The database, connected.
    pub(crate) async fn database(&self) -> Result<Database, Failure> {
        let url = self.database.as_deref().ok_or_else(|| {
            Failure::usage("no database is named: give --database or DATABASE_URL")
        })?;
        Database::connect(url, self.source.clone()).await
    }

    /// How the application wraps the connection.
    pub(crate) fn wrap_config(&self) -> WrapConfig {
        match &self.source {
            Some(source) => WrapConfig::new().source(source.as_str()),
            None => WrapConfig::new(),
        }
    }
}

pub(crate) const MEMORY: &str = "a memory store lives in the application's process and cannot be \
                                 seen or steered from outside: use `larder.invalidate_all()` and its \
                                 kin in the application, or a Redis store";
