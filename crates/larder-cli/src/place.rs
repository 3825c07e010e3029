//! Where the store and the database are: by option, by a file, or by the environment. A password
//! on the command line would stand in the list of processes and in the history of the shell.

use std::{env, fs, path::PathBuf};

use crate::exit::Failure;

/// By which names a URL is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) option: &'static str,
    pub(crate) file: &'static str,
    pub(crate) variable: &'static str,
}

pub(crate) const STORE: Names = Names {
    option: "--store",
    file: "--store-file",
    variable: "LARDER_STORE",
};

pub(crate) const DATABASE: Names = Names {
    option: "--database",
    file: "--database-file",
    variable: "DATABASE_URL",
};

impl Names {
    /// The URL, from the first place that names one.
    pub(crate) fn url(
        self,
        option: Option<&str>,
        file: Option<&PathBuf>,
    ) -> Result<Option<String>, Failure> {
        if let Some(url) = option {
            if has_password(url) {
                return Err(Failure::usage(format!(
                    "{} has a password on the command line, where others can see it: put the URL \
                     into the environment as {} or into a file, {} PATH",
                    self.option, self.variable, self.file
                )));
            }
            return Ok(Some(url.to_owned()));
        }
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|error| {
                let path = path.display();
                Failure::usage(format!("{} {path} cannot be read: {error}", self.file))
            })?;
            let url = text.trim();
            if url.is_empty() || url.contains('\n') {
                let path = path.display();
                return Err(Failure::usage(format!(
                    "{} {path} must hold one URL and nothing else",
                    self.file
                )));
            }
            return Ok(Some(url.to_owned()));
        }
        Ok(None)
    }

    /// What the environment says.
    pub(crate) fn variable(self) -> Option<String> {
        env::var(self.variable).ok().filter(|url| !url.is_empty())
    }
}

/// Whether a URL has a password, or something that may be one: `user:word@`, `?password=`, `?pass=`.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let login = rest.rsplit_once('@').map(|(login, _)| login);
    let in_login = login.is_some_and(|login| {
        login
            .split_once(':')
            .is_some_and(|(_, word)| !word.is_empty())
    });
    let parameters = rest
        .split_once('?')
        .map_or("", |(_, parameters)| parameters);
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("pass") || name.contains("pwd") || name.contains("secret")
    };
    let in_parameters = parameters
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .any(|(name, value)| secret(name) && !value.is_empty());
    in_login || in_parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_seen_wherever_it_stands() {
        for url in [
            "redis://:word@host",
            "redis://app:word@host:6379/0",
            "redis://app:wo@rd@host",
            "redis+sentinel://s1/main?sentinel_password=word",
            "unix:///run/redis.sock?pass=word",
            "postgres://app:word@host/shop",
            "postgres://host/shop?user=app&password=word",
            "mysql://app:w%40rd@host/shop",
        ] {
            assert!(has_password(url), "{url}");
        }
        for url in [
            "redis://host:6379/",
            "redis://app@host",
            "redis+cluster://a,b:7000?table_shards=4",
            "postgres://app@host:5432/shop?sslmode=require",
            "sqlite:///var/lib/shop.db?mode=rwc",
            "memory",
        ] {
            assert!(!has_password(url), "{url}");
        }
    }
}
