use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use larder_testkit::{
    proxy::{Misfortune, Proxy},
    server::{shared_redis, wait_until},
};

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONG: &[u8] = b"+PONG\r\n";

/// What is heard of a command.
#[derive(Debug, PartialEq)]
enum Heard {
    Pong,
    Nothing,
    TheEnd,
}

#[test]
fn commands_and_answers_pass_and_are_recorded() {
    let proxy = proxy();
    let mut client = client(&proxy);
    assert_eq!(ping(&mut client), Heard::Pong);
    // A command in two pieces is one command.
    client.write_all(&PING[..5]).unwrap();
    client.write_all(&PING[5..]).unwrap();
    assert_eq!(hear(&mut client), Heard::Pong);
    let passed = proxy.passed();
    assert_eq!(passed.len(), 2);
    assert!(passed.iter().all(|command| command.is("PING")));
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn a_stalled_proxy_holds_back_what_it_forwards_later() {
    let proxy = proxy();
    let mut client = client(&proxy);
    proxy.stall();
    assert_eq!(ping(&mut client), Heard::Nothing);
    assert_eq!(proxy.passed().len(), 0);
    proxy.resume();
    wait_until(
        "the answer arrives",
        || Ok(hear(&mut client) == Heard::Pong),
    )
    .unwrap();
}

#[test]
fn dropped_connections_end_and_new_ones_are_made() {
    let proxy = proxy();
    let mut old = client(&proxy);
    assert_eq!(ping(&mut old), Heard::Pong);
    proxy.drop_connections();
    assert_eq!(hear(&mut old), Heard::TheEnd);
    assert_eq!(ping(&mut client(&proxy)), Heard::Pong);
    assert_eq!(proxy.accepted(), 2);
}

#[test]
fn a_spoilt_command_reaches_the_server_and_its_answer_nobody() {
    for (misfortune, heard) in [
        (Misfortune::Cut, Heard::TheEnd),
        (Misfortune::Mute, Heard::Nothing),
    ] {
        let proxy = proxy();
        proxy.spoil(misfortune, |command| command.is("PING"));
        assert!(!proxy.is_spoilt());
        assert_eq!(ping(&mut client(&proxy)), heard);
        assert!(proxy.is_spoilt());
        assert_eq!(proxy.passed().len(), 1);
        assert_eq!(ping(&mut client(&proxy)), Heard::Pong);
    }
}

#[test]
fn a_proxy_ends_with_all_its_connections() {
    let proxy = proxy();
    let mut client = client(&proxy);
    assert_eq!(ping(&mut client), Heard::Pong);
    proxy.stall();
    let port = proxy.port();
    drop(proxy);
    assert_eq!(hear(&mut client), Heard::TheEnd);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

fn proxy() -> Proxy {
    Proxy::start(shared_redis().unwrap().port()).unwrap()
}

fn client(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let patience = Duration::from_millis(1_500);
    client.set_read_timeout(Some(patience)).unwrap();
    client
}

fn ping(client: &mut TcpStream) -> Heard {
    client.write_all(PING).unwrap();
    hear(client)
}

fn hear(client: &mut TcpStream) -> Heard {
    let mut answer = [0; PONG.len()];
    match client.read_exact(&mut answer) {
        Ok(()) => {
            assert_eq!(answer, PONG);
            Heard::Pong
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Heard::Nothing
        }
        Err(_) => Heard::TheEnd,
    }
}
