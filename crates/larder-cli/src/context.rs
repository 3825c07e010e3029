//! What a command works with.

use std::{path::PathBuf, time::Duration};

use larder_core::MemoryStore;
use larder_redis::RedisConfig;
use larder_signals::{Larder, LarderBuilder, Settings, WrapConfig};

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
    /// Of `larder.toml` and the environment.
    settings: Settings,
    /// The URL that the command line names.
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
        let settings = Settings::load()?;
        Ok(Self {
            output,
            store: url(store, store_file, STORE)?,
            database: url(database, database_file, DATABASE)?.or_else(|| DATABASE.variable()),
            namespace: namespace.clone().or_else(|| settings.namespace()),
            source: source.clone(),
            settings,
        })
    }

    /// What `larder.toml` and the environment say.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn store_name(&self) -> Option<&str> {
        self.store.as_deref().or_else(|| self.settings.store())
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> Result<&str, Failure> {
        let namespace = self.namespace.as_deref().ok_or_else(|| {
            Failure::usage(
                "no namespace is named: give --namespace, LARDER_NAMESPACE or larder.toml, the name \
                 that the application gives to its larder",
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
        match self.store_name() {
            None => Err(Failure::usage(format!(
                "no store is named: give --store, LARDER_STORE or larder.toml; {MEMORY}"
            ))),
            Some("memory" | "memory://") => Err(Failure::usage(MEMORY)),
            Some(_) => Redis::with(self.redis()?),
        }
    }

    /// How the store is reached: a URL on the command line stands alone, one of the settings has
    /// `[redis]` beside it.
    fn redis(&self) -> Result<RedisConfig, Failure> {
        if let Some(url) = &self.store {
            let mut config = RedisConfig::from_url(url)?;
            // Another way to the same servers, perhaps: where the tables lie is the application's.
            for (name, value, origin) in self.settings.redis() {
                if LAYOUT.contains(&name) && !url.contains(&format!("{name}=")) {
                    let set = config.set(name, &value);
                    set.map_err(|error| {
                        Failure::from(error).context(format!("{origin}: [redis]"))
                    })?;
                }
            }
            return Ok(config);
        }
        let config = larder::redis_config(&self.settings)?;
        config.ok_or_else(|| Failure::usage("the store is no URL"))
    }

    /// A larder that explains: with the policies of the settings, and on the store if there is one
    /// to look into.
    pub(crate) fn explaining(&self) -> Result<Larder, Failure> {
        let mut settings = self.settings.clone().with_store_made();
        // The command line counts before the file, and nothing is reported from here.
        settings = settings.with_environment([
            ("LARDER_REPORT_EVERY", "0s"),
            ("LARDER_ENABLED", "true"),
            (
                "LARDER_NAMESPACE",
                self.namespace.as_deref().unwrap_or_default(),
            ),
        ])?;
        let builder: LarderBuilder = Larder::builder()
            .settings(settings)
            .near_cache_bytes(0)
            .report_every(Duration::ZERO);
        Ok(match self.what_store() {
            Store::Redis => builder
                .namespace(self.namespace()?)
                .store(self.store()?.into_store()),
            // What is explained is the same in any.
            Store::None | Store::Memory => builder
                .namespace(self.namespace.as_deref().unwrap_or("explain"))
                .store(MemoryStore::with_capacity_bytes(1 << 10)),
        }
        .build()?)
    }

    /// Whether a store outside the application's process is named.
    pub(crate) fn what_store(&self) -> Store {
        match self.store_name() {
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

/// Settings of Redis on which depends under which keys things lie.
const LAYOUT: [&str; 2] = ["table_shards", "also_invalidate_shards"];

pub(crate) const MEMORY: &str = "a memory store lives in the application's process and cannot be \
                                 seen or steered from outside: use `larder.invalidate_all()` and its \
                                 kin in the application, or a Redis store";

#[cfg(test)]
mod tests {
    use super::*;

    /// Else a relay on another way to the servers would drop where nobody looks.
    #[test]
    fn the_layout_of_the_settings_counts_for_a_url_of_the_command_line() {
        let file =
            "store = \"redis://app:word@one/\"\n[redis]\ntable_shards = 4\nusername = \"app\"\n";
        let context = |url: &str| Context {
            output: Output::new(false),
            settings: Settings::from_toml(file, "larder.toml").unwrap(),
            store: Some(url.to_owned()),
            database: None,
            namespace: None,
            source: None,
        };
        let shards = |url: &str| context(url).redis().unwrap().table_shards;
        assert_eq!(shards("redis://two/"), 4);
        assert_eq!(shards("redis://two/?table_shards=2"), 2);
        let two = context("redis://two/").redis().unwrap();
        assert!(
            !format!("{two:?}").contains("app"),
            "the login is the other server's"
        );
    }
}
