use std::{
    any::TypeId,
    sync::{Mutex, atomic::AtomicUsize},
};

use larder_core::{
    BypassReason, ChangeScope, Moment, Param, Policy, ResultIdentity, TableKey, Value,
};
use larder_sql::TableName;

use super::*;
use crate::{CachedEntity, CachedModel, ReadCall, ReadOptions, Returned, fixtures::*, image::cell};

struct Post;

impl CachedEntity for Post {
    type Key = i64;

    fn schema_name() -> Option<&'static str> {
        None
    }

    fn table_name() -> &'static str {
        "post"
    }

    fn key_values(key: i64) -> Vec<(&'static str, Param<'static>)> {
        vec![("id", Param::Int(key.into()))]
    }

    fn policy() -> Policy {
        Policy::new()
    }
}

struct PostModel {
    id: i64,
    author_id: i64,
}

impl CachedModel for PostModel {
    type Entity = Post;

    fn column_values(&self) -> Vec<(&'static str, Param<'static>)> {
        vec![
            ("id", Param::Int(self.id.into())),
            ("author_id", Param::Int(self.author_id.into())),
        ]
    }
}

fn written(rig: &Rig) {
    let mut guard = rig.guard();
    guard.sent();
    guard.succeeded(&[], Returned::Nothing);
    guard.deliver_blocking();
}

/// Everything that `on_invalidate` hears.
fn heard(larder: &Larder) -> Arc<Mutex<Vec<(Cause, Changes)>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = heard.clone();
    larder.on_invalidate(move |event| {
        sink.lock()
            .expect("unpoisoned")
            .push((event.cause, event.changes().clone()));
    });
    heard
}

#[test]
fn two_adapters_on_one_database_share_its_source() {
    let rig = Rig::new();
    assert!(Arc::ptr_eq(
        &rig.source,
        &rig.larder.attach("s", "", Dialect::Postgres)
    ));
    assert!(!Arc::ptr_eq(
        &rig.source,
        &rig.larder.attach("t", "", Dialect::Postgres)
    ));
}

#[test]
fn a_hook_runs_after_the_invalidation_and_before_the_write_returns() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let stale = Arc::new(AtomicUsize::new(9));
    let (seen, cache) = (stale.clone(), rig.cache().clone());
    rig.larder.on_write(move |event| {
        assert_eq!(event.source, "s");
        seen.store(usize::from(is_hit(&cache, "post")), Ordering::SeqCst);
    });
    written(&rig);
    assert_eq!(stale.load(Ordering::SeqCst), 0);
}

#[test]
fn a_panicking_hook_harms_neither_the_write_nor_other_hooks() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    rig.larder.on_write(|_| panic!("a hook"));
    rig.larder.on_write(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
    });
    written(&rig);
    written(&rig);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn a_hook_may_subscribe_and_unsubscribe() {
    let rig = Rig::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let (seen, larder) = (calls.clone(), rig.larder.clone());
    let own = Arc::new(Mutex::new(None));
    let id = own.clone();
    let hook = rig.larder.on_write(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        if let Some(id) = id.lock().expect("unpoisoned").take() {
            larder.unsubscribe(id);
            larder.on_write(|_| {});
        }
    });
    *own.lock().expect("unpoisoned") = Some(hook);
    written(&rig);
    written(&rig);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn manual_invalidation_is_no_write() {
    let rig = Rig::new();
    rig.larder.on_write(|_| panic!("called"));
    let heard = heard(&rig.larder);
    rig.larder.blocking().invalidate_table::<Post>();
    rig.larder.blocking().invalidate_all();
    let heard = heard.lock().expect("unpoisoned");
    assert!(heard.iter().all(|(cause, _)| *cause == Cause::Manual));
    assert_eq!(heard.len(), 2);
}

#[test]
fn invalidating_a_row_knows_its_key_and_a_model_knows_its_columns() {
    let rig = Rig::new();
    let heard = heard(&rig.larder);
    rig.larder.blocking().invalidate_row::<Post>(7);
    block_on(rig.larder.invalidate_row::<Post>(7));
    rig.larder.blocking().invalidate_model(&PostModel {
        id: 7,
        author_id: 3,
    });
    block_on(rig.larder.invalidate_model(&PostModel {
        id: 7,
        author_id: 3,
    }));
    let known = |changes: &Changes| {
        let row = rows(changes, "post").remove(0);
        let old = row.old.expect("an old image");
        assert_eq!(Some(&old), row.new.as_ref());
        [0, 1, 2].map(|column| cell(&old, column).cloned())
    };
    let heard = heard.lock().expect("unpoisoned");
    let (id, author) = (Some(Value::Int(7)), Some(Value::Int(3)));
    for (_, changes) in &heard[..2] {
        assert_eq!(known(changes), [id.clone(), None, None]);
    }
    for (_, changes) in &heard[2..] {
        assert_eq!(known(changes), [id.clone(), author.clone(), None]);
    }
}

#[test]
fn manual_invalidation_acts_on_every_source_that_has_the_table() {
    let rig = Rig::new();
    let second = rig.larder.attach("second", "", Dialect::Sqlite);
    rig.larder.set_catalog(&second, catalog(Dialect::Sqlite), 0);
    let heard = heard(&rig.larder);
    block_on(rig.larder.invalidate_table::<Post>());
    let heard = heard.lock().expect("unpoisoned");
    let tables: Vec<_> = heard
        .iter()
        .flat_map(|(_, changes)| tables(changes))
        .collect();
    assert_eq!(
        tables,
        [
            table_key("post"),
            TableKey::new(NAMESPACE, "second", &name("post"))
        ]
    );
}

#[test]
fn invalidating_a_table_or_everything_drops_its_entries() {
    let rig = Rig::new();
    for drop in [
        |larder: &Larder| larder.blocking().invalidate_table::<Post>(),
        |larder: &Larder| block_on(larder.invalidate_table::<Post>()),
        |larder: &Larder| larder.blocking().invalidate_row::<Post>(1),
        |larder: &Larder| larder.blocking().invalidate_all(),
        |larder: &Larder| block_on(larder.invalidate_all()),
    ] {
        assert!(matches!(
            store(rig.cache(), "post"),
            larder_core::ReadOutcome::Hit(_)
        ));
        drop(&rig.larder);
        assert!(!is_hit(rig.cache(), "post"));
    }
}

#[test]
fn p10_an_unknown_write_drops_tables_that_only_an_older_catalog_lists() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let mut newer = catalog(Dialect::Postgres);
    newer.tables.remove(&name("post"));
    rig.larder.set_catalog(&rig.source, newer, 0);
    rig.larder
        .apply_blocking(&rig.source, Changes::Everything, Cause::Write);
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn sessions_of_one_database_resolve_apart_and_invalidate_together() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let other = rig
        .larder
        .attach("s", "another search_path", Dialect::Postgres);
    assert!(!Arc::ptr_eq(&other, &rig.source));
    assert_eq!(other.table_key(&name("post")), table_key("post"));
    rig.larder
        .set_catalog(&other, Catalog::new(Dialect::Postgres), 0);
    rig.larder
        .apply_blocking(&other, Changes::Everything, Cause::Write);
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn p10_an_unknown_write_on_mysql_reaches_the_other_databases() {
    let rig = Rig::new();
    let (first, second) = (
        rig.larder.attach("a", "", Dialect::MySql),
        rig.larder.attach("b", "", Dialect::MySql),
    );
    for source in [&first, &second] {
        rig.larder.set_catalog(source, catalog(Dialect::MySql), 0);
    }
    let entry = rig.larder.inner.sources.entry(&first);
    let listed = entry
        .listed(&Changes::Everything, limits(100))
        .expect("a list");
    let there = second.table_key(&name("post"));
    assert!(listed.iter().any(|change| change.table_key == there));
}

#[test]
fn a_schema_change_through_one_session_is_seen_by_the_others() {
    let rig = Rig::new();
    let (one, other) = (
        rig.larder.schema_epoch("s", Dialect::Postgres),
        rig.larder.schema_epoch("s", Dialect::Postgres),
    );
    let before = other.current();
    one.advance();
    assert!(other.current() > before);
    assert_eq!(rig.larder.schema_epoch("t", Dialect::Postgres).current(), 0);
}

#[test]
fn p10_an_unknown_write_to_one_source_keeps_the_others() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let second = rig.larder.attach("second", "", Dialect::Sqlite);
    rig.larder.set_catalog(&second, catalog(Dialect::Sqlite), 0);
    rig.larder
        .apply_blocking(&second, Changes::Everything, Cause::Write);
    assert!(is_hit(rig.cache(), "post"));
}

#[test]
fn p10_an_unknown_write_to_a_source_without_a_catalog_drops_all_there_is() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let second = rig.larder.attach("second", "", Dialect::Sqlite);
    block_on(rig.larder.apply(&second, Changes::Everything, Cause::Write));
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn more_tables_than_the_limit_drop_all_there_is() {
    let rig = Rig::with(|builder| builder.change_limits(limits(2)));
    let changes = rig.larder.inner.sources.entry(&rig.source);
    assert!(changes.listed(&Changes::Everything, limits(2)).is_none());
    assert_eq!(
        changes
            .listed(&Changes::Everything, limits(3))
            .map(|c| c.len()),
        Some(3)
    );
}

fn limits(tables_max: usize) -> ChangeLimits {
    ChangeLimits {
        tables_max,
        ..ChangeLimits::default()
    }
}

fn begin(rig: &Rig) -> Result<crate::CachedRead, BypassReason> {
    let prepared = rig.source.plan("SELECT * FROM post");
    let result = ResultIdentity {
        adapter: "test",
        terminal: "all",
        type_id: TypeId::of::<()>(),
        type_name: "()",
        schema_fingerprint: 0,
    };
    rig.larder.begin_read(&ReadCall {
        source: &rig.source,
        prepared: &prepared,
        params: &[],
        result: &result,
        codec: None,
        options: ReadOptions::default(),
        scope: None,
    })
}

#[test]
fn a_disabled_larder_reads_nothing_and_goes_on_invalidating() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    rig.larder.disable();
    assert!(!rig.larder.is_enabled());
    assert_eq!(begin(&rig).err(), Some(BypassReason::Disabled));
    written(&rig);
    rig.larder.enable();
    assert_ne!(begin(&rig).err(), Some(BypassReason::Disabled));
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn a_larder_built_disabled_can_be_enabled() {
    let rig = Rig::with(|builder| builder.enabled(false));
    assert!(!rig.larder.is_enabled());
    rig.larder.enable();
    assert!(rig.larder.is_enabled());
}

#[test]
fn an_undelivered_invalidation_bypasses_and_the_thread_delivers_it_later() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    rig.break_store(true);
    written(&rig);
    assert!(matches!(
        lookup(rig.cache(), "post"),
        larder_core::ReadOutcome::Bypass(BypassReason::Undelivered)
    ));
    assert!(!rig.flush());
    rig.break_store(false);
    eventually("the delivery", || {
        matches!(
            lookup(rig.cache(), "post"),
            larder_core::ReadOutcome::Fill(_)
        )
    });
    assert!(block_on(rig.larder.flush(Duration::ZERO)).is_ok());
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn a_store_that_panics_neither_ends_the_thread_nor_loses_an_invalidation() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    rig.break_store(true);
    written(&rig);
    rig.store.rescript(|_| panic!("a store"));
    assert!(!rig.flush());
    rig.store
        .rescript(|_| larder_testkit::faulty::Fate::Answered);
    eventually("the delivery", || {
        matches!(
            lookup(rig.cache(), "post"),
            larder_core::ReadOutcome::Fill(_)
        )
    });
}

#[test]
fn flush_waits_for_the_delivery_without_a_runtime() {
    let rig = Rig::new();
    rig.break_store(true);
    written(&rig);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(rig.larder.flush(Duration::from_secs(60))));
        rig.break_store(false);
        assert!(waiting.join().expect("no panic").is_ok());
    });
    assert_eq!(rig.cache().pending(), 0);
}

#[test]
fn flush_gives_up_at_its_deadline() {
    let rig = Rig::new();
    rig.break_store(true);
    written(&rig);
    let error = block_on(rig.larder.flush(Duration::ZERO)).expect_err("the store is down");
    assert_eq!(error.kind(), larder_core::ErrorKind::Undelivered);
    assert_eq!(error.to_string(), "invalidations wait for delivery");
}

#[test]
fn shutdown_joins_the_thread_and_a_later_event_starts_it_anew() {
    let rig = Rig::new();
    for _ in 0..3 {
        rig.break_store(true);
        written(&rig);
        rig.break_store(false);
        rig.larder
            .blocking()
            .shutdown(Duration::from_secs(60))
            .expect("the store is up");
        assert!(rig.larder.inner.delivery.is_stopped());
    }
    let _ = block_on(rig.larder.shutdown(Duration::from_secs(60)));
}

#[test]
fn a_source_forgets_nothing_when_a_catalog_comes_again() {
    let rig = Rig::new();
    let version = rig.source.catalog_version();
    rig.larder
        .set_catalog(&rig.source, catalog(Dialect::Postgres), 0);
    assert_eq!(rig.source.catalog_version(), version);
    assert!(rig.cache().now() > Moment(0));
}

#[test]
fn a_model_of_a_schema_means_no_table_of_another() {
    struct Other;
    impl CachedEntity for Other {
        type Key = ();
        fn schema_name() -> Option<&'static str> {
            Some("other")
        }
        fn table_name() -> &'static str {
            "post"
        }
        fn key_values((): ()) -> Vec<(&'static str, Param<'static>)> {
            Vec::new()
        }
        fn policy() -> Policy {
            Policy::new()
        }
    }
    let rig = Rig::new();
    let heard = heard(&rig.larder);
    rig.larder.blocking().invalidate_table::<Other>();
    assert!(heard.lock().expect("unpoisoned").is_empty());
    let mut wider = catalog(Dialect::Postgres);
    let mut post = larder_sql::Table::clone(&wider.tables[&name("post")]);
    post.name = TableName::new("other", "post");
    put(&mut wider, post);
    rig.larder.set_catalog(&rig.source, wider, 0);
    rig.larder.blocking().invalidate_table::<Other>();
    let heard = heard.lock().expect("unpoisoned");
    let [(_, Changes::Tables(changes))] = heard.as_slice() else {
        panic!("one event")
    };
    assert!(matches!(changes[0].scope, ChangeScope::Record));
    assert_eq!(
        changes[0].table_key,
        TableKey::new(NAMESPACE, "s", &TableName::new("other", "post"))
    );
}

#[test]
fn hook_hears_what_was_done_to_each_table_and_values_only_when_asked_for() {
    for with_images in [false, true] {
        let rig = Rig::with(|builder| builder.hook_images(with_images));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = heard.clone();
        rig.larder.on_write(move |event| {
            assert_eq!(event.cause, Cause::Write);
            let tables = event.tables().expect("some tables");
            let said = tables.iter().map(|it| {
                let name = it.table.map(|table| table.name.to_string());
                (name, it.operation, format!("{:?}", it.rows))
            });
            sink.lock().expect("unpoisoned").extend(said);
        });
        let prepared = rig.source.plan("DELETE FROM post WHERE id = 7");
        let mut guard = rig.larder.begin_write(&rig.source, prepared);
        guard.sent();
        guard.succeeded(&[], Returned::Nothing);
        guard.deliver_blocking();
        let heard = heard.lock().expect("unpoisoned");
        let deleted = |table: &str| {
            let found = heard.iter().find(|it| it.0.as_deref() == Some(table));
            found.expect(table).clone()
        };
        let (_, operation, rows) = deleted("post");
        assert_eq!(operation, crate::WrittenOperation::Delete);
        assert_eq!(rows.contains("(\"id\", Int(7))"), with_images, "{rows}");
        // What goes with it.
        let (_, operation, rows) = deleted("comment");
        assert_eq!(operation, crate::WrittenOperation::Delete);
        assert_eq!(
            rows.contains("(\"post_id\", Int(7))"),
            with_images,
            "{rows}"
        );
    }
}
