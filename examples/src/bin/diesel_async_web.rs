//! A web service in miniature on PostgreSQL, by diesel-async and a pool: tasks serve requests, and
//! few of them reach the database.
//!
//! ```sh
//! cargo run -p larder-examples --features diesel-async --bin diesel_async_web
//! ```
//!
//! Takes the server of `DATABASE_URL`, where it makes a schema `larder_web` and drops it at the
//! end, or starts a private one (Debian's package `postgresql`).

use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::connection::InstrumentationEvent;
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _,
    pooled_connection::{
        AsyncDieselConnectionManager, RecyclingMethod,
        deadpool::{Hook, Pool},
    },
};
use larder::{
    Event, Larder, MemoryStore, Observer, Policy, WrapConfig,
    diesel::{CachedAsyncConnection, cached_manager_config},
};
use larder_testkit::server::PostgresServer;

type Connection = CachedAsyncConnection<AsyncPgConnection>;
type Failure = Box<dyn Error + Send + Sync>;

/// What the requests come to. Nothing in here knows of a cache but by the name of the connection.
mod blog {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;

    use super::Connection;

    diesel::table! {
        larder_web.post (id) {
            id -> Integer,
            author_id -> Integer,
            title -> Text,
        }
    }

    #[derive(Debug, PartialEq, Queryable, Selectable)]
    #[diesel(table_name = post)]
    pub struct Post {
        pub id: i32,
        pub author_id: i32,
        pub title: String,
    }

    pub async fn list(connection: &mut Connection, author: i32) -> QueryResult<Vec<Post>> {
        post::table
            .filter(post::author_id.eq(author))
            .order(post::id.desc())
            .limit(10)
            .select(Post::as_select())
            .load(connection)
            .await
    }

    pub async fn show(connection: &mut Connection, id: i32) -> QueryResult<Post> {
        post::table
            .find(id)
            .select(Post::as_select())
            .first(connection)
            .await
    }

    pub async fn publish(
        connection: &mut Connection,
        author: i32,
        title: &str,
    ) -> QueryResult<Post> {
        diesel::insert_into(post::table)
            .values((post::author_id.eq(author), post::title.eq(title)))
            .returning(Post::as_returning())
            .get_result(connection)
            .await
    }
}

const AUTHORS: i32 = 5;
const TASKS: i32 = 8;
const REQUESTS: i32 = 500;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let private;
    let url = match env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => {
            private = PostgresServer::start()?;
            private.url()
        }
    };
    let mut setup = AsyncPgConnection::establish(&url).await?;
    setup.batch_execute(SCHEMA).await?;

    let hits = Arc::new(Hits::default());
    let larder = Larder::builder()
        .namespace("web")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        .policy("post", Policy::new().with_ttl(Duration::from_secs(900)))
        .observer(hits.clone())
        .build()?;
    let statements = Arc::new(AtomicUsize::new(0));
    let pool = pool(&larder, &url, &statements)?;

    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(serve(pool.clone(), task)))
        .collect();
    let mut served = Served::default();
    for task in tasks {
        served.add(task.await??);
    }
    check(&pool).await?;
    report(&served, &statements, &hits);

    setup
        .batch_execute("DROP SCHEMA larder_web CASCADE")
        .await?;
    Ok(())
}

/// Connections of one larder, which tell of the statements that reach the database.
fn pool(
    larder: &Larder,
    url: &str,
    statements: &Arc<AtomicUsize>,
) -> Result<Pool<Connection>, Failure> {
    let mut config = cached_manager_config(larder, &WrapConfig::new());
    // By default each request would first ask the database whether the connection is alive.
    config.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    let statements = Arc::clone(statements);
    let counted = Hook::sync_fn(move |connection: &mut Connection, _| {
        let statements = Arc::clone(&statements);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                statements.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(())
    });
    let pool = Pool::builder(manager).max_size(4).post_create(counted);
    Ok(pool.build()?)
}

/// One worker of the service: each request takes a connection from the pool.
async fn serve(pool: Pool<Connection>, task: i32) -> Result<Served, Failure> {
    let mut served = Served::default();
    for request in 0..REQUESTS {
        let author = (task + request) % AUTHORS + 1;
        let mut connection = pool.get().await?;
        if request % 50 == 49 {
            let new = blog::publish(&mut connection, author, "news").await?;
            served.publishes += 1;
            // Whoever writes reads it at once, whichever connection serves that.
            drop(connection);
            let mut connection = pool.get().await?;
            let listed = blog::list(&mut connection, author).await?;
            served.lists += 1;
            assert!(listed.iter().any(|post| post.id >= new.id), "no stale list");
        } else if request % 3 == 0 {
            let post = blog::show(&mut connection, author).await?;
            served.shows += 1;
            assert_eq!(post.id, author);
        } else {
            let posts = blog::list(&mut connection, author).await?;
            served.lists += 1;
            assert!(posts.iter().all(|post| post.author_id == author));
        }
    }
    Ok(served)
}

/// What the cache holds at the end is what the database holds.
async fn check(pool: &Pool<Connection>) -> Result<(), Failure> {
    let mut connection = pool.get().await?;
    for author in 1..=AUTHORS {
        let cached = blog::list(&mut connection, author).await?;
        let held = blog::list(&mut connection.uncached(), author).await?;
        assert_eq!(cached, held, "the posts of author {author}");
    }
    Ok(())
}

fn report(served: &Served, statements: &AtomicUsize, hits: &Hits) {
    let requests = served.lists + served.shows + served.publishes;
    println!("{TASKS} tasks have served {requests} requests:");
    println!("  {:>5} lists of the posts of an author", served.lists);
    println!("  {:>5} single posts", served.shows);
    println!("  {:>5} new posts", served.publishes);
    println!("{} reads were hits.", hits.0.load(Ordering::Relaxed));
    println!(
        "{} statements reached the database.",
        statements.load(Ordering::Relaxed)
    );
}

/// Requests by what they asked for.
#[derive(Default)]
struct Served {
    lists: usize,
    shows: usize,
    publishes: usize,
}

impl Served {
    fn add(&mut self, other: Self) {
        self.lists += other.lists;
        self.shows += other.shows;
        self.publishes += other.publishes;
    }
}

/// Reads that the cache has answered.
#[derive(Default)]
struct Hits(AtomicUsize);

impl Observer for Hits {
    fn on_event(&self, event: &Event<'_>) {
        if matches!(event, Event::Hit { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

const SCHEMA: &str = "
    DROP SCHEMA IF EXISTS larder_web CASCADE;
    CREATE SCHEMA larder_web;
    CREATE TABLE larder_web.post (
        id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        author_id integer NOT NULL,
        title text NOT NULL
    );
    CREATE INDEX post_author ON larder_web.post (author_id);
    INSERT INTO larder_web.post (author_id, title)
        SELECT n % 5 + 1, 'post ' || n FROM generate_series(0, 99) n;
";
