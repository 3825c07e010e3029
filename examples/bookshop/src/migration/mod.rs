//! The schema, one migration per topic, in the order in which the topics came up.

mod m20240301_000001_catalogue;
mod m20240301_000002_customers;
mod m20240315_000001_warehouses;
mod m20240402_000001_orders;
mod m20240520_000001_reviews;
mod m20241107_000001_events;

use sea_orm_migration::prelude::*;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20240301_000001_catalogue::Migration),
            Box::new(m20240301_000002_customers::Migration),
            Box::new(m20240315_000001_warehouses::Migration),
            Box::new(m20240402_000001_orders::Migration),
            Box::new(m20240520_000001_reviews::Migration),
            Box::new(m20241107_000001_events::Migration),
        ]
    }
}

/// A foreign key to the `id` of another table.
fn reference(
    table: &'static str,
    column: &'static str,
    target: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(target, "id")
        .on_delete(on_delete)
        .to_owned()
}

async fn create_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create()
        .name(format!("idx_{table}_{}", columns.join("_")))
        .table(table)
        .to_owned();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager
            .drop_table(Table::drop().table(*table).to_owned())
            .await?;
    }
    Ok(())
}
