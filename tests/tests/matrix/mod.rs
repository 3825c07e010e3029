//! The matrix: reads, writes, and the check that goes over both.

pub mod handles;
pub mod paths;
pub mod reads;
pub mod walk;
pub mod writes;

use larder_tests::lab::{Backend, Lab};
use reads::answer;
use writes::{WRITES, Write};

/// All reads.
pub fn reads() -> impl Iterator<Item = &'static str> {
    paths::ALL.iter().copied().flatten().copied()
}

/// Runs every write on a database of its own: all reads are warm before it, equal to the database
/// after it, and those that it cannot have touched cost no query.
pub async fn check(backend: Backend) {
    check_prepared(backend, async |_| {}).await;
}

/// [`check`] on databases that were changed before the first read.
pub async fn check_prepared(backend: Backend, prepare: impl AsyncFn(&Lab)) {
    let mut failures = Vec::new();
    println!(
        "{backend:?}: {} reads x {} writes",
        reads().count(),
        WRITES.len()
    );
    for write in WRITES {
        let lab = Lab::start(backend).await;
        prepare(&lab).await;
        warm(&lab, write.name).await;
        (write.run)(&lab.db)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", write.name));
        after(&lab, write, &mut failures).await;
        lab.plain.close().await.unwrap();
    }
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
}

/// Fills every read and sees that the second run is a hit.
pub async fn warm(lab: &Lab, write: &str) {
    for read in reads() {
        answer(&lab.db, read).await;
    }
    for read in reads() {
        let before = lab.selects();
        let cached = answer(&lab.db, read).await;
        assert_eq!(
            lab.selects(),
            before,
            "{:?}: {read} is no hit before {write}",
            lab.backend
        );
        assert_eq!(
            cached,
            answer(&lab.plain, read).await,
            "{:?}: {read}",
            lab.backend
        );
    }
}

async fn after(lab: &Lab, write: &Write, failures: &mut Vec<String>) {
    let groups = write.touches.keeps();
    let kept = |read: &str| {
        groups.iter().any(|group| group.contains(&read))
            || write.keeps.contains(&read)
            || (lab.returns_rows() && write.keeps_with_returning.contains(&read))
    };
    for name in write.keeps.iter().chain(write.keeps_with_returning) {
        assert!(
            reads().any(|read| read == *name),
            "{}: no read is called {name}",
            write.name
        );
    }
    for read in reads() {
        let before = lab.selects();
        let cached = answer(&lab.db, read).await;
        let queries = lab.selects() - before;
        let truth = answer(&lab.plain, read).await;
        if cached != truth {
            failures.push(format!(
                "{read} is stale after {}: {cached} for {truth}",
                write.name
            ));
        }
        if queries > paths::statements(read) || (queries > 0 && kept(read)) {
            failures.push(format!("{} dropped {read} ({queries} queries)", write.name));
        }
    }
}

/// Every read must be seen to stay and to go, or the matrix proves nothing about it.
pub fn every_read_is_kept_by_some_write() {
    for read in reads() {
        let kept = WRITES.iter().any(|write| {
            let groups = write.touches.keeps();
            write.touches != writes::Touches::Nothing
                && (write.keeps.contains(&read) || groups.iter().any(|group| group.contains(&read)))
        });
        assert!(kept, "no write is known to keep {read}");
    }
}

/// The names of all reads and all writes.
pub fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    let writes = WRITES.iter().map(|write| write.name);
    (reads().collect(), writes.collect())
}
