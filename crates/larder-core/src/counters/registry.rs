//! The statements of a process, by name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{StatementId, TableKey, statement::Statement, stats::ReadStats, sync::lock};

/// Statements told apart: twice the plans that a source keeps by default.
const STATEMENTS_MAX: usize = 20_000;

/// Newcomers that are turned away before it is looked again for statements that nobody uses.
const TURNED_AWAY: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Registry {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_name: HashMap<(StatementId, Option<TableKey>), Arc<Statement>>,
    /// What was counted of statements that are not told apart any more.
    forgotten: ReadStats,
    /// Statements that found no room: they share this.
    crowd: Option<Arc<Statement>>,
    turned_away: usize,
}

impl Registry {
    /// The statement of this name. Kept as long as a plan has it, and longer where there is room.
    pub(super) fn find_or_make(
        &self,
        id: StatementId,
        table: Option<&TableKey>,
        make: impl FnOnce() -> Statement,
    ) -> Arc<Statement> {
        let mut known = lock(&self.known);
        let name = (id, table.cloned());
        if let Some(statement) = known.by_name.get(&name) {
            return statement.clone();
        }
        if !known.has_room(STATEMENTS_MAX) {
            return known.crowd();
        }
        let statement = Arc::new(make());
        known.by_name.insert(name, statement.clone());
        statement
    }

    pub(super) fn all(&self) -> Vec<Arc<Statement>> {
        lock(&self.known).by_name.values().cloned().collect()
    }

    pub(super) fn forgotten(&self) -> ReadStats {
        let known = lock(&self.known);
        let mut forgotten = known.forgotten.clone();
        if let Some(crowd) = &known.crowd {
            forgotten.add(&crowd.counters.stats());
        }
        forgotten
    }
}

impl Known {
    /// Forgets the statements whose plans are gone when there are too many.
    fn has_room(&mut self, most: usize) -> bool {
        if self.by_name.len() < most {
            return true;
        }
        // A look at all of them is not for every newcomer.
        if self.turned_away > 0 {
            self.turned_away -= 1;
            return false;
        }
        let forgotten = &mut self.forgotten;
        self.by_name.retain(|_, statement| {
            // Under the lock, nobody can take another hold of it.
            let used = Arc::strong_count(statement) > 1;
            if !used {
                forgotten.add(&statement.counters.stats());
            }
            used
        });
        let room = self.by_name.len() < most;
        if !room {
            self.turned_away = TURNED_AWAY;
        }
        room
    }

    fn crowd(&mut self) -> Arc<Statement> {
        let nobody = || Arc::new(Statement::unnamed());
        self.crowd.get_or_insert_with(nobody).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_sql::Dialect;

    use super::*;
    use crate::HitSource;

    fn named(known: &mut Known, n: u8) -> Arc<Statement> {
        let id = StatementId([n; 8]);
        let statement = Arc::new(Statement::new(id, "SELECT 1", Dialect::Sqlite, None));
        known.by_name.insert((id, None), statement.clone());
        statement
    }

    #[test]
    fn a_statement_whose_plan_is_gone_makes_room_and_stays_in_the_totals() {
        let mut known = Known::default();
        let kept = named(&mut known, 1);
        named(&mut known, 2)
            .counters
            .hit(HitSource::Store, Duration::ZERO);
        assert!(known.has_room(2));
        assert_eq!(known.by_name.len(), 1);
        assert_eq!(known.forgotten.hits, 1);
        assert!(!known.has_room(1), "`kept` is used");
        drop(kept);
        assert!(!known.has_room(1), "not looked at for every newcomer");
        known.turned_away = 0;
        assert!(known.has_room(1));
    }

    #[test]
    fn who_finds_no_room_shares_one_statement() {
        let mut known = Known::default();
        known.crowd().counters.missed();
        assert!(Arc::ptr_eq(&known.crowd(), &known.crowd()));
        let registry = Registry {
            known: Mutex::new(known),
        };
        assert_eq!(registry.forgotten().misses, 1);
        assert!(registry.all().is_empty());
    }
}
