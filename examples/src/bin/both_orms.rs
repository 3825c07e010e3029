//! SeaORM and Diesel on one database under one cache: what one of them writes, the other never
//! serves from before.
//!
//! ```sh
//! cargo run -p larder-examples --features diesel --bin both_orms
//! ```

use std::{
    env,
    error::Error,
    fs, io, mem,
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use diesel::{Connection as _, SqliteConnection};
use larder::{Event, Larder, MemoryStore, Observer, Policy};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};

/// The notes as SeaORM sees them, in the part of the program that was moved to it.
mod sea {
    use sea_orm::{ActiveValue::Set, QueryOrder as _, entity::prelude::*};

    pub type Db = larder::CachedConnection<super::DatabaseConnection>;

    mod note {
        use larder::Cacheable;
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Cacheable)]
        #[sea_orm(table_name = "note")]
        #[larder(ttl = "15m")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub author_id: i32,
            pub text: String,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub async fn of_author(db: &Db, author: i32) -> Result<Vec<String>, DbErr> {
        let notes = note::Entity::find()
            .filter(note::Column::AuthorId.eq(author))
            .order_by_asc(note::Column::Id);
        let texts = notes.all(db).await?.into_iter().map(|note| note.text);
        Ok(texts.collect())
    }

    pub async fn rewrite(db: &Db, id: i32, text: &str) -> Result<(), DbErr> {
        let note = note::ActiveModel {
            id: Set(id),
            text: Set(text.into()),
            ..Default::default()
        };
        note.update(db).await.map(drop)
    }
}

/// The same notes as Diesel sees them.
mod old {
    use diesel::prelude::*;

    pub type Db = larder::diesel::CachedConnection<SqliteConnection>;

    diesel::table! {
        note (id) {
            id -> Integer,
            author_id -> Integer,
            text -> Text,
        }
    }

    pub fn of_author(db: &mut Db, author: i32) -> QueryResult<Vec<String>> {
        note::table
            .filter(note::author_id.eq(author))
            .order(note::id)
            .select(note::text)
            .load(db)
    }

    pub fn add(db: &mut Db, author: i32, text: &str) -> QueryResult<()> {
        let values = (note::author_id.eq(author), note::text.eq(text));
        diesel::insert_into(note::table)
            .values(values)
            .returning(note::all_columns)
            .get_result::<(i32, i32, String)>(db)
            .map(drop)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new()?;
    let account = Arc::new(Account::default());
    let larder = Larder::builder()
        .namespace("both-orms")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        .observer(account.clone())
        // SeaORM's model names its policy itself; for Diesel it is said here.
        .policy("note", Policy::new().with_ttl(Duration::from_secs(900)))
        .build()?;

    // Both ask SQLite which file they have open, so both are handles on one source.
    let path = scratch.database();
    let sea = larder.wrap(Database::connect(format!("sqlite://{path}?mode=rwc")).await?);
    sea.execute_unprepared(
        "CREATE TABLE note (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, text TEXT NOT NULL);
         INSERT INTO note VALUES (1, 1, 'one'), (2, 2, 'two');",
    )
    .await?;
    let mut old = larder.wrap(SqliteConnection::establish(&path)?);

    println!("Both read the notes of authors 1 and 2, twice.");
    let notes: Notes = [&["one"], &["two"]];
    for from in [["database"; 2], ["cache"; 2]] {
        account.check(&sea, &mut old, notes, from).await?;
    }

    println!("Diesel adds a note of author 1. Both keep author 2's.");
    old::add(&mut old, 1, "three")?;
    let notes: Notes = [&["one", "three"], &["two"]];
    account
        .check(&sea, &mut old, notes, ["database", "cache"])
        .await?;

    println!("SeaORM rewrites the note of author 2. Both keep author 1's.");
    sea::rewrite(&sea, 2, "zwei").await?;
    let notes: Notes = [&["one", "three"], &["zwei"]];
    account
        .check(&sea, &mut old, notes, ["cache", "database"])
        .await?;
    Ok(())
}

/// The texts of authors 1 and 2.
type Notes = [&'static [&'static str]; 2];

/// Where the answers came from.
#[derive(Default)]
struct Account(Mutex<Vec<&'static str>>);

impl Account {
    /// Reads everything by both, and holds the answers and where they came from to what is
    /// expected.
    async fn check(
        &self,
        sea: &sea::Db,
        old: &mut old::Db,
        notes: Notes,
        from: [&str; 2],
    ) -> Result<(), Box<dyn Error>> {
        self.take();
        let by_sea = [sea::of_author(sea, 1).await?, sea::of_author(sea, 2).await?];
        self.say("SeaORM", &by_sea, notes, from);
        let by_diesel = [old::of_author(old, 1)?, old::of_author(old, 2)?];
        self.say("Diesel", &by_diesel, notes, from);
        Ok(())
    }

    fn say(&self, who: &str, read: &[Vec<String>; 2], notes: Notes, from: [&str; 2]) {
        assert_eq!(*read, notes, "{who} reads what was written");
        assert_eq!(self.take(), from, "where the answers to {who} come from");
        let [one, two] = read;
        println!("  {who}: {one:?} ({}), {two:?} ({})", from[0], from[1]);
    }

    fn take(&self) -> Vec<&'static str> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Account {
    fn on_event(&self, event: &Event<'_>) {
        let from = match event {
            Event::Hit { .. } => "cache",
            Event::Miss { .. } => "database",
            _ => return,
        };
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(from);
    }
}

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let name = format!("larder-both-orms-{}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn database(&self) -> String {
        self.0.join("notes.db").display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
