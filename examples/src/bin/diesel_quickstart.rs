//! A blog in an embedded SQLite database, on Diesel: which reads reach the database, what each
//! write drops and what it keeps.
//!
//! ```sh
//! cargo run -p larder-examples --features diesel --bin diesel_quickstart
//! ```

use std::{
    error::Error,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{
    Connection, QueryResult, SqliteConnection,
    connection::{InstrumentationEvent, SimpleConnection},
};
use larder::{Larder, MemoryStore, Policy, diesel::CachedConnection};

/// The application. Nothing in here knows of a cache: the queries and models are Diesel's, and so
/// are the traits that say what a connection can do.
mod blog {
    use diesel::{connection::LoadConnection, prelude::*, sqlite::Sqlite};

    diesel::table! {
        post (id) {
            id -> Integer,
            author_id -> Integer,
            title -> Text,
            views -> Integer,
        }
    }

    #[derive(Debug, PartialEq, Queryable, Selectable)]
    #[diesel(table_name = post)]
    pub struct Post {
        pub id: i32,
        pub author_id: i32,
        pub title: String,
        pub views: i32,
    }

    pub fn by_author(
        connection: &mut impl LoadConnection<Backend = Sqlite>,
        author: i32,
    ) -> QueryResult<Vec<Post>> {
        post::table
            .filter(post::author_id.eq(author))
            .order(post::id)
            .select(Post::as_select())
            .load(connection)
    }

    pub fn by_id(
        connection: &mut impl LoadConnection<Backend = Sqlite>,
        id: i32,
    ) -> QueryResult<Option<Post>> {
        post::table
            .find(id)
            .select(Post::as_select())
            .first(connection)
            .optional()
    }

    pub fn count(connection: &mut impl LoadConnection<Backend = Sqlite>) -> QueryResult<i64> {
        post::table.count().get_result(connection)
    }

    pub fn rename(
        connection: &mut impl LoadConnection<Backend = Sqlite>,
        id: i32,
        title: &str,
    ) -> QueryResult<Post> {
        diesel::update(post::table.find(id))
            .set(post::title.eq(title))
            .returning(Post::as_returning())
            .get_result(connection)
    }

    pub fn publish(
        connection: &mut impl LoadConnection<Backend = Sqlite>,
        author: i32,
        title: &str,
    ) -> QueryResult<Post> {
        diesel::insert_into(post::table)
            .values((post::author_id.eq(author), post::title.eq(title)))
            .returning(Post::as_returning())
            .get_result(connection)
    }

    pub fn delete(
        connection: &mut impl LoadConnection<Backend = Sqlite>,
        id: i32,
    ) -> QueryResult<Post> {
        diesel::delete(post::table.find(id))
            .returning(Post::as_returning())
            .get_result(connection)
    }
}

type Db = CachedConnection<SqliteConnection>;

fn main() -> Result<(), Box<dyn Error>> {
    let larder = Larder::builder()
        .namespace("diesel-quickstart")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        // Models on Diesel say nothing of a cache, so the tables' policies are said here.
        .policy("post", Policy::new().with_ttl(Duration::from_secs(900)))
        .build()?;
    let mut db = larder.wrap(SqliteConnection::establish(":memory:")?);
    db.batch_execute(
        "CREATE TABLE post (
             id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL,
             title TEXT NOT NULL, views INTEGER NOT NULL DEFAULT 0
         );
         INSERT INTO post (author_id, title) VALUES
             (1, 'Notes'), (1, 'Engine'), (2, 'Compilers'), (2, 'COBOL');",
    )?;
    // The first read looks at the schema as well. That is no part of the account.
    db.uncached(blog::count)?;
    let statements = Statements::of(&mut db);

    println!("Posts of authors 1 and 2. Statements are counted where they reach SQLite.\n");
    statements.read_all(&mut db, [1; 4])?;
    println!("Again: nothing but the cache is asked.");
    statements.read_all(&mut db, [0; 4])?;

    println!("UPDATE the title of post 1, of author 1. Author 2's list stays, and so does");
    println!("the number of posts, which no title can change.");
    blog::rename(&mut db, 1, "Notes, revised")?;
    statements.read_all(&mut db, [1, 0, 1, 0])?;

    println!("INSERT a post of author 2. Author 1's list and post 1 stay.");
    let new = blog::publish(&mut db, 2, "Debugging")?;
    statements.read_all(&mut db, [0, 1, 0, 1])?;

    println!("DELETE it. It was returned, so what it can have been part of is known.");
    blog::delete(&mut db, new.id)?;
    statements.read_all(&mut db, [0, 1, 0, 1])?;

    println!("A transaction that renames post 1 and is rolled back. Inside, it reads what it");
    println!("wrote; outside, nothing was written, so nothing is dropped.");
    roll_back(&mut db)?;
    statements.read_all(&mut db, [0; 4])?;

    println!("The same read past the cache, by `uncached`:");
    let past = |db: &mut Db| db.uncached(|db| blog::by_author(db, 1));
    statements.read(&mut db, "posts of author 1", 1, past)?;

    println!("\nThe application's functions take a bare connection too:");
    let plain = db.inner_mut_uncached();
    println!("  {} posts", blog::count(plain)?);
    Ok(())
}

/// Writes and reads in a transaction that ends in an error.
fn roll_back(db: &mut Db) -> Result<(), Box<dyn Error>> {
    let result = db.transaction(|db| {
        blog::rename(db, 1, "never seen")?;
        let inside = blog::by_id(db, 1)?.map(|post| post.title);
        assert_eq!(inside.as_deref(), Some("never seen"));
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    });
    match result {
        Err(diesel::result::Error::RollbackTransaction) => Ok(()),
        other => Ok(other?),
    }
}

/// Counts the statements that reach the database.
struct Statements(Arc<AtomicUsize>);

impl Statements {
    /// Diesel tells whoever asks of each statement. The wrapper passes the question on to the
    /// connection inside, so that a hit is not heard of.
    fn of(db: &mut Db) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&count);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self(count)
    }

    /// The reads of a page, each of which is expected to need this many statements.
    fn read_all(&self, db: &mut Db, expected: [usize; 4]) -> QueryResult<()> {
        let [first, second, one, count] = expected;
        self.read(db, "posts of author 1", first, |db| blog::by_author(db, 1))?;
        self.read(db, "posts of author 2", second, |db| blog::by_author(db, 2))?;
        self.read(db, "post 1", one, |db| blog::by_id(db, 1))?;
        self.read(db, "number of posts", count, blog::count)?;
        println!();
        Ok(())
    }

    /// Runs a read, says what it came to, and holds it to what a plain connection reads.
    fn read<T: Debug + PartialEq>(
        &self,
        db: &mut Db,
        what: &str,
        expected: usize,
        run: impl Fn(&mut Db) -> QueryResult<T>,
    ) -> QueryResult<()> {
        let before = self.0.load(Ordering::Relaxed);
        let value = run(db)?;
        let asked = self.0.load(Ordering::Relaxed) - before;
        assert_eq!(
            value,
            db.uncached(|db| run(db))?,
            "{what}: not what the database holds"
        );
        assert_eq!(asked, expected, "{what}: statements");
        let from = if asked == 0 { "cache" } else { "database" };
        println!("  {what:<20} {from:<9} statements: {asked}");
        Ok(())
    }
}
