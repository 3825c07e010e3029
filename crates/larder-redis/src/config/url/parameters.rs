//! The parameters of a URL.

use std::{mem, str::FromStr, time::Duration};

use larder_core::Error;

use super::{Address, RedisConfig, SentinelConfig, TlsConfig, Topology, decode};
use crate::config::text;

pub(super) fn apply(config: &mut RedisConfig, query: &str) -> Result<(), Error> {
    let mut seen = Vec::new();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    for (position, pair) in (1..).zip(pairs) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = PARAMETERS.into_iter().find(|known| *known == name) else {
            return Err(unknown(position, name));
        };
        let refused = |why| Error::config(format!("parameter {name} of the redis URL {why}"));
        if seen.contains(&name) {
            return Err(refused(TWICE));
        }
        if value.is_empty() {
            return Err(refused(NO_VALUE));
        }
        seen.push(name);
        let value = decode(value, &format!("parameter {name}"))?;
        set(config, name, value).map_err(refused)?;
    }
    Ok(())
}

/// Why a value is refused.
type Why = &'static str;

fn set(config: &mut RedisConfig, name: &str, value: String) -> Result<(), Why> {
    match name {
        "client_name" => config.client_name = Some(value),
        "connect_timeout" => config.connect_timeout = time(&value)?,
        "response_timeout" => config.response_timeout = time(&value)?,
        "hit_timeout" => config.hit_timeout = time(&value)?,
        "table_shards" => config.table_shards = number(&value)?,
        "compress_above" => config.compress_above = Some(number(&value)?).filter(|n| *n > 0),
        "ca_file" => tls(config)?.ca_file = Some(value.into()),
        "cert_file" => tls(config)?.client_cert_file = Some(value.into()),
        "key_file" => tls(config)?.client_key_file = Some(value.into()),
        "server_name" => tls(config)?.server_name = Some(value),
        "sentinel_username" => sentinels(config)?.username = Some(value),
        "sentinel_password" => sentinels(config)?.password = Some(value.into()),
        "db" => over_socket(config)?.database = number(&value)?,
        "user" => over_socket(config)?.username = Some(value),
        "pass" => over_socket(config)?.password = Some(value.into()),
        // The names are checked before.
        _ => {}
    }
    Ok(())
}

fn time(text: &str) -> Result<Duration, Why> {
    text::duration(text).ok_or(NO_DURATION)
}

fn number<T: FromStr>(text: &str) -> Result<T, Why> {
    text::number(text).ok_or(NO_NUMBER)
}

fn tls(config: &mut RedisConfig) -> Result<&mut TlsConfig, Why> {
    config.tls.as_mut().ok_or(NEEDS_TLS)
}

fn sentinels(config: &mut RedisConfig) -> Result<&mut SentinelConfig, Why> {
    match &mut config.servers {
        Topology::Sentinel(sentinels) => Ok(sentinels),
        _ => Err(NEEDS_SENTINELS),
    }
}

fn over_socket(config: &mut RedisConfig) -> Result<&mut RedisConfig, Why> {
    match config.servers {
        Topology::Standalone(Address::Unix(_)) => Ok(config),
        _ => Err(NEEDS_SOCKET),
    }
}

/// The name stays out of the text: after a & in a password it is the rest of the password.
fn unknown(position: usize, name: &str) -> Error {
    let known = match nearest(name) {
        Some(known) => format!("did you mean {known}?"),
        None => format!(
            "known are {}; in a value & is written %26",
            PARAMETERS.join(", ")
        ),
    };
    Error::config(format!(
        "parameter {position} of the redis URL is unknown: {known}"
    ))
}

/// The known name that is at most two edits away.
fn nearest(name: &str) -> Option<&'static str> {
    let measured = PARAMETERS
        .iter()
        .map(|known| (distance(name, known), known));
    // A short name must keep something.
    let near = measured.filter(|(edits, known)| *edits <= EDITS_MAX && *edits < known.len());
    let (_, known) = near.min()?;
    Some(known)
}

/// How many characters must be put in, taken out or exchanged (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (1..=to.chars().count()).collect();
    for (above, a) in from.chars().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        for (cell, b) in row.iter_mut().zip(to.chars()) {
            let exchanged = diagonal + usize::from(a != b);
            left = exchanged.min(left + 1).min(*cell + 1);
            diagonal = mem::replace(cell, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

const PARAMETERS: [&str; 15] = [
    "client_name",
    "connect_timeout",
    "response_timeout",
    "hit_timeout",
    "table_shards",
    "compress_above",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "sentinel_username",
    "sentinel_password",
    "db",
    "user",
    "pass",
];
const EDITS_MAX: usize = 2;

const TWICE: Why = "is given twice: keep one";
const NO_VALUE: Why = "has no value: give it one, or leave it away";
const NO_DURATION: Why = "is no whole number with ms, s, m or h: write it as 500ms";
const NO_NUMBER: Why = "is not a whole number, or too large: write digits alone";
const NEEDS_TLS: Why = "is about TLS: begin the URL with rediss, or leave it away";
const NEEDS_SENTINELS: Why = "is about sentinels: begin the URL with redis+sentinel, or leave it \
                              away";
const NEEDS_SOCKET: Why = "is about unix sockets: write user:password@ before the host and the \
                           database after the last /";
