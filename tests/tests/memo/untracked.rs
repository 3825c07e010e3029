//! What cannot be tracked keeps a memo from being stored, and the memo says so.

use larder::{CachedConnection, DiscardReason, MemoOutcome, Replica, Untracked, WrapConfig};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement, TransactionTrait as _};

use crate::bench::{ask, on_all, plain_titles, titles};

on_all!(
    a_memo_that_writes_is_not_stored,
    a_memo_with_a_transaction_is_not_stored,
    a_memo_with_an_uncacheable_read_is_not_stored_and_says_which,
    a_memo_after_a_change_of_the_session_is_not_stored,
    what_a_replica_says_is_not_stored,
    rows_of_another_scope_are_not_stored,
    an_inner_memo_that_is_not_stored_keeps_the_outer_from_it,
    an_untracked_memo_inside_keeps_the_outer_from_being_stored,
    a_disabled_larder_stores_no_memo,
);

fn why(outcome: &MemoOutcome) -> Option<Untracked> {
    match outcome {
        MemoOutcome::Discarded(DiscardReason::Untracked(why), _) => Some(*why),
        _ => None,
    }
}

async fn a_memo_that_writes_is_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    for _ in 0..2 {
        let body = async {
            let text = "UPDATE post SET views = views + 1 WHERE id = 1";
            lab.db.execute_unprepared(text).await.unwrap();
            titles(&lab.db, 3).await
        };
        let (_, outcome) = ask(&lab.larder, "writes", body).await;
        assert_eq!(why(&outcome), Some(Untracked::Write), "{outcome}");
    }
}

async fn a_memo_with_a_transaction_is_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    for typed in [true, false] {
        let body = async {
            let transaction = lab.db.begin().await.unwrap();
            let titles = match typed {
                true => titles(&transaction, 3).await,
                false => plain_titles(&transaction, 3).await,
            };
            transaction.commit().await.unwrap();
            titles
        };
        let (_, outcome) = ask(&lab.larder, "inside", body).await;
        assert_eq!(why(&outcome), Some(Untracked::Transaction), "{outcome}");
    }
}

async fn a_memo_with_an_uncacheable_read_is_not_stored_and_says_which(backend: Backend) {
    let lab = Lab::start(backend).await;
    let random = match lab.db.get_database_backend() {
        DbBackend::MySql => "rand()",
        _ => "random()",
    };
    let body = async {
        let text = format!("SELECT title FROM post ORDER BY {random}");
        let statement = Statement::from_string(lab.db.get_database_backend(), text);
        lab.db.query_all_raw(statement).await.unwrap().len()
    };
    let (_, outcome) = ask(&lab.larder, "random", body).await;
    assert_eq!(why(&outcome), Some(Untracked::Uncacheable), "{outcome}");
    assert!(outcome.to_string().contains("rand"), "{outcome}");
}

async fn a_memo_after_a_change_of_the_session_is_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    let text = match lab.db.get_database_backend() {
        DbBackend::Sqlite => "PRAGMA case_sensitive_like = true",
        DbBackend::MySql => "SET SESSION sql_mode = 'ANSI'",
        _ => "SET search_path TO public",
    };
    lab.db.execute_unprepared(text).await.unwrap();
    for typed in [true, false] {
        let body = async {
            match typed {
                true => titles(&lab.db, 3).await,
                false => plain_titles(&lab.db, 3).await,
            }
        };
        let (_, outcome) = ask(&lab.larder, "session", body).await;
        assert_eq!(why(&outcome), Some(Untracked::Session), "{outcome}");
    }
}

async fn what_a_replica_says_is_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    let connection = Database::connect(lab.options()).await.unwrap();
    let config = WrapConfig::new().source("shop");
    let config = config.replica(Replica::ReadThrough);
    let replica = CachedConnection::wrap(&lab.larder, connection, config);
    for typed in [true, false] {
        let body = async {
            match typed {
                true => titles(&replica, 3).await,
                false => plain_titles(&replica, 3).await,
            }
        };
        let (_, outcome) = ask(&lab.larder, "replica", body).await;
        assert_eq!(why(&outcome), Some(Untracked::Replica), "{outcome}");
    }
}

async fn rows_of_another_scope_are_not_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    let ours = lab.db.scope("ours");
    // Twice: the second time the read inside is a hit.
    for _ in 0..2 {
        let (_, outcome) = ask(&lab.larder, "page", titles(&ours, 3)).await;
        assert_eq!(why(&outcome), Some(Untracked::Scope), "{outcome}");
    }
    let (_, outcome) = ask(&lab.larder, "plain", plain_titles(&ours, 3)).await;
    assert_eq!(why(&outcome), Some(Untracked::Scope), "{outcome}");
    for (scope, expected) in [("ours", MemoOutcome::Stored), ("ours", MemoOutcome::Hit)] {
        let mut outcome = MemoOutcome::default();
        let memo = lab.larder.memo("page", &()).scope(scope);
        memo.told(&mut outcome).run(titles(&ours, 3)).await;
        assert_eq!(outcome, expected);
    }
    let mut outcome = MemoOutcome::default();
    let memo = lab.larder.memo("page", &()).scope("theirs");
    memo.told(&mut outcome).run(titles(&ours, 3)).await;
    assert_eq!(why(&outcome), Some(Untracked::Scope), "{outcome}");
}

async fn an_inner_memo_that_is_not_stored_keeps_the_outer_from_it(backend: Backend) {
    let lab = Lab::start(backend).await;
    let body = async {
        let inner = async {
            let transaction = lab.db.begin().await.unwrap();
            titles(&transaction, 3).await
        };
        ask(&lab.larder, "inner", inner).await.0
    };
    let (_, outcome) = ask(&lab.larder, "outer", body).await;
    assert_eq!(why(&outcome), Some(Untracked::Transaction), "{outcome}");
}

async fn an_untracked_memo_inside_keeps_the_outer_from_being_stored(backend: Backend) {
    let lab = Lab::start(backend).await;
    // Twice: the second time the inner one is a hit.
    for _ in 0..2 {
        let body = async {
            let inner = lab.larder.memo("inner", &()).untracked();
            inner.run(titles(&lab.db, 3)).await
        };
        let (_, outcome) = ask(&lab.larder, "outer", body).await;
        assert_eq!(why(&outcome), Some(Untracked::Memo), "{outcome}");
    }
}

async fn a_disabled_larder_stores_no_memo(backend: Backend) {
    let lab = Lab::start(backend).await;
    ask(&lab.larder, "page", titles(&lab.db, 3)).await;
    lab.larder.disable();
    let (_, outcome) = ask(&lab.larder, "page", titles(&lab.db, 3)).await;
    assert_eq!(outcome.to_string(), "not cached: larder is disabled");
    lab.larder.enable();
    let body = async {
        lab.larder.disable();
        titles(&lab.db, 4).await
    };
    let (_, outcome) = ask(&lab.larder, "meanwhile", body).await;
    assert_eq!(why(&outcome), Some(Untracked::Disabled), "{outcome}");
}
