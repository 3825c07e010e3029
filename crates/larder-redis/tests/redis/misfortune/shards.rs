//! Tables that are spread over shards (P12).

use larder_core::DependencyKey;
use larder_testkit::{
    fixture::{Posts, Query},
    server::RedisCluster,
};

use super::{Process, Rows, STORED, cluster_config, process::processes};

/// Enough for all shards.
const ENTRIES: u16 = 12;

#[test]
fn a_write_drops_values_and_shapes_on_all_shards() {
    let cluster = RedisCluster::start().unwrap();
    let processes = processes(&cluster_config(&cluster).with_table_shards(3));
    let rows = Rows::new(1);
    let lying_on = |kind: &str| {
        let keys = |node: usize| cluster.nodes()[node].command(&["KEYS", kind]).unwrap();
        let all = (0..3).map(keys).collect::<String>();
        (0..3)
            .filter(|shard| all.contains(&format!(":{shard}/3}}")))
            .count()
    };
    for writer in &processes {
        check_drops(writer, &processes, &rows);
        assert_eq!(lying_on("*:t:*"), 3, "no shard is left out");
    }
    processes.iter().for_each(Process::has_no_fault);
}

#[test]
fn writers_of_another_layout_drop_what_readers_of_this_one_read() {
    let cluster = RedisCluster::start().unwrap();
    let config = cluster_config(&cluster);
    let one = config.clone().with_also_invalidate_shards([3]);
    let three = config.with_table_shards(3).with_also_invalidate_shards([1]);
    let (one, three) = (processes(&one), processes(&three));
    let rows = Rows::new(1);
    for writer in &one {
        check_drops(writer, &three, &rows);
    }
    for writer in &three {
        check_drops(writer, &one, &rows);
    }
    one.iter().chain(&three).for_each(Process::has_no_fault);
}

/// Everything that the readers have read is dropped by each kind of write.
fn check_drops(writer: &Process, readers: &[Process], rows: &Rows) {
    let author = 0;
    let posts = &rows.posts;
    let writes = [
        // The stamps of its values, the whole shape, the record.
        posts.retitled(author),
        posts.unknown_row(),
        posts.unknown_rows(),
    ];
    for change in writes {
        let queries = queries(posts);
        for reader in readers {
            for query in &queries {
                let _ = reader.read_query(rows, 0, query);
                let again = reader.read_query(rows, 0, query);
                assert!(again.is_hit(), "{reader:?}: {again:?}");
            }
        }
        let version = rows.versions[0].fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        assert!(writer.invalidate(&[change]), "{writer:?}");
        rows.delivered[0].store(version + 1, std::sync::atomic::Ordering::SeqCst);
        for (reader, query) in readers.iter().cycle().zip(&queries) {
            let answer = reader.read_query(rows, 0, query);
            assert_eq!(answer, STORED, "{writer:?}, {reader:?}");
        }
    }
}

/// The same question as many statements ask it, each of whose results lies on some shard.
fn queries(posts: &Posts) -> Vec<Query> {
    let spread_to = |spread: u16| {
        let mut query = posts.by_author(0);
        let [low, high] = spread.to_le_bytes();
        query.entry.digest.0[0] = low;
        query.entry.digest.0[1] = high;
        let spread = query.entry.spread();
        query.dependencies = query
            .dependencies
            .into_iter()
            .map(|dependency| DependencyKey {
                spread,
                ..dependency
            })
            .collect();
        query
    };
    (0..ENTRIES).map(spread_to).collect()
}
