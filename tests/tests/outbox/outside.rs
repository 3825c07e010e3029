//! Every write of the matrix by another program, and every read after it.

use larder::RelayConfig;
use larder_tests::lab::{Backend, Lab, builder, wrap};
use sea_orm::Database;

use crate::{
    matrix::{
        self, paths,
        reads::answer,
        writes::{WRITES, Write},
    },
    on_each,
    site::install,
};

on_each!(
    every_write_outside_leaves_every_read_fresh,
    own_writes_stay_precise_under_the_triggers,
);

async fn own_writes_stay_precise_under_the_triggers(backend: Backend) {
    matrix::check_prepared(backend, install).await;
}

/// The writer is larder with a cache of its own, which tells the other one nothing.
async fn every_write_outside_leaves_every_read_fresh(backend: Backend) {
    let mut failures = Vec::new();
    for write in WRITES {
        let lab = Lab::start(backend).await;
        install(&lab).await;
        matrix::warm(&lab, write.name).await;
        let other = builder().build().unwrap();
        let connection = Database::connect(lab.options()).await.unwrap();
        let outside = wrap(&other, connection, &lab.url);
        (write.run)(&outside)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", write.name));
        lab.db.relay(RelayConfig::new()).round().await.unwrap();
        after(&lab, write, &mut failures).await;
        outside.close().await.unwrap();
        lab.plain.close().await.unwrap();
    }
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
}

async fn after(lab: &Lab, write: &Write, failures: &mut Vec<String>) {
    // SQLite's INSERT and UPDATE cannot tell what they have replaced.
    let precise = lab.backend != Backend::Sqlite;
    let groups = write.touches.keeps();
    let kept = |read: &str| {
        groups.iter().any(|group| group.contains(&read))
            || precise && write.keeps.contains(&read)
            || precise && write.keeps_with_returning.contains(&read)
    };
    for read in matrix::reads() {
        let before = lab.selects();
        let cached = answer(&lab.db, read).await;
        let queries = lab.selects() - before;
        let truth = answer(&lab.plain, read).await;
        if cached != truth {
            let name = write.name;
            failures.push(format!(
                "{read} is stale after {name}: {cached} for {truth}"
            ));
        }
        if queries > paths::statements(read) || (queries > 0 && kept(read)) {
            failures.push(format!("{} dropped {read} ({queries} queries)", write.name));
        }
    }
}
