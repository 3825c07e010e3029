//! Every interleaving of small cases, with the real machines.

use std::sync::Arc;

use larder_core::{Change, ShapeName};
use larder_testkit::{
    fixture::{Posts, Query},
    sim::{Rules, Scenario, explore, wander},
};

fn readers(queries: &[&Query]) -> Vec<(Query, usize)> {
    queries.iter().map(|query| ((*query).clone(), 0)).collect()
}

fn writers(changes: &[Change]) -> Vec<(Vec<Change>, usize)> {
    changes
        .iter()
        .map(|change| (vec![change.clone()], 0))
        .collect()
}

/// Explores all of it and finds nothing.
fn is_never_stale(scenario: &Scenario, worlds_min: usize) {
    let found = explore(scenario, 4_000_000);
    assert!(found.violation.is_none(), "{:#?}", found.violation);
    assert!(found.worlds >= worlds_min, "only {} worlds", found.worlds);
    assert!(found.hits > 0, "a case without hits shows nothing");
}

/// The same explorer notices when this rule is broken.
fn is_caught(scenario: Scenario, rules: Rules) {
    let broken = Scenario {
        rules,
        ..scenario.clone()
    };
    assert!(
        explore(&broken, 4_000_000).violation.is_some(),
        "{rules:?} is not noticed"
    );
    let found = explore(&scenario, 4_000_000);
    assert!(found.violation.is_none(), "{:#?}", found.violation);
}

#[test]
fn two_readers_and_two_writers_are_never_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let writes = writers(&[posts.retitled(1), posts.retitled(1)]);
    is_never_stale(&Scenario::new(readers(&[&query, &query]), writes), 10_000);
}

#[test]
fn an_eviction_between_any_two_operations_is_never_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    is_never_stale(
        &Scenario {
            evictions: 2,
            ..scenario
        },
        10_000,
    );
}

#[test]
fn dropping_values_shapes_and_records_is_never_stale() {
    let posts = Posts::default();
    for query in [posts.by_author(1), posts.all()] {
        for change in [
            posts.retitled(1),
            posts.unknown_row(),
            posts.unknown_rows(),
            posts.moved(1, 2),
        ] {
            let scenario = Scenario::new(readers(&[&query, &query]), writers(&[change]));
            is_never_stale(
                &Scenario {
                    evictions: 1,
                    ..scenario
                },
                1_000,
            );
        }
    }
}

/// Nothing, exactly what is read, more than that, and something else.
fn what_writers_may_have_met() -> Vec<Option<Arc<[ShapeName]>>> {
    let posts = Posts::default();
    let by_author = posts.by_author(1).dependencies[0].shape.clone();
    let (any, other) = (ShapeName::any_row(), ShapeName("1|title:text|*".into()));
    vec![
        None,
        Some([].into()),
        Some([by_author.clone()].into()),
        Some([by_author, any.clone()].into()),
        Some([any, other].into()),
    ]
}

#[test]
fn dropping_what_was_met_while_the_record_is_read_is_never_stale() {
    let posts = Posts::default();
    for met in what_writers_may_have_met() {
        for query in [posts.by_author(1), posts.all()] {
            for change in [posts.retitled(1), posts.unknown_row(), posts.moved(1, 2)] {
                let scenario = Scenario::new(readers(&[&query, &query]), writers(&[change]));
                is_never_stale(
                    &Scenario {
                        evictions: 1,
                        met: met.clone(),
                        ..scenario
                    },
                    1_000,
                );
            }
        }
        let (by_author, all) = (posts.by_author(1), posts.all());
        let changes = [posts.retitled(1), posts.moved(1, 2)];
        let scenario = Scenario {
            evictions: 2,
            restarts: 1,
            cancellations: 1,
            met,
            ..Scenario::new(readers(&[&by_author, &all, &by_author]), writers(&changes))
        };
        let found = wander(&scenario, 0..3_000);
        assert!(found.violation.is_none(), "{:#?}", found.violation);
        assert!(found.hits > 0, "{found:?}");
    }
}

#[test]
fn p4_the_explorer_catches_a_writer_that_drops_only_what_it_has_met() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    for met in [[].into(), [ShapeName::any_row()].into()] {
        let scenario = Scenario {
            met: Some(met),
            ..Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]))
        };
        is_caught(
            scenario,
            Rules {
                fresh_records_are_believed: false,
                ..Rules::default()
            },
        );
    }
}

#[test]
fn cancelled_leaders_and_impatient_waiters_are_never_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    is_never_stale(
        &Scenario {
            cancellations: 2,
            ..scenario
        },
        10_000,
    );
    let readers = readers(&[&query, &query, &query, &query]);
    let scenario = Scenario::new(readers, writers(&[posts.retitled(1)]));
    let found = wander(
        &Scenario {
            cancellations: 3,
            ..scenario
        },
        0..10_000,
    );
    assert!(found.violation.is_none(), "{:#?}", found.violation);
}

#[test]
fn a_restart_from_any_snapshot_is_never_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    is_never_stale(
        &Scenario {
            restarts: 1,
            ..scenario
        },
        10_000,
    );
}

#[test]
fn larger_cases_are_never_stale_on_random_paths() {
    let posts = Posts::default();
    let (by_author, other, all) = (posts.by_author(1), posts.by_author(2), posts.all());
    let mut scenario = Scenario::new(
        readers(&[&by_author, &all, &by_author, &all, &by_author]),
        writers(&[
            posts.retitled(1),
            posts.unknown_row(),
            posts.unknown_rows(),
            posts.moved(1, 2),
        ]),
    );
    scenario.readers.push((other.clone(), 1));
    scenario.readers.push((other, 1));
    scenario.writers.push((vec![posts.retitled(2)], 1));
    let scenario = Scenario {
        evictions: 3,
        cancellations: 3,
        restarts: 1,
        ..scenario
    };
    let found = wander(&scenario, 0..5_000);
    assert!(found.violation.is_none(), "{:#?}", found.violation);
    assert!(found.hits > 0 && found.worlds > 200_000, "{found:?}");
}

#[test]
fn results_kept_near_are_never_stale() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let four = readers(&[&query, &query, &query, &query]);
    for change in [posts.retitled(1), posts.unknown_rows()] {
        let scenario = Scenario {
            near: true,
            evictions: 1,
            restarts: 1,
            ..Scenario::new(four.clone(), writers(&[change, posts.retitled(1)]))
        };
        let found = wander(&scenario, 0..4_000);
        assert!(found.violation.is_none(), "{:#?}", found.violation);
        assert!(found.hits > 1, "{found:?}");
    }
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    let near = Scenario {
        near: true,
        evictions: 1,
        ..scenario
    };
    is_never_stale(&near, 1_000);
}

#[test]
fn p7_the_explorer_catches_a_near_result_that_nobody_confirmed() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    let broken = Scenario {
        near: true,
        rules: Rules {
            near_is_confirmed: false,
            ..Rules::default()
        },
        ..scenario
    };
    assert!(explore(&broken, 4_000_000).violation.is_some());
}

#[test]
fn p1_the_explorer_catches_a_missing_stamp_taken_for_fresh() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]));
    is_caught(
        scenario,
        Rules {
            missing_stamp_is_a_miss: false,
            ..Rules::default()
        },
    );
}

#[test]
fn p2_the_explorer_catches_stamps_read_at_store_time() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]));
    is_caught(
        scenario,
        Rules {
            stamps_before_query: false,
            ..Rules::default()
        },
    );
}

#[test]
fn p4_the_explorer_catches_a_record_read_before_commit() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]));
    is_caught(
        scenario,
        Rules {
            records_after_commit: false,
            ..Rules::default()
        },
    );
}

#[test]
fn p5_the_explorer_catches_a_creating_command_that_arrives_twice() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]));
    let broken = Scenario {
        duplicates: 1,
        ..scenario
    };
    assert!(explore(&broken, 4_000_000).violation.is_some());
}

#[test]
fn p6_the_explorer_catches_a_restart_that_keeps_its_name() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query]), writers(&[posts.retitled(1)]));
    let scenario = Scenario {
        restarts: 1,
        ..scenario
    };
    is_caught(
        scenario,
        Rules {
            restart_changes_incarnation: false,
            ..Rules::default()
        },
    );
}

#[test]
fn p8_the_explorer_catches_a_flight_joined_by_its_entry_alone() {
    let posts = Posts::default();
    let query = posts.by_author(1);
    let scenario = Scenario::new(readers(&[&query, &query]), writers(&[posts.retitled(1)]));
    is_caught(
        scenario,
        Rules {
            flights_have_stamps: false,
            ..Rules::default()
        },
    );
}
