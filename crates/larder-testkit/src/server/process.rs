//! A server process: started, hurt and started again in the same folder and on the same port.

use std::{
    net::TcpListener,
    ops::Range,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::{Result, ServerError, folder::Folder, wait_until};

/// A server in its folder. It runs, unless it was killed or ended by itself.
#[derive(Debug)]
pub(super) struct ServerProcess {
    kind: Kind,
    folder: Folder,
    /// TCP port on 127.0.0.1.
    pub(super) port: u16,
    pid: u32,
    paused: bool,
}

/// What distinguishes one kind of server from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Name in messages.
    pub(super) name: &'static str,
    /// What the server logs once it accepts connections.
    pub(super) ready: &'static str,
    /// The signal that ends it fastest.
    pub(super) stop: &'static str,
}

/// How a run began.
enum Begun {
    Ready { pid: u32 },
    PortTaken,
}

impl ServerProcess {
    /// Starts the server in `folder` and waits until it accepts connections. A port that another
    /// process took between choosing and binding is replaced a few times.
    pub(super) fn start(
        mut folder: Folder,
        kind: Kind,
        command: &dyn Fn(u16) -> Command,
    ) -> Result<Self> {
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            folder.set_server(&command(port))?;
            if let Begun::Ready { pid } = begin(&mut folder, kind)? {
                return Ok(Self {
                    kind,
                    folder,
                    port,
                    pid,
                    paused: false,
                });
            }
        }
        Err(ServerError::new(format!(
            "{}: no free port in {PORT_ATTEMPTS} attempts",
            kind.name
        )))
    }

    /// The process id of the folder's keeper.
    pub(super) fn supervisor_pid(&self) -> u32 {
        self.folder.keeper_pid()
    }

    /// The process id of the server in its latest run.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the server can answer: it has not ended and is not paused.
    pub(super) fn is_serving(&self) -> bool {
        !self.paused && !self.folder.server_ended()
    }

    /// Kills the server and waits until it is gone. Its folder stays.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.signal("KILL")?;
        self.paused = false;
        wait_until("the killed server is gone", || {
            Ok(self.folder.server_ended())
        })
    }

    /// Runs the server again, after killing it if it still runs.
    pub(super) fn restart(&mut self) -> Result<()> {
        if !self.folder.server_ended() {
            self.kill()?;
        }
        match begin(&mut self.folder, self.kind)? {
            Begun::Ready { pid } => {
                self.pid = pid;
                Ok(())
            }
            Begun::PortTaken => Err(ServerError::new(format!(
                "{}: port {} was taken while the server was down",
                self.kind.name, self.port
            ))),
        }
    }

    /// Stops the server from running until it is resumed. Its connections stay open.
    pub(super) fn pause(&mut self) -> Result<()> {
        self.signal("STOP")?;
        self.paused = true;
        Ok(())
    }

    /// Lets a paused server run on.
    pub(super) fn resume(&mut self) -> Result<()> {
        self.signal("CONT")?;
        self.paused = false;
        Ok(())
    }

    fn signal(&self, signal: &str) -> Result<()> {
        if self.folder.server_ended() {
            let name = self.kind.name;
            return Err(ServerError::new(format!("{name} does not run")));
        }
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"kill -s "$1" "$2""#, "larder-signal", signal])
            .arg(self.pid.to_string());
        run(command)
    }
}

/// Runs the folder's server until it accepts connections.
fn begin(folder: &mut Folder, kind: Kind) -> Result<Begun> {
    folder.run_server(kind.stop)?;
    let begun = wait_until("the server is ready", || {
        Ok(folder.server_ended() || folder.log_contains(kind.ready))
    });
    if begun.is_err() {
        return Err(failure(folder, kind, "did not get ready"));
    }
    match folder.server_pid() {
        Some(pid) if !folder.server_ended() => Ok(Begun::Ready { pid }),
        _ if folder.log_contains("ddress already in use") => Ok(Begun::PortTaken),
        _ => Err(failure(folder, kind, "ended at its start")),
    }
}

fn failure(folder: &Folder, kind: Kind, what: &str) -> ServerError {
    let log = folder.log_tail();
    ServerError::new(format!("{} {what}; its log:\n{log}", kind.name))
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

fn free_port() -> Result<u16> {
    (0..PORT_GUESSES)
        .map(|_| fastrand::u16(PORTS))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| ServerError::new("cannot find a free port"))
}

/// Below the ports that systems lend to outgoing connections: while a server is down none of them
/// takes its port, and a client that tries to reconnect cannot meet itself. The buses of Redis
/// Cluster, 10000 above, meet neither those nor these.
const PORTS: Range<u16> = 12_000..22_000;
const PORT_GUESSES: usize = 1_000;
const PORT_ATTEMPTS: usize = 5;
