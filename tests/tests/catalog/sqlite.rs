//! SQLite's own.

use larder_sql::{
    Catalog, Dialect, ValueKind,
    catalog::{Resolution, TableKind},
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::{column, foreign_keys, kind, read_catalog, read_identity, table, trigger, writes};

async fn connect(schema: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(schema.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

async fn catalog(schema: &str) -> Catalog {
    let mut connection = connect(schema).await;
    read_catalog!(connection, Dialect::Sqlite)
}

#[tokio::test]
async fn columns_are_read_with_affinity_and_collation() {
    let catalog = catalog(
        "CREATE TABLE \"Post\" (
             id INTEGER PRIMARY KEY, title TEXT NOT NULL, slug varchar(20) COLLATE NOCASE,
             done boolean NOT NULL DEFAULT 0, price REAL, raw BLOB, anything, at datetime_text,
             up TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL, note TEXT DEFAULT NULL
         );
         CREATE TABLE pair (b INT, a INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE solid (id INTEGER PRIMARY KEY, x ANY, t TEXT) STRICT;
         ALTER TABLE solid ADD COLUMN late TEXT COLLATE RTRIM;",
    )
    .await;
    let post = table(&catalog, "main", "Post");
    assert!(matches!(kind(post, "id"), ValueKind::Integer { .. }));
    assert_eq!(*kind(post, "title"), ValueKind::Text { chars_max: None });
    assert_eq!(*kind(post, "slug"), ValueKind::Opaque, "NOCASE");
    assert!(matches!(kind(post, "done"), ValueKind::Integer { .. }));
    assert_eq!(*kind(post, "price"), ValueKind::Opaque);
    assert_eq!(
        *kind(post, "raw"),
        ValueKind::Bytes {
            bytes_max: None,
            fixed: false
        }
    );
    assert_eq!(*kind(post, "anything"), ValueKind::Opaque);
    assert!(column(post, "id").auto_increment);
    assert!(column(post, "up").generated);
    assert!(column(post, "done").has_default && !column(post, "note").has_default);
    assert_eq!(post.column("TITLE"), post.column("title"));
    assert!(matches!(
        catalog.resolve(None, "post"),
        Resolution::Known(_)
    ));
    assert!(matches!(
        catalog.resolve(Some("MAIN"), "POST"),
        Resolution::Known(_)
    ));
    let pair = table(&catalog, "main", "pair");
    assert_eq!(pair.primary_key, [1, 0]);
    assert!(column(pair, "a").not_null);
    let solid = table(&catalog, "main", "solid");
    assert_eq!(*kind(solid, "x"), ValueKind::Opaque);
    assert_eq!(*kind(solid, "late"), ValueKind::Opaque, "RTRIM");
    assert_eq!(*kind(solid, "t"), ValueKind::Text { chars_max: None });
}

#[tokio::test]
async fn relations_have_the_kinds_that_decide_caching() {
    let catalog = catalog(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE ON CONFLICT REPLACE);
         CREATE VIEW v AS SELECT id FROM t; CREATE VIEW renamed (x) AS SELECT id FROM t;
         CREATE TEMP TABLE scratch (id); CREATE TEMP TABLE shadow (id); CREATE TABLE shadow (id);
         CREATE VIRTUAL TABLE words USING fts5(body);
         ATTACH ':memory:' AS side; CREATE TABLE side.away (id);
         CREATE TABLE kid (
             a INTEGER REFERENCES T ON DELETE CASCADE,
             b INTEGER REFERENCES t (id) ON UPDATE SET DEFAULT
         );",
    )
    .await;
    let kind_of = |name: &str| match catalog.resolve(None, name) {
        Resolution::Known(table) => table.kind.clone(),
        _ => TableKind::Other("unknown"),
    };
    assert_eq!(kind_of("t"), TableKind::Base);
    assert_eq!(
        kind_of("v"),
        TableKind::View {
            definition: "SELECT id FROM t".into()
        }
    );
    assert_eq!(
        kind_of("renamed"),
        TableKind::View {
            definition: "".into()
        }
    );
    assert_eq!(kind_of("scratch"), TableKind::Other("temporary table"));
    assert_eq!(
        kind_of("shadow"),
        TableKind::Other("temporary table"),
        "temp comes first"
    );
    assert_eq!(kind_of("words"), TableKind::Other("virtual table"));
    assert_eq!(
        kind_of("away"),
        TableKind::Other("table of an attached database")
    );
    assert_eq!(kind_of("sqlite_master"), TableKind::Other("unknown"));
    assert_eq!(kind_of("sqlite_sequence"), TableKind::Other("unknown"));
    assert!(table(&catalog, "main", "t").conflict_replaces);
    assert!(!table(&catalog, "main", "kid").conflict_replaces);
    assert_eq!(table(&catalog, "main", "v").columns.len(), 1);
    assert_eq!(
        foreign_keys(table(&catalog, "main", "kid")),
        [
            "a -> t(id) Cascade/Nothing",
            "b -> t(id) Nothing/SetDefault"
        ]
    );
}

#[tokio::test]
async fn trigger_bodies_are_read() {
    let catalog = catalog(
        "CREATE TABLE t (id, n); CREATE TABLE log (id);
         CREATE TRIGGER audit AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;
         CREATE TRIGGER guard BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'no'); END;
         CREATE TRIGGER calls AFTER UPDATE OF n ON t BEGIN SELECT unheard_of(new.id); END;
         CREATE TEMP TRIGGER passing AFTER INSERT ON main.log BEGIN DELETE FROM t; END;
         CREATE VIEW broken AS SELECT * FROM gone;",
    )
    .await;
    let t = table(&catalog, "main", "t");
    assert_eq!(writes(trigger(t, "audit")), "log");
    assert!(trigger(t, "audit").on_insert && !trigger(t, "audit").before);
    assert_eq!(writes(trigger(t, "guard")), "");
    assert!(trigger(t, "guard").on_delete && trigger(t, "guard").before);
    assert_eq!(writes(trigger(t, "calls")), "?");
    assert!(trigger(t, "calls").on_update);
    let passing = trigger(table(&catalog, "main", "log"), "passing");
    assert_eq!(
        writes(passing),
        "?",
        "a temporary trigger is this connection's own"
    );
    assert!(table(&catalog, "main", "broken").columns.is_empty());
}

#[tokio::test]
async fn identity_is_the_file() {
    let mut memory = connect("SELECT 1").await;
    assert_eq!(read_identity!(memory, Dialect::Sqlite), None);
    let path = std::env::temp_dir().join(format!("larder-identity-{}.db", std::process::id()));
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut file = SqliteConnection::connect(&url).await.unwrap();
    let identity = read_identity!(file, Dialect::Sqlite).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(identity.ends_with(&*path.to_string_lossy()), "{identity}");
}
