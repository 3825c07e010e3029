//! `larder config`: what the settings are, and where they were said.

use std::fmt;

use clap::{Args, Subcommand};
use larder_core::MemoryStore;
use larder_signals::{Larder, SettingOrigin, Settings};
use serde::Serialize;

use crate::{
    context::Context,
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
};

/// Check `larder.toml` and the environment, or show what they come to
///
/// The file is the one that LARDER_CONFIG names, else `larder.toml` in the current folder. The
/// variables that begin with LARDER_ count before it.
#[derive(Debug, Subcommand)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the settings: where it stands, and what was probably meant
    #[command(after_help = EXIT_CODES)]
    Check,
    /// Show the settings, each with the place where it was said
    Show(ShowArguments),
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ShowArguments {
    /// Show the defaults too
    #[arg(long)]
    effective: bool,
}

const AFTER: &str = "\
Examples:
  larder config check
  larder config show
  larder config show --effective --json
  LARDER_CONFIG=/etc/shop/larder.toml larder config check

Exit codes:
  0  done
  2  a setting that is wrong";

#[derive(Debug, Serialize)]
struct Report {
    settings: Vec<Setting>,
    /// Whether it only says that all is right.
    #[serde(skip)]
    checked: bool,
}

#[derive(Debug, Serialize)]
struct Setting {
    name: String,
    value: String,
    origin: String,
}

pub(crate) fn run(command: &ConfigCommand, context: &Context) -> Result<Answer, Failure> {
    let settings = context.settings();
    let effective = matches!(command, ConfigCommand::Show(show) if show.effective);
    let report = Report {
        settings: said(settings, effective),
        checked: matches!(command, ConfigCommand::Check),
    };
    // What only the store, or all settings together, can tell to be wrong.
    let made = match larder::redis_config(settings)? {
        Some(_) => settings.clone().with_store_made(),
        None => settings.clone(),
    };
    Larder::builder()
        .namespace("check")
        .store(MemoryStore::with_capacity_bytes(1 << 10))
        .settings(made)
        .build()?;
    Ok(Answer::new(Exit::Done, &report))
}

fn said(settings: &Settings, defaults: bool) -> Vec<Setting> {
    let all = settings.effective(&Larder::builder());
    let all = all
        .into_iter()
        .filter(|it| defaults || it.origin != SettingOrigin::Default);
    all.map(|it| Setting {
        name: it.name,
        value: it.value,
        origin: it.origin.to_string(),
    })
    .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.checked {
            return match self.settings.len() {
                0 => f.write_str("nothing is set: neither by a file nor by the environment"),
                1 => f.write_str("1 setting, and it is right"),
                count => write!(f, "{count} settings, and all are right"),
            };
        }
        if self.settings.is_empty() {
            return f.write_str("nothing is set; --effective shows the defaults");
        }
        let width = |of: fn(&Setting) -> &str| {
            let lengths = self.settings.iter().map(|it| of(it).chars().count());
            lengths.max().unwrap_or(0)
        };
        let (names, values) = (width(|it| &it.name), width(|it| &it.value).min(40));
        for Setting {
            name,
            value,
            origin,
        } in &self.settings
        {
            writeln!(f, "{name:names$}  {value:values$}  {origin}")?;
        }
        Ok(())
    }
}
