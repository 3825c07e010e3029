use sea_orm_migration::{prelude::*, schema::*};

use super::{drop_tables, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(event()).await?;
        manager.create_table(ticket()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ticket", "event"]).await
    }
}

fn event() -> TableCreateStatement {
    Table::create()
        .table("event")
        .col(pk_auto("id"))
        .col(string_len_uniq("slug", 64))
        .col(string("title"))
        .col(timestamp_with_time_zone("starts_at"))
        .col(integer("capacity"))
        .to_owned()
}

fn ticket() -> TableCreateStatement {
    Table::create()
        .table("ticket")
        .col(pk_auto("id"))
        .col(integer("event_id"))
        .col(string("holder"))
        .col(decimal_len("price", 10, 2))
        .col(boolean("checked_in").default(false))
        .foreign_key(&mut reference(
            "ticket",
            "event_id",
            "event",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
