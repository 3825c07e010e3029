//! Reads: their text, their plan, and what can be said of them before the database is asked.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use diesel::{
    QueryResult,
    query_builder::{QueryFragment, QueryId},
    result::Error,
};
use larder_core::{
    BypassReason, Fill, Param, Prepared, ReadMode, ReadOutcome, ResultCodec, ResultIdentity, Source,
};
use larder_signals::{CachedRead, PassingRead, Planned, ReadCall, ReadOptions};

use super::{Doubt, Session};
use crate::backend::{CachedBackend, text_of};

/// What is the same for all queries of a type.
#[derive(Debug)]
pub(super) struct OfType {
    text: Arc<str>,
    source: Arc<Source>,
    prepared: Arc<Prepared>,
}

/// The text of a query, and its type where that says the text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) sql: Arc<str>,
    kind: Option<TypeId>,
}

impl Text {
    /// Another text, of no type.
    #[cfg(feature = "_async")]
    pub(crate) fn other(&self, sql: &str) -> Self {
        Self {
            sql: sql.into(),
            kind: None,
        }
    }
}

/// Types of queries that are told apart; beyond, their text is built and looked up each time.
const TYPES_MAX: usize = 10_000;

/// A result as it is kept.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

/// What a result is kept as.
#[derive(Clone, Debug)]
pub(crate) struct KeptAs {
    pub(crate) identity: ResultIdentity,
    /// What else tells it from other kinds.
    pub(crate) form: Option<Param<'static>>,
    pub(crate) codec: &'static ResultCodec,
}

/// What a read comes to before the database is asked.
#[derive(Debug)]
pub(crate) enum Now {
    /// The answer.
    Hit(Kept),
    /// The store, or another reader, must be asked.
    Later(CachedRead),
    /// It is the database's to answer.
    Pass,
}

/// What a read comes to once the store was asked.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The answer.
    Hit(Arc<T>),
    /// Run the query and store what it gives.
    Fill(Fill),
    /// Run the query.
    Pass,
}

impl Session {
    /// The scope of the reads that follow; what was there before comes back.
    pub(crate) fn replace_options(&mut self, options: Option<ReadOptions>) -> Option<ReadOptions> {
        std::mem::replace(&mut self.options, options)
    }

    /// What the scope around the next reads asks for; `None` = they are not cached.
    pub(crate) fn options(&self) -> Option<ReadOptions> {
        self.options
    }

    /// Whose rows the session sees, as the user says.
    pub(crate) fn named_scope(&self) -> Option<&str> {
        self.config.named_scope().map(|scope| &**scope)
    }

    /// The text of a query. Where its type says it, which is what the driver keeps prepared
    /// statements by, it is built once.
    pub(crate) fn text<DB, T>(&self, query: &T) -> QueryResult<Text>
    where
        DB: CachedBackend,
        T: QueryFragment<DB> + QueryId,
    {
        let kind = match T::query_id() {
            Some(kind) if query.is_safe_to_cache_prepared(&DB::default())? => Some(kind),
            _ => None,
        };
        let known = kind.and_then(|kind| self.by_type.get(&kind));
        let sql = match known {
            Some(known) => Arc::clone(&known.text),
            None => text_of::<DB, T>(query)?.into(),
        };
        Ok(Text { sql, kind })
    }

    /// The plan of a query.
    pub(crate) fn plan_text(&mut self, text: &Text) -> Planned {
        let Some(kind) = text.kind else {
            return self.plan(&text.sql);
        };
        if let Some(known) = self.by_type.get(&kind)
            && Arc::ptr_eq(&known.source, self.source())
            && known.prepared.catalog_version() == known.source.catalog_version()
        {
            return self.planned(Arc::clone(&known.prepared));
        }
        let planned = self.plan(&text.sql);
        if self.by_type.len() < TYPES_MAX || self.by_type.contains_key(&kind) {
            let of_type = OfType {
                text: Arc::clone(&text.sql),
                source: Arc::clone(&planned.source),
                prepared: Arc::clone(&planned.prepared),
            };
            self.by_type.insert(kind, of_type);
        }
        planned
    }

    /// Whether a read of this text may be answered from the cache, so that its parameters are worth
    /// collecting. The observer hears why not.
    pub(crate) fn may_answer(&self, planned: &Planned, wish: Option<ReadOptions>) -> bool {
        let (Some(scope), Some(_)) = (self.options, planned.prepared.read()) else {
            return false;
        };
        let mode = wish.unwrap_or(scope).mode;
        match self.refusal(&planned.prepared, mode) {
            Some(reason) => {
                self.larder.bypassed(&planned.prepared, &reason);
                false
            }
            // Without a catalog nothing is cached.
            None => self.keeper.ready().is_some(),
        }
    }

    pub(crate) fn refusal(&self, prepared: &Prepared, mode: ReadMode) -> Option<BypassReason> {
        if self.log.is_some() || self.foreign {
            return Some(BypassReason::Transaction);
        }
        match self.doubt {
            Doubt::Nothing => {}
            Doubt::Transaction => return Some(BypassReason::Transaction),
            Doubt::Session => return Some(BypassReason::Session),
        }
        if mode == ReadMode::Refresh && self.keeper.lags() {
            return Some(BypassReason::Replica);
        }
        prepared
            .uncacheable()
            .map(|reason| BypassReason::Uncacheable(reason.clone()))
    }

    /// What can be said of a read without waiting. `wish` is that of the query itself, in place of
    /// the scope's.
    pub(crate) fn read_now(
        &self,
        planned: &Planned,
        params: &[Param<'_>],
        kept: &KeptAs,
        wish: Option<ReadOptions>,
    ) -> Now {
        let mut options = wish.or(self.options).unwrap_or_default();
        if self.keeper.lags() {
            options.mode = ReadMode::Peek;
        }
        let call = ReadCall {
            source: &planned.source,
            prepared: &planned.prepared,
            params,
            result: &kept.identity,
            codec: Some(kept.codec),
            options,
            scope: self.named_scope(),
        };
        if let Some(ReadOutcome::Hit(value)) = self.larder.revisit_now(&call) {
            return Now::Hit(value);
        }
        match self.larder.begin_read(&call) {
            Err(_) => Now::Pass,
            Ok(read) => Now::Later(read),
        }
    }

    /// A memo that runs here may rest on a read of this text, so that its parameters are worth
    /// collecting; it is told why not.
    pub(crate) fn may_track(&self, planned: &Planned) -> bool {
        if !self.larder.is_recording() {
            return false;
        }
        let lags = self.keeper.lags().then_some(BypassReason::Replica);
        match self.refusal(&planned.prepared, ReadMode::Cached).or(lags) {
            Some(why) => self.larder.untracked(&why),
            // Without a catalog nobody knows what it reads.
            None if self.keeper.ready().is_none() => self.larder.unseen(),
            None => return true,
        }
        false
    }

    /// A read has run. Its server may have become a standby meanwhile (P9).
    pub(crate) fn tracked(&self) {
        if self.keeper.lags() {
            self.larder.untracked(&BypassReason::Replica);
        }
    }

    /// The read that goes past the cache, as a memo is told of it.
    pub(crate) fn passing<'a>(
        &'a self,
        planned: &'a Planned,
        params: &'a [Param<'a>],
    ) -> PassingRead<'a> {
        PassingRead {
            source: &planned.source,
            prepared: &planned.prepared,
            params,
            scope: self.config.named_scope().map(|scope| &**scope),
        }
    }

    /// A read has failed. Inside a transaction that may have been its end (a deadlock); elsewhere it
    /// may tell that the schema is not the one in the catalog.
    pub(crate) fn read_failed(&mut self, error: &Error) {
        self.look_at(error);
        if let Some(log) = &mut self.log {
            log.events.doubt();
        }
    }
}

impl<T: Any + Send + Sync> Answer<T> {
    /// What the store said. A value of another type is no answer.
    pub(crate) fn of(outcome: ReadOutcome) -> Self {
        match outcome {
            ReadOutcome::Hit(value) => Self::of_kept(value),
            ReadOutcome::Fill(fill) => Self::Fill(fill),
            _ => Self::Pass,
        }
    }

    pub(crate) fn of_kept(value: Kept) -> Self {
        value.downcast().map_or(Self::Pass, Self::Hit)
    }
}
