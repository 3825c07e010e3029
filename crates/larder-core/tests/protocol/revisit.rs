//! The short way of a hit, by the name of the entry alone, says no more than the full lookup.

use std::{sync::Arc, time::Duration};

use larder_core::{
    Cache, CacheOptions, Cause, Change, Entropy, Limits, MemoryStore, Moment, ReadMode,
    ReadOutcome, ReadRequest,
};
use larder_testkit::{
    clock::ManualClock,
    fixture::{Posts, Query},
};

use crate::limited;

struct House {
    cache: Cache,
    clock: Arc<ManualClock>,
    posts: Posts,
}

fn house(limits: Limits) -> House {
    let clock = Arc::new(ManualClock::at(Moment(1_000_000_000)));
    let mut options = CacheOptions::default();
    options.limits = limits;
    options.clock = clock.clone();
    options.entropy = Entropy::seeded(7);
    let cache = Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options);
    House {
        cache,
        clock,
        posts: Posts::default(),
    }
}

impl House {
    fn fill(&self, query: &Query, row: u64) {
        if let ReadOutcome::Fill(fill) = self.cache.read_blocking(query.read()) {
            fill.store_blocking(Arc::new(row), 8);
        }
    }

    fn revisit(&self, query: &Query) -> Option<u64> {
        match self.cache.revisit_now(&query.entry, Duration::MAX, None)? {
            ReadOutcome::Hit(value) => value.downcast_ref::<u64>().copied(),
            other => panic!("a revisit says hit or nothing, not {other:?}"),
        }
    }
}

#[test]
fn revisit_finds_what_a_fill_stored() {
    let house = house(Limits::default());
    for query in [house.posts.by_author(1), house.posts.all()] {
        assert_eq!(house.revisit(&query), None);
        house.fill(&query, 7);
        assert_eq!(house.revisit(&query), Some(7));
    }
}

#[test]
fn revisit_is_silent_after_every_write_that_touches_the_entry() {
    let writes: [fn(&Posts) -> Change; 4] = [
        |posts| posts.retitled(1),
        |posts| posts.moved(2, 1),
        Posts::unknown_row,
        Posts::unknown_rows,
    ];
    for write in writes {
        let house = house(Limits::default());
        let query = house.posts.by_author(1);
        house.fill(&query, 7);
        let change = write(&house.posts);
        let _ = house
            .cache
            .invalidate_blocking(std::slice::from_ref(&change), Cause::Write);
        assert_eq!(house.revisit(&query), None, "{change:?}");
    }
}

#[test]
fn revisit_still_hits_after_a_write_that_does_not_touch_the_entry() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.fill(&query, 7);
    let _ = house
        .cache
        .invalidate_blocking(&[house.posts.moved(2, 3)], Cause::Write);
    assert_eq!(house.revisit(&query), Some(7));
}

#[test]
fn p7_revisit_is_silent_about_an_expired_entry() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.fill(&query, 7);
    house
        .clock
        .advance(query.read().ttl + Duration::from_secs(1));
    assert_eq!(house.revisit(&query), None);
}

#[test]
fn p7_a_reader_who_asks_for_less_is_not_given_more() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.fill(&query, 7);
    house.clock.advance(Duration::from_secs(10));
    let within = |seconds| Duration::from_secs(seconds);
    for (ttl, hits) in [(within(11), true), (within(10), false), (within(1), false)] {
        let revisited = house.cache.revisit_now(&query.entry, ttl, None);
        assert_eq!(revisited.is_some(), hits, "{ttl:?}");
        let read = ReadRequest {
            ttl,
            ..query.read()
        };
        assert_eq!(house.cache.read_now(read).is_some(), hits, "{ttl:?}");
        let read = house.cache.read_blocking(read);
        assert_eq!(matches!(read, ReadOutcome::Hit(_)), hits, "{ttl:?}");
    }
}

#[test]
fn a_slow_fill_does_not_undo_a_refresh() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let ReadOutcome::Fill(slow) = house.cache.read_blocking(query.read()) else {
        panic!("an empty store misses")
    };
    house.clock.advance(Duration::from_secs(1));
    let anew = ReadRequest {
        mode: ReadMode::Refresh,
        ..query.read()
    };
    let ReadOutcome::Fill(fresh) = house.cache.read_blocking(anew) else {
        panic!("a refresh runs")
    };
    fresh.store_blocking(Arc::new(2_u64), 8);
    slow.store_blocking(Arc::new(1_u64), 8);
    assert_eq!(house.revisit(&query), Some(2));
}

#[test]
fn p11_an_entry_under_the_empty_shape_is_revisited() {
    let house = house(limited(|limits| limits.shapes_max = 2));
    for number in 0..2 {
        house.fill(&house.posts.of_shape(number), 0);
    }
    let late = house.posts.by_author(1);
    house.fill(&late, 7);
    assert_eq!(house.revisit(&late), Some(7));
}

#[test]
fn p2_revisit_is_silent_about_a_fill_that_a_write_overtook() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    let ReadOutcome::Fill(fill) = house.cache.read_blocking(query.read()) else {
        panic!("an empty store misses")
    };
    let _ = house
        .cache
        .invalidate_blocking(&[house.posts.retitled(1)], Cause::Write);
    fill.store_blocking(Arc::new(7_u64), 8);
    assert_eq!(house.revisit(&query), None);
}

#[test]
fn revisit_is_silent_while_a_table_is_bypassed() {
    let house = house(Limits::default());
    let query = house.posts.by_author(1);
    house.fill(&query, 7);
    let until = house.cache.now() + Duration::from_secs(60);
    let mark = house
        .cache
        .mark_uncertain(Some(vec![house.posts.key.clone()]), until);
    assert_eq!(house.revisit(&query), None);
    house.cache.lift_uncertain(mark);
    assert_eq!(house.revisit(&query), Some(7));
}

#[test]
fn p11_an_entry_under_the_empty_shape_is_never_served_past_a_write() {
    let house = house(limited(|limits| limits.shapes_max = 2));
    for number in 0..2 {
        house.fill(&house.posts.of_shape(number), 0);
    }
    let late = house.posts.by_author(1);
    house.fill(&late, 7);
    let _ = house
        .cache
        .invalidate_blocking(&[house.posts.retitled(9)], Cause::Write);
    assert_eq!(house.revisit(&late), None);
    assert!(matches!(
        house.cache.read_blocking(late.read()),
        ReadOutcome::Fill(_)
    ));
}
