//! Several handles on one database under one larder.

use larder::CachedConnection;
use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

type Db = CachedConnection<DatabaseConnection>;

async fn ask(db: &Db, sql: &str) -> String {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    format!("{:?}", cached::<Row>(statement).all(db).await.unwrap())
}

async fn run<C: ConnectionTrait>(db: &C, sql: &str) {
    db.execute_unprepared(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// A cascade that one handle creates is known to another whose catalog is older.
pub async fn schema_changes_reach_other_handles(backend: Backend) {
    let lab = Lab::start_empty(backend).await;
    run(
        &lab.plain,
        "CREATE TABLE parent (id INT NOT NULL PRIMARY KEY)",
    )
    .await;
    run(&lab.plain, "INSERT INTO parent (id) VALUES (1), (2)").await;
    let second = lab.another_handle().await;
    for db in [&lab.db, &second] {
        ask(db, "SELECT id FROM parent WHERE id = 1").await;
    }
    let child = "CREATE TABLE child (id INT NOT NULL PRIMARY KEY, parent_id INT,
        FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE)";
    run(&lab.db, child).await;
    run(
        &lab.db,
        "INSERT INTO child (id, parent_id) VALUES (10, 1), (20, 2)",
    )
    .await;
    let count = "SELECT id FROM child WHERE parent_id = 1";
    let before = ask(&lab.db, count).await;
    assert_eq!(ask(&lab.db, count).await, before);
    run(&second, "DELETE FROM parent WHERE id = 1").await;
    assert_eq!(ask(&lab.db, count).await, "[]", "{backend:?}");
}

/// The same text means another table under another search_path.
pub async fn search_paths_do_not_meet() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    for schema in ["a", "b"] {
        run(&lab.plain, &format!("CREATE SCHEMA {schema}")).await;
        run(
            &lab.plain,
            &format!("CREATE TABLE {schema}.t (id INT PRIMARY KEY, v TEXT)"),
        )
        .await;
        run(
            &lab.plain,
            &format!("INSERT INTO {schema}.t VALUES (1, '{schema}')"),
        )
        .await;
    }
    let under = |schema: &str| {
        let mut options = lab.options();
        options.set_schema_search_path(schema);
        options
    };
    let a = lab
        .larder
        .wrap(Database::connect(under("a")).await.unwrap());
    let b = lab
        .larder
        .wrap(Database::connect(under("b")).await.unwrap());
    let read = "SELECT v FROM t WHERE id = 1";
    let text = |v: &str| format!("[Row([Text(\"{v}\")])]");
    for _ in 0..2 {
        assert_eq!(ask(&a, read).await, text("a"));
        assert_eq!(ask(&b, read).await, text("b"));
    }
    run(&a, "UPDATE t SET v = 'new' WHERE id = 1").await;
    assert_eq!(ask(&a, read).await, text("new"));
    assert_eq!(ask(&b, read).await, text("b"));
    run(&a, "UPDATE b.t SET v = 'from a' WHERE id = 1").await;
    assert_eq!(ask(&b, read).await, text("from a"));
}
