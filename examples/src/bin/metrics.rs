//! Metrics for Prometheus, the counters of the process, a summary of one request.
//!
//! ```sh
//! cargo run -p larder-examples --features metrics --bin metrics
//! # or serve them until the program is stopped:
//! LISTEN=127.0.0.1:9184 cargo run -p larder-examples --features metrics --bin metrics
//! ```

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use larder::{Cacheable, CachedConnection, Larder, MemoryStore, MetricsObserver};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sea_orm::{
    ActiveValue::Set, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr,
    QueryOrder, TransactionTrait, entity::prelude::*,
};

type Db = CachedConnection<DatabaseConnection>;

mod book {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
    #[sea_orm(table_name = "book")]
    #[larder(ttl = "10m", ops(get, fetch, count))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub shelf: i32,
        pub title: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // First the recorder, then the observer that tells it.
    let recorder = PrometheusBuilder::new()
        .set_buckets(&[0.000_1, 0.001, 0.01, 0.1, 1.0])?
        .install_recorder()?;
    let larder = Larder::builder()
        .namespace("metrics")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        .observer(Arc::new(MetricsObserver::new()))
        .build()?;
    // One connection: an in-memory database lives and dies with it.
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    let db = larder.wrap(Database::connect(options).await?);
    create(&db).await?;

    for number in 1..=3 {
        let (page, summary) = larder.recorded(page(&db)).await;
        page?;
        println!(
            "request {number}: {} hits, {} misses, {} bypasses; {:?} saved, {:?} in fills",
            summary.hits, summary.misses, summary.bypasses, summary.saved, summary.fill_time
        );
        if number == 2 {
            retitle(&db).await?;
        }
    }

    println!("\nThe statements that saved most:");
    for statement in larder.stats().top(2).statements {
        let ratio = statement.reads.hit_ratio().unwrap_or_default() * 100.0;
        println!("  {}  {ratio:.0} % hits  {}", statement.id, statement.sql);
    }

    let listener = TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:0".into()))?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || serve(&listener, &recorder));
    println!("\nWhat a scrape of http://{address}/metrics gives:\n");
    let (_, body) = scrape(address)?;
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    samples.for_each(|line| println!("{line}"));
    if std::env::var_os("LISTEN").is_some() {
        let _ = server.join();
    }
    Ok(())
}

/// One row and a list twice, and a row inside a transaction, which bypasses.
async fn page(db: &Db) -> Result<(), DbErr> {
    for _ in 0..2 {
        book::Entity::find_by_id(1).one(db).await?;
        let shelf = book::Entity::find().filter(book::Column::Shelf.eq(2));
        shelf.order_by_asc(book::Column::Id).all(db).await?;
    }
    let transaction = db.begin().await?;
    book::Entity::find_by_id(1).one(&transaction).await?;
    transaction.commit().await
}

async fn retitle(db: &Db) -> Result<(), DbErr> {
    let new = book::ActiveModel {
        id: Set(1),
        title: Set("Another title".into()),
        ..Default::default()
    };
    new.update(db).await.map(drop)
}

async fn create(db: &Db) -> Result<(), DbErr> {
    for sql in [
        "CREATE TABLE book (id INTEGER PRIMARY KEY, shelf INTEGER NOT NULL, title TEXT NOT NULL)",
        "INSERT INTO book (shelf, title) VALUES (1, 'One'), (2, 'Two'), (2, 'Three')",
    ] {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Answers every request with the metrics. An application has a web server for this.
fn serve(listener: &TcpListener, recorder: &PrometheusHandle) {
    for stream in listener.incoming() {
        // Who hangs up, or asks nothing, gets nothing.
        let _ = stream.and_then(|stream| answer(stream, &recorder.render()));
    }
}

fn answer(mut stream: TcpStream, metrics: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request)?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close";
    write!(
        stream,
        "{head}\r\ncontent-length: {}\r\n\r\n{metrics}",
        metrics.len()
    )
}

fn scrape(address: std::net::SocketAddr) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    Ok((head.to_owned(), body.to_owned()))
}
