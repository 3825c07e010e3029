use sea_orm::{DbBackend, Schema};
use sea_orm_migration::{prelude::*, schema::*, sea_query::extension::postgres::Type};

use super::{create_index, drop_tables, reference};
use crate::entity::customer_order::OrderStatus;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Only PostgreSQL has a type for it; the others write the variants into the column.
        let schema = Schema::new(manager.get_database_backend());
        if let Some(status) = schema.create_enum_from_active_enum::<OrderStatus>() {
            manager.create_type(status).await?;
        }
        manager.create_table(promotion()).await?;
        manager.create_table(customer_order()).await?;
        create_index(manager, "customer_order", &["customer_id", "placed_at"]).await?;
        manager.create_table(order_line()).await?;
        manager.create_table(payment()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["payment", "order_line", "customer_order", "promotion"],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let status = Type::drop().name("order_status").to_owned();
            manager.drop_type(status).await?;
        }
        Ok(())
    }
}

fn promotion() -> TableCreateStatement {
    Table::create()
        .table("promotion")
        .col(pk_auto("id"))
        .col(string_len_uniq("code", 32))
        .col(integer("percent"))
        .col(integer("uses_left"))
        .col(date("starts_on"))
        .col(date_null("ends_on"))
        .col(json("conditions"))
        .to_owned()
}

fn customer_order() -> TableCreateStatement {
    Table::create()
        .table("customer_order")
        .col(pk_auto("id"))
        .col(integer("customer_id"))
        .col(integer_null("address_id"))
        .col(integer_null("promotion_id"))
        .col(enumeration(
            "status",
            "order_status",
            ["open", "paid", "shipped", "cancelled"],
        ))
        .col(decimal_len("total", 10, 2))
        .col(string_null("note"))
        .col(timestamp_with_time_zone("placed_at"))
        .foreign_key(&mut reference(
            "customer_order",
            "customer_id",
            "customer",
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut reference(
            "customer_order",
            "address_id",
            "address",
            ForeignKeyAction::SetNull,
        ))
        .foreign_key(&mut reference(
            "customer_order",
            "promotion_id",
            "promotion",
            ForeignKeyAction::SetNull,
        ))
        .to_owned()
}

fn order_line() -> TableCreateStatement {
    Table::create()
        .table("order_line")
        .col(big_pk_auto("id"))
        .col(integer("order_id"))
        .col(integer("book_id"))
        .col(integer("quantity"))
        .col(decimal_len("unit_price", 10, 2))
        .foreign_key(&mut reference(
            "order_line",
            "order_id",
            "customer_order",
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut reference(
            "order_line",
            "book_id",
            "book",
            ForeignKeyAction::Restrict,
        ))
        .to_owned()
}

fn payment() -> TableCreateStatement {
    Table::create()
        .table("payment")
        .col(pk_uuid("id"))
        .col(integer_uniq("order_id"))
        .col(string("method"))
        .col(decimal_len("amount", 10, 2))
        .col(timestamp_with_time_zone_null("settled_at"))
        .foreign_key(&mut reference(
            "payment",
            "order_id",
            "customer_order",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
