//! How a server is reached: by the client library, or by TLS.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Connection, ConnectionAddr, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisResult, Value, aio::MultiplexedConnection, io::tcp::TcpSettings,
};

use super::{
    Failure,
    tls::{Tls, TlsLine},
};
use crate::config::{Address, HostPort};

/// How a server is reached.
pub(crate) enum Door {
    Plain(Client),
    Tls(Arc<Tls>, HostPort),
}

/// A connection for a thread.
pub(super) enum Line {
    Plain(Connection),
    Tls(TlsLine),
}

impl Door {
    pub(crate) fn new(address: &Address, tls: Option<&Arc<Tls>>) -> Result<Self, Failure> {
        let to = match (address, tls) {
            (Address::Unix(path), _) => ConnectionAddr::Unix(path.clone()),
            (Address::Tcp(to), Some(tls)) => return Ok(Self::Tls(tls.clone(), to.clone())),
            (Address::Tcp(HostPort { host, port, .. }), None) => {
                ConnectionAddr::Tcp(host.clone(), *port)
            }
        };
        let info = to
            .into_connection_info()?
            .set_redis_settings(silent())
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Ok(Self::Plain(Client::open(info)?))
    }

    /// For a thread. Nothing takes longer than this.
    pub(super) fn open_blocking(&self, timeout: Duration) -> RedisResult<Line> {
        match self {
            Self::Plain(client) => {
                let mut line = Line::Plain(client.get_connection_with_timeout(timeout)?);
                line.set_timeout(timeout)?;
                Ok(line)
            }
            // Its handshake has the time limit already.
            Self::Tls(tls, to) => Ok(Line::Tls(tls.connect_blocking(to, timeout)?)),
        }
    }

    /// For the tasks of a runtime.
    pub(super) async fn open(
        &self,
        config: AsyncConnectionConfig,
        timeout: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Plain(client) => {
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                connecting.await
            }
            Self::Tls(tls, to) => {
                let info = silent();
                let connecting = tls.connect(to, &info, config);
                let connected = tokio::time::timeout(timeout, connecting).await;
                connected.map_err(std::io::Error::from)?
            }
        }
    }
}

/// Nothing is said by itself: logging in is ours, and the name of the client library would cost a
/// round trip and a permission.
fn silent() -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_skip_set_lib_name()
}

impl Line {
    pub(super) fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        match self {
            Self::Plain(connection) => connection.send_packed_command(bytes),
            Self::Tls(line) => line.send(bytes),
        }
    }

    pub(super) fn receive(&mut self) -> RedisResult<Value> {
        match self {
            Self::Plain(connection) => connection.recv_response(),
            Self::Tls(line) => line.receive(),
        }
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) -> RedisResult<()> {
        match self {
            Self::Plain(connection) => {
                connection.set_read_timeout(Some(timeout))?;
                connection.set_write_timeout(Some(timeout))
            }
            Self::Tls(line) => line.set_timeout(timeout),
        }
    }
}
