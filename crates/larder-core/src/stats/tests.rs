use super::*;

fn reads(hits: u64, saved: u64) -> ReadStats {
    ReadStats {
        hits,
        misses: 1,
        bypasses: [("fault".to_owned(), 1)].into(),
        saved: Duration::from_micros(saved),
        ..ReadStats::default()
    }
}

fn statement(id: u8, hits: u64, saved: u64) -> StatementStats {
    StatementStats {
        id: StatementId([id; 8]),
        sql: format!("SELECT {id}"),
        table: "n:s:t".into(),
        reads: reads(hits, saved),
    }
}

fn part(started: u64, statements: Vec<StatementStats>) -> Stats {
    Stats {
        processes: 1,
        started: Moment(started),
        taken: Moment(started + 10),
        pending: 2,
        totals: reads(5, 7),
        tables: vec![TableStats {
            table: "n:s:t".into(),
            invalidations: [("write".to_owned(), 3)].into(),
            stamps_dropped: 4,
            ..TableStats::default()
        }],
        statements,
        ..Stats::default()
    }
}

#[test]
fn the_sum_adds_equal_statements_and_puts_first_what_saved_most() {
    let parts = [
        part(50, vec![statement(1, 1, 10), statement(2, 1, 15)]),
        part(20, vec![statement(1, 2, 10)]),
    ];
    let sum = Stats::sum(parts);
    assert_eq!((sum.processes, sum.pending), (2, 4));
    assert_eq!((sum.started, sum.taken), (Moment(20), Moment(60)));
    assert_eq!((sum.totals.hits, sum.totals.bypassed()), (10, 2));
    let [table] = sum.tables.as_slice() else {
        panic!("one table")
    };
    assert_eq!((table.invalidations["write"], table.stamps_dropped), (6, 8));
    let order: Vec<_> = sum
        .statements
        .iter()
        .map(|it| (&*it.sql, it.reads.hits))
        .collect();
    assert_eq!(order, [("SELECT 1", 3), ("SELECT 2", 1)]);
    assert_eq!(sum.top(1).statements.len(), 1);
}

#[test]
fn stats_are_read_by_older_and_newer_versions() {
    #[derive(Serialize)]
    struct Newer {
        faults: u64,
        invented_later: Vec<(&'static str, u8)>,
        totals: NewerReads,
    }
    #[derive(Serialize)]
    struct NewerReads {
        invented_later: &'static str,
        saved_us: u64,
    }
    let newer = Newer {
        faults: 3,
        invented_later: vec![("x", 1)],
        totals: NewerReads {
            invented_later: "y",
            saved_us: 9,
        },
    };
    let read = rmp_serde::to_vec_named(&newer)
        .ok()
        .and_then(|bytes| Stats::decode(&bytes));
    let read = read.unwrap();
    assert_eq!(
        (read.faults, read.totals.saved),
        (3, Duration::from_micros(9))
    );
    assert_eq!(read.processes, 0, "what the writer did not know is zero");

    let own = part(1, vec![statement(1, 1, 10)]);
    assert_eq!(
        own.encode().and_then(|bytes| Stats::decode(&bytes)),
        Some(own)
    );
    assert_eq!(Stats::decode(b"no stats"), None);
}

#[test]
fn the_hit_ratio_leaves_bypasses_out() {
    assert_eq!(reads(3, 0).hit_ratio(), Some(0.75));
    assert_eq!(ReadStats::default().hit_ratio(), None);
}
