//! The values of one IN.

use super::{Template, ready::ReadyTerm};
use crate::{Param, value::Canonical};

/// Collects the values of one IN.
pub(super) struct Values<'a, 'b> {
    pub(super) template: &'b Template,
    pub(super) term: &'b ReadyTerm,
    pub(super) found: Vec<Canonical<'a>>,
}

impl<'a> Values<'a, '_> {
    /// Whether the operand is exact. NULL never matches, so it adds nothing.
    pub(super) fn add(&mut self, value: Option<Canonical<'a>>) -> bool {
        let Some(value) = value else { return false };
        if value != Canonical::Null && !self.found.contains(&value) {
            self.found.push(value);
        }
        self.found.len() <= self.template.in_values_max
    }

    pub(super) fn add_elements(&mut self, param: &'a Param<'_>) -> bool {
        match param {
            // `= ANY(NULL)` never matches.
            Param::Null => true,
            Param::Array(_, elements) if elements.len() <= self.template.in_values_max => elements
                .iter()
                .all(|element| self.add(self.template.convert(self.term, element))),
            _ => false,
        }
    }
}
