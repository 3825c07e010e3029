//! `larder stats`, `larder top`, and what `larder doctor` makes of counters.

use std::time::Duration;

use larder_examples::entity::post;
use larder_sql::Dialect;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::lab::{Lab, snapshot};

/// The application writes its report now, and not in ten seconds.
fn report(lab: &Lab, process: &str) {
    let cache = lab.db.larder().cache();
    let written = cache.report_stats_blocking(process, 50, Duration::from_secs(60));
    assert!(written, "the report was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_processes_have_counted_is_summed() {
    let lab = Lab::start(Dialect::Postgres).await;
    let none = lab.run(&["stats"]);
    assert_eq!(none.code, 1, "{none:?}");
    snapshot!("stats_none", none.text());

    lab.fill().await;
    lab.fill().await;
    let row = post::ActiveModel {
        id: Set(1),
        title: Set("other".into()),
        ..Default::default()
    };
    post::Entity::update(row).exec(&lab.db).await.unwrap();
    lab.db.query_one_raw(text("SELECT now()")).await.unwrap();
    report(&lab, "one");
    let told = lab.run(&["stats", "--entries"]);
    // Tables come by the time that they saved, which is another one each time.
    let text = told.text();
    let (head, tables) = text.split_at(text.find("public.").unwrap());
    let mut lines: Vec<&str> = tables.lines().collect();
    lines.sort_unstable();
    lines.insert(0, head);
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "snapshots",
        // Times, and the columns that they are in.
        filters => [
            (r" +<?\d+(us|ms|s)\b", " [time]"),
            (r" +\d+(\.\d+)? (B|KiB)\b", " [bytes]"),
        ],
    }, {
        insta::assert_snapshot!("stats", lines.join("\n"));
    });

    // A second process that has seen the same.
    report(&lab, "two");
    let (one, two) = (told, lab.run(&["stats", "--json"]));
    assert_eq!(one.code, 0, "{one:?}");
    let two = two.json();
    assert_eq!(two["processes"], 2);
    assert_eq!(two["totals"]["hits"], 2 * 30, "{two}");
}

fn text(sql: &str) -> sea_orm::Statement {
    sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_that_matter_come_first() {
    let lab = Lab::start(Dialect::Postgres).await;
    for _ in 0..12 {
        post::Entity::find_by_id(1).one(&lab.db).await.unwrap();
    }
    let by_title = |title: &str| post::Entity::find().filter(post::Column::Title.eq(title));
    for number in 0..11 {
        let title = format!("secret {number}");
        by_title(&title).all(&lab.db).await.unwrap();
    }
    report(&lab, "one");
    let first = |by: &str| {
        let top = lab.run(&["top", "--by", by, "-n", "1", "--json"]);
        let top = top.json();
        let statements = top["statements"].as_array().unwrap();
        assert_eq!(statements.len(), 1, "{top}");
        statements[0].clone()
    };
    let hottest = first("hits");
    assert_eq!(
        (&hottest["hits"], &hottest["misses"]),
        (&11.into(), &1.into())
    );
    assert!(
        hottest["sql"]
            .as_str()
            .unwrap()
            .contains("\"post\".\"id\" = $1")
    );
    let missing = first("misses");
    assert_eq!(
        (&missing["hits"], &missing["misses"]),
        (&0.into(), &11.into())
    );
    assert_eq!(first("ratio")["id"], missing["id"]);
    // Not on a terminal it is printed once; no value is in it.
    let printed = lab.run(&["top"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(!printed.out.contains("secret"), "{printed:?}");
    assert!(!printed.out.contains('\u{1b}'), "{printed:?}");

    // What `explain` calls it is what it is called here.
    let sql = missing["sql"].as_str().unwrap();
    let explained = lab
        .run(&["explain", sql, "--param", "secret 3", "--json"])
        .json();
    assert_eq!(explained["id"], missing["id"], "{explained}");
    assert_eq!(
        explained["kept"]["entries"].as_array().unwrap().len(),
        1,
        "{explained}"
    );
    let other = lab
        .run(&["explain", sql, "--param", "another", "--json"])
        .json();
    assert_eq!(
        other["kept"]["entries"].as_array().unwrap().len(),
        0,
        "{other}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_sees_that_few_reads_are_hits() {
    let lab = Lab::start(Dialect::Postgres).await;
    for id in 0..120 {
        post::Entity::find_by_id(id).one(&lab.db).await.unwrap();
    }
    report(&lab, "one");
    let found = lab.run(&["doctor", "--json"]);
    assert_eq!(found.code, 1, "{found:?}");
    let found = found.json();
    let counted = found
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["area"] == "counters");
    let counted = counted.unwrap_or_else(|| panic!("{found}"));
    assert_eq!(
        counted["what"],
        "only 0 % of the reads that may be cached are hits"
    );
    assert_eq!(
        counted["items"][0],
        "public.post: 120 misses, 0 invalidations"
    );
}
