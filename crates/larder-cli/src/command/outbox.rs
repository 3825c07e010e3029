//! `larder outbox`: triggers that record what other programs write.

use std::{collections::BTreeSet, fmt, sync::Arc};

use clap::{Args, Subcommand};
use larder_sql::{
    Catalog, Dialect, Table, TableName,
    outbox::{self, Outbox},
};
use sea_orm::{ConnectionTrait, DbErr, TransactionTrait};
use serde::Serialize;

use crate::{
    context::Context,
    database::{Database, named, unknown_table},
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
};

/// What to do with the outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// Let tables record what is written to them, for the relay
    ///
    /// Creates the outbox where there is none, and the triggers anew: run it again after the columns
    /// of a table have changed. Needs a database; the store is not asked.
    #[command(after_help = EXIT_CODES, after_long_help = INSTALL)]
    Install(Tables),

    /// Let tables record nothing any more
    ///
    /// Removes the triggers. The outbox itself stays, for the rows that a relay has still to take;
    /// --with-outbox drops it too.
    #[command(after_help = EXIT_CODES, after_long_help = REMOVE)]
    Remove {
        #[command(flatten)]
        tables: Tables,

        /// Drop the outbox as well, with the rows in it, once no table records any more
        #[arg(long)]
        with_outbox: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Tables {
    /// TABLE or SCHEMA.TABLE
    #[arg(required = true, value_name = "TABLE")]
    tables: Vec<String>,

    /// The PostgreSQL schema of the outbox. Default: that of each table
    #[arg(long, value_name = "SCHEMA")]
    schema: Option<String>,

    /// Print the SQL and run nothing
    #[arg(long)]
    dry_run: bool,
}

const INSTALL: &str = "\
Examples:
  larder outbox install post comment
  larder outbox install post --dry-run > migration.sql
  larder outbox install public.post billing.invoice --schema larder

Exit codes:
  0  done
  1  nothing matched: there is no such table
  2  wrong usage, or a setting that is wrong
  4  the database cannot be reached, or refuses";

const REMOVE: &str = "\
Examples:
  larder outbox remove comment
  larder outbox remove post comment --with-outbox
  larder outbox remove post --dry-run

Exit codes:
  0  done
  1  nothing matched: there is no such table
  2  wrong usage, or a setting that is wrong
  4  the database cannot be reached, or refuses";

#[derive(Debug, Serialize)]
struct Report {
    /// `installed` or `removed`.
    done: &'static str,
    tables: Vec<String>,
    /// The outbox itself was created or dropped.
    outbox: bool,
    dry_run: bool,
    statements: Vec<String>,
}

pub(crate) async fn run(command: &OutboxCommand, context: &Context) -> Result<Answer, Failure> {
    let (tables, installs, with_outbox) = match command {
        OutboxCommand::Install(tables) => (tables, true, false),
        OutboxCommand::Remove {
            tables,
            with_outbox,
        } => (tables, false, *with_outbox),
    };
    let database = context.database().await?;
    let catalog = database.catalog().await?;
    let meant = meant(&catalog, &tables.tables)?;
    let outbox = match &tables.schema {
        Some(schema) => Outbox::new(database.dialect).in_schema(schema.as_str()),
        None => Outbox::new(database.dialect),
    };
    let mut report = Report {
        done: if installs { "installed" } else { "removed" },
        tables: meant.iter().map(|it| it.name.to_string()).collect(),
        outbox: with_outbox,
        dry_run: tables.dry_run,
        statements: Vec::new(),
    };
    let homes = homes(database.dialect, &meant, tables.schema.as_deref());
    for home in homes
        .iter()
        .filter(|home| installs && !has_outbox(&catalog, home))
    {
        report.outbox = true;
        report.statements.extend(inside(home, outbox.create()));
    }
    for table in &meant {
        report.statements.extend(outbox.remove(table));
        if installs {
            report.statements.extend(outbox.install(table));
        }
    }
    if with_outbox {
        still_recording(&catalog, &meant)?;
        for home in homes.iter().filter(|home| has_outbox(&catalog, home)) {
            report.statements.extend(inside(home, outbox.destroy()));
        }
    }
    if database.dialect == Dialect::Postgres && tables.dry_run {
        report.statements.insert(0, "BEGIN".to_owned());
        report.statements.push("COMMIT".to_owned());
    }
    if !tables.dry_run {
        execute(&database, &report.statements).await?;
    }
    Ok(Answer::new(Exit::Done, &report))
}

/// The tables of these names, each of which must be one that can record.
fn meant(catalog: &Catalog, names: &[String]) -> Result<Vec<Arc<Table>>, Failure> {
    let mut tables: Vec<Arc<Table>> = Vec::new();
    for name in names {
        let found = named(catalog, name);
        match found.as_slice() {
            [] => return Err(unknown_table(catalog, name)),
            [table] if !table.is_base() || outbox::is_outbox(&table.name) => {
                return Err(Failure::usage(format!(
                    "{} is no ordinary table, so it cannot record: name the tables behind it",
                    table.name
                )));
            }
            // Its triggers name no database.
            [table]
                if catalog.dialect == Dialect::MySql
                    && !catalog.search_path.contains(&table.name.schema) =>
            {
                return Err(Failure::usage(format!(
                    "{} is in another database: name that one in the URL",
                    table.name
                )));
            }
            [table] if tables.iter().any(|it| it.name == table.name) => {}
            [table] => tables.push(Arc::clone(table)),
            several => {
                let names: Vec<_> = several.iter().map(|it| it.name.to_string()).collect();
                return Err(Failure::usage(format!(
                    "`{name}` may mean {}: name the schema too",
                    names.join(" or ")
                )));
            }
        }
    }
    Ok(tables)
}

/// Where an outbox lives: in a schema (PostgreSQL), or beside the tables.
type Home = Option<Arc<str>>;

/// Where the outboxes of these tables live.
fn homes(dialect: Dialect, tables: &[Arc<Table>], schema: Option<&str>) -> BTreeSet<Home> {
    match (dialect, schema) {
        (Dialect::Postgres, Some(schema)) => BTreeSet::from([Some(schema.into())]),
        (Dialect::Postgres, None) => tables
            .iter()
            .map(|it| Some(it.name.schema.clone()))
            .collect(),
        _ => BTreeSet::from([None]),
    }
}

fn has_outbox(catalog: &Catalog, home: &Home) -> bool {
    let lives_here = |name: &TableName| home.as_ref().is_none_or(|home| *home == name.schema);
    let mut outboxes = catalog.tables.keys().filter(|name| outbox::is_outbox(name));
    outboxes.any(lives_here)
}

/// The text, run where the outbox lives: it names no schema.
fn inside(home: &Home, text: &str) -> Vec<String> {
    let go = home.as_ref().map(|schema| {
        let doubled = schema.replace('"', "\"\"");
        format!("SET LOCAL search_path TO \"{doubled}\"")
    });
    go.into_iter().chain([text.to_owned()]).collect()
}

/// Writes to a table whose triggers miss the outbox would fail.
fn still_recording(catalog: &Catalog, removed: &[Arc<Table>]) -> Result<(), Failure> {
    let others: Vec<String> = catalog
        .tables
        .values()
        .filter(|it| it.triggers.iter().any(outbox::is_outbox_trigger))
        .filter(|it| !removed.iter().any(|gone| gone.name == it.name))
        .map(|it| it.name.to_string())
        .collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "the outbox cannot go while others record in it: name {} too",
            others.join(", ")
        ))),
    }
}

/// All or nothing, where the database can.
async fn execute(database: &Database, statements: &[String]) -> Result<(), DbErr> {
    if database.dialect == Dialect::MySql {
        for sql in statements {
            database.connection.execute_unprepared(sql).await?;
        }
        return Ok(());
    }
    let transaction = database.connection.begin().await?;
    for sql in statements {
        transaction.execute_unprepared(sql).await?;
    }
    transaction.commit().await
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            for sql in &self.statements {
                let end = if sql.trim_end().ends_with(';') {
                    ""
                } else {
                    ";"
                };
                writeln!(f, "{}{end}", sql.trim_end())?;
            }
            return Ok(());
        }
        if self.outbox && self.done == "installed" {
            writeln!(f, "created the outbox")?;
        }
        for table in &self.tables {
            match self.done {
                "installed" => writeln!(f, "{table}: records what is written to it")?,
                _ => writeln!(f, "{table}: records nothing any more")?,
            }
        }
        if self.outbox && self.done == "removed" {
            writeln!(f, "dropped the outbox")?;
        }
        Ok(())
    }
}
