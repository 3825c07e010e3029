//! Reading `larder.toml`.

use std::{
    ffi::OsString,
    fs,
    io::{ErrorKind, Read},
    ops::Range,
    sync::Arc,
};

use larder_core::Error;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Placed, SettingOrigin, Settings, kind::Kind, names::SETTINGS, nearest::nearest,
    policies::POLICY,
};

/// The name and the text of the file that there is to read, if any: the named one must be there.
pub(super) fn found(named: Option<OsString>) -> Result<Option<(String, String)>, Error> {
    let path = named.clone().unwrap_or_else(|| DEFAULT.into());
    let name = path.to_string_lossy().into_owned();
    let mut text = String::new();
    let read =
        fs::File::open(&path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > BYTES_MAX => Err(Error::config(format!(
            "{name}: longer than {BYTES_MAX} bytes: this is no file of settings"
        ))),
        Ok(_) => Ok(Some((name, text))),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) if named.is_some() => Err(Error::config(format!(
            "{name}, which {NAMING} names, cannot be read: {error}"
        ))),
        Err(error) => Err(Error::config(format!("{name} cannot be read: {error}"))),
    }
}

impl Settings {
    pub(super) fn read_file(&mut self, text: &str, name: &str, problems: &mut Vec<String>) {
        let place = Place::File {
            name: name.into(),
            text,
        };
        self.read(text, &place, problems);
    }

    /// The policies that a variable holds, as an inline table.
    pub(super) fn read_policies(&mut self, value: &str, name: &str, problems: &mut Vec<String>) {
        let place = Place::Variable(name);
        // A value with further lines would be further settings.
        let text = format!("{POLICIES} = {}", value.replace(['\n', '\r'], " "));
        self.read(&text, &place, problems);
    }

    fn read(&mut self, text: &str, place: &Place<'_>, problems: &mut Vec<String>) {
        match DeTable::parse(text) {
            Ok(table) => {
                let mut reader = Reader {
                    settings: self,
                    place,
                    problems,
                };
                reader.section("", table.get_ref());
            }
            Err(error) => {
                let at = place.origin(error.span().unwrap_or_default());
                let message = error.message().replace('\n', ", ");
                problems.push(format!("{at}: {message}"));
            }
        }
    }
}

/// What is being read.
enum Place<'a> {
    File { name: Arc<str>, text: &'a str },
    Variable(&'a str),
}

impl Place<'_> {
    fn origin(&self, span: Range<usize>) -> SettingOrigin {
        match self {
            Self::File { name, text } => {
                let before = text.get(..span.start).unwrap_or_default();
                let line_start = before.rfind('\n').map_or(0, |end| end + 1);
                SettingOrigin::File {
                    name: name.clone(),
                    line: before.matches('\n').count() + 1,
                    column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
                }
            }
            Self::Variable(name) => SettingOrigin::Variable((*name).to_owned()),
        }
    }
}

struct Reader<'a> {
    settings: &'a mut Settings,
    place: &'a Place<'a>,
    problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// A table of settings; its name is empty at the top.
    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match section {
                "" => key.get_ref().to_string(),
                _ => format!("{section}.{}", key.get_ref()),
            };
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == path) {
                if let Some(placed) = self.value(setting.kind, section, key.get_ref(), value) {
                    self.settings.put(setting.name, placed);
                }
                continue;
            }
            match (path.as_str(), value.get_ref()) {
                (POLICIES, DeValue::Table(policies)) => self.policies(policies),
                (DEFAULT_POLICY, DeValue::Table(policy)) => self.policy(None, policy),
                (_, DeValue::Table(inner)) if is_section(&path) => self.section(&path, inner),
                (path, _) if is_section(path) => {
                    self.problem(value.span(), &format!("`{path}` must be a table"));
                }
                _ => {
                    let known = keys_of(section);
                    let instead = match path.as_str() {
                        "redis.url" | "url" => Some("`store` at the top".to_owned()),
                        _ => elsewhere(key.get_ref()),
                    };
                    self.unknown(key, section, &known, instead);
                }
            }
        }
    }

    fn policies(&mut self, policies: &DeTable<'_>) {
        for (table, policy) in policies {
            let name = table.get_ref();
            match policy.get_ref() {
                _ if name.trim().is_empty() => {
                    self.problem(table.span(), "a policy in [policies] names no table");
                }
                DeValue::Table(policy) => self.policy(Some(name), policy),
                _ => {
                    let remedy = format!("write [policies.{}] and its settings", quoted(name));
                    let problem = format!("`{name}` in [policies] must be a table: {remedy}");
                    self.problem(policy.span(), &problem);
                }
            }
        }
    }

    fn policy(&mut self, table: Option<&str>, policy: &DeTable<'_>) {
        let section = match table {
            Some(table) => format!("{POLICIES}.{}", quoted(table)),
            None => DEFAULT_POLICY.to_owned(),
        };
        if policy.is_empty() {
            // It is there: a policy of its own, with nothing said but that.
            self.settings
                .policies
                .entry(table.map(str::to_owned))
                .or_default();
        }
        for (key, value) in policy {
            match POLICY.iter().find(|setting| setting.name == key.get_ref()) {
                Some(setting) => {
                    if let Some(placed) = self.value(setting.kind, &section, key.get_ref(), value) {
                        self.settings.put_policy(table, setting.name, placed);
                    }
                }
                None => {
                    let known: Vec<_> = POLICY.iter().map(|setting| setting.name).collect();
                    let dotted = match (table, value.get_ref()) {
                        // [policies.public.post] without quotes.
                        (Some(schema), DeValue::Table(_)) => {
                            Some(format!("[policies.\"{schema}.{}\"]", key.get_ref()))
                        }
                        _ => None,
                    };
                    self.unknown(key, &section, &known, dotted);
                }
            }
        }
    }

    fn value(
        &mut self,
        kind: Kind,
        section: &str,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Placed> {
        match kind.of_toml(value.get_ref()) {
            Ok(read) => Some(Placed {
                value: read,
                origin: self.place.origin(value.span()),
            }),
            Err(problem) => {
                self.problem(
                    value.span(),
                    &format!("`{key}`{} {problem}", within(section)),
                );
                None
            }
        }
    }

    fn unknown(
        &mut self,
        key: &Spanned<impl AsRef<str>>,
        section: &str,
        known: &[&str],
        instead: Option<String>,
    ) {
        let name = key.get_ref().as_ref();
        let shown = name.escape_debug();
        let remedy = match (nearest(name, known.iter().copied()), instead) {
            (_, Some(instead)) => format!("did you mean {instead}?"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("known are {}", known.join(", ")),
        };
        let problem = format!("unknown key `{shown}`{}; {remedy}", within(section));
        self.problem(key.span(), &problem);
    }

    fn problem(&mut self, span: Range<usize>, problem: &str) {
        if self.problems.len() < PROBLEMS_MAX {
            let at = self.place.origin(span);
            self.problems.push(format!("{at}: {problem}"));
        }
    }
}

/// ` in [section]`; nothing at the top.
fn within(section: &str) -> String {
    match section {
        "" => String::new(),
        _ => format!(" in [{section}]"),
    }
}

/// A table's name as TOML wants it.
pub(super) fn quoted(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => format!("{:?}", name),
    }
}

fn is_section(path: &str) -> bool {
    let inside = |name: &str| {
        name.strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    matches!(path, POLICIES | DEFAULT_POLICY) || SETTINGS.iter().any(|s| inside(s.name))
}

/// The keys that a section knows, sections within it among them.
fn keys_of(section: &str) -> Vec<&'static str> {
    let inside = |name: &'static str| match section {
        "" => Some(name),
        _ => name.strip_prefix(section)?.strip_prefix('.'),
    };
    let mut keys: Vec<&str> = SETTINGS
        .iter()
        .filter_map(|setting| inside(setting.name)?.split('.').next())
        .collect();
    if section.is_empty() {
        keys.extend([DEFAULT_POLICY, POLICIES]);
    }
    keys.dedup();
    keys
}

/// The section where a key is known that stands in another one.
fn elsewhere(key: &str) -> Option<String> {
    let mut sections = SETTINGS.iter().filter_map(|setting| {
        let (section, name) = setting.name.rsplit_once('.')?;
        (name == key).then_some(section)
    });
    let section = sections.next()?;
    match sections.next() {
        None => Some(format!("`{key}` in [{section}]")),
        Some(other) => Some(format!("`{key}` in [{section}] or [{other}]")),
    }
}

pub(super) const NAMING: &str = "LARDER_CONFIG";
const DEFAULT: &str = "larder.toml";
const BYTES_MAX: u64 = 1 << 20;
/// Problems that are told at a time.
pub(super) const PROBLEMS_MAX: usize = 50;
pub(super) const POLICIES: &str = "policies";
pub(super) const DEFAULT_POLICY: &str = "default_policy";
