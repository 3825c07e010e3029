//! `larder outbox` and `larder relay`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use larder_sql::Dialect;
use larder_testkit::server::RedisServer;

use crate::lab::{Lab, end, snapshot};

const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

/// A command that goes on, and ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn recorded(lab: &Lab) -> Vec<String> {
    lab.column("SELECT table_name FROM larder_outbox").await
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_record_once_installed_and_no_more_once_removed() {
    for dialect in ALL {
        let lab = Lab::start(dialect).await;
        let ended = lab.run(&["outbox", "install", "post", "tag"]);
        assert_eq!(ended.code, 0, "{dialect:?}: {ended:?}");
        lab.outside("UPDATE tag SET name = 'x' WHERE id = 1").await;
        assert_eq!(recorded(&lab).await, ["tag"], "{dialect:?}");
        // Again, as after a change of the columns.
        assert_eq!(
            lab.run(&["outbox", "install", "tag"]).code,
            0,
            "{dialect:?}"
        );
        let early = lab.run(&["outbox", "remove", "tag", "--with-outbox"]);
        assert_eq!(early.code, 2, "{dialect:?}: {early:?}");
        assert_eq!(lab.run(&["outbox", "remove", "tag"]).code, 0, "{dialect:?}");
        lab.outside("UPDATE tag SET name = 'y' WHERE id = 1").await;
        assert_eq!(recorded(&lab).await, ["tag"], "{dialect:?}");
        let ended = lab.run(&["outbox", "remove", "post", "--with-outbox"]);
        assert_eq!(ended.code, 0, "{dialect:?}: {ended:?}");
        lab.outside("CREATE TABLE larder_outbox (id integer)").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_prints_what_can_be_run_and_runs_nothing() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.outside("CREATE SCHEMA larder").await;
    let dry = [
        "outbox",
        "install",
        "tag",
        "--schema",
        "larder",
        "--dry-run",
    ];
    let ended = lab.run(&dry);
    assert_eq!(ended.code, 0, "{ended:?}");
    let count = "SELECT count(*)::text FROM pg_class WHERE relname = 'larder_outbox'";
    assert_eq!(lab.column(count).await, ["0"]);
    lab.outside(&ended.out).await;
    lab.outside("UPDATE tag SET name = 'x' WHERE id = 1").await;
    let names = "SELECT table_name FROM larder.larder_outbox";
    assert_eq!(lab.column(names).await, ["tag"]);
    snapshot!(
        "outbox_remove_dry_run",
        lab.run(&["outbox", "remove", "tag", "--dry-run"]).text()
    );
    snapshot!(
        "outbox_unknown",
        lab.run(&["outbox", "install", "tags"]).text()
    );
}

/// A relay of a lab, and the lines that it prints.
struct Relay {
    running: Running,
    heard: mpsc::Receiver<String>,
}

impl Relay {
    fn start(mut command: Command) -> Self {
        let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
        let (lines, heard) = mpsc::channel();
        let out = BufReader::new(running.0.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines() {
                let _ = lines.send(line.unwrap());
            }
        });
        Self { running, heard }
    }

    fn next(&self) -> String {
        let line = self.heard.recv_timeout(Duration::from_secs(60));
        line.expect("a line of the relay")
    }

    /// Tells it to end. It is heard of before it is waited for: one that does not end must not hold
    /// up the test.
    fn end(mut self) -> String {
        let id = self.running.0.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let line = self.next();
        assert_eq!(self.running.0.wait().unwrap().code(), Some(0), "{line}");
        line
    }
}

const RELAY: &[&str] = &["relay", "--verbose", "--poll-interval", "10ms"];

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_invalidates_by_what_others_write_and_ends_when_told() {
    for dialect in ALL {
        let lab = Lab::start(dialect).await;
        assert_eq!(
            lab.run(&["outbox", "install", "post", "tag"]).code,
            0,
            "{dialect:?}"
        );
        lab.fill().await;
        let relay = Relay::start(lab.command(RELAY));
        lab.outside("UPDATE post SET title = 'x' WHERE id = 1")
            .await;
        let line = relay.next();
        assert!(line.starts_with("1 row, lag "), "{dialect:?}: {line}");
        assert!(lab.stale().await.is_empty(), "{dialect:?}");
        assert!(recorded(&lab).await.is_empty(), "{dialect:?}");
        let line = relay.end();
        assert!(
            line.starts_with("ended: 1 row in 1 round, longest lag "),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_keeps_what_the_store_has_not_acknowledged() {
    let mut redis = RedisServer::start().unwrap();
    let lab = Lab::on(Dialect::Postgres, &redis.url(), "").await;
    assert_eq!(lab.run(&["outbox", "install", "post"]).code, 0);
    lab.fill().await;
    let mut command = lab.command(RELAY);
    // Not patient: it is to notice.
    command.env("LARDER_STORE", redis.url());
    let relay = Relay::start(command);
    lab.outside("UPDATE post SET title = 'x' WHERE id = 1")
        .await;
    assert!(relay.next().starts_with("1 row, lag "));
    lab.fill().await;
    redis.pause().unwrap();
    lab.outside("UPDATE post SET title = 'y' WHERE id = 1")
        .await;
    let line = relay.next();
    assert!(line.starts_with("1 row kept: "), "{line}");
    assert_eq!(recorded(&lab).await, ["post"]);
    redis.resume().unwrap();
    while relay.next().starts_with("1 row kept: ") {}
    assert!(lab.stale().await.is_empty());
    assert!(recorded(&lab).await.is_empty());
    relay.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_without_an_outbox_says_what_to_do() {
    let lab = Lab::start(Dialect::Postgres).await;
    snapshot!("relay_without_outbox", end(lab.command(&["relay"])).text());
}
