//! One scenario: two workers, and the script of what happens to them.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::Child,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use larder_testkit::server::{shared_postgres, wait_until};
use sea_orm::{ConnectionTrait, Database};

use crate::{
    counts::{Counts, What},
    item,
    referee::Referee,
    wire::{Order, Setup, from_line, to_line},
    worker,
};

pub const WORKERS: usize = 2;

/// What happens to Redis, step by step. Both workers read and write all the time.
pub trait Fault {
    /// What is written after this may be undone.
    fn prepare(&mut self) {}
    fn strike(&mut self);
    fn heal(&mut self);
    /// Brings back what the healing did without.
    fn rejoin(&mut self) {}
}

/// Turns of each player before and after the fault, twice before.
const TURNS: usize = 120;
/// Reads of each worker between two steps of a fault.
const STEP: u64 = 200;
/// Hits of each worker after which it counts as recovered.
const RECOVERED: u64 = 100;

/// Runs a scenario in as many rounds as the environment says.
pub fn run(name: &str, redis: String, mut fault: impl Fault) -> Summary {
    // The machine may have few cores, and a scenario takes two of them.
    static TURN: Mutex<()> = Mutex::new(());
    let _one_at_a_time = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut crew = Crew::start(redis);
    let mut summary = Summary::default();
    for round in 1..=rounds() {
        let mut before = crew.play();
        fault.prepare();
        before.merge(crew.play());
        let during = crew.storm(&mut fault);
        let after = crew.play();
        println!("{name}, round {round}, before: {before}");
        println!("{name}, round {round}, during: {during}");
        println!("{name}, round {round}, after: {after}");
        summary.before.merge(before);
        summary.during.merge(during);
        summary.after.merge(after);
    }
    summary.check();
    summary
}

fn rounds() -> usize {
    match std::env::var("LARDER_FAULT_ROUNDS") {
        Ok(text) => text.parse().expect("LARDER_FAULT_ROUNDS is a number"),
        Err(_) => 1,
    }
}

#[derive(Default)]
pub struct Summary {
    pub before: Counts,
    pub during: Counts,
    pub after: Counts,
}

impl Summary {
    fn check(&self) {
        let phases = [&self.before, &self.during, &self.after];
        let wrong: Vec<&String> = phases.iter().flat_map(|it| &it.wrong).collect();
        for what in [What::Errors, What::StaleAcknowledged, What::StaleOwn] {
            let sum: u64 = phases.iter().map(|it| it.get(what)).sum();
            assert_eq!(sum, 0, "{what:?}: {wrong:#?}");
        }
        for (phase, counts) in [("before", &self.before), ("after", &self.after)] {
            let (hits, reads) = (counts.get(What::Hits), counts.get(What::Reads));
            assert!(
                hits * 4 >= reads,
                "{phase}: {hits} hits of {reads} reads: the cache does not work"
            );
        }
    }

    /// Both kinds of calls have met the fault, and what they left over was delivered.
    pub fn assert_fault_was_met(&self) {
        for what in [What::Faults, What::Bypasses, What::Pending, What::Delivered] {
            assert!(self.during.get(what) > 0, "{what:?}: {}", self.during);
        }
    }
}

struct Crew {
    referee: Referee,
    workers: Vec<Worker>,
}

struct Worker {
    process: Child,
    orders: BufReader<TcpStream>,
}

impl Crew {
    fn start(redis: String) -> Self {
        let database = shared_postgres().unwrap().create_database().unwrap();
        create_table(&database);
        let referee = Referee::start(WORKERS * worker::CONNECTIONS);
        let mut started: Vec<Option<Child>> = (0..WORKERS)
            .map(|worker| {
                Some(worker::spawn(&Setup {
                    worker,
                    referee: referee.port,
                    database: database.clone(),
                    redis: redis.clone(),
                }))
            })
            .collect();
        let mut workers = Vec::new();
        wait_until("the workers have come", || {
            while let Some((worker, orders)) = referee.next_worker() {
                let stream = orders.get_ref();
                stream
                    .set_read_timeout(Some(Duration::from_secs(60)))
                    .unwrap();
                let process = started[worker].take().unwrap();
                workers.push(Worker { process, orders });
            }
            Ok(workers.len() == WORKERS)
        })
        .unwrap();
        Self { referee, workers }
    }

    fn play(&mut self) -> Counts {
        self.order(&Order::Play { turns: TURNS });
        self.counts()
    }

    fn storm(&mut self, fault: &mut impl Fault) -> Counts {
        self.order(&Order::Storm);
        self.wait_for_reads();
        fault.strike();
        self.wait_for_reads();
        fault.heal();
        self.wait_for_reads();
        fault.rejoin();
        self.order(&Order::Calm { hits: RECOVERED });
        self.counts()
    }

    fn order(&mut self, order: &Order) {
        for worker in &mut self.workers {
            let line = to_line(order);
            worker.orders.get_mut().write_all(line.as_bytes()).unwrap();
        }
    }

    fn counts(&mut self) -> Counts {
        let mut sum = Counts::default();
        for worker in &mut self.workers {
            let mut line = String::new();
            let length = worker.orders.read_line(&mut line).unwrap();
            assert!(length > 0, "a worker has ended");
            sum.merge(from_line(&line));
        }
        sum
    }

    /// Until each worker has done its share.
    fn wait_for_reads(&mut self) {
        let enough = self.referee.reads().map(|reads| reads + STEP);
        wait_until("both workers have read", || {
            for worker in &mut self.workers {
                let ended = worker.process.try_wait().unwrap();
                assert!(ended.is_none(), "a worker has ended: {ended:?}");
            }
            let reads = self.referee.reads();
            Ok(reads.iter().zip(enough).all(|(reads, it)| *reads >= it))
        })
        .unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn create_table(database: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let plain = Database::connect(database).await.unwrap();
        for sql in item::CREATE {
            plain.execute_unprepared(sql).await.unwrap();
        }
        plain.close().await.unwrap();
    });
}
