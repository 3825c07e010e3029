//! One state of everything, and the steps that lead out of it.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    mem,
    sync::Arc,
};

use larder_core::{
    Change, DependencyKey, Digest, Entropy, Limits, Moment, ReadRequest, ShapeName,
    entry::{Content, Entry, Incarnation, Payload},
    machine::{FlightKey, ReadDecision, ReadMachine, ReadStep},
    store::{Dependencies, Registration, Reply, Request},
};

use super::actor::{Reader, ReaderAt, Writer, WriterAt};
use crate::{
    fixture::Query,
    model::{Key, Model, Progress},
};

const NOW: Moment = Moment(0);

/// Who takes part, and what may go wrong.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Each reader's query and the row (by author) that it returns.
    pub readers: Vec<(Query, usize)>,
    /// Each writer's changes and the row that it writes.
    pub writers: Vec<(Vec<Change>, usize)>,
    /// How many keys may vanish.
    pub evictions: usize,
    /// How many leaders may be cancelled and waiters lose patience.
    pub cancellations: usize,
    /// How often the server may come back from an old snapshot.
    pub restarts: usize,
    /// How often a creating command may arrive once more.
    pub duplicates: usize,
    /// Whether readers keep results near: two share a process.
    pub near: bool,
    /// The shapes that writers have met before.
    pub met: Option<Arc<[ShapeName]>>,
    /// The rules in force.
    pub rules: Rules,
}

/// Rules that a scenario can break, to see that the explorer notices. `Default` breaks none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// P1: a missing stamp is a miss.
    pub missing_stamp_is_a_miss: bool,
    /// P2: stamps are read before the query.
    pub stamps_before_query: bool,
    /// P4: records are read after COMMIT.
    pub records_after_commit: bool,
    /// P4: what the record holds is dropped, whatever a writer has met before.
    pub fresh_records_are_believed: bool,
    /// P6: a restarted server is another incarnation.
    pub restart_changes_incarnation: bool,
    /// P8: a flight is keyed by the stamps too.
    pub flights_have_stamps: bool,
    /// A result that is kept near is served only when the store confirms its stamps.
    pub near_is_confirmed: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            missing_stamp_is_a_miss: true,
            stamps_before_query: true,
            records_after_commit: true,
            fresh_records_are_believed: true,
            restart_changes_incarnation: true,
            flights_have_stamps: true,
            near_is_confirmed: true,
        }
    }
}

impl Scenario {
    /// Readers and writers where nothing goes wrong.
    pub fn new(readers: Vec<(Query, usize)>, writers: Vec<(Vec<Change>, usize)>) -> Self {
        Self {
            readers,
            writers,
            evictions: 0,
            cancellations: 0,
            restarts: 0,
            duplicates: 0,
            near: false,
            met: None,
            rules: Rules::default(),
        }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Read(usize),
    Cancel(usize),
    Impatient(usize),
    Write(usize),
    Evict(Key),
    Snapshot,
    Restart,
    Duplicate(usize),
}

#[derive(Clone, Debug)]
pub(super) struct World<'a> {
    scenario: &'a Scenario,
    store: Model,
    snapshot: Option<Box<Model>>,
    /// The database: the version of each row, and the version that was acknowledged.
    rows: [u64; 2],
    acknowledged: [u64; 2],
    readers: Vec<Reader<'a>>,
    writers: Vec<Writer<'a>>,
    /// Flights under way, with the value once landed.
    flights: Vec<(FlightKey, Option<u64>)>,
    /// Creating commands that were sent.
    created: Vec<(DependencyKey, Registration)>,
    /// What each process keeps near.
    near: [BTreeMap<Digest, Arc<Entry>>; 4],
    evictions: usize,
    cancellations: usize,
    restarts: usize,
    duplicates: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let limits = Limits::default();
        let readers = scenario.readers.iter().zip(1..);
        let readers = readers.map(|((query, row), n)| Reader::new(query, *row, n, &limits));
        let writers = scenario.writers.iter();
        let writers =
            writers.map(|(changes, row)| Writer::new(changes, *row, &scenario.met, &limits));
        Self {
            scenario,
            store: Model::default(),
            snapshot: None,
            rows: [0; 2],
            acknowledged: [0; 2],
            readers: readers.collect(),
            writers: writers.collect(),
            flights: Vec::new(),
            created: Vec::new(),
            near: Default::default(),
            evictions: scenario.evictions,
            cancellations: scenario.cancellations,
            restarts: scenario.restarts,
            duplicates: scenario.duplicates,
        }
    }

    /// Every step that can be taken.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (n, reader) in self.readers.iter().enumerate() {
            match &reader.at {
                ReaderAt::Done(_) | ReaderAt::Cancelled => continue,
                ReaderAt::Waiting(key) => {
                    if self.flight(key).is_none_or(|(_, value)| value.is_some()) {
                        moves.push(Move::Read(n));
                    }
                    if self.cancellations > 0 {
                        moves.push(Move::Impatient(n));
                    }
                }
                ReaderAt::Leading(..) | ReaderAt::Holding(..) => {
                    moves.push(Move::Read(n));
                    if self.cancellations > 0 {
                        moves.push(Move::Cancel(n));
                    }
                }
                _ => moves.push(Move::Read(n)),
            }
        }
        let writing = |writer: &Writer<'_>| !matches!(writer.at, WriterAt::Done);
        let writers = self
            .writers
            .iter()
            .enumerate()
            .filter(|(_, writer)| writing(writer));
        moves.extend(writers.map(|(n, _)| Move::Write(n)));
        if moves.is_empty() {
            return moves;
        }
        if self.evictions > 0 {
            moves.extend(self.store.keys().into_iter().map(Move::Evict));
        }
        if self.restarts > 0 {
            moves.push(if self.snapshot.is_some() {
                Move::Restart
            } else {
                Move::Snapshot
            });
        }
        if self.duplicates > 0 {
            moves.extend((0..self.created.len()).map(Move::Duplicate));
        }
        moves
    }

    /// What a step is, in words.
    pub(super) fn describe(&self, choice: &Move) -> String {
        match choice {
            Move::Read(n) => format!("reader {n}: {}", self.readers[*n].at.name()),
            Move::Write(n) => format!("writer {n}: {}", self.writers[*n].at.name()),
            other => format!("{other:?}"),
        }
    }

    /// Takes a step.
    pub(super) fn take(&mut self, choice: Move) {
        match choice {
            Move::Read(n) => self.read(n),
            Move::Write(n) => self.write(n),
            Move::Cancel(n) => {
                self.cancellations -= 1;
                let at = mem::replace(&mut self.readers[n].at, ReaderAt::Cancelled);
                if let ReaderAt::Leading(_, Some(key)) | ReaderAt::Holding(_, Some(key), _) = at {
                    self.flights.retain(|(other, _)| *other != key);
                }
            }
            Move::Impatient(n) => {
                self.cancellations -= 1;
                let step = self.readers[n].machine.waited_enough();
                self.readers[n].enter(step);
            }
            Move::Evict(key) => {
                self.evictions -= 1;
                self.store.evict(&key);
            }
            Move::Snapshot => self.snapshot = Some(Box::new(self.store.clone())),
            Move::Restart => self.restart(),
            Move::Duplicate(n) => {
                self.duplicates -= 1;
                let (_, one) = self.created[n].clone();
                let ttl = larder_core::Limits::default().ttl_max;
                self.store.exec(
                    NOW,
                    &Request::Register {
                        registrations: vec![one],
                        ttl,
                    },
                );
            }
        }
    }

    /// What is wrong with this world.
    pub(super) fn violation(&self) -> Option<String> {
        for (n, reader) in self.readers.iter().enumerate() {
            if let ReaderAt::Done(value) = reader.at
                && value < reader.floor
            {
                return Some(format!("reader {n} got {value}, {} was due", reader.floor));
            }
        }
        if !self
            .writers
            .iter()
            .all(|writer| matches!(writer.at, WriterAt::Done))
        {
            return None;
        }
        self.scenario.readers.iter().find_map(|(query, row)| {
            let value = self.served(query)?;
            let due = self.rows[*row];
            (value < due).then(|| format!("the store serves {value} for row {row}, {due} is due"))
        })
    }

    pub(super) fn hits(&self) -> usize {
        self.readers.iter().filter(|reader| reader.hit).count()
    }

    /// What a read that starts now and meets nobody is answered with.
    fn served(&self, query: &Query) -> Option<u64> {
        let ReadRequest {
            entry,
            dependencies,
            ..
        } = query.read();
        let mut store = self.store.clone();
        let lookup = Request::Lookup {
            entry: Some(entry),
            dependencies: Dependencies::Read(dependencies),
        };
        let reply = self.tampered(store.exec(NOW, &lookup));
        let entropy = Entropy::seeded(0);
        let mut machine = ReadMachine::new(query.read(), &Limits::default(), &entropy, NOW);
        match machine.replied(Ok(reply)) {
            ReadStep::Done(ReadDecision::Hit { payload, .. }) => {
                payload.value.downcast_ref::<u64>().copied()
            }
            _ => None,
        }
    }

    fn read(&mut self, n: usize) {
        let at = mem::replace(&mut self.readers[n].at, ReaderAt::Cancelled);
        let row = self.rows[self.readers[n].author];
        match at {
            ReaderAt::Start => {
                let reader = &mut self.readers[n];
                reader.floor = self.acknowledged[reader.author];
                if !self.scenario.rules.stamps_before_query {
                    reader.early = Some(row);
                }
                let near = self.near[n / 2].get(&reader.entry().digest).cloned();
                if let Some(entry) = near.filter(|_| self.scenario.near) {
                    if !self.scenario.rules.near_is_confirmed {
                        reader.at = ReaderAt::Done(number(&entry));
                        return;
                    }
                    reader.machine = reader.machine.clone().with_near(Some(entry));
                }
                let step = reader.machine.start();
                reader.enter(step);
            }
            ReaderAt::Asking(request, mut progress) => {
                if !self.store.advance(NOW, &request, &mut progress) {
                    self.readers[n].at = ReaderAt::Asking(request, progress);
                    return;
                }
                if let Request::Register { registrations, .. } = &request {
                    let sent = registrations
                        .iter()
                        .map(|one| (one.dependency.clone(), one.clone()));
                    self.created.extend(sent);
                }
                let reply = self.tampered(progress.reply);
                let found = match &reply {
                    Reply::Lookup(lookup) => lookup.entry.clone(),
                    _ => None,
                };
                if let Some(key) = self.readers[n].replied(reply) {
                    self.join(n, key);
                }
                self.keep_near(n, found);
            }
            ReaderAt::Waiting(key) => match self.flight(&key) {
                Some((_, Some(value))) => {
                    let payload = Payload {
                        value: Arc::new(*value),
                        bytes: 8,
                    };
                    let step = self.readers[n].machine.landed(payload);
                    self.readers[n].enter(step);
                }
                _ => {
                    let step = self.readers[n].machine.failed();
                    if let Some(key) = self.readers[n].enter(step) {
                        self.join(n, key);
                    }
                }
            },
            ReaderAt::Leading(plan, key) => {
                let value = self.readers[n].early.unwrap_or(row);
                self.readers[n].at = ReaderAt::Holding(plan, key, value);
            }
            ReaderAt::Holding(plan, key, value) => {
                let payload = Payload {
                    value: Arc::new(value),
                    bytes: 8,
                };
                let entry = Arc::new(plan.entry(payload, NOW));
                let reader = &mut self.readers[n];
                self.near[n / 2].insert(reader.entry().digest, entry.clone());
                let dependencies = &plan.dependencies;
                let put = Request::Put {
                    key: reader.entry(),
                    entry,
                    dependencies,
                };
                reader.at = ReaderAt::Done(value);
                self.store.exec(NOW, &put);
                let flight = self
                    .flights
                    .iter_mut()
                    .find(|(other, _)| Some(other) == key.as_ref());
                // Waiters find the value; the flight takes no more of them once all have read it.
                flight
                    .into_iter()
                    .for_each(|(_, landed)| *landed = Some(value));
            }
            ReaderAt::Bypassing => self.readers[n].at = ReaderAt::Done(row),
            done @ (ReaderAt::Done(_) | ReaderAt::Cancelled) => self.readers[n].at = done,
        }
        self.close_landed();
    }

    /// As the read shell does: keeps what came from the store, forgets what did not answer.
    fn keep_near(&mut self, n: usize, found: Option<Arc<Entry>>) {
        let reader = &self.readers[n];
        let near = &mut self.near[n / 2];
        match (&reader.at, found) {
            (ReaderAt::Done(_), Some(entry)) if reader.hit => {
                near.insert(reader.entry().digest, entry);
            }
            (ReaderAt::Leading(..), _) => drop(near.remove(&reader.entry().digest)),
            _ => {}
        }
    }

    /// Comes back with what was saved. Connections break, so no reply is of two lives.
    fn restart(&mut self) {
        self.restarts -= 1;
        let Incarnation(life) = self.store.incarnation;
        self.store = *self.snapshot.take().unwrap_or_default();
        let changes = self.scenario.rules.restart_changes_incarnation;
        self.store.incarnation = Incarnation(life + u128::from(changes));
        self.readers.iter_mut().for_each(Reader::disconnected);
        for writer in &mut self.writers {
            writer.disconnected();
        }
    }

    fn join(&mut self, n: usize, mut key: FlightKey) {
        if !self.scenario.rules.flights_have_stamps {
            key.stamps = Arc::new([]);
        }
        match self.flight(&key) {
            Some(_) => self.readers[n].at = ReaderAt::Waiting(key),
            None => {
                let step = self.readers[n].machine.leads();
                self.readers[n].enter(step);
                if let ReaderAt::Leading(_, mine) = &mut self.readers[n].at {
                    *mine = Some(key.clone());
                    self.flights.push((key, None));
                }
            }
        }
    }

    /// A landed flight ends when nobody waits for it.
    fn close_landed(&mut self) {
        let readers = &self.readers;
        self.flights.retain(|(key, value)| {
            let waited =
                |reader: &Reader<'_>| matches!(&reader.at, ReaderAt::Waiting(k) if k == key);
            value.is_none() || readers.iter().any(waited)
        });
    }

    fn flight(&self, key: &FlightKey) -> Option<&(FlightKey, Option<u64>)> {
        self.flights.iter().find(|(other, _)| other == key)
    }

    fn write(&mut self, n: usize) {
        let at = mem::replace(&mut self.writers[n].at, WriterAt::Done);
        match at {
            WriterAt::Start => {
                if self.scenario.rules.records_after_commit {
                    self.commit(n);
                }
                let step = self.writers[n].machine.start();
                let done = self.writers[n].enter(step);
                self.finish_write(n, done);
            }
            WriterAt::Asking(batch, mut replies, mut progress) => {
                let Some(request) = batch.get(replies.len()) else {
                    return;
                };
                if self.store.advance(NOW, request, &mut progress) {
                    replies.push(self.believed(progress.reply));
                    if replies.len() == batch.len() {
                        let done = self.writers[n].replied(replies);
                        self.finish_write(n, done);
                        return;
                    }
                    progress = Progress::of(&batch[replies.len()]);
                }
                self.writers[n].at = WriterAt::Asking(batch, replies, progress);
            }
            WriterAt::MustCommit => {
                self.commit(n);
                self.acknowledge(n);
            }
            WriterAt::Done => {}
        }
    }

    fn finish_write(&mut self, n: usize, done: bool) {
        if !done {
            return;
        }
        if self.writers[n].version == 0 {
            self.writers[n].at = WriterAt::MustCommit;
        } else {
            self.acknowledge(n);
        }
    }

    fn commit(&mut self, n: usize) {
        let row = &mut self.rows[self.writers[n].author];
        *row += 1;
        self.writers[n].version = *row;
    }

    fn acknowledge(&mut self, n: usize) {
        let writer = &mut self.writers[n];
        writer.at = WriterAt::Done;
        let acknowledged = &mut self.acknowledged[writer.author];
        *acknowledged = (*acknowledged).max(writer.version);
    }

    /// The reply as a writer would understand it that relies on what it has met before.
    fn believed(&self, reply: Reply) -> Reply {
        match (reply, &self.scenario.met) {
            (Reply::Records(records), Some(met))
                if !self.scenario.rules.fresh_records_are_believed =>
            {
                Reply::Records(vec![met.to_vec(); records.len()])
            }
            (reply, _) => reply,
        }
    }

    /// The reply as a reader without P1 would understand it: what is missing has not changed.
    fn tampered(&self, reply: Reply) -> Reply {
        let Reply::Lookup(mut lookup) = reply else {
            return reply;
        };
        if !self.scenario.rules.missing_stamp_is_a_miss
            && let Some(entry) = &lookup.entry
        {
            for (seen, issued) in lookup.seen.iter_mut().zip(entry.stamps.iter()) {
                seen.shape = seen.shape.or(Some(issued.shape));
                seen.value = seen.value.or(issued.value);
            }
        }
        Reply::Lookup(lookup)
    }
}

impl Hash for World<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.store, &self.snapshot, self.rows, self.acknowledged).hash(state);
        (&self.readers, &self.writers, &self.flights).hash(state);
        (
            self.evictions,
            self.cancellations,
            self.restarts,
            self.duplicates,
        )
            .hash(state);
        if self.scenario.near {
            for (digest, entry) in self.near.iter().flatten() {
                (digest, &entry.stamps, number(entry)).hash(state);
            }
            self.near[0].len().hash(state);
        }
        self.created.len().hash(state);
        for (_, one) in &self.created {
            (one.shape, one.value).hash(state);
        }
    }
}

fn number(entry: &Entry) -> u64 {
    match &entry.content {
        Content::Decoded(payload) => payload.value.downcast_ref().copied().unwrap_or(0),
        Content::Encoded(_) => 0,
    }
}

impl ReaderAt<'_> {
    fn name(&self) -> String {
        match self {
            Self::Start => "starts".into(),
            Self::Asking(request, progress) => format!("operation of {request:?} at {progress:?}"),
            Self::Waiting(_) => "hears of the flight".into(),
            Self::Leading(..) => "queries".into(),
            Self::Holding(_, _, value) => format!("puts {value}"),
            Self::Bypassing => "queries and stores nothing".into(),
            Self::Done(_) | Self::Cancelled => "rests".into(),
        }
    }
}

impl WriterAt {
    fn name(&self) -> String {
        match self {
            Self::Start => "starts".into(),
            Self::Asking(batch, replies, _) => {
                format!("operation of {:?}", batch.get(replies.len()))
            }
            Self::MustCommit => "commits".into(),
            Self::Done => "rests".into(),
        }
    }
}
