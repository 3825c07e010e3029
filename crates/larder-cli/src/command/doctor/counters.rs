//! What the counters of the running processes tell.

use larder_core::Stats;

use super::{
    Finding,
    Severity::{Note, Problem, Warning},
};
use crate::counted::table_name;

/// Fewer reads say nothing about a ratio.
const READS_MIN: u64 = 100;

/// Below, a cache is worth little.
const RATIO_MIN: f64 = 0.7;

/// Tables that are listed.
const TABLES_SHOWN: usize = 5;

pub(super) fn findings(reports: Vec<Stats>, namespace: &str) -> Vec<Finding> {
    if reports.is_empty() {
        return vec![found(
            namespace,
            Finding::new(
                Note,
                "no process has reported",
                "hit ratios are counted in the application's processes, and shown while they run",
                "start the application, or set `report_every` above zero",
            ),
        )];
    }
    let stats = Stats::sum(reports);
    let mut findings = Vec::new();
    findings.extend(ratio(&stats));
    findings.extend(past(&stats));
    if stats.breakers_open > 0 {
        findings.push(Finding::new(
            Problem,
            format!(
                "{} of {} processes do not reach the store",
                stats.breakers_open, stats.processes
            ),
            "their reads all go to the database, and their invalidations wait",
            "look at the network between them and Redis, and at its load",
        ));
    } else if stats.pending > 0 {
        findings.push(Finding::new(
            Warning,
            format!("{} invalidations wait for delivery", stats.pending),
            "other processes may serve older results until they are delivered",
            "they are delivered by themselves once the store answers; see its faults",
        ));
    }
    findings
        .into_iter()
        .map(|it| found(namespace, it))
        .collect()
}

fn found(namespace: &str, finding: Finding) -> Finding {
    Finding {
        area: "counters",
        subject: format!("namespace {namespace}"),
        ..finding
    }
}

fn ratio(stats: &Stats) -> Option<Finding> {
    let totals = &stats.totals;
    let ratio = totals.hit_ratio().filter(|ratio| *ratio < RATIO_MIN)?;
    (totals.hits + totals.misses >= READS_MIN).then(|| {
        let mut worst: Vec<_> = stats.tables.iter().filter(|it| it.reads.misses > 0).collect();
        worst.sort_by_key(|it| std::cmp::Reverse(it.reads.misses));
        let named = worst.iter().take(TABLES_SHOWN).map(|it| {
            let invalidations: u64 = it.invalidations.values().sum();
            format!(
                "{}: {} misses, {invalidations} invalidations",
                table_name(&it.table),
                it.reads.misses
            )
        });
        Finding::new(
            Warning,
            format!("only {:.0} % of the reads that may be cached are hits", ratio * 100.0),
            "each miss costs more than the bare query",
            "`larder top --by misses` names the statements and `larder explain` what drops them; give \
             a longer ttl where results expire, and no policy to what is written as often as read",
        )
        .about(named)
    })
}

/// Reads that a policy wants cached and that cannot be.
fn past(stats: &Stats) -> Option<Finding> {
    let totals = &stats.totals;
    let uncacheable = totals.bypasses.get("uncacheable").copied().unwrap_or(0);
    let asked = totals.hits + totals.misses + uncacheable;
    (asked >= READS_MIN && uncacheable.saturating_mul(5) > asked).then(|| {
        Finding::new(
            Warning,
            format!("{uncacheable} reads went past the cache because of what their text says"),
            "a function, a lock or a type keeps them from being cached",
            "`larder top --by bypasses` names the statements, `larder explain` the reason and the \
             remedy",
        )
    })
}
