//! What the processes of an application have counted, as commands show it.

use std::{collections::BTreeMap, time::Duration};

use larder_core::{ReadStats, Stats, TableKey};
use serde::Serialize;

use crate::{
    context::Context,
    exit::{Exit, Failure},
    words::{bytes, duration},
};

/// The sum of what all processes have counted. That none has reported is an error that says why.
pub(crate) async fn sum(context: &Context) -> Result<Stats, Failure> {
    let namespace = context.namespace()?;
    let reports = context.store()?.reports(namespace).await?;
    if reports.is_empty() {
        return Err(Failure::new(
            Exit::Findings,
            format!(
                "no process has reported in the namespace `{namespace}`: one that runs does so every \
                 `report_every` (10 s), unless that is zero, and its report is kept for three times as \
                 long"
            ),
        ));
    }
    Ok(Stats::sum(reports))
}

/// What reads came to.
#[derive(Debug, Serialize)]
pub(crate) struct Reads {
    pub(crate) hits: u64,
    near_hits: u64,
    pub(crate) misses: u64,
    pub(crate) bypassed: u64,
    /// Of the reads that may be answered: hits by hits and misses.
    pub(crate) hit_ratio: Option<f64>,
    /// By reason.
    pub(crate) bypasses: BTreeMap<String, u64>,
    pub(crate) fills: u64,
    discarded: u64,
    fill_seconds: f64,
    pub(crate) saved_seconds: f64,
    bytes_stored: u64,
}

impl Reads {
    pub(crate) fn new(reads: &ReadStats) -> Self {
        Self {
            hits: reads.hits,
            near_hits: reads.near_hits,
            misses: reads.misses,
            bypassed: reads.bypassed(),
            hit_ratio: reads.hit_ratio(),
            bypasses: reads.bypasses.clone(),
            fills: reads.fills,
            discarded: reads.discarded,
            fill_seconds: reads.fill_time.as_secs_f64(),
            saved_seconds: reads.saved.as_secs_f64(),
            bytes_stored: reads.bytes,
        }
    }

    /// `81.0 % hits`; `-` where nothing was asked for.
    pub(crate) fn ratio(&self) -> String {
        let percent = |ratio| format!("{:.1} %", ratio * 100.0);
        self.hit_ratio.map_or_else(|| "-".to_owned(), percent)
    }

    pub(crate) fn saved(&self) -> String {
        duration(Duration::from_secs_f64(self.saved_seconds.max(0.0)))
    }

    pub(crate) fn stored(&self) -> String {
        bytes(self.bytes_stored)
    }

    /// What a fill takes in the mean.
    pub(crate) fn mean_fill(&self) -> String {
        match self.fills.saturating_add(self.discarded) {
            0 => "-".to_owned(),
            fills => duration(Duration::from_secs_f64(
                (self.fill_seconds / fills as f64).max(0.0),
            )),
        }
    }
}

/// `public.post` of `shop:db:public.post`.
pub(crate) fn table_name(key: &str) -> String {
    let parts = TableKey(key.into()).parts();
    parts.map_or_else(|| key.to_owned(), |parts| parts.table.to_string())
}
