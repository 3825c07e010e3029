//! The walk over a query: blocks, CTEs and set operations.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use sqlparser::ast::{
    Query, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Visit,
};

use super::{
    Analysis,
    columns::output_name,
    ctes::CteFrame,
    expressions::Expressions,
    from::Conditions,
    instance::project,
    names,
    scope::{Names, Scope, Source},
};
use crate::{Table, plan::Reason};

/// Queries nested deeper than this are not cached.
const QUERY_DEPTH_MAX: usize = 24;

/// The walk's state.
pub(super) struct Reader<'a, 'c> {
    pub(super) cx: &'a Analysis<'c>,
    pub(super) scope: Scope,
    pub(super) ctes: Vec<CteFrame>,
    /// Every relation met, in order.
    pub(super) tables: Vec<Arc<Table>>,
    /// Why the result may be cached only under a scope.
    pub(super) needs_scope: Option<Reason>,
    /// Inside a view: nothing narrows and everything is watched.
    pub(super) in_view: bool,
    pub(super) views_expanded: usize,
    pub(super) dated_parameters: BTreeSet<usize>,
    /// The outermost block only counts the rows of its one derived table.
    pub(super) counts_rows: bool,
    depth: usize,
}
/// Where a query stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// The block whose names it sees.
    pub(super) outer: Option<usize>,
    /// The CTEs that it sees.
    pub(super) ctes: Option<usize>,
    /// The CTE that it defines, whose columns are those of its first SELECT.
    pub(super) defines: Option<(usize, usize)>,
}

impl Around {
    pub(super) fn new(outer: Option<usize>, ctes: Option<usize>) -> Self {
        Self {
            outer,
            ctes,
            defines: None,
        }
    }
}

/// What a query yields: its columns, and the block in whose names its ORDER BY is written.
struct Output {
    columns: Names,
    block: usize,
}

impl<'a, 'c> Reader<'a, 'c> {
    pub(super) fn new(cx: &'a Analysis<'c>) -> Self {
        Self {
            cx,
            scope: Scope::new(cx.dialect),
            ctes: Vec::new(),
            tables: Vec::new(),
            needs_scope: None,
            in_view: false,
            views_expanded: 0,
            dated_parameters: BTreeSet::new(),
            counts_rows: false,
            depth: 0,
        }
    }

    /// Reads a query and returns its column names.
    pub(super) fn query(&mut self, query: &Query, around: Around) -> Result<Names, Reason> {
        if self.depth >= QUERY_DEPTH_MAX {
            return Err(Reason::new("the query nests too deeply"));
        }
        self.depth += 1;
        let columns = self.query_body(query, around);
        self.depth -= 1;
        columns
    }

    fn query_body(&mut self, query: &Query, around: Around) -> Result<Names, Reason> {
        if !query.locks.is_empty() {
            return Err(Reason::new("the query locks rows"));
        }
        let foreign = query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if foreign {
            return Err(Reason::new("a clause of the query is not understood"));
        }
        let mut around = around;
        if let Some(with) = &query.with {
            around.ctes = Some(self.with(with, around)?);
        }
        let output = self.set_expression(&query.body, around)?;
        self.walk(output.block, &query.order_by)?;
        self.walk(output.block, &query.limit_clause)?;
        self.walk(output.block, &query.fetch)?;
        Ok(output.columns)
    }

    fn set_expression(&mut self, body: &SetExpr, around: Around) -> Result<Output, Reason> {
        match body {
            SetExpr::Select(select) => self.select(select, around),
            SetExpr::SetOperation { .. } => self.set_operation(body, around),
            SetExpr::Query(query) => {
                let columns = self.query(query, around)?;
                Ok(self.computed(columns, around))
            }
            SetExpr::Values(values) => {
                let width = values.rows.first().map_or(0, |row| row.content.len());
                let columns = (1..=width)
                    .map(|n| format!("column{n}").into_boxed_str())
                    .collect();
                let output = self.computed(Names::Known(columns), around);
                self.walk(output.block, values)?;
                Ok(output)
            }
            _ => Err(Reason::new("a query body is not understood")),
        }
    }

    /// Chains of set operations lean to the left; they are walked without recursion.
    fn set_operation(&mut self, body: &SetExpr, around: Around) -> Result<Output, Reason> {
        let mut operands = Vec::new();
        let mut rest = body;
        while let SetExpr::SetOperation { left, right, .. } = rest {
            operands.push(&**right);
            rest = left;
        }
        let first = self.set_expression(rest, around)?;
        // A recursive CTE has the columns of its first SELECT.
        if let Some((frame, index)) = around.defines {
            let known = self.cte_mut(frame, index);
            if known.is_some_and(|cte| matches!(cte.columns, Names::Unknown)) {
                self.name_cte(frame, index, &first.columns);
            }
        }
        let inside = Around::new(around.outer, around.ctes);
        for operand in operands.into_iter().rev() {
            self.set_expression(operand, inside)?;
        }
        Ok(self.computed(first.columns, around))
    }

    /// A block whose one source has these columns, for the ORDER BY of something computed.
    fn computed(&mut self, columns: Names, around: Around) -> Output {
        let block = self.scope.open(around.outer, around.ctes);
        let source = Source {
            columns: columns.clone(),
            ..Source::unknown()
        };
        self.scope.add_source(block, source);
        Output { columns, block }
    }

    fn select(&mut self, select: &Select, around: Around) -> Result<Output, Reason> {
        check_clauses(select)?;
        let block = self.scope.open(around.outer, around.ctes);
        let tree = self.from(&select.from, block)?;
        let aliases = self.aliases(select);
        if let Some(block) = self.scope.blocks.get_mut(block) {
            block.aliases = aliases;
        }
        if self.counts_rows && self.depth == 2 {
            self.walk_counted(block, select)?;
        } else {
            self.walk(block, select)?;
        }
        let columns = self.projection(select, block)?;
        let conditions = Conditions {
            scope: &self.scope,
            block,
            cx: self.cx,
            tree: &tree,
            selection: select.selection.as_ref(),
        };
        let narrowed: Vec<_> = tree
            .instances()
            .into_iter()
            .map(|instance| (instance, project(&conditions.of(instance), instance)))
            .collect();
        for (instance, conjunctions) in narrowed {
            if let Some(instance) = self.scope.instances.get_mut(instance)
                && instance.narrows
            {
                instance.conjunctions = conjunctions;
            }
        }
        Ok(Output { columns, block })
    }

    /// The block whose rows are only counted (`operation::counts_rows`): the columns that it lists
    /// must exist, but no change of them changes the count.
    fn walk_counted(&mut self, block: usize, select: &Select) -> Result<(), Reason> {
        let instances = self.scope.instances.iter();
        let watched: Vec<_> = instances.map(|instance| instance.watched.clone()).collect();
        self.walk(block, &select.projection)?;
        for (instance, watched) in self.scope.instances.iter_mut().zip(watched) {
            instance.watched = watched;
        }
        let rest = Select {
            projection: Vec::new(),
            ..select.clone()
        };
        self.walk(block, &rest)
    }

    /// Checks and resolves every expression of a node in the names of a block.
    pub(super) fn walk<N: Visit>(&mut self, block: usize, node: &N) -> Result<(), Reason> {
        let mut walk = Expressions::new(self, block);
        match node.visit(&mut walk) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(reason) => Err(reason),
        }
    }

    fn aliases(&self, select: &Select) -> Vec<Box<str>> {
        let dialect = self.cx.dialect;
        let items = select.projection.iter();
        items
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => {
                    Some(Box::from(&*names::fold(alias, dialect)))
                }
                _ => None,
            })
            .collect()
    }

    /// Watches what wildcards stand for, and names the output columns.
    fn projection(&mut self, select: &Select, block: usize) -> Result<Names, Reason> {
        let dialect = self.cx.dialect;
        let mut columns: Vec<Box<str>> = Vec::new();
        let mut known = true;
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => columns.extend(output_name(expr, dialect)),
                SelectItem::ExprWithAlias { alias, .. } => {
                    columns.push(Box::from(&*names::fold(alias, dialect)));
                }
                SelectItem::Wildcard(options) => {
                    plain_wildcard(options)?;
                    self.scope.whole_block(block);
                    known &= self.scope.append_columns(block, None, &mut columns);
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    plain_wildcard(options)?;
                    let Some(parts) = names::parts(name) else {
                        return Err(Reason::new("a name before .* is not known"));
                    };
                    let parts: Vec<_> = parts.into_iter().cloned().collect();
                    self.scope.whole_row(block, &parts)?;
                    known &= self.scope.append_columns(block, Some(&parts), &mut columns);
                }
                _ => return Err(Reason::new("an item of the select list is not understood")),
            }
        }
        Ok(if known {
            Names::Known(columns)
        } else {
            Names::Unknown
        })
    }
}

/// Clauses of other databases' SELECTs, whose meaning is not known here.
fn check_clauses(select: &Select) -> Result<(), Reason> {
    let foreign = select.top.is_some()
        || select.exclude.is_some()
        || select.into.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
        || select.flavor != SelectFlavor::Standard;
    if foreign {
        return Err(Reason::new("a clause of the select is not understood"));
    }
    // FOUND_ROWS() of a later statement would see the number from another run.
    match &select.select_modifiers {
        Some(modifiers) if modifiers.sql_calc_found_rows => {
            Err(Reason::new("the select counts rows for found_rows"))
        }
        _ => Ok(()),
    }
}

fn plain_wildcard(options: &sqlparser::ast::WildcardAdditionalOptions) -> Result<(), Reason> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    if plain {
        Ok(())
    } else {
        Err(Reason::new("a wildcard has options"))
    }
}
