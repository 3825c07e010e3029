//! A store that fails as told.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use larder_core::{
    BlockingStore, Fault, FaultKind, Moment, Stamp, Store,
    store::{Registration, Reply, Request},
};

/// What happens to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It runs and is answered.
    #[default]
    Answered,
    /// It never reaches the store.
    Refused,
    /// It runs, and its reply is lost.
    ReplyLost,
}

type Script = Box<dyn FnMut(&Request<'_>) -> Fate + Send>;

/// Wraps a store; a script decides the fate of each request before it runs, and may meddle with
/// the store itself (evict, invalidate, restart) at that moment.
#[derive(Clone)]
pub struct FaultyStore<S> {
    inner: S,
    state: Arc<Mutex<State>>,
}

struct State {
    script: Script,
    sent: HashSet<Stamp>,
    sent_again: bool,
}

impl<S> FaultyStore<S> {
    /// A store with this script.
    pub fn new(inner: S, script: impl FnMut(&Request<'_>) -> Fate + Send + 'static) -> Self {
        let state = State {
            script: Box::new(script),
            sent: HashSet::new(),
            sent_again: false,
        };
        Self {
            inner,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Another script from now on.
    pub fn rescript(&self, script: impl FnMut(&Request<'_>) -> Fate + Send + 'static) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .script = Box::new(script);
    }

    /// Whether any creating command was sent again with the same stamp (P5).
    pub fn saw_a_stamp_twice(&self) -> bool {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sent_again
    }

    fn fate(&self, request: &Request<'_>) -> Fate {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Request::Register { registrations, .. } = request {
            for Registration { shape, value, .. } in registrations {
                for stamp in [shape, value].into_iter().flatten() {
                    state.sent_again |= !state.sent.insert(*stamp);
                }
            }
        }
        (state.script)(request)
    }
}

impl<S: fmt::Debug> fmt::Debug for FaultyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: BlockingStore> Store for FaultyStore<S> {
    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.exec_blocking(now, batch)
    }
}

impl<S: BlockingStore> BlockingStore for FaultyStore<S> {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        let mut replies = Vec::with_capacity(batch.len());
        for request in batch {
            let fate = self.fate(request);
            if fate == Fate::Refused {
                return Err(Fault::new(FaultKind::Unavailable));
            }
            replies.extend(
                self.inner
                    .exec_blocking(now, std::slice::from_ref(request))?,
            );
            if fate == Fate::ReplyLost {
                return Err(Fault::new(FaultKind::Timeout));
            }
        }
        Ok(replies)
    }
}
