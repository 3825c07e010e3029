//! What is served beside fresh hits, and to whom it is not.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use larder_core::{
    BlockingStore, BypassReason, Cache, CacheOptions, Cause, DiscardReason, Fault, FillOutcome,
    MemoryStore, Moment, ReadMode, ReadOutcome, ReadRequest, Store,
    machine::Leeway,
    store::{FaultKind, Reply, Request},
};
use larder_testkit::{
    clock::ManualClock,
    fixture::{Posts, Query},
    remote::RemoteStore,
};

use crate::limited;

type Hook = Box<dyn FnMut(&Request<'_>) -> bool + Send>;

#[derive(Clone)]
struct Hooked {
    inner: RemoteStore,
    hook: Arc<Mutex<Option<Hook>>>,
}
impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}
impl Hooked {
    fn new(inner: &RemoteStore) -> Self {
        Self {
            inner: inner.clone(),
            hook: Arc::default(),
        }
    }
    fn set(&self, hook: impl FnMut(&Request<'_>) -> bool + Send + 'static) {
        *self.hook.lock().expect("unpoisoned") = Some(Box::new(hook));
    }
}
#[async_trait]
impl Store for Hooked {
    fn is_remote(&self) -> bool {
        true
    }
    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.exec_blocking(now, batch)
    }
}
impl BlockingStore for Hooked {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        let mut replies = Vec::new();
        for request in batch {
            let hook = self.hook.lock().expect("unpoisoned").take();
            if let Some(mut hook) = hook {
                let fails = hook(request);
                let mut place = self.hook.lock().expect("unpoisoned");
                if place.is_none() {
                    *place = Some(hook);
                }
                drop(place);
                if fails {
                    return Err(Fault::new(FaultKind::Unavailable));
                }
            }
            replies.extend(
                self.inner
                    .exec_blocking(now, std::slice::from_ref(request))?,
            );
        }
        Ok(replies)
    }
}

fn with(query: &Query, leeway: Leeway) -> ReadRequest<'_> {
    ReadRequest {
        leeway,
        ..query.read()
    }
}
fn lead(cache: &Cache, read: ReadRequest<'_>) -> larder_core::Fill {
    match cache.read_blocking(read) {
        ReadOutcome::Fill(f) => f,
        other => panic!("{other:?}"),
    }
}
fn value(o: ReadOutcome) -> Option<u64> {
    match o {
        ReadOutcome::Hit(v) => v.downcast_ref().copied(),
        ReadOutcome::Fill(f) => {
            f.discard(DiscardReason::NotCacheable);
            None
        }
        _ => None,
    }
}

#[test]
fn p13_a_memory_store_serves_nothing_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let cache = Cache::new(
        MemoryStore::with_capacity_bytes(1 << 20),
        CacheOptions::default(),
    );
    let stale = with(
        &query,
        Leeway {
            allow_stale: Duration::from_secs(60),
            ..Leeway::default()
        },
    );
    lead(&cache, stale).store_blocking(Arc::new(7_u64), 8);
    let _ = cache.invalidate_blocking(&[posts.retitled(1)], Cause::Write);
    let leader = lead(&cache, stale);
    let got = value(cache.read_blocking(stale));
    drop(leader);
    assert_ne!(
        got,
        Some(7),
        "own write acknowledged, stale served by memory store"
    );
}

#[test]
fn p13_what_a_leader_is_served_instead_answers_nobody_else() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let store = RemoteStore::default();
    let one = Cache::new(store.clone(), CacheOptions::default());
    let two = Cache::new(store.clone(), CacheOptions::default());
    let shared = Leeway {
        shared_flight: true,
        ..Leeway::default()
    };
    let stale = Leeway {
        shared_flight: true,
        allow_stale: Duration::from_secs(60),
        ..Leeway::default()
    };
    lead(&one, with(&query, shared)).store_blocking(Arc::new(7_u64), 8);
    let _ = two.invalidate_blocking(&[posts.retitled(1)], Cause::Write);
    // another process fills under claim
    let foreign = lead(&two, with(&query, shared));
    // Strict reader leads? It must be the stale one that leads; strict joins while it leads.
    // A stale one leads and is refused: it lands stale at once. Make the strict join between Join and Claim.
    let hooked = Hooked::new(&store);
    let three = Cache::new(hooked.clone(), CacheOptions::default());
    let c = three.clone();
    let result = Arc::new(Mutex::new(None));
    let r = result.clone();
    let q = query.clone();
    let once = AtomicBool::new(false);
    let handle = Arc::new(Mutex::new(None));
    let h = handle.clone();
    hooked.set(move |request| {
        if matches!(request, Request::Claim { .. }) && !once.swap(true, Ordering::SeqCst) {
            let (c, r, q) = (c.clone(), r.clone(), q.clone());
            *h.lock().expect("unpoisoned") = Some(thread::spawn(move || {
                let o = c.read_blocking(with(&q, Leeway::default()));
                let v = match o {
                    ReadOutcome::Hit(v) => Some(v.downcast_ref::<u64>().copied().expect("there")),
                    ReadOutcome::Fill(f) => {
                        f.discard(DiscardReason::NotCacheable);
                        None
                    }
                    _ => None,
                };
                *r.lock().expect("unpoisoned") = Some(v);
            }));
            thread::sleep(Duration::from_millis(200));
        }
        false
    });
    // give process three nothing near: the store's dead entry is the fallback
    let served = value(three.read_blocking(with(&query, stale)));
    assert_eq!(served, Some(7), "the leader itself is");
    foreign.store_blocking(Arc::new(8_u64), 8);
    handle
        .lock()
        .expect("unpoisoned")
        .take()
        .expect("there")
        .join()
        .expect("there");
    let strict = result.lock().expect("unpoisoned").expect("there");
    assert_ne!(strict, Some(7), "a strict reader was landed a stale result");
}

#[test]
fn p8_a_result_from_before_a_write_lands_in_no_flight_of_after_it() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let store = RemoteStore::default();
    let hooked = Hooked::new(&store);
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let make = |s: Hooked| {
        let mut o = CacheOptions::default();
        o.clock = clock.clone();
        o.limits = limited(|l| l.jitter_percent = 0);
        Cache::new(s, o)
    };
    let one = make(hooked.clone());
    let two = make(Hooked::new(&store));
    let leeway = Leeway {
        shared_flight: true,
        early_refresh: true,
        ..Leeway::default()
    };
    let fill = lead(&one, with(&query, leeway));
    clock.advance(Duration::from_secs(30)); // costly query: 30 s of 60
    fill.store_blocking(Arc::new(7_u64), 8);
    clock.advance(Duration::from_millis(29_990)); // near the end
    // hook: after one's stamps lookup (Near) -> two writes; then two claims; then strict reader joins
    let (q, p, c) = (query.clone(), posts.clone(), one.clone());
    let state = Arc::new(Mutex::new(0));
    let st = state.clone();
    let foreign = Arc::new(Mutex::new(None));
    let fo = foreign.clone();
    let waiter = Arc::new(Mutex::new(None));
    let wa = waiter.clone();
    hooked.set(move |request| {
        let mut s = st.lock().expect("unpoisoned");
        match (*s, request) {
            (0, Request::Lookup { entry: Some(_), .. }) => {
                *s = 1;
                let _ = two.invalidate_blocking(&[p.retitled(1)], Cause::Write);
                *fo.lock().expect("unpoisoned") = Some(lead(&two, with(&q, leeway)));
            }
            (1, Request::Claim { .. }) => {
                *s = 2;
                let (c, q) = (c.clone(), q.clone());
                *wa.lock().expect("unpoisoned") =
                    Some(thread::spawn(move || value(c.read_blocking(q.read()))));
                drop(s);
                thread::sleep(Duration::from_millis(300));
            }
            _ => {}
        }
        false
    });
    let _ = one.read_blocking(with(&query, leeway));
    let w = waiter
        .lock()
        .expect("unpoisoned")
        .take()
        .expect("waiter began after the write was acknowledged");
    if let Some(f) = foreign.lock().expect("unpoisoned").take() {
        f.store_blocking(Arc::new(8_u64), 8);
    }
    let strict = w.join().expect("there");
    assert_ne!(
        strict,
        Some(7),
        "a read that started after an acknowledged write got the old value (G1)"
    );
}

#[test]
fn reads_alone_find_a_store_that_is_back() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let store = RemoteStore::default();
    let hooked = Hooked::new(&store);
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let mut o = CacheOptions::default();
    o.clock = clock.clone();
    let cache = Cache::new(hooked.clone(), o);
    hooked.set(|_| true);
    for _ in 0..5 {
        let _ = cache.read_blocking(query.read());
    }
    assert!(cache.is_store_down());
    hooked.set(|_| false);
    let mut recovered = false;
    for _ in 0..1000 {
        clock.advance(Duration::from_millis(500));
        // as the SeaORM adapter does: read_now, then read
        let outcome = match cache.read_now(query.read()) {
            Some(o) => o,
            None => cache.read_blocking(query.read()),
        };
        recovered |= !matches!(outcome, ReadOutcome::Bypass(BypassReason::Unavailable));
    }
    assert!(
        recovered,
        "1000 reads over 500 s, and the store that is back is never asked"
    );
}

#[test]
fn g2_an_operation_is_no_hit_while_a_write_of_its_later_tables_waits() {
    let posts = Posts::default();
    let tags = Posts::named("tag");
    let first = posts.by_author(1);
    let second = tags.by_author(2);
    let store = RemoteStore::default();
    for near in [64 << 20, 0] {
        let mut o = CacheOptions::default();
        o.near_bytes = near;
        let cache = Cache::new(store.clone(), o);
        let alone = ReadRequest {
            mode: ReadMode::Alone,
            ..first.read()
        };
        let part = ReadRequest {
            mode: ReadMode::Part,
            ..second.read()
        };
        let refresh = ReadRequest {
            mode: ReadMode::Refresh,
            ..first.read()
        };
        let mut op = lead(&cache, refresh);
        op.rest_on(lead(&cache, part));
        assert_eq!(op.store_blocking(Arc::new(7_u64), 8), FillOutcome::Stored);
        assert_eq!(value(cache.read_blocking(alone)), Some(7));
        // own write of `tag` that could not be delivered
        let _ = cache.enqueue(&[tags.retitled(2)]);
        let got = value(cache.read_blocking(alone));
        assert_ne!(got, Some(7), "G2: own undelivered write, near={near}");
    }
}

#[test]
fn a_failed_fill_does_not_hold_up_its_own_process() {
    let query = Posts::default().by_author(1);
    let mut options = CacheOptions::default();
    // A reader that had to wait for the claim would run without one.
    options.limits = limited(|limits| limits.wait_max = Duration::from_millis(1));
    let store = RemoteStore::default();
    let cache = Cache::new(store.clone(), options);
    let leeway = Leeway {
        shared_flight: true,
        ..Leeway::default()
    };
    lead(&cache, with(&query, leeway)).discard(DiscardReason::QueryFailed);
    store.asked();
    let next = lead(&cache, with(&query, leeway));
    assert_eq!(store.asked().entries, 1, "it looked once, and went on");
    next.store_blocking(Arc::new(7_u64), 8);
    assert_eq!(value(cache.read_blocking(query.read())), Some(7));
}

#[test]
fn a_result_without_a_written_form_is_served_while_it_is_refreshed_early() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let _ = posts;
    let store = RemoteStore::default();
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let mut o = CacheOptions::default();
    o.clock = clock.clone();
    o.limits = limited(|l| l.jitter_percent = 0);
    let cache = Cache::new(store, o);
    let early = ReadRequest {
        codec: None,
        ..with(
            &query,
            Leeway {
                early_refresh: true,
                ..Leeway::default()
            },
        )
    };
    let fill = lead(&cache, early);
    clock.advance(Duration::from_secs(10));
    fill.store_blocking(Arc::new(7_u64), 8);
    clock.advance(Duration::from_secs(49));
    let refresh = (0..1000)
        .find_map(|_| match cache.read_blocking(early) {
            ReadOutcome::Fill(f) => Some(f),
            _ => None,
        })
        .expect("there");
    let (tx, rx) = std::sync::mpsc::channel();
    let (c, q) = (cache.clone(), query.clone());
    let h = thread::spawn(move || {
        let early = ReadRequest {
            codec: None,
            ..with(
                &q,
                Leeway {
                    early_refresh: true,
                    ..Leeway::default()
                },
            )
        };
        let _ = tx.send(value(c.read_blocking(early)));
    });
    let got = rx.recv_timeout(Duration::from_millis(500));
    refresh.store_blocking(Arc::new(8_u64), 8);
    h.join().expect("there");
    assert_eq!(got, Ok(Some(7)), "others are served meanwhile");
}

#[test]
fn p13_a_drop_counts_from_when_it_was_acknowledged() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let store = RemoteStore::default();
    let hooked = Hooked::new(&store);
    let clock = Arc::new(ManualClock::at(Moment(1_000_000)));
    let mut o = CacheOptions::default();
    o.clock = clock.clone();
    let cache = Cache::new(hooked.clone(), o);
    let stale = with(
        &query,
        Leeway {
            allow_stale: Duration::from_secs(1),
            ..Leeway::default()
        },
    );
    lead(&cache, stale).store_blocking(Arc::new(7_u64), 8);
    let (c, q, k) = (cache.clone(), query.clone(), clock.clone());
    hooked.set(move |request| {
        if matches!(request, Request::Remove(_)) {
            // the store is slow: 400 ms pass, during which a reader confirms the old result
            k.advance(Duration::from_millis(400));
            assert_eq!(value(c.read_blocking(q.read())), Some(7));
            k.advance(Duration::from_millis(10));
        }
        false
    });
    let _ = cache.invalidate_blocking(&[posts.retitled(1)], Cause::Write);
    hooked.set(|_| false);
    // 600 ms after it was acknowledged.
    clock.advance(Duration::from_millis(600));
    let leader = lead(&cache, stale);
    store.asked();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| value(cache.read_blocking(stale)));
        store.wait_for_entries(1);
        leader.store_blocking(Arc::new(9_u64), 8);
        assert_eq!(waiting.join().expect("no panic"), Some(9));
    });
}
