//! Which CTEs a name may mean (R3).

use sqlparser::ast::{Ident, With};

use super::{
    columns::{alias_columns, rename},
    names,
    reader::{Around, Reader},
    scope::Names,
};
use crate::plan::Reason;

/// The CTEs of one WITH.
#[derive(Debug, Default)]
pub(super) struct CteFrame {
    pub(super) outer: Option<usize>,
    pub(super) ctes: Vec<Cte>,
}

/// One CTE.
#[derive(Debug)]
pub(super) struct Cte {
    pub(super) name: Box<str>,
    pub(super) columns: Names,
    /// Its definition has been read: from here on the name means it and nothing else (R3).
    pub(super) defined: bool,
}

impl Reader<'_, '_> {
    /// R3: each definition sees the ones before it; its own name and later ones may also be tables.
    pub(super) fn with(&mut self, with: &With, around: Around) -> Result<usize, Reason> {
        let frame = self.ctes.len();
        let dialect = self.cx.dialect;
        let mut ctes: Vec<Cte> = Vec::new();
        for cte in &with.cte_tables {
            if cte.from.is_some() || cte.alias.at.is_some() {
                return Err(Reason::new("a clause of a cte is not understood"));
            }
            let name = names::fold(&cte.alias.name, dialect);
            if names::is_uncertain(&name, dialect)
                || ctes
                    .iter()
                    .any(|known| names::same(&known.name, &name, dialect))
            {
                return Err(Reason::new("the name of a cte is not certain"));
            }
            ctes.push(Cte {
                name: Box::from(&*name),
                columns: Names::Unknown,
                defined: false,
            });
        }
        self.ctes.push(CteFrame {
            outer: around.ctes,
            ctes,
        });
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let inside = Around {
                outer: around.outer,
                ctes: Some(frame),
                defines: Some((frame, index)),
            };
            let renamed = alias_columns(Some(&cte.alias), dialect)?;
            if !renamed.is_empty() {
                self.name_cte(frame, index, &Names::Known(renamed.clone()));
            }
            let columns = self.query(&cte.query, inside)?;
            self.name_cte(frame, index, &rename(columns, renamed)?);
            if let Some(cte) = self.cte_mut(frame, index) {
                cte.defined = true;
            }
        }
        Ok(frame)
    }

    pub(super) fn cte_mut(&mut self, frame: usize, index: usize) -> Option<&mut Cte> {
        self.ctes.get_mut(frame)?.ctes.get_mut(index)
    }

    pub(super) fn name_cte(&mut self, frame: usize, index: usize, columns: &Names) {
        if let Some(cte) = self.cte_mut(frame, index) {
            cte.columns = columns.clone();
        }
    }

    /// The CTE that a name means in a block, and whether it can mean nothing else.
    pub(super) fn cte(&self, name: &Ident, block: usize) -> Option<(Names, bool)> {
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
}
