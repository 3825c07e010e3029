//! What stands for TLS without the feature: there is none.

use redis::{Client, ConnectionInfo};

use crate::{config::RedisConfig, node::Failure};

pub(super) enum Tls {}

impl Tls {
    pub(super) fn read(config: &RedisConfig) -> Result<Option<Self>, Failure> {
        match config.tls {
            Some(_) => Err(Failure::wrong(NO_TLS)),
            None => Ok(None),
        }
    }

    pub(super) fn open(&self, _: ConnectionInfo) -> Result<Client, Failure> {
        match *self {}
    }
}

const NO_TLS: &str = "TLS needs larder's feature redis-tls: switch it on, or write redis instead \
                      of rediss";
