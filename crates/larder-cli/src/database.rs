//! The database, as a command sees it: its connection and its catalog.

use std::{sync::Arc, time::Duration};

use larder_core::Source;
use larder_signals::{CatalogKeeper, Larder, WrapConfig};
use larder_sql::{Catalog, Dialect, Table, introspect};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement};

use crate::exit::{Exit, Failure, causes};

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) connection: DatabaseConnection,
    pub(crate) dialect: Dialect,
    source: Option<String>,
}

impl Database {
    pub(crate) async fn connect(url: &str, source: Option<String>) -> Result<Self, Failure> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        // Checked here: of what it does not know, the driver repeats the URL.
        let dialect = match scheme {
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" => Dialect::MySql,
            "sqlite" => Dialect::Sqlite,
            _ => {
                return Err(Failure::usage(
                    "the URL of the database begins with none of postgres://, mysql:// and \
                     sqlite://",
                ));
            }
        };
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(2)
            .connect_timeout(PATIENCE)
            .acquire_timeout(PATIENCE)
            .sqlx_logging(false);
        let connection = sea_orm::Database::connect(options).await;
        let connection = connection.map_err(|error| unreachable(url, error))?;
        Ok(Self {
            connection,
            dialect,
            source,
        })
    }

    /// The catalog, as larder knows it in the applications.
    pub(crate) async fn catalog(&self) -> Result<Catalog, Failure> {
        let mut reader = introspect::CatalogReader::new(self.dialect);
        for query in introspect::queries(self.dialect) {
            match self.rows(query.sql).await {
                Ok(rows) => reader.feed(query.name, rows),
                Err(_) if query.optional => {}
                Err(error) => return Err(Failure::from(error).context(NO_CATALOG)),
            }
        }
        let read = reader.finish();
        read.map_err(|error| Failure::new(Exit::Database, format!("{NO_CATALOG}: {error}")))
    }

    /// The source that applications on this database have, with its catalog.
    pub(crate) async fn source(
        &self,
        larder: &Larder,
        config: &WrapConfig,
    ) -> Result<Arc<Source>, Failure> {
        if self.dialect == Dialect::Sqlite && self.source.is_none() {
            return Err(Failure::usage(
                "a SQLite file has no identity that a shared store could know: give --source, the \
                 name that the application gives to `WrapConfig::source`",
            ));
        }
        let keeper = CatalogKeeper::new(config);
        let mut failure = None;
        let mut reading = keeper.begin_reading(larder, self.dialect);
        while let Some(sql) = reading.query() {
            let rows = self.rows(sql).await.map_err(|error| failure = Some(error));
            reading.answer(rows.ok());
        }
        drop(reading);
        match (keeper.ready(), failure) {
            (Some(source), _) => Ok(Arc::clone(source)),
            (None, Some(error)) => Err(Failure::from(error).context(NO_CATALOG)),
            (None, None) => Err(Failure::new(Exit::Database, NO_CATALOG)),
        }
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, DbErr> {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        let rows = self.connection.query_all_raw(statement).await?;
        rows.iter().map(cells).collect()
    }
}

/// Of a URL that it cannot read, the driver repeats all, the password included.
fn unreachable(url: &str, error: DbErr) -> Failure {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let login = authority.rsplit_once('@').map(|(login, _)| login);
    let password = login.and_then(|login| login.split_once(':')).map(|it| it.1);
    let said = causes(&error);
    let tells = |secret: &str| !secret.is_empty() && said.contains(secret);
    match tells(url) || password.is_some_and(tells) {
        true => Failure::usage(
            "the URL of the database cannot be read: inside the user name, the password and every \
             other part write @ / ? # % as %40 %2F %3F %23 %25, and a port as a number",
        ),
        false => Failure::from(error).context("the database cannot be reached"),
    }
}

fn cells(row: &QueryResult) -> Result<Vec<Option<String>>, DbErr> {
    (0..row.column_names().len())
        .map(|index| row.try_get_by_index(index))
        .collect()
}

const NO_CATALOG: &str = "the catalog of the database cannot be read";

/// The tables that `table` or `schema.table` may mean.
pub(crate) fn named(catalog: &Catalog, name: &str) -> Vec<Arc<Table>> {
    let same =
        |a: &str| a == name || catalog.table_names_ignore_case && a.eq_ignore_ascii_case(name);
    let tables = catalog.tables.values();
    let meant = tables.filter(|it| same(&it.name.name) || same(&it.name.to_string()));
    meant.cloned().collect()
}

/// Tables whose names are near one that is not there.
pub(crate) fn unknown_table(catalog: &Catalog, name: &str) -> Failure {
    let last = name
        .split('.')
        .next_back()
        .unwrap_or(name)
        .to_ascii_lowercase();
    let near = |it: &&Arc<Table>| {
        let known = it.name.name.to_ascii_lowercase();
        !last.is_empty() && (known.contains(&last) || last.contains(&known))
    };
    let near: Vec<String> = catalog
        .tables
        .values()
        .filter(near)
        .take(5)
        .map(|it| it.name.to_string())
        .collect();
    let hint = match near.is_empty() {
        true => String::new(),
        false => format!("; it has {}", near.join(", ")),
    };
    Failure::new(
        Exit::Findings,
        format!("the database has no table `{name}`{hint}"),
    )
}
