//! A visitor: the least that asks a web server.
#![expect(clippy::disallowed_methods, reason = "the account shows wall time")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    BoxError,
    summary::{HEADER, Reads},
};

/// Who asks the blog over HTTP, one connection per request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    address: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) reads: Reads,
    pub(super) took: Duration,
    pub(super) body: String,
}

impl Visitor {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(super) async fn asks(self, method: &str, path: &str) -> Result<Reply, BoxError> {
        self.send(method, path, String::new()).await
    }

    pub(super) async fn sends(
        self,
        method: &str,
        path: &str,
        content: &impl Serialize,
    ) -> Result<Reply, BoxError> {
        self.send(method, path, serde_json::to_string(content)?)
            .await
    }

    async fn send(self, method: &str, path: &str, content: String) -> Result<Reply, BoxError> {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{content}",
            self.address,
            content.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Reply::of(&response, begun.elapsed())
    }
}

impl Reply {
    fn of(response: &str, took: Duration) -> Result<Self, BoxError> {
        let (head, body) = response.split_once("\r\n\r\n").ok_or("no response")?;
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        let summary = headers.find(|(name, _)| *name == HEADER);
        Ok(Self {
            status,
            reads: Reads::from_header(summary.map_or("", |(_, value)| value)),
            took,
            body: body.to_owned(),
        })
    }

    /// What the body says.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, BoxError> {
        if self.status != 200 {
            return Err(format!("the answer is {}, not 200", self.status).into());
        }
        Ok(serde_json::from_str(&self.body)?)
    }
}
