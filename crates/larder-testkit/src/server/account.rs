//! Under which account a server runs.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::{Result, ServerError};

/// A user and group id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The account to switch to: `None` unless this process is root, whom PostgreSQL refuses.
///
/// `owned` is a path that this process has just created; its owner is the effective user, which
/// the standard library does not tell directly.
pub(super) fn unprivileged(owned: &Path, preferred: &str) -> Result<Option<Account>> {
    let uid = fs::metadata(owned)
        .map_err(|e| ServerError::io("inspect", owned, &e))?
        .uid();
    if uid != 0 {
        return Ok(None);
    }
    let path = Path::new("/etc/passwd");
    let passwd = fs::read_to_string(path).map_err(|e| ServerError::io("read", path, &e))?;
    [preferred, "nobody"].iter().find_map(|name| find(&passwd, name)).map(Some).ok_or_else(|| {
        ServerError::new(format!(
            "running as root and there is neither an account {preferred} nor nobody to switch to"
        ))
    })
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}
