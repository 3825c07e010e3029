//! A hit against a bare `GET` of the same bytes over the same kind of connection, and against the
//! commands of a hit as the client library alone carries them.

use larder_benches::Group;
use larder_core::Cache;
use larder_redis::RedisStore;
use larder_testkit::{
    fixture::Query,
    server::{RedisCluster, RedisServer},
    tags::redis_tag,
};
use redis::{Client, Connection, Pipeline, aio::MultiplexedConnection, pipe};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{as_task, rows};

const ROUNDS: usize = 100;
const CALLS: u32 = 100;
type Answers = (Vec<Vec<u8>>, Vec<u8>);

const SHAPE: &str = "1|author:int|*";
const NEAR_BYTES: usize = 64 << 20;

/// The contenders: one query behind a cache with near results and one without, and bare keys on the
/// server that owns its table.
#[derive(Clone)]
struct Contenders {
    far: Cache,
    near: Cache,
    query: Query,
    bare: Client,
    /// The other servers that a hit asks.
    others: Vec<Client>,
    keys: [String; 3],
}

pub fn on_one_server(runtime: &Runtime, server: &RedisServer) {
    let store = rows::store(&server.url());
    let contenders = Contenders::new(&store, rows::table("post").by_author(7), server);
    contenders.report(runtime, "one server");
}

pub fn on_a_cluster(runtime: &Runtime, cluster: &RedisCluster) {
    let hosts: Vec<_> = cluster
        .nodes()
        .iter()
        .map(|node| format!("127.0.0.1:{}", node.port()))
        .collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    let store = rows::store(&url);
    let tables = ["post", "author", "comment"].map(rows::table);
    let owners = tables.each_ref().map(|posts| {
        let slot = cluster.slot_of(&redis_tag(&posts.key)).unwrap();
        cluster.master_of_slot(slot).unwrap()
    });
    let owner = &cluster.nodes()[owners[0]];
    let query = tables[0].by_author(7);
    Contenders::new(&store, query, owner).report(runtime, "a cluster of 3 masters");

    let mut join = tables[0].by_author(8);
    for other in &tables[1..] {
        join.dependencies.extend(other.by_author(8).dependencies);
    }
    let title = format!("a cluster, a join of 3 tables on the nodes {owners:?}");
    let mut contenders = Contenders::new(&store, join, owner);
    let mut others = owners[1..].to_vec();
    others.dedup();
    others.retain(|other| *other != owners[0]);
    contenders.others = others
        .iter()
        .map(|other| Client::open(cluster.nodes()[*other].url()).unwrap())
        .collect();
    contenders.report(runtime, &title);
}

impl Contenders {
    fn new(store: &RedisStore, query: Query, owner: &RedisServer) -> Self {
        let bare = Client::open(owner.url()).unwrap();
        let mut connection = bare.get_connection().unwrap();
        let tag = redis_tag(&query.entry.table);
        let keys = ["entry", "record", "stamp"].map(|kind| format!("{tag}:bare:{kind}"));
        let [entry, record, stamp] = &keys;
        let value = [9_u8; 16].as_slice();
        pipe()
            .cmd("SET")
            .arg(entry)
            .arg(vec![b'x'; 1_024])
            .cmd("HSET")
            .arg(record)
            .arg(SHAPE)
            .arg(value)
            .arg("@created")
            .arg(8)
            .cmd("SET")
            .arg(stamp)
            .arg(value)
            .exec(&mut connection)
            .unwrap();
        Self {
            far: rows::cache(store, 0),
            near: rows::cache(store, NEAR_BYTES),
            query,
            bare,
            others: Vec::new(),
            keys,
        }
    }

    fn report(self, runtime: &Runtime, title: &str) {
        let tasks = as_task(runtime, self.clone().in_tasks(format!("{title}, tasks")));
        println!("{}", tasks.report());
        let threads = self.in_threads(&format!("{title}, threads"));
        println!("{}", threads.report());
    }

    async fn in_tasks(self, title: String) -> Group {
        let Self {
            far, near, query, ..
        } = &self;
        let connection = self.bare.get_multiplexed_async_connection().await.unwrap();
        let mut others = JoinSet::new();
        for other in &self.others {
            let other = other.clone();
            others.spawn(async move { other.get_multiplexed_async_connection().await.unwrap() });
        }
        let others = others.join_all().await;
        let payload = rows::payload(1_024);
        rows::fill(far, query, &payload).await;
        rows::hit(near.read(rows::request(query)).await);
        let mut group = Group::new(&title, CALLS);
        for _ in 0..ROUNDS {
            group
                .round_async("GET", || self.get_shared(connection.clone()))
                .await;
            group
                .round_async("hit", || async {
                    rows::hit(far.read(rows::request(query)).await)
                })
                .await;
            group
                .round_async("near hit", || async {
                    rows::hit(near.read(rows::request(query)).await)
                })
                .await;
            group
                .round_async("MGET HGET, bare", || {
                    self.commands_shared(connection.clone())
                })
                .await;
            if let [other] = others.as_slice() {
                group
                    .round_async("GET, and TIME of the other node", || async {
                        let time = self.time_shared(other.clone());
                        tokio::join!(self.get_shared(connection.clone()), time)
                    })
                    .await;
            }
        }
        group
    }

    fn in_threads(&self, title: &str) -> Group {
        let Self {
            far, near, query, ..
        } = self;
        let mut connection = self.bare.get_connection().unwrap();
        rows::hit(near.read_blocking(rows::request(query)));
        let mut group = Group::new(title, CALLS);
        for _ in 0..ROUNDS {
            group.round("GET", || self.get(&mut connection));
            group.round("hit", || rows::hit(far.read_blocking(rows::request(query))));
            group.round("near hit", || {
                rows::hit(near.read_blocking(rows::request(query)))
            });
            group.round("MGET HGET, bare", || self.commands(&mut connection));
        }
        group
    }

    async fn get_shared(&self, mut connection: MultiplexedConnection) -> Vec<u8> {
        let mut get = redis::cmd("GET");
        get.arg(&self.keys[0]);
        get.query_async(&mut connection).await.unwrap()
    }

    async fn time_shared(&self, mut connection: MultiplexedConnection) -> bool {
        let time = redis::cmd("TIME");
        time.exec_async(&mut connection).await.is_ok()
    }

    fn get(&self, connection: &mut Connection) -> Vec<u8> {
        let mut get = redis::cmd("GET");
        get.arg(&self.keys[0]).query(connection).unwrap()
    }

    async fn commands_shared(&self, mut connection: MultiplexedConnection) -> Answers {
        self.pipeline().query_async(&mut connection).await.unwrap()
    }

    fn commands(&self, connection: &mut Connection) -> Answers {
        self.pipeline().query(connection).unwrap()
    }

    fn pipeline(&self) -> Pipeline {
        let [entry, record, stamp] = &self.keys;
        let mut pipeline = pipe();
        pipeline.cmd("MGET").arg(entry).arg(stamp);
        pipeline.cmd("HGET").arg(record).arg(SHAPE);
        pipeline
    }
}
