//! A small catalog and plans by hand, for the tests of this crate.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use larder_core::{
    Cache, CacheOptions, Change, ChangeScope, Image, Limits, MemoryStore, Moment, Param,
    ReadOutcome, ReadRequest, RowChange, ShapeName, Source, TableKey, Value,
};
use larder_sql::{
    Catalog, Column, Dialect, Literal, Operand, Plan, Table, TableName, ValueKind,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger},
    plan::{
        Assignment, Columns, NewRows, OldRows, Part, Term, Test, WriteOperation, WritePlan,
        WriteTarget,
    },
};

use larder_testkit::{
    clock::ManualClock,
    faulty::{Fate, FaultyStore},
};

use crate::{ChangeLimits, Changes, Larder, LarderBuilder, Returned, WriteGuard, changes::of_plan};

/// `author(id, name)`, `post(id, author_id, title, views)`, `comment(id, post_id, approved)`.
/// A post goes with its author, a comment with its post; `comment` also follows a changed key.
pub(crate) fn catalog(dialect: Dialect) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    catalog.search_path = vec!["public".into()];
    let author = table("author", &[integer("id"), text("name")]);
    let mut post = table(
        "post",
        &[
            integer("id"),
            integer("author_id"),
            text("title"),
            integer("views"),
        ],
    );
    post.foreign_keys = vec![key(
        &[1],
        "author",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Nothing,
    )];
    let mut comment = table(
        "comment",
        &[integer("id"), integer("post_id"), integer("approved")],
    );
    comment.foreign_keys = vec![key(
        &[1],
        "post",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Cascade,
    )];
    for mut table in [author, post, comment] {
        table.primary_key = vec![0];
        if let Some(id) = table.columns.first_mut() {
            id.not_null = true;
            id.auto_increment = true;
        }
        put(&mut catalog, table);
    }
    catalog
}

pub(crate) fn name(table: &str) -> TableName {
    TableName::new("public", table)
}

pub(crate) fn table(table: &str, columns: &[Column]) -> Table {
    Table::new(name(table), TableKind::Base, columns.to_vec())
}

pub(crate) fn integer(name: &str) -> Column {
    Column::new(
        name,
        ValueKind::Integer {
            min: i64::MIN,
            max: i64::MAX as u64,
        },
    )
}

pub(crate) fn text(name: &str) -> Column {
    Column::new(name, ValueKind::Text { chars_max: None })
}

pub(crate) fn key(
    columns: &[usize],
    parent: &str,
    on_delete: ForeignKeyAction,
    on_update: ForeignKeyAction,
) -> ForeignKey {
    ForeignKey {
        columns: columns.to_vec(),
        parent: name(parent),
        parent_columns: vec!["id".into()],
        on_delete,
        on_update,
    }
}

/// A trigger on everything.
pub(crate) fn trigger(before: bool, writes: Option<&[&str]>) -> Trigger {
    Trigger {
        name: "t".into(),
        before,
        on_insert: true,
        on_update: true,
        on_delete: true,
        writes: writes.map(|names| names.iter().map(|n| name(n)).collect()),
    }
}

pub(crate) fn put(catalog: &mut Catalog, table: Table) {
    catalog.tables.insert(table.name.clone(), Arc::new(table));
}

/// Changes one table of a catalog.
pub(crate) fn alter(catalog: &mut Catalog, table: &str, change: impl FnOnce(&mut Table)) {
    let mut altered = Table::clone(&catalog.tables[&name(table)]);
    change(&mut altered);
    put(catalog, altered);
}

pub(crate) fn source(catalog: Catalog) -> Source {
    let source = Source::new("s", catalog.dialect, Default::default(), Default::default())
        .with_namespace(NAMESPACE);
    source.set_catalog(catalog);
    source
}

/// That of every larder and source here.
pub(crate) const NAMESPACE: &str = "test";

pub(crate) fn table_key(table: &str) -> TableKey {
    TableKey::new(NAMESPACE, "s", &name(table))
}

/// One write by hand.
pub(crate) struct Statement {
    pub(crate) source: Source,
    pub(crate) target: WriteTarget,
}

impl Statement {
    pub(crate) fn new(catalog: Catalog, table: &str, operation: WriteOperation) -> Self {
        let target = WriteTarget {
            table: catalog.tables[&name(table)].clone(),
            operation,
            changed: Columns::All,
            old: OldRows::Matching(vec![Vec::new()]),
            new: NewRows::None,
            set: Vec::new(),
            chosen: None,
        };
        Self {
            source: source(catalog),
            target,
        }
    }

    pub(crate) fn insert(catalog: Catalog, table: &str, rows: Vec<Vec<Assignment>>) -> Self {
        let mut insert = Self::new(catalog, table, WriteOperation::Insert);
        insert.target.old = OldRows::None;
        insert.target.new = NewRows::Assigned(rows);
        insert
    }

    pub(crate) fn update(catalog: Catalog, table: &str, set: Vec<Assignment>) -> Self {
        let mut update = Self::new(catalog, table, WriteOperation::Update);
        update.target.set = set.iter().map(|a| a.column).collect();
        update.target.changed = Columns::Some(update.target.set.clone());
        update.target.new = NewRows::Assigned(vec![set]);
        update
    }

    pub(crate) fn delete(catalog: Catalog, table: &str) -> Self {
        Self::new(catalog, table, WriteOperation::Delete)
    }

    pub(crate) fn matching(mut self, conjunctions: Vec<Vec<Term>>) -> Self {
        self.target.old = OldRows::Matching(conjunctions);
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(Part::Write(WritePlan {
            targets: vec![self.target.clone()],
            unknown_scope: None,
            returning: Vec::new(),
            takes_returning: false,
            error_keeps_rows: false,
        }))
    }

    pub(crate) fn changes(&self, params: &[Param<'_>], returned: Returned<'_>) -> Changes {
        of_plan(
            &self.source,
            &self.plan(),
            params,
            returned,
            ChangeLimits::default(),
        )
    }
}

pub(crate) fn plan(part: Part) -> Plan {
    Plan {
        normalized: "".into(),
        parts: vec![part],
        variable_arity: false,
    }
}

pub(crate) fn number(value: i64) -> Operand {
    Operand::Literal(Literal::Number(value.to_string().into()))
}

/// `column = value`, as an assignment.
pub(crate) fn to(column: usize, value: i64) -> Assignment {
    Assignment {
        column,
        value: Some(number(value)),
    }
}

/// `column IN (values)`.
pub(crate) fn among(column: usize, values: &[i64]) -> Term {
    Term {
        column,
        test: Test::In(values.iter().copied().map(number).collect()),
    }
}

/// An image of integers; `None` = unknown.
pub(crate) fn image<const N: usize>(cells: [Option<i64>; N]) -> Image {
    let value = |cell: i64| Value::Int(i128::from(cell));
    Image {
        cells: cells.into_iter().map(|cell| cell.map(value)).collect(),
    }
}

pub(crate) fn gone(old: Image) -> RowChange {
    RowChange {
        old: Some(old),
        new: None,
    }
}

pub(crate) fn come(new: Image) -> RowChange {
    RowChange {
        old: None,
        new: Some(new),
    }
}

pub(crate) fn turned(old: Image, new: Image) -> RowChange {
    RowChange {
        old: Some(old),
        new: Some(new),
    }
}

/// The changes of one table, each as its changed columns and rows; `None` = its record drops.
pub(crate) fn of_table(changes: &Changes, table: &str) -> Option<Vec<(Columns, Vec<RowChange>)>> {
    let Changes::Tables(changes) = changes else {
        panic!("everything changed")
    };
    let of = |change: &&Change| change.table_key == table_key(table);
    changes
        .iter()
        .filter(of)
        .map(|change| match &change.scope {
            ChangeScope::Rows { changed, rows } => Some((changed.clone(), rows.clone())),
            _ => None,
        })
        .collect()
}

/// The rows of the only change of a table.
pub(crate) fn rows(changes: &Changes, table: &str) -> Vec<RowChange> {
    let found = of_table(changes, table).expect("rows are known");
    assert_eq!(found.len(), 1, "one change of {table}: {found:?}");
    found.into_iter().next().expect("one").1
}

/// The names of the tables concerned.
pub(crate) fn tables(changes: &Changes) -> Vec<TableKey> {
    changes.tables().expect("not everything")
}

/// Stores a result that rests on a whole table, unless it is stored already or bypassed.
pub(crate) fn store(cache: &Cache, table: &str) -> ReadOutcome {
    let outcome = lookup(cache, table);
    match outcome {
        ReadOutcome::Fill(fill) => {
            fill.store_blocking(Arc::new(()), 1);
            lookup(cache, table)
        }
        outcome => outcome,
    }
}

/// Reads the result of [`store`].
pub(crate) fn lookup(cache: &Cache, table: &str) -> ReadOutcome {
    let entry = larder_core::EntryKey {
        table: table_key(table),
        digest: larder_core::Digest([7; 32]),
    };
    let dependency = larder_core::DependencyKey {
        table: table_key(table),
        shape: ShapeName::any_row(),
        value: None,
        spread: 0,
    };
    cache.read_blocking(ReadRequest {
        entry: &entry,
        dependencies: &[dependency],
        ttl: Duration::from_secs(3600),
        codec: None,
        leeway: Default::default(),
        mode: Default::default(),
        call: None,
    })
}

pub(crate) fn is_hit(cache: &Cache, table: &str) -> bool {
    matches!(lookup(cache, table), ReadOutcome::Hit(_))
}

/// A larder on a store that can be switched off, with a clock that moves when told.
pub(crate) struct Rig {
    pub(crate) larder: Larder,
    pub(crate) source: Arc<Source>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: FaultyStore<MemoryStore>,
    down: Arc<AtomicBool>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(LarderBuilder) -> LarderBuilder) -> Self {
        let down = Arc::new(AtomicBool::new(false));
        let switch = down.clone();
        let store = FaultyStore::new(MemoryStore::with_capacity_bytes(1 << 20), move |_| {
            if switch.load(Ordering::SeqCst) {
                Fate::Refused
            } else {
                Fate::Answered
            }
        });
        let clock = Arc::new(ManualClock::at(Moment(1_000_000_000)));
        let builder = Larder::builder()
            .namespace(NAMESPACE)
            .store(store.clone())
            .clock(clock.clone())
            .limits(limits())
            .seed(1);
        let larder = set(builder).build().expect("a complete configuration");
        let source = larder.attach("s", "", Dialect::Postgres);
        larder.set_catalog(&source, catalog(Dialect::Postgres), 0);
        Self {
            larder,
            source,
            clock,
            store,
            down,
        }
    }

    /// The store answers nothing from here on, or everything again.
    pub(crate) fn break_store(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// A cache of another process on the same store.
    pub(crate) fn other_process(&self) -> Cache {
        let mut options = CacheOptions::default();
        options.clock = self.clock.clone();
        options.limits = limits();
        Cache::new(self.store.clone(), options)
    }

    /// A guard of a write that may touch `post`.
    pub(crate) fn guard(&self) -> WriteGuard {
        let prepared = self.source.plan("UPDATE post SET title = 'x' WHERE id = 1");
        self.larder.begin_write(&self.source, prepared)
    }

    pub(crate) fn cache(&self) -> &Cache {
        self.larder.cache()
    }

    /// One round of delivery; whether nothing waits after it.
    pub(crate) fn flush(&self) -> bool {
        self.larder.blocking().flush(Duration::ZERO).is_ok()
    }
}

/// Without a breaker: faults come and go with the store alone.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.breaker_faults = 0;
    limits
}

/// Runs a future on this thread, without any runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// Polls once.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until something shows, and fails clearly when it does not.
pub(crate) fn eventually(what: &str, seen: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if seen() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("not seen within 10 s: {what}");
}
