//! Connections for threads: each is used by one caller at a time.

use std::time::Duration;

use redis::{Cmd, Pipeline, Value};

use super::{Failure, Known, NodeRef, Packed, Way, door::Line, failure};
use crate::{
    call::protocol,
    exchange::{Sent, Unsent},
};

pub(super) struct Link {
    line: Line,
    known: Known,
    /// The time limit that is set on its socket.
    timeout: Duration,
}

/// A batch that was sent and whose answers are still to be read.
pub(crate) struct Sending<'a> {
    link: Link,
    packed: Packed<'a>,
}

impl NodeRef {
    /// Connects, for whoever wants to know whether that works and whether these may be sent.
    pub(crate) fn greet(&self, probes: &Pipeline) -> Result<(), Failure> {
        let mut link = self.connect()?;
        for answer in told(&mut link.line, probes)? {
            if let Value::ServerError(refusal) = answer {
                return Err(failure::refused(&refusal));
            }
        }
        self.give_back(link);
        Ok(())
    }

    /// Asks one question over a connection of its own, whoever the server is.
    pub(crate) fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        let mut line = self.open()?;
        let mut pipeline = self.0.login.pipeline();
        pipeline.add_command(question.clone());
        let answers = told(&mut line, &pipeline)?;
        match self.0.login.accepted(answers)?.pop() {
            Some(Value::ServerError(error)) => Err(failure::refused(&error)),
            Some(answer) => Ok(answer),
            None => Err(protocol().into()),
        }
    }

    /// Sends commands, without waiting for their answers: other servers may work meanwhile.
    pub(crate) fn send<'a>(
        &self,
        commands: &'a Pipeline,
        way: &Way,
    ) -> Result<Sending<'a>, Unsent> {
        let mut link = match crate::lock(&self.0.idle).pop() {
            Some(link) => link,
            None => self.connect()?,
        };
        let waits = way.wait.map_or(Duration::ZERO, |(_, timeout)| timeout);
        let timeout = way.timeout + waits;
        if link.timeout != timeout {
            link.line.set_timeout(timeout).map_err(Failure::from)?;
            link.timeout = timeout;
        }
        let packed = Packed::new(commands, &link.known, way, &self.0);
        let bytes = packed.pipeline.get_packed_pipeline();
        match link.line.send(&bytes) {
            Ok(()) => Ok(Sending { link, packed }),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// The answers.
    pub(crate) fn receive(&self, sending: Sending<'_>) -> Result<Sent, Unsent> {
        let Sending { mut link, packed } = sending;
        let mut values = Vec::with_capacity(packed.count);
        for _ in 0..packed.count {
            match link.line.receive() {
                Ok(value) => values.push(value),
                Err(error) => return Err(self.lost(error)),
            }
        }
        let sent = packed.unpack(values, &link.known, &self.0)?;
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

    fn open(&self) -> redis::RedisResult<Line> {
        self.0.door.open_blocking(self.0.settings.connect_timeout)
    }

    fn connect(&self) -> Result<Link, Failure> {
        let mut line = self.open()?;
        let answers = told(&mut line, &self.0.hello())?;
        Ok(Link {
            known: self.0.introduced(answers)?,
            line,
            timeout: self.0.settings.connect_timeout,
        })
    }
}

/// What the server answers, refusals among it.
fn told(line: &mut Line, pipeline: &Pipeline) -> redis::RedisResult<Vec<Value>> {
    line.send(&pipeline.get_packed_pipeline())?;
    (0..pipeline.len()).map(|_| line.receive()).collect()
}
