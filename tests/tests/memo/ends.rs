//! How memos end: one run for all who ask, and none for an error, a panic or a dropped caller.

use std::{sync::Arc, time::Duration};

use larder::MemoOutcome;
use larder_tests::lab::{Backend, Lab};
use sea_orm::ConnectionTrait as _;
use tokio::sync::Semaphore;

use crate::bench::{Runs, ask, on_all, titles};

on_all!(
    one_runs_and_the_others_get_its_result,
    who_came_after_a_write_is_not_answered_from_before_it,
    a_dropped_caller_hands_over,
    a_panic_hands_over,
    an_error_is_not_stored,
    a_nested_memo_drops_both,
    arguments_and_types_are_told_apart,
    a_get_or_set_lives_until_its_end,
    a_memo_is_refreshed_and_dropped_by_name,
);

async fn one_runs_and_the_others_get_its_result(backend: Backend) {
    let lab = Arc::new(Lab::start(backend).await);
    let (runs, gate) = (Arc::new(Runs::default()), Arc::new(Semaphore::new(0)));
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (lab, runs, gate) = (lab.clone(), runs.clone(), gate.clone());
            tokio::spawn(async move {
                let body = async {
                    runs.more();
                    let _open = gate.acquire().await.unwrap();
                    titles(&lab.db, 3).await
                };
                ask(&lab.larder, "page", body).await
            })
        })
        .collect();
    // All have begun once each has had a turn; the body waits for the gate.
    while runs.count() == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(16);
    let mut stored = 0;
    for caller in callers {
        let (titles, outcome) = caller.await.unwrap();
        assert_eq!(titles, ["one", "two"]);
        stored += usize::from(outcome == MemoOutcome::Stored);
    }
    assert_eq!((runs.count(), stored), (1, 1));
}

async fn who_came_after_a_write_is_not_answered_from_before_it(backend: Backend) {
    let lab = Arc::new(Lab::start(backend).await);
    let (read, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let leader = tokio::spawn({
        let (lab, read, end) = (lab.clone(), read.clone(), end.clone());
        async move {
            let body = async {
                let titles = titles(&lab.db, 3).await;
                read.add_permits(1);
                let _ended = end.acquire().await.unwrap();
                titles
            };
            ask(&lab.larder, "page", body).await
        }
    });
    let _read = read.acquire().await.unwrap();
    let text = "UPDATE post SET title = 'new' WHERE id = 1";
    lab.db.execute_unprepared(text).await.unwrap();
    let runs = Arc::new(Runs::default());
    let late = tokio::spawn({
        let (lab, runs) = (lab.clone(), runs.clone());
        async move {
            let body = async {
                runs.more();
                titles(&lab.db, 3).await
            };
            ask(&lab.larder, "page", body).await
        }
    });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(runs.count(), 0, "it waits for the leader");
    end.add_permits(1);
    assert_eq!(leader.await.unwrap().0, ["one", "two"]);
    assert_eq!(late.await.unwrap().0, ["new", "two"]);
}

async fn a_dropped_caller_hands_over(backend: Backend) {
    let lab = Arc::new(Lab::start(backend).await);
    let begun = Arc::new(Semaphore::new(0));
    let dropped = tokio::spawn({
        let (lab, begun) = (lab.clone(), begun.clone());
        async move {
            let body = async {
                titles(&lab.db, 3).await;
                begun.add_permits(1);
                std::future::pending::<Vec<String>>().await
            };
            ask(&lab.larder, "page", body).await
        }
    });
    let _begun = begun.acquire().await.unwrap();
    let waiting = tokio::spawn({
        let lab = lab.clone();
        async move { ask(&lab.larder, "page", titles(&lab.db, 3)).await }
    });
    tokio::task::yield_now().await;
    dropped.abort();
    assert!(dropped.await.is_err());
    assert_eq!(waiting.await.unwrap().1, MemoOutcome::Stored);
}

async fn a_panic_hands_over(backend: Backend) {
    let lab = Arc::new(Lab::start(backend).await);
    let panicking = tokio::spawn({
        let lab = lab.clone();
        async move {
            let body = async {
                let titles = titles(&lab.db, 3).await;
                assert!(titles.is_empty(), "on purpose");
                titles
            };
            ask(&lab.larder, "page", body).await
        }
    });
    assert!(panicking.await.is_err());
    let (_, outcome) = ask(&lab.larder, "page", titles(&lab.db, 3)).await;
    assert_eq!(outcome, MemoOutcome::Stored);
}

async fn an_error_is_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    let asked = async |fails: bool| {
        let body = async {
            let titles = titles(&lab.db, 3).await;
            if fails { Err("no") } else { Ok(titles) }
        };
        lab.larder.memo("page", &()).try_run(body).await
    };
    assert_eq!(asked(true).await, Err("no"));
    assert_eq!(asked(true).await, Err("no"));
    assert!(asked(false).await.is_ok());
    // The stored one answers.
    assert!(asked(true).await.is_ok());
}

async fn a_nested_memo_drops_both(backend: Backend) {
    let lab = Lab::start(backend).await;
    let (outer_runs, inner_runs) = (Runs::default(), Runs::default());
    let page = || async {
        outer_runs.more();
        let inner = async {
            inner_runs.more();
            titles(&lab.db, 3).await
        };
        let inner = ask(&lab.larder, "inner", inner).await.0;
        (inner, titles(&lab.db, 4).await)
    };
    let outer = async || ask(&lab.larder, "outer", page()).await;
    assert_eq!(outer().await.1, MemoOutcome::Stored);
    assert_eq!(outer().await.1, MemoOutcome::Hit);
    // What only the outer one reads leaves the inner.
    let text = "UPDATE post SET title = 'new' WHERE id = 3";
    lab.db.execute_unprepared(text).await.unwrap();
    assert_eq!(outer().await.1, MemoOutcome::Stored);
    assert_eq!((outer_runs.count(), inner_runs.count()), (2, 1));
    // The inner one was a hit inside: the outer rests on it all the same.
    let text = "UPDATE post SET title = 'new' WHERE id = 1";
    lab.db.execute_unprepared(text).await.unwrap();
    let fresh = outer().await;
    assert_eq!(fresh.0.0, ["new", "two"]);
    assert_eq!((outer_runs.count(), inner_runs.count()), (3, 2));
    // And so does what drops the inner one by name.
    lab.larder.invalidate_memo("inner").await;
    assert_eq!(outer().await.1, MemoOutcome::Stored);
    assert_eq!((outer_runs.count(), inner_runs.count()), (4, 3));
}

async fn arguments_and_types_are_told_apart(backend: Backend) {
    let lab = Lab::start(backend).await;
    let larder = &lab.larder;
    for author in [3, 4] {
        let body = titles(&lab.db, author);
        let found = larder.memo("page", &("posts", author)).run(body).await;
        assert_eq!(found, titles(&lab.db, author).await);
    }
    let count = async { titles(&lab.db, 3).await.len() };
    assert_eq!(larder.memo("page", &("posts", 3)).run(count).await, 2);
    let kept = larder.memo("page", &("posts", 4));
    assert_eq!(kept.run(async { Vec::<String>::new() }).await.len(), 2);
}

async fn a_get_or_set_lives_until_its_end(backend: Backend) {
    let lab = Lab::start(backend).await;
    let hour = Duration::from_secs(3600);
    let get = || lab.larder.get_or_set("page", &3, hour, titles(&lab.db, 3));
    get().await;
    let text = "UPDATE post SET title = 'new' WHERE id = 1";
    lab.db.execute_unprepared(text).await.unwrap();
    assert_eq!(get().await, ["one", "two"]);
    lab.larder.invalidate_memo("page").await;
    assert_eq!(get().await, ["new", "two"]);
    let none = lab
        .larder
        .get_or_set("none", &3, Duration::ZERO, titles(&lab.db, 3));
    none.await;
    let runs = Runs::default();
    let again = async { runs.more() };
    lab.larder
        .get_or_set("none", &3, Duration::ZERO, again)
        .await;
    assert_eq!(runs.count(), 1);
}

async fn a_memo_is_refreshed_and_dropped_by_name(backend: Backend) {
    let lab = Lab::start(backend).await;
    let larder = &lab.larder;
    assert_eq!(larder.memo("page", &()).run(async { 1 }).await, 1);
    assert_eq!(larder.memo("page", &()).run(async { 2 }).await, 1);
    assert_eq!(larder.memo("page", &()).refresh().run(async { 3 }).await, 3);
    assert_eq!(larder.memo("page", &()).run(async { 4 }).await, 3);
    larder.invalidate_memo("other").await;
    assert_eq!(larder.memo("page", &()).run(async { 5 }).await, 3);
    larder.invalidate_memo("page").await;
    assert_eq!(larder.memo("page", &()).run(async { 6 }).await, 6);
    larder.invalidate_all().await;
    assert_eq!(larder.memo("page", &()).run(async { 7 }).await, 7);
}
