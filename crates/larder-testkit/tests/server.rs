//! The private servers start, answer, and are gone afterwards.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use larder_testkit::server::{MariaDbServer, PostgresServer, RedisServer};

#[test]
fn postgres_creates_databases_and_stops_on_drop() {
    let server = PostgresServer::start().unwrap();
    let first = server.create_database().unwrap();
    let second = server.create_database().unwrap();
    assert_ne!(first, second);
    let (port, supervisor) = (server.port(), server.supervisor_pid());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(server);
    assert_gone(port, supervisor);
}

#[test]
fn mariadb_creates_databases_and_stops_on_drop() {
    let server = MariaDbServer::start().unwrap();
    let first = server.create_database().unwrap();
    let second = server.create_database().unwrap();
    assert_ne!(first, second);
    let (port, supervisor) = (server.port(), server.supervisor_pid());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(server);
    assert_gone(port, supervisor);
}

#[test]
fn redis_answers_and_stops_when_the_test_panics() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let server = RedisServer::start().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.write_all(b"PING\r\n").unwrap();
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+PONG\r\n");
        sender
            .send((server.port(), server.supervisor_pid()))
            .unwrap();
        panic!("a test that fails while it holds a server");
    });
    let (port, supervisor) = receiver.recv().unwrap();
    assert!(panicked.join().is_err());
    assert_gone(port, supervisor);
}

#[test]
fn server_ends_when_its_process_is_killed() {
    let test_binary = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(test_binary)
        .args(["--exact", "holds_a_server_until_killed", "--nocapture"])
        .env("LARDER_HOLD_A_SERVER", "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let (port, supervisor) = loop {
        let mut line = String::new();
        assert_ne!(
            std::io::BufRead::read_line(&mut output, &mut line).unwrap(),
            0
        );
        if let Some((_, numbers)) = line.split_once("holding ") {
            let (port, pid) = numbers.trim().split_once(' ').unwrap();
            break (port.parse().unwrap(), pid.parse().unwrap());
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_gone(port, supervisor);
}

/// Does nothing unless the test above runs it in a process of its own.
#[test]
fn holds_a_server_until_killed() {
    if std::env::var_os("LARDER_HOLD_A_SERVER").is_none() {
        return;
    }
    let server = RedisServer::start().unwrap();
    let mut output = std::io::stdout();
    writeln!(
        output,
        "\nholding {} {}",
        server.port(),
        server.supervisor_pid()
    )
    .unwrap();
    output.flush().unwrap();
    loop {
        std::thread::park();
    }
}

/// The supervisor ends after the server, so its end means that both are gone.
fn assert_gone(port: u16, supervisor: u32) {
    let process = PathBuf::from(format!("/proc/{supervisor}"));
    let gone = || !process.exists() || is_zombie(&process);
    for _ in 0..POLLS_MAX {
        if gone() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(gone(), "the supervisor still runs");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "the server still listens"
    );
}

/// An orphan whose new parent does not reap it (a container without an init).
fn is_zombie(process: &std::path::Path) -> bool {
    std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// Twenty seconds.
const POLLS_MAX: u32 = 4_000;
