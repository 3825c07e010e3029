//! The shared schema looks alike on the three databases.

use larder_sql::{Catalog, Dialect, ValueKind, catalog::ForeignKeyAction};
use larder_testkit::{
    schema::statements,
    server::{shared_mariadb, shared_postgres},
};
use sqlx::{Connection as _, MySqlConnection, PgConnection, SqliteConnection};

use crate::{column, foreign_keys, kind, read_catalog, table};

macro_rules! create {
    ($connection:expr, $dialect:expr) => {
        for statement in statements($dialect) {
            sqlx::query(statement)
                .execute(&mut $connection)
                .await
                .unwrap();
        }
    };
}

#[tokio::test]
async fn postgres_describes_the_shared_schema() {
    let url = shared_postgres().unwrap().create_database().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    create!(connection, Dialect::Postgres);
    check(&read_catalog!(connection, Dialect::Postgres), "public");
}

#[tokio::test]
async fn mariadb_describes_the_shared_schema() {
    let url = shared_mariadb().unwrap().create_database().unwrap();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    create!(connection, Dialect::MySql);
    check(&read_catalog!(connection, Dialect::MySql), &database);
}

#[tokio::test]
async fn sqlite_describes_the_shared_schema() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    create!(connection, Dialect::Sqlite);
    check(&read_catalog!(connection, Dialect::Sqlite), "main");
}

fn check(catalog: &Catalog, schema: &str) {
    let listed = catalog
        .tables
        .values()
        .filter(|table| table.is_base())
        .count();
    assert_eq!(listed, 10);
    let post = table(catalog, schema, "post");
    assert_eq!(post.primary_key, [0]);
    assert!(column(post, "id").auto_increment);
    assert!(column(post, "id").not_null);
    assert!(matches!(kind(post, "author_id"), ValueKind::Integer { .. }));
    assert!(matches!(kind(post, "title"), ValueKind::Text { .. }));
    assert!(column(post, "title").not_null);
    assert!(!column(post, "body").not_null);
    assert!(column(post, "published").has_default);
    assert!(!column(post, "body").has_default);
    assert!(post.transactional);
    assert!(post.triggers.is_empty());
    assert!(!post.conflict_replaces);
    assert_eq!(
        foreign_keys(post),
        ["author_id -> author(id) Nothing/Nothing"]
    );

    let comment = table(catalog, schema, "comment");
    assert_eq!(
        foreign_keys(comment),
        [
            "author_id -> author(id) SetNull/Nothing",
            "post_id -> post(id) Cascade/Cascade",
        ]
    );
    let post_tag = table(catalog, schema, "post_tag");
    assert_eq!(post_tag.primary_key, [0, 1]);
    let children = catalog.children_of(&post.name);
    let mut cascading: Vec<&str> = children
        .filter(|(_, key)| key.on_delete == ForeignKeyAction::Cascade)
        .map(|(child, _)| &*child.name.name)
        .collect();
    cascading.sort_unstable();
    assert_eq!(cascading, ["comment", "post_tag"]);
    assert_eq!(foreign_keys(table(catalog, schema, "order")).len(), 1);
    assert_eq!(
        foreign_keys(table(catalog, schema, "customer")),
        ["referred_by -> customer(id) SetNull/Nothing"]
    );
}
