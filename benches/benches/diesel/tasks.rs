//! PostgreSQL by diesel-async, beside `PgConnection`.

use diesel::PgConnection;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _};
use larder::diesel::{CachedAsyncConnection, CachedConnection};
use larder_benches::Group;

use crate::{
    ROUNDS, larder,
    model::{Post, Product, by_key, cycle, list},
};

type Db = CachedAsyncConnection<AsyncPgConnection>;
type Blocking = CachedConnection<PgConnection>;

#[tokio::main]
pub(crate) async fn report(url: &str) {
    let larder = larder();
    let mut blocking = larder.wrap(<PgConnection as diesel::Connection>::establish(url).unwrap());
    let mut db = larder.wrap(AsyncPgConnection::establish(url).await.unwrap());
    println!("{}", hits_by_key(&mut db, &mut blocking).await.report());
    println!("{}", hits_of_a_list(&mut db, &mut blocking).await.report());
    println!("{}", queries_by_key(&mut db).await.report());
    println!("{}", queries_of_a_list(&mut db).await.report());
    println!("{}", misses(&mut db).await.report());
}

/// What a blocking connection stored is a hit for the other too: both are of one larder, and
/// PostgreSQL's format is the same for both.
fn blocking_by_key(db: &mut Blocking) -> Product {
    diesel::RunQueryDsl::get_result(by_key(1), db).unwrap()
}

fn blocking_list(db: &mut Blocking) -> Vec<Post> {
    diesel::RunQueryDsl::load(list(7), db).unwrap()
}

async fn hits_by_key(db: &mut Db, blocking: &mut Blocking) -> Group {
    let mut group = Group::new("diesel-async, a row by its key, a hit", 2_000);
    by_key(1).get_result::<Product>(db).await.unwrap();
    for _ in 0..ROUNDS {
        group.round("hit, blocking", || blocking_by_key(blocking));
        group
            .round_lent("hit, diesel-async", async || {
                by_key(1).get_result::<Product>(db).await.unwrap()
            })
            .await;
    }
    group
}

async fn hits_of_a_list(db: &mut Db, blocking: &mut Blocking) -> Group {
    let mut group = Group::new("diesel-async, a list of 20 rows, a hit", 2_000);
    list(7).load::<Post>(db).await.unwrap();
    for _ in 0..ROUNDS {
        group.round("hit, blocking", || blocking_list(blocking));
        group
            .round_lent("hit, diesel-async", async || {
                list(7).load::<Post>(db).await.unwrap()
            })
            .await;
    }
    group
}

async fn queries_by_key(db: &mut Db) -> Group {
    let mut group = Group::new(
        "diesel-async, a row by its key, the query against a hit",
        200,
    );
    for _ in 0..ROUNDS {
        group
            .round_lent("hit", async || {
                by_key(1).get_result::<Product>(db).await.unwrap()
            })
            .await;
        let plain = db.inner_mut_uncached();
        group
            .round_lent("direct", async || {
                by_key(1).get_result::<Product>(plain).await.unwrap()
            })
            .await;
    }
    group
}

async fn queries_of_a_list(db: &mut Db) -> Group {
    let mut group = Group::new(
        "diesel-async, a list of 20 rows, the query against a hit",
        200,
    );
    for _ in 0..ROUNDS {
        group
            .round_lent("hit", async || list(7).load::<Post>(db).await.unwrap())
            .await;
        let plain = db.inner_mut_uncached();
        group
            .round_lent("direct", async || {
                list(7).load::<Post>(plain).await.unwrap()
            })
            .await;
    }
    group
}

async fn misses(db: &mut Db) -> Group {
    let mut group = Group::new(
        "diesel-async, a row by its key, a miss against the query",
        200,
    );
    let mut next = cycle(2_000);
    for _ in 0..ROUNDS {
        let plain = db.inner_mut_uncached();
        group
            .round_lent("direct", async || {
                by_key(next()).get_result::<Product>(plain).await.unwrap()
            })
            .await;
        db.larder().invalidate_all().await;
        group
            .round_lent("miss", async || {
                by_key(next()).get_result::<Product>(db).await.unwrap()
            })
            .await;
    }
    group
}
