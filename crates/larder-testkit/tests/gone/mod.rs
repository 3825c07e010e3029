//! Whether a server has left nothing behind.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
};

use larder_testkit::server::wait_until;

/// The supervisor ends after the server, so its end means that both are gone.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
pub(crate) fn assert_gone(port: u16, supervisor: u32) {
    let process = PathBuf::from(format!("/proc/{supervisor}"));
    let gone = || Ok(!process.exists() || is_zombie(&process));
    wait_until("the supervisor has ended", gone).unwrap();
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "the server still listens"
    );
}

/// An orphan whose new parent does not reap it (a container without an init).
pub(crate) fn is_zombie(process: &Path) -> bool {
    std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
}
