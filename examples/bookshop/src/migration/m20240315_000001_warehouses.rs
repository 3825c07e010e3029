use sea_orm_migration::{prelude::*, schema::*};

use super::{drop_tables, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(warehouse()).await?;
        manager.create_table(stock()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["stock", "warehouse"]).await
    }
}

fn warehouse() -> TableCreateStatement {
    Table::create()
        .table("warehouse")
        .col(pk_auto("id"))
        .col(string_len_uniq("code", 8))
        .col(string("city"))
        .to_owned()
}

fn stock() -> TableCreateStatement {
    Table::create()
        .table("stock")
        .col(integer("warehouse_id"))
        .col(integer("book_id"))
        .col(integer("quantity").default(0))
        .col(date_time_null("counted_at"))
        .primary_key(Index::create().col("warehouse_id").col("book_id"))
        .foreign_key(&mut reference(
            "stock",
            "warehouse_id",
            "warehouse",
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut reference(
            "stock",
            "book_id",
            "book",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
