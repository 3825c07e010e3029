//! Where one server listens.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

use larder_core::Error;

use super::text;

/// A host and a port: `cache.example:6379`, `[::1]:6379`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HostPort {
    /// A name or an address; that of IPv6 without brackets.
    pub host: String,
    /// The port, not 0.
    pub port: u16,
}

/// Where one server listens. As text it is `host:port`, or the path of a socket, which begins with
/// `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A host and a port.
    Tcp(HostPort),
    /// The absolute path of a Unix socket.
    Unix(PathBuf),
}

impl HostPort {
    pub(super) const SERVER_PORT: u16 = 6379;
    pub(super) const SENTINEL_PORT: u16 = 26379;

    /// A host, that of IPv6 without brackets, and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// Reads `host` or `host:port`. What it refuses may have been a password: no text contains it.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, Error> {
        if text.contains('@') || text.contains("://") {
            return Err(Error::config(MORE_THAN_HOST));
        }
        let (host, port) = split(text)?;
        let port = port.map_or(Some(default_port), text::number);
        let host = text::decode(host).ok_or_else(|| Error::config(BAD_HOST))?;
        let parsed = Self::new(host, port.unwrap_or(0));
        parsed.validate()?;
        Ok(parsed)
    }

    /// Reads hosts with commas in between.
    pub(super) fn parse_list(text: &str, default_port: u16) -> Result<Vec<Self>, Error> {
        text.split(',')
            .map(|host| Self::parse(host, default_port))
            .collect()
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let is_address = self.host.contains(':');
        match &*self.host {
            "" => Err(Error::config(EMPTY_HOST)),
            host if is_address && host.parse::<Ipv6Addr>().is_err() => Err(Error::config(NO_IPV6)),
            host if !is_address && host.contains(is_foreign) => Err(Error::config(BAD_HOST)),
            host if is_every_address(host) => Err(Error::config(EVERY_ADDRESS)),
            _ if self.port == 0 => Err(Error::config(BAD_PORT)),
            _ => Ok(()),
        }
    }
}

impl FromStr for HostPort {
    type Err = Error;

    /// Without a port it is 6379.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, Self::SERVER_PORT)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        text.parse().map(Self::Tcp)
    }
}

/// The host without brackets, and the port if there is one.
fn split(text: &str) -> Result<(&str, Option<&str>), Error> {
    let Some(rest) = text.strip_prefix('[') else {
        return match text.split_once(':') {
            Some((_, port)) if port.contains(':') => Err(Error::config(NO_IPV6)),
            Some((host, port)) => Ok((host, Some(port))),
            None => Ok((text, None)),
        };
    };
    match rest.split_once(']') {
        // Brackets are for IPv6 alone.
        Some((host, _)) if !host.contains(':') => Err(Error::config(NO_IPV6)),
        Some((host, "")) => Ok((host, None)),
        Some((host, after)) => match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None => Err(Error::config(NO_IPV6)),
        },
        None => Err(Error::config(NO_IPV6)),
    }
}

/// Where a server listens at all of its addresses; no client connects there.
fn is_every_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|it| it.is_unspecified())
}

fn is_foreign(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "/\\?#@,[]%=&\"'<>".contains(c)
}

const MORE_THAN_HOST: &str = "a server is written as host:port: a URL or a password does not \
                              belong there, and each of its parts has its own setting";
const EMPTY_HOST: &str = "a host is empty: write host or host:port";
const BAD_HOST: &str = "a host has a character that no host has: write host or host:port, \
                        with commas between several";
const EVERY_ADDRESS: &str = "a host is 0.0.0.0 or ::, where servers listen and nobody connects: \
                             write 127.0.0.1, or where the server is";
const BAD_PORT: &str = "a port is not a number from 1 to 65535: write host:port, or host alone \
                        for the usual port";
const NO_IPV6: &str = "a host with several : is no IPv6 address in brackets: write [::1]:6379";
