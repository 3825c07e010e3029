//! What a wrapped connection knows of itself. It decides and does no I/O, so that connections that
//! block and those that do not share it.

mod reads;
mod transaction;
mod writes;

use std::{any::TypeId, collections::HashMap, num::NonZeroU32, sync::Arc};

use diesel::result::Error;
use foldhash::fast::RandomState;
use larder_core::{Prepared, Source};
use larder_signals::{
    CatalogKeeper, Changes, Larder, Planned, ReadOptions, Returned, StatementEnd, TransactionLog,
    WrapConfig, WriteGuard,
};
use larder_sql::Dialect;

use self::reads::OfType;
#[cfg(feature = "_async")]
pub(crate) use self::{reads::Text, writes::Sending};
pub(crate) use self::{
    reads::{Answer, Kept, KeptAs, Now},
    writes::{Written, failure_of},
};

/// The state of one wrapped connection.
#[derive(Debug)]
pub(crate) struct Session {
    larder: Larder,
    dialect: Dialect,
    config: WrapConfig,
    keeper: CatalogKeeper,
    /// Why nothing is read from the cache.
    doubt: Doubt,
    /// Of the transaction that is open.
    log: Option<TransactionLog>,
    /// Handles of the savepoints that are open, outermost first.
    savepoints: Vec<usize>,
    /// What the scope around the next reads asks for; `None` = they are not cached.
    options: Option<ReadOptions>,
    /// Writes outside a transaction whose end nobody has seen (W4).
    unended: Vec<StatementEnd>,
    /// The driver counts a transaction that was not opened through the wrapper.
    foreign: bool,
    /// Something was sent, and nobody has said how it ended.
    under_way: Option<UnderWay>,
    /// A transaction of the wrapper's own was opened around a write, and nobody has ended it.
    own_open: bool,
    /// Queries whose type says their text.
    by_type: HashMap<TypeId, OfType, RandomState>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    /// A statement that may write.
    Write,
    /// BEGIN, COMMIT or the like.
    Control,
    /// A statement that only reads; only futures are dropped half way.
    #[cfg(feature = "_async")]
    Read,
}

/// Unseen ends of writes that are kept; they only shorten a time.
const UNENDED_MAX: usize = 64;

/// What is not known of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    Nothing,
    /// A transaction was opened by text.
    Transaction,
    /// A statement changed the session.
    Session,
}

impl Session {
    pub(crate) fn new(larder: &Larder, dialect: Dialect, config: &WrapConfig) -> Self {
        Self {
            larder: larder.clone(),
            dialect,
            config: config.clone(),
            keeper: CatalogKeeper::new(config),
            doubt: Doubt::Nothing,
            log: None,
            savepoints: Vec::new(),
            options: Some(ReadOptions::default()),
            unended: Vec::new(),
            foreign: false,
            under_way: None,
            own_open: false,
            by_type: HashMap::default(),
        }
    }

    pub(crate) fn larder(&self) -> &Larder {
        &self.larder
    }

    pub(crate) fn keeper(&self) -> &CatalogKeeper {
        &self.keeper
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether a transaction is open.
    #[cfg(feature = "_async")]
    pub(crate) fn is_inside(&self) -> bool {
        self.log.is_some()
    }

    /// Whether a transaction of the wrapper's own was left open, which is to be rolled back before
    /// anything else.
    pub(crate) fn is_own_open(&self) -> bool {
        self.own_open
    }

    /// It was.
    pub(crate) fn own_closed(&mut self) {
        self.own_open = false;
    }

    /// Something begins on the connection, whose driver counts this many levels of transactions.
    /// What comes back is to be delivered first.
    pub(crate) fn begins(&mut self, depth: Option<NonZeroU32>) -> Option<WriteGuard> {
        let left = self.under_way.take();
        let is_lost = match left {
            None => false,
            #[cfg(feature = "_async")]
            Some(UnderWay::Read) => self.is_out_of_step_after_a_drop(),
            // Its future was leaked: nothing has told what became of it.
            Some(_) => true,
        };
        if is_lost {
            self.doubt = Doubt::Session;
        }
        if left == Some(UnderWay::Control)
            && let Some(log) = &mut self.log
        {
            // The driver may count a transaction that the server has ended.
            log.events.detach();
        }
        let aligned = self.align(depth);
        self.foreign = depth.is_some() && self.log.is_none();
        match left {
            Some(UnderWay::Write) => self.known(Changes::Everything),
            _ => aligned,
        }
    }

    /// A statement that only reads is about to be sent. Until [`read_over`](Self::read_over), and for
    /// good when that never happens (cancellation), its answer is still to come.
    #[cfg(feature = "_async")]
    pub(crate) fn reads(&mut self) {
        self.under_way = Some(UnderWay::Read);
    }

    /// Its answer, or its beginning, is here.
    #[cfg(feature = "_async")]
    pub(crate) fn read_over(&mut self) {
        self.under_way = None;
    }

    /// MySQL's client takes the answer to a statement whose future was dropped for that to the next
    /// one: what such a connection says is not what it was asked. A new wrapper around it learns no
    /// catalog, which is asked in many questions of many shapes.
    fn is_out_of_step_after_a_drop(&self) -> bool {
        self.dialect == Dialect::MySql
    }

    /// Whether the catalog should be read now. Never in a transaction, where a failing query would
    /// abort what the user does.
    pub(crate) fn is_catalog_due(&self) -> bool {
        self.is_idle() && self.keeper.is_due(&self.larder)
    }

    /// Whether the connection is known to be in no transaction, and in the session that it had.
    pub(crate) fn is_idle(&self) -> bool {
        self.log.is_none() && !self.is_lost()
    }

    /// Whether nobody knows in what session or transaction the connection is.
    fn is_lost(&self) -> bool {
        self.foreign || self.doubt != Doubt::Nothing
    }

    /// The plan of a text.
    pub(crate) fn plan(&self, sql: &str) -> Planned {
        self.planned(self.source().plan(sql))
    }

    fn planned(&self, prepared: Arc<Prepared>) -> Planned {
        Planned {
            source: Arc::clone(self.source()),
            prepared,
            outdated: self.keeper.is_outdated() || self.is_lost(),
        }
    }

    /// An answer of the server: what it was sent before has ended.
    pub(crate) fn answered_by_server(&mut self) {
        self.unended.drain(..).for_each(|end| end.ended());
    }

    /// The end of this is not seen yet.
    fn watch(&mut self, guard: &WriteGuard) {
        if self.unended.len() < UNENDED_MAX {
            self.unended.push(guard.statement_end());
        }
    }

    /// An error may tell that the schema is not the one in the catalog.
    pub(crate) fn look_at(&self, error: &Error) {
        let text = error.to_string();
        if SCHEMA_ERRORS.iter().any(|words| text.contains(words)) {
            self.keeper.doubt();
        }
    }

    /// Changes that are visible already, to be delivered; dropped, they are queued.
    fn known(&self, changes: Changes) -> Option<WriteGuard> {
        (!changes.is_empty()).then(|| {
            let mut guard = self.larder.begin_commit(self.source(), changes);
            guard.succeeded(&[], Returned::Nothing);
            guard
        })
    }

    fn source(&self) -> &Arc<Source> {
        self.keeper.source_or_stranger(self.dialect)
    }

    /// The changes of everything, for a refresh of the catalog.
    pub(crate) fn schema_changed(&self) -> Option<WriteGuard> {
        self.keeper.outdate(&self.larder);
        self.known(Changes::Everything)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server rolls back what the connection leaves open.
        let changes = self.end(false);
        drop(self.known(changes));
    }
}

const SCHEMA_ERRORS: [&str; 6] = [
    "no such table",
    "no such column",
    "has no column named",
    "does not exist",
    "doesn't exist",
    "Unknown column",
];
