//! PostgreSQL's own.

use larder_sql::{
    Catalog, Dialect, ValueKind,
    catalog::{Resolution, TableKind, Volatility},
};
use larder_testkit::server::shared_postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    column, foreign_keys, kind, names, read_catalog, read_identity, table, trigger, writes,
};

async fn connect(schema: &str) -> PgConnection {
    let url = shared_postgres().unwrap().create_database().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(schema.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

async fn catalog(schema: &str) -> Catalog {
    let mut connection = connect(schema).await;
    read_catalog!(connection, Dialect::Postgres)
}

#[tokio::test]
async fn types_have_the_kinds_of_their_equality() {
    let catalog = catalog(
        "CREATE EXTENSION citext;
         CREATE TYPE mood AS ENUM ('sad', 'so so', 'Happy');
         CREATE DOMAIN price AS numeric(10, 2) DEFAULT 0;
         CREATE DOMAIN discount AS price CHECK (value > 0);
         CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE t (
             i2 smallint, i8 bigint, s serial, b boolean, x text, v varchar(20), c char(3),
             ci citext, l text COLLATE loose, e text COLLATE \"en-x-icu\", u uuid, d date,
             ts timestamp(3), tz timestamptz, n numeric, n2 numeric(8, 3), p discount, y bytea,
             m mood, f float8, j jsonb, a int[], iv interval,
             g int GENERATED ALWAYS AS (i2 + 1) STORED, \"Mixed Case\" int NOT NULL
         );
         ALTER TABLE t DROP COLUMN iv;",
    )
    .await;
    let t = table(&catalog, "public", "t");
    let text = ValueKind::Text { chars_max: None };
    assert_eq!(
        *kind(t, "i2"),
        ValueKind::Integer {
            min: -32_768,
            max: 32_767
        }
    );
    let max = i64::MAX.unsigned_abs();
    assert_eq!(*kind(t, "i8"), ValueKind::Integer { min: i64::MIN, max });
    assert_eq!(*kind(t, "b"), ValueKind::Bool);
    assert_eq!(*kind(t, "x"), text);
    assert_eq!(
        *kind(t, "v"),
        ValueKind::Text {
            chars_max: Some(20)
        }
    );
    assert_eq!(
        *kind(t, "e"),
        text,
        "a deterministic collation compares bytes"
    );
    assert_eq!(*kind(t, "u"), ValueKind::Uuid);
    assert_eq!(*kind(t, "d"), ValueKind::Date);
    assert_eq!(*kind(t, "ts"), ValueKind::Timestamp { precision: 3 });
    assert_eq!(*kind(t, "tz"), ValueKind::TimestampTz { precision: 6 });
    assert_eq!(
        *kind(t, "n"),
        ValueKind::Decimal {
            precision: None,
            scale: None
        }
    );
    assert_eq!(
        *kind(t, "n2"),
        ValueKind::Decimal {
            precision: Some(8),
            scale: Some(3)
        }
    );
    assert_eq!(
        *kind(t, "p"),
        ValueKind::Decimal {
            precision: Some(10),
            scale: Some(2)
        }
    );
    assert_eq!(
        *kind(t, "y"),
        ValueKind::Bytes {
            bytes_max: None,
            fixed: false
        }
    );
    let labels = ["sad", "so so", "Happy"].map(Into::into).as_slice().into();
    assert_eq!(*kind(t, "m"), ValueKind::Enum { labels });
    for opaque in ["c", "ci", "l", "f", "j", "a"] {
        assert_eq!(*kind(t, opaque), ValueKind::Opaque, "{opaque}");
    }
    assert!(column(t, "p").has_default, "a domain brings its default");
    assert!(column(t, "s").auto_increment);
    assert!(column(t, "g").generated);
    assert!(column(t, "Mixed Case").not_null);
    assert_eq!(t.column("mixed case"), None);
    assert_eq!(t.column("iv"), None);
    assert!(
        catalog.custom_operators.is_empty(),
        "citext's operators are its own"
    );
}

#[tokio::test]
async fn relations_have_the_kinds_that_decide_caching() {
    let catalog = catalog(
        "CREATE SCHEMA other;
         CREATE TABLE t (id int PRIMARY KEY, owner text);
         CREATE TABLE other.t (id int);
         CREATE TABLE other.hidden (id int);
         CREATE VIEW v AS SELECT id FROM t WHERE owner = 'a';
         CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;
         CREATE SEQUENCE seq;
         CREATE TEMP TABLE scratch (id int);
         CREATE TABLE secured (id int);
         ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
         CREATE TABLE ruled (id int);
         CREATE RULE r AS ON DELETE TO ruled DO INSTEAD NOTHING;
         CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
         CREATE TABLE parted (k int) PARTITION BY LIST (k);
         CREATE FOREIGN TABLE away PARTITION OF parted FOR VALUES IN (1) SERVER far;
         CREATE TABLE near PARTITION OF parted FOR VALUES IN (2);",
    )
    .await;
    let kind_of = |name: &str| match catalog.resolve(None, name) {
        Resolution::Known(table) => table.kind.clone(),
        _ => TableKind::Other("unknown"),
    };
    assert_eq!(kind_of("t"), TableKind::Base);
    assert!(matches!(kind_of("v"), TableKind::View { definition } if definition.contains("owner")));
    assert_eq!(kind_of("mv"), TableKind::MaterializedView);
    assert_eq!(kind_of("seq"), TableKind::Other("sequence"));
    assert_eq!(kind_of("scratch"), TableKind::Other("temporary table"));
    assert_eq!(kind_of("away"), TableKind::Other("foreign table"));
    assert!(
        matches!(kind_of("parted"), TableKind::Other(_)),
        "it reads the foreign partition"
    );
    assert_eq!(kind_of("near"), TableKind::Base);
    assert_eq!(kind_of("hidden"), TableKind::Other("unknown"));
    assert_eq!(kind_of("pg_class"), TableKind::Other("unknown"));
    assert!(matches!(
        catalog.resolve(Some("other"), "hidden"),
        Resolution::Known(_)
    ));
    assert!(table(&catalog, "public", "secured").row_security);
    assert!(table(&catalog, "public", "ruled").has_rules);
    assert_eq!(table(&catalog, "public", "v").columns.len(), 1);
    let fingerprint = |name| table(&catalog, "public", name).fingerprint();
    assert_ne!(fingerprint("secured"), fingerprint("ruled"));
}

#[tokio::test]
async fn relatives_and_keys_are_known() {
    let catalog = catalog(
        "CREATE TABLE a (x int); CREATE TABLE b (y int);
         CREATE TABLE ab (z int) INHERITS (a, b); CREATE TABLE abc () INHERITS (ab);
         CREATE TABLE p (id int, k int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
         CREATE TABLE child (
             pid int, pk int,
             FOREIGN KEY (pk, pid) REFERENCES p (k, id) ON DELETE CASCADE ON UPDATE SET NULL
         );
         CREATE TABLE tenant (t int, id int, PRIMARY KEY (t, id));
         CREATE TABLE item (
             t int NOT NULL, o int,
             FOREIGN KEY (t, o) REFERENCES tenant ON DELETE SET NULL (o)
         );",
    )
    .await;
    let family = |name| {
        let family = catalog.family(&larder_sql::TableName::new("public", name));
        names(family).join(",")
    };
    assert_eq!(
        family("a"),
        "a,ab,abc,b",
        "its descendants have another parent"
    );
    assert_eq!(family("abc"), "a,ab,abc,b");
    assert_eq!(family("p"), "p,p1");
    assert_eq!(family("child"), "child");
    assert_eq!(table(&catalog, "public", "p").primary_key, [1, 0]);
    let child = foreign_keys(table(&catalog, "public", "child"));
    assert!(
        child.contains(&"pk,pid -> p(k,id) Cascade/SetNull".to_owned()),
        "{child:?}"
    );
    // Only one of the two columns becomes NULL, so nothing is known of either.
    assert_eq!(
        foreign_keys(table(&catalog, "public", "item")),
        ["t,o -> tenant(t,id) SetDefault/Nothing"]
    );
}

#[tokio::test]
async fn plain_trigger_bodies_are_read() {
    let catalog = catalog(
        "CREATE TABLE t (id int, updated_at timestamp); CREATE TABLE log (id int);
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN NEW.updated_at = now(); RETURN NEW; END $$;
         CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO log (id) VALUES (NEW.id); RETURN NULL; END $$;
         CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_temp AS $$
             BEGIN INSERT INTO log VALUES (NEW.id); RETURN NULL; END $$;
         CREATE FUNCTION dynamic() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN EXECUTE 'DELETE FROM log'; RETURN NULL; END $$;
         CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
         CREATE TRIGGER audit AFTER INSERT OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION audit();
         CREATE TRIGGER moved AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION moved();
         CREATE TRIGGER dynamic AFTER TRUNCATE ON t EXECUTE FUNCTION dynamic();
         CREATE TRIGGER quiet BEFORE UPDATE ON log FOR EACH ROW
             EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    )
    .await;
    let t = table(&catalog, "public", "t");
    let touch = trigger(t, "touch");
    assert_eq!(writes(touch), "");
    assert!(touch.before && touch.on_update && !touch.on_insert && !touch.on_delete);
    let audit = trigger(t, "audit");
    assert_eq!(writes(audit), "log");
    assert!(!audit.before && audit.on_insert && audit.on_delete && !audit.on_update);
    assert_eq!(
        writes(trigger(t, "moved")),
        "?",
        "it sets a search path of its own"
    );
    let dynamic = trigger(t, "dynamic");
    assert_eq!(writes(dynamic), "?");
    assert!(dynamic.on_delete, "TRUNCATE removes rows");
    assert_eq!(
        writes(trigger(table(&catalog, "public", "log"), "quiet")),
        ""
    );
}

#[tokio::test]
async fn functions_and_operators_of_users_are_known() {
    let catalog = catalog(
        "CREATE EXTENSION citext;
         CREATE FUNCTION min(text, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION g() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION step(int, int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 1';
         CREATE AGGREGATE collect(int) (SFUNC = step, STYPE = int);
         CREATE FUNCTION odd(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = odd);",
    )
    .await;
    assert_eq!(
        catalog.functions.get("f"),
        Some(&Volatility::Volatile),
        "the worst overload"
    );
    assert_eq!(catalog.functions.get("g"), Some(&Volatility::Stable));
    assert_eq!(
        catalog.functions.get("collect"),
        Some(&Volatility::Volatile)
    );
    assert!(catalog.custom_operators.contains("="));
}

#[tokio::test]
async fn session_and_identity_are_the_servers() {
    let mut connection = connect("SET TIME ZONE 'Asia/Tokyo'; SET search_path = public").await;
    let catalog = read_catalog!(connection, Dialect::Postgres);
    assert_eq!(catalog.session_setting("TimeZone"), Some("Asia/Tokyo"));
    assert_eq!(catalog.session_setting("role"), Some("larder"));
    assert_eq!(catalog.text_is_misread(), None);
    let path: Vec<&str> = catalog.search_path.iter().map(|schema| &**schema).collect();
    assert_eq!(path, ["pg_catalog", "public"]);
    let identity = read_identity!(connection, Dialect::Postgres).unwrap();
    let mut other = connect("SELECT 1").await;
    assert_ne!(
        read_identity!(other, Dialect::Postgres).unwrap(),
        identity,
        "another database"
    );
    sqlx::raw_sql("SET standard_conforming_strings = off")
        .execute(&mut other)
        .await
        .unwrap();
    assert!(
        read_catalog!(other, Dialect::Postgres)
            .text_is_misread()
            .is_some()
    );
}
