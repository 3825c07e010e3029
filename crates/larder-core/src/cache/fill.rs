//! One run of a query whose result will be stored.

use std::{any::Any, fmt, sync::Arc};

use crate::{
    EntryKey, ResultCodec, Statement,
    clock::Moment,
    entry::{Entry, Payload},
    flight::Lead,
    machine::{FillPlan, ReadMode, ReadRequest},
    observer::{DiscardReason, FillOutcome, MissCause},
    recorder::Recorded,
    store::{Removal, Request},
    sync::lock,
};

use tracing::{Span, field};

use super::Cache;

/// The permission to run a query and the duty to say how it ended. Dropped without an end
/// (cancellation, panic), it hands the duty to a waiter (P8).
#[must_use]
pub struct Fill {
    /// On the heap: outcomes are moved often, and most of them are hits.
    ticket: Box<Ticket>,
}

struct Ticket {
    cache: Cache,
    key: EntryKey,
    codec: Option<&'static ResultCodec>,
    statement: Option<Arc<Statement>>,
    plan: FillPlan,
    /// `None` when it runs alone.
    lead: Option<Lead>,
    /// Why the read missed.
    miss: Option<MissCause>,
    ended: bool,
    /// Open as long as the fill is under way.
    _span: Span,
}

impl Fill {
    pub(super) fn new(
        cache: Cache,
        request: &ReadRequest<'_>,
        plan: FillPlan,
        lead: Option<Lead>,
    ) -> Self {
        let ticket = Box::new(Ticket {
            cache,
            key: request.entry.clone(),
            codec: request.codec,
            statement: request.call.map(|call| call.statement.clone()),
            plan,
            lead,
            miss: None,
            ended: false,
            _span: span(request),
        });
        Self { ticket }
    }

    /// The same with why the read missed.
    pub(super) fn after(mut self, miss: Option<MissCause>) -> Self {
        self.ticket.miss = miss;
        self
    }

    /// Gives it up before anything ran: the read starts over.
    pub(super) fn start_over(mut self) {
        self.ticket.ended = true;
    }

    /// Says that the read has missed, where nobody has said so.
    pub(super) fn report_miss(&self) {
        if let Some(cause) = self.ticket.miss {
            let table = &self.ticket.key.table;
            self.ticket.cache.missed(table, None, cause);
        }
    }

    /// Lets the result rest on everything that a recorder has heard of.
    pub(super) fn rest_on_recorded(&mut self, recorded: &Recorded) {
        self.ticket.plan.rest_on_recorded(recorded);
    }

    /// Stores the result, which weighs this many bytes, and hands it to the waiters.
    pub async fn store(mut self, value: Arc<dyn Any + Send + Sync>, bytes: usize) -> FillOutcome {
        let now = self.ticket.cache.now();
        let entry = match self.entry(value, bytes, now) {
            Ok(entry) => entry,
            Err(reason) => return self.give_up(reason, bytes).await,
        };
        let store = self.ticket.cache.shared.stores.shared.as_ref();
        let requests = self.requests(entry);
        let fault = match requests.as_slice() {
            [] => None,
            [put] if store.try_now(now, put).is_some() => None,
            requests => store.exec(now, requests).await.err(),
        };
        self.stored(bytes, fault)
    }

    /// [`Self::store`] for threads.
    pub fn store_blocking(
        mut self,
        value: Arc<dyn Any + Send + Sync>,
        bytes: usize,
    ) -> FillOutcome {
        let now = self.ticket.cache.now();
        let entry = match self.entry(value, bytes, now) {
            Ok(entry) => entry,
            Err(reason) => return self.give_up_blocking(reason, bytes),
        };
        let store = self.ticket.cache.shared.stores.blocking.as_ref();
        let fault = match self.requests(entry).as_slice() {
            [] => None,
            requests => store.exec_blocking(now, requests).err(),
        };
        self.stored(bytes, fault)
    }

    /// Makes this the fill of an operation of several statements: its result rests on what `part`,
    /// the read of a later statement in [`ReadMode::Part`](crate::ReadMode::Part), rests on too.
    ///
    /// Waiters have seen the stamps of the first statement alone, so from here on nobody waits for
    /// this fill (P8).
    pub fn rest_on(&mut self, mut part: Self) {
        part.ticket.ended = true;
        self.ticket.lead = None;
        self.ticket.plan.rest_on(&part.ticket.plan);
    }

    /// Ends the fill without a value.
    pub fn discard(mut self, reason: DiscardReason) {
        self.abandon_claim();
        self.end(FillOutcome::Discarded(reason), 0);
    }

    /// The entry to store, and the value to the waiters: they saw the very stamps of this fill, so
    /// its value answers them whether it can be stored or not. `None` = it is kept near alone.
    fn entry(
        &self,
        value: Arc<dyn Any + Send + Sync>,
        bytes: usize,
        now: Moment,
    ) -> Result<Option<Arc<Entry>>, DiscardReason> {
        let payload = Payload { value, bytes };
        if let Some(lead) = &self.ticket.lead {
            lead.land(payload.clone());
        }
        let (plan, shared) = (&self.ticket.plan, &self.ticket.cache.shared);
        let limits = &shared.limits;
        if plan.expires <= now {
            Err(DiscardReason::Expired)
        } else if bytes > limits.entry_bytes_max {
            Err(DiscardReason::TooLarge)
        } else if plan.dependencies.len() > limits.dependencies_max {
            Err(DiscardReason::Dependencies)
        } else if shared.stores.shared.is_remote() {
            self.entry_outside(payload, now)
        } else {
            Ok(Some(Arc::new(plan.entry(payload, now))))
        }
    }

    /// The entry for a store outside the process; the decoded one is kept near.
    fn entry_outside(
        &self,
        payload: Payload,
        now: Moment,
    ) -> Result<Option<Arc<Entry>>, DiscardReason> {
        let Ticket {
            cache, codec, plan, ..
        } = &*self.ticket;
        let shared = &cache.shared;
        let encoded = codec.and_then(|it| it.encode(payload.value.as_ref(), shared.codec).ok());
        if let Some(near) = &shared.near {
            near.put(&self.ticket.key, &Arc::new(plan.entry(payload, now)));
        } else if encoded.is_none() {
            return Err(DiscardReason::NotWritable);
        }
        match encoded {
            Some(encoded) if encoded.bytes.len() > shared.limits.entry_bytes_max => {
                Err(DiscardReason::TooLarge)
            }
            encoded => {
                Ok(encoded.map(|it| Arc::new(plan.entry(crate::entry::Content::Encoded(it), now))))
            }
        }
    }

    /// The put, and the end of a claim after it: who waits for it finds the entry.
    fn requests(&self, entry: Option<Arc<Entry>>) -> Vec<Request<'_>> {
        let put = entry.map(|entry| Request::Put {
            key: &self.ticket.key,
            entry,
            dependencies: &self.ticket.plan.dependencies,
        });
        put.into_iter().chain(self.release()).collect()
    }

    fn release(&self) -> Option<Request<'static>> {
        let Ticket { key, plan, .. } = &*self.ticket;
        plan.claimed
            .then(|| Request::Remove(vec![Removal::Claim(key.clone())]))
    }

    /// Without I/O: the next leader of this process goes on with the claim; other processes wait for
    /// its end.
    fn abandon_claim(&self) {
        let Ticket {
            cache, key, plan, ..
        } = &*self.ticket;
        if plan.claimed {
            let mut abandoned = lock(&cache.shared.abandoned);
            if abandoned.len() < cache.limits().flights_max {
                abandoned.insert(key.digest);
            }
        }
    }

    /// Nothing is stored, but nobody need wait for it either.
    async fn give_up(mut self, reason: DiscardReason, bytes: usize) -> FillOutcome {
        if let Some(release) = self.release() {
            let cache = &self.ticket.cache;
            let released = cache
                .shared
                .stores
                .shared
                .exec(cache.now(), &[release])
                .await;
            cache.heard(released.as_ref().err());
        }
        self.end(FillOutcome::Discarded(reason), bytes)
    }

    fn give_up_blocking(mut self, reason: DiscardReason, bytes: usize) -> FillOutcome {
        if let Some(release) = self.release() {
            let cache = &self.ticket.cache;
            let store = &cache.shared.stores.blocking;
            cache.heard(store.exec_blocking(cache.now(), &[release]).as_ref().err());
        }
        self.end(FillOutcome::Discarded(reason), bytes)
    }

    fn stored(&mut self, bytes: usize, fault: Option<crate::Fault>) -> FillOutcome {
        self.ticket.cache.heard(fault.as_ref());
        if fault.is_some() {
            self.abandon_claim();
        }
        let outcome = match fault {
            None => FillOutcome::Stored,
            Some(_) => FillOutcome::Discarded(DiscardReason::Fault),
        };
        self.end(outcome, bytes)
    }

    fn end(&mut self, outcome: FillOutcome, bytes: usize) -> FillOutcome {
        self.ticket.ended = true;
        self.ticket.lead = None;
        let Ticket {
            cache,
            key,
            plan,
            statement,
            ..
        } = &*self.ticket;
        let took = cache.now().since(plan.created);
        cache.filled(&key.table, statement.as_deref(), (outcome, bytes, took));
        outcome
    }
}

/// What a subscriber sees of a fill: which statement, and how long. Those of parts have that of the
/// operation that they belong to.
fn span(request: &ReadRequest<'_>) -> Span {
    if request.mode == ReadMode::Part {
        return Span::none();
    }
    let statement = request.call.map(|call| field::display(call.statement.id()));
    tracing::debug_span!(
        target: "larder",
        "fill",
        table = &*request.entry.table.0,
        statement,
    )
}

impl Drop for Fill {
    fn drop(&mut self) {
        if !self.ticket.ended {
            self.abandon_claim();
            self.end(FillOutcome::Discarded(DiscardReason::Cancelled), 0);
        }
    }
}

impl fmt::Debug for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Fill");
        out.field("key", &self.ticket.key)
            .field("leads", &self.ticket.lead.is_some())
            .finish_non_exhaustive()
    }
}
