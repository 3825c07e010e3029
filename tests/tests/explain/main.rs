//! Explanations of typical queries, word by word: they must read like an answer.

mod diesel;
mod sea_orm;
mod testing;

use std::{fmt::Write as _, fs, path::PathBuf};

/// Collects answers and compares all of them with a file.
#[derive(Default)]
struct Answers(String);

impl Answers {
    fn add(&mut self, question: &str, answer: impl std::fmt::Display) {
        writeln!(self.0, "## {question}\n\n{answer}").unwrap();
    }

    /// `LARDER_TEST_SNAPSHOTS=write` writes the file anew, to be read before it is committed.
    fn check(&self, file: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/explain")
            .join(file);
        if std::env::var_os("LARDER_TEST_SNAPSHOTS").is_some_and(|it| it == "write") {
            fs::write(&path, &self.0).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap();
        for (ours, theirs) in self.0.split("## ").zip(expected.split("## ")) {
            assert_eq!(ours, theirs, "{file} says otherwise");
        }
        assert_eq!(self.0.len(), expected.len(), "{file} has other questions");
    }
}
