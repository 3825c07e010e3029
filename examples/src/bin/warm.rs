//! After a deployment the cache is empty, and the first visitor of each page pays for it. Here the
//! pages are warmed first: four queries at a time, with a progress bar.
//!
//! ```sh
//! cargo run -p larder-examples --features progress --bin warm
//! ```

#![expect(clippy::disallowed_methods, reason = "the account shows wall time")]

use std::{
    env, fs, process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};
use larder::{CachedConnection, CachedResult, Event, Larder, MemoryStore, Observer, WarmQuery};
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbErr, FromQueryResult, QueryOrder, QuerySelect,
    entity::prelude::*,
};

mod visit {
    use larder::Cacheable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Cacheable)]
    #[sea_orm(table_name = "visit")]
    #[larder(ttl = "15m")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub site: i32,
        pub path: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The most visited paths of one site: nothing but the whole of its rows tells them.
#[derive(Clone, Debug, FromQueryResult, CachedResult)]
struct Popular {
    path: String,
    visits: i64,
}

type Db = CachedConnection<DatabaseConnection>;

const SITES: i32 = 60;
const VISITS: i32 = 300_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = env::temp_dir().join(format!("larder-warm-{}.db", process::id()));
    let outcome = demonstrate(&format!("sqlite://{}?mode=rwc", file.display())).await;
    fs::remove_file(file)?;
    outcome
}

async fn demonstrate(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let account = Arc::new(Account::default());
    let larder = Larder::builder()
        .namespace("warm")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        .observer(account.clone())
        .build()?;
    let db: Db = larder.wrap(Database::connect(url).await?);
    println!("{VISITS} visits of {SITES} sites ..");
    create_visits(&db).await?;

    println!("The first visitor of a page that nobody has warmed:");
    visit(&db, &account, 0).await?;

    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "warming {bar:40} {pos}/{len} {msg}",
    )?);
    // Where the output is no terminal the bar is silent.
    let begun = Instant::now();
    let mut queries: Vec<WarmQuery<'_>> = (0..SITES).map(|site| page(&db, site)).collect();
    let gone = "SELECT * FROM gone_since_the_last_deployment";
    queries.push(WarmQuery::new("forgotten", || db.execute_unprepared(gone)));
    let warmed = larder
        .warm(queries)
        .concurrency(4)
        .on_progress(|progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(format!("({} failed)", progress.failed));
        })
        .await;
    bar.finish();
    println!(
        "Warmed {} queries in {:.0?}, four at a time.",
        warmed.succeeded,
        begun.elapsed()
    );
    for failure in &warmed.failures {
        println!("What cannot be warmed stops nothing: {failure}");
    }

    println!("The first visitor of another page:");
    visit(&db, &account, SITES - 1).await?;
    Ok(())
}

fn page(db: &Db, site: i32) -> WarmQuery<'_> {
    WarmQuery::new(format!("popular paths of site {site}"), move || {
        popular(db, site)
    })
}

async fn popular(db: &Db, site: i32) -> Result<Vec<Popular>, DbErr> {
    visit::Entity::find()
        .filter(visit::Column::Site.eq(site))
        .select_only()
        .column(visit::Column::Path)
        .column_as(visit::Column::Id.count(), "visits")
        .group_by(visit::Column::Path)
        .order_by_desc(visit::Column::Id.count())
        .limit(10)
        .into_model::<Popular>()
        .all(db)
        .await
}

async fn visit(db: &Db, account: &Account, site: i32) -> Result<(), DbErr> {
    let hits = account.hits.load(Ordering::Relaxed);
    let begun = Instant::now();
    let popular = popular(db, site).await?;
    let took = begun.elapsed();
    let what = match account.hits.load(Ordering::Relaxed) > hits {
        true => "a hit",
        false => "a miss",
    };
    if let Some(most) = popular.first() {
        println!(
            "  {what}, {took:.1?}: {} with {} visits",
            most.path, most.visits
        );
    }
    Ok(())
}

async fn create_visits(db: &Db) -> Result<(), DbErr> {
    for statement in [
        "CREATE TABLE visit (id INTEGER PRIMARY KEY, site INTEGER NOT NULL, path TEXT NOT NULL)",
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {VISITS}) \
             INSERT INTO visit SELECT i, i % {SITES}, '/' || (i * 7919 % 997) FROM n"
        ),
    ] {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Counts hits.
#[derive(Default)]
struct Account {
    hits: AtomicUsize,
}

impl Observer for Account {
    fn on_event(&self, event: &Event<'_>) {
        if matches!(event, Event::Hit { .. }) {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
    }
}
