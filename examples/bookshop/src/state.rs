//! What every request handler gets.

use larder::{CachedConnection, Larder, MemoryStore};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

use crate::{error::Result, migration::Migrator, seed};

#[derive(Clone, Debug)]
pub struct Shop {
    pub db: CachedConnection<DatabaseConnection>,
}

impl Shop {
    /// Connects, brings the schema up to date and fills an empty shop.
    pub async fn open(url: &str) -> Result<Self> {
        let db = Database::connect(options(url)).await?;
        Migrator::up(&db, None).await?;
        seed::fill(&db).await?;
        let larder = Larder::builder()
            .namespace("bookshop")
            .store(MemoryStore::with_capacity_bytes(32 << 20))
            .build()
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        Ok(Self {
            db: larder.wrap(db),
        })
    }
}

fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false);
    // A database in memory lives and dies with its connection.
    options.max_connections(if url.contains(":memory:") { 1 } else { 5 });
    options
}
