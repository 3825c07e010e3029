use sea_orm_migration::{prelude::*, schema::*};

use super::{create_index, drop_tables, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(review()).await?;
        create_index(manager, "review", &["book_id", "approved"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["review"]).await
    }
}

fn review() -> TableCreateStatement {
    Table::create()
        .table("review")
        .col(pk_auto("id"))
        .col(integer("book_id"))
        .col(integer("customer_id"))
        .col(integer("rating"))
        .col(text("body"))
        .col(boolean("approved").default(false))
        .col(date_time("written_at"))
        .foreign_key(&mut reference(
            "review",
            "book_id",
            "book",
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut reference(
            "review",
            "customer_id",
            "customer",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
