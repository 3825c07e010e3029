//! The second and the third process: this test binary, run again for one test.

use std::{
    ops::Range,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{Larder, RedisStore};
use sea_orm::{ConnectOptions, Database};
use tokio::task::JoinSet;

use crate::{
    counts::{Counts, Tally, What},
    item::{ROWS, STORMY_ROWS},
    player::{Clerk, Line, Player, Site},
    wire::{Hello, Order, Setup, from_line},
};

/// Players of a worker.
const PLAYERS: usize = 4;
/// Connections of a worker to the referee.
pub const CONNECTIONS: usize = 1 + PLAYERS + 1;

const VARIABLE: &str = "LARDER_FAULT_WORKER";
const PATIENCE: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A process of its own. It ends with the connection to the referee.
pub fn spawn(setup: &Setup) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker::works_when_told", "--nocapture"])
        .env(VARIABLE, serde_json::to_string(setup).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless a trial runs it in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_when_told() {
    let Ok(setup) = std::env::var(VARIABLE) else {
        return;
    };
    let setup: Setup = from_line(&setup);
    let mut worker = Worker::start(&setup).await;
    let mut orders = Line::open(setup.referee, Hello::Worker(setup.worker)).await;
    let mut before = Counts::default();
    while let Some(order) = orders.hear().await {
        match order {
            Order::Play { turns } => worker.play(turns).await,
            Order::Storm => worker.storm(&mut orders).await,
            Order::Calm { .. } => panic!("there is no storm"),
        }
        let counts = worker.site.tally.counts();
        orders.say(&counts.since(&before)).await;
        before = counts;
    }
}

struct Worker {
    site: Arc<Site>,
    players: Vec<Player>,
    clerk: Clerk,
}

impl Worker {
    async fn start(setup: &Setup) -> Self {
        let tally = Arc::new(Tally::default());
        let larder = Larder::builder()
            .namespace("faults")
            .store(RedisStore::connect(&*setup.redis).await.unwrap())
            .observer(tally.clone())
            .build()
            .unwrap();
        let mut options = ConnectOptions::new(&setup.database);
        options.max_connections(4).sqlx_logging(false);
        let site = Arc::new(Site {
            db: larder.wrap(Database::connect(options).await.unwrap()),
            larder,
            tally,
            own: Default::default(),
            pending: Default::default(),
            has_pending: Default::default(),
        });
        let mut players = Vec::new();
        for number in 0..PLAYERS {
            let line = Line::open(setup.referee, Hello::Player(setup.worker)).await;
            let seed = setup.worker * PLAYERS + number;
            players.push(Player::new(&site, line, seed as u64));
        }
        let line = Line::open(setup.referee, Hello::Player(setup.worker)).await;
        let clerk = Clerk::new(&site, line);
        Self {
            site,
            players,
            clerk,
        }
    }

    async fn play(&mut self, turns: usize) {
        let playing = each(&mut self.players, ROWS, move |turn| turn < turns);
        self.players = playing.await;
        self.settle().await;
    }

    async fn storm(&mut self, orders: &mut Line) {
        let Self {
            site,
            players,
            clerk,
        } = self;
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let storm = each(players, STORMY_ROWS, move |_| !until.load(SeqCst));
        let calm = async {
            let Some(Order::Calm { hits }) = orders.hear().await else {
                panic!("the storm must end");
            };
            let enough = site.tally.get(What::Hits) + hits;
            let hitting = async {
                while site.tally.get(What::Hits) < enough {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            };
            let waited = tokio::time::timeout(PATIENCE, hitting).await;
            assert!(waited.is_ok(), "no hits: {}", site.tally.counts());
            over.store(true, SeqCst);
            site.has_pending.notify_one();
        };
        let (played, (), ()) = tokio::join!(storm, calm, clerk.work(&over));
        self.players = played;
        self.settle().await;
    }

    /// Everything is delivered in the end.
    async fn settle(&mut self) {
        assert!(
            self.clerk.settle(PATIENCE).await,
            "undelivered: {}",
            self.site.tally.counts()
        );
    }
}

/// Lets each player take turns, which it is told the number of, while the condition holds.
async fn each(
    players: &mut Vec<Player>,
    written: Range<i32>,
    goes_on: impl Fn(usize) -> bool + Clone + Send + 'static,
) -> Vec<Player> {
    let mut playing = JoinSet::new();
    for mut player in players.drain(..) {
        let (written, goes_on) = (written.clone(), goes_on.clone());
        playing.spawn(async move {
            let mut turn = 0;
            while goes_on(turn) {
                player.turn(written.clone()).await;
                turn += 1;
            }
            player
        });
    }
    playing.join_all().await
}
