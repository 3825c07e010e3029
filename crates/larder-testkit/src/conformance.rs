//! What every store must do. Each store's tests mount this suite.

use std::{sync::Arc, time::Duration};

use larder_core::{
    BlockingStore, Codec, DependencyKey, Digest, EntryKey, Moment, ShapeName, Stamp, TableKey,
    entry::{Content, Entry, Issued, Validated},
    store::{Dependencies, Lookup, Registered, Registration, Removal, Reply, Request, Seen},
};

use crate::{fixture::NUMBER, model::Model};

/// Runs the suite on fresh stores that go by the caller's clock.
pub fn check<S: BlockingStore>(make: impl Fn() -> S) {
    timeless(&make);
    a_stamp_expires_and_extending_does_not_revive_it(&make());
    for seed in 0..200 {
        it_agrees_with_the_reference(&make(), seed, 20);
    }
}

/// Runs the suite on fresh stores that have a clock of their own.
pub fn check_by_its_own_clock<S: BlockingStore>(make: impl Fn() -> S) {
    timeless(&make);
    a_stamp_expires_by_itself(&make());
    for seed in 0..100 {
        it_agrees_with_the_reference(&make(), seed, 0);
    }
}

fn timeless<S: BlockingStore>(make: impl Fn() -> S) {
    an_empty_store_knows_nothing(&make());
    the_first_stamp_stays_until_it_is_removed(&make());
    a_removed_record_takes_its_shapes_along(&make());
    an_entry_comes_back_as_it_was_put(&make());
    an_entry_that_was_created_later_stays(&make());
    dropping_all_records_leaves_no_shape_of_the_namespace(&make());
}

const SECOND: Duration = Duration::from_secs(1);
const START: Moment = Moment(1_000_000_000);

fn an_empty_store_knows_nothing<S: BlockingStore>(store: &S) {
    let lookup = lookup(store, START, 1, 1);
    assert!(lookup.entry.is_none());
    let [seen] = lookup.seen.as_slice() else {
        panic!("one dependency, one answer")
    };
    assert_eq!(
        (seen.shape, seen.value, seen.empty, seen.shapes),
        (None, None, None, 0)
    );
    assert_eq!(records(store, START, 1), Vec::<ShapeName>::new());
    assert_eq!(remove(store, Removal::Record(table(1))), 0);
}

fn the_first_stamp_stays_until_it_is_removed<S: BlockingStore>(store: &S) {
    let first = register(store, START, 1, 1, (10, 11));
    assert_eq!(
        (first.shape, first.value),
        (Some(stamp(10)), Some(stamp(11)))
    );
    let second = register(store, START, 1, 1, (20, 21));
    assert_eq!((second.shape, second.value), (first.shape, first.value));
    assert_eq!(remove(store, Removal::Stamp(table(1), digest(1, 1))), 1);
    let third = register(store, START, 1, 1, (30, 31));
    assert_eq!((third.shape, third.value), (first.shape, Some(stamp(31))));
    assert_eq!(remove(store, Removal::Shape(table(1), shape(1))), 1);
    let fourth = register(store, START, 1, 1, (40, 41));
    assert_eq!(
        (fourth.shape, fourth.value),
        (Some(stamp(40)), Some(stamp(31)))
    );
}

fn a_removed_record_takes_its_shapes_along<S: BlockingStore>(store: &S) {
    register(store, START, 1, 1, (10, 11));
    register(store, START, 1, 2, (12, 13));
    register(store, START, 2, 1, (14, 15));
    assert_eq!(records(store, START, 1).len(), 2);
    assert_eq!(remove(store, Removal::Record(table(1))), 1);
    assert_eq!(records(store, START, 1).len(), 0);
    assert_eq!(records(store, START, 2).len(), 1);
}

fn a_stamp_expires_and_extending_does_not_revive_it<S: BlockingStore>(store: &S) {
    register(store, START, 1, 1, (10, 11));
    let late = START + SECOND * 120;
    put(store, late, 1, 1, late + SECOND * 60);
    let seen = lookup(store, late, 1, 1).seen;
    assert!(
        seen.iter()
            .all(|seen| seen.shape.is_none() && seen.value.is_none())
    );
    let again = register(store, late, 1, 1, (20, 21));
    assert_eq!(
        (again.shape, again.value),
        (Some(stamp(20)), Some(stamp(21)))
    );
}

fn an_entry_comes_back_as_it_was_put<S: BlockingStore>(store: &S) {
    register(store, START, 1, 1, (10, 11));
    put(store, START, 1, 1, START + SECOND * 300);
    let found = lookup(store, START + SECOND, 1, 1);
    let entry = found.entry.expect("the entry was put");
    assert_eq!(number(&entry), Some(7));
    assert_eq!(entry.expires, START + SECOND * 300);
    // Its stamps live as long as it does.
    let later = lookup(store, START + SECOND * 200, 1, 1);
    assert!(
        later
            .seen
            .iter()
            .all(|seen| seen.shape.is_some() && seen.value.is_some())
    );
    let key = entry_key(1, 1);
    assert_eq!(remove(store, Removal::Entry(key)), 1);
    assert!(lookup(store, START, 1, 1).entry.is_none());
}

fn an_entry_that_was_created_later_stays<S: BlockingStore>(store: &S) {
    let (key, dependencies) = (entry_key(1, 1), [dependency(1, 1)]);
    let put_created = |seconds: u32, expires: u32| {
        let entry = Entry {
            created: START + SECOND * seconds,
            ..made_entry(START + SECOND * expires)
        };
        let put = Request::Put {
            key: &key,
            entry: Arc::new(entry),
            dependencies: &dependencies,
        };
        one(store, START + SECOND * 10, put);
        let found = lookup(store, START + SECOND * 10, 1, 1);
        found.entry.map(|entry| entry.expires)
    };
    assert_eq!(put_created(5, 105), Some(START + SECOND * 105));
    // A slow query that began before a refresh, and ends after it.
    assert_eq!(put_created(4, 104), Some(START + SECOND * 105));
    assert_eq!(put_created(6, 106), Some(START + SECOND * 106));
}

fn dropping_all_records_leaves_no_shape_of_the_namespace<S: BlockingStore>(store: &S) {
    register(store, START, 1, 1, (10, 11));
    register(store, START, 2, 1, (12, 13));
    let elsewhere = DependencyKey {
        table: TableKey("suite2:test:main.t1".into()),
        ..dependency(1, 1)
    };
    let register = |dependency: &DependencyKey, number| {
        let registrations = vec![Registration {
            dependency: dependency.clone(),
            shape: Some(stamp(number)),
            value: Some(stamp(number)),
        }];
        match one(
            store,
            START,
            Request::Register {
                registrations,
                ttl: SECOND * 60,
            },
        ) {
            Reply::Registered(all) => all[0].shape,
            other => panic!("a registration answers with {other:?}"),
        }
    };
    assert_eq!(register(&elsewhere, 20), Some(stamp(20)));
    remove(store, Removal::AllRecords("suite".into()));
    let seen = |table| lookup(store, START, table, 1).seen;
    assert!(
        seen(1)
            .iter()
            .chain(&seen(2))
            .all(|seen| seen.shape.is_none())
    );
    assert_eq!(register(&elsewhere, 30), Some(stamp(20)));
}

/// Waits for what can be seen, not for a time.
fn a_stamp_expires_by_itself<S: BlockingStore>(store: &S) {
    let registrations = vec![registration(1, 1, (10, 11))];
    let ttl = Duration::from_millis(30);
    one(store, START, Request::Register { registrations, ttl });
    for _ in 0..1_000_000 {
        let seen = lookup(store, START, 1, 1).seen;
        if seen
            .iter()
            .all(|seen| seen.shape.is_none() && seen.value.is_none())
        {
            return;
        }
    }
    panic!("stamps of 30 ms are still there");
}

/// With steps of up to this many seconds between the requests.
fn it_agrees_with_the_reference<S: BlockingStore>(store: &S, seed: u64, pause: u32) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut model = Model::default();
    let mut now = START;
    for step in 0..60_u8 {
        now = now + SECOND * random.u32(0..=pause);
        let (table_number, shape_number) = (random.u8(0..3), random.u8(0..3));
        let entry = entry_key(table_number, shape_number);
        let dependencies = [dependency(table_number, shape_number)];
        let request = match random.u8(0..10) {
            0..=2 => Request::Lookup {
                entry: Some(&entry),
                dependencies: Dependencies::Read(&dependencies),
            },
            3..=5 => Request::Register {
                registrations: vec![registration(table_number, shape_number, (step, step + 100))],
                ttl: SECOND * 60,
            },
            6 => Request::Put {
                key: &entry,
                entry: Arc::new(made_entry(now + SECOND * 90)),
                dependencies: &dependencies,
            },
            7 => Request::Records(vec![table(0), table(1), table(2)]),
            8 => Request::Remove(vec![Removal::Stamp(
                table(table_number),
                digest(table_number, shape_number),
            )]),
            _ => Request::Remove(vec![match random.u8(0..3) {
                0 => Removal::Record(table(table_number)),
                1 => Removal::Shape(table(table_number), shape(shape_number)),
                _ => Removal::Entry(entry.clone()),
            }]),
        };
        let expected = plain(now, &model.exec(now, &request));
        assert_eq!(
            plain(now, &one(store, now, request)),
            expected,
            "seed {seed}, step {step}"
        );
    }
}

/// What two stores must agree on. Expired things may be gone or not, and what is optional in a
/// reply is left out.
fn plain(now: Moment, reply: &Reply) -> String {
    match reply {
        Reply::Lookup(Lookup { entry, seen, .. }) => {
            let live = entry.as_ref().filter(|entry| now < entry.expires);
            let seen: Vec<_> = seen
                .iter()
                .map(
                    |Seen {
                         shape,
                         value,
                         empty,
                         shapes,
                         created,
                         ..
                     }| {
                        let rest = shape.is_none().then_some((empty, shapes, created));
                        (shape, value, rest)
                    },
                )
                .collect();
            format!("{:?} {seen:?}", live.map(|entry| entry.expires))
        }
        Reply::Registered(all) => {
            let all: Vec<_> = all.iter().map(|one| (one.shape, one.value)).collect();
            format!("{all:?}")
        }
        Reply::Records(records) => {
            let mut records = records.clone();
            records.iter_mut().for_each(|shapes| shapes.sort());
            format!("{records:?}")
        }
        // Whether an expired thing counts as one that existed is the store's affair.
        Reply::Removed { .. } => "removed".into(),
        other => format!("{other:?}"),
    }
}

fn one<S: BlockingStore>(store: &S, now: Moment, request: Request<'_>) -> Reply {
    let mut replies = store
        .exec_blocking(now, &[request])
        .expect("a working store");
    assert_eq!(replies.len(), 1, "one reply per request");
    replies.pop().expect("just counted")
}

fn lookup<S: BlockingStore>(store: &S, now: Moment, table: u8, shape: u8) -> Lookup {
    let (entry, dependencies) = (entry_key(table, shape), [dependency(table, shape)]);
    match one(
        store,
        now,
        Request::Lookup {
            entry: Some(&entry),
            dependencies: Dependencies::Read(&dependencies),
        },
    ) {
        Reply::Lookup(lookup) => lookup,
        other => panic!("a lookup answers with {other:?}"),
    }
}

fn register<S: BlockingStore>(
    store: &S,
    now: Moment,
    table: u8,
    shape: u8,
    stamps: (u8, u8),
) -> Registered {
    let registrations = vec![registration(table, shape, stamps)];
    match one(
        store,
        now,
        Request::Register {
            registrations,
            ttl: SECOND * 60,
        },
    ) {
        Reply::Registered(all) if all.len() == 1 => all[0],
        other => panic!("a registration answers with {other:?}"),
    }
}

fn put<S: BlockingStore>(store: &S, now: Moment, table: u8, shape: u8, expires: Moment) {
    let (key, dependencies) = (entry_key(table, shape), [dependency(table, shape)]);
    let entry = Arc::new(made_entry(expires));
    let reply = one(
        store,
        now,
        Request::Put {
            key: &key,
            entry,
            dependencies: &dependencies,
        },
    );
    assert!(matches!(reply, Reply::Stored));
}

fn records<S: BlockingStore>(store: &S, now: Moment, of: u8) -> Vec<ShapeName> {
    match one(store, now, Request::Records(vec![table(of)])) {
        Reply::Records(mut records) if records.len() == 1 => records.remove(0),
        other => panic!("records answer with {other:?}"),
    }
}

fn remove<S: BlockingStore>(store: &S, removal: Removal) -> usize {
    match one(store, START, Request::Remove(vec![removal])) {
        Reply::Removed { existed } => existed,
        other => panic!("a removal answers with {other:?}"),
    }
}

/// The number in an entry, by whichever way it came.
fn number(entry: &Entry) -> Option<u64> {
    match &entry.content {
        Content::Decoded(payload) => payload.value.downcast_ref().copied(),
        Content::Encoded(encoded) => NUMBER.decode(encoded).ok()?.value.downcast_ref().copied(),
    }
}

fn table(number: u8) -> TableKey {
    TableKey(format!("suite:test:main.t{number}").into())
}

fn shape(number: u8) -> ShapeName {
    ShapeName(format!("1|c{number}:int|*").into())
}

fn stamp(number: u8) -> Stamp {
    Stamp([number; 16])
}

fn digest(table: u8, shape: u8) -> Digest {
    Digest([table.wrapping_mul(16).wrapping_add(shape); 32])
}

fn entry_key(of: u8, shape: u8) -> EntryKey {
    EntryKey {
        table: table(of),
        digest: digest(of, shape),
    }
}

fn dependency(of: u8, number: u8) -> DependencyKey {
    DependencyKey {
        table: table(of),
        shape: shape(number),
        value: Some(digest(of, number)),
        spread: 0,
    }
}

fn registration(table: u8, shape: u8, (first, second): (u8, u8)) -> Registration {
    Registration {
        dependency: dependency(table, shape),
        shape: Some(stamp(first)),
        value: Some(stamp(second)),
    }
}

fn made_entry(expires: Moment) -> Entry {
    let stamps: Arc<[Issued]> = Arc::new([]);
    Entry {
        content: Content::Encoded(NUMBER.encode(&7_u64, Codec::default()).expect("a number")),
        dependencies: Arc::new([]),
        stamps,
        created: START,
        expires,
        cost: Duration::ZERO,
        call: Default::default(),
        extended: false,
        validated: Validated::default(),
    }
}
