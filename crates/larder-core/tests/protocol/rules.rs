//! The rules of the protocol by number, each on the real cache.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::limited;
use larder_core::{
    BypassReason, Cache, CacheOptions, Cause, Change, DiscardReason, Entropy, Event, Fill,
    FillOutcome, Invalidation, Limits, MissCause, Moment, Observer, ReadMode, ReadOutcome, Stamp,
    entry::Incarnation,
    machine::{ReadDecision, ReadMachine, ReadStep},
    store::{Lookup, Registered, Reply, Request, Seen},
};
use larder_testkit::{
    clock::ManualClock,
    faulty::{Fate, FaultyStore},
    fixture::{Posts, Query},
    model::{Key, ModelStore},
};

struct House {
    posts: Posts,
    model: ModelStore,
    store: FaultyStore<ModelStore>,
    clock: Arc<ManualClock>,
    cache: Cache,
}

fn house(limits: Limits) -> House {
    let model = ModelStore::default();
    let store = FaultyStore::new(model.clone(), |_| Fate::Answered);
    let clock = Arc::new(ManualClock::at(Moment(1_000_000_000)));
    let mut options = CacheOptions::default();
    options.limits = limits;
    options.clock = clock.clone();
    options.entropy = Entropy::seeded(7);
    let cache = Cache::new(store.clone(), options);
    House {
        posts: Posts::default(),
        model,
        store,
        clock,
        cache,
    }
}

impl House {
    /// Reads; runs `query` on a miss and stores what it gives. Returns the value if it was a hit.
    fn read(&self, query: &Query, row: u64) -> Option<u64> {
        match self.cache.read_blocking(query.read()) {
            ReadOutcome::Hit(value) => value.downcast_ref::<u64>().copied(),
            ReadOutcome::Fill(fill) => {
                store(fill, row);
                None
            }
            _ => None,
        }
    }

    fn fill(&self, query: &Query) -> Fill {
        match self.cache.read_blocking(query.read()) {
            ReadOutcome::Fill(fill) => fill,
            other => panic!("expected a fill, got {other:?}"),
        }
    }

    fn bypass(&self, query: &Query) -> BypassReason {
        match self.cache.read_blocking(query.read()) {
            ReadOutcome::Bypass(reason) => reason,
            other => panic!("expected a bypass, got {other:?}"),
        }
    }

    fn write(&self, change: Change) -> Invalidation {
        self.cache.invalidate_blocking(&[change], Cause::Write)
    }
}

fn store(fill: Fill, row: u64) -> FillOutcome {
    fill.store_blocking(Arc::new(row), 8)
}

#[test]
fn a_read_after_a_fill_is_a_hit() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    assert_eq!(house.read(&query, 1), None);
    assert_eq!(house.read(&query, 2), Some(1));
}

#[test]
fn p1_missing_stamp_is_a_miss() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let digest = query.dependencies[0].value.expect("a value");
    for key in [Key::Stamp(digest), Key::Record(house.posts.key.clone())] {
        house.read(&query, 1);
        assert_eq!(house.read(&query, 1), Some(1));
        house.model.model().evict(&key);
        assert_eq!(house.read(&query, 1), None, "{key:?}");
    }
}

#[test]
fn p1_stamps_are_never_issued_twice() {
    let entropy = Entropy::system();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let mut draws = entropy.draws();
        (0..100).for_each(|_| assert!(seen.insert(draws.stamp())));
    }
}

#[test]
fn p2_entry_carries_the_stamps_read_before_the_query() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    // Read the old row, write, commit, invalidate, store.
    let fill = house.fill(&query);
    assert!(matches!(
        house.write(house.posts.retitled(1)),
        Invalidation::Delivered(_)
    ));
    assert_eq!(store(fill, 1), FillOutcome::Stored);
    assert_eq!(house.read(&query, 2), None, "dead on arrival");
    assert_eq!(house.read(&query, 3), Some(2));
}

#[test]
fn p3_nothing_is_stored_when_a_shape_vanishes_while_it_is_registered() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let entropy = Entropy::seeded(1);
    let limits = Limits::default();
    let life = Incarnation(1);
    let nothing = Seen {
        incarnation: life,
        shape: None,
        value: None,
        empty: None,
        shapes: 0,
        created: None,
    };
    let replies = [
        Registered {
            incarnation: life,
            shape: None,
            value: Some(Stamp([1; 16])),
        },
        Registered {
            incarnation: life,
            shape: Some(Stamp([1; 16])),
            value: None,
        },
        // P6: another life than the one that answered the lookup.
        Registered {
            incarnation: Incarnation(2),
            shape: Some(Stamp([1; 16])),
            value: Some(Stamp([2; 16])),
        },
    ];
    for reply in replies {
        let mut machine = ReadMachine::new(query.read(), &limits, &entropy, Moment(0));
        let lookup = Lookup {
            entry: None,
            seen: vec![nothing],
            damaged: false,
        };
        assert!(matches!(
            machine.replied(Ok(Reply::Lookup(lookup))),
            ReadStep::Ask(_)
        ));
        let step = machine.replied(Ok(Reply::Registered(vec![reply])));
        let ReadStep::Done(ReadDecision::Bypass(reason)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(reason, BypassReason::StampsVanished);
    }
}

#[test]
fn p4_a_shape_is_registered_before_the_query_and_seen_by_a_writer() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let fill = house.fill(&query);
    let records = Request::Records(vec![house.posts.key.clone()]);
    let Reply::Records(shapes) = house.model.model().exec(Moment(0), &records) else {
        panic!()
    };
    assert_eq!(shapes, [[query.dependencies[0].shape.clone()]]);
    let Invalidation::Delivered(drops) = house.write(house.posts.retitled(1)) else {
        panic!()
    };
    assert_eq!((drops[0].dropped.stamps, drops[0].dropped.existed), (1, 1));
    fill.discard(DiscardReason::QueryFailed);
}

#[test]
fn p4_only_what_a_write_can_have_touched_is_dropped() {
    let house = house(Limits::default());
    let (one, two, all) = (
        house.posts.by_author(1),
        house.posts.by_author(2),
        house.posts.all(),
    );
    let fill_all = || [&one, &two, &all].map(|query| house.read(query, 0).is_some());
    fill_all();
    assert_eq!(fill_all(), [true; 3]);
    let _ = house.write(house.posts.retitled(1));
    assert_eq!(fill_all(), [false, true, false]);
    let _ = house.write(house.posts.moved(1, 2));
    assert_eq!(fill_all(), [false; 3]);
    let _ = house.write(house.posts.unknown_row());
    assert_eq!(fill_all(), [false; 3]);
    let _ = house.write(house.posts.unknown_rows());
    assert_eq!(fill_all(), [false; 3]);
    let _ = house.write(Posts::named("comment").unknown_rows());
    assert_eq!(fill_all(), [true; 3]);
    let _ = house.cache.invalidate_all_blocking(Cause::Manual);
    assert_eq!(fill_all(), [false; 3]);
}

#[test]
fn p5_creating_command_resent_with_the_same_stamp_does_not_revive() {
    let house = house(limited(|limits| {
        limits.breaker_faults = 0;
    }));
    let query = house.posts.by_author(1);
    let is_register = |request: &Request<'_>| matches!(request, Request::Register { .. });
    house.store.rescript(move |request| {
        if is_register(request) {
            Fate::ReplyLost
        } else {
            Fate::Answered
        }
    });
    // The registration ran, but nobody knows: the query runs and nothing is stored.
    assert_eq!(house.bypass(&query), BypassReason::Fault);
    let _ = house.write(house.posts.retitled(1));
    assert_eq!(house.bypass(&query), BypassReason::Fault);
    house.store.rescript(|_| Fate::Answered);
    assert_eq!(house.read(&query, 5), None);
    assert_eq!(house.read(&query, 6), Some(5));
    assert!(!house.store.saw_a_stamp_twice());
}

#[test]
fn p6_a_removal_lost_by_a_restart_is_a_miss() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.read(&query, 1);
    let saved = house.model.model().clone();
    let _ = house.write(house.posts.retitled(1));
    let mut restarted = saved;
    restarted.incarnation = Incarnation(2);
    *house.model.model() = restarted;
    assert_eq!(
        house.read(&query, 2),
        None,
        "the old entry names another life"
    );
    assert_eq!(house.read(&query, 3), Some(2));
}

#[test]
fn p7_expiry_counts_from_the_stamp_read_and_not_from_the_put() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let fill = house.fill(&query);
    house.clock.advance(Duration::from_secs(50));
    assert_eq!(store(fill, 1), FillOutcome::Stored);
    assert_eq!(house.read(&query, 2), Some(1));
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(house.read(&query, 2), None);
}

#[test]
fn p7_a_fill_that_outlives_its_ttl_is_discarded() {
    let house = house(Limits::default());
    let fill = house.fill(&house.posts.by_author(1));
    house.clock.advance(Duration::from_secs(61));
    assert_eq!(
        store(fill, 1),
        FillOutcome::Discarded(DiscardReason::Expired)
    );
}

#[test]
fn p7_jitter_only_shortens() {
    let mut draws = Entropy::seeded(3).draws();
    let ttl = Duration::from_secs(100);
    let all: Vec<Duration> = (0..200).map(|_| draws.jittered(ttl, 10)).collect();
    assert!(
        all.iter()
            .all(|one| *one <= ttl && *one >= Duration::from_secs(90))
    );
    assert!(all.iter().any(|one| *one < Duration::from_secs(93)));
    assert!(all.iter().any(|one| *one > Duration::from_secs(97)));
}

#[test]
fn p8_waiter_joining_an_older_flight_does_not_get_a_result_from_before_a_write() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let older = house.fill(&query);
    let _ = house.write(house.posts.retitled(1));
    let mut reading = Box::pin(house.cache.read(query.read()));
    let mut context = Context::from_waker(Waker::noop());
    match reading.as_mut().poll(&mut context) {
        Poll::Ready(ReadOutcome::Fill(newer)) => store(newer, 2),
        other => panic!("the new reader must run its own query, got {other:?}"),
    };
    store(older, 1);
    assert_ne!(house.read(&query, 3), Some(1));
}

#[test]
fn p11_a_full_record_gives_further_readers_the_empty_shape() {
    let house = house(limited(|limits| {
        limits.shapes_max = 4;
    }));
    for n in 0..4 {
        house.read(&house.posts.of_shape(n), 0);
    }
    let late = house.posts.by_author(1);
    assert_eq!(house.read(&late, 1), None);
    assert_eq!(
        house.read(&late, 2),
        Some(1),
        "the empty shape still makes hits"
    );
    // Another author: less precise, never stale.
    let _ = house.write(house.posts.retitled(9));
    assert_eq!(house.read(&late, 3), None);
    let records = Request::Records(vec![house.posts.key.clone()]);
    let Reply::Records(shapes) = house.model.model().exec(house.cache.now(), &records) else {
        panic!()
    };
    assert!(shapes[0].len() <= 5);
}

#[test]
fn p11_a_full_record_older_than_the_longest_ttl_is_dropped() {
    let ttl_max = Duration::from_secs(30);
    let house = house(limited(|limits| {
        limits.shapes_max = 4;
        limits.ttl_max = ttl_max;
        limits.jitter_percent = 0;
    }));
    for n in 0..4 {
        house.read(&house.posts.of_shape(n), 0);
    }
    house.clock.advance(Duration::from_secs(20));
    // Keeps the record alive.
    house.read(&house.posts.of_shape(0), 0);
    house
        .model
        .model()
        .evict(&Key::Entry(house.posts.of_shape(0).entry.digest));
    house.read(&house.posts.all(), 0);
    house.clock.advance(Duration::from_secs(11));
    let late = house.posts.by_author(1);
    house.read(&late, 1);
    // Its own shape again, not the empty one.
    let _ = house.write(house.posts.retitled(9));
    assert_eq!(house.read(&late, 2), Some(1));
}

#[test]
fn g2_an_undelivered_invalidation_bypasses_its_tables_until_it_is_delivered() {
    let house = house(limited(|limits| {
        limits.breaker_faults = 0;
    }));
    let (query, other) = (
        house.posts.by_author(1),
        Posts::named("comment").by_author(1),
    );
    house.read(&query, 1);
    house.read(&other, 1);
    house.store.rescript(|request| match request {
        Request::Remove(_) => Fate::Refused,
        _ => Fate::Answered,
    });
    assert!(matches!(
        house.write(house.posts.retitled(1)),
        Invalidation::Pending
    ));
    assert_eq!(house.bypass(&query), BypassReason::Undelivered);
    assert!(matches!(
        house.cache.read_now(query.read()),
        Some(ReadOutcome::Bypass(_))
    ));
    assert_eq!(house.read(&other, 2), Some(1));
    assert!(house.cache.deliver_pending_blocking().is_err());
    assert_eq!(house.bypass(&query), BypassReason::Undelivered);
    house.store.rescript(|_| Fate::Answered);
    assert!(house.cache.flush_blocking().is_ok());
    assert_eq!((house.cache.pending(), house.read(&query, 2)), (0, None));
    assert_eq!(house.read(&query, 3), Some(2));
}

#[test]
fn g2_more_pending_changes_than_the_bound_fold_into_tables_and_then_into_everything() {
    let house = house(limited(|limits| {
        limits.pending_max = 2;
        limits.breaker_faults = 0;
    }));
    let other = Posts::named("comment");
    for _ in 0..5 {
        let _ = house.cache.enqueue(&[house.posts.retitled(1)]);
    }
    assert_eq!(house.cache.pending(), 1, "one table");
    assert_eq!(house.read(&other.by_author(1), 1), None);
    for name in ["a", "b", "c"] {
        let _ = house.cache.enqueue(&[Posts::named(name).unknown_rows()]);
    }
    assert_eq!(house.cache.pending(), 1, "everything");
    assert_eq!(house.bypass(&other.by_author(1)), BypassReason::Undelivered);
    assert!(house.cache.deliver_pending_blocking().is_ok());
    assert_eq!(house.read(&other.by_author(1), 2), None);
    assert_eq!(house.read(&other.by_author(1), 3), Some(2));
}

#[test]
fn w4_an_uncertain_table_bypasses_until_lifted() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.read(&query, 1);
    let until = house.cache.now() + Duration::from_secs(300);
    let mark = house
        .cache
        .mark_uncertain(Some(vec![house.posts.key.clone()]), until);
    assert_eq!(house.bypass(&query), BypassReason::Uncertain);
    house.cache.lift_uncertain(mark);
    assert_eq!(house.read(&query, 2), Some(1));
}

#[test]
fn a_dead_store_is_left_alone_and_tried_again() {
    let house = house(limited(|limits| {
        limits.breaker_faults = 2;
    }));
    let query = house.posts.by_author(1);
    house.store.rescript(|_| Fate::Refused);
    assert_eq!(house.bypass(&query), BypassReason::Fault);
    assert_eq!(house.bypass(&query), BypassReason::Fault);
    assert_eq!(house.bypass(&query), BypassReason::Unavailable);
    house.store.rescript(|_| Fate::Answered);
    house.clock.advance(Duration::from_secs(2));
    assert_eq!(house.read(&query, 1), None);
    assert_eq!(house.read(&query, 2), Some(1));
}

/// Found by the fault test: while the breaker was open, each write counted its refusal as one more
/// fault and so put off the next try. Under steady writes the store was never asked again.
#[test]
fn steady_writes_do_not_keep_a_store_away_that_is_back() {
    let house = house(limited(|limits| {
        limits.breaker_faults = 2;
    }));
    let query = house.posts.by_author(1);
    house.store.rescript(|_| Fate::Refused);
    for _ in 0..2 {
        let _ = house.write(house.posts.retitled(1));
    }
    house.store.rescript(|_| Fate::Answered);
    for _ in 0..2 {
        house.clock.advance(Duration::from_millis(400));
        assert!(matches!(
            house.write(house.posts.retitled(1)),
            Invalidation::Pending
        ));
        assert!(house.cache.deliver_pending_blocking().is_err());
    }
    house.clock.advance(Duration::from_millis(400));
    assert!(house.cache.deliver_pending_blocking().is_ok());
    assert_eq!(house.read(&query, 1), None);
    assert_eq!(house.read(&query, 2), Some(1));
}

#[test]
fn a_refresh_runs_the_query_and_stores_its_result_anew() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.read(&query, 1);
    let mut request = query.read();
    request.mode = ReadMode::Refresh;
    let ReadOutcome::Fill(fill) = house.cache.read_blocking(request) else {
        panic!()
    };
    store(fill, 2);
    assert_eq!(house.read(&query, 3), Some(2));
}

#[test]
fn a_result_over_the_limit_is_discarded() {
    let house = house(limited(|limits| {
        limits.entry_bytes_max = 7;
    }));
    let query = house.posts.by_author(1);
    let outcome = store(house.fill(&query), 1);
    assert_eq!(outcome, FillOutcome::Discarded(DiscardReason::TooLarge));
    assert_eq!(house.read(&query, 2), None);
}

#[test]
fn a_read_without_dependencies_or_with_too_many_bypasses() {
    let house = house(limited(|limits| {
        limits.dependencies_max = 1;
    }));
    let mut query = house.posts.by_author(1);
    query.dependencies.extend(house.posts.all().dependencies);
    assert_eq!(house.bypass(&query), BypassReason::Dependencies);
    query.dependencies.clear();
    assert_eq!(house.bypass(&query), BypassReason::Dependencies);
}

#[test]
fn the_observer_hears_what_happened_and_its_panic_harms_nothing() {
    #[derive(Default)]
    struct Ears(Mutex<Vec<String>>);
    impl Observer for Ears {
        fn on_event(&self, event: &Event<'_>) {
            let word = match event {
                Event::Hit { .. } => "hit",
                Event::Miss {
                    cause: MissCause::NoEntry,
                    ..
                } => "no entry",
                Event::Miss {
                    cause: MissCause::Stamps,
                    ..
                } => "stamps",
                Event::Fill {
                    outcome: FillOutcome::Stored,
                    bytes: 8,
                    ..
                } => "stored",
                Event::Invalidate {
                    cause: Cause::Write,
                    dropped,
                    ..
                } if dropped.existed == 1 => "invalidated",
                _ => "other",
            };
            self.0
                .lock()
                .expect("no panic under the lock")
                .push(word.into());
            panic!("an observer that panics");
        }
    }
    let ears = Arc::new(Ears::default());
    let mut options = CacheOptions::default();
    options.observers = vec![ears.clone()];
    let House { posts, model, .. } = house(Limits::default());
    let cache = Cache::new(model, options);
    let query = posts.by_author(1);
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..2 {
        if let ReadOutcome::Fill(fill) = cache.read_blocking(query.read()) {
            store(fill, 1);
        }
    }
    let _ = cache.invalidate_blocking(&[posts.retitled(1)], Cause::Write);
    let missed = cache.read_blocking(query.read());
    drop(missed);
    let _ = std::panic::take_hook();
    let heard = ears.0.lock().expect("no panic under the lock").join(", ");
    assert_eq!(heard, "no entry, stored, hit, invalidated, stamps, other");
}
