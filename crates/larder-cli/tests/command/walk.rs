//! The walk of docs/why-a-query-misses.md: from "it is slow" to why, by the command alone.

use std::time::Duration;

use larder_examples::entity::post;
use larder_sql::Dialect;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, sea_query::Expr};

use crate::lab::Lab;

/// An application: a page that is read a lot, a list by popularity that misses, a list by the clock
/// that is never cached, and a counter that is written at each view.
async fn run(lab: &Lab) {
    let db = &lab.db;
    let popular = || post::Entity::find().filter(post::Column::Views.gt(3));
    let recent = || {
        let clock = Expr::cust("created_at < now()");
        post::Entity::find()
            .filter(clock)
            .order_by_asc(post::Column::Id)
    };
    for view in 0..60 {
        post::Entity::find_by_id(2).one(db).await.unwrap();
        popular().all(db).await.unwrap();
        recent().all(db).await.unwrap();
        if view % 2 == 0 {
            post::Entity::update_many()
                .col_expr(post::Column::Views, post::Column::Views.into_expr().add(1))
                .filter(post::Column::Id.eq(1))
                .exec(db)
                .await
                .unwrap();
        }
    }
    let report = lab.db.larder().cache();
    assert!(report.report_stats_blocking("one", 50, Duration::from_secs(60)));
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_query_misses_is_found_by_the_command_alone() {
    let lab = Lab::start(Dialect::Postgres).await;
    run(&lab).await;
    let mut told = String::new();
    let sum = "UPDATE post SET views = views + 1 WHERE id = 1";
    for words in [
        &["doctor", "--quiet"][..],
        &["stats"],
        &["top", "--by", "misses", "-n", "1"],
        &["explain", "SELECT id, title FROM post WHERE views > 3"],
        &["explain", sum],
        &["top", "--by", "bypasses", "-n", "1"],
        &[
            "explain",
            "SELECT id FROM post WHERE created_at < now() ORDER BY id",
        ],
    ] {
        let line: Vec<String> = words
            .iter()
            .map(|word| match word.contains(' ') {
                true => format!("\"{word}\""),
                false => (*word).to_owned(),
            })
            .collect();
        let ended = lab.run(words);
        assert_eq!(ended.err, "", "{words:?}");
        told += &format!("$ larder {}\n{}\n", line.join(" "), ended.out);
    }
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "snapshots",
        filters => [
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
            (r"namespace (`?)cli-\d+", "namespace ${1}[namespace]"),
            (r" +<?\d+(us|ms|s)\b", " [time]"),
            (r" +\d+(\.\d+)? (B|KiB)\b", " [bytes]"),
        ],
    }, {
        insta::assert_snapshot!("walk", told);
    });
}
