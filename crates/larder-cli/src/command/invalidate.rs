//! `larder invalidate`: drops what may rest on some rows, a table, or anything.

mod report;
mod target;

use clap::Args;
use larder_core::{TableKey, observer::Cause};
use larder_redis::inspect::{InspectLimits, RecordKeys};
use larder_signals::{ChangeLimits, Changes, changes_by_hand};
use larder_sql::TableName;

use self::{
    report::{Report, Scope},
    target::{Row, resolve},
};
use crate::{
    context::Context,
    database::unknown_table,
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    store::Hand,
};

/// Drop what is cached: of some rows, of a table, or everything
///
/// What is dropped is at least what a write of those rows through larder would drop, cascades and
/// triggers included. With a database, its catalog says which table is meant, and rows are told
/// apart. Without one, whole tables are found by their names in the store.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct InvalidateArguments {
    /// `all`, TABLE, SCHEMA.TABLE, or TABLE.KEY for the row with that primary key
    ///
    /// The key of several columns has commas: order_line.7,2. A table that is called `all` is
    /// written with its schema.
    #[arg(value_name = "WHAT")]
    what: String,

    /// Which rows of the table, as SQL: "author_id = 3"
    ///
    /// Rows are told apart by column = literal, IN (..) and IS NULL, joined by AND. What else it
    /// asks for is taken to be met; if it tells nothing, the whole table is dropped. It is not sent
    /// to the database.
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,

    /// How many keys of each server are looked at to find tables and the layouts in use
    #[arg(long, value_name = "KEYS", default_value_t = 10_000_000)]
    scan_max: u64,
}

const AFTER: &str = "\
Examples:
  larder invalidate all
  larder invalidate post
  larder invalidate public.post
  larder invalidate post.42
  larder invalidate post --where \"author_id = 3 AND status = 'draft'\"
  larder invalidate post --json

Exit codes:
  0  done
  1  nothing matched: no such table, or nothing was cached of it
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached
  4  the database cannot be reached, or refuses";

pub(crate) async fn run(
    arguments: &InvalidateArguments,
    context: &Context,
) -> Result<Answer, Failure> {
    let everything = arguments.what == "all";
    if everything && arguments.condition.is_some() {
        return Err(Failure::usage(
            "`all` takes no --where: name the table whose rows are meant",
        ));
    }
    let namespace = context.namespace()?;
    let store = context.store()?;
    let report = if everything {
        let hand = store.hand(namespace)?;
        hand.drop_all().await?;
        Report::new(Scope::All, &hand)
    } else {
        let limits = InspectLimits::new().with_scanned_max(arguments.scan_max);
        let records = store.inspector(limits).records(namespace)?;
        let hand = store.in_every_layout(&records)?.hand(namespace)?;
        match context.has_database() {
            true => by_catalog(arguments, context, &hand, &records).await?,
            false => by_name(arguments, namespace, &hand, &records).await?,
        }
    };
    Ok(Answer::new(report.exit(), &report))
}

/// The catalog says what is meant, and what else is reached.
async fn by_catalog(
    arguments: &InvalidateArguments,
    context: &Context,
    hand: &Hand,
    records: &RecordKeys,
) -> Result<Report, Failure> {
    let database = context.database().await?;
    let source = database
        .source(&hand.larder, &context.wrap_config())
        .await?;
    let catalog = source
        .catalog()
        .ok_or_else(|| Failure::new(Exit::Database, "the database has no catalog"))?;
    let (tables, row) = resolve(&catalog, &arguments.what);
    if tables.is_empty() {
        return Err(unknown_table(&catalog, &arguments.what));
    }
    let limits = ChangeLimits::default();
    let mut changes = Changes::none();
    let mut notes = Vec::new();
    let mut scope = Scope::Rows(Vec::new());
    if let [_, _, ..] = tables.as_slice() {
        let names: Vec<String> = tables.iter().map(|it| it.name.to_string()).collect();
        notes.push(format!(
            "the name means several tables, all of which were dropped: {}",
            names.join(", ")
        ));
    }
    for table in &tables {
        let condition = match (&row, &arguments.condition) {
            (Row::Any, None) => None,
            (Row::Any, Some(condition)) => Some(condition.clone()),
            (Row::Key(_), Some(_)) => {
                return Err(Failure::usage(
                    "a row is named by its key or by --where, not by both",
                ));
            }
            (Row::Key(key), None) => Some(target::condition(database.dialect, table, key)?),
        };
        let found = changes_by_hand(&source, table, condition.as_deref(), limits);
        if condition.is_some() && found.told_by.is_empty() {
            notes.push(format!(
                "the condition tells no rows of {} apart, so the whole table was dropped: use \
                 column = literal, IN (..) or IS NULL on columns of a kind with exact equality",
                table.name
            ));
        }
        if found.told_by.is_empty() {
            scope = Scope::Tables;
        } else if let Scope::Rows(told_by) = &mut scope {
            told_by.extend(found.told_by.iter().map(|name| name.to_string()));
        }
        changes.merge(found.changes, limits);
    }
    if matches!(changes, Changes::Everything) {
        scope = Scope::Tables;
        notes.push(
            "a trigger, a rule or a view behind it may reach any table, so everything was dropped"
                .to_owned(),
        );
    }
    hand.larder.apply(&source, changes, Cause::Manual).await;
    hand.settled()?;
    if !records.complete {
        notes.push(format!(
            "not all keys of the store were looked at (--scan-max {}): what lies in another number \
             of shards than the URL says may stand",
            arguments.scan_max
        ));
    }
    let names: Vec<&TableName> = tables.iter().map(|it| &it.name).collect();
    notes.extend(elsewhere(records, source.id(), &names));
    Ok(Report::new(scope, hand).with_notes(notes))
}

/// Where else the store has results of such a table: the application may call the database by
/// another name.
fn elsewhere(records: &RecordKeys, source: &str, tables: &[&TableName]) -> Vec<String> {
    let parts = records.found.iter().filter_map(|it| it.table.parts());
    let others = parts.filter(|parts| {
        let same = |it: &&TableName| it.name.eq_ignore_ascii_case(&parts.table.name);
        parts.source != source && tables.iter().any(same)
    });
    let mut notes: Vec<String> = others
        .map(|parts| {
            format!(
                "results of {} under the source `{}` stand: give --source if that is this database",
                parts.table, parts.source
            )
        })
        .collect();
    notes.dedup();
    notes.truncate(NOTES_MAX);
    notes
}

/// Other sources that are told.
const NOTES_MAX: usize = 5;

/// Without a catalog: every table of that name that the store knows.
async fn by_name(
    arguments: &InvalidateArguments,
    namespace: &str,
    hand: &Hand,
    records: &RecordKeys,
) -> Result<Report, Failure> {
    const NEEDS: &str = "which rows are meant needs the catalog of the database: give --database or \
                         DATABASE_URL, or name the whole table";
    if arguments.condition.is_some() {
        return Err(Failure::usage(NEEDS));
    }
    if !records.complete {
        return Err(Failure::usage(format!(
            "the table was not looked for in all keys of the store: raise --scan-max above {}, give \
             --database, or invalidate all",
            arguments.scan_max
        )));
    }
    let called = |name: &str| {
        let named = records.found.iter().filter(|record| {
            record.table.parts().is_some_and(|parts| {
                parts.table.name.eq_ignore_ascii_case(name)
                    || parts.table.to_string().eq_ignore_ascii_case(name)
            })
        });
        named.collect::<Vec<_>>()
    };
    let found = called(&arguments.what);
    if found.is_empty() {
        let table = |(at, _): (usize, char)| arguments.what.get(..at).unwrap_or_default();
        let dots = arguments.what.char_indices().filter(|(_, c)| *c == '.');
        if dots.map(table).any(|name| !called(name).is_empty()) {
            return Err(Failure::usage(NEEDS));
        }
        return Err(Failure::new(
            Exit::Findings,
            format!(
                "nothing is cached of a table `{}` in the namespace `{namespace}`",
                arguments.what
            ),
        ));
    }
    let mut tables: Vec<TableKey> = found.iter().map(|it| it.table.clone()).collect();
    tables.dedup();
    let several = tables.len() > 1;
    hand.drop_records(tables).await?;
    let mut notes =
        vec!["without a database, what its cascades and triggers reach was not dropped".to_owned()];
    if several {
        notes.push("the name means several tables, all of which were dropped".to_owned());
    }
    Ok(Report::new(Scope::Tables, hand).with_notes(notes))
}
