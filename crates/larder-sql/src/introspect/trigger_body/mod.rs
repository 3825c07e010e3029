//! Which tables a trigger's body writes, for bodies that are plain enough to tell.
//!
//! Plain is: assignments, conditions, RETURN, SELECT, RAISE or SIGNAL, and static single-table
//! INSERT, UPDATE, DELETE, with no call of a function beyond a list of harmless ones. The server
//! has accepted the body already, so this need not judge its grammar: it looks at the head of
//! every statement, and one head that it does not know makes the whole body unknown.

mod calls;
mod tokens;

use self::tokens::Tokens;
use crate::{Catalog, TableName, catalog::Resolution};

/// In what the body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    PlPgSql,
    MySql,
    Sqlite,
}

/// The tables that `body` writes, `None` unless that is certain. An unqualified name is looked up
/// in `schema`, or along the search path without one.
pub(super) fn writes(
    language: Language,
    body: &str,
    schema: Option<&str>,
    catalog: &Catalog,
) -> Option<Vec<TableName>> {
    let tokens = Tokens::read(language, body)?;
    let mut reader = Reader {
        language,
        schema,
        catalog,
        declaring: false,
        writes: Vec::new(),
    };
    for statement in tokens.statements() {
        reader.statement(statement)?;
    }
    reader.writes.sort();
    reader.writes.dedup();
    Some(reader.writes)
}

struct Reader<'a> {
    language: Language,
    schema: Option<&'a str>,
    catalog: &'a Catalog,
    /// Between PL/pgSQL's DECLARE and BEGIN.
    declaring: bool,
    writes: Vec<TableName>,
}

impl Reader<'_> {
    /// `None` when the statement is not understood.
    fn statement(&mut self, statement: Tokens<'_>) -> Option<()> {
        let mut rest = statement;
        while let Some(after) = self.control(rest) {
            rest = after?;
        }
        let target = self.head(rest)?;
        calls::all_harmless(statement, target, self.catalog).then_some(())
    }

    /// What follows a word that opens or separates blocks: `None` when the statement does not
    /// begin with one, `Some(None)` when it does and is not understood.
    fn control<'t>(&mut self, tokens: Tokens<'t>) -> Option<Option<Tokens<'t>>> {
        match tokens.word(0)?.as_str() {
            "BEGIN" => {
                self.declaring = false;
                Some(Some(tokens.skip(1)))
            }
            "ELSE" => Some(Some(tokens.skip(1))),
            "IF" | "ELSIF" | "ELSEIF" => Some(tokens.after_then()),
            "END" if tokens.len() == 1 => Some(Some(tokens.skip(1))),
            "END" => Some((tokens.len() == 2 && tokens.is(1, "IF")).then(|| tokens.skip(2))),
            "DECLARE" if self.language == Language::PlPgSql => {
                self.declaring = true;
                Some(Some(tokens.skip(1)))
            }
            _ => None,
        }
    }

    /// Judges a statement by its first word. `Some(Some(token))` = a write whose target's name
    /// ends with that token, counted from the end of the statement.
    fn head(&mut self, tokens: Tokens<'_>) -> Option<Option<usize>> {
        if tokens.len() == 0 || self.declaring {
            return Some(None);
        }
        let head = tokens.word(0)?;
        match (self.language, head.as_str()) {
            (_, "INSERT" | "UPDATE" | "DELETE") => self.write(tokens).map(Some),
            (Language::MySql | Language::Sqlite, "REPLACE") => self.write(tokens).map(Some),
            (_, "SELECT") => tokens.writes_nothing_below(0).then_some(None),
            (Language::MySql, "SET" | "SIGNAL") => Some(None),
            (Language::MySql, "DECLARE") => (!tokens.contains("HANDLER")).then_some(None),
            (Language::PlPgSql, "RETURN" | "RAISE" | "NULL" | "PERFORM") => {
                tokens.writes_nothing_below(0).then_some(None)
            }
            (Language::PlPgSql, _) => tokens.is_assignment().then_some(None),
            _ => None,
        }
    }

    /// A static write of one table: notes the table, gives the place of its name.
    fn write(&mut self, tokens: Tokens<'_>) -> Option<usize> {
        let target = tokens.target()?;
        let (schema, name) = tokens.name(target, self.language == Language::PlPgSql)?;
        let after = target + if schema.is_some() { 3 } else { 1 };
        let understood = match tokens.word(0)?.as_str() {
            "UPDATE" => tokens.sets_at(after),
            "DELETE" => {
                after == tokens.len()
                    || tokens.is(after, "WHERE")
                    || self.language == Language::PlPgSql
            }
            _ => true,
        };
        if !understood || !tokens.writes_nothing_below(after) {
            return None;
        }
        match self
            .catalog
            .resolve(schema.as_deref().or(self.schema), &name)
        {
            Resolution::Known(table) if table.is_base() => {
                self.writes.push(table.name.clone());
                Some(tokens.len() - after)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
