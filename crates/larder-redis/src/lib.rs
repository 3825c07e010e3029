//! The Redis store of larder. [`RedisConfig`] says where Redis is and how it is spoken to.

mod config;

pub use config::{
    AcknowledgeReplicas, Address, HostPort, RedisConfig, Secret, SentinelConfig, TlsConfig,
    Topology,
};
