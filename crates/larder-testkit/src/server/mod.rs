//! Private PostgreSQL, MariaDB and Redis servers for tests.
//!
//! Every server lives in its own temporary folder, on its own free port, with settings that trade
//! durability for speed. It is stopped by its pid when its handle drops, and also when the process
//! that started it ends in any other way: a supervisor holds the server by a pipe. Works as root: the
//! servers that refuse root run as their package's own account.
//!
//! Redis comes in every topology, and can be killed, restarted with its data, and paused.
//!
//! A server whose binary is missing is an error that names the Debian package, never a skip.

mod account;
mod binary;
mod error;
mod folder;
mod mariadb;
mod postgres;
mod process;
mod redis;
mod wait;

pub use self::{
    error::{Result, ServerError},
    mariadb::{MariaDbServer, shared_mariadb},
    postgres::{PostgresServer, shared_postgres},
    redis::{
        RedisCluster, RedisOptions, RedisSentinel, RedisServer, RedisTls, SentinelOptions,
        shared_redis, shared_redis_cluster,
    },
    wait::wait_until,
};

#[cfg(test)]
mod tests;
