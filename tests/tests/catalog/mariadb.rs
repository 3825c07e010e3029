//! MariaDB's own.

use larder_sql::{
    Catalog, Dialect, TableName, ValueKind,
    catalog::{Resolution, TableKind, Volatility},
};
use larder_testkit::server::shared_mariadb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use crate::{column, foreign_keys, kind, read_catalog, read_identity, trigger, writes};

async fn connect(schema: &[&str]) -> (MySqlConnection, String) {
    let url = shared_mariadb().unwrap().create_database().unwrap();
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    for statement in schema {
        let statement = AssertSqlSafe((*statement).to_owned());
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    (connection, url)
}

async fn catalog(schema: &[&str]) -> Catalog {
    let (mut connection, _) = connect(schema).await;
    read_catalog!(connection, Dialect::MySql)
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a larder_sql::Table {
    let database = catalog.session_setting("database").unwrap();
    catalog
        .table(&TableName::new(database, name))
        .unwrap_or_else(|| panic!("no table {name}"))
}

#[tokio::test]
async fn types_have_the_kinds_of_their_equality() {
    let catalog = catalog(&["CREATE TABLE t (
        id bigint unsigned AUTO_INCREMENT PRIMARY KEY, flag boolean NOT NULL DEFAULT false,
        v varchar(20) COLLATE utf8mb4_nopad_bin, pad varchar(20) COLLATE utf8mb4_bin,
        ci varchar(20) COLLATE utf8mb4_general_ci, c char(3) COLLATE utf8mb4_nopad_bin,
        x text COLLATE utf8mb4_nopad_bin, n decimal(10, 2), un decimal(10, 2) unsigned,
        d date NOT NULL, dt datetime(3), ts timestamp NULL, e enum('a', 'b'), j json,
        vb varbinary(8), fb binary(8), f double, u uuid,
        touched datetime DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        g int AS (flag + 1) VIRTUAL, gs int AS (flag + 1) STORED, s varchar(4) DEFAULT NULL,
        w varchar(4) DEFAULT 'NULL', secret int INVISIBLE)"])
    .await;
    let t = table(&catalog, "t");
    assert_eq!(
        *kind(t, "id"),
        ValueKind::Integer {
            min: 0,
            max: u64::MAX
        }
    );
    assert_eq!(
        *kind(t, "flag"),
        ValueKind::Integer {
            min: -128,
            max: 127
        }
    );
    assert_eq!(
        *kind(t, "v"),
        ValueKind::Text {
            chars_max: Some(20)
        }
    );
    assert_eq!(
        *kind(t, "x"),
        ValueKind::Text {
            chars_max: Some(65_535 / 4)
        }
    );
    assert_eq!(
        *kind(t, "n"),
        ValueKind::Decimal {
            precision: Some(10),
            scale: Some(2)
        }
    );
    assert_eq!(*kind(t, "d"), ValueKind::Date);
    assert_eq!(*kind(t, "dt"), ValueKind::Timestamp { precision: 3 });
    assert_eq!(
        *kind(t, "vb"),
        ValueKind::Bytes {
            bytes_max: Some(8),
            fixed: false
        }
    );
    assert_eq!(
        *kind(t, "fb"),
        ValueKind::Bytes {
            bytes_max: Some(8),
            fixed: true
        }
    );
    for opaque in ["pad", "ci", "c", "un", "ts", "e", "j", "f", "u"] {
        assert_eq!(*kind(t, opaque), ValueKind::Opaque, "{opaque}");
    }
    assert!(column(t, "id").auto_increment);
    assert!(column(t, "d").not_null && !column(t, "dt").not_null);
    assert!(column(t, "touched").on_update && column(t, "touched").has_default);
    assert!(column(t, "g").generated && column(t, "gs").generated);
    assert!(!column(t, "touched").generated);
    assert!(!column(t, "s").has_default);
    assert!(column(t, "w").has_default, "the word NULL is a default");
    assert!(column(t, "secret").hidden);
    assert_eq!(
        t.column("TOUCHED"),
        t.column("touched"),
        "column names ignore case"
    );
}

#[tokio::test]
async fn relations_have_the_kinds_that_decide_caching() {
    let catalog = catalog(&[
        "CREATE TABLE t (id int PRIMARY KEY) ENGINE = InnoDB",
        "CREATE TABLE loose (id int) ENGINE = MyISAM",
        "CREATE TABLE merged (id int) ENGINE = MERGE UNION = (loose)",
        "CREATE SEQUENCE seq",
        "CREATE VIEW v AS SELECT id FROM t WHERE id > 3",
        "CREATE TABLE kid (pid int, FOREIGN KEY (pid) REFERENCES t (id) ON DELETE SET NULL)",
    ])
    .await;
    assert_eq!(table(&catalog, "t").kind, TableKind::Base);
    assert!(table(&catalog, "t").transactional);
    assert_eq!(table(&catalog, "loose").kind, TableKind::Base);
    assert!(!table(&catalog, "loose").transactional);
    assert!(matches!(
        table(&catalog, "merged").kind,
        TableKind::Other(_)
    ));
    assert_eq!(table(&catalog, "seq").kind, TableKind::Other("sequence"));
    let definition = match &table(&catalog, "v").kind {
        TableKind::View { definition } => definition,
        other => panic!("{other:?}"),
    };
    assert!(definition.contains("> 3"), "{definition}");
    assert_eq!(
        foreign_keys(table(&catalog, "kid")),
        ["pid -> t(id) SetNull/Nothing"]
    );
    assert!(matches!(catalog.resolve(None, "t"), Resolution::Known(_)));
    assert!(
        matches!(catalog.resolve(None, "T"), Resolution::Unknown),
        "names are case-sensitive"
    );
    assert!(matches!(
        catalog.resolve(Some("mysql"), "user"),
        Resolution::Unknown
    ));
}

#[tokio::test]
async fn plain_trigger_bodies_are_read() {
    let schema = [
        "CREATE TABLE t (id int, n int)",
        "CREATE TABLE log (id int)",
        "CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW SET NEW.n = OLD.n + 1",
        "CREATE TRIGGER audit AFTER INSERT ON t FOR EACH ROW BEGIN \
         IF NEW.n > 1 THEN INSERT INTO log VALUES (NEW.id); END IF; END",
        "CREATE PROCEDURE p() DELETE FROM log",
        "CREATE TRIGGER calls AFTER DELETE ON t FOR EACH ROW CALL p()",
        "CREATE FUNCTION promised() RETURNS int DETERMINISTIC NO SQL RETURN 1",
        "CREATE FUNCTION silent() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE USER IF NOT EXISTS plain@'%'",
    ];
    let (mut connection, url) = connect(&schema).await;
    let catalog = read_catalog!(connection, Dialect::MySql);
    let t = table(&catalog, "t");
    assert_eq!(writes(trigger(t, "touch")), "");
    assert!(trigger(t, "touch").before && trigger(t, "touch").on_update);
    assert_eq!(writes(trigger(t, "audit")), "log");
    assert!(!trigger(t, "audit").before && trigger(t, "audit").on_insert);
    assert_eq!(writes(trigger(t, "calls")), "?");
    assert_eq!(catalog.functions.get("promised"), Some(&Volatility::Stable));
    assert_eq!(catalog.functions.get("silent"), Some(&Volatility::Volatile));
    assert_eq!(catalog.functions.get("p"), Some(&Volatility::Volatile));

    // The server hides the bodies from an account without the TRIGGER privilege.
    let database = url.rsplit('/').next().unwrap();
    let grant = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO plain@'%'");
    sqlx::raw_sql(AssertSqlSafe(grant))
        .execute(&mut connection)
        .await
        .unwrap();
    let url = url.replace("//root@", "//plain@");
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    let catalog = read_catalog!(connection, Dialect::MySql);
    let t = table(&catalog, "t");
    assert_eq!(t.triggers.len(), 3);
    assert!(t.triggers.iter().all(|trigger| writes(trigger) == "?"));
    assert!(table(&catalog, "log").triggers.is_empty());
}

#[tokio::test]
async fn session_and_identity_are_the_servers() {
    let (mut connection, _) = connect(&["SET time_zone = '+09:00'"]).await;
    let catalog = read_catalog!(connection, Dialect::MySql);
    assert_eq!(catalog.session_setting("time_zone"), Some("+09:00"));
    assert_eq!(catalog.text_is_misread(), None);
    assert_eq!(catalog.session_forbids_storing(), None);
    let identity = read_identity!(connection, Dialect::MySql).unwrap();
    let (mut other, _) = connect(&["SET sql_mode = 'ANSI_QUOTES'"]).await;
    assert_ne!(
        read_identity!(other, Dialect::MySql).unwrap(),
        identity,
        "another database"
    );
    let catalog = read_catalog!(other, Dialect::MySql);
    assert_eq!(
        catalog.text_is_misread(),
        Some("sql_mode contains ANSI_QUOTES")
    );
    for statement in [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "SET autocommit = 0",
    ] {
        let (mut session, _) = connect(&[statement]).await;
        let catalog = read_catalog!(session, Dialect::MySql);
        assert!(catalog.session_forbids_storing().is_some(), "{statement}");
    }
}
