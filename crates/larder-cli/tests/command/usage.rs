//! What is said to those who ask how, and to those who got it wrong.

use std::fs;

use crate::lab::{Folder, bare, command, end, snapshot};

#[test]
fn every_command_explains_itself() {
    for words in [
        &["--help"][..],
        &["invalidate", "--help"],
        &["keys", "--help"],
        &["doctor", "--help"],
        &["outbox", "--help"],
        &["outbox", "install", "--help"],
        &["outbox", "remove", "--help"],
        &["relay", "--help"],
        &["explain", "--help"],
        &["stats", "--help"],
        &["top", "--help"],
        &["config", "--help"],
        &["config", "show", "--help"],
        &["completions", "--help"],
    ] {
        let ended = bare(words);
        assert_eq!(ended.code, 0, "{words:?}");
        let name = format!("help_{}", words.join("_").trim_end_matches("--help"));
        snapshot!(name.trim_end_matches('_'), ended.out);
    }
}

#[test]
fn wrong_usage_says_what_to_do() {
    let mut told = String::new();
    for words in [
        &[][..],
        &["invalidat", "post"],
        &["invalidate"],
        &["invalidate", "post"],
        &["invalidate", "post", "--namespace", "shop"],
        &[
            "invalidate",
            "post",
            "--namespace",
            "shop",
            "--store",
            "memory",
        ],
        &[
            "invalidate",
            "post",
            "--namespace",
            "s p",
            "--store",
            "redis://127.0.0.1:1/",
        ],
        &[
            "invalidate",
            "all",
            "--where",
            "id = 1",
            "--namespace",
            "shop",
            "--store",
            "memory",
        ],
        &[
            "keys",
            "post",
            "--namespace",
            "shop",
            "--store",
            "redis://app:word@127.0.0.1/",
        ],
        &[
            "keys",
            "post",
            "--namespace",
            "shop",
            "--store",
            "http://127.0.0.1/",
        ],
        &[
            "keys",
            "post",
            "--namespace",
            "shop",
            "--store-file",
            "/nowhere/at/all",
        ],
        &["doctor"],
        &["doctor", "--database", "postgres://app:word@127.0.0.1/shop"],
        &["doctor", "--database", "oracle://127.0.0.1/shop"],
        &["outbox", "install"],
        &["outbox", "install", "post"],
        &["relay", "--poll-interval", "5"],
    ] {
        let ended = bare(words);
        assert_eq!(ended.code, 2, "{words:?}: {ended:?}");
        assert!(!ended.err.contains("word@"), "{ended:?}");
        told += &format!("$ larder {}\n{}\n", words.join(" "), ended.err);
    }
    let told = told.replace("app:word@", "app:[password]@");
    snapshot!("wrong_usage", told);
}

#[test]
fn a_url_that_cannot_be_read_is_not_repeated() {
    for url in [
        "postgres://app:hush@host:99999/shop",
        "postgres://app:wo/hush@127.0.0.1/shop",
        "postgres://app:hush@[host/shop",
        "mysql://app:hush@host:port/shop",
        "sqlite://app:hush@host:port/shop",
        "app:hush@host/shop",
    ] {
        let mut command = command(&["doctor"]);
        command.env("DATABASE_URL", url);
        let ended = end(command);
        assert!(matches!(ended.code, 2 | 4), "{url}: {ended:?}");
        assert!(!ended.err.contains("hush"), "{url}: {ended:?}");
    }
    for url in [
        "redis://app:wo@hush@host",
        "redis://:hush#@127.0.0.1/",
        "redis+cluster://app:hush@host:port",
        "app:hush@host",
    ] {
        let mut command = command(&["keys", "post", "--namespace", "shop"]);
        command.env("LARDER_STORE", url);
        let ended = end(command);
        assert_eq!(ended.code, 2, "{url}: {ended:?}");
        assert!(!ended.err.contains("hush"), "{url}: {ended:?}");
    }
}

#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let ended = bare(&["keys", "post", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&ended.err).unwrap();
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .contains("no namespace is named"),
        "{ended:?}"
    );
}

#[test]
fn a_url_with_a_password_may_come_from_a_file_or_the_environment() {
    let folder = Folder::new("cli-usage");
    let file = folder.0.join("store");
    fs::write(&file, "redis://app:word@127.0.0.1:1/\n").unwrap();
    let from_file = bare(&[
        "keys",
        "post",
        "--namespace",
        "s",
        "--store-file",
        file.to_str().unwrap(),
    ]);
    let mut from_environment = command(&["keys", "post"]);
    from_environment
        .env("LARDER_STORE", "redis://app:word@127.0.0.1:1/")
        .env("LARDER_NAMESPACE", "s");
    for ended in [from_file, end(from_environment)] {
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(!ended.err.contains("word"), "{ended:?}");
    }
    fs::write(&file, "one\ntwo").unwrap();
    let two = bare(&[
        "keys",
        "post",
        "--namespace",
        "s",
        "--store-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(two.code, 2, "{two:?}");
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = bare(&["completions", shell]);
        assert_eq!(ended.code, 0, "{shell}");
        assert!(ended.out.contains("invalidate"), "{shell}");
    }
}
