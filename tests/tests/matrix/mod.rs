//! The matrix: reads, writes, and the check that goes over both.

pub mod handles;
mod paths;
mod reads;
pub mod walk;
mod writes;

use larder_tests::lab::{Backend, Lab, builder, wrap};
use reads::answer;
use sea_orm::Database;
use writes::{WRITES, Write};

/// All reads.
fn reads() -> impl Iterator<Item = &'static str> {
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
    for write in WRITES {
        let lab = Lab::start(backend).await;
        prepare(&lab).await;
        warm(&lab, write.name).await;
        (write.run)(&lab.db)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", write.name));
        after(&lab, write, Kept::Exactly, &mut failures).await;
        lab.plain.close().await.unwrap();
    }
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
}

/// Runs every write past the cache of the reads, as another program would, and `relay` after it:
/// then all reads are equal to the database, and those that were kept cost no query.
pub async fn check_outside(
    backend: Backend,
    kept: Kept,
    prepare: impl AsyncFn(&Lab),
    relay: impl AsyncFn(&Lab),
) {
    let mut failures = Vec::new();
    for write in WRITES {
        let lab = Lab::start(backend).await;
        prepare(&lab).await;
        warm(&lab, write.name).await;
        let other = builder().build().unwrap();
        let connection = Database::connect(lab.options()).await.unwrap();
        let outside = wrap(&other, connection, &lab.url);
        (write.run)(&outside)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", write.name));
        relay(&lab).await;
        after(&lab, write, kept, &mut failures).await;
        outside.close().await.unwrap();
        lab.plain.close().await.unwrap();
    }
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
}

/// What must still be a hit after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All that the write cannot have touched.
    Exactly,
    /// What rests on other tables.
    OtherTables,
}

/// Fills every read and sees that the second run is a hit.
async fn warm(lab: &Lab, write: &str) {
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

async fn after(lab: &Lab, write: &Write, exactly: Kept, failures: &mut Vec<String>) {
    let groups = write.touches.keeps();
    let kept = |read: &str| {
        groups.iter().any(|group| group.contains(&read))
            || exactly == Kept::Exactly
                && (write.keeps.contains(&read)
                    || (lab.returns_rows() && write.keeps_with_returning.contains(&read)))
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
