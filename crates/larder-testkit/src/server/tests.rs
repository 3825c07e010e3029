use std::process::Command;

use super::{
    binary,
    folder::Folder,
    process::{Kind, ServerProcess},
};

fn start(script: &str) -> (std::path::PathBuf, super::Result<ServerProcess>) {
    let folder = Folder::create("fake", "nobody").unwrap();
    let path = folder.path.clone();
    let command = |_| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    };
    let kind = Kind {
        name: "fake",
        ready: "ready",
        stop: "TERM",
    };
    (path, ServerProcess::start(folder, kind, &command))
}

#[test]
fn missing_binary_names_the_package() {
    let error = binary::find(&["no-such-server"], "no-such-package").unwrap_err();
    let expected = "no-such-server not found: install the Debian package no-such-package";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn failed_start_shows_the_end_of_the_log() {
    let (folder, process) = start("echo the disk is on fire; exit 3");
    let error = process.unwrap_err().to_string();
    assert_eq!(
        error,
        "fake ended at its start; its log:\nthe disk is on fire\n"
    );
    assert!(!folder.exists());
}

#[test]
fn taken_port_is_replaced_a_few_times() {
    let (_, process) = start("echo Address already in use; exit 1");
    assert_eq!(
        process.unwrap_err().to_string(),
        "fake: no free port in 5 attempts"
    );
}

#[test]
fn server_that_ignores_the_order_to_stop_is_killed() {
    let (folder, process) = start("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    let process = process.unwrap();
    assert!(folder.exists());
    drop(process);
    assert!(!folder.exists());
}
