//! Every setting by its name, with how a builder holds it. One table for files, variables,
//! `effective` and the documentation's test.

use std::sync::Arc;

use super::{
    kind::{self, Kind},
    value::Value,
};
use crate::{LarderBuilder, Undelivered};

/// One setting.
pub(super) struct Setting {
    /// With its section: `limits.wait_max`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What a builder says. For what a store is made of, the default.
    pub(super) read: fn(&LarderBuilder) -> Option<Value>,
    pub(super) write: fn(&mut LarderBuilder, &Value),
}

macro_rules! number {
    ($name:literal, $kind:expr, $as:ident, $($at:tt)+) => {
        Setting {
            name: $name,
            kind: $kind,
            read: |builder| Some(Value::$as(builder.$($at)+ as u64)),
            write: |builder, value| {
                if let Value::$as(number) = value
                    && let Ok(number) = (*number).try_into()
                {
                    builder.$($at)+ = number;
                }
            },
        }
    };
}

macro_rules! count {
    ($name:literal, $($at:tt)+) => { number!($name, COUNT, Count, $($at)+) };
}

macro_rules! bytes {
    ($name:literal, $($at:tt)+) => { number!($name, Kind::Bytes, Bytes, $($at)+) };
}

macro_rules! duration {
    ($name:literal, $($at:tt)+) => {
        Setting {
            name: $name,
            kind: Kind::Duration,
            read: |builder| Some(Value::Duration(builder.$($at)+)),
            write: |builder, value| {
                if let Value::Duration(duration) = value {
                    builder.$($at)+ = *duration;
                }
            },
        }
    };
}

macro_rules! flag {
    ($name:literal, $($at:tt)+) => {
        Setting {
            name: $name,
            kind: Kind::Flag,
            read: |builder| Some(Value::Flag(builder.$($at)+)),
            write: |builder, value| {
                if let Value::Flag(flag) = value {
                    builder.$($at)+ = *flag;
                }
            },
        }
    };
}

/// Names that add up with those that are there.
macro_rules! names {
    ($name:literal, $($at:tt)+) => {
        Setting {
            name: $name,
            kind: Kind::Names,
            read: |builder| Some(Value::Names(builder.$($at)+.iter().cloned().collect())),
            write: |builder, value| {
                if let Value::Names(names) = value {
                    builder.$($at)+.extend(names.iter().cloned());
                }
            },
        }
    };
}

/// What a store is made of, with its default.
macro_rules! of_store {
    ($name:literal, $kind:expr, $default:expr) => {
        Setting {
            name: $name,
            kind: $kind,
            read: |_| $default,
            write: |_, _| {},
        }
    };
}

/// In the order in which they are shown.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: "namespace",
        kind: Kind::Namespace,
        read: |builder| builder.namespace.clone().map(Value::Text),
        write: |builder, value| {
            if let Value::Text(namespace) = value {
                builder.namespace = Some(namespace.clone());
            }
        },
    },
    flag!("enabled", enabled),
    of_store!("store", Kind::Store, None),
    of_store!(
        "memory_bytes",
        Kind::Bytes,
        Some(Value::Bytes(MEMORY_BYTES))
    ),
    bytes!("near_cache_bytes", cache.near_bytes),
    Setting {
        name: "codec",
        kind: Kind::Codec,
        read: |builder| {
            Some(Value::Text(
                kind::codec_name(builder.cache.codec).to_owned(),
            ))
        },
        write: |builder, value| {
            if let Value::Text(name) = value
                && let Some(codec) = kind::codec(name)
            {
                builder.cache.codec = codec;
            }
        },
    },
    Setting {
        name: "entry_version",
        kind: Kind::Text,
        read: |builder| Some(Value::Text(builder.entry_version.to_string())),
        write: |builder, value| {
            if let Value::Text(version) = value {
                builder.entry_version = Arc::from(version.as_str());
            }
        },
    },
    Setting {
        name: "undelivered",
        kind: Kind::Word(&[ACCEPT, REFUSE]),
        read: |builder| {
            let word = match builder.undelivered {
                Undelivered::Accept => ACCEPT,
                Undelivered::Refuse => REFUSE,
            };
            Some(Value::Text(word.to_owned()))
        },
        write: |builder, value| {
            if let Value::Text(word) = value {
                builder.undelivered = match word.as_str() {
                    REFUSE => Undelivered::Refuse,
                    _ => Undelivered::Accept,
                };
            }
        },
    },
    duration!("uncertain_for", uncertain_for),
    flag!("hook_images", hook_images),
    duration!("report_every", report_every),
    names!("never", never),
    names!("functions.pure", functions.pure),
    names!("functions.harmless", functions.harmless),
    count!("limits.shapes_max", cache.limits.shapes_max),
    count!("limits.dependencies_max", cache.limits.dependencies_max),
    bytes!("limits.entry_bytes_max", cache.limits.entry_bytes_max),
    duration!("limits.wait_max", cache.limits.wait_max),
    duration!("limits.lease", cache.limits.lease),
    count!("limits.flights_max", cache.limits.flights_max),
    count!("limits.waiters_max", cache.limits.waiters_max),
    count!("limits.pending_max", cache.limits.pending_max),
    count!(
        "limits.stamps_per_write_max",
        cache.limits.stamps_per_write_max
    ),
    number!(
        "limits.jitter_percent",
        Kind::Count(100),
        Count,
        cache.limits.jitter_percent
    ),
    duration!("limits.ttl_max", cache.limits.ttl_max),
    number!(
        "limits.breaker_faults",
        SMALL,
        Count,
        cache.limits.breaker_faults
    ),
    duration!("limits.breaker_open", cache.limits.breaker_open),
    count!("source_limits.in_values_max", source_limits.in_values_max),
    count!(
        "source_limits.dependencies_max",
        source_limits.dependencies_max
    ),
    count!("source_limits.plans_max", source_limits.plans_max),
    count!("change_limits.rows_max", change_limits.rows_max),
    count!("change_limits.tables_max", change_limits.tables_max),
    count!("change_limits.old_rows_max", change_limits.old_rows_max),
    of_store!("redis.username", Kind::Secret, None),
    of_store!("redis.password", Kind::Secret, None),
    of_store!("redis.database", SMALL, None),
    of_store!("redis.client_name", Kind::Text, None),
    of_store!("redis.tls.ca_file", Kind::Text, None),
    of_store!("redis.tls.client_cert_file", Kind::Text, None),
    of_store!("redis.tls.client_key_file", Kind::Text, None),
    of_store!("redis.tls.server_name", Kind::Text, None),
    of_store!("redis.connect_timeout", Kind::Duration, milliseconds(500)),
    of_store!("redis.response_timeout", Kind::Duration, milliseconds(500)),
    of_store!("redis.hit_timeout", Kind::Duration, milliseconds(100)),
    of_store!("redis.table_shards", SMALL, Some(Value::Count(1))),
    of_store!(
        "redis.also_invalidate_shards",
        Kind::Counts,
        Some(Value::Counts(Vec::new()))
    ),
    of_store!("redis.acknowledge_replicas.replicas", SMALL, None),
    of_store!("redis.acknowledge_replicas.timeout", Kind::Duration, None),
    of_store!(
        "redis.compress_above",
        Kind::Bytes,
        Some(Value::Bytes(1024))
    ),
    of_store!(
        "redis.blocking_connections_max",
        COUNT,
        Some(Value::Count(8))
    ),
];

const fn milliseconds(count: u64) -> Option<Value> {
    Some(Value::Duration(std::time::Duration::from_millis(count)))
}

const ACCEPT: &str = "accept";
const REFUSE: &str = "refuse";
const COUNT: Kind = Kind::Count(usize::MAX as u64);
const SMALL: Kind = Kind::Count(u32::MAX as u64);
/// What a memory store holds unless it is told.
pub(super) const MEMORY_BYTES: u64 = 64 << 20;
