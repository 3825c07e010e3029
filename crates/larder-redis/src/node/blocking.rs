//! Connections for threads: each is used by one caller at a time.

use std::time::Duration;

use larder_core::Clock as _;
use redis::{Cmd, Connection, ConnectionLike as _, Value};

use super::{Failure, Known, NodeRef, Packed, Way};
use crate::exchange::{Sent, Unsent};

pub(super) struct Link {
    connection: Connection,
    known: Known,
    /// The time limit that is set on its socket.
    timeout: Duration,
}

/// A batch that was sent and whose answers are still to be read.
pub(crate) struct Sending {
    link: Link,
    packed: Packed,
}

impl NodeRef {
    /// Connects, for whoever wants to know whether that works.
    pub(crate) fn greet(&self) -> Result<(), Failure> {
        let link = self.connect()?;
        self.give_back(link);
        Ok(())
    }

    /// Asks one question over a connection of its own, whoever the server is.
    pub(crate) fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        let mut connection = self.open()?;
        match connection.req_command(question)? {
            Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
            answer => Ok(answer),
        }
    }

    /// Sends commands, without waiting for their answers: other servers may work meanwhile.
    pub(crate) fn send(&self, commands: &[Cmd], way: &Way) -> Result<Sending, Unsent> {
        let mut link = match crate::lock(&self.0.idle).pop() {
            Some(link) => link,
            None => self.connect()?,
        };
        let waits = way.wait.map_or(Duration::ZERO, |(_, timeout)| timeout);
        let timeout = way.timeout + waits;
        if link.timeout != timeout {
            link.set_timeout(timeout).map_err(Failure::from)?;
        }
        let packed = Packed::new(commands, &link.known, way, self.0.settings.clock.now());
        let bytes = packed.pipeline.get_packed_pipeline();
        match link.connection.send_packed_command(&bytes) {
            Ok(()) => Ok(Sending { link, packed }),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// The answers.
    pub(crate) fn receive(&self, sending: Sending) -> Result<Sent, Unsent> {
        let Sending { mut link, packed } = sending;
        let mut values = Vec::with_capacity(packed.count);
        for _ in 0..packed.count {
            match link.connection.recv_response() {
                Ok(value) => values.push(value),
                Err(error) => return Err(self.lost(error)),
            }
        }
        let sent = packed.unpack(values, &link.known)?;
        self.give_back(link);
        Ok(sent)
    }

    fn give_back(&self, link: Link) {
        let mut idle = crate::lock(&self.0.idle);
        if idle.len() < self.0.settings.blocking_connections_max {
            idle.push(link);
        }
    }

    /// When one connection is gone, those that lay idle are as well.
    fn lost(&self, error: redis::RedisError) -> Unsent {
        let unsent = Unsent::from(Failure::from(error));
        if unsent.was_dropped {
            crate::lock(&self.0.idle).clear();
        }
        unsent
    }

    fn open(&self) -> redis::RedisResult<Connection> {
        let timeout = self.0.settings.connect_timeout;
        let connection = self.0.client.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        Ok(connection)
    }

    fn connect(&self) -> Result<Link, Failure> {
        let settings = &self.0.settings;
        let mut connection = self.open()?;
        let hello = super::hello(settings);
        let bytes = hello.get_packed_pipeline();
        let values = connection.req_packed_commands(&bytes, 0, hello.len())?;
        Ok(Link {
            known: super::introduced(&values, settings)?,
            connection,
            timeout: settings.connect_timeout,
        })
    }
}

impl Link {
    fn set_timeout(&mut self, timeout: Duration) -> redis::RedisResult<()> {
        self.connection.set_read_timeout(Some(timeout))?;
        self.connection.set_write_timeout(Some(timeout))?;
        self.timeout = timeout;
        Ok(())
    }
}
