use sea_orm_migration::{prelude::*, schema::*};

use super::{drop_tables, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(customer()).await?;
        manager.create_table(address()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["address", "customer"]).await
    }
}

fn customer() -> TableCreateStatement {
    Table::create()
        .table("customer")
        .col(pk_auto("id"))
        .col(string("name"))
        .col(string_uniq("email"))
        .col(integer("tier").default(0))
        .col(boolean("newsletter").default(false))
        .col(timestamp_with_time_zone("joined_at"))
        .to_owned()
}

fn address() -> TableCreateStatement {
    Table::create()
        .table("address")
        .col(pk_auto("id"))
        .col(integer("customer_id"))
        .col(string("street"))
        .col(string("city"))
        .col(string_len("zip", 16))
        .col(boolean("is_default").default(false))
        .foreign_key(&mut reference(
            "address",
            "customer_id",
            "customer",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
