//! The private servers start, answer, and are gone afterwards.

mod gone;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use gone::assert_gone;
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
