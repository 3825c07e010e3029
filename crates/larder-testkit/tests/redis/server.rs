use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use larder_testkit::server::{RedisOptions, RedisServer, shared_redis};

use crate::gone::assert_gone;

#[test]
fn settings_reach_the_server() {
    let options = RedisOptions::default().settings(&[
        ("maxmemory", "3mb"),
        ("maxmemory-policy", "allkeys-lru"),
        ("enable-debug-command", "yes"),
    ]);
    let server = RedisServer::start_with(&options).unwrap();
    assert_eq!(server.info("maxmemory").unwrap(), "3145728");
    assert_eq!(server.info("maxmemory_policy").unwrap(), "allkeys-lru");
    assert_eq!(server.command(&["DEBUG", "SLEEP", "0"]).unwrap(), "OK");
    let refused = shared_redis().unwrap().command(&["DEBUG", "SLEEP", "0"]);
    assert!(refused.unwrap_err().to_string().starts_with("ERR DEBUG"));
}

#[test]
fn replies_of_every_type_are_readable() {
    let server = RedisServer::start().unwrap();
    let command = |words: &[&str]| server.command(words).unwrap();
    assert_eq!(command(&["SET", "key", "two\r\nlines"]), "OK");
    assert_eq!(command(&["GET", "key"]), "two\r\nlines");
    assert_eq!(command(&["GET", "absent"]), "(nil)");
    assert_eq!(command(&["INCRBY", "number", "-7"]), "-7");
    assert_eq!(command(&["MGET", "number", "absent"]), "-7\n(nil)");
    assert_eq!(command(&["KEYS", "none*"]), "");
    let nested = "return {1, {2, 'three'}, {err = 'ERR four'}}";
    assert_eq!(command(&["EVAL", nested, "0"]), "1\n2\nthree\nERR four");
    let error = server.command(&["LPUSH", "key", "x"]).unwrap_err();
    assert!(error.to_string().starts_with("WRONGTYPE "));
}

#[test]
fn restart_from_the_append_only_file_keeps_a_key() {
    let durable = [("appendonly", "yes"), ("appendfsync", "always")];
    let options = RedisOptions::default().settings(&durable);
    let mut server = RedisServer::start_with(&options).unwrap();
    server.command(&["SET", "key", "kept"]).unwrap();
    let identity = |s: &RedisServer| (s.pid(), s.info("run_id").unwrap());
    let (port, before) = (server.port(), identity(&server));
    server.kill().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!server.is_serving());
    server.restart().unwrap();
    assert_eq!(server.command(&["GET", "key"]).unwrap(), "kept");
    assert_eq!(server.port(), port);
    let after = identity(&server);
    assert_ne!(after.0, before.0);
    assert_ne!(after.1, before.1);
    assert_eq!(server.info("process_id").unwrap(), after.0.to_string());
}

#[test]
fn restart_without_persistence_loses_a_key() {
    let mut server = RedisServer::start().unwrap();
    server.command(&["SET", "key", "lost"]).unwrap();
    server.restart().unwrap();
    assert_eq!(server.command(&["GET", "key"]).unwrap(), "(nil)");
}

#[test]
fn server_that_was_killed_cannot_be_hurt_further() {
    let mut server = RedisServer::start().unwrap();
    server.kill().unwrap();
    let error = server.pause().unwrap_err();
    assert_eq!(error.to_string(), "Redis does not run");
    assert!(server.kill().is_err());
    let error = server.command(&["PING"]).unwrap_err().to_string();
    assert!(error.contains("does not answer"), "{error}");
}

#[test]
fn paused_server_answers_once_it_is_resumed() {
    let mut server = RedisServer::start().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    server.pause().unwrap();
    assert!(!server.is_serving());
    stream.write_all(b"PING\r\n").unwrap();
    let mut reply = [0; 7];
    let error = stream.read_exact(&mut reply).unwrap_err().kind();
    assert!(matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    server.resume().unwrap();
    stream.set_read_timeout(None).unwrap();
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"+PONG\r\n");
}

#[test]
fn paused_server_is_gone_after_drop() {
    let mut server = RedisServer::start().unwrap();
    let folder = PathBuf::from(folder_of(&server));
    server.pause().unwrap();
    let (port, supervisor) = (server.port(), server.supervisor_pid());
    drop(server);
    assert_gone(port, supervisor);
    assert!(!folder.exists());
}

#[test]
fn password_is_part_of_the_url_and_used_by_commands() {
    let options = RedisOptions::default().settings(&[("requirepass", "sesame")]);
    let server = RedisServer::start_with(&options).unwrap();
    let url = format!("redis://:sesame@127.0.0.1:{}/", server.port());
    assert_eq!(server.url(), url);
    assert_eq!(server.command(&["PING"]).unwrap(), "PONG");
    let stranger = ask(TcpStream::connect(("127.0.0.1", server.port())).unwrap());
    assert!(stranger.starts_with("-NOAUTH"), "{stranger}");
}

#[test]
fn users_come_from_settings_or_from_a_file() {
    let user = "reader on >pw ~* +@read";
    let lines = RedisOptions::default().settings(&[("user", user)]);
    let file = RedisOptions::default()
        .file("users.acl", &format!("user {user}\n"))
        .settings(&[("aclfile", "users.acl")]);
    for options in [lines, file] {
        let server = RedisServer::start_with(&options).unwrap();
        let users = server.command(&["ACL", "USERS"]).unwrap();
        assert_eq!(users, "default\nreader");
    }
}

#[test]
fn unix_socket_answers() {
    let options = RedisOptions::default().unix_socket();
    let server = RedisServer::start_with(&options).unwrap();
    let socket = server.unix_socket().unwrap();
    assert_eq!(ask(UnixStream::connect(socket).unwrap()), "+PONG\r\n");
    assert_eq!(server.command(&["PING"]).unwrap(), "PONG");
    assert!(shared_redis().unwrap().unix_socket().is_none());
}

#[test]
fn tls_is_spoken_on_the_port_and_nothing_else() {
    let mut server = RedisServer::start_with(&RedisOptions::default().tls()).unwrap();
    let url = format!("rediss://localhost:{}/", server.port());
    assert_eq!(server.url(), url);
    assert_eq!(ask_with_tls(&server), "+PONG\r\n+OK\r\n");
    let plain = ask(TcpStream::connect(("127.0.0.1", server.port())).unwrap());
    assert!(!plain.contains("PONG"), "{plain}");
    server.restart().unwrap();
    assert_eq!(server.command(&["PING"]).unwrap(), "PONG");
    assert_eq!(ask_with_tls(&server), "+PONG\r\n+OK\r\n");
}

/// Asks as a client that verifies the server's name and shows its own certificate.
fn ask_with_tls(server: &RedisServer) -> String {
    let tls = server.tls().unwrap();
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error"])
        .args(["-verify_hostname", "localhost", "-CAfile"])
        .arg(tls.ca_pem())
        .arg("-cert")
        .arg(tls.client_cert_pem())
        .arg("-key")
        .arg(tls.client_key_pem())
        .args(["-connect", &format!("127.0.0.1:{}", server.port())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = openssl.stdin.take().unwrap();
    input.write_all(b"PING\r\nQUIT\r\n").unwrap();
    let output = openssl.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn ask(mut stream: impl Read + Write) -> String {
    let mut reply = Vec::new();
    stream.write_all(b"PING\r\n").unwrap();
    let mut buffer = [0; 512];
    // A server that expects TLS closes the connection.
    if let Ok(length) = stream.read(&mut buffer) {
        reply.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&reply).into_owned()
}

pub(crate) fn folder_of(server: &RedisServer) -> String {
    let answer = server.command(&["CONFIG", "GET", "dir"]).unwrap();
    answer.lines().nth(1).unwrap().to_owned()
}
