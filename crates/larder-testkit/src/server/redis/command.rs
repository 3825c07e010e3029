//! As much of Redis's protocol (RESP2) as setting up a test takes.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::server::{Result, ServerError};

/// What a server answers.
#[derive(Debug)]
pub(super) enum Reply {
    Nil,
    /// A status, a number or a bulk string.
    Text(Vec<u8>),
    Error(String),
    Array(Vec<Self>),
}

impl Reply {
    /// The bytes of every text in the reply, in order.
    pub(super) fn texts(self) -> Vec<Vec<u8>> {
        match self {
            Self::Text(bytes) => vec![bytes],
            Self::Array(items) => items.into_iter().flat_map(Self::texts).collect(),
            Self::Nil | Self::Error(_) => Vec::new(),
        }
    }

    /// One line per element; an array in an array is not indented.
    pub(super) fn into_string(self) -> String {
        match self {
            Self::Nil => "(nil)".to_owned(),
            Self::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Self::Error(message) => message,
            Self::Array(items) => {
                let lines: Vec<String> = items.into_iter().map(Self::into_string).collect();
                lines.join("\n")
            }
        }
    }
}

/// Sends one command to a port, on a connection of its own.
pub(super) fn over_tcp(port: u16, password: Option<&str>, command: &[&[u8]]) -> Result<Reply> {
    let place = format!("port {port}");
    let connected = TcpStream::connect(("127.0.0.1", port)).and_then(|stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    });
    let stream = connected.map_err(|e| failure(&place, &e))?;
    converse(stream, password, command).map_err(|e| failure(&place, &e))?
}

/// Sends one command to a Unix socket, on a connection of its own.
pub(super) fn over_socket(path: &Path, password: Option<&str>, command: &[&[u8]]) -> Result<Reply> {
    let place = path.display().to_string();
    let connected = UnixStream::connect(path).and_then(|stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    });
    let stream = connected.map_err(|e| failure(&place, &e))?;
    converse(stream, password, command).map_err(|e| failure(&place, &e))?
}

fn failure(place: &str, error: &io::Error) -> ServerError {
    ServerError::new(format!("Redis on {place} does not answer: {error}"))
}

/// The outer error is the connection's, the inner one is what the server objects to.
fn converse(
    stream: impl Read + Write,
    password: Option<&str>,
    command: &[&[u8]],
) -> io::Result<Result<Reply>> {
    let mut stream = BufReader::new(stream);
    let login = password.map(|password| [b"AUTH".as_slice(), password.as_bytes()]);
    let login = login.as_ref().map(<[&[u8]; 2]>::as_slice);
    let mut last = Reply::Nil;
    for command in login.into_iter().chain([command]) {
        stream.get_mut().write_all(&encoded(command))?;
        last = read(&mut stream)?;
        if let Reply::Error(message) = last {
            return Ok(Err(ServerError::new(message)));
        }
    }
    Ok(Ok(last))
}

fn encoded(command: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for word in command {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    bytes
}

fn read(stream: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, format!("it said {line:?}"));
    let text = line.strip_suffix("\r\n").ok_or_else(strange)?;
    let (kind, rest) = text.split_at_checked(1).ok_or_else(strange)?;
    let number = rest.parse::<i64>().map_err(|_| strange());
    match kind {
        "+" | ":" => Ok(Reply::Text(rest.as_bytes().to_vec())),
        "-" => Ok(Reply::Error(rest.to_owned())),
        "$" | "*" if number.as_ref().is_ok_and(|n| *n < 0) => Ok(Reply::Nil),
        "$" => read_bulk(stream, number?.unsigned_abs()),
        "*" => (0..number?)
            .map(|_| read(stream))
            .collect::<io::Result<_>>()
            .map(Reply::Array),
        _ => Err(strange()),
    }
}

fn read_bulk(stream: &mut impl BufRead, length: u64) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes)?;
    let mut end = [0; 2];
    stream.read_exact(&mut end)?;
    Ok(Reply::Text(bytes))
}

/// Longer than any command here takes on a busy machine; a paused server is given up after it.
const PATIENCE: Duration = Duration::from_secs(5);
