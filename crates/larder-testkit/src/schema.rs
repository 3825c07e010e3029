//! The one schema that tests, examples and benches use: a blog (author, post, comment, tag,
//! post_tag) and a shop (customer, product, order, order_line).

use larder_sql::Dialect;

/// The statements that create the schema in an empty database, in order.
pub fn statements(dialect: Dialect) -> Vec<&'static str> {
    let script = match dialect {
        Dialect::Postgres => include_str!("../../../migrations/postgres/schema.sql"),
        Dialect::MySql => include_str!("../../../migrations/mysql/schema.sql"),
        _ => include_str!("../../../migrations/sqlite/schema.sql"),
    };
    script
        .split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_creates_the_same_tables() {
        let tables = |dialect| -> Vec<String> {
            statements(dialect)
                .iter()
                .filter_map(|statement| {
                    let (_, rest) = statement.split_once("CREATE TABLE ")?;
                    let (name, _) = rest.split_once(' ')?;
                    Some(name.trim_matches(['"', '`']).to_owned())
                })
                .collect()
        };
        let postgres = tables(Dialect::Postgres);
        assert_eq!(postgres.len(), 10);
        assert_eq!(postgres, tables(Dialect::MySql));
        assert_eq!(postgres, tables(Dialect::Sqlite));
    }
}
