//! What the session's settings mean for reading statements and storing results.

use super::Catalog;
use crate::Dialect;

impl Catalog {
    /// A session setting by name, as read with the catalog.
    pub fn session_setting(&self, name: &str) -> Option<&str> {
        self.session
            .iter()
            .find(|(key, _)| **key == *name)
            .map(|(_, value)| &**value)
    }

    /// Why statements of this session cannot be read with certainty: a setting changes what quotes
    /// or operators mean. Nothing is cached then and every write counts as unknown.
    pub fn text_is_misread(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Postgres => self
                .session_is("standard_conforming_strings", "off")
                .then_some("standard_conforming_strings is off"),
            Dialect::MySql => {
                let modes = self.session_setting("sql_mode").unwrap_or_default();
                modes.split(',').find_map(misleading_mode)
            }
            Dialect::Sqlite => None,
        }
    }

    /// Why results of this session may not be stored at all (P9 and its kin).
    pub fn session_forbids_storing(&self) -> Option<&'static str> {
        if self.dialect != Dialect::MySql {
            return None;
        }
        // MariaDB before 11.1 has the old name of the variable only.
        let isolation = ["transaction_isolation", "tx_isolation"];
        if isolation
            .iter()
            .any(|name| self.session_is(name, "READ-UNCOMMITTED"))
        {
            return Some("the session reads uncommitted rows");
        }
        if self.session_is("autocommit", "OFF") || self.session_is("autocommit", "0") {
            return Some("the session has autocommit switched off");
        }
        if self.session_is("sql_auto_is_null", "ON") || self.session_is("sql_auto_is_null", "1") {
            return Some("the session has sql_auto_is_null switched on");
        }
        None
    }

    fn session_is(&self, name: &str, value: &str) -> bool {
        self.session_setting(name)
            .is_some_and(|set| set.eq_ignore_ascii_case(value))
    }
}

/// PIPES_AS_CONCAT is not here: text with `||` is not cached in any mode (R12).
fn misleading_mode(mode: &str) -> Option<&'static str> {
    match mode.trim() {
        "ANSI_QUOTES" | "ANSI" => Some("sql_mode contains ANSI_QUOTES"),
        "NO_BACKSLASH_ESCAPES" => Some("sql_mode contains NO_BACKSLASH_ESCAPES"),
        "HIGH_NOT_PRECEDENCE" => Some("sql_mode contains HIGH_NOT_PRECEDENCE"),
        "ORACLE" => Some("sql_mode contains ORACLE"),
        "MSSQL" => Some("sql_mode contains MSSQL"),
        "DB2" | "MAXDB" | "POSTGRESQL" => Some("sql_mode imitates another server"),
        _ => None,
    }
}
