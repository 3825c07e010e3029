//! What stands for TLS without the feature: there is none.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, RedisConnectionInfo, RedisResult, Value, aio::MultiplexedConnection,
};

use super::Failure;
use crate::config::{HostPort, RedisConfig};

pub(crate) enum Tls {}

pub(super) enum TlsLine {}

impl Tls {
    pub(crate) fn read(config: &RedisConfig) -> Result<Option<Self>, Failure> {
        match config.tls {
            Some(_) => Err(Failure::wrong(NO_TLS)),
            None => Ok(None),
        }
    }

    pub(super) fn connect_blocking(&self, _: &HostPort, _: Duration) -> RedisResult<TlsLine> {
        match *self {}
    }

    pub(super) async fn connect(
        &self,
        _: &HostPort,
        _: &RedisConnectionInfo,
        _: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        match *self {}
    }
}

impl TlsLine {
    pub(super) fn send(&mut self, _: &[u8]) -> RedisResult<()> {
        match *self {}
    }

    pub(super) fn receive(&mut self) -> RedisResult<Value> {
        match *self {}
    }

    pub(super) fn set_timeout(&mut self, _: Duration) -> RedisResult<()> {
        match *self {}
    }
}

const NO_TLS: &str = "TLS needs larder's feature redis-tls: switch it on, or write redis instead \
                      of rediss";
