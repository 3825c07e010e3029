//! Read kinds x write kinds on three databases: every answer equals the database's after every
//! write, and what a write cannot have touched is still answered without a query.

mod matrix;

use larder_tests::lab::Backend;
use matrix::{check, handles};

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_sqlite() {
    check(Backend::Sqlite).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_postgres() {
    check(Backend::Postgres).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_mariadb() {
    check(Backend::MariaDb).await;
}

#[test]
fn every_read_of_the_matrix_is_kept_by_some_write() {
    matrix::every_read_is_kept_by_some_write();
}

#[tokio::test]
async fn a_schema_change_through_one_handle_is_known_to_the_others() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        handles::schema_changes_reach_other_handles(backend).await;
    }
}

#[tokio::test]
async fn handles_with_another_search_path_never_share_an_answer() {
    handles::search_paths_do_not_meet().await;
}
