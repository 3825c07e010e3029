//! The settings one by one, for configurations that are built in code.

use std::time::Duration;

use super::{AcknowledgeReplicas, RedisConfig, Secret, TlsConfig};

impl RedisConfig {
    /// See [`username`](Self::username). Default: Redis's default user.
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// See [`password`](Self::password). Default: none.
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// See [`database`](Self::database). Default: 0.
    pub fn with_database(mut self, database: u32) -> Self {
        self.database = database;
        self
    }

    /// See [`client_name`](Self::client_name). Default: none.
    pub fn with_client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }

    /// See [`tls`](Self::tls). Default: no TLS.
    pub fn with_tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// See [`connect_timeout`](Self::connect_timeout). Default: 500 ms. Zero is refused.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// See [`response_timeout`](Self::response_timeout). Default: 500 ms. Zero is refused.
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// See [`hit_timeout`](Self::hit_timeout). Default: 100 ms. Zero is refused.
    pub fn with_hit_timeout(mut self, timeout: Duration) -> Self {
        self.hit_timeout = timeout;
        self
    }

    /// See [`table_shards`](Self::table_shards). Default: 1. Zero is refused.
    pub fn with_table_shards(mut self, shards: u16) -> Self {
        self.table_shards = shards;
        self
    }

    /// See [`also_invalidate_shards`](Self::also_invalidate_shards). Default: none.
    pub fn with_also_invalidate_shards(mut self, shards: impl IntoIterator<Item = u16>) -> Self {
        self.also_invalidate_shards = shards.into_iter().collect();
        self
    }

    /// See [`acknowledge_replicas`](Self::acknowledge_replicas). Default: waits for none.
    pub fn with_acknowledge_replicas(mut self, acknowledge: AcknowledgeReplicas) -> Self {
        self.acknowledge_replicas = Some(acknowledge);
        self
    }

    /// See [`compress_above`](Self::compress_above). Default: 1024 bytes. Zero and `None`: never.
    pub fn with_compress_above(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.compress_above = bytes.into().filter(|bytes| *bytes > 0);
        self
    }

    /// See [`blocking_connections_max`](Self::blocking_connections_max). Default: 8. Zero: keeps
    /// none.
    pub fn with_blocking_connections_max(mut self, connections: usize) -> Self {
        self.blocking_connections_max = connections;
        self
    }
}
