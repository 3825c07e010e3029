//! What FROM lists: base tables, views, CTEs, derived tables, functions.

use std::sync::Arc;

use sqlparser::ast::{ObjectName, Query, Statement, TableAlias, TableFactor};

use super::{
    Analysis,
    columns::{alias_columns, called, column_names, function_columns, rename},
    from::Tree,
    functions::{self, Call},
    joins::{Deferred, own_conditions},
    names,
    reader::{Around, Reader},
    scope::{Instance, Names, Source},
    text,
};
use crate::{
    Table,
    catalog::TableKind,
    plan::{Columns, Reason},
};

/// More sources in one FROM, or more instances in one statement, are not cached.
const SOURCES_MAX: usize = 48;
const INSTANCES_MAX: usize = 128;

/// More views than this, nested or beside each other, are not cached.
const VIEWS_MAX: usize = 32;

impl Instance {
    pub(super) fn new(table: Arc<Table>, narrows: bool) -> Self {
        Self {
            table,
            narrows,
            watched: if narrows {
                Columns::Some(Vec::new())
            } else {
                Columns::All
            },
            conjunctions: vec![Vec::new()],
        }
    }
}

impl Source {
    /// A source of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            name: None,
            schema: None,
            columns: Names::Unknown,
            instance: None,
        }
    }

    /// An instance of a table.
    pub(super) fn of_table(table: &Table, alias: Option<&str>, instance: usize) -> Self {
        Self {
            name: Some(Box::from(alias.unwrap_or(&table.name.name))),
            schema: alias.is_none().then(|| Box::from(&*table.name.schema)),
            columns: Names::Known(column_names(table)),
            instance: Some(instance),
        }
    }
}

impl<'q> Reader<'_, '_> {
    pub(super) fn factor(
        &mut self,
        factor: &'q TableFactor,
        block: usize,
        deferred: &mut Deferred<'q>,
    ) -> Result<Tree<'q>, Reason> {
        if self.scope.sources(block).len() >= SOURCES_MAX {
            return Err(Reason::new("the query joins too many tables"));
        }
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                json_path: None,
                sample: None,
                ..
            } if with_hints.is_empty() => self.named(name, alias.as_ref(), block),
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                version: None,
                json_path: None,
                sample: None,
                ..
            } if args.settings.is_none() => {
                deferred.arguments.push(factor);
                self.function_source(name, alias.as_ref(), block)
            }
            TableFactor::Function { name, alias, .. } => {
                deferred.arguments.push(factor);
                self.function_source(name, alias.as_ref(), block)
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample: None,
            } => self.derived(subquery, alias.as_ref(), *lateral, block),
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                // Its conditions lie inside a table factor, which the walk of the block skips.
                deferred.conditions.extend(own_conditions(table_with_joins));
                let first = self.factor(&table_with_joins.relation, block, deferred)?;
                self.joins(first, table_with_joins, block, deferred)
            }
            TableFactor::UNNEST { alias, .. } => {
                deferred.arguments.push(factor);
                self.computed_source(alias.as_ref(), Some("unnest"), Vec::new(), block)
            }
            TableFactor::Table {
                sample: Some(_), ..
            } => Err(Reason::new("the query samples rows")),
            _ => Err(Reason::new("an element of from is not understood")),
        }
    }

    fn named(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        // A name with a schema is never a CTE (R3).
        let cte = names::single(name).and_then(|single| self.cte(single, block));
        let table = match &cte {
            Some((_, true)) => None,
            _ => names::relation(name, self.cx),
        };
        match (cte, table) {
            (None, None) => Err(Reason::new(format!(
                "the table {name} is not in the catalog"
            ))),
            (None, Some(table)) => self.relation(&table, alias, block),
            (Some((columns, _)), None) => self.cte_source(name, columns, alias, block),
            // Which of the two is meant depends on the dialect: the table counts as a whole, and
            // the CTE has been read where it is defined.
            (Some((columns, _)), Some(table)) => {
                let instance = self.base(&table)?;
                self.scope.watch(Some(instance), None);
                let mut columns = match columns {
                    Names::Known(columns) => columns,
                    Names::Unknown => Vec::new(),
                };
                columns.extend(column_names(&table));
                self.cte_source(name, Names::Known(columns), alias, block)
            }
        }
    }

    fn cte_source(
        &mut self,
        name: &ObjectName,
        columns: Names,
        alias: Option<&TableAlias>,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let own = names::parts(name).and_then(|parts| parts.last().map(|last| (*last).clone()));
        let dialect = self.cx.dialect;
        let source = Source {
            name: called(alias, own.as_ref(), dialect),
            schema: None,
            columns: rename(columns, alias_columns(alias, dialect)?)?,
            instance: None,
        };
        self.scope.add_source(block, source);
        Ok(Tree::Leaf(None))
    }

    fn relation(
        &mut self,
        table: &Arc<Table>,
        alias: Option<&TableAlias>,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let dialect = self.cx.dialect;
        let instance = match &table.kind {
            TableKind::View { definition } => {
                self.note(table)?;
                self.view(definition)?;
                None
            }
            _ => Some(self.base(table)?),
        };
        let called = alias.map(|alias| names::fold(&alias.name, dialect));
        let mut source = Source::of_table(table, called.as_deref(), instance.unwrap_or(0));
        source.instance = instance;
        // R10: a column alias list names columns by position.
        source.columns = rename(source.columns, alias_columns(alias, dialect)?)?;
        self.scope.add_source(block, source);
        Ok(Tree::Leaf(instance))
    }

    /// Adds an instance of a table that stores rows.
    fn base(&mut self, table: &Arc<Table>) -> Result<usize, Reason> {
        let unfit = |why: &str| Err(Reason::new(format!("the table {} {why}", table.name)));
        match &table.kind {
            TableKind::Base | TableKind::MaterializedView => {}
            TableKind::View { .. } => return unfit("is a view where a table is meant"),
            TableKind::Other(kind) => return unfit(&format!("is not an ordinary one: {kind}")),
        }
        // A partition may be foreign or guarded while its root is not.
        for member in self.cx.catalog.family(&table.name) {
            if matches!(member.kind, TableKind::Other(_)) {
                return unfit("has a part that is not an ordinary table");
            }
        }
        if self.scope.instances.len() >= INSTANCES_MAX {
            return Err(Reason::new("the query names too many tables"));
        }
        self.note(table)?;
        let instance = Instance::new(Arc::clone(table), !self.in_view);
        self.scope.instances.push(instance);
        Ok(self.scope.instances.len() - 1)
    }

    fn note(&mut self, table: &Arc<Table>) -> Result<(), Reason> {
        if table.row_security {
            let name = &table.name;
            if table.row_policies.is_none() {
                return Err(Reason::new(format!(
                    "the row-level security of {name} rests on more than the row and the session"
                )));
            }
            self.needs_scope.get_or_insert_with(|| {
                Reason::new(format!(
                    "the table {name} has row-level security: name a scope"
                ))
            });
        }
        if !self.tables.iter().any(|known| known.name == table.name) {
            self.tables.push(Arc::clone(table));
        }
        Ok(())
    }

    /// Nothing is pushed into a view: its tables count as a whole.
    fn view(&mut self, definition: &str) -> Result<(), Reason> {
        self.views_expanded += 1;
        if self.views_expanded > VIEWS_MAX {
            return Err(Reason::new("the query expands too many views"));
        }
        let query = view_query(definition, self.cx)
            .ok_or_else(|| Reason::new("the definition of a view is not understood"))?;
        let outside = std::mem::replace(&mut self.in_view, true);
        let read = self.query(&query, Around::default());
        self.in_view = outside;
        read.map(|_| ())
    }

    fn derived(
        &mut self,
        subquery: &Query,
        alias: Option<&TableAlias>,
        lateral: bool,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let (outer, ctes) = match self.scope.blocks.get(block) {
            Some(own) if lateral => (Some(block), own.ctes),
            Some(own) => (own.outer, own.ctes),
            None => (None, None),
        };
        let columns = self.query(subquery, Around::new(outer, ctes))?;
        let dialect = self.cx.dialect;
        let source = Source {
            name: called(alias, None, dialect),
            schema: None,
            columns: rename(columns, alias_columns(alias, dialect)?)?,
            instance: None,
        };
        self.scope.add_source(block, source);
        Ok(Tree::Leaf(None))
    }

    fn function_source(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        if functions::call(name, self.cx) != Call::Pure {
            let text = format!("the function {name} is not known to be pure");
            return Err(Reason::new(text));
        }
        let own = names::parts(name).and_then(|parts| parts.last().map(|last| (*last).clone()));
        let own = own.map(|own| names::fold(&own, self.cx.dialect).to_ascii_lowercase());
        let columns = function_columns(own.as_deref());
        self.computed_source(alias, own.as_deref(), columns, block)
    }

    /// A function in FROM names its one column after itself or after its alias.
    fn computed_source(
        &mut self,
        alias: Option<&TableAlias>,
        own: Option<&str>,
        mut columns: Vec<Box<str>>,
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let dialect = self.cx.dialect;
        let own = own.map(Box::from);
        let name = called(alias, None, dialect).or_else(|| own.clone());
        columns.extend(name.clone());
        columns.extend(own);
        columns.push(Box::from("ordinality"));
        columns.extend(alias_columns(alias, dialect)?);
        let source = Source {
            name,
            schema: None,
            columns: Names::Known(columns),
            instance: None,
        };
        self.scope.add_source(block, source);
        Ok(Tree::Leaf(None))
    }
}

/// The query of a view.
pub(crate) fn view_query(definition: &str, cx: &Analysis<'_>) -> Option<Box<Query>> {
    let text = text::read(definition, cx.catalog).ok()?;
    if text.quirk.is_some() {
        return None;
    }
    match super::parse(&text, cx.dialect).ok()?.pop()? {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}
