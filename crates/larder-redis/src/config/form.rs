//! The configuration as serde sees it.

use std::{fmt, time::Duration};

use larder_core::Error;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{AcknowledgeReplicas, Address, HostPort, RedisConfig, Secret, TlsConfig, Topology};

/// The table of settings. Apart from [`RedisConfig`], whose own reading also takes a URL.
#[derive(Serialize, Deserialize)]
#[serde(
    remote = "RedisConfig",
    default = "RedisConfig::default",
    deny_unknown_fields
)]
struct Table {
    servers: Topology,
    username: Option<String>,
    #[serde(skip_serializing)]
    password: Option<Secret>,
    database: u32,
    client_name: Option<String>,
    tls: Option<TlsConfig>,
    #[serde(with = "duration")]
    connect_timeout: Duration,
    #[serde(with = "duration")]
    response_timeout: Duration,
    #[serde(with = "duration")]
    hit_timeout: Duration,
    table_shards: u16,
    also_invalidate_shards: Vec<u16>,
    acknowledge_replicas: Option<AcknowledgeReplicas>,
    #[serde(with = "bytes_or_zero")]
    compress_above: Option<usize>,
    blocking_connections_max: usize,
}

impl Serialize for RedisConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Table::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RedisConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UrlOrTable)
    }
}

struct UrlOrTable;

impl<'de> Visitor<'de> for UrlOrTable {
    type Value = RedisConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a redis URL or a table of redis settings")
    }

    fn visit_str<E: de::Error>(self, url: &str) -> Result<RedisConfig, E> {
        RedisConfig::from_url(url).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RedisConfig, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map_err(without_url)
    }
}

/// Serde quotes a text that stands in the wrong place, and that may be a URL with its password.
fn without_url<E: de::Error>(error: E) -> E {
    let text = error.to_string();
    if text.contains('@') || text.contains("://") {
        return E::custom(URL_IN_TABLE);
    }
    error
}

impl Serialize for HostPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tcp(server) => server.serialize(serializer),
            Self::Unix(path) => path.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("a host:port or the path of a socket", str::parse))
    }
}

pub(super) fn nodes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HostPort>, D::Error> {
    from.deserialize_any(Hosts(HostPort::SERVER_PORT))
}

pub(super) fn sentinels<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HostPort>, D::Error> {
    from.deserialize_any(Hosts(HostPort::SENTINEL_PORT))
}

/// A list of hosts, or one text with commas as in a URL; with the port of those that have none.
struct Hosts(u16);

impl<'de> Visitor<'de> for Hosts {
    type Value = Vec<HostPort>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of host:port")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<HostPort>, E> {
        HostPort::parse_list(text, self.0).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<HostPort>, A::Error> {
        let mut hosts = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            hosts.push(HostPort::parse(&text, self.0).map_err(de::Error::custom)?);
        }
        Ok(hosts)
    }
}

/// What is read from text by a function.
struct Text<T>(&'static str, fn(&str) -> Result<T, Error>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// Durations as text such as `500ms`.
pub(super) mod duration {
    use std::time::Duration;

    use larder_core::Error;
    use serde::{Deserializer, Serializer, ser::Error as _};

    use super::{super::text, Text};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let text = text::duration_text(*value).ok_or_else(|| S::Error::custom(FRACTION))?;
        to.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        from.deserialize_str(Text("a duration such as \"500ms\"", |text| {
            text::duration(text).ok_or_else(|| Error::config(text::NO_DURATION))
        }))
    }

    const FRACTION: &str = "a duration is not a whole number of milliseconds, or too long";
}

/// `None` is zero: formats without null leave it out, and would read the default.
mod bytes_or_zero {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<usize>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.unwrap_or(0).serialize(to)
    }

    pub(super) fn deserialize<'de, D>(from: D) -> Result<Option<usize>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let bytes = Option::<usize>::deserialize(from)?;
        Ok(bytes.filter(|bytes| *bytes > 0))
    }
}

const URL_IN_TABLE: &str = "a URL stands in the table of the redis settings: give it alone in \
                            place of the table, or each of its parts its own setting";
