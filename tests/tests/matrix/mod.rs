//! The matrix: reads, writes, and the check that goes over both.

mod reads;
mod writes;

use larder_tests::lab::{Backend, Lab};
use reads::{READS, answer};
use writes::{WRITES, Write};

/// Runs every write on a database of its own: all reads are warm before it, equal to the database
/// after it, and those that it cannot have touched cost no query.
pub async fn check(backend: Backend) {
    for write in WRITES {
        let lab = Lab::start(backend).await;
        warm(&lab, write.name).await;
        (write.run)(&lab.db).await.unwrap_or_else(|error| panic!("{}: {error}", write.name));
        after(&lab, write).await;
        lab.plain.close().await.unwrap();
    }
}

/// Fills every read and sees that the second run is a hit.
async fn warm(lab: &Lab, write: &str) {
    for read in READS {
        answer(&lab.db, read).await;
    }
    for read in READS {
        let before = lab.selects();
        let cached = answer(&lab.db, read).await;
        assert_eq!(lab.selects(), before, "{:?}: {read} is no hit before {write}", lab.backend);
        assert_eq!(cached, answer(&lab.plain, read).await, "{:?}: {read}", lab.backend);
    }
}

async fn after(lab: &Lab, write: &Write) {
    let kept = |read: &str| {
        write.keeps.contains(&read)
            || (lab.returns_rows() && write.keeps_with_returning.contains(&read))
    };
    for name in write.keeps.iter().chain(write.keeps_with_returning) {
        assert!(READS.contains(name), "{}: no read is called {name}", write.name);
    }
    for read in READS {
        let before = lab.selects();
        let cached = answer(&lab.db, read).await;
        let queries = lab.selects() - before;
        let truth = answer(&lab.plain, read).await;
        assert_eq!(cached, truth, "{:?}: {read} is stale after {}", lab.backend, write.name);
        assert!(queries <= 1, "{read} took {queries} queries");
        if kept(read) {
            assert_eq!(queries, 0, "{:?}: {} dropped {read}", lab.backend, write.name);
        }
    }
}
