//! Installing and removing.

use larder::Outbox;
use larder_tests::lab::{Backend, Lab};

use crate::{
    on_each,
    site::{Site, dialect, install, run},
};

on_each!(
    what_is_installed_can_be_removed_without_a_trace,
    the_catalog_knows_that_the_triggers_write_the_outbox_alone,
);

/// Everything that the catalog knows, and what the server lists beside it.
async fn schema(lab: &Lab) -> String {
    lab.db.refresh_catalog().await;
    let catalog = lab.db.catalog().await.unwrap();
    format!("{:#?} {:#?}", catalog.tables, catalog.functions)
}

async fn what_is_installed_can_be_removed_without_a_trace(backend: Backend) {
    let lab = Lab::start(backend).await;
    let outbox = Outbox::new(dialect(backend));
    let before = schema(&lab).await;
    for _ in 0..2 {
        install(&lab).await;
        if let Some(notify) = outbox.create_notify() {
            run(&lab.plain, notify).await;
        }
        assert_ne!(schema(&lab).await, before);
        let catalog = lab.db.catalog().await.unwrap();
        // Where nothing is installed any more, removing does no harm.
        for _ in 0..2 {
            for table in catalog.tables.values() {
                for sql in outbox.remove(table) {
                    run(&lab.plain, &sql).await;
                }
            }
        }
        if let Some(quiet) = outbox.destroy_notify() {
            run(&lab.plain, quiet).await;
        }
        run(&lab.plain, outbox.destroy()).await;
        assert_eq!(schema(&lab).await, before);
    }
    run(&lab.plain, "UPDATE post SET views = 1 WHERE id = 1").await;
}

async fn the_catalog_knows_that_the_triggers_write_the_outbox_alone(backend: Backend) {
    let site = Site::start(backend).await;
    let catalog = site.lab.db.catalog().await.unwrap();
    let mut triggers = 0;
    for table in catalog.tables.values() {
        for trigger in &table.triggers {
            let writes = trigger.writes.as_ref().expect("the body is understood");
            let names: Vec<&str> = writes.iter().map(|name| &*name.name).collect();
            assert_eq!(names, ["larder_outbox"], "{}", trigger.name);
            assert!(!trigger.before, "{}", trigger.name);
            triggers += 1;
        }
    }
    let each = if backend == Backend::Postgres { 2 } else { 3 };
    assert_eq!(triggers, 10 * each);
}
