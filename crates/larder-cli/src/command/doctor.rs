//! `larder doctor`: what is wrong, or may become so, with the store and the schema.

mod counters;
mod schema;
mod server;

use std::fmt;

use clap::Args;
use larder_redis::inspect::InspectLimits;
use serde::Serialize;

use crate::{
    context::{Context, MEMORY},
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    store::Store,
    words::count,
};

/// Look for what is wrong with the store and the schema, each finding with its remedy
///
/// It only reads. The store is looked at where one is named, the database where one is named. A
/// problem makes caching wrong, unsafe or useless; a warning makes it worse than it could be; a note
/// says what is as it is. Problems and warnings end in the exit code 1.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct DoctorArguments {
    /// How many keys of the namespace are looked at, to see whether they expire
    #[arg(long, value_name = "KEYS", default_value_t = 1_000)]
    sample: usize,

    /// Leave out the notes
    #[arg(long, short)]
    quiet: bool,
}

const AFTER: &str = "\
Examples:
  larder doctor
  larder doctor --quiet
  larder doctor --json | jq '.[] | select(.severity == \"problem\")'

Exit codes:
  0  nothing found but notes
  1  problems or warnings were found
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached
  4  the database cannot be reached, or refuses";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Problem,
    Warning,
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    severity: Severity,
    /// `store`, `counters` or `schema`.
    area: &'static str,
    /// What it is about: a server, or the database.
    subject: String,
    what: String,
    why: &'static str,
    /// Empty where there is nothing to do.
    remedy: &'static str,
    /// The tables, columns or keys concerned, as far as they are listed.
    items: Vec<String>,
}

/// All of them, the worst first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Report {
    findings: Vec<Finding>,
}

pub(crate) async fn run(arguments: &DoctorArguments, context: &Context) -> Result<Answer, Failure> {
    let mut findings = Vec::new();
    match context.what_store() {
        Store::None if !context.has_database() => {
            return Err(Failure::usage(
                "there is nothing to look at: give --store or LARDER_STORE, --database or \
                 DATABASE_URL, or both",
            ));
        }
        Store::None => {}
        Store::Memory => findings.push(Finding {
            area: "store",
            subject: "memory".to_owned(),
            ..Finding::new(Severity::Note, "the store is not looked at", MEMORY, "")
        }),
        Store::Redis => {
            let store = context.store()?;
            let limits = InspectLimits::new().with_keys_max(arguments.sample);
            let inspector = store.inspector(limits);
            for report in inspector.servers()? {
                findings.extend(server::findings(&report, &store.config));
            }
            // Without a namespace there is nothing of larder's to sample.
            if let Ok(namespace) = context.namespace() {
                findings.extend(server::sampled(&inspector.sample(namespace)?, namespace));
                let reports = store.reports(namespace).await?;
                findings.extend(counters::findings(reports, namespace));
            }
        }
    }
    if context.has_database() {
        let catalog = context.database().await?.catalog().await?;
        findings.extend(schema::findings(&catalog));
    }
    findings.retain(|it| !arguments.quiet || it.severity != Severity::Note);
    findings.sort_by_key(|it| it.severity);
    let exit = match findings.iter().any(|it| it.severity != Severity::Note) {
        true => Exit::Findings,
        false => Exit::Done,
    };
    Ok(Answer::new(exit, &Report { findings }))
}

impl Finding {
    pub(super) fn new(
        severity: Severity,
        what: impl Into<String>,
        why: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self {
            severity,
            area: "",
            subject: String::new(),
            what: what.into(),
            why,
            remedy,
            items: Vec::new(),
        }
    }

    /// With what it concerns, as far as it is listed.
    pub(super) fn about(mut self, items: impl IntoIterator<Item = String>) -> Self {
        let mut items = items.into_iter();
        self.items = items.by_ref().take(ITEMS_MAX).collect();
        let more = items.count();
        if more > 0 {
            self.items.push(format!("and {more} more"));
        }
        self
    }
}

/// Items of a finding that are listed.
const ITEMS_MAX: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let of = |severity| {
            let found = self.findings.iter().filter(|it| it.severity == severity);
            found.count() as u64
        };
        write!(
            f,
            "{}, {}, {}",
            count(of(Severity::Problem), "problem"),
            count(of(Severity::Warning), "warning"),
            count(of(Severity::Note), "note")
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Problem => "PROBLEM",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        writeln!(f, "{severity}  {}: {}", self.subject, self.what)?;
        for item in &self.items {
            writeln!(f, "         - {item}")?;
        }
        if !self.why.is_empty() {
            writeln!(f, "         why: {}", self.why)?;
        }
        if !self.remedy.is_empty() {
            writeln!(f, "         remedy: {}", self.remedy)?;
        }
        Ok(())
    }
}
