//! What an error of SeaORM tells of the statement that it came from.

use larder_signals::Failure;
use sea_orm::{DbErr, RuntimeErr};

/// How a statement failed; `None` = it was never sent.
pub(crate) fn of(error: &DbErr) -> Option<Failure> {
    match error {
        DbErr::ConnectionAcquire(_) => None,
        DbErr::Exec(error) | DbErr::Query(error) if is_answer(error) => Some(Failure::ByServer),
        _ => Some(Failure::Unknown),
    }
}

/// Whether the error smells of a schema that is not the one in the catalog.
pub(crate) fn is_of_schema(error: &DbErr) -> bool {
    let (DbErr::Exec(error) | DbErr::Query(error)) = error else {
        return false;
    };
    let text = error.to_string();
    SCHEMA_ERRORS.iter().any(|words| text.contains(words))
}

/// sqlx tells an error that the server sent from one of its own by these words. The type behind
/// them is there only with a driver switched on, which is the application's choice.
fn is_answer(error: &RuntimeErr) -> bool {
    error
        .to_string()
        .starts_with("error returned from database")
        && !is_farewell(error)
}

/// The server ends the connection, maybe after it has committed. The words of its message are
/// translated; the fields of the error are not.
fn is_farewell(error: &RuntimeErr) -> bool {
    let fields = format!("{error:?}");
    FAREWELLS.iter().any(|field| fields.contains(field))
}

const FAREWELLS: [&str; 6] = [
    "severity: Fatal",
    "severity: Panic",
    // ER_SERVER_SHUTDOWN and ER_CONNECTION_KILLED of MariaDB and MySQL.
    "number: 1053,",
    "number: 1927,",
    "number: 3169,",
    "number: 4031,",
];

const SCHEMA_ERRORS: [&str; 6] = [
    "no such table",
    "no such column",
    "has no column named",
    "does not exist",
    "doesn't exist",
    "Unknown column",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn query_error(text: &str) -> DbErr {
        DbErr::Query(RuntimeErr::Internal(text.to_owned()))
    }

    #[test]
    fn only_what_the_server_said_counts_as_its_answer() {
        let answer = query_error("error returned from database: (code: 1) no such table: t");
        assert_eq!(of(&answer), Some(Failure::ByServer));
        assert_eq!(of(&query_error("connection reset")), Some(Failure::Unknown));
        let connection = RuntimeErr::Internal("error returned from database".to_owned());
        assert_eq!(of(&DbErr::Conn(connection)), Some(Failure::Unknown));
    }

    #[test]
    fn last_word_of_a_server_is_no_answer() {
        // The fields that drivers print of their errors; these words stand in for them.
        for fields in ["severity: Fatal", "severity: Panic", "number: 1927, x"] {
            let text = format!("error returned from database: {fields}");
            assert_eq!(of(&query_error(&text)), Some(Failure::Unknown));
        }
        let answer = query_error("error returned from database: severity: Error");
        assert_eq!(of(&answer), Some(Failure::ByServer));
    }

    #[test]
    fn statement_without_a_connection_was_never_sent() {
        let error = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
        assert_eq!(of(&error), None);
    }

    #[test]
    fn missing_tables_and_columns_doubt_the_catalog() {
        assert!(is_of_schema(&query_error(
            "error returned from database: no such column: x"
        )));
        assert!(!is_of_schema(&query_error(
            "error returned from database: division by zero"
        )));
    }
}
