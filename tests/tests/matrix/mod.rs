//! The matrix: reads, writes, and the check that goes over both.

pub mod handles;
mod reads;
mod writes;

use larder_tests::lab::{Backend, Lab};
use reads::{READS, answer};
use writes::{WRITES, Write};

/// Runs every write on a database of its own: all reads are warm before it, equal to the database
/// after it, and those that it cannot have touched cost no query.
pub async fn check(backend: Backend) {
    let mut failures = Vec::new();
    for write in WRITES {
        let lab = Lab::start(backend).await;
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
async fn warm(lab: &Lab, write: &str) {
    for read in READS {
        answer(&lab.db, read).await;
    }
    for read in READS {
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
    let kept = |read: &str| {
        write.keeps.contains(&read)
            || (lab.returns_rows() && write.keeps_with_returning.contains(&read))
    };
    for name in write.keeps.iter().chain(write.keeps_with_returning) {
        assert!(
            READS.contains(name),
            "{}: no read is called {name}",
            write.name
        );
    }
    for read in READS {
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
        if queries > 1 || (queries == 1 && kept(read)) {
            failures.push(format!("{} dropped {read} ({queries} queries)", write.name));
        }
    }
}
