//! SQLite, by a file in a temporary folder, where the database is in the process itself.

use std::{env, fs, path::PathBuf, process};

use diesel::{
    Connection as _, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _,
};
use larder::diesel::{CacheDsl as _, CachedConnection};
use larder_benches::Group;
use larder_sql::Dialect;
use larder_testkit::schema;

use crate::{
    ROUNDS, larder,
    model::{Post, Product, by_key, cycle, list},
};

type Db = CachedConnection<SqliteConnection>;

pub(crate) fn report() {
    let folder = Folder::new();
    let file = folder.0.join("bench.db").display().to_string();
    let mut plain = SqliteConnection::establish(&file).unwrap();
    create(&mut plain);
    let mut db = larder().wrap(plain);
    println!("{}", by_its_key(&mut db).report());
    println!("{}", a_list(&mut db).report());
}

fn create(plain: &mut SqliteConnection) {
    for sql in schema::statements(Dialect::Sqlite).into_iter().chain([
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
             INSERT INTO author (id, name) SELECT n, 'author ' || n FROM s",
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000)
             INSERT INTO post (id, author_id, title, body, status) SELECT n, n % 100 + 1,
             'title ' || n, hex(zeroblob(100)), 'published' FROM s",
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000)
             INSERT INTO product (id, sku, name, price) SELECT n, 'sku' || n, 'product ' || n, 9.99
             FROM s",
        "ANALYZE",
    ]) {
        plain.batch_execute(sql).unwrap();
    }
}

fn by_its_key(db: &mut Db) -> Group {
    let mut group = Group::new("SQLite, a row by its key", 500);
    let mut next = cycle(2_000);
    for _ in 0..ROUNDS {
        let plain = db.inner_mut_uncached();
        group.round("direct", || by_key(1).get_result::<Product>(plain).unwrap());
        db.larder().blocking().invalidate_all();
        group.round("miss", || by_key(next()).get_result::<Product>(db).unwrap());
        by_key(1).get_result::<Product>(db).unwrap();
        group.round("hit", || by_key(1).get_result::<Product>(db).unwrap());
    }
    group
}

fn a_list(db: &mut Db) -> Group {
    let mut group = Group::new("SQLite, a list of 20 rows", 100);
    let mut next = cycle(100);
    for _ in 0..ROUNDS {
        let plain = db.inner_mut_uncached();
        group.round("direct", || list(7).load::<Post>(plain).unwrap());
        db.larder().blocking().invalidate_all();
        group.round("miss", || list(next()).load::<Post>(db).unwrap());
        assert_eq!(list(7).load::<Post>(db).unwrap().len(), 20);
        group.round("hit", || list(7).load::<Post>(db).unwrap());
        assert_eq!(
            list(7).cached().load_shared::<Post, _>(db).unwrap().len(),
            20
        );
        group.round("hit, typed", || {
            list(7).cached().load::<Post, _>(db).unwrap()
        });
        group.round("hit, typed and shared", || {
            list(7).cached().load_shared::<Post, _>(db).unwrap()
        });
    }
    group
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("larder-bench-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
