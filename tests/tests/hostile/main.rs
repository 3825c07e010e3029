//! Attacks on concurrency, transactions, cancellation and failure, on real databases through the
//! whole product. No test waits for time to pass: a trap in the connection forces each
//! interleaving, or a condition is awaited.

mod cancellation;
mod failure;
mod gate;
mod hooks;
mod input;
mod interleaving;
mod pool;
mod runtime;
mod sessions;
mod stress;
mod tangled;
mod transactions;
mod yard;

use larder_tests::lab::Backend;

const ALL: [Backend; 3] = [Backend::Sqlite, Backend::Postgres, Backend::MariaDb];
