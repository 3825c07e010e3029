//! Connections for tasks: few per runtime and server, over which all of them send.

use std::{
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{self, BoxFuture, Either, Shared},
};
use larder_core::{Clock as _, Fault, FaultKind, Moment};
use redis::{AsyncConnectionConfig, RedisResult, Value, aio::MultiplexedConnection};
use tokio::runtime::Handle;

use super::{Failure, Known, NodeRef, Packed, Way};
use crate::exchange::{Batch, Sent, Unsent};

/// A connection of one runtime: what drives it stops with the runtime in which it was made.
pub(super) struct Slot {
    runtime: tokio::runtime::Id,
    lane: Lane,
    state: State,
}

/// Which connection of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Requests take these by turns: one is driven by one worker at a time.
    Shared(usize),
    /// Waiting for replicas holds up what comes after it, so that has a connection of its own.
    Waiting,
}

/// Connections over which requests take turns, where a runtime has as many workers. More of them
/// cost the server more than they gain.
const LANES: usize = 2;

/// A second connection that was refused is tried again so much later.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone)]
enum State {
    Connecting(Connecting),
    Ready(Link),
}

/// Goes on when those who wait for it give up: the next ones find it done.
type Connecting = Shared<BoxFuture<'static, Result<Link, Failure>>>;

#[derive(Clone)]
struct Link {
    lane: Lane,
    connection: MultiplexedConnection,
    known: Arc<Known>,
}

/// Connections of all runtimes. Above, the oldest one is closed.
const CONNECTIONS_MAX: usize = 1_024;

impl NodeRef {
    /// Sends commands and waits for their answers.
    pub(crate) async fn exchange(&self, batch: &Batch, way: &Way) -> Result<Sent, Unsent> {
        let link = self.link(way, batch.creates()).await?;
        let packed = Packed::new(&batch.commands, &link.known, way, &self.0);
        let waits = way.wait.map_or(Duration::ZERO, |(_, timeout)| timeout);
        let unpacked = match link.send(&packed, way.timeout + waits).await {
            Ok(values) => {
                let unpacked = packed.unpack(values, &link.known, &self.0);
                unpacked.map_err(Unsent::from)
            }
            Err(error) => Err(Failure::from(error).into()),
        };
        match (&unpacked, link.lane) {
            (Err(unsent), _) => self.forget(&link, unsent.was_dropped),
            (Ok(_), Lane::Shared(number)) => self.0.answered_last.store(number, Ordering::Relaxed),
            (Ok(_), Lane::Waiting) => {}
        }
        unpacked
    }

    /// What is rarely waited for is boxed, here and below: a request of a task is as large as all
    /// that it may wait for.
    async fn link(&self, way: &Way, creates: bool) -> Result<Link, Unsent> {
        let connecting = match self.state(way, creates) {
            State::Ready(link) => return Ok(link),
            State::Connecting(connecting) => connecting,
        };
        match Box::pin(tokio::time::timeout(way.timeout, connecting)).await {
            Ok(connected) => connected.map_err(Unsent::from),
            Err(_) => Err(Fault::new(FaultKind::Timeout).into()),
        }
    }

    /// The connection of this runtime, which is made if there is none. Nobody waits for a second one:
    /// a server may have no room for it.
    fn state(&self, way: &Way, creates: bool) -> State {
        let handle = Handle::current();
        let runtime = handle.id();
        let lane = match way.wait {
            Some(_) => Lane::Waiting,
            None => {
                let turn = match creates {
                    // It has no second attempt: no connection for it that may have gone unnoticed.
                    true => self.0.answered_last.load(Ordering::Relaxed),
                    false => self.0.turn.fetch_add(1, Ordering::Relaxed),
                };
                Lane::Shared(turn % LANES.min(handle.metrics().num_workers()))
            }
        };
        let mut slots = crate::lock(&self.0.links);
        let own = slots.iter().find(|slot| slot.is_of(runtime, lane));
        let own = own.map(|slot| slot.state.clone());
        let other = || {
            slots
                .iter()
                .find_map(|slot| slot.stands_in_for(runtime, lane))
        };
        match own {
            Some(State::Ready(link)) => return State::Ready(link),
            Some(connecting) => return other().unwrap_or(connecting),
            None => {}
        }
        let other = other();
        if let Some(other) = other.as_ref().filter(|_| !self.may_connect_again()) {
            return other.clone();
        }
        let connecting = State::Connecting(self.connecting(runtime, lane));
        if slots.len() >= CONNECTIONS_MAX {
            slots.remove(0);
        }
        slots.push(Slot {
            runtime,
            lane,
            state: connecting.clone(),
        });
        other.unwrap_or(connecting)
    }

    /// Whether it is long enough ago that a connection was refused.
    fn may_connect_again(&self) -> bool {
        let refused = Moment(self.0.refused.load(Ordering::Relaxed));
        self.0.settings.clock.now().since(refused) >= AGAIN_AFTER
    }

    fn connected(&self, runtime: tokio::runtime::Id, lane: Lane, link: Option<&Link>) {
        let mut slots = crate::lock(&self.0.links);
        let position = slots.iter().position(|slot| {
            slot.is_of(runtime, lane) && matches!(slot.state, State::Connecting(_))
        });
        match (position, link) {
            (Some(position), Some(link)) => {
                if let Some(slot) = slots.get_mut(position) {
                    slot.state = State::Ready(link.clone());
                }
            }
            (Some(position), None) => {
                let now = self.0.settings.clock.now();
                self.0.refused.store(now.0, Ordering::Relaxed);
                slots.remove(position);
            }
            (None, _) => {}
        }
    }

    /// When one connection is gone, the others of the runtime are as well: a second attempt must not
    /// meet one of them.
    fn forget(&self, link: &Link, is_gone: bool) {
        let runtime = Handle::current().id();
        crate::lock(&self.0.links).retain(|slot| match &slot.state {
            State::Ready(_) if is_gone && slot.runtime == runtime => false,
            State::Ready(known) => !Arc::ptr_eq(&known.known, &link.known),
            State::Connecting(_) => true,
        });
    }

    fn connecting(&self, runtime: tokio::runtime::Id, lane: Lane) -> Connecting {
        let node = self.clone();
        let task = tokio::spawn(async move {
            let connected = node.connect_shared(lane).await;
            // Not left to those who wait, who may have given up: the next ones would find a failure
            // that has long been over.
            node.connected(runtime, lane, connected.as_ref().ok());
            connected
        });
        let joined = async move {
            task.await.unwrap_or_else(|error| {
                Err(Fault::new(FaultKind::Unavailable).because(error).into())
            })
        };
        joined.boxed().shared()
    }

    async fn connect_shared(&self, lane: Lane) -> Result<Link, Failure> {
        let settings = &self.0.settings;
        let timeout = settings.connect_timeout;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            // What is sent has a time limit of its own, and a timer costs.
            .set_response_timeout(None);
        let mut connection = self.0.door.open(config, timeout).await?;
        let hello = self.0.hello();
        let answers = connection.send_packed_commands(&hello, 0, hello.len());
        let answers = within(timeout, answers).await?;
        let known = Arc::new(self.0.introduced(answers)?);
        Ok(Link {
            lane,
            connection,
            known,
        })
    }
}

impl Link {
    async fn send(&self, packed: &Packed<'_>, timeout: Duration) -> RedisResult<Vec<Value>> {
        let mut connection = self.connection.clone();
        let sending = connection.send_packed_commands(&packed.pipeline, 0, packed.count);
        let mut sending = pin!(sending);
        let at_first = timeout / 4;
        if let Ok(sent) = tokio::time::timeout(at_first, &mut sending).await {
            return sent;
        }
        Box::pin(within(timeout - at_first, self.watched(sending))).await
    }

    /// What is handed over at the very moment at which the connection ends, nobody ever looks at: it
    /// would wait in vain. What is handed over later is refused at once.
    async fn watched<T>(
        &self,
        sending: Pin<&mut impl Future<Output = RedisResult<T>>>,
    ) -> RedisResult<T> {
        let mut other = self.connection.clone();
        let question = super::identity::question();
        let probing = pin!(other.send_packed_command(&question));
        match future::select(sending, probing).await {
            Either::Left((sent, _)) => sent,
            Either::Right((Err(error), _)) if error.is_connection_dropped() => Err(error),
            Either::Right((_, sending)) => sending.await,
        }
    }
}

/// What takes longer is an error.
async fn within<T>(
    timeout: Duration,
    asking: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    match tokio::time::timeout(timeout, asking).await {
        Ok(answered) => answered,
        Err(elapsed) => Err(std::io::Error::from(elapsed).into()),
    }
}

impl Slot {
    fn is_of(&self, runtime: tokio::runtime::Id, lane: Lane) -> bool {
        self.runtime == runtime && self.lane == lane
    }

    /// It, where it is there and may take what is another one's turn.
    fn stands_in_for(&self, runtime: tokio::runtime::Id, lane: Lane) -> Option<State> {
        let both_shared = matches!((self.lane, lane), (Lane::Shared(_), Lane::Shared(_)));
        let is_ready = matches!(self.state, State::Ready(_));
        (self.runtime == runtime && both_shared && is_ready).then(|| self.state.clone())
    }
}
