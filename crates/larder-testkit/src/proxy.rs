//! A proxy in front of a Redis server, to be told to misbehave: what a network does to a client,
//! and what a client sends twice because of it.
//!
//! It speaks no Redis but knows where a command ends, so that it can stop after the one that a test
//! is about.

mod command;
mod pump;

use std::{
    fmt, io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

pub use command::Command;

/// A proxy on a port of its own. It ends, with all its connections, when it drops.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What becomes of a connection once the command that was waited for has reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfortune {
    /// It is cut as soon as the server answers, and the answer is lost.
    Cut,
    /// It stays open, and nothing that the server says arrives any more.
    Mute,
}

struct Shared {
    target: u16,
    gate: Mutex<Gate>,
    opened: Condvar,
    traps: Mutex<Vec<Trap>>,
    passed: Mutex<Vec<Command>>,
    connections: Mutex<Vec<TcpStream>>,
    accepted: AtomicUsize,
    ended: AtomicBool,
}

#[derive(Default)]
struct Gate {
    stalled: bool,
}

struct Trap {
    matches: Box<dyn Fn(&Command) -> bool + Send>,
    misfortune: Misfortune,
}

impl Proxy {
    /// A proxy to this port of this machine.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target,
            gate: Mutex::default(),
            opened: Condvar::new(),
            traps: Mutex::default(),
            passed: Mutex::default(),
            connections: Mutex::default(),
            accepted: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let accepting = {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(&listener))
        };
        Ok(Self {
            port,
            shared,
            accepting: Some(accepting),
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forwards nothing more, in either direction, and says nothing about it: connections are still
    /// accepted and stay open.
    pub fn stall(&self) {
        lock(&self.shared.gate).stalled = true;
    }

    /// Forwards again, what was held back first.
    pub fn resume(&self) {
        lock(&self.shared.gate).stalled = false;
        self.shared.opened.notify_all();
    }

    /// Cuts all connections.
    pub fn drop_connections(&self) {
        for connection in lock(&self.shared.connections).drain(..) {
            // It may be gone already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// The next command of which this holds reaches the server, and that is the end of the
    /// connection. Once.
    pub fn spoil(
        &self,
        misfortune: Misfortune,
        matches: impl Fn(&Command) -> bool + Send + 'static,
    ) {
        lock(&self.shared.traps).push(Trap {
            matches: Box::new(matches),
            misfortune,
        });
    }

    /// Takes back what [`spoil`](Self::spoil) said and has not happened.
    pub fn mend(&self) {
        lock(&self.shared.traps).clear();
    }

    /// Whether everything that was to be spoilt was.
    pub fn is_spoilt(&self) -> bool {
        lock(&self.shared.traps).is_empty()
    }

    /// The commands that were forwarded, in their order per connection.
    pub fn passed(&self) -> Vec<Command> {
        lock(&self.shared.passed).clone()
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            self.accepted.fetch_add(1, Ordering::SeqCst);
            // A client that cannot be served, because the server is down, finds itself cut.
            let _ = client.and_then(|client| self.serve(client));
        }
    }

    fn serve(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(("127.0.0.1", self.target))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        lock(&self.connections).extend([client.try_clone()?, server.try_clone()?]);
        pump::start(self, client, server)
    }

    /// Waits while the proxy stalls.
    fn pass(&self) {
        let mut gate = lock(&self.gate);
        while gate.stalled && !self.ended.load(Ordering::SeqCst) {
            gate = self
                .opened
                .wait(gate)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The misfortune that this command was waited for with.
    fn trapped(&self, command: &Command) -> Option<Misfortune> {
        let mut traps = lock(&self.traps);
        let position = traps.iter().position(|trap| (trap.matches)(command))?;
        Some(traps.remove(position).misfortune)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.resume();
        self.drop_connections();
        // Wakes the thread that accepts.
        let woken = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            let _ = accepting.join();
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("port", &self.port)
            .field("target", &self.shared.target)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
