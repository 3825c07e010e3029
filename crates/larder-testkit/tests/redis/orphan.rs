use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use larder_testkit::server::{RedisServer, wait_until};

use crate::{
    gone::{assert_gone, is_zombie},
    server::folder_of,
};

#[test]
fn servers_end_when_their_process_is_killed() {
    let test_binary = std::env::current_exe().unwrap();
    let mut child = Command::new(test_binary)
        .args([
            "--exact",
            "orphan::holds_servers_until_killed",
            "--nocapture",
        ])
        .env("LARDER_HOLD_SERVERS", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let lines = output.lines().map_while(Result::ok);
    let held: Vec<String> = lines
        .filter_map(|line| line.split_once("holding ").map(|(_, held)| held.to_owned()))
        .take(SERVERS)
        .collect();
    assert_eq!(held.len(), SERVERS);
    child.kill().unwrap();
    child.wait().unwrap();
    for held in &held {
        let words: Vec<&str> = held.split(' ').collect();
        let [port, supervisor, pid, folder] = words[..] else {
            panic!("{held:?}");
        };
        assert_gone(port.parse().unwrap(), supervisor.parse().unwrap());
        assert!(!Path::new(folder).exists(), "{folder} is still there");
        let process = PathBuf::from(format!("/proc/{pid}"));
        let ended = || Ok(!process.exists() || is_zombie(&process));
        wait_until("the server has ended", ended).unwrap();
    }
}

/// Does nothing unless the test above runs it in a process of its own.
#[test]
fn holds_servers_until_killed() {
    if std::env::var_os("LARDER_HOLD_SERVERS").is_none() {
        return;
    }
    let mut servers: Vec<RedisServer> = (0..SERVERS)
        .map(|_| RedisServer::start().unwrap())
        .collect();
    let folders: Vec<String> = servers.iter().map(folder_of).collect();
    servers[1].restart().unwrap();
    servers[2].pause().unwrap();
    servers[3].kill().unwrap();
    let mut output = std::io::stdout();
    for (server, folder) in servers.iter().zip(folders) {
        let (port, supervisor, pid) = (server.port(), server.supervisor_pid(), server.pid());
        writeln!(output, "\nholding {port} {supervisor} {pid} {folder}").unwrap();
    }
    output.flush().unwrap();
    loop {
        std::thread::park();
    }
}

/// One each: untouched, restarted, paused, killed.
const SERVERS: usize = 4;
