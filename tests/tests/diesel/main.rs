//! Diesel.
use diesel::prelude::*;
use larder::{Larder, MemoryStore, Policy};

diesel::table! { post (id) { id -> Integer, author_id -> Integer, title -> Text, } }

#[test]
fn smoke() {
    let larder = Larder::builder()
        .namespace("t")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .default_policy(Policy::new().with_ttl(std::time::Duration::from_secs(60)))
        .build()
        .unwrap();
    let mut conn = larder.wrap(SqliteConnection::establish(":memory:").unwrap());
    diesel::sql_query("create table post (id integer primary key, author_id integer not null, title text not null)").execute(&mut conn).unwrap();
    diesel::insert_into(post::table)
        .values((post::author_id.eq(3), post::title.eq("a")))
        .execute(&mut conn)
        .unwrap();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let c2 = count.clone();
    conn.set_instrumentation(move |e: diesel::connection::InstrumentationEvent<'_>| {
        if let diesel::connection::InstrumentationEvent::StartQuery { query, .. } = e {
            println!("{query}");
            c2.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    for _ in 0..3 {
        let rows: Vec<(i32, i32, String)> = post::table
            .filter(post::author_id.eq(3))
            .load(&mut conn)
            .unwrap();
        assert_eq!(rows, vec![(1, 3, "a".to_owned())]);
        println!("count {}", count.load(std::sync::atomic::Ordering::SeqCst));
    }
    diesel::update(post::table.find(1))
        .set(post::title.eq("b"))
        .execute(&mut conn)
        .unwrap();
    let rows: Vec<(i32, i32, String)> = post::table
        .filter(post::author_id.eq(3))
        .load(&mut conn)
        .unwrap();
    assert_eq!(rows, vec![(1, 3, "b".to_owned())]);
}
