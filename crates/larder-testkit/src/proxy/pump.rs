//! The two directions of one connection.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

use super::{Command, Misfortune, Shared, lock};

/// What has befallen a connection.
#[derive(Default)]
struct Fate(AtomicU8);

const CUT: u8 = 1;
const MUTE: u8 = 2;

/// Forwards until one side closes.
pub(super) fn start(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) -> io::Result<()> {
    let fate = Arc::new(Fate::default());
    let there = (client.try_clone()?, server.try_clone()?);
    {
        let (shared, fate) = (shared.clone(), fate.clone());
        thread::spawn(move || {
            let (mut client, mut server) = there;
            // One side is gone: so is the connection.
            let _ = commands(&shared, &fate, &mut client, &mut server);
            close(&client, &server);
        });
    }
    let shared = shared.clone();
    thread::spawn(move || {
        let (mut client, mut server) = (client, server);
        let _ = answers(&shared, &fate, &mut server, &mut client);
        close(&client, &server);
    });
    Ok(())
}

fn commands(
    shared: &Shared,
    fate: &Fate,
    client: &mut TcpStream,
    server: &mut TcpStream,
) -> io::Result<()> {
    let (mut chunk, mut waiting) = (vec![0; 64 << 10], Vec::new());
    loop {
        let read = client.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        waiting.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let mut whole = Vec::new();
        while let Some((command, raw)) = Command::take(&mut waiting) {
            match shared.trapped(&command) {
                Some(Misfortune::Cut) => fate.0.store(CUT, Ordering::SeqCst),
                Some(Misfortune::Mute) => fate.0.store(MUTE, Ordering::SeqCst),
                None => {}
            }
            whole.push((command, raw));
        }
        shared.pass();
        let (commands, raw): (Vec<_>, Vec<_>) = whole.into_iter().unzip();
        lock(&shared.passed).extend(commands);
        server.write_all(&raw.concat())?;
    }
}

fn answers(
    shared: &Shared,
    fate: &Fate,
    server: &mut TcpStream,
    client: &mut TcpStream,
) -> io::Result<()> {
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = server.read(&mut chunk)?;
        shared.pass();
        match fate.0.load(Ordering::SeqCst) {
            _ if read == 0 => return Ok(()),
            CUT => return Ok(()),
            MUTE => {}
            _ => client.write_all(chunk.get(..read).unwrap_or_default())?,
        }
    }
}

fn close(client: &TcpStream, server: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
