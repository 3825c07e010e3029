//! A server process that cannot outlive the tests that started it.
//!
//! The server runs under a small `sh` supervisor that holds the reading end of a pipe from this
//! process. When the pipe closes (the handle drops, a test panics, the process exits without
//! dropping statics, or is killed with SIGKILL) the supervisor stops the server by its pid and
//! removes the folder. When the server ends by itself the supervisor ends too, which is how a
//! failed start is noticed. The supervisor is in a process group of its own, so that an interrupt
//! from the terminal does not kill it before it has cleaned up.

use std::{
    fs,
    io::{self, Write as _},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use super::{
    Result, ServerError,
    account::{self, Account},
};

/// A running server and its folder.
#[derive(Debug)]
pub(super) struct ServerProcess {
    supervisor: Child,
    /// TCP port on 127.0.0.1.
    pub(super) port: u16,
}

/// A private folder, owned by the account that the server runs under. Removed on drop until a
/// supervisor has taken it over.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    account: Option<Account>,
    owned: bool,
}

/// How one kind of server is started and known to be up.
pub(super) struct Start<'a> {
    /// Name in messages.
    pub(super) name: &'static str,
    /// The server's command line for a port.
    pub(super) command: &'a dyn Fn(u16) -> Command,
    /// What the server logs once it accepts connections.
    pub(super) ready: &'static str,
    /// The signal that ends it fastest.
    pub(super) stop: &'static str,
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
        let mut folder = Self {
            path,
            account: None,
            owned: true,
        };
        folder.account = account::unprivileged(&folder.path, account_name)?;
        folder
            .restrict()
            .map_err(|e| ServerError::io("hand over", &folder.path, &e))?;
        Ok(folder)
    }

    fn restrict(&self) -> io::Result<()> {
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o700))?;
        match self.account {
            Some(account) => chown(&self.path, Some(account.uid), Some(account.gid)),
            None => Ok(()),
        }
    }

    /// Runs a command to its end under the folder's account.
    pub(super) fn run(&self, mut command: Command) -> Result<()> {
        self.prepare(&mut command);
        run(command)
    }

    fn prepare<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
            .current_dir(&self.path)
            .env("HOME", &self.path)
            .env("LC_ALL", "C")
    }

    fn log_tail(&self) -> String {
        let log = fs::read(self.path.join(LOG)).unwrap_or_default();
        let start = log.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(log.get(start..).unwrap_or_default()).into_owned()
    }

    fn log_contains(&self, text: &str) -> bool {
        let log = fs::read(self.path.join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&log).contains(text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.owned {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl ServerProcess {
    /// Starts the server in `folder` and waits until it accepts connections. A port that another
    /// process took between choosing and binding is replaced a few times.
    pub(super) fn start(mut folder: Folder, start: &Start<'_>) -> Result<Self> {
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            match Self::start_at(&mut folder, start, port)? {
                Some(process) => return Ok(process),
                None => fs::remove_file(folder.path.join(LOG))
                    .map_err(|e| ServerError::io("remove", &folder.path.join(LOG), &e))?,
            }
        }
        Err(ServerError::new(format!(
            "{}: no free port in {PORT_ATTEMPTS} attempts",
            start.name
        )))
    }

    fn start_at(folder: &mut Folder, start: &Start<'_>, port: u16) -> Result<Option<Self>> {
        let server = (start.command)(port);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "larder-supervisor", start.stop, LOG]);
        command.arg(server.get_program()).args(server.get_args());
        let mut supervisor = folder
            .prepare(&mut command)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| ServerError::io("run", Path::new("/bin/sh"), &e))?;
        for _ in 0..START_POLLS_MAX {
            let ended = supervisor
                .try_wait()
                .map_err(|e| ServerError::io("wait for", Path::new("/bin/sh"), &e))?
                .is_some();
            if ended && folder.log_contains("ddress already in use") {
                return Ok(None);
            }
            if ended {
                return Err(failure(folder, start, "ended at its start"));
            }
            if folder.log_contains(start.ready) {
                let process = Self { supervisor, port };
                return process.take_over(folder).map(Some);
            }
            thread::sleep(POLL_INTERVAL);
        }
        let error = failure(folder, start, "did not get ready");
        stop(&mut supervisor);
        Err(error)
    }

    /// From here on the supervisor removes the folder.
    fn take_over(mut self, folder: &mut Folder) -> Result<Self> {
        if let Some(pipe) = self.supervisor.stdin.as_mut() {
            writeln!(pipe, "{}", folder.path.display())
                .map_err(|e| ServerError::io("hand over", &folder.path, &e))?;
        }
        folder.owned = false;
        Ok(self)
    }

    /// The process id of the supervisor.
    pub(super) fn supervisor_pid(&self) -> u32 {
        self.supervisor.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        stop(&mut self.supervisor);
    }
}

fn failure(folder: &Folder, start: &Start<'_>, what: &str) -> ServerError {
    ServerError::new(format!(
        "{} {what}; its log:\n{}",
        start.name,
        folder.log_tail()
    ))
}

/// Runs a command to its end; its output is the error when it fails.
pub(super) fn run(mut command: Command) -> Result<()> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| ServerError::io("run", &program, &e))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ServerError::new(format!(
        "{} failed ({}): {}{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// Closes the pipe and waits until the server is gone.
fn stop(supervisor: &mut Child) {
    drop(supervisor.stdin.take());
    let _ = supervisor.wait();
}

fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| ServerError::new(format!("cannot find a free port: {e}")))
}

/// `$1` = signal, `$2` = log file, then the command. The first line read from the pipe is the
/// folder to remove at the end; end of file is the order to stop. SIGKILL follows when the server
/// ignores the order for two seconds.
const SUPERVISOR: &str = r#"
signal=$1; log=$2; shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
{
    while read -r line <&3; do printf '%s\n' "$line" >folder; done
    kill -s "$signal" "$server" 2>/dev/null
    left=20
    while [ "$left" -gt 0 ] && kill -0 "$server" 2>/dev/null; do left=$((left - 1)); sleep 0.1; done
    kill -s KILL "$server" 2>/dev/null
} &
watcher=$!
wait "$server"
kill "$watcher" 2>/dev/null
if [ -f folder ]; then
    read -r folder <folder
    cd / && rm -rf "$folder"
fi
"#;

const LOG: &str = "server.log";
const LOG_TAIL_BYTES: usize = 4096;
const PORT_ATTEMPTS: usize = 5;
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// One minute.
const START_POLLS_MAX: u32 = 6_000;
