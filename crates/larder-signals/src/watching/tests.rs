use std::{
    any::TypeId,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder_core::{
    BlockingStore, BypassReason, Cause, Event, Observer, Param, Policy, ReadOutcome, ReadSummary,
    ResultIdentity, StatementId, StatementStats,
    store::{Dependencies, Reply, Request},
};

use crate::{ReadAnswer, ReadCall, ReadOptions, Returned, fixtures::*};

const BY_ID: &str = "SELECT * FROM post WHERE id = $1";
const COST: Duration = Duration::from_millis(5);

fn rig() -> Rig {
    rig_heard_by(&[])
}

fn rig_heard_by(observers: &[Arc<dyn Observer>]) -> Rig {
    Rig::with(|builder| {
        let policy = Policy::new().with_ttl(Duration::from_secs(60));
        observers
            .iter()
            .fold(builder.default_policy(policy), |builder, observer| {
                builder.observer(observer.clone())
            })
    })
}

fn result() -> ResultIdentity {
    ResultIdentity {
        adapter: "test",
        terminal: "one",
        type_id: TypeId::of::<()>(),
        type_name: "()",
        schema_fingerprint: 0,
    }
}

impl Rig {
    /// A read as adapters make it, whose query takes [`COST`]; whether it was a hit.
    fn get(&self, sql: &str, id: i64) -> bool {
        let prepared = self.source.plan(sql);
        let result = result();
        let call = ReadCall {
            source: &self.source,
            prepared: &prepared,
            params: &[Param::Int(id.into())],
            result: &result,
            codec: None,
            options: ReadOptions::default(),
            scope: None,
        };
        if self.larder.revisit_now(&call).is_some() {
            return true;
        }
        let Ok(read) = self.larder.begin_read(&call) else {
            return false;
        };
        match self.larder.read_blocking(&read) {
            ReadOutcome::Hit(_) => true,
            ReadOutcome::Fill(fill) => {
                self.clock.advance(COST);
                fill.store_blocking(Arc::new(()), 100);
                false
            }
            _ => false,
        }
    }

    fn rename(&self) {
        let mut guard = self.guard();
        guard.sent();
        guard.succeeded(&[], Returned::Nothing);
        guard.deliver_blocking();
    }
}

#[test]
fn stats_tell_hits_misses_fills_and_what_was_saved_by_statement_and_table() {
    let rig = rig();
    for id in [1, 1, 1, 2] {
        rig.get(BY_ID, id);
    }
    rig.get("SELECT * FROM author WHERE name = 'secret' AND id = $1", 1);
    rig.rename();
    let stats = rig.larder.stats();
    let [by_id, author] = stats.statements.as_slice() else {
        panic!("two statements: {stats:?}")
    };
    assert_eq!(by_id.id, StatementId::of(BY_ID));
    assert_eq!((&*by_id.sql, &*by_id.table), (BY_ID, "test:s:public.post"));
    assert_eq!(
        author.sql,
        "SELECT * FROM author WHERE name = ? AND id = $1"
    );
    let reads = &by_id.reads;
    assert_eq!((reads.hits, reads.misses, reads.fills), (2, 2, 2));
    assert_eq!((reads.saved, reads.fill_time), (2 * COST, 2 * COST));
    assert_eq!((reads.bytes, reads.hit_ratio()), (200, Some(0.5)));
    assert_eq!((stats.totals.hits, stats.totals.misses), (2, 3));
    let post = stats.tables.iter().find(|it| it.table == by_id.table);
    let post = post.expect("the table that was written");
    assert_eq!(post.invalidations.get("write"), Some(&1));
    assert_eq!((&post.reads, post.stamps_dropped > 0), (reads, true));
}

#[test]
fn an_entry_carries_the_digest_of_its_text_and_parameters() {
    let rig = rig();
    rig.get(BY_ID, 1);
    let prepared = rig.source.plan(BY_ID);
    let params = [Param::Int(1)];
    let result = result();
    let key = prepared
        .entry_key(&params, &result, None)
        .expect("cacheable");
    let lookup = Request::Lookup {
        entry: Some(&key),
        dependencies: Dependencies::Read(&[]),
    };
    let now = rig.cache().now();
    let replies = rig.store.exec_blocking(now, &[lookup]).expect("works");
    let [Reply::Lookup(lookup)] = replies.as_slice() else {
        panic!("{replies:?}")
    };
    let entry = lookup.entry.as_ref().expect("stored");
    assert_eq!(Some(entry.call), prepared.call_digest(&params));
    assert_ne!(Some(entry.call), prepared.call_digest(&[Param::Int(2)]));
    assert_eq!(entry.cost, COST);
}

#[test]
fn the_breaker_says_when_it_opens_and_when_it_closes() {
    let heard = Arc::new(Breaker::default());
    let mut limits = larder_core::Limits::default();
    limits.breaker_faults = 2;
    let rig = Rig::with(|builder| {
        let policy = Policy::new().with_ttl(Duration::from_secs(60));
        builder
            .default_policy(policy)
            .limits(limits)
            .observer(heard.clone())
    });
    rig.break_store(true);
    for id in 0..4 {
        rig.get(BY_ID, id);
    }
    assert_eq!(rig.larder.stats().breakers_open, 1);
    rig.break_store(false);
    rig.clock.advance(Duration::from_secs(2));
    rig.get(BY_ID, 9);
    rig.get(BY_ID, 9);
    assert_eq!(*heard.0.lock().expect("unpoisoned"), ["opened", "closed"]);
    let stats = rig.larder.stats();
    assert_eq!((stats.breakers_open, stats.faults), (0, 2));
}

#[derive(Default)]
struct Breaker(Mutex<Vec<&'static str>>);

impl Observer for Breaker {
    fn on_event(&self, event: &Event<'_>) {
        let what = match event {
            Event::BreakerOpened => "opened",
            Event::BreakerClosed => "closed",
            _ => return,
        };
        self.0.lock().expect("unpoisoned").push(what);
    }
}

#[test]
fn a_statement_is_counted_on_when_its_plan_is_made_anew() {
    let rig = rig();
    rig.get(BY_ID, 1);
    let mut changed = catalog(larder_sql::Dialect::Postgres);
    changed.search_path.push("other".into());
    rig.larder.set_catalog(&rig.source, changed, 1);
    rig.get(BY_ID, 1);
    let stats = rig.larder.stats();
    assert_eq!(stats.statements.len(), 1);
    let reads = &stats.statements[0].reads;
    assert_eq!(reads.hits + reads.misses, 2);
}

#[test]
fn bypasses_count_by_reason_and_writes_are_no_statements() {
    let rig = rig();
    rig.get("SELECT now(), id FROM post WHERE id = $1", 1);
    rig.larder.disable();
    rig.get(BY_ID, 1);
    let write = rig.source.plan("SET search_path = x");
    rig.larder.bypassed(&write, &BypassReason::Session);
    let stats = rig.larder.stats();
    let bypasses = &stats.totals.bypasses;
    assert_eq!(bypasses.get("uncacheable"), Some(&1));
    assert_eq!(bypasses.get("disabled"), Some(&1));
    assert_eq!(bypasses.get("session"), Some(&1));
    let named: Vec<&StatementStats> = stats.statements.iter().collect();
    assert_eq!(named.len(), 2, "{named:?}");
}

#[test]
fn a_summary_holds_the_reads_of_its_scope_and_those_of_inner_ones() {
    let rig = rig();
    rig.get(BY_ID, 1);
    let (inner, outer) = rig.larder.recorded_blocking(|| {
        rig.get(BY_ID, 1);
        let ((), inner) = rig.larder.recorded_blocking(|| {
            rig.get(BY_ID, 2);
        });
        inner
    });
    rig.get(BY_ID, 1);
    let of = |summary: ReadSummary| (summary.hits, summary.misses, summary.fills);
    assert_eq!(of(inner), (0, 1, 1));
    assert_eq!(inner.fill_time, COST);
    assert_eq!(of(outer), (1, 1, 1));
    assert_eq!((outer.saved, outer.fill_time), (COST, COST));
}

#[test]
fn a_summary_leaves_out_other_tasks_and_other_larders() {
    let (rig, other) = (rig(), rig());
    let ((), summary) = block_on(rig.larder.recorded(async {
        other.get(BY_ID, 1);
        std::thread::scope(|scope| {
            scope.spawn(|| rig.get(BY_ID, 1));
        });
        rig.get(BY_ID, 1);
    }));
    assert_eq!((summary.hits, summary.misses), (1, 0));
    let ((), outer) = other.larder.recorded_blocking(|| {
        let ((), _) = rig.larder.recorded_blocking(|| {
            other.get(BY_ID, 1);
        });
    });
    assert_eq!(outer.hits, 1, "another larder's scope in between");
}

#[test]
fn a_summary_that_panics_leaves_the_outer_one_in_force() {
    let rig = rig();
    let ((), outer) = rig.larder.recorded_blocking(|| {
        let inner = std::panic::AssertUnwindSafe(|| {
            rig.larder.recorded_blocking(|| {
                rig.get(BY_ID, 1);
                panic!("of the user");
            })
        });
        assert!(std::panic::catch_unwind(inner).is_err());
        rig.get(BY_ID, 1);
    });
    assert_eq!((outer.misses, outer.hits), (1, 1));
}

#[test]
fn on_read_hears_hits_misses_and_bypasses_until_it_is_ended() {
    let rig = rig();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = heard.clone();
    let hook = rig.larder.on_read(move |event| {
        let what = match &event.answer {
            ReadAnswer::Hit { saved, .. } => format!("hit {}", saved.as_millis()),
            ReadAnswer::Miss(cause) => format!("miss {}", cause.label()),
            ReadAnswer::Bypass(reason) => format!("bypass {}", reason.label()),
        };
        assert_eq!(event.statement, Some(StatementId::of(BY_ID)));
        assert!(event.table.is_some());
        sink.lock().expect("unpoisoned").push(what);
    });
    rig.larder.on_read(|_| panic!("a hook"));
    rig.get(BY_ID, 1);
    rig.get(BY_ID, 1);
    rig.larder.disable();
    rig.get(BY_ID, 1);
    rig.larder.enable();
    rig.larder.unsubscribe(hook);
    rig.get(BY_ID, 1);
    let heard = heard.lock().expect("unpoisoned");
    assert_eq!(*heard, ["miss no_entry", "hit 5", "bypass disabled"]);
}

struct Panics;

impl Observer for Panics {
    fn on_event(&self, _: &Event<'_>) {
        panic!("an observer");
    }
}

#[derive(Default)]
struct Counts {
    hits: AtomicUsize,
    invalidations: AtomicUsize,
}

impl Observer for Counts {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Hit { statement, .. } if *statement == Some(StatementId::of(BY_ID)) => {
                self.hits.fetch_add(1, Ordering::SeqCst);
            }
            Event::Invalidate { cause, .. } if *cause == Cause::Write => {
                self.invalidations.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}

#[test]
fn every_observer_hears_all_also_after_one_that_panics() {
    let (first, last) = (Arc::new(Counts::default()), Arc::new(Counts::default()));
    let rig = rig_heard_by(&[first.clone(), Arc::new(Panics), last.clone()]);
    rig.get(BY_ID, 1);
    rig.get(BY_ID, 1);
    rig.rename();
    for observer in [first, last] {
        assert_eq!(observer.hits.load(Ordering::SeqCst), 1);
        assert_eq!(observer.invalidations.load(Ordering::SeqCst), 1);
    }
}
