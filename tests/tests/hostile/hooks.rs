//! Observers and hooks that misbehave.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{Event, Observer, Policy};
use larder_tests::lab::builder;
use sea_orm::TransactionTrait;

use crate::{
    ALL,
    yard::{READS, Yard, connect, eventually, handle, number},
};

struct Panics;

impl Observer for Panics {
    fn on_event(&self, event: &Event<'_>) {
        panic!("observer: {event:?}");
    }
}

#[tokio::test]
async fn observer_that_panics_harms_nothing() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        let larder = builder()
            .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
            .observer(Arc::new(Panics))
            .build()
            .unwrap();
        let handle = handle(&larder, &yard.url, connect(&yard.url, 2).await);
        for n in 1..3 {
            handle.read(READS[0]).await;
            assert!(yard.hits(&handle, READS[0]).await);
            let write = format!("UPDATE item SET n = {n} WHERE id = 1");
            handle.write(&write).await.unwrap();
            assert_eq!(number(&handle.read(READS[0]).await), n);
        }
        // A fill that ends while its task unwinds tells the observer, too.
        let trap = crate::gate::Then::Panic;
        handle
            .control
            .trap(crate::gate::When::After, "WHERE id = 3", trap);
        let reader = handle.clone();
        let task = tokio::spawn(async move { reader.read(READS[1]).await });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(number(&handle.read(READS[1]).await), 0);
    }
}

#[tokio::test]
async fn hook_that_panics_harms_neither_the_write_nor_the_next_hook() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        let heard = Arc::new(AtomicUsize::new(0));
        yard.larder.on_write(|_| panic!("hook"));
        yard.larder.on_invalidate(|_| panic!("hook"));
        let counter = heard.clone();
        yard.larder.on_write(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        yard.warm().await;
        yard.one
            .write("UPDATE item SET n = 5 WHERE id = 1")
            .await
            .unwrap();
        let transaction = yard.two.db.begin().await.unwrap();
        sea_orm::ConnectionTrait::execute_unprepared(
            &transaction,
            "UPDATE item SET n = 6 WHERE id = 3",
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        yard.assert_fresh("hooks").await;
        assert_eq!(heard.load(Ordering::SeqCst), 2);
    }
}

/// A hook reads and writes through the very handle whose write it was told of.
#[tokio::test]
async fn hook_may_read_write_and_invalidate() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let depth = Arc::new(AtomicUsize::new(0));
        let (done, handle, larder) = (depth.clone(), yard.one.clone(), yard.larder.clone());
        let hook = yard.larder.on_write(move |_| {
            larder.blocking().invalidate_all();
            if done.fetch_add(1, Ordering::SeqCst) < 3 {
                let (handle, done) = (handle.clone(), done.clone());
                tokio::spawn(async move {
                    handle.read(READS[0]).await;
                    let write = "UPDATE item SET n = n + 1 WHERE id = 1";
                    handle.write(write).await.unwrap();
                    done.fetch_add(100, Ordering::SeqCst);
                });
            }
        });
        yard.one
            .write("UPDATE item SET n = n + 1 WHERE id = 1")
            .await
            .unwrap();
        eventually(async || depth.load(Ordering::SeqCst) >= 101).await;
        yard.larder.unsubscribe(hook);
        yard.eventually_fresh("hook that writes").await;
    }
}
