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
        let set = self.set_named(name, value);
        set.map_err(|why| Error::config(format!("{name} {why}")))
    }

    fn set_named(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "username" => self.username = Some(value.to_owned()),
            "password" => self.password = Some(value.to_owned().into()),
            "database" => self.database = number(value)?,
            "client_name" => self.client_name = Some(value.to_owned()),
            "connect_timeout" => self.connect_timeout = time(value)?,
            "response_timeout" => self.response_timeout = time(value)?,
            "hit_timeout" => self.hit_timeout = time(value)?,
            "table_shards" => self.table_shards = number(value)?,
            "also_invalidate_shards" => {
                let shards = value.split(',').map(str::trim);
                let shards = shards.filter(|shard| !shard.is_empty()).map(number);
                self.also_invalidate_shards = shards.collect::<Result<_, _>>()?;
            }
            "compress_above" => self.compress_above = Some(number(value)?).filter(|n| *n > 0),
            "blocking_connections_max" => self.blocking_connections_max = number(value)?,
            "acknowledge_replicas.replicas" => self.acknowledge().replicas = number(value)?,
            "acknowledge_replicas.timeout" => self.acknowledge().timeout = time(value)?,
            "tls.ca_file" => self.tls_named()?.ca_file = Some(value.into()),
            "tls.client_cert_file" => self.tls_named()?.client_cert_file = Some(value.into()),
            "tls.client_key_file" => self.tls_named()?.client_key_file = Some(value.into()),
            "tls.server_name" => self.tls_named()?.server_name = Some(value.to_owned()),
            _ => return Err(UNKNOWN),
        }
        Ok(())
    }

    fn acknowledge(&mut self) -> &mut AcknowledgeReplicas {
        self.acknowledge_replicas
            .get_or_insert_with(AcknowledgeReplicas::default)
    }

    fn tls_named(&mut self) -> Result<&mut TlsConfig, Why> {
        self.tls.as_mut().ok_or(NEEDS_TLS)
    }
}

/// Why a value is refused.
type Why = &'static str;

fn time(value: &str) -> Result<Duration, Why> {
    text::duration(value).ok_or(NO_DURATION)
}

fn number<T: FromStr>(value: &str) -> Result<T, Why> {
    text::number(value).ok_or(NO_NUMBER)
}

const UNKNOWN: Why = "is no setting of redis: take the name of a field of RedisConfig";
const NO_DURATION: Why = "is no whole number with ms, s, m or h: write it as 500ms";
const NO_NUMBER: Why = "is not a whole number, or too large: write digits alone";
const NEEDS_TLS: Why = "is about TLS: begin the URL with rediss, or leave it away";

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
            "servers": { "standalone": "cache.example" }, "username": "app", "password": "word", "database": 2,
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
