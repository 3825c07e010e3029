//! Reads that go past the cache while a memo runs.

use larder_core::BypassReason;
use larder_signals::PassingRead;
use sea_orm::Statement;

use crate::{param::Params, shared::Shared};

impl Shared {
    /// Lets a memo that runs here rest on a read outside a transaction, which is sent next.
    pub(crate) async fn track(&self, statement: &Statement) {
        let larder = self.larder();
        if !larder.is_recording() {
            return;
        }
        // Without a catalog nobody knows what it reads.
        let Some(source) = self.keeper().ready() else {
            return larder.unseen();
        };
        let prepared = source.plan(&statement.sql);
        let params = Params::of_read(statement, &[], source.dialect());
        if let Some(why) = self.untracked(params.exact) {
            return larder.untracked(&why);
        }
        let read = PassingRead {
            source,
            prepared: &prepared,
            params: &params.values,
            scope: self.scope(),
        };
        larder.track(&read).await;
    }

    /// The read has run. Its connection may have been one whose session was changed meanwhile, or
    /// its server may have become a standby (P9).
    pub(crate) fn tracked(&self) {
        if self.larder().is_recording()
            && let Some(why) = self.untracked(true)
        {
            self.larder().untracked(&why);
        }
    }

    /// Why no read through this handle is tracked.
    fn untracked(&self, exact: bool) -> Option<BypassReason> {
        let refused = self.refusal(exact, false);
        refused.or_else(|| self.keeper().lags().then_some(BypassReason::Replica))
    }
}
