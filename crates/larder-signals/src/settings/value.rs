//! Values of settings, as files and variables write them.

use std::{fmt, time::Duration};

use larder_core::Operations;
use larder_sql::plan::Operation;

/// What a setting holds. Its text is what a file may say, but for secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Flag(bool),
    Count(u64),
    Bytes(u64),
    Duration(Duration),
    Text(String),
    /// Never shown.
    Secret(String),
    /// `memory` or a URL, whose credentials are never shown.
    Store(String),
    Names(Vec<String>),
    Counts(Vec<u64>),
}

impl Value {
    /// For who needs it as such; unlike the text that is shown, secrets included.
    pub(super) fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Secret(text) | Self::Store(text) => text.clone(),
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Duration(duration) => duration_text(*duration),
            Self::Names(names) => names.join(","),
            Self::Counts(counts) => joined(counts, ","),
            Self::Flag(_) | Self::Count(_) => self.to_string(),
        }
    }

    pub(super) fn of_operations(operations: Operations) -> Self {
        let known = OPERATIONS
            .iter()
            .filter(|(_, one)| operations.contains(*one));
        Self::Names(known.map(|(name, _)| (*name).to_owned()).collect())
    }

    pub(super) fn operations(&self) -> Operations {
        let Self::Names(names) = self else {
            return Operations::ALL;
        };
        let named = OPERATIONS
            .iter()
            .filter(|(name, _)| names.iter().any(|n| n == name));
        named.map(|(_, operation)| *operation).into()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Bytes(bytes) => f.write_str(&bytes_text(*bytes)),
            Self::Duration(duration) => write!(f, "\"{}\"", duration_text(*duration)),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Secret(_) => f.write_str("\"***\""),
            Self::Store(url) => write!(f, "{:?}", masked(url)),
            Self::Names(names) => write!(f, "{names:?}"),
            Self::Counts(counts) => write!(f, "[{}]", joined(counts, ", ")),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The operations by the names that the derive has for them.
pub(super) const OPERATIONS: [(&str, Operation); 5] = [
    ("get", Operation::Get),
    ("fetch", Operation::Fetch),
    ("count", Operation::Count),
    ("aggregate", Operation::Aggregate),
    ("exists", Operation::Exists),
];

/// Reads `15m`, as the derive does.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let count: u64 = digits(&mut { text })?.parse().ok()?;
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let (_, scale) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*scale).map(Duration::from_millis)
}

/// Reads `64MiB`, or a number of bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let count: u64 = digits(&mut { text })?.parse().ok()?;
    let unit = text
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start();
    if unit.is_empty() {
        return Some(count);
    }
    let (_, scale) = BYTES.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*scale)
}

/// The number that a text begins with.
pub(super) fn digits<'a>(text: &mut &'a str) -> Option<&'a str> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(end)?;
    *text = rest;
    (end > 0).then_some(number)
}

/// The units of durations, in milliseconds.
const DURATIONS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const BYTES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

fn duration_text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let whole = |scale: u64| milliseconds > 0 && milliseconds.is_multiple_of(u128::from(scale));
    let (unit, scale) = DURATIONS
        .iter()
        // Hours and what is smaller, which the settings of Redis know too.
        .filter(|(unit, _)| *unit != "d")
        .find(|(_, scale)| whole(*scale))
        .unwrap_or(&("ms", 1));
    format!("{}{unit}", milliseconds / u128::from(*scale))
}

fn bytes_text(bytes: u64) -> String {
    let binary = BYTES.iter().filter(|(unit, _)| unit.ends_with("iB"));
    match binary
        .clone()
        .find(|(_, scale)| bytes > 0 && bytes.is_multiple_of(*scale))
    {
        Some((unit, scale)) => format!("\"{}{unit}\"", bytes / scale),
        None => bytes.to_string(),
    }
}

fn joined(counts: &[u64], between: &str) -> String {
    let texts: Vec<_> = counts.iter().map(u64::to_string).collect();
    texts.join(between)
}

/// A URL without what stands before its last `@`, and without the values of parameters. A password
/// that is not encoded as it should be may reach into any part, so the rest is shown only where
/// nothing of it can be there.
fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url {
            "memory" => url.to_owned(),
            _ => "***".to_owned(),
        };
    };
    // An @ so late ends a password that is not encoded.
    if rest
        .split_once('?')
        .is_some_and(|(_, query)| query.contains('@'))
    {
        return format!("{scheme}://***");
    }
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, _)) => (place, "?***"),
        None => (rest, ""),
    };
    format!("{scheme}://{user}{place}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_password_is_shown_wherever_it_ends() {
        for url in [
            "redis://app:wo@rd@host/",
            "unix:///run/redis.sock?pass=wo@rd",
            "redis+sentinel://s1/main?sentinel_password=wo@rd",
            "redis://app:wo?rd@host/",
        ] {
            let shown = masked(url);
            assert!(!shown.contains("wo") && !shown.contains("rd"), "{shown}");
        }
        assert_eq!(masked("redis://host/?db=1"), "redis://host/?***");
    }
}
