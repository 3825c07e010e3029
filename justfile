# Thin recipes over the same scripts that CI runs; plain cargo does everything too.

# Everything that the tests need is installed and run.
test *ARGS:
    scripts/test {{ARGS}}

# What CI runs: format, lints, docs, tests.
ci:
    bash .ci/run

# The embedded demonstration: SQLite in memory, no servers.
quickstart:
    cargo run -p larder-examples --bin quickstart

# Ratios and microseconds, release build.
bench:
    scripts/bench

# Replay one seed of the differential test.
differential SEED:
    LARDER_SEED={{SEED}} cargo test -p larder-tests --test differential

# Each kind of Redis is hurt so many times while two processes read and write.
faults ROUNDS:
    LARDER_FAULT_ROUNDS={{ROUNDS}} cargo test -p larder-tests --test faults -- --nocapture

# Two processes on one Redis.
two-processes:
    cargo run -p larder-examples --features redis --bin two_processes

# A blog on axum, PostgreSQL and Redis that visits itself: `just web sea-orm`, `just web diesel-async`.
web ORM:
    cargo run -p larder-examples --features web-{{ORM}} --bin web_{{replace(ORM, "-", "_")}}
