//! Results that look alike and are not: each has a key of its own.

use std::time::Duration;

use larder_sea_orm::{CacheQuery as _, CachedResult, LoaderTrait, overlay};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait as _, ExecResult, FromQueryResult, QueryResult,
    Statement, StatementBuilder,
};

use crate::{
    entities::post,
    fixture::{Fixture, assert_hit, assert_miss},
};

/// Entities on tables that they share.
#[expect(unreachable_pub, reason = "the derives of SeaORM ask for `pub`")]
mod entity {
    macro_rules! entity {
        ($name:ident on $table:literal { $($field:ident: $type:ty),* } $($rest:tt)*) => {
            pub mod $name {
                use larder_sea_orm::Cacheable;
                use sea_orm::entity::prelude::*;
                use serde::{Deserialize, Serialize};

                #[derive(
                    Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable,
                )]
                #[sea_orm(table_name = $table)]
                #[larder(ttl = "15m", crate = "larder_sea_orm")]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    $(pub $field: $type,)*
                }

                #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
                pub enum Relation {}

                impl ActiveModelBehavior for ActiveModel {}

                $($rest)*
            }
        };
    }

    entity!(bank on "bank" { name: String });
    entity!(transfer on "transfer" { client_id: i32, from_bank: i32, to_bank: i32 });
    entity!(tag on "tag" { kind: String, flag: bool });

    /// A client by what one of its transfers leads to.
    macro_rules! client {
        ($name:ident by $column:ident) => {
            entity!($name on "client" {}
                use super::{bank, transfer};

                impl Related<bank::Entity> for Entity {
                    fn to() -> RelationDef {
                        transfer::Entity::belongs_to(bank::Entity)
                            .from(transfer::Column::$column)
                            .to(bank::Column::Id)
                            .into()
                    }

                    fn via() -> Option<RelationDef> {
                        let junction: RelationDef = transfer::Entity::belongs_to(Entity)
                            .from(transfer::Column::ClientId)
                            .to(Column::Id)
                            .into();
                        Some(junction.rev())
                    }
                }
            );
        };
    }

    client!(payer by FromBank);
    client!(payee by ToBank);

    /// A client with the tags that have the same value in a column.
    macro_rules! tagged {
        ($name:ident { $field:ident: $type:ty } by $column:ident) => {
            entity!($name on "client" { $field: $type }
                use super::tag;

                impl Related<tag::Entity> for Entity {
                    fn to() -> RelationDef {
                        Entity::belongs_to(tag::Entity)
                            .from(Column::$column)
                            .to(tag::Column::$column)
                            .into()
                    }
                }
            );
        };
    }

    tagged!(kinded { kind: super::Kind } by Kind);
    tagged!(texted { kind: String } by Kind);
    tagged!(flagged { flag: bool } by Flag);

    #[derive(
        Clone,
        Debug,
        PartialEq,
        Eq,
        sea_orm::EnumIter,
        sea_orm::DeriveActiveEnum,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[sea_orm(rs_type = "Enum", db_type = "Enum", enum_name = "kind")]
    pub enum Kind {
        #[sea_orm(string_value = "a")]
        A,
    }
}

use entity::{Kind, bank, flagged, kinded, payee, payer, tag, texted, transfer};

const SCHEMA: &str = "
    CREATE TABLE bank (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE client (id INTEGER PRIMARY KEY, kind TEXT NOT NULL DEFAULT 'a');
    CREATE TABLE tag (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, flag BOOLEAN NOT NULL);
    CREATE TABLE transfer (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL,
        from_bank INTEGER NOT NULL, to_bank INTEGER NOT NULL);
    INSERT INTO bank VALUES (1, 'from'), (2, 'to');
    INSERT INTO client (id) VALUES (7);
    INSERT INTO transfer VALUES (1, 7, 1, 2);
    INSERT INTO tag VALUES (1, 'a', TRUE);
";

#[tokio::test]
async fn a_load_through_a_junction_knows_to_which_column_it_leads() {
    let it = Fixture::with(SCHEMA).await;
    let payers = vec![payer::Model { id: 7 }];
    let payees = vec![payee::Model { id: 7 }];
    let first = payers.load_many_to_many(bank::Entity, transfer::Entity, &it.db);
    assert_eq!(first.await.unwrap()[0][0].name, "from");
    let second = payees.load_many_to_many(bank::Entity, transfer::Entity, &it.db);
    assert_eq!(second.await.unwrap()[0][0].name, "to");
    let again = payers.load_many_to_many(bank::Entity, transfer::Entity, &it.db);
    assert_eq!(assert_hit!(it, again)[0][0].name, "from");
}

/// SeaORM finds no tags for an enum: it compares it with the texts of the tags.
#[tokio::test]
async fn keys_of_an_enum_are_not_those_of_its_text() {
    let it = Fixture::with(SCHEMA).await;
    let (id, kind) = (7, Kind::A);
    let kinded = vec![kinded::Model { id, kind }];
    let kind = "a".to_owned();
    let texted = vec![texted::Model { id, kind }];
    let of_kind = LoaderTrait::load_many(&kinded, tag::Entity, &it.db);
    let of_text = LoaderTrait::load_many(&texted, tag::Entity, &it.db);
    assert_eq!(of_kind.await.unwrap()[0].len(), 0);
    assert_eq!(of_text.await.unwrap()[0].len(), 1);
}

#[tokio::test]
async fn parents_with_gaps_are_not_those_without() {
    let it = Fixture::with(SCHEMA).await;
    let parent = |id| flagged::Model { id, flag: true };
    let (two, one) = ([parent(1), parent(2)], [Some(parent(1))]);
    let (two, one) = (&two[..], &one[..]);
    let of_two = overlay::LoaderTraitEx::load_many_ex(&two, tag::Entity, &it.db);
    let of_one = overlay::LoaderTraitEx::load_many_ex(&one, tag::Entity, &it.db);
    assert_eq!(of_two.await.unwrap().len(), 2);
    assert_eq!(of_one.await.unwrap().len(), 1);
}

#[derive(Clone, Debug, FromQueryResult, CachedResult)]
#[larder(local, crate = "larder_sea_orm")]
struct Next {
    #[sea_orm(from_alias = "id+1")]
    next: i64,
}

/// SQLite calls a column without an alias by its expression as it was written.
#[tokio::test]
async fn rows_by_name_are_kept_by_the_text_that_names_them() {
    let it = Fixture::new().await;
    let ask = |sql| {
        let rows = Next::find_by_statement(Statement::from_string(DbBackend::Sqlite, sql));
        rows.cached().all(&it.db)
    };
    let rows = assert_miss!(it, ask("SELECT id+1 FROM post ORDER BY id"));
    assert_eq!(rows[0].next, 2);
    let unnamed = ask("SELECT id + 1 FROM post ORDER BY id").await;
    assert!(unnamed.is_err(), "no column is called so: {unnamed:?}");
}

#[tokio::test]
async fn p7_a_shorter_ttl_is_not_answered_with_what_is_older() {
    let it = Fixture::new().await;
    let ask = || post::Entity::find_by_id(1);
    assert_miss!(it, ask().one(&it.db));
    let hour = Duration::from_secs(3_600);
    assert_hit!(it, ask().ttl(hour).one(&it.db));
    assert_miss!(it, ask().ttl(Duration::from_nanos(1)).one(&it.db));
}

/// A text that is too long for the segments of the plan cache.
#[tokio::test]
async fn long_texts_are_cached_like_others() {
    use sea_orm::{QueryFilter as _, sea_query::Expr};
    let it = Fixture::new().await;
    let ids = vec!["1"; 40_000].join(", ");
    let long = || post::Entity::find().filter(Expr::cust(format!("id IN ({ids})")));
    assert_eq!(assert_miss!(it, long().all(&it.db)).len(), 1);
    assert_eq!(assert_hit!(it, long().all(&it.db)).len(), 1);
    let delete = post::Entity::delete_by_id(1).exec(&it.db);
    assert_eq!(delete.await.unwrap().rows_affected, 1);
    assert_eq!(assert_miss!(it, long().all(&it.db)).len(), 0);
}

/// Rust prints both types by one name.
#[tokio::test]
async fn local_types_of_one_name_are_told_apart() {
    use sea_orm::{DeriveColumn, EnumIter};
    let it = Fixture::new().await;
    let first = {
        #[derive(Clone, Copy, Debug, EnumIter, DeriveColumn)]
        enum Columns {
            Id,
            AuthorId,
        }
        let rows = post::Entity::find()
            .order_by_id_asc()
            .into_values::<(i32, i32), Columns>();
        rows.all(&it.db).await.unwrap()[0]
    };
    let second = {
        #[derive(Clone, Copy, Debug, EnumIter, DeriveColumn)]
        enum Columns {
            AuthorId,
            Id,
        }
        let rows = post::Entity::find()
            .order_by_id_asc()
            .into_values::<(i32, i32), Columns>();
        rows.all(&it.db).await.unwrap()[0]
    };
    assert_eq!((first, second), ((1, 3), (3, 1)));
}

/// A connection that asks a second database where the first has no rows.
struct Both<'a>(&'a Fixture, &'a Fixture);

#[async_trait::async_trait]
impl ConnectionTrait for Both<'_> {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.db.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.db.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.db.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.db.query_all_raw(statement).await
    }

    async fn query_all<S: StatementBuilder>(&self, query: &S) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.0.db.query_all(query).await?;
        if rows.is_empty() {
            return self.1.db.query_all(query).await;
        }
        Ok(rows)
    }
}

#[tokio::test]
async fn a_hit_stands_whatever_a_connection_does_after_it() {
    let (one, other) = (Fixture::new().await, Fixture::new().await);
    let delete = "DELETE FROM post";
    other.plain.execute_unprepared(delete).await.unwrap();
    let ask = || post::Entity::find();
    let rows = ask().all(&one.db).await.unwrap();
    let both = Both(&one, &other);
    assert_eq!(ask().all(&both).await.unwrap(), rows);
    assert_eq!(ask().all(&both).await.unwrap(), rows);
}
