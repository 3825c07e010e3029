//! Setting one field by its name, as files and variables give them one by one.

use std::{str::FromStr, time::Duration};

use larder_core::Error;

use super::{AcknowledgeReplicas, RedisConfig, TlsConfig, text};

impl RedisConfig {
    /// Sets the field of this name from text, as a table of settings would: durations as `500ms`,
    /// lists with commas. Fields within fields are named with a dot: `tls.ca_file`,
    /// `acknowledge_replicas.timeout`. The [servers](Self::servers) come from a URL alone.
    ///
    /// # Errors
    /// `Config`: there is no such field, its text is not what it takes, or it is about TLS, which
    /// [`tls`](Self::tls) does not name. The text contains no values.
    ///
    /// # Examples
    /// ```
    /// use larder_redis::RedisConfig;
    ///
    /// let mut config = RedisConfig::from_url("redis://cache.example/")?;
    /// config.set("hit_timeout", "50ms")?;
    /// assert!(config.set("tls.ca_file", "/etc/ca.pem").is_err());
    /// # Ok::<(), larder_core::Error>(())
    /// ```
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let set = match name {
            "username" => Ok(self.username = Some(value.to_owned())),
            "password" => Ok(self.password = Some(value.to_owned().into())),
            "database" => number(value).map(|number| self.database = number),
            "client_name" => Ok(self.client_name = Some(value.to_owned())),
            "connect_timeout" => time(value).map(|time| self.connect_timeout = time),
            "response_timeout" => time(value).map(|time| self.response_timeout = time),
            "hit_timeout" => time(value).map(|time| self.hit_timeout = time),
            "table_shards" => number(value).map(|number| self.table_shards = number),
            "also_invalidate_shards" => {
                let shards = value.split(',').filter(|shard| !shard.is_empty());
                let shards: Result<Vec<u16>, _> =
                    shards.map(|shard| number(shard.trim())).collect();
                shards.map(|shards| self.also_invalidate_shards = shards)
            }
            "compress_above" => {
                number(value).map(|above| self.compress_above = Some(above).filter(|n| *n > 0))
            }
            "blocking_connections_max" => {
                number(value).map(|number| self.blocking_connections_max = number)
            }
            "acknowledge_replicas.replicas" => {
                number(value).map(|number| self.acknowledge().replicas = number)
            }
            "acknowledge_replicas.timeout" => {
                time(value).map(|time| self.acknowledge().timeout = time)
            }
            "tls.ca_file" => self.over_tls(|tls| tls.ca_file = Some(value.into())),
            "tls.client_cert_file" => {
                self.over_tls(|tls| tls.client_cert_file = Some(value.into()))
            }
            "tls.client_key_file" => self.over_tls(|tls| tls.client_key_file = Some(value.into())),
            "tls.server_name" => self.over_tls(|tls| tls.server_name = Some(value.to_owned())),
            _ => Err(UNKNOWN),
        };
        set.map_err(|why| Error::config(format!("{name} {why}")))
    }

    fn acknowledge(&mut self) -> &mut AcknowledgeReplicas {
        self.acknowledge_replicas
            .get_or_insert_with(AcknowledgeReplicas::default)
    }

    fn over_tls(&mut self, set: impl FnOnce(&mut TlsConfig)) -> Result<(), &'static str> {
        self.tls.as_mut().map(set).ok_or(NEEDS_TLS)
    }
}

fn time(value: &str) -> Result<Duration, &'static str> {
    text::duration(value).ok_or(NO_DURATION)
}

fn number<T: FromStr>(value: &str) -> Result<T, &'static str> {
    text::number(value).ok_or(NO_NUMBER)
}

const UNKNOWN: &str = "is no setting of redis: take the name of a field of RedisConfig";
const NO_DURATION: &str = "is no whole number with ms, s, m or h: write it as 500ms";
const NO_NUMBER: &str = "is not a whole number, or too large: write digits alone";
const NEEDS_TLS: &str = "is about TLS: begin the URL with rediss, or leave it away";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_but_the_servers_has_a_name() {
        let url = "rediss://cache.example/";
        let mut config = RedisConfig::from_url(url).unwrap();
        for (name, value) in [
            ("username", "app"),
            ("password", "word"),
            ("database", "2"),
            ("client_name", "blog"),
            ("tls.ca_file", "/ca"),
            ("tls.client_cert_file", "/cert"),
            ("tls.client_key_file", "/key"),
            ("tls.server_name", "cache"),
            ("connect_timeout", "1s"),
            ("response_timeout", "2s"),
            ("hit_timeout", "50ms"),
            ("table_shards", "4"),
            ("also_invalidate_shards", "1,2"),
            ("acknowledge_replicas.replicas", "2"),
            ("acknowledge_replicas.timeout", "1m"),
            ("compress_above", "0"),
            ("blocking_connections_max", "3"),
        ] {
            config.set(name, value).unwrap();
        }
        let table = r#"{
            "servers": "cache.example", "username": "app", "password": "word", "database": 2,
            "client_name": "blog", "connect_timeout": "1s", "response_timeout": "2s",
            "tls": {"ca_file": "/ca", "client_cert_file": "/cert", "client_key_file": "/key",
                    "server_name": "cache"},
            "hit_timeout": "50ms", "table_shards": 4, "also_invalidate_shards": [1, 2],
            "acknowledge_replicas": {"replicas": 2, "timeout": "1m"}, "compress_above": 0,
            "blocking_connections_max": 3
        }"#;
        let read: RedisConfig = serde_json::from_str(table).unwrap();
        assert_eq!(config, read);
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_its_name_and_without_its_value() {
        let mut config = RedisConfig::default();
        for (name, value, problem) in [
            ("hit_timeout", "5 s", NO_DURATION),
            ("table_shards", "70000", NO_NUMBER),
            ("also_invalidate_shards", "1,x", NO_NUMBER),
            ("tls.ca_file", "/ca", NEEDS_TLS),
            ("servers", "a:1", UNKNOWN),
        ] {
            let error = config.set(name, value).unwrap_err();
            assert_eq!(error.to_string(), format!("{name} {problem}"));
        }
        assert_eq!(config, RedisConfig::default());
    }
}
