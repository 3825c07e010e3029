//! Memos: entries that rest on what ran inside, and on a table of their own.

use std::{any::Any, sync::Arc, thread};

use larder_core::{
    BypassReason, Cache, CacheOptions, Cause, Change, ChangeScope, DiscardReason, FillOutcome,
    Limits, MemoFill, MemoKey, MemoName, MemoStep, MemoryStore, Moment, ReadMode, ReadOutcome,
    ReadRequest, ResultIdentity, TableKey, Untracked, machine::Leeway, recorder,
};
use larder_testkit::{
    clock::ManualClock,
    fixture::{NUMBER, Posts, Query},
    remote::RemoteStore,
};

use crate::limited;

fn cache(limits: Limits) -> Cache {
    let mut options = CacheOptions::default();
    options.limits = limits;
    Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options)
}

fn key(name: &str) -> MemoKey {
    let result = ResultIdentity {
        adapter: "test",
        terminal: "run",
        type_id: std::any::TypeId::of::<u64>(),
        type_name: "u64",
        schema_fingerprint: 0,
    };
    let name = MemoName {
        namespace: "",
        version: "",
        scope: None,
        name,
    };
    MemoKey::new(&name, &(), &result).expect("the unit has a written form")
}

fn memo(cache: &Cache, key: &MemoKey) -> MemoStep {
    cache.memo_blocking(ReadRequest {
        entry: &key.entry,
        dependencies: std::slice::from_ref(&key.dependency),
        ttl: std::time::Duration::from_secs(60),
        mode: ReadMode::Cached,
        codec: Some(&NUMBER),
        leeway: Leeway::default(),
        call: None,
    })
}

fn begin(cache: &Cache, key: &MemoKey) -> MemoFill {
    match memo(cache, key) {
        MemoStep::Run(fill) => fill,
        other => panic!("expected to run, got {other:?}"),
    }
}

fn stored(cache: &Cache, key: &MemoKey) -> Option<u64> {
    match memo(cache, key) {
        MemoStep::Hit(value) => value.downcast_ref().copied(),
        _ => None,
    }
}

/// A query inside of a memo: its stored result, or that of the database, which is stored.
fn query(cache: &Cache, query: &Query, database: u64) -> u64 {
    match cache.read_blocking(query.read()) {
        ReadOutcome::Hit(value) => value.downcast_ref().copied().expect("a number"),
        ReadOutcome::Fill(fill) => {
            fill.store_blocking(Arc::new(database), 8);
            database
        }
        _ => database,
    }
}

fn write(cache: &Cache, change: Change) {
    let _ = cache.invalidate_blocking(&[change], Cause::Write);
}

fn number(value: u64) -> Arc<dyn Any + Send + Sync> {
    Arc::new(value)
}

fn end(fill: MemoFill, value: u64) -> FillOutcome {
    fill.store_blocking(number(value), 8)
}

/// A memo of two queries whose answers are its two digits.
struct Site {
    cache: Cache,
    posts: Posts,
    tags: Posts,
    key: MemoKey,
    /// What the database has.
    rows: [u64; 2],
}

impl Site {
    fn new() -> Self {
        Self {
            cache: cache(Limits::default()),
            posts: Posts::default(),
            tags: Posts::named("tag"),
            key: key("page"),
            rows: [1, 1],
        }
    }

    fn commit(&mut self, table: usize) {
        self.rows[table] += 1;
        let tables = [&self.posts, &self.tags];
        write(&self.cache, tables[table].retitled(1));
    }

    fn read(&self, table: usize) -> u64 {
        let tables = [&self.posts, &self.tags];
        query(&self.cache, &tables[table].by_author(1), self.rows[table])
    }

    fn truth(&self) -> u64 {
        self.rows[0] * 10 + self.rows[1]
    }
}

/// Every placement of writes and of others' reads among the steps of a memo, whose own reads are hits
/// or misses: afterwards no memo answers from before a write.
#[test]
fn p2_wherever_a_write_falls_no_later_memo_is_answered_from_before_it() {
    let mut hits = 0;
    // Steps: begin, three reads, end; after each, perhaps a write or somebody else's read.
    for placement in 0..5_usize.pow(5) {
        let mut site = Site::new();
        let at = |step: u32| placement / 5_usize.pow(step) % 5;
        let happens = |site: &mut Site, step: u32| match at(step) {
            0 => {}
            1 => site.commit(0),
            2 => site.commit(1),
            3 => assert!(site.read(0) > 0),
            _ => {
                site.commit(0);
                assert!(site.read(0) > 0);
            }
        };
        let fill = begin(&site.cache, &site.key);
        happens(&mut site, 0);
        let recorder = fill.recorder().clone();
        let one = recorder.scope_blocking(|| site.read(0));
        happens(&mut site, 1);
        let other = recorder.scope_blocking(|| site.read(1));
        happens(&mut site, 2);
        // Read once more, but what was read first is in the result.
        recorder.scope_blocking(|| site.read(0));
        happens(&mut site, 3);
        assert_eq!(end(fill, one * 10 + other), FillOutcome::Stored);
        happens(&mut site, 4);
        if let Some(found) = stored(&site.cache, &site.key) {
            assert_eq!(found, site.truth(), "placement {placement}");
            hits += 1;
        }
    }
    assert!(hits > 100, "only {hits} placements leave a memo");
}

#[test]
fn a_memo_is_answered_as_long_as_all_of_its_reads_would_be() {
    for table in 0..2 {
        let mut site = Site::new();
        let fill = begin(&site.cache, &site.key);
        let recorder = fill.recorder().clone();
        recorder.scope_blocking(|| (site.read(0), site.read(1)));
        end(fill, 11);
        assert_eq!(stored(&site.cache, &site.key), Some(11));
        // Another author's post is none of its rows.
        write(&site.cache, site.posts.retitled(2));
        assert_eq!(stored(&site.cache, &site.key), Some(11));
        site.commit(table);
        assert_eq!(stored(&site.cache, &site.key), None);
    }
}

#[test]
fn a_memo_drops_by_its_name() {
    let cache = cache(Limits::default());
    let (page, other) = (key("page"), key("other"));
    for key in [&page, &other] {
        end(begin(&cache, key), 1);
    }
    let change = Change {
        table_key: MemoKey::table("", "page"),
        table: None,
        scope: ChangeScope::Record,
    };
    write(&cache, change);
    assert_eq!(stored(&cache, &page), None);
    assert_eq!(stored(&cache, &other), Some(1));
}

#[test]
fn no_table_of_a_database_has_the_key_of_a_memo() {
    let table = larder_sql::TableName::new("public", "x");
    let hostile = ["x", "@memo:x", "src:public.x", "{x}", "%2E"];
    for name in hostile {
        let memo = MemoKey::table("ns", name);
        assert!(memo.is_in("ns"));
        assert_eq!(memo.0.matches('.').count(), 0, "{memo}");
        for source in hostile {
            assert_ne!(memo, TableKey::new("ns", source, &table));
        }
    }
}

#[test]
fn p8_a_waiter_looks_again_and_runs_itself_where_the_result_is_dead() {
    let site = Arc::new(Site::new());
    let fill = begin(&site.cache, &site.key);
    let recorder = fill.recorder().clone();
    recorder.scope_blocking(|| site.read(0));
    write(&site.cache, site.posts.retitled(1));
    let (sender, receiver) = std::sync::mpsc::channel();
    let late = thread::spawn({
        let site = site.clone();
        move || {
            sender.send(()).expect("the test listens");
            matches!(memo(&site.cache, &site.key), MemoStep::Run(_))
        }
    });
    receiver.recv().expect("it starts");
    assert_eq!(end(fill, 11), FillOutcome::Stored);
    assert!(
        late.join().expect("no panic"),
        "the result is from before the write"
    );
}

#[test]
fn a_waiter_is_answered_once_the_one_before_has_stored() {
    let site = Arc::new(Site::new());
    let fill = begin(&site.cache, &site.key);
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let site = site.clone();
            thread::spawn(move || stored(&site.cache, &site.key))
        })
        .collect();
    end(fill, 7);
    for waiter in waiting {
        assert_eq!(waiter.join().expect("no panic"), Some(7));
    }
}

#[test]
fn p8_a_dropped_memo_hands_over() {
    let site = Arc::new(Site::new());
    let fill = begin(&site.cache, &site.key);
    let waiting = thread::spawn({
        let site = site.clone();
        move || matches!(memo(&site.cache, &site.key), MemoStep::Run(_))
    });
    drop(fill);
    assert!(waiting.join().expect("no panic"));
}

#[test]
fn who_has_waited_long_enough_runs_alone() {
    let cache = cache(limited(|limits| {
        limits.wait_max = std::time::Duration::ZERO
    }));
    let key = key("page");
    let _leads = begin(&cache, &key);
    end(begin(&cache, &key), 7);
    assert_eq!(stored(&cache, &key), Some(7));
}

#[test]
fn an_outer_memo_rests_on_the_inner_ones_reads_whether_it_ran_or_hit() {
    for warm in [false, true] {
        let mut site = Site::new();
        let inner = key("inner");
        if warm {
            let fill = begin(&site.cache, &inner);
            fill.recorder().clone().scope_blocking(|| site.read(0));
            end(fill, 1);
        }
        let outer = begin(&site.cache, &site.key);
        outer
            .recorder()
            .clone()
            .scope_blocking(|| match memo(&site.cache, &inner) {
                MemoStep::Run(fill) => {
                    fill.recorder().clone().scope_blocking(|| site.read(0));
                    end(fill, 1);
                }
                step => assert!(warm, "{step:?}"),
            });
        end(outer, 11);
        assert_eq!(stored(&site.cache, &site.key), Some(11));
        site.commit(0);
        assert_eq!(stored(&site.cache, &site.key), None, "warm: {warm}");
    }
}

#[test]
fn a_memo_with_more_dependencies_than_an_entry_may_have_is_not_stored() {
    let site = Site {
        cache: cache(limited(|limits| limits.dependencies_max = 2)),
        ..Site::new()
    };
    let fill = begin(&site.cache, &site.key);
    fill.recorder()
        .clone()
        .scope_blocking(|| (site.read(0), site.read(1)));
    let reason = DiscardReason::Untracked(Untracked::Dependencies);
    assert_eq!(end(fill, 11), FillOutcome::Discarded(reason));
    assert_eq!(stored(&site.cache, &site.key), None);
}

#[test]
fn many_reads_of_one_table_rest_on_the_whole_of_it() {
    let site = Site::new();
    let read = |author| query(&site.cache, &site.posts.by_author(author), 1);
    // Warm: every read inside is a hit.
    (0..200).for_each(|author| assert_eq!(read(author), 1));
    for author in [0, 150] {
        let fill = begin(&site.cache, &site.key);
        let recorder = fill.recorder().clone();
        recorder.scope_blocking(|| (0..200).for_each(|author| assert_eq!(read(author), 1)));
        let recorded = recorder.recorded();
        assert!(recorded.rests_on.len() < 20, "{}", recorded.rests_on.len());
        assert_eq!(end(fill, 1), FillOutcome::Stored);
        assert_eq!(stored(&site.cache, &site.key), Some(1));
        write(&site.cache, site.posts.retitled(author));
        assert_eq!(stored(&site.cache, &site.key), None, "author {author}");
    }
}

#[test]
fn w4_a_read_beside_a_write_of_unknown_outcome_is_not_tracked() {
    let site = Site::new();
    let fill = begin(&site.cache, &site.key);
    let until = Moment(u64::MAX);
    site.cache
        .mark_uncertain(Some(vec![site.posts.key.clone()]), until);
    fill.recorder().clone().scope_blocking(|| site.read(0));
    let reason = DiscardReason::Untracked(Untracked::Unsettled);
    assert_eq!(end(fill, 11), FillOutcome::Discarded(reason));
}

#[test]
fn w4_a_memo_is_not_answered_beside_a_write_of_unknown_outcome() {
    let site = Site::new();
    let fill = begin(&site.cache, &site.key);
    fill.recorder().clone().scope_blocking(|| site.read(0));
    end(fill, 11);
    let until = Moment(u64::MAX);
    let mark = site
        .cache
        .mark_uncertain(Some(vec![site.posts.key.clone()]), until);
    let step = memo(&site.cache, &site.key);
    assert!(
        matches!(step, MemoStep::Bypass(BypassReason::Uncertain)),
        "{step:?}"
    );
    site.cache.lift_uncertain(mark);
    assert_eq!(stored(&site.cache, &site.key), Some(11));
}

#[test]
fn what_is_told_untracked_keeps_the_memo_from_being_stored() {
    let site = Site::new();
    let fill = begin(&site.cache, &site.key);
    fill.recorder()
        .clone()
        .scope_blocking(|| recorder::note_bypass(&BypassReason::Transaction));
    let reason = DiscardReason::Untracked(Untracked::Transaction);
    assert_eq!(end(fill, 11), FillOutcome::Discarded(reason));
    assert_eq!(stored(&site.cache, &site.key), None);
}

#[test]
fn p7_a_memo_lives_no_longer_than_what_was_read_inside() {
    let clock = Arc::new(ManualClock::at(Moment(0)));
    let mut options = CacheOptions::default();
    options.clock = clock.clone();
    let site = Site {
        cache: Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options),
        ..Site::new()
    };
    let posts = site.posts.by_author(1);
    // Twice: the short read inside is a fill, then a hit on what is stored for long.
    for warm in [false, true] {
        write(&site.cache, site.posts.retitled(1));
        if warm {
            query(&site.cache, &posts, 1);
        }
        let fill = begin(&site.cache, &site.key);
        fill.recorder().clone().scope_blocking(|| {
            let short = ReadRequest {
                ttl: std::time::Duration::from_secs(10),
                ..posts.read()
            };
            drop(site.cache.read_blocking(short));
        });
        // Its stamps live longer: somebody else rests on them.
        query(&site.cache, &posts, 1);
        assert_eq!(end(fill, 1), FillOutcome::Stored);
        assert_eq!(stored(&site.cache, &site.key), Some(1));
        clock.advance(std::time::Duration::from_secs(11));
        assert_eq!(stored(&site.cache, &site.key), None, "warm: {warm}");
    }
}

#[test]
fn the_stamps_of_a_passing_read_are_read_without_a_word() {
    #[derive(Default)]
    struct Words(std::sync::Mutex<Vec<String>>);
    impl larder_core::Observer for Words {
        fn on_event(&self, event: &larder_core::Event<'_>) {
            let mut words = self.0.lock().expect("unpoisoned");
            words.push(format!("{event:?}"));
        }
    }
    let words = Arc::new(Words::default());
    let mut options = CacheOptions::default();
    options.observers.push(words.clone());
    let site = Site {
        cache: Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options),
        ..Site::new()
    };
    let fill = begin(&site.cache, &site.key);
    let passing = site.posts.by_author(1);
    fill.recorder().clone().scope_blocking(|| {
        let ttl = std::time::Duration::from_secs(60);
        site.cache.record_blocking(&passing.dependencies, ttl);
    });
    end(fill, 1);
    assert_eq!(stored(&site.cache, &site.key), Some(1));
    let words = words.0.lock().expect("unpoisoned");
    let [miss, stored, hit] = words.as_slice() else {
        panic!("{words:#?}")
    };
    assert!(miss.starts_with("Miss"), "{miss}");
    assert!(stored.contains("outcome: Stored"), "{stored}");
    assert!(hit.starts_with("Hit"), "{hit}");
}

#[test]
fn p13_a_stale_answer_inside_is_not_tracked() {
    let store = RemoteStore::default();
    let clock = Arc::new(ManualClock::at(Moment(1)));
    let process = || {
        let mut options = CacheOptions::default();
        options.clock = clock.clone();
        Cache::new(store.clone(), options)
    };
    let (mine, other) = (process(), process());
    let posts = Posts::default();
    let asked = posts.by_author(1);
    query(&mine, &asked, 1);
    // Dropped by another process, and another reader of this one is replacing it.
    write(&other, posts.retitled(1));
    let lenient = || ReadRequest {
        leeway: Leeway {
            allow_stale: std::time::Duration::from_secs(60),
            ..Leeway::default()
        },
        ..asked.read()
    };
    let replacing = mine.read_blocking(lenient());
    assert!(matches!(replacing, ReadOutcome::Fill(_)), "{replacing:?}");
    let page = key("page");
    let fill = begin(&mine, &page);
    let stale = fill
        .recorder()
        .clone()
        .scope_blocking(|| mine.read_blocking(lenient()));
    assert!(matches!(stale, ReadOutcome::Hit(_)), "{stale:?}");
    let reason = DiscardReason::Untracked(Untracked::Stale);
    assert_eq!(end(fill, 1), FillOutcome::Discarded(reason));
}

#[test]
fn who_waits_for_a_memo_that_cannot_be_kept_does_not_queue() {
    let patient = limited(|limits| limits.wait_max = std::time::Duration::from_secs(3_600));
    let (cache, key) = (cache(patient), key("slow"));
    let leader = begin(&cache, &key);
    let both_run = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let fill = begin(&cache, &key);
                // One after the other, they would never meet here.
                both_run.wait();
                fill.discard(DiscardReason::NotCacheable);
            });
        }
        while cache.waiters() < 2 {
            thread::yield_now();
        }
        leader.recorder().scope_blocking(|| {
            recorder::note_untracked(Untracked::Write, None);
        });
        let outcome = end(leader, 7);
        assert!(matches!(
            outcome,
            FillOutcome::Discarded(DiscardReason::Untracked(_))
        ));
    });
}
