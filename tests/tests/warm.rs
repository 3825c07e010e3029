//! What was warmed is a hit, whichever ORM ran it.

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use larder::{Event, Larder, MemoryStore, Observer, Policy, WarmCall, WarmQuery};

#[derive(Default)]
struct Account {
    hits: AtomicUsize,
    misses: AtomicUsize,
}

impl Observer for Account {
    fn on_event(&self, event: &Event<'_>) {
        let counter = match event {
            Event::Hit { .. } => &self.hits,
            Event::Miss { .. } => &self.misses,
            _ => return,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

impl Account {
    /// Hits and misses.
    fn counts(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.hits), count(&self.misses))
    }
}

/// A database in a file of its own, which is gone with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("larder-{name}-{}.db", process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn larder() -> (Larder, Arc<Account>) {
    let account = Arc::new(Account::default());
    let minute = Policy::new().with_ttl(std::time::Duration::from_secs(60));
    let larder = Larder::builder()
        .namespace("warm")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .policy("no*", minute)
        .observer(account.clone())
        .build()
        .unwrap();
    (larder, account)
}

const CREATE: &str = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO note VALUES (1, 'a'), (2, 'b'), (3, 'c')";

mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, larder::Cacheable)]
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

#[tokio::test]
async fn what_sea_orm_has_warmed_is_a_hit() {
    use sea_orm::{ConnectionTrait, Database};

    let (larder, account) = larder();
    let file = File::new("warm-sea-orm");
    let url = format!("sqlite://{}?mode=rwc", file.0.display());
    let db = larder.wrap(Database::connect(url).await.unwrap());
    for sql in [CREATE, INSERT] {
        db.execute_unprepared(sql).await.unwrap();
    }
    let find = |id| note::Entity::find_by_id(id).one(&db);
    let one = |id| WarmQuery::new(format!("note {id}"), move || find(id));
    let all = WarmQuery::new("all notes", || note::Entity::find().all(&db));
    let warmed = larder.warm((1..=3).map(one).chain([all])).await;
    assert_eq!((warmed.succeeded, warmed.failures.len()), (4, 0));
    assert_eq!(account.counts(), (0, 4));
    for id in 1..=3 {
        assert!(find(id).await.unwrap().is_some());
    }
    assert_eq!(note::Entity::find().all(&db).await.unwrap().len(), 3);
    assert_eq!(account.counts(), (4, 4));
}

#[test]
fn what_diesel_has_warmed_is_a_hit() {
    use diesel::{
        prelude::*,
        r2d2::Pool,
        {SqliteConnection, sql_query},
    };
    use larder::diesel::CachedConnectionManager;

    diesel::table! {
        note (id) {
            id -> Integer,
            text -> Text,
        }
    }

    let (larder, account) = larder();
    let file = File::new("warm-diesel");
    let url = file.0.display().to_string();
    let manager = CachedConnectionManager::<SqliteConnection>::new(&larder, &url);
    let pool = Pool::builder().max_size(2).build(manager).unwrap();
    for sql in [CREATE, INSERT] {
        sql_query(sql).execute(&mut pool.get().unwrap()).unwrap();
    }
    let find = |id: i32| {
        let text = note::table.find(id).select(note::text);
        text.first::<String>(&mut pool.get().unwrap())
    };
    let queries = (1..=4).map(|id| WarmCall::new(format!("note {id}"), move || find(id)));
    let warmed = larder.warm_blocking(queries).concurrency(2).run();
    // A row that is not there is an error of Diesel's own.
    assert_eq!(warmed.succeeded, 3);
    let failures: Vec<_> = warmed.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["warming `note 4`: Record not found"]);
    let (hits, misses) = account.counts();
    assert_eq!((hits, misses), (0, 4));
    for id in 1..=3 {
        assert!(find(id).is_ok());
    }
    assert_eq!(account.counts(), (3, 4));
}
