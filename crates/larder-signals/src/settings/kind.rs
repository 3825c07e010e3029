//! What values a setting takes, and what to say about others.

use std::time::Duration;

use larder_core::Codec;
use toml::de::DeValue;

use super::{
    nearest::nearest,
    value::{self, OPERATIONS, Value},
};
use crate::builder::checked_namespace;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    /// A whole number from 0 up to this.
    Count(u64),
    Bytes,
    Duration,
    /// A duration above zero.
    Ttl,
    Text,
    Secret,
    /// One of these words.
    Word(&'static [&'static str]),
    Codec,
    Namespace,
    Store,
    /// Names of tables or functions.
    Names,
    /// Operations.
    Operations,
    Counts,
}

/// What is wrong with a value, to follow its name: `must be ..`.
pub(super) type Problem = String;

impl Kind {
    /// The value of a key in a file.
    pub(super) fn of_toml(self, value: &DeValue<'_>) -> Result<Value, Problem> {
        match value {
            DeValue::Boolean(flag) if self == Self::Flag => Ok(Value::Flag(*flag)),
            DeValue::Integer(number) => {
                let read = u64::from_str_radix(number.as_str(), number.radix());
                match (self, read) {
                    (Self::Count(_) | Self::Bytes, Ok(number)) => self.of_number(number),
                    (Self::Duration | Self::Ttl, Ok(number)) => {
                        Err(format!("{}; did you mean \"{number}s\"?", self.expected()))
                    }
                    _ => Err(self.expected()),
                }
            }
            DeValue::String(text) if self.is_text() => self.of_text(text),
            DeValue::Array(items) if self.is_list() => {
                let texts = items.iter().map(|item| match (self, item.get_ref()) {
                    (Self::Counts, DeValue::Integer(number)) => Ok(number.as_str()),
                    (Self::Names | Self::Operations, DeValue::String(text)) => Ok(&**text),
                    _ => Err(self.expected()),
                });
                self.of_list(texts.collect::<Result<_, _>>()?)
            }
            _ => Err(self.expected()),
        }
    }

    /// The value of a variable, or of a text in a file.
    pub(super) fn of_text(self, text: &str) -> Result<Value, Problem> {
        let refused = || self.expected();
        match self {
            Self::Flag => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "on" | "yes" => Ok(Value::Flag(true)),
                "false" | "0" | "off" | "no" => Ok(Value::Flag(false)),
                _ => Err(refused()),
            },
            Self::Count(_) => self.of_number(text.parse().map_err(|_| refused())?),
            Self::Bytes => self.of_number(value::bytes(text).ok_or_else(refused)?),
            Self::Duration => value::duration(text)
                .map(Value::Duration)
                .ok_or_else(refused),
            Self::Ttl => match value::duration(text) {
                Some(Duration::ZERO) => Err(ZERO_TTL.to_owned()),
                Some(ttl) => Ok(Value::Duration(ttl)),
                None => Err(refused()),
            },
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Secret => Ok(Value::Secret(text.to_owned())),
            Self::Word(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Value::Text((*word).to_owned())),
                None => Err(self.near(text, words)),
            },
            Self::Codec => match CODECS.iter().find(|(name, _)| *name == text) {
                Some((name, _)) if codec(name).is_some() => Ok(Value::Text((*name).to_owned())),
                Some((name, _)) => Err(format!(
                    "is a codec that this build does not have: switch on the feature `{name}`"
                )),
                None => Err(self.near(text, &CODECS.map(|(name, _)| name))),
            },
            Self::Namespace => match checked_namespace(Some(text.to_owned())) {
                Ok(namespace) => Ok(Value::Text(namespace)),
                Err(_) => Err(refused()),
            },
            Self::Store if text == "memory" || text.contains("://") => {
                Ok(Value::Store(text.to_owned()))
            }
            Self::Store => Err(self.near(text, &["memory"])),
            Self::Names | Self::Operations | Self::Counts => {
                let items = text.split(',').map(str::trim);
                self.of_list(items.filter(|item| !item.is_empty()).collect())
            }
        }
    }

    fn of_number(self, number: u64) -> Result<Value, Problem> {
        match self {
            Self::Count(max) if number <= max => Ok(Value::Count(number)),
            Self::Bytes if usize::try_from(number).is_ok() => Ok(Value::Bytes(number)),
            _ => Err(self.expected()),
        }
    }

    fn of_list(self, items: Vec<&str>) -> Result<Value, Problem> {
        match self {
            Self::Counts => {
                let counts = items.iter().map(|item| item.parse());
                let counts = counts.collect::<Result<_, _>>();
                counts.map(Value::Counts).map_err(|_| self.expected())
            }
            Self::Operations => {
                let names = OPERATIONS.map(|(name, _)| name);
                match items.iter().find(|item| !names.contains(item)) {
                    Some(unknown) => Err(self.near(unknown, &names)),
                    None => Ok(names_of(&items)),
                }
            }
            _ if items.contains(&"") => Err(self.expected()),
            _ => Ok(names_of(&items)),
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Names | Self::Operations | Self::Counts)
    }

    /// Whether a file writes it in quotes.
    fn is_text(self) -> bool {
        !self.is_list() && !matches!(self, Self::Flag | Self::Count(_))
    }

    /// The value is not repeated: it may be a password in the wrong place.
    fn near(self, text: &str, known: &[&'static str]) -> Problem {
        match nearest(text, known.iter().copied()) {
            Some(known) => format!("{}; did you mean `{known}`?", self.expected()),
            None => self.expected(),
        }
    }

    /// What a value of this kind must be.
    pub(super) fn expected(self) -> String {
        let fixed = match self {
            Self::Flag => "must be true or false",
            Self::Count(u64::MAX) => "must be a whole number",
            Self::Count(max) => return format!("must be a whole number from 0 to {max}"),
            Self::Bytes => "must be a number of bytes, or text such as \"64MiB\"",
            Self::Duration | Self::Ttl => {
                "must be a whole number with one of the units ms, s, m, h, d, such as \"15m\""
            }
            Self::Text | Self::Secret => "must be text",
            Self::Word(words) => {
                return format!("must be one of {}", quoted(words));
            }
            Self::Codec => {
                return format!("must be one of {}", quoted(&CODECS.map(|(name, _)| name)));
            }
            Self::Namespace => "must be 1 to 64 letters, digits, `-` or `_`",
            Self::Store => "must be \"memory\" or a URL such as \"redis://127.0.0.1/\"",
            Self::Names => "must be a list of names, such as [\"sessions\", \"auth_*\"]",
            Self::Operations => "must be a list of get, fetch, count, aggregate, exists",
            Self::Counts => "must be a list of whole numbers, such as [1, 2]",
        };
        fixed.to_owned()
    }
}

/// The codec of this name, where this build has it.
pub(super) fn codec(name: &str) -> Option<Codec> {
    let (_, id) = CODECS.iter().find(|(known, _)| *known == name)?;
    Codec::of_id(*id)
}

pub(super) fn codec_name(codec: Codec) -> &'static str {
    let known = CODECS.iter().find(|(_, id)| *id == codec.id());
    known.map_or("", |(name, _)| name)
}

fn names_of(items: &[&str]) -> Value {
    Value::Names(items.iter().map(|item| (*item).to_owned()).collect())
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

const ZERO_TTL: &str = "must not be zero: to cache nothing write `never = true`";
/// By the numbers that entries have for them.
const CODECS: [(&str, u8); 2] = [("message_pack", 1), ("bincode", 2)];
