//! `larder config`.

use std::{fs, path::PathBuf, process::Command};

use crate::lab::{bare, command, end, snapshot};

/// A file of settings, which goes when it is dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("larder-config-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("larder.toml"), text).unwrap();
        Self(folder)
    }

    /// The command where the file is.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.current_dir(&self.0);
        command
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RIGHT: &str = "\
namespace = \"shop\"
store = \"redis://app:secret@cache.example/?table_shards=4\"
near_cache_bytes = \"32MiB\"
never = [\"sessions\"]

[limits]
wait_max = \"2s\"

[redis]
response_timeout = \"250ms\"

[policies.\"auth_*\"]
ttl = \"15m\"
";

#[test]
fn settings_are_shown_with_their_places_and_without_secrets() {
    let file = File::new("right", RIGHT);
    let mut show = file.command(&["config", "show"]);
    show.env("LARDER_LIMITS_WAIT_MAX", "1s");
    snapshot!("config_show", end(show).text());

    let json = end(file.command(&["config", "show", "--effective", "--json"]));
    assert!(!json.out.contains("secret"), "{json:?}");
    let json = json.json();
    let settings = json["settings"].as_array().unwrap();
    let setting = |name: &str| {
        let found = settings.iter().find(|it| it["name"] == name);
        found
            .unwrap_or_else(|| panic!("{name} is not shown"))
            .clone()
    };
    assert_eq!(setting("limits.lease")["origin"], "default");
    assert_eq!(setting("near_cache_bytes")["origin"], "larder.toml:3:20");
    let checked = end(file.command(&["config", "check"]));
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{checked:?}");
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let wrong = "namespace = \"shop\"\nnear_cache_byts = 3\n\n[policies.post]\nttl = \"15\"\n";
    let file = File::new("wrong", wrong);
    let check = end(file.command(&["config", "check"]));
    snapshot!("config_wrong", check.text());
    let mut variable = command(&["config", "check"]);
    variable.env("LARDER_NEAR_CACHE_BYTS", "3");
    let variable = end(variable);
    assert_eq!(variable.code, 2);
    assert!(
        variable.err.contains("LARDER_NEAR_CACHE_BYTES"),
        "{variable:?}"
    );
}

#[test]
fn nothing_set_is_no_mistake() {
    let none = bare(&["config", "check"]);
    assert_eq!((none.code, none.err.as_str()), (0, ""), "{none:?}");
}

/// Wrong settings of the store's own are found without connecting.
#[test]
fn a_wrong_setting_of_the_store_is_named() {
    let file = File::new(
        "store",
        "store = \"redis://host/\"\n[redis]\ntable_shards = 0\n",
    );
    let check = end(file.command(&["config", "check"]));
    assert_eq!(check.code, 2, "{check:?}");
    assert!(check.err.contains("table_shards"), "{check:?}");
}
