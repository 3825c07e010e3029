//! What may be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    command::{
        config::ConfigCommand, doctor::DoctorArguments, explain::ExplainArguments,
        invalidate::InvalidateArguments, keys::KeysArguments, outbox::OutboxCommand,
        relay::RelayArguments, stats::StatsArguments, top::TopArguments,
    },
    exit::EXIT_CODES,
};

/// Invalidates by hand, shows what is cached, and looks after larder's store, schema and outbox
#[derive(Debug, Parser)]
#[command(
    name = "larder",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    color = clap::ColorChoice::Never,
    after_help = EXIT_CODES,
    after_long_help = AFTER
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Examples:
  export LARDER_STORE=redis://app:secret@cache.example LARDER_NAMESPACE=shop
  export DATABASE_URL=postgres://app:secret@db.example/shop

  larder doctor
  larder explain \"SELECT * FROM post WHERE author_id = 3\"
  larder keys post
  larder invalidate post.42
  larder invalidate post --where \"author_id = 3\"
  larder invalidate all

Exit codes:
  0  done
  1  doctor has found something, or nothing matched
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached
  4  the database cannot be reached, or refuses";

/// What every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the cache is kept, without a password [env: LARDER_STORE]
    ///
    /// A Redis URL: redis://host, rediss://host (TLS), redis+sentinel://host,host/service,
    /// redis+cluster://host,host. What the application says in its URL must be said here too, above
    /// all ?table_shards=N. A URL with a password is taken from LARDER_STORE or --store-file alone.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "store_file")]
    pub(crate) store: Option<String>,

    /// A file that holds the URL of the store
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) store_file: Option<PathBuf>,

    /// The namespace of the application [env: LARDER_NAMESPACE]
    ///
    /// The name that it gives to `Larder::builder().namespace(..)`.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// The database behind the cache, without a password [env: DATABASE_URL]
    ///
    /// postgres://, mysql:// or sqlite://. Its catalog says which table is meant, what its key is,
    /// and what else a write would reach. A URL with a password is taken from DATABASE_URL or
    /// --database-file alone.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "database_file"
    )]
    pub(crate) database: Option<String>,

    /// A file that holds the URL of the database
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) database_file: Option<PathBuf>,

    /// What the application calls the database, if it gives it a name
    ///
    /// The name in `WrapConfig::source(..)`. SQLite needs one. Default: the identity that the server
    /// reports, as in the application.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Invalidate(InvalidateArguments),
    Explain(ExplainArguments),
    Stats(StatsArguments),
    Top(TopArguments),
    Keys(KeysArguments),
    Doctor(DoctorArguments),
    /// Let a database record what other programs write, or stop it
    #[command(subcommand)]
    Outbox(OutboxCommand),
    Relay(RelayArguments),
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const COMPLETIONS: &str = "\
Examples:
  larder completions bash > /etc/bash_completion.d/larder
  larder completions zsh > \"${fpath[1]}/_larder\"
  larder completions fish > ~/.config/fish/completions/larder.fish";
