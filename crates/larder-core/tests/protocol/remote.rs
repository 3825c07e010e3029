//! Stores outside the process: what is kept near, what is written down, and what a policy may allow
//! besides hits that are fresh.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use larder_core::{BlockingStore as _, store::Dependencies};
use larder_core::{
    Cache, CacheOptions, Cause, Change, Codec, DiscardReason, Event, Fill, FillOutcome, Limits,
    MissCause, Moment, Observer, ReadMode, ReadOutcome, ReadRequest,
    entry::{Content, Encoded, Entry},
    machine::Leeway,
    store::{Lookup, Reply, Request},
};
use larder_testkit::{
    clock::ManualClock,
    fixture::{Posts, Query},
    remote::{Asked, RemoteStore},
};

use crate::limited;

/// One process: a cache on a store that others share, and what its observer heard.
struct Process {
    cache: Cache,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let said = match event {
            Event::Hit { source, .. } => format!("hit {source:?}"),
            Event::Miss { cause, .. } => format!("miss {cause:?}"),
            Event::Fill { outcome, .. } => format!("fill {outcome:?}"),
            _ => return,
        };
        self.0.lock().expect("unpoisoned").push(said);
    }
}

impl Process {
    fn new(store: &RemoteStore, set: impl FnOnce(&mut CacheOptions)) -> Self {
        let heard = Arc::new(Heard::default());
        let mut options = CacheOptions::default();
        options.observers = vec![heard.clone()];
        set(&mut options);
        let cache = Cache::new(store.clone(), options);
        Self { cache, heard }
    }

    fn ask(&self, read: ReadRequest<'_>) -> ReadOutcome {
        self.cache.read_blocking(read)
    }

    /// The value of a hit.
    fn hit(&self, read: ReadRequest<'_>) -> Option<u64> {
        match self.ask(read) {
            ReadOutcome::Hit(value) => value.downcast_ref().copied(),
            ReadOutcome::Fill(fill) => {
                fill.discard(DiscardReason::NotCacheable);
                None
            }
            other => panic!("neither hit nor miss: {other:?}"),
        }
    }

    fn lead(&self, read: ReadRequest<'_>) -> Fill {
        match self.ask(read) {
            ReadOutcome::Fill(fill) => fill,
            other => panic!("expected a fill, got {other:?}"),
        }
    }

    fn fill(&self, read: ReadRequest<'_>, value: u64) -> FillOutcome {
        self.lead(read).store_blocking(Arc::new(value), 8)
    }

    fn write(&self, change: Change) {
        let _ = self.cache.invalidate_blocking(&[change], Cause::Write);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.0.lock().expect("unpoisoned"))
    }
}

fn posts() -> (Posts, Query) {
    let posts = Posts::default();
    let query = posts.by_author(1);
    (posts, query)
}

fn with(query: &Query, leeway: Leeway) -> ReadRequest<'_> {
    ReadRequest {
        leeway,
        ..query.read()
    }
}

#[test]
fn a_near_hit_reads_stamps_alone() {
    let (posts, query) = posts();
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    assert_eq!(one.fill(query.read(), 7), FillOutcome::Stored);
    store.asked();
    assert_eq!(one.hit(query.read()), Some(7));
    let stamps = Asked {
        stamps: 1,
        rounds: 1,
        ..Asked::default()
    };
    assert_eq!(store.asked(), stamps);
    // Another process decodes it once and keeps it near from then on.
    assert_eq!(two.hit(query.read()), Some(7));
    let entry = Asked {
        entries: 1,
        rounds: 1,
        ..Asked::default()
    };
    assert_eq!(store.asked(), entry);
    assert_eq!(two.hit(query.read()), Some(7));
    assert_eq!(store.asked(), stamps);
    assert_eq!(two.heard(), ["hit Store", "hit Near"]);
    two.write(posts.retitled(1));
    one.heard();
    assert_eq!(one.hit(query.read()), None);
    assert_eq!(one.heard()[0], "miss Stamps");
}

#[test]
fn what_another_process_stored_since_is_found_behind_a_dead_near_result() {
    let (posts, query) = posts();
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    one.fill(query.read(), 7);
    two.write(posts.retitled(1));
    two.fill(query.read(), 8);
    one.heard();
    assert_eq!(one.hit(query.read()), Some(8));
    assert_eq!(one.hit(query.read()), Some(8));
    assert_eq!(one.heard(), ["hit Store", "hit Near"]);
}

#[test]
fn p7_a_near_result_expires_when_the_stored_one_does() {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let process = || {
        Process::new(&store, |options| {
            options.clock = clock.clone();
            options.limits = limited(|limits| limits.jitter_percent = 0);
        })
    };
    let (one, two) = (process(), process());
    one.fill(query.read(), 7);
    clock.advance(Duration::from_secs(59));
    assert_eq!(two.hit(query.read()), Some(7));
    clock.advance(Duration::from_secs(1));
    assert_eq!(two.hit(query.read()), None);
    assert_eq!(one.hit(query.read()), None);
}

#[test]
fn a_result_without_a_written_form_stays_near() {
    let (posts, query) = posts();
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    let local = ReadRequest {
        codec: None,
        ..query.read()
    };
    assert_eq!(one.fill(local, 7), FillOutcome::Stored);
    assert_eq!(store.asked().puts, 0);
    assert_eq!(one.hit(local), Some(7));
    assert_eq!(two.hit(local), None);
    two.write(posts.retitled(1));
    assert_eq!(one.hit(local), None);
    let bare = Process::new(&store, |options| options.near_bytes = 0);
    assert_eq!(
        bare.fill(local, 7),
        FillOutcome::Discarded(DiscardReason::NotWritable)
    );
}

#[test]
fn an_operation_is_found_by_another_process() {
    let (posts, first) = posts();
    let tags = Posts::named("tag");
    let second = tags.by_author(2);
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    let bare = Process::new(&store, |options| options.near_bytes = 0);
    let alone = ReadRequest {
        mode: ReadMode::Alone,
        ..first.read()
    };
    let part = ReadRequest {
        mode: ReadMode::Part,
        ..second.read()
    };
    let run = |process: &Process, value: u64| {
        let mut operation = process.lead(alone);
        operation.rest_on(process.lead(part));
        operation.store_blocking(Arc::new(value), 8)
    };
    assert_eq!(run(&one, 7), FillOutcome::Stored);
    for process in [&one, &two, &bare, &two] {
        assert_eq!(process.hit(alone), Some(7));
    }
    // It rests on the tables of both statements, for each of them.
    for change in [tags.retitled(2), posts.retitled(1)] {
        two.write(change);
        for process in [&one, &two, &bare] {
            assert_eq!(process.hit(alone), None);
        }
        run(&one, 8);
        assert_eq!(bare.hit(alone), Some(8));
    }
    // What only the second statement of another author would touch stays.
    two.write(tags.retitled(3));
    assert_eq!(bare.hit(alone), Some(8));
}

#[test]
fn bytes_that_cannot_be_read_are_removed_and_replaced() {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let process = Process::new(&store, |options| options.near_bytes = 0);
    process.fill(query.read(), 7);
    let lookup = Request::Lookup {
        entry: Some(&query.entry),
        dependencies: Dependencies::Read(&query.dependencies),
    };
    let found = store.exec_blocking(Moment(0), &[lookup]).expect("works");
    let [
        Reply::Lookup(Lookup {
            entry: Some(entry), ..
        }),
    ] = found.as_slice()
    else {
        panic!("it was stored: {found:?}")
    };
    // As another build would have written it.
    let foreign = Encoded {
        codec: Codec::MessagePack,
        fingerprint: 65,
        bytes: [0xc1].into(),
    };
    let put = Request::Put {
        key: &query.entry,
        entry: Arc::new(Entry {
            content: Content::Encoded(foreign),
            ..Entry::clone(entry)
        }),
        dependencies: &query.dependencies,
    };
    store.exec_blocking(Moment(0), &[put]).expect("works");
    process.heard();
    assert_eq!(process.fill(query.read(), 8), FillOutcome::Stored);
    assert_eq!(
        process.heard()[0],
        format!("miss {:?}", MissCause::Undecodable)
    );
    assert_eq!(process.hit(query.read()), Some(8));
}

const STALE: Leeway = Leeway {
    allow_stale: Duration::from_secs(10),
    shared_flight: false,
    early_refresh: false,
};

/// A process with a result that it has just served, on a clock that is turned by hand.
fn with_a_result() -> (RemoteStore, Process, Process, Arc<ManualClock>, Query) {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let process = || Process::new(&store, |options| options.clock = clock.clone());
    let (one, two) = (process(), process());
    one.fill(query.read(), 7);
    clock.advance(Duration::from_secs(30));
    assert_eq!(one.hit(query.read()), Some(7));
    (store, one, two, clock, query)
}

#[test]
fn p13_a_dropped_result_is_served_while_another_reader_replaces_it() {
    let (_, one, two, clock, query) = with_a_result();
    let posts = Posts::default();
    two.write(posts.retitled(1));
    clock.advance(Duration::from_secs(10));
    one.heard();
    let leader = one.lead(with(&query, STALE));
    assert_eq!(one.hit(with(&query, STALE)), Some(7));
    assert_eq!(one.heard(), ["miss Stamps", "hit Stale"]);
    leader.store_blocking(Arc::new(8_u64), 8);
    assert_eq!(one.hit(with(&query, STALE)), Some(8));
    assert_eq!(one.heard().pop(), Some("hit Near".into()));
}

#[test]
fn p13_nobody_is_served_what_was_valid_too_long_ago() {
    let (store, one, two, clock, query) = with_a_result();
    let posts = Posts::default();
    two.write(posts.retitled(1));
    clock.advance(Duration::from_millis(10_001));
    let limits = with(&query, STALE);
    let leader = one.lead(limits);
    assert_waits_for(&store, &one, limits, leader);
}

#[test]
fn p13_nothing_is_served_that_the_process_has_dropped_itself() {
    let (store, one, _, _, query) = with_a_result();
    let posts = Posts::default();
    one.write(posts.retitled(1));
    let leader = one.lead(with(&query, STALE));
    assert_waits_for(&store, &one, with(&query, STALE), leader);
}

#[test]
fn nothing_stale_is_served_unless_it_is_allowed() {
    let (store, one, two, _, query) = with_a_result();
    let posts = Posts::default();
    two.write(posts.retitled(1));
    let leader = one.lead(query.read());
    assert_waits_for(&store, &one, query.read(), leader);
}

/// A second reader gets nothing before the first one's value.
fn assert_waits_for(store: &RemoteStore, process: &Process, read: ReadRequest<'_>, leader: Fill) {
    process.heard();
    store.asked();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| process.hit(read));
        // It has looked, nothing was there for it, and it waits: a leader that ends before that
        // has it look for itself.
        store.wait_for_entries(1);
        while process.cache.waiters() == 0 && !waiting.is_finished() {
            thread::yield_now();
        }
        leader.store_blocking(Arc::new(9_u64), 8);
        assert_eq!(waiting.join().expect("no panic"), Some(9));
    });
    let heard = process.heard();
    assert!(!heard.contains(&"hit Stale".into()), "{heard:?}");
}

#[test]
fn one_reader_refreshes_a_costly_result_early_and_the_others_are_served() {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let process = Process::new(&store, |options| {
        options.clock = clock.clone();
        options.limits = limited(|limits| limits.jitter_percent = 0);
    });
    let early = with(
        &query,
        Leeway {
            early_refresh: true,
            ..Leeway::default()
        },
    );
    let fill = process.lead(early);
    clock.advance(Duration::from_millis(100));
    fill.store_blocking(Arc::new(7_u64), 8);
    // Long before it expires nobody does.
    assert!((0..100).all(|_| process.hit(early) == Some(7)));
    clock.advance(Duration::from_millis(59_850));
    process.heard();
    let refresh = (0..100)
        .find_map(|_| match process.ask(early) {
            ReadOutcome::Fill(fill) => Some(fill),
            _ => None,
        })
        .expect("in the last twentieth of a second more than every second reader would");
    assert!(process.heard().contains(&"miss Early".into()));
    assert!((0..100).all(|_| process.hit(early) == Some(7)));
    refresh.store_blocking(Arc::new(8_u64), 8);
    assert_eq!(process.hit(query.read()), Some(8));
}

const SHARED: Leeway = Leeway {
    allow_stale: Duration::ZERO,
    shared_flight: true,
    early_refresh: false,
};

#[test]
fn of_two_processes_one_fills_and_the_other_finds_it() {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    let leader = one.lead(with(&query, SHARED));
    store.asked();
    thread::scope(|scope| {
        // Two readers of the other process: one looks again and again, one waits for that one.
        let readers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| two.hit(with(&query, SHARED))))
            .collect();
        store.wait_for_entries(4);
        leader.store_blocking(Arc::new(7_u64), 8);
        for reader in readers {
            assert_eq!(reader.join().expect("no panic"), Some(7));
        }
    });
    // The claim ended with the fill.
    two.write(Posts::default().retitled(1));
    assert_eq!(two.fill(with(&query, SHARED), 8), FillOutcome::Stored);
}

#[test]
fn p8_a_shared_flight_brings_no_invalidated_value_back() {
    let (posts, query) = posts();
    let store = RemoteStore::default();
    let (one, two) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    let leader = one.lead(with(&query, SHARED));
    two.write(posts.retitled(1));
    store.asked();
    thread::scope(|scope| {
        let reader = scope.spawn(|| match two.ask(with(&query, SHARED)) {
            ReadOutcome::Fill(fill) => fill.store_blocking(Arc::new(8_u64), 8),
            other => panic!("an answer from before the write: {other:?}"),
        });
        store.wait_for_entries(4);
        // It ran before the write, and ends after it.
        leader.store_blocking(Arc::new(7_u64), 8);
        assert_eq!(reader.join().expect("no panic"), FillOutcome::Stored);
    });
    assert_eq!(two.hit(query.read()), Some(8));
    assert_eq!(one.hit(query.read()), Some(8));
}

#[test]
fn who_waited_long_enough_for_another_process_runs_alone() {
    let (_, query) = posts();
    let store = RemoteStore::default();
    let patient = |wait: Duration| {
        Process::new(&store, |options| {
            options.limits = limited(|limits: &mut Limits| limits.wait_max = wait);
        })
    };
    let (one, two) = (patient(Duration::ZERO), patient(Duration::from_millis(20)));
    let shared = with(&query, SHARED);
    // Dropped without an end: nobody ends the claim.
    let first = Process::new(&store, |_| {});
    drop(first.lead(shared));
    assert_eq!(one.fill(shared, 7), FillOutcome::Stored);
    one.write(Posts::default().retitled(1));
    assert_eq!(two.fill(shared, 8), FillOutcome::Stored);
    assert_eq!(two.heard(), ["miss Stamps", "fill Stored"]);
}

#[test]
fn an_invalidation_is_one_round_once_the_shapes_were_met() {
    let (posts, query) = posts();
    let store = RemoteStore::default();
    let (reader, writer) = (Process::new(&store, |_| {}), Process::new(&store, |_| {}));
    let rounds = |change: &Change| {
        store.asked();
        writer.write(change.clone());
        store.asked().rounds
    };
    reader.fill(query.read(), 1);
    assert_eq!(rounds(&posts.retitled(1)), 2, "nothing was met before");
    assert_eq!(reader.hit(query.read()), None);

    reader.fill(query.read(), 2);
    assert_eq!(rounds(&posts.retitled(1)), 1);
    assert_eq!(
        reader.hit(query.read()),
        None,
        "it was dropped all the same"
    );

    reader.fill(query.read(), 3);
    assert_eq!(rounds(&posts.retitled(2)), 1);
    assert_eq!(reader.hit(query.read()), Some(3), "another row's is kept");

    let all = posts.all();
    reader.fill(all.read(), 4);
    assert_eq!(rounds(&posts.retitled(1)), 2, "a shape is new");
    assert_eq!(reader.hit(all.read()), None);
    assert_eq!(rounds(&posts.retitled(1)), 1);
    assert_eq!(rounds(&posts.unknown_rows()), 1, "a record needs no look");
}
