//! The server's numbers of types of its own, without which PostgreSQL takes no value of them.

use diesel::{QueryResult, result::Error};

use super::{
    AsyncBackend, CachedAsyncConnection, Collected, WrappedAsyncConnection, connection::texts,
};
use crate::backend::TypeName;

impl<C: WrappedAsyncConnection> CachedAsyncConnection<C> {
    /// The query as it can be sent.
    pub(super) async fn statement(
        &mut self,
        collected: &Collected<C::Backend>,
    ) -> QueryResult<<C::Backend as AsyncBackend>::Statement> {
        let mut types = Vec::new();
        for name in C::Backend::type_names(&collected.binds) {
            types.push(match self.types.get(name) {
                Some(known) => *known,
                None => {
                    let found = self.ask_for(name).await?;
                    self.types.insert(name.clone(), found);
                    found
                }
            });
        }
        Ok(collected.statement(&types))
    }

    async fn ask_for(&mut self, name: &TypeName) -> QueryResult<(u32, u32)> {
        let rows = texts(&mut self.inner, &question(name)).await;
        let row = rows.as_deref().and_then(<[_]>::first);
        let number = |at: usize| row?.get(at)?.as_deref()?.parse().ok();
        number(0).zip(number(1)).ok_or_else(|| {
            let problem = format!("the server knows no type called `{}`", name.name);
            Error::SerializationError(problem.into())
        })
    }
}

/// As Diesel asks: without a schema, the server resolves the name.
fn question(name: &TypeName) -> String {
    let condition = match &name.schema {
        Some(schema) => format!(
            "t.typname = {} AND n.nspname = {}",
            literal(&name.name),
            literal(schema)
        ),
        None => format!("t.oid = quote_ident({})::regtype::oid", literal(&name.name)),
    };
    format!(
        "SELECT t.oid::text, t.typarray::text FROM pg_catalog.pg_type AS t \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE {condition}"
    )
}

/// A string that reads the same whatever a backslash means.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_quotes() {
        assert_eq!(literal(r"it's \ it"), r"E'it\'s \\ it'");
    }
}
