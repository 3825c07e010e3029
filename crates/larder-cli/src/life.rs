//! The life of an entry, as commands show it.

use std::{fmt, time::Duration};

use larder_core::Moment;
use larder_redis::inspect::EntryReport;
use serde::Serialize;

use crate::words::{duration, seconds};

/// How old an entry is, how long it lives on, and what its query took.
#[derive(Debug, Serialize)]
pub(crate) struct Life {
    age_seconds: Option<u64>,
    ttl_seconds: Option<u64>,
    query_micros: Option<u64>,
}

impl Life {
    pub(crate) fn new(entry: &EntryReport, now: Moment) -> Self {
        let header = entry.header.as_ref();
        Self {
            age_seconds: header.map(|it| now.since(it.created).as_secs()),
            ttl_seconds: entry.ttl.map(|it| it.as_secs()),
            query_micros: header.and_then(|it| u64::try_from(it.cost.as_micros()).ok()),
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (age, ttl) = (seconds(self.age_seconds), seconds(self.ttl_seconds));
        write!(f, "{age} old, lives {ttl} more")?;
        match self.query_micros {
            Some(micros) => write!(f, ", query {}", duration(Duration::from_micros(micros))),
            None => Ok(()),
        }
    }
}
