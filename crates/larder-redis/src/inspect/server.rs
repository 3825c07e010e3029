//! What the servers say of themselves.

use std::collections::BTreeMap;

use larder_core::{Clock as _, Error, SystemClock};
use redis::{Cmd, Value, cmd};

use super::Inspector;
use crate::{config::Address, node::NodeRef};

/// What one server says of itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerReport {
    /// Where it is.
    pub address: Address,
    /// By how many microseconds its clock is ahead of this machine's, half a round trip more or
    /// less; `None` = it does not tell.
    pub clock_ahead: Option<i64>,
    info: BTreeMap<Box<str>, Box<str>>,
    cluster: BTreeMap<Box<str>, Box<str>>,
}

impl ServerReport {
    /// A field of `INFO`, `maxmemory_policy` for example.
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info.get(name).map(|value| &**value)
    }

    /// A field of `CLUSTER INFO`, `cluster_state` for example; none where the server is no node of a
    /// cluster, or does not tell.
    pub fn cluster(&self, name: &str) -> Option<&str> {
        self.cluster.get(name).map(|value| &**value)
    }
}

impl Inspector {
    /// What every master says of itself.
    ///
    /// # Errors
    /// `Unavailable`: one does not answer. `Config`: it does not let us in.
    pub fn servers(&self) -> Result<Vec<ServerReport>, Error> {
        self.masters()?.iter().map(report).collect()
    }
}

fn report(node: &NodeRef) -> Result<ServerReport, Error> {
    let info = ask(node, cmd("INFO"))?;
    // The rest may be forbidden to our user.
    let clock_ahead = clock_ahead(node);
    let mut question = cmd("CLUSTER");
    question.arg("INFO");
    let in_cluster = fields(&info).get("cluster_enabled").map(|it| &**it) == Some("1");
    let cluster = in_cluster.then(|| ask(node, question).ok()).flatten();
    Ok(ServerReport {
        address: node.address().clone(),
        clock_ahead,
        info: fields(&info),
        cluster: cluster.map(|text| fields(&text)).unwrap_or_default(),
    })
}

fn ask(node: &NodeRef, question: Cmd) -> Result<Value, Error> {
    let failed = |failure: crate::node::Failure| {
        failure
            .into_config_error()
            .map_or_else(|wrong| wrong, Error::from)
    };
    node.ask(&question).map_err(failed)
}

/// Against the middle of the round trip.
fn clock_ahead(node: &NodeRef) -> Option<i64> {
    let clock = SystemClock::default();
    let before = clock.now();
    let answer = ask(node, cmd("TIME")).ok()?;
    let after = clock.now();
    let Value::Array(parts) = answer else {
        return None;
    };
    let [seconds, micros] = parts.as_slice() else {
        return None;
    };
    let number = |value: &Value| match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse::<i64>().ok(),
        Value::Int(number) => Some(*number),
        _ => None,
    };
    let there = number(seconds)?.checked_mul(1_000_000)?;
    let there = there.checked_add(number(micros)?)?;
    let here = i64::try_from(before.0 / 2 + after.0 / 2).ok()?;
    there.checked_sub(here)
}

/// `name:value` lines.
fn fields(answer: &Value) -> BTreeMap<Box<str>, Box<str>> {
    let text = match answer {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::VerbatimString { text, .. } => text.clone(),
        _ => String::new(),
    };
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, value)| (name.into(), value.trim().into()))
        .collect()
}
