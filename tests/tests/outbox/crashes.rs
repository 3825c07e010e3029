//! Relays that die, fail, meet each other, and go on.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use larder::{
    CachedConnection, Event, Larder, Observer, Policy, RedisConfig, RedisStore, RelayConfig,
    RelayOutcome, WrapConfig,
};
use larder_testkit::server::RedisServer;
use larder_tests::lab::{Backend, Lab, builder, is_remote, wrap, wrap_config};
use sea_orm::{Database, DatabaseConnection, TransactionTrait};

use crate::{
    gate::{Control, Gate, When, broken, within},
    on_each,
    site::{READS, Site, ask, install, run},
};

on_each!(
    a_relay_that_dies_before_it_trims_lets_the_next_repeat,
    a_relay_that_dies_before_it_commits_lets_the_next_repeat,
    two_relays_at_once_lose_nothing,
    a_running_relay_goes_on_after_failures_and_ends_when_told,
    lag_is_told_by_the_servers_clock,
);

/// Hears how many rows the relays claimed.
#[derive(Default)]
struct Heard(Mutex<Vec<(usize, Duration)>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Relay { rows, lag, .. } = event {
            self.0.lock().unwrap().push((*rows, *lag));
        }
    }
}

/// Waits for what happens elsewhere.
async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    within(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A handle whose statements stop where a test says.
async fn gated(site: &Site) -> (CachedConnection<Gate<DatabaseConnection>>, Arc<Control>) {
    let control = Arc::new(Control::default());
    let gate = Gate {
        inner: Database::connect(site.lab.options()).await.unwrap(),
        control: control.clone(),
    };
    let config = wrap_config(&site.lab.url);
    (
        CachedConnection::wrap_other(&site.lab.larder, gate, config),
        control,
    )
}

async fn dies_before(backend: Backend, words: &'static str) {
    let site = Site::start(backend).await;
    site.warm().await;
    let (db, control) = gated(&site).await;
    let latch = control.pause(When::Before, words);
    site.outside("UPDATE post SET views = 50 WHERE id = 1")
        .await;
    let relay = db.relay(RelayConfig::new());
    let round = tokio::spawn(async move { relay.round().await });
    latch.arrived().await;
    // It has invalidated already.
    assert!(site.is_fresh(READS[0]).await);
    round.abort();
    assert!(round.await.unwrap_err().is_cancelled());
    assert_eq!(site.recorded().await, 1);
    site.warm().await;
    // The server may take a moment to let go of what the dead one had locked.
    until(async || site.relay.round().await.unwrap().rows == 1).await;
    assert!(!site.is_hit(READS[0]).await, "it was not repeated");
    assert_eq!(site.recorded().await, 0);
}

async fn a_relay_that_dies_before_it_trims_lets_the_next_repeat(backend: Backend) {
    dies_before(backend, "DELETE").await;
}

async fn a_relay_that_dies_before_it_commits_lets_the_next_repeat(backend: Backend) {
    // SQLite's relay has no transaction.
    if backend != Backend::Sqlite {
        dies_before(backend, "COMMIT").await;
    }
}

async fn two_relays_at_once_lose_nothing(backend: Backend) {
    let lab = Lab::start(backend).await;
    if backend == Backend::Sqlite {
        // Readers and a writer at a time.
        run(&lab.plain, "PRAGMA journal_mode = WAL").await;
    }
    install(&lab).await;
    let heard = Arc::new(Heard::default());
    let larder = builder()
        .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
        .observer(heard.clone())
        .build()
        .unwrap();
    let (end, ended) = tokio::sync::watch::channel(false);
    let mut relays = Vec::new();
    for _ in 0..2 {
        let connection = Database::connect(lab.options()).await.unwrap();
        let config = RelayConfig::new()
            .rows_max(3)
            .poll_interval(Duration::from_millis(1));
        let relay = wrap(&larder, connection, &lab.url).relay(config);
        let mut ended = ended.clone();
        relays.push(tokio::spawn(async move {
            let until = async {
                ended.wait_for(|ended| *ended).await.unwrap();
            };
            relay.run(until).await;
        }));
    }
    let connection = Database::connect(lab.options()).await.unwrap();
    let db = wrap(&larder, connection, &lab.url);
    let writers = if backend == Backend::Sqlite { 1 } else { 3 };
    let writing = (0..writers).map(|writer| {
        let plain = lab.plain.clone();
        tokio::spawn(async move {
            for number in 0..40 {
                let id = 1 + (number + writer) % 5;
                let sql = format!("UPDATE post SET views = views + 1 WHERE id = {id}");
                run(&plain, &sql).await;
            }
        })
    });
    let writing: Vec<_> = writing.collect();
    let reads = tokio::spawn(async move {
        for read in READS.iter().cycle().take(200) {
            ask(&db, read).await;
        }
        db
    });
    for writer in writing {
        within(writer).await.unwrap();
    }
    let db = within(reads).await.unwrap();
    let site = Site {
        relay: db.relay(RelayConfig::new()),
        lab,
    };
    until(async || site.recorded().await == 0).await;
    end.send(true).unwrap();
    for relay in relays {
        within(relay).await.unwrap();
    }
    for read in READS {
        assert_eq!(
            ask(&db, read).await,
            site.truth(read).await,
            "{backend:?}: {read}"
        );
    }
    let claimed: usize = heard.0.lock().unwrap().iter().map(|(rows, _)| rows).sum();
    let written = usize::try_from(writers * 40).unwrap();
    match backend {
        // Both may have claimed the same.
        Backend::Sqlite => assert!(claimed >= written, "{claimed}"),
        _ => assert_eq!(claimed, written),
    }
}

async fn a_running_relay_goes_on_after_failures_and_ends_when_told(backend: Backend) {
    let site = Site::start(backend).await;
    let (db, control) = gated(&site).await;
    for words in [
        "SELECT '1' FROM larder_outbox",
        "FROM larder_outbox ORDER",
        "DELETE",
    ] {
        control.trap(When::Before, words, crate::gate::Then::Fail(broken()));
    }
    // Nothing but a waker hurries it.
    let config = RelayConfig::new().poll_interval(Duration::from_secs(3_600));
    let fast = RelayConfig::new().poll_interval(Duration::from_millis(1));
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let relay = db.relay(fast);
    let running = tokio::spawn(async move {
        relay.run(async { ended.await.unwrap() }).await;
    });
    site.warm().await;
    site.outside("UPDATE post SET views = 50 WHERE id = 1")
        .await;
    until(async || site.is_fresh(READS[0]).await).await;
    until(async || site.recorded().await == 0).await;
    end.send(()).unwrap();
    within(running).await.unwrap();

    let relay = db.relay(config);
    let waker = relay.waker();
    let running = tokio::spawn(async move { relay.run(std::future::pending()).await });
    site.warm().await;
    site.outside("UPDATE post SET views = 51 WHERE id = 1")
        .await;
    until(async || {
        waker.wake();
        site.is_fresh(READS[0]).await
    })
    .await;
    running.abort();
}

async fn lag_is_told_by_the_servers_clock(backend: Backend) {
    let lab = Lab::start(backend).await;
    let heard = Arc::new(Heard::default());
    let larder = builder().observer(heard.clone()).build().unwrap();
    install(&lab).await;
    let connection = Database::connect(lab.options()).await.unwrap();
    let relay = wrap(&larder, connection, &lab.url).relay(RelayConfig::new());
    run(&lab.plain, "UPDATE post SET views = 50 WHERE id = 1").await;
    run(&lab.plain, "UPDATE post SET views = 50 WHERE id = 2").await;
    let earlier = match backend {
        Backend::Sqlite => "recorded_at = recorded_at - 3600000000 WHERE id = 1",
        Backend::Postgres => {
            "recorded_at = recorded_at - interval '1 hour' WHERE (new_row ->> 'id') = '1'"
        }
        Backend::MariaDb => "recorded_at = recorded_at - INTERVAL 1 HOUR WHERE id = 1",
    };
    run(&lab.plain, &format!("UPDATE larder_outbox SET {earlier}")).await;
    let round = relay.round().await.unwrap();
    let hour = Duration::from_secs(3_600);
    assert!(round.lag >= hour && round.lag < hour * 2, "{:?}", round.lag);
    assert_eq!(round.rows, 2);
    let idle = relay.round().await.unwrap();
    assert_eq!(
        (idle.lag, idle.outcome),
        (Duration::ZERO, RelayOutcome::Idle)
    );
    let heard = heard.0.lock().unwrap().clone();
    assert_eq!(heard, [(2, round.lag), (0, Duration::ZERO)]);
}

/// A transaction that began first commits last, behind a cursor if there were one.
async fn commits_late(backend: Backend) {
    let site = Site::start(backend).await;
    site.warm().await;
    let late = site.lab.plain.begin().await.unwrap();
    run(&late, "UPDATE post SET views = 60 WHERE id = 1").await;
    site.outside("UPDATE post SET views = 61 WHERE id = 2")
        .await;
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_hit(READS[0]).await && site.is_fresh(READS[1]).await);
    late.commit().await.unwrap();
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_fresh(READS[0]).await);
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_passed_over_on_postgres() {
    commits_late(Backend::Postgres).await;
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_passed_over_on_mariadb() {
    commits_late(Backend::MariaDb).await;
}

/// Neither another relay nor a writer waits for one that has claimed rows.
async fn claims_block_nobody(backend: Backend) {
    let site = Site::start(backend).await;
    site.outside("UPDATE post SET views = 60 WHERE id = 1")
        .await;
    site.outside("UPDATE post SET views = 61 WHERE id = 2")
        .await;
    let (db, control) = gated(&site).await;
    let latch = control.pause(When::Before, "DELETE");
    let relay = db.relay(RelayConfig::new().rows_max(1));
    let round = tokio::spawn(async move { relay.round().await.unwrap() });
    latch.arrived().await;
    assert_eq!(within(site.round()).await.rows, 1);
    for id in [1, 2, 3] {
        within(site.outside(&format!("UPDATE post SET views = 62 WHERE id = {id}"))).await;
    }
    assert_eq!(within(site.round()).await.rows, 3);
    latch.release();
    assert_eq!(within(round).await.unwrap().rows, 1);
    assert_eq!(site.recorded().await, 0);
}

#[tokio::test]
async fn claimed_rows_block_neither_relays_nor_writers_on_postgres() {
    claims_block_nobody(Backend::Postgres).await;
}

#[tokio::test]
async fn claimed_rows_block_neither_relays_nor_writers_on_mariadb() {
    claims_block_nobody(Backend::MariaDb).await;
}

#[tokio::test]
async fn rows_stay_until_the_store_has_acknowledged() {
    if is_remote() {
        return;
    }
    let mut server = RedisServer::start().unwrap();
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let larder = Larder::builder()
        .namespace("outbox")
        .store(RedisStore::connect(config).await.unwrap())
        .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
        .build()
        .unwrap();
    let lab = Lab::start(Backend::Postgres).await;
    install(&lab).await;
    let connection = Database::connect(lab.options()).await.unwrap();
    let db = CachedConnection::wrap(&larder, connection, WrapConfig::new());
    assert!(db.catalog().await.is_some());
    let relay = db.relay(RelayConfig::new());
    run(&lab.plain, "UPDATE post SET views = 60 WHERE id = 1").await;
    server.pause().unwrap();
    let kept = relay.round().await.unwrap();
    assert_eq!((kept.rows, kept.outcome), (1, RelayOutcome::Kept));
    let again = relay.round().await.unwrap();
    assert_eq!((again.rows, again.outcome), (1, RelayOutcome::Kept));
    server.resume().unwrap();
    until(async || relay.round().await.unwrap().outcome == RelayOutcome::Trimmed).await;
    assert_eq!(relay.round().await.unwrap().rows, 0);
}
