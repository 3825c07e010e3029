//! Configuration from `larder.toml` and the environment, by the names that the builder has.
//!
//! Of code, file and variables the later one counts, setting by setting. What nobody knows is an
//! error and never ignored: a setting that has no effect is found out when it is needed.

use std::{collections::BTreeMap, ffi::OsStr, fmt, sync::Arc};

use larder_core::{Error, MemoryStore};

mod effective;
mod environment;
mod file;
mod kind;
mod names;
mod nearest;
mod policies;
mod value;

pub use effective::EffectiveSetting;

use self::{
    names::{MEMORY_BYTES, SETTINGS},
    policies::{POLICY, Parts},
    value::Value,
};
use crate::LarderBuilder;

/// Settings from `larder.toml` and the environment: docs/configuration.md lists them.
///
/// [`LarderBuilder::settings`] lays them over what the code says. Each remembers where it was said
/// ([`Settings::effective`]). `Debug` shows no secret.
///
/// # Examples
///
/// ```
/// use larder_signals::{Larder, Settings};
///
/// let file = "namespace = \"blog\"\nstore = \"memory\"\n[limits]\nwait_max = \"2s\"\n";
/// let settings = Settings::from_toml(file, "larder.toml")?
///     .with_environment([("LARDER_LIMITS_WAIT_MAX", "1s")])?;
/// let larder = Larder::builder().settings(settings).build()?;
/// assert_eq!(larder.namespace(), "blog");
///
/// let wrong = Settings::from_toml("[limits]\nwait_mx = \"2s\"\n", "larder.toml");
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "larder.toml:2:1: unknown key `wait_mx` in [limits]; did you mean `wait_max`?"
/// );
/// # Ok::<(), larder_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Settings {
    values: BTreeMap<&'static str, Placed>,
    /// By the names of tables; none = the default policy.
    policies: BTreeMap<Option<String>, BTreeMap<&'static str, Placed>>,
    /// Whether the store that is named here has been made already.
    store_made: bool,
}

/// Where a setting was said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingOrigin {
    /// Nowhere.
    Default,
    /// In the program, by a method of the builder.
    Code,
    /// In a file.
    File {
        /// Its name, as it was given.
        name: Arc<str>,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
    /// In this environment variable.
    Variable(String),
}

/// A value with its origin.
#[derive(Clone, Debug)]
struct Placed {
    value: Value,
    origin: SettingOrigin,
}

impl Settings {
    /// The settings of the file that `LARDER_CONFIG` names, else of `larder.toml` in the current
    /// folder if there is one, and over them those of the environment.
    ///
    /// # Errors
    /// `Config`, with a line for each key, value or variable that is wrong: where it stands and what
    /// was probably meant. The named file cannot be read, or is longer than 1 MiB. The text contains
    /// no values.
    pub fn load() -> Result<Self, Error> {
        let (mut settings, mut problems) = (Self::default(), Vec::new());
        let named = std::env::var_os(file::NAMING).filter(|name| !name.is_empty());
        if let Some((name, text)) = file::found(named)? {
            settings.read_file(&text, &name, &mut problems);
        }
        settings.read_environment(std::env::vars_os(), &mut problems);
        settings.unless(problems)
    }

    /// The settings of a text as `larder.toml` has it; `origin` names it in errors.
    ///
    /// # Errors
    /// `Config`, as [`load`](Self::load).
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Error> {
        let (mut settings, mut problems) = (Self::default(), Vec::new());
        settings.read_file(text, origin, &mut problems);
        settings.unless(problems)
    }

    /// These settings, and over them those of the variables that begin with `LARDER_`. An empty one
    /// counts as not set. One that is no setting's is an error where it is nearly one's, and some
    /// other program's elsewhere.
    ///
    /// # Errors
    /// `Config`, as [`load`](Self::load).
    pub fn with_environment<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut problems = Vec::new();
        self.read_environment(variables, &mut problems);
        self.unless(problems)
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> Option<String> {
        Some(self.values.get("namespace")?.value.plain())
    }

    /// The named store: `memory`, or a URL **with its password**.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        match self.values.get(STORE).map(|placed| &placed.value) {
            Some(Value::Store(store)) => Some(store),
            _ => None,
        }
    }

    /// What is said in `[redis]`: names without the section, values as text, **the password too**,
    /// and where each was said. For whoever makes the store.
    pub fn redis(&self) -> impl Iterator<Item = (&'static str, String, &SettingOrigin)> {
        self.values.iter().filter_map(|(name, placed)| {
            let name = name.strip_prefix("redis.")?;
            Some((name, placed.value.plain(), &placed.origin))
        })
    }

    /// Says that the builder has the store that is named here, so that
    /// [`LarderBuilder::build`] need not make it: it can make `memory` alone.
    pub fn with_store_made(mut self) -> Self {
        self.store_made = true;
        self
    }

    fn put(&mut self, name: &'static str, mut placed: Placed) {
        // Lists of names add up: what the file forbids, a variable cannot allow by accident.
        if let (Some(Value::Names(before)), Value::Names(names)) = (
            self.values.get(name).map(|before| &before.value),
            &mut placed.value,
        ) {
            let more: Vec<_> = before.iter().filter(|name| !names.contains(name)).collect();
            let more: Vec<String> = more.into_iter().cloned().collect();
            names.splice(0..0, more);
        }
        self.values.insert(name, placed);
    }

    fn put_policy(&mut self, table: Option<&str>, name: &'static str, placed: Placed) {
        let policy = self.policies.entry(table.map(str::to_owned)).or_default();
        policy.insert(name, placed);
    }

    fn unless(self, problems: Vec<String>) -> Result<Self, Error> {
        if problems.is_empty() {
            return Ok(self);
        }
        Err(Error::config(problems.join("\n")))
    }

    fn apply(&self, mut builder: LarderBuilder) -> Result<LarderBuilder, Error> {
        for setting in SETTINGS {
            if let Some(placed) = self.values.get(setting.name) {
                (setting.write)(&mut builder, &placed.value);
            }
        }
        for (table, said) in &self.policies {
            let before = match table {
                Some(table) => builder.policies.get(table),
                None => builder.default_policy.as_ref(),
            };
            let mut parts = Parts::of(&before.cloned().unwrap_or_default());
            for setting in POLICY {
                if let Some(placed) = said.get(setting.name) {
                    (setting.write)(&mut parts, &placed.value);
                }
            }
            builder = match table {
                Some(table) => builder.policy(table, parts.policy()),
                None => builder.default_policy(parts.policy()),
            };
        }
        self.apply_store(builder)
    }

    fn apply_store(&self, builder: LarderBuilder) -> Result<LarderBuilder, Error> {
        if self.store_made {
            return Ok(builder);
        }
        let Some(store) = self.values.get(STORE) else {
            let of_store = |name: &str| name == MEMORY_SIZE || name.starts_with("redis.");
            let vain = self.values.iter().find(|(name, _)| of_store(name));
            return match vain {
                Some((name, said)) => Err(Error::config(format!(
                    "{}: `{name}` {IN_VAIN}",
                    said.origin
                ))),
                None => Ok(builder),
            };
        };
        if store.value.plain() != MEMORY {
            return Err(Error::config(format!("{}: {UNMADE}", store.origin)));
        }
        let bytes = match self.values.get(MEMORY_SIZE).map(|placed| &placed.value) {
            Some(Value::Bytes(bytes)) => *bytes,
            _ => MEMORY_BYTES,
        };
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(builder.store(MemoryStore::with_capacity_bytes(bytes)))
    }
}

impl LarderBuilder {
    /// Settings that count before what the code says, wherever the call stands. Of several calls the
    /// last one counts. Default: none; the environment is not read but for `LARDER_ENABLED`.
    ///
    /// Setting by setting: `[policies.post] ttl = "1m"` leaves the rest of a `.policy("post", ..)`
    /// as it is. Lists of names (`never`, functions) add up.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// With the settings laid over it.
    pub(crate) fn configured(mut self) -> Result<Self, Error> {
        match self.settings.take() {
            Some(settings) => settings.apply(self),
            None => Ok(self),
        }
    }
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Code => f.write_str("code"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

const STORE: &str = "store";
const MEMORY: &str = "memory";
const MEMORY_SIZE: &str = "memory_bytes";
const IN_VAIN: &str = "has no effect on a store that the program makes itself: say `store` too, or \
                       leave it away";
const UNMADE: &str = "`store` is not \"memory\": build with `larder::configured(settings)` and the \
                      feature of that store, such as `redis`";

#[cfg(test)]
mod tests;
