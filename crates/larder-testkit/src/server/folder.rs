//! A private folder, and the keeper that stays with it for its whole life.
//!
//! The keeper is a small `sh` script that holds the reading end of a pipe from this process. It
//! runs the server of the folder when told to, again and again if need be, and notes in the
//! folder when a run has ended. When the pipe closes (the handle drops, a test panics, the process
//! exits without dropping statics, or is killed with SIGKILL) it stops the server by its pid and
//! removes the folder. Nobody else removes it, so no server can lose its data between two runs and
//! none can outlive its folder. The keeper is in a process group of its own, so that an interrupt
//! from the terminal does not kill it before it has cleaned up.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    Result, ServerError,
    account::{self, Account},
};

/// A private folder, owned by the account that the server runs under.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    account: Option<Account>,
    keeper: Child,
}

impl Folder {
    /// Creates a folder for a server that runs as `account_name` when this process is root.
    pub(super) fn create(prefix: &str, account_name: &str) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("larder-{prefix}-{}-{serial}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A leftover of a dead process with the same id is in nobody's use.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|e| ServerError::io("create", &path, &e))?;
        let (account, keeper) = hand_over(&path, account_name).inspect_err(|_| {
            let _ = fs::remove_dir_all(&path);
        })?;
        Ok(Self {
            path,
            account,
            keeper,
        })
    }

    /// The process id of the keeper.
    pub(super) fn keeper_pid(&self) -> u32 {
        self.keeper.id()
    }

    /// Writes a file that the folder's account may change.
    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, text)
            .and_then(|()| give(&path, self.account))
            .map_err(|e| ServerError::io("write", &path, &e))?;
        Ok(path)
    }

    /// Runs a command to its end under the folder's account.
    pub(super) fn run(&self, mut command: Command) -> Result<()> {
        prepare(&mut command, &self.path, self.account);
        super::process::run(command)
    }

    /// Sets what the next [`run_server`](Self::run_server) runs.
    pub(super) fn set_server(&self, server: &Command) -> Result<()> {
        let mut line = b"exec".to_vec();
        for word in std::iter::once(server.get_program()).chain(server.get_args()) {
            line.push(b' ');
            line.extend(quoted(word));
        }
        self.write(COMMAND, line).map(drop)
    }

    /// Tells the keeper to run the server and to end it with this signal. What an earlier run
    /// has left to be read is removed first, so that it is not taken for this one's.
    pub(super) fn run_server(&mut self, stop: &str) -> Result<()> {
        for name in [LOG, PID, ENDED] {
            let path = self.path.join(name);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(ServerError::io("remove", &path, &e));
                }
                _ => {}
            }
        }
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let pipe = self.keeper.stdin.as_mut().ok_or_else(closed);
        pipe.and_then(|pipe| writeln!(pipe, "{stop}"))
            .map_err(|e| ServerError::io("start a server in", &self.path, &e))
    }

    /// The process id of the server, once it runs.
    pub(super) fn server_pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.path.join(PID)).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    }

    /// Whether the latest run has ended.
    pub(super) fn server_ended(&self) -> bool {
        self.path.join(ENDED).exists()
    }

    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let start = log.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(log.get(start..).unwrap_or_default()).into_owned()
    }

    pub(super) fn log_contains(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.log()).contains(text)
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.path.join(LOG)).unwrap_or_default()
    }
}

impl Drop for Folder {
    /// Closes the pipe and waits until the server and the folder are gone.
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Gives the new folder to the account and puts the keeper in.
fn hand_over(path: &Path, account_name: &str) -> Result<(Option<Account>, Child)> {
    let account = account::unprivileged(path, account_name)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .and_then(|()| give(path, account))
        .map_err(|e| ServerError::io("hand over", path, &e))?;
    let shell = Path::new("/bin/sh");
    let mut command = Command::new(shell);
    command
        .args(["-c", KEEPER, "larder-keeper"])
        .arg(path)
        .args([COMMAND, LOG, PID, ENDED]);
    prepare(&mut command, path, account);
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let keeper = command
        .spawn()
        .map_err(|e| ServerError::io("run", shell, &e))?;
    Ok((account, keeper))
}

fn give(path: &Path, account: Option<Account>) -> io::Result<()> {
    match account {
        Some(account) => chown(path, Some(account.uid), Some(account.gid)),
        None => Ok(()),
    }
}

fn prepare(command: &mut Command, path: &Path, account: Option<Account>) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
        .current_dir(path)
        .env("HOME", path)
        .env("LC_ALL", "C");
}

/// A word as `sh` reads it back.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// Every line read from the pipe is an order to run the server: the signal that ends it. End of
/// file is the order to stop; SIGKILL follows when the server ignores the signal for two seconds.
/// At last the keeper kills its own process group, in which a killed server may have left a child
/// that writes a snapshot.
const KEEPER: &str = r#"
folder=$1; command=$2; log=$3; pid=$4; ended=$5
exec 3<&0 </dev/null
# The kernel hangs up a group that loses its parent while one of it, a paused server, is stopped.
trap '' HUP
watcher=
while read -r order <&3; do
    signal=$order
    {
        ( . "./$command" ) >>"$log" 2>&1 &
        echo $! >"$pid"
        wait $!
        : >"$ended"
    } 3<&- &
    watcher=$!
done
if [ -n "$watcher" ]; then
    # The order to stop may come before the server has been started.
    while [ ! -s "$pid" ] && kill -0 "$watcher" 2>/dev/null; do sleep 0.01; done
    read -r server <"$pid"
    [ -e "$ended" ] || kill -s "$signal" "$server"
    {
        left=20
        while [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1; done
        [ -e "$ended" ] || kill -s KILL "$server"
    } &
    wait "$watcher"
fi
cd /
rm -rf "$folder" || rm -rf "$folder"
kill -s KILL 0
"#;

const COMMAND: &str = "server.command";
const LOG: &str = "server.log";
const PID: &str = "server.pid";
const ENDED: &str = "server.ended";
const LOG_TAIL_BYTES: usize = 4096;
