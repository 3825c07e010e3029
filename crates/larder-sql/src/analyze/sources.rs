//! What FROM lists: base tables, views, CTEs, derived tables, functions.

use std::sync::Arc;

use sqlparser::ast::{
    Expr, Function, Ident, JoinConstraint, ObjectName, Query, Statement, TableAlias, TableFactor,
    TableWithJoins,
};

use super::{
    Analysis,
    from::{self, Kind, Tree},
    functions::{self, Call},
    names,
    operand::unnested,
    read::{Around, Reader},
    scope::{Instance, Names, Source},
    text,
};
use crate::{
    Dialect, Table,
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
    /// Adds the sources of a FROM clause to a block and returns how they are joined.
    pub(super) fn from(
        &mut self,
        from: &'q [TableWithJoins],
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let mut deferred = Deferred::default();
        let mut whole: Option<Tree<'q>> = None;
        for item in from {
            let first = self.factor(&item.relation, block, &mut deferred)?;
            whole = Some(match (whole, self.cx.dialect) {
                (None, _) => self.joins(first, item, block, &mut deferred)?,
                // R8: in SQLite the comma is a join like the others, and they all lean left.
                (Some(left), Dialect::Sqlite) => {
                    let left = Tree::join(Kind::Inner, left, first, None);
                    self.joins(left, item, block, &mut deferred)?
                }
                (Some(left), _) => {
                    let right = self.joins(first, item, block, &mut deferred)?;
                    Tree::join(Kind::Inner, left, right, None)
                }
            });
        }
        for on in deferred.conditions {
            self.walk(block, on)?;
        }
        for factor in deferred.arguments {
            self.arguments(factor, block)?;
        }
        Ok(whole.unwrap_or(Tree::Leaf(None)))
    }

    fn joins(
        &mut self,
        first: Tree<'q>,
        item: &'q TableWithJoins,
        block: usize,
        deferred: &mut Deferred<'q>,
    ) -> Result<Tree<'q>, Reason> {
        let mut tree = first;
        for join in &item.joins {
            if join.global {
                return Err(Reason::new("a global join is not understood"));
            }
            let before = self.scope.sources(block).len();
            let right = self.factor(&join.relation, block, deferred)?;
            let (kind, constraint) = from::kind(&join.join_operator)?;
            let on = match constraint {
                JoinConstraint::On(on) => Some(on),
                JoinConstraint::None => None,
                JoinConstraint::Using(columns) => {
                    self.watch_using(columns, block)?;
                    None
                }
                JoinConstraint::Natural => {
                    self.watch_natural(block, before);
                    None
                }
            };
            tree = Tree::join(kind, tree, right, on);
        }
        Ok(tree)
    }

    fn factor(
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

    fn cte(&self, name: &Ident, block: usize) -> Option<(Names, bool)> {
        let name = names::fold(name, self.cx.dialect);
        let mut frame = self.scope.blocks.get(block)?.ctes;
        while let Some(ctes) = frame.and_then(|frame| self.ctes.get(frame)) {
            let found = ctes
                .ctes
                .iter()
                .find(|cte| names::same(&cte.name, &name, self.cx.dialect));
            if let Some(cte) = found {
                return Some((cte.columns.clone(), cte.defined));
            }
            frame = ctes.outer;
        }
        None
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
            return Err(Reason::new(format!(
                "the table {name} has row-level security"
            )));
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

    fn arguments(&mut self, factor: &TableFactor, block: usize) -> Result<(), Reason> {
        match factor {
            TableFactor::Table {
                args: Some(args), ..
            } => self.walk(block, &args.args),
            TableFactor::Function { args, .. } => self.walk(block, args),
            TableFactor::UNNEST { array_exprs, .. } => self.walk(block, array_exprs),
            _ => Ok(()),
        }
    }

    /// R4: USING names its columns on both sides.
    fn watch_using(&mut self, columns: &[ObjectName], block: usize) -> Result<(), Reason> {
        for column in columns {
            match names::single(column) {
                Some(column) => self.scope.watch_everywhere(block, column),
                None => return Err(Reason::new("a column of using is not known")),
            }
        }
        Ok(())
    }

    /// R4: NATURAL names the columns that both sides have, or all where they are not known.
    fn watch_natural(&mut self, block: usize, right_from: usize) {
        let sources = self.scope.sources(block);
        let (left, right) = sources.split_at(right_from.min(sources.len()));
        let (left_names, right_names) = (all_names(left), all_names(right));
        let dialect = self.cx.dialect;
        let mut watched: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        for (side, other) in [(left, &right_names), (right, &left_names)] {
            for source in side {
                let (Names::Known(own), Some(other)) = (&source.columns, other) else {
                    watched.push((source.instance, None));
                    continue;
                };
                let shared = own.iter().enumerate().filter(|(_, name)| {
                    other.iter().any(|other| names::same(other, name, dialect))
                });
                watched.extend(shared.map(|(position, _)| (source.instance, Some(position))));
            }
        }
        for (instance, column) in watched {
            self.scope.watch(instance, column);
        }
    }
}

/// What must wait until all sources of the block are known.
#[derive(Default)]
struct Deferred<'q> {
    conditions: Vec<&'q Expr>,
    arguments: Vec<&'q TableFactor>,
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

/// The column names of an alias list, folded.
pub(super) fn alias_columns(
    alias: Option<&TableAlias>,
    dialect: Dialect,
) -> Result<Vec<Box<str>>, Reason> {
    let Some(alias) = alias else {
        return Ok(Vec::new());
    };
    if alias.at.is_some() {
        return Err(Reason::new("an alias is not understood"));
    }
    let columns = alias.columns.iter();
    Ok(columns
        .map(|column| Box::from(&*names::fold(&column.name, dialect)))
        .collect())
}

/// Renames columns by position; a list longer than the columns is not understood.
pub(super) fn rename(columns: Names, aliases: Vec<Box<str>>) -> Result<Names, Reason> {
    match columns {
        Names::Known(mut columns) => {
            if aliases.len() > columns.len() {
                return Err(Reason::new("an alias list names too many columns"));
            }
            for (column, alias) in columns.iter_mut().zip(aliases) {
                *column = alias;
            }
            Ok(Names::Known(columns))
        }
        Names::Unknown if aliases.is_empty() => Ok(Names::Unknown),
        Names::Unknown => Ok(Names::Known(aliases)),
    }
}

/// The name that an expression of the SELECT list gives to its column. Each has one, so that
/// positions stay right; an empty one cannot be referred to.
pub(super) fn output_name(expr: &Expr, dialect: Dialect) -> Option<Box<str>> {
    let ident = match unnested(expr) {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Cast { expr, .. } => return output_name(expr, dialect),
        Expr::Function(Function { name, .. }) => {
            return Some(
                names::parts(name)
                    .and_then(|parts| parts.last().map(|last| names::fold(last, dialect)))
                    .map_or_else(Box::default, |name| Box::from(&*name)),
            );
        }
        _ => None,
    };
    Some(ident.map_or_else(Box::default, |ident| {
        Box::from(&*names::fold(ident, dialect))
    }))
}

fn own_conditions(item: &TableWithJoins) -> impl Iterator<Item = &Expr> {
    item.joins.iter().filter_map(|join| {
        let (_, constraint) = from::kind(&join.join_operator).ok()?;
        match constraint {
            JoinConstraint::On(on) => Some(on),
            _ => None,
        }
    })
}

fn called(alias: Option<&TableAlias>, own: Option<&Ident>, dialect: Dialect) -> Option<Box<str>> {
    let ident = alias.map(|alias| &alias.name).or(own)?;
    Some(Box::from(&*names::fold(ident, dialect)))
}

fn column_names(table: &Table) -> Vec<Box<str>> {
    let columns = table.columns.iter();
    columns.map(|column| Box::from(&*column.name)).collect()
}

fn all_names(sources: &[Source]) -> Option<Vec<&str>> {
    let mut all = Vec::new();
    for source in sources {
        let Names::Known(columns) = &source.columns else {
            return None;
        };
        all.extend(columns.iter().map(|name| &**name));
    }
    Some(all)
}

/// The columns of built-in functions that return rows.
fn function_columns(name: Option<&str>) -> Vec<Box<str>> {
    let columns: &[&str] = match name {
        Some("json_each" | "json_tree") => &[
            "key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root",
        ],
        Some("jsonb_each" | "json_each_text" | "jsonb_each_text") => &["key", "value"],
        Some(
            "json_array_elements"
            | "jsonb_array_elements"
            | "json_array_elements_text"
            | "jsonb_array_elements_text",
        ) => &["value"],
        _ => &[],
    };
    columns.iter().map(|name| Box::from(*name)).collect()
}
