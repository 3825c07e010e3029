//! Many tasks, one oracle: a read that starts after a write returned sees it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use larder_tests::{
    lab::Backend,
    row::{Cell, Row},
};
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    ALL,
    gate::within,
    yard::{Handle, READS, Yard, number, poll_times},
};

const TASKS: usize = 8;
const ROUNDS: usize = 60;
const ROWS: usize = 3;

/// How many increments of each row have returned.
type Floors = Arc<[AtomicI64; ROWS]>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_older_than_a_write_that_returned_before_it() {
    for backend in ALL {
        let yard = Arc::new(Yard::new(backend).await);
        let floors: Floors = Arc::default();
        let hits = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (yard, floors, hits) = (yard.clone(), floors.clone(), hits.clone());
                tokio::spawn(async move { worker(&yard, task, &floors, &hits).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        yard.eventually_fresh("stress").await;
        assert!(hits.load(Ordering::Relaxed) > 0, "nothing was cached");
    }
}

async fn worker(yard: &Yard, task: usize, floors: &Floors, hits: &AtomicUsize) {
    let mut random = fastrand::Rng::with_seed(task as u64);
    for _ in 0..ROUNDS {
        let handle = if random.bool() { &yard.one } else { &yard.two };
        let row = random.usize(0..ROWS);
        match random.u32(0..100) {
            0..=14 => write(yard, handle, row, &mut random, floors).await,
            15..=89 => {
                let floor = floors[row].load(Ordering::SeqCst);
                let before = handle.control.reads();
                let sql = format!("SELECT n FROM item WHERE id = {}", row + 1);
                let seen = number(&handle.read(&sql).await);
                hits.fetch_add(
                    usize::from(handle.control.reads() == before),
                    Ordering::Relaxed,
                );
                assert!(seen >= floor, "{:?}: {seen} < {floor}", yard.backend);
            }
            _ => {
                let floor = [0, 1].map(|row: usize| floors[row].load(Ordering::SeqCst));
                let rows = handle.read(READS[2]).await;
                for (row, floor) in rows.iter().zip(floor) {
                    assert!(last(row) >= floor, "{:?}: {row:?} < {floor}", yard.backend);
                }
            }
        }
    }
}

fn last(row: &Row) -> i64 {
    match row.0.last() {
        Some(Cell::Int(Some(number))) => *number,
        other => panic!("no number: {other:?}"),
    }
}

async fn write(
    yard: &Yard,
    handle: &Handle,
    row: usize,
    random: &mut fastrand::Rng,
    floors: &Floors,
) {
    let sql = format!("UPDATE item SET n = n + 1 WHERE id = {}", row + 1);
    let done = match random.u32(0..5) {
        0 => within(handle.db.execute_unprepared(&sql)).await.is_ok(),
        1 if yard.backend != Backend::MariaDb => {
            let sql = format!("{sql} RETURNING id, grp, n");
            let statement = yard.statement(&sql, []);
            within(handle.db.query_one_raw(statement)).await.is_ok()
        }
        2 => {
            let polls = random.usize(0..5);
            let write = handle.db.execute_unprepared(&sql);
            matches!(poll_times(write, polls).await, Some(Ok(_)))
        }
        kind => match within(handle.db.begin()).await {
            Err(_) => false,
            Ok(transaction) => {
                let written = within(transaction.execute_unprepared(&sql)).await.is_ok();
                if kind == 3 {
                    within(transaction.commit()).await.is_ok() && written
                } else {
                    drop(transaction);
                    false
                }
            }
        },
    };
    if done {
        floors[row].fetch_add(1, Ordering::SeqCst);
    }
}
