//! Two processes on one database and one Redis: what one of them writes, the other never serves
//! from before.
//!
//! ```sh
//! cargo run -p larder-examples --features redis --bin two_processes
//! ```
//!
//! Takes the server of `REDIS_URL`, or starts a private one (Debian's package `redis-server`).

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _, stdin},
    mem,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use larder::{CachedConnection, Event, Larder, Observer, RedisStore, WrapConfig};
use larder_testkit::server::RedisServer;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection};

mod note {
    use larder::Cacheable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Cacheable)]
    #[sea_orm(table_name = "note")]
    #[larder(ttl = "15m")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => demonstrate().await,
        [database, redis] => answer(database, redis).await,
        _ => Err("two_processes takes no arguments".into()),
    }
}

/// The first process: writes, and asks the second one to read.
async fn demonstrate() -> Result<()> {
    let private;
    let redis = match env::var("REDIS_URL") {
        Ok(url) => url,
        Err(_) => {
            private = RedisServer::start()?;
            private.url()
        }
    };
    let file = env::temp_dir().join(format!("larder-two-processes-{}.db", std::process::id()));
    let database = format!("sqlite://{}?mode=rwc", file.display());
    let (db, account) = connect(&database, &redis).await?;
    for sql in [
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
        "INSERT INTO note VALUES (1, 'one'), (2, 'two')",
    ] {
        db.execute_unprepared(sql).await?;
    }
    let mut other = Other::start(&database, &redis)?;

    println!("Both processes read notes 1 and 2, twice each.");
    for _ in 0..2 {
        println!("  this one:  {}", read(&db, &account).await?);
        println!("  the other: {}", other.reads()?);
    }
    println!("This process changes note 1. The other one keeps note 2.");
    let changed = note::ActiveModel {
        id: Set(1),
        text: Set("uno".into()),
    };
    changed.update(&db).await?;
    println!("  the other: {}", other.reads()?);
    println!("  this one:  {}", read(&db, &account).await?);
    drop(other);
    let _ = fs::remove_file(file);
    Ok(())
}

/// The second process: reads whenever it is told to.
async fn answer(database: &str, redis: &str) -> Result<()> {
    let (db, account) = connect(database, redis).await?;
    for line in stdin().lines() {
        line?;
        println!("{}", read(&db, &account).await?);
    }
    Ok(())
}

async fn connect(
    database: &str,
    redis: &str,
) -> Result<(CachedConnection<DatabaseConnection>, Arc<Account>)> {
    let account = Arc::new(Account::default());
    let larder = Larder::builder()
        .namespace("two-processes")
        .store(RedisStore::connect(redis).await?)
        .observer(account.clone())
        .build()?;
    let connection = Database::connect(database).await?;
    // A SQLite file has no identity that other machines could know, so it gets one here.
    let config = WrapConfig::new().source(database);
    Ok((CachedConnection::wrap(&larder, connection, config), account))
}

/// Reads both notes and says where each answer came from.
async fn read(db: &CachedConnection<DatabaseConnection>, account: &Account) -> Result<String> {
    let mut said = Vec::new();
    for id in [1, 2] {
        account.take();
        let note = note::Entity::find_by_id(id).one(db).await?;
        let text = note.map_or("nothing".into(), |note| note.text);
        said.push(format!("{text} ({})", account.take()));
    }
    Ok(said.join(", "))
}

/// Where the last answer came from.
#[derive(Default)]
struct Account(Mutex<String>);

impl Account {
    fn take(&self) -> String {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Account {
    fn on_event(&self, event: &Event<'_>) {
        let source = match event {
            Event::Hit { source, .. } => format!("{source:?}").to_lowercase(),
            Event::Miss { .. } => "database".into(),
            _ => return,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

struct Other {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(database: &str, redis: &str) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([database, redis])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no way to tell it")?;
        let answers = child.stdout.take().ok_or("no way to hear it")?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers).lines(),
        })
    }

    fn reads(&mut self) -> Result<String> {
        writeln!(self.orders, "read")?;
        Ok(self.answers.next().ok_or("it ended")??)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
