//! Reading a URL. No error repeats any of it: where a character of a password is not encoded, the
//! rest of the password stands where another part belongs.

use larder_core::Error;

use super::{Address, HostPort, RedisConfig, SentinelConfig, TlsConfig, Topology, text};

mod parameters;

pub(super) fn parse(url: &str) -> Result<RedisConfig, Error> {
    let (scheme, rest) = Scheme::split_off(url)?;
    let parts = Parts::split(rest, scheme)?;
    let (servers, database) = parts.servers(scheme)?;
    let mut config = RedisConfig::new(servers);
    config.database = number_of_database(database)?;
    config.tls = scheme.tls.then(TlsConfig::new);
    if let Some(user) = parts.user {
        set_user(&mut config, user)?;
    }
    parameters::apply(&mut config, parts.query)?;
    config.validate()?;
    Ok(config)
}

#[derive(Clone, Copy)]
struct Scheme {
    kind: Kind,
    tls: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standalone,
    Unix,
    Sentinel,
    Cluster,
}

impl Scheme {
    /// The scheme, and what follows `://`.
    fn split_off(url: &str) -> Result<(Self, &str), Error> {
        let unknown = || Error::config(UNKNOWN_SCHEME);
        let (name, rest) = url.split_once("://").ok_or_else(unknown)?;
        let name = name.to_ascii_lowercase();
        let (kind, tls) = match &*name {
            "redis" => (Kind::Standalone, false),
            "rediss" => (Kind::Standalone, true),
            "unix" | "redis+unix" => (Kind::Unix, false),
            "redis+sentinel" => (Kind::Sentinel, false),
            "rediss+sentinel" => (Kind::Sentinel, true),
            "redis+cluster" => (Kind::Cluster, false),
            "rediss+cluster" => (Kind::Cluster, true),
            _ => return Err(unknown()),
        };
        Ok((Self { kind, tls }, rest))
    }
}

/// The parts of a URL, still encoded.
struct Parts<'a> {
    user: Option<&'a str>,
    hosts: &'a str,
    /// Empty, or begins with `/`.
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str, scheme: Scheme) -> Result<Self, Error> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, hosts) = match authority.split_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        // A socket has its password among the parameters, where nothing is cut at an @.
        if scheme.kind != Kind::Unix && (hosts.contains('@') || tail.contains('@')) {
            return Err(Error::config(STRAY_AT));
        }
        if tail.contains('#') {
            return Err(Error::config(FRAGMENT));
        }
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        Ok(Self {
            user,
            hosts,
            path,
            query,
        })
    }

    /// The servers, and the text of the database.
    fn servers(&self, scheme: Scheme) -> Result<(Topology, &'a str), Error> {
        let path = self.path.strip_prefix('/').unwrap_or_default();
        Ok(match scheme.kind {
            Kind::Standalone => (self.standalone()?, path),
            Kind::Unix => (self.socket()?, ""),
            Kind::Sentinel => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                let sentinels = HostPort::parse_list(self.hosts, HostPort::SENTINEL_PORT)?;
                let service = decode(service, "the service")?;
                (SentinelConfig::new(sentinels, service).into(), database)
            }
            Kind::Cluster => {
                let nodes = HostPort::parse_list(self.hosts, HostPort::SERVER_PORT)?;
                (Topology::cluster(nodes), path)
            }
        })
    }

    fn standalone(&self) -> Result<Topology, Error> {
        if self.hosts.contains(',') {
            return Err(Error::config(SEVERAL_HOSTS));
        }
        let server = HostPort::parse(self.hosts, HostPort::SERVER_PORT)?;
        Ok(Topology::Standalone(Address::Tcp(server)))
    }

    fn socket(&self) -> Result<Topology, Error> {
        if self.user.is_some() || !self.hosts.is_empty() {
            return Err(Error::config(SOCKET_WITH_HOST));
        }
        if matches!(self.path, "" | "/") {
            return Err(Error::config(NO_SOCKET));
        }
        // Parameters that begin with & instead of ? would make a password part of the path, and
        // paths are printed.
        if self.path.contains(['&', '=']) {
            return Err(Error::config(PARAMETERS_IN_PATH));
        }
        Ok(Topology::unix(decode(self.path, "the path")?))
    }
}

fn set_user(config: &mut RedisConfig, user: &str) -> Result<(), Error> {
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, Some(password)),
        None => (user, None),
    };
    if !name.is_empty() {
        config.username = Some(decode(name, "the user name")?);
    }
    if let Some(password) = password {
        config.password = Some(decode(password, "the password")?.into());
    }
    Ok(())
}

fn number_of_database(text: &str) -> Result<u32, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    text::number(text).ok_or_else(|| Error::config(BAD_DATABASE))
}

fn decode(text: &str, part: &str) -> Result<String, Error> {
    text::decode(text).ok_or_else(|| {
        Error::config(format!(
            "{part} of the redis URL is not well percent-encoded: write % itself as %25"
        ))
    })
}

const UNKNOWN_SCHEME: &str = "the redis URL has no known scheme: begin it with redis://, \
                              rediss://, unix://, redis+unix://, redis+sentinel://, \
                              rediss+sentinel://, redis+cluster:// or rediss+cluster://";
const STRAY_AT: &str = "the redis URL has an @ where none can be: inside the user name, the \
                        password and every other part write @ / ? # as %40 %2F %3F %23";
const FRAGMENT: &str = "the redis URL has a #: write it as %23";
const SEVERAL_HOSTS: &str = "a redis:// URL has one host: begin with redis+sentinel:// or \
                             redis+cluster:// for several";
const SOCKET_WITH_HOST: &str = "the URL of a unix socket has something before its path: begin it \
                                with unix:/// and give the user name and password as \
                                ?user=..&pass=..";
const NO_SOCKET: &str = "the redis URL names no socket: write unix:///path/to/redis.sock";
const PARAMETERS_IN_PATH: &str = "the path of the unix socket has a & or =: begin the parameters \
                                  with ?, or write & = as %26 %3D";
const BAD_DATABASE: &str = "the database of the redis URL is not a number from 0: \
                            write it after the last /";

#[cfg(test)]
mod tests;
