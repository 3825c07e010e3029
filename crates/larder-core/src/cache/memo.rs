//! Memos: a lookup, a flight that hands on no value, and a fill that rests on what ran inside.
//!
//! Who finds a memo under way waits for its end and looks again: the reads inside of it may be older
//! than a write that had ended before the waiter came, and only the stamps of the stored result can
//! tell (P8). So a memo's flight has no stamps in its name, and lands with nothing.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use crate::{
    DependencyKey, Digest, EntryKey,
    clock::Moment,
    flight::{Joined, Landing, Lead, Waiter},
    machine::{FlightKey, Leeway, ReadMode, ReadRequest},
    observer::{BypassReason, DiscardReason, FillOutcome},
    recorder::{self, Recorded, Recorder},
};

use super::{Cache, Fill, ReadOutcome};

/// What a memo comes to before its body runs.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum MemoStep {
    /// The answer.
    Hit(Arc<dyn Any + Send + Sync>),
    /// Run the body under [`MemoFill::recorder`], then [`MemoFill::store`] its result.
    Run(MemoFill),
    /// Run the body.
    Bypass(BypassReason),
}

/// The permission to run the body of a memo. Dropped without an end (cancellation, panic), it hands
/// the duty to whoever waits.
#[must_use]
pub struct MemoFill {
    fill: Fill,
    recorder: Recorder,
    /// Ends the flight when it is dropped, which is after the put.
    lead: Option<Lead>,
}

impl Cache {
    /// Answers a memo, or says what to do. The request's one dependency is the memo's own.
    ///
    /// # Cancel safety
    /// As [`Cache::read`].
    pub async fn memo(&self, request: ReadRequest<'_>) -> MemoStep {
        let mut turn = Turn::new(self, request);
        loop {
            let ended = self.shared.flights.ended();
            let found = match turn.now() {
                Some(found) => found,
                None => self.read(turn.request).await,
            };
            match turn.found(found, ended) {
                Next::Done(step) => return step,
                Next::LookAgain => {}
                Next::Wait(waiter) => {
                    let landing = self.wait(waiter, turn.deadline).await;
                    turn.waited(&landing);
                }
            }
        }
    }

    /// [`Self::memo`] for threads.
    pub fn memo_blocking(&self, request: ReadRequest<'_>) -> MemoStep {
        let mut turn = Turn::new(self, request);
        loop {
            let ended = self.shared.flights.ended();
            let found = match turn.now() {
                Some(found) => found,
                None => self.read_blocking(turn.request),
            };
            match turn.found(found, ended) {
                Next::Done(step) => return step,
                Next::LookAgain => {}
                Next::Wait(waiter) => {
                    let landing = self.wait_blocking(waiter, turn.deadline);
                    turn.waited(&landing);
                }
            }
        }
    }
}

impl Cache {
    /// Reads the stamps of what a read rests on that goes past the cache, and tells them to the
    /// recorder in force. To be called before it is sent (P2).
    ///
    /// # Cancel safety
    /// As [`Cache::read`].
    pub async fn record(&self, dependencies: &[DependencyKey], ttl: Duration) {
        if let Some(entry) = self.recordable(dependencies) {
            let read = self.read(stamps_of(&entry, dependencies, ttl));
            quietly(Box::pin(read).await);
        }
    }

    /// [`Self::record`] for threads.
    pub fn record_blocking(&self, dependencies: &[DependencyKey], ttl: Duration) {
        if let Some(entry) = self.recordable(dependencies) {
            quietly(self.read_blocking(stamps_of(&entry, dependencies, ttl)));
        }
    }
}

impl Cache {
    /// A name to ask for these stamps by; `None` = they are not asked for, and the recorder knows why.
    /// The read that rests on them has been counted by whoever sent it past the cache.
    fn recordable(&self, dependencies: &[DependencyKey]) -> Option<EntryKey> {
        if let Some(reason) = self.refusal(dependencies, self.now()) {
            recorder::note_bypass(&reason);
            return None;
        }
        no_entry(dependencies)
    }
}

/// A name under which nothing is stored.
fn no_entry(dependencies: &[DependencyKey]) -> Option<EntryKey> {
    let table = dependencies.first()?.table.clone();
    let digest = Digest([0; 32]);
    Some(EntryKey { table, digest })
}

fn stamps_of<'a>(
    entry: &'a EntryKey,
    dependencies: &'a [DependencyKey],
    ttl: Duration,
) -> ReadRequest<'a> {
    ReadRequest {
        entry,
        dependencies,
        ttl,
        mode: ReadMode::Part,
        codec: None,
        leeway: Leeway::default(),
        call: None,
    }
}

/// Its stamps alone were wanted.
fn quietly(outcome: ReadOutcome) {
    if let ReadOutcome::Fill(fill) = outcome {
        fill.start_over();
    }
}

impl MemoFill {
    /// Hears of what the body reads.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Stores the result, which weighs this many bytes, under everything that the recorder has heard
    /// of; not when something ran that it could not make out.
    pub async fn store(self, value: Arc<dyn Any + Send + Sync>, bytes: usize) -> FillOutcome {
        let Self {
            fill,
            recorder,
            lead,
        } = self;
        let stored = match resting(fill, &recorder.recorded()) {
            Ok(fill) => fill.store(value, bytes).await,
            Err(outcome) => outcome,
        };
        ended(lead, stored)
    }

    /// [`Self::store`] for threads.
    pub fn store_blocking(self, value: Arc<dyn Any + Send + Sync>, bytes: usize) -> FillOutcome {
        let Self {
            fill,
            recorder,
            lead,
        } = self;
        let stored = match resting(fill, &recorder.recorded()) {
            Ok(fill) => fill.store_blocking(value, bytes),
            Err(outcome) => outcome,
        };
        ended(lead, stored)
    }

    /// Ends it without a value.
    pub fn discard(self, reason: DiscardReason) {
        self.fill.discard(reason);
    }
}

impl fmt::Debug for MemoFill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoFill")
            .field("fill", &self.fill)
            .finish_non_exhaustive()
    }
}

/// Who waited looks again, or runs alone where there is nothing to find.
fn ended(lead: Option<Lead>, stored: FillOutcome) -> FillOutcome {
    if let (Some(lead), FillOutcome::Discarded(_)) = (lead, stored) {
        lead.dismiss();
    }
    stored
}

fn resting(mut fill: Fill, recorded: &Recorded) -> Result<Fill, FillOutcome> {
    if let Some((why, _)) = recorded.untracked {
        let reason = DiscardReason::Untracked(why);
        fill.discard(reason);
        return Err(FillOutcome::Discarded(reason));
    }
    fill.rest_on_recorded(recorded);
    Ok(fill)
}

/// One caller of a memo on its way to an answer, or to the body.
struct Turn<'a> {
    cache: &'a Cache,
    request: ReadRequest<'a>,
    deadline: Moment,
    lead: Option<Lead>,
    /// It has waited long enough.
    alone: bool,
}

enum Next {
    Done(MemoStep),
    LookAgain,
    Wait(Waiter),
}

impl<'a> Turn<'a> {
    fn new(cache: &'a Cache, mut request: ReadRequest<'a>) -> Self {
        if request.mode == ReadMode::Cached {
            request.mode = ReadMode::Memo;
        }
        Self {
            cache,
            request,
            deadline: cache.now() + cache.limits().wait_max,
            lead: None,
            alone: false,
        }
    }

    fn now(&self) -> Option<ReadOutcome> {
        let ReadRequest {
            entry, ttl, mode, ..
        } = self.request;
        let stored = mode.takes_stored();
        stored
            .then(|| self.cache.revisit_now(entry, ttl, None))
            .flatten()
    }

    /// `ended`: how many flights had ended before the lookup.
    fn found(&mut self, found: ReadOutcome, ended: u64) -> Next {
        let fill = match found {
            ReadOutcome::Hit(value) => return Next::Done(MemoStep::Hit(value)),
            ReadOutcome::Bypass(reason) => return Next::Done(MemoStep::Bypass(reason)),
            ReadOutcome::Fill(fill) => fill,
        };
        if self.alone || self.lead.is_some() || self.request.mode != ReadMode::Memo {
            return self.runs(fill);
        }
        let flights = &self.cache.shared.flights;
        let key = FlightKey {
            entry: self.request.entry.clone(),
            stamps: Arc::default(),
        };
        match flights.join(key) {
            Joined::Leads(lead) => {
                self.lead = Some(lead);
                if flights.ended() == ended {
                    return self.runs(fill);
                }
                // The one before may have stored what the lookup has missed.
                fill.start_over();
                Next::LookAgain
            }
            Joined::Waits(waiter) => {
                fill.start_over();
                Next::Wait(waiter)
            }
            Joined::Alone => self.runs(fill),
        }
    }

    fn waited(&mut self, landing: &Landing) {
        self.alone = matches!(landing, Landing::TimedOut);
    }

    fn runs(&mut self, fill: Fill) -> Next {
        if self.request.mode == ReadMode::Memo {
            fill.report_miss();
        }
        let most = self.cache.limits().dependencies_max.saturating_sub(1);
        Next::Done(MemoStep::Run(MemoFill {
            fill,
            recorder: Recorder::new(most),
            lead: self.lead.take(),
        }))
    }
}
