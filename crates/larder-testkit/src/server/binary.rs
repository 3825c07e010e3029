//! Where the server binaries are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{Result, ServerError};

/// Finds the first of `names` in PATH, in the folders where Debian keeps server binaries, or in
/// the newest PostgreSQL installation. `package` is what to install when there is none.
pub(super) fn find(names: &[&str], package: &str) -> Result<PathBuf> {
    let folders = folders();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            ServerError::new(format!(
                "{} not found: install the Debian package {package}",
                names.join(" or ")
            ))
        })
}

/// Versioned PostgreSQL folders come first: a distribution's PATH may hold wrappers or an initdb
/// of another version than the server.
fn folders() -> Vec<PathBuf> {
    let mut folders = postgres_folders(Path::new("/usr/lib/postgresql"));
    if let Some(path) = env::var_os("PATH") {
        folders.extend(env::split_paths(&path));
    }
    folders.extend(["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    folders
}

fn postgres_folders(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
