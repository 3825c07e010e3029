use std::{collections::BTreeSet, path::Path, time::Duration};

use larder_core::{
    BypassReason, Cause, DiscardReason, Dropped, Fault, FaultKind, MissCause, StatementId,
};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;

fn key(table: &str) -> TableKey {
    TableKey(table.into())
}

/// What a recorder shows after these events, comments left out.
fn rendered(events: &[Event<'_>]) -> Vec<String> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let observer = MetricsObserver::new();
        events.iter().for_each(|event| observer.on_event(event));
    });
    let rendered = handle.render();
    let lines = rendered.lines().map(str::to_owned);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

fn hit(table: &TableKey) -> Event<'_> {
    Event::Hit {
        table,
        statement: Some(StatementId([1; 8])),
        source: HitSource::Near,
        saved: Duration::from_millis(250),
    }
}

fn everything<'a>(post: &'a TableKey, fault: &'a Fault) -> Vec<Event<'a>> {
    let fill = |outcome| Event::Fill {
        table: post,
        statement: None,
        outcome,
        bytes: 100,
        took: Duration::from_millis(500),
    };
    let mut dropped = Dropped::default();
    dropped.existed = 3;
    let invalidate = |table| Event::Invalidate {
        cause: Cause::Write,
        table,
        dropped,
    };
    vec![
        hit(post),
        hit(post),
        Event::Miss {
            table: post,
            statement: None,
            cause: MissCause::NoEntry,
        },
        fill(FillOutcome::Stored),
        fill(FillOutcome::Discarded(DiscardReason::TooLarge)),
        Event::Bypass {
            table: None,
            statement: None,
            reason: &BypassReason::Transaction,
        },
        invalidate(Some(post)),
        invalidate(None),
        Event::Pending { changes: 4 },
        Event::BreakerOpened,
        Event::Fault { fault },
        Event::Relay {
            rows: 6,
            lag: Duration::from_millis(1_500),
            delivered: true,
        },
    ]
}

#[test]
fn every_event_shows_under_its_documented_name() {
    let lines = rendered(&everything(
        &key("n:s:public.post"),
        &Fault::new(FaultKind::Timeout),
    ));
    for expected in [
        r#"larder_hits_total{table="n:s:public.post",source="near"} 2"#,
        r#"larder_saved_seconds_total{table="n:s:public.post"} 0.5"#,
        r#"larder_misses_total{table="n:s:public.post",cause="no_entry"} 1"#,
        r#"larder_fills_total{outcome="stored"} 1"#,
        r#"larder_fills_total{outcome="too_large"} 1"#,
        "larder_fill_seconds_sum 1",
        "larder_fill_seconds_count 2",
        "larder_filled_bytes_total 100",
        r#"larder_bypasses_total{reason="transaction"} 1"#,
        r#"larder_invalidations_total{table="n:s:public.post",cause="write"} 1"#,
        r#"larder_invalidations_total{table="*",cause="write"} 1"#,
        "larder_dropped_stamps_total 6",
        "larder_pending 4",
        "larder_breaker_open 1",
        r#"larder_faults_total{kind="timeout"} 1"#,
        "larder_relay_rows_total 6",
        "larder_relay_lag_seconds 1.5",
    ] {
        assert!(
            lines.iter().any(|it| it == expected),
            "{expected} in {lines:#?}"
        );
    }
}

#[test]
fn what_is_shown_and_what_is_documented_are_the_same_names_and_labels() {
    let lines = rendered(&everything(
        &key("n:s:public.post"),
        &Fault::new(FaultKind::Timeout),
    ));
    for metric in MetricsObserver::metrics() {
        let line = lines.iter().find(|line| {
            line.strip_prefix(metric.name)
                .is_some_and(|rest| rest.starts_with(['{', ' ', '_']))
        });
        let line = line.unwrap_or_else(|| panic!("{} is never shown", metric.name));
        for label in metric.labels {
            assert!(line.contains(&format!("{label}=\"")), "{label} in {line}");
        }
    }
    let known = names_of_list();
    for line in &lines {
        let name = line.split(['{', ' ']).next().expect("a name");
        assert!(known.contains(&base(name)), "{name} is not listed");
    }
}

#[test]
fn tables_beyond_the_bound_share_one_label() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let observer = MetricsObserver::new();
        for n in 0..TABLES_MAX + 5 {
            observer.on_event(&hit(&key(&format!("t{n}"))));
        }
        observer.on_event(&hit(&key("t0")));
    });
    let rendered = handle.render();
    let near: Vec<&str> = rendered
        .lines()
        .filter(|line| line.starts_with("larder_hits_total") && line.contains("near"))
        .collect();
    assert_eq!(near.len(), TABLES_MAX + 1);
    let other = r#"larder_hits_total{table="other",source="near"} 5"#;
    assert!(near.contains(&other));
    assert!(near.contains(&r#"larder_hits_total{table="t0",source="near"} 2"#));
}

fn file(path: &str) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(top.join(path)).expect("it is in the repository")
}

/// Words that are names of metrics, without what a histogram's parts append.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    text.split(word)
        .filter(|it| it.starts_with("larder_") && it.len() > "larder_".len())
        .map(base)
        .collect()
}

fn base(name: &str) -> String {
    let part = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|part| name.strip_suffix(part));
    part.unwrap_or(name).to_owned()
}

fn names_of_list() -> BTreeSet<String> {
    let metrics = MetricsObserver::metrics().iter();
    metrics.map(|metric| metric.name.to_owned()).collect()
}

#[test]
fn the_dashboard_and_the_document_name_every_metric_and_no_other() {
    let dashboard = file("docs/grafana/larder.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).expect("json");
    let mut queries = String::new();
    for panel in parsed["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push_str(target["expr"].as_str().expect("a query"));
            queries.push('\n');
        }
    }
    assert_eq!(names(&queries), names_of_list(), "the dashboard's queries");
    let document = file("docs/metrics.md");
    assert_eq!(names(&document), names_of_list(), "the document");
    for metric in MetricsObserver::metrics() {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", metric.name)))
            .unwrap_or_else(|| panic!("no row of {}", metric.name));
        let kind = format!("| {:?} |", metric.kind).to_lowercase();
        assert!(row.contains(&kind), "{kind} in {row}");
        for label in metric.labels {
            assert!(row.contains(&format!("`{label}`")), "{label} in {row}");
        }
    }
}
