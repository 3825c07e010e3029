//! One task of a worker: reads and writes through the wrapped connection, and holds every answer
//! against what the referee and its own process know.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{CachedConnection, Larder};
use sea_orm::{
    DatabaseConnection, DbErr, ExprTrait, QueryOrder, TransactionTrait, entity::prelude::*,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Notify,
};

use crate::{
    counts::{Tally, What},
    item::{self, GROUP_ROWS, ROWS},
    wire::{Floor, Hello, Word, from_line, to_line},
};

/// What the players of one process share.
pub struct Site {
    pub db: CachedConnection<DatabaseConnection>,
    pub larder: Larder,
    pub tally: Arc<Tally>,
    /// The latest version of each row that a write of this process has returned.
    pub own: [AtomicI64; ROWS.end as usize],
    pub pending: Mutex<BTreeMap<i32, i64>>,
    pub has_pending: Notify,
}

/// A connection to the referee.
pub struct Line(BufReader<TcpStream>);

pub struct Player {
    site: Arc<Site>,
    line: Line,
    random: fastrand::Rng,
}

/// Tells the referee that a pending invalidation has been delivered.
pub struct Clerk {
    site: Arc<Site>,
    line: Line,
}

const WRITES_PERCENT: u32 = 8;
const GROUPS_PERCENT: u32 = 25;
/// How long the clerk waits for a delivery until it looks whether all is over.
const FLUSH: Duration = Duration::from_secs(1);

impl Line {
    pub async fn open(port: u16, hello: Hello) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut line = Self(BufReader::new(stream));
        line.say(&hello).await;
        line
    }

    pub async fn say(&mut self, message: &impl serde::Serialize) {
        let line = to_line(message);
        self.0.write_all(line.as_bytes()).await.unwrap();
    }

    /// `None` at the end.
    pub async fn hear<T: for<'de> serde::Deserialize<'de>>(&mut self) -> Option<T> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(from_line(&line)),
        }
    }
}

impl Player {
    pub fn new(site: &Arc<Site>, line: Line, seed: u64) -> Self {
        Self {
            site: site.clone(),
            line,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Reads any row or group, or writes one of these rows.
    pub async fn turn(&mut self, written: Range<i32>) {
        let row = self.random.i32(ROWS);
        match self.random.u32(0..100) {
            0..WRITES_PERCENT => {
                let row = self.random.i32(written);
                self.write(row).await;
            }
            dice if dice < WRITES_PERCENT + GROUPS_PERCENT => {
                let group = row / GROUP_ROWS;
                let rows = item::rows_of(group);
                let read = item::Entity::find()
                    .filter(item::Column::Grp.eq(group))
                    .order_by_asc(item::Column::Id);
                self.read(rows, async |db| read.all(db).await).await;
            }
            _ => {
                let read = item::Entity::find_by_id(row);
                self.read(vec![row], async |db| {
                    Ok(read.one(db).await?.into_iter().collect())
                })
                .await;
            }
        }
    }

    async fn read(
        &mut self,
        rows: Vec<i32>,
        read: impl AsyncFnOnce(&CachedConnection<DatabaseConnection>) -> Result<Vec<item::Model>, DbErr>,
    ) {
        let own: Vec<i64> = rows
            .iter()
            .map(|row| self.site.own[*row as usize].load(SeqCst))
            .collect();
        self.line.say(&Word::Ask { rows: rows.clone() }).await;
        let floors: Vec<Floor> = self.line.hear().await.unwrap();
        let tally = &self.site.tally;
        tally.add(What::Reads);
        let found = match read(&self.site.db).await {
            Ok(found) if found.iter().map(|it| it.id).eq(rows) => found,
            Ok(found) => return tally.add_wrong(What::Errors, format!("not the rows: {found:?}")),
            Err(error) => return tally.add_wrong(What::Errors, error.to_string()),
        };
        for ((item, floor), own) in found.iter().zip(floors).zip(own) {
            let seen = item.version;
            if seen < floor.acknowledged {
                let words = format!("row {}: {seen} < {}", item.id, floor.acknowledged);
                tally.add_wrong(What::StaleAcknowledged, words);
            } else if seen < own {
                let words = format!("row {}: {seen} < {own}", item.id);
                tally.add_wrong(What::StaleOwn, words);
            } else if seen < floor.returned {
                tally.add(What::StalePending);
            }
        }
    }

    async fn write(&mut self, row: i32) {
        let site = &self.site;
        site.tally.add(What::Writes);
        let pending = site.tally.get(What::Pending);
        let written = match self.random.bool() {
            true => increment(&site.db, row).await,
            false => increment_in_transaction(&site.db, row).await,
        };
        let version = match written {
            Ok(version) => version,
            Err(error) => return site.tally.add_wrong(What::Errors, error.to_string()),
        };
        // The event comes before the write returns. Where another write's came in between, this one
        // counts as pending as well: the clerk finds out.
        let acknowledged = site.tally.get(What::Pending) == pending;
        site.own[row as usize].fetch_max(version, SeqCst);
        let word = Word::Tell {
            row,
            version,
            acknowledged,
        };
        self.line.say(&word).await;
        if !acknowledged {
            site.queue(row, version);
        }
    }
}

impl Site {
    fn queue(&self, row: i32, version: i64) {
        let mut pending = self.pending.lock().unwrap();
        let latest = pending.entry(row).or_default();
        *latest = Ord::max(version, *latest);
        drop(pending);
        self.has_pending.notify_one();
    }
}

impl Clerk {
    pub fn new(site: &Arc<Site>, line: Line) -> Self {
        Self {
            site: site.clone(),
            line,
        }
    }

    /// Goes on until it is over.
    pub async fn work(&mut self, over: &AtomicBool) {
        while !over.load(SeqCst) {
            self.site.has_pending.notified().await;
            while !self.settle(FLUSH).await && !over.load(SeqCst) {}
        }
    }

    /// Whether everything that was pending has been delivered.
    pub async fn settle(&mut self, timeout: Duration) -> bool {
        // What a write adds after this may not be part of the flush.
        let waiting = self.site.pending.lock().unwrap().clone();
        if self.site.larder.flush(timeout).await.is_err() {
            return false;
        }
        for (row, version) in waiting {
            let word = Word::Tell {
                row,
                version,
                acknowledged: true,
            };
            self.line.say(&word).await;
            let mut pending = self.site.pending.lock().unwrap();
            if pending.get(&row) == Some(&version) {
                pending.remove(&row);
            }
        }
        true
    }
}

async fn increment(db: &impl ConnectionTrait, row: i32) -> Result<i64, DbErr> {
    let written = item::Entity::update_many()
        .col_expr(
            item::Column::Version,
            Expr::col(item::Column::Version).add(1),
        )
        .filter(item::Column::Id.eq(row))
        .exec_with_returning(db)
        .await?;
    match &*written {
        [item] => Ok(item.version),
        other => Err(DbErr::Custom(format!("not one row: {other:?}"))),
    }
}

async fn increment_in_transaction(
    db: &CachedConnection<DatabaseConnection>,
    row: i32,
) -> Result<i64, DbErr> {
    let transaction = db.begin().await?;
    let version = increment(&transaction, row).await?;
    transaction.commit().await?;
    Ok(version)
}
