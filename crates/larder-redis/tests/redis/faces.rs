//! A store has a face for threads and one for tasks, and both are tried.

use std::{sync::Arc, time::Duration};

use larder_core::{
    BlockingStore, Clock as _, Codec, DependencyKey, Digest, EntryKey, Fault, Moment, ShapeName,
    Stamp, Store, SystemClock, TableKey,
    entry::{Content, Entry},
    store::{Dependencies, Lookup, Registration, Removal, Reply, Request},
};
use larder_redis::RedisStore;
use larder_testkit::fixture::NUMBER;
use tokio::runtime::{Builder, Runtime};

/// The face for tasks, driven by a thread.
#[derive(Debug)]
pub(crate) struct Tasks<'a>(pub(crate) RedisStore, pub(crate) &'a Runtime);

impl BlockingStore for Tasks<'_> {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.1.block_on(self.0.exec(now, batch))
    }
}

/// A runtime of the calling thread alone.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Both faces do all that a cache asks of them.
pub(crate) fn check(store: &RedisStore) {
    serve(store, "shop").unwrap();
    serve(&Tasks(store.clone(), &runtime()), "shop").unwrap();
}

/// Every request once, and what it is for: an entry that was put is found, and what was dropped is
/// not.
pub(crate) fn serve(face: &impl BlockingStore, namespace: &str) -> Result<(), Fault> {
    let thing = Thing::of(namespace);
    face.exec_blocking(now(), &[thing.register()])?;
    thing.put(face)?;
    let found = thing.look(face)?;
    assert!(found.entry.is_some(), "the entry was put");
    assert!(found.seen.iter().all(|it| it.shape.is_some()), "{found:?}");
    let records = Request::Records(vec![thing.entry.table.clone()]);
    face.exec_blocking(now(), &[records])?;
    thing.drop(face, |it| Removal::Stamp(it.table(), it.entry.digest))?;
    thing.drop(face, |it| Removal::Shape(it.table(), shape()))?;
    face.exec_blocking(now(), &[thing.register()])?;
    thing.drop(face, |_| Removal::AllRecords(namespace.into()))?;
    thing.drop(face, |it| Removal::Entry(it.entry.clone()))?;
    let left = thing.look(face)?;
    assert!(left.entry.is_none() && left.seen.iter().all(|it| it.shape.is_none()));
    Ok(())
}

/// Stores an entry in the namespace `shop`.
pub(crate) fn put(face: &impl BlockingStore) {
    Thing::of("shop").put(face).unwrap();
}

/// Whether [`put`] stored it there.
pub(crate) fn has(face: &impl BlockingStore) -> bool {
    Thing::of("shop").look(face).unwrap().entry.is_some()
}

/// One entry and its only dependency.
struct Thing {
    entry: EntryKey,
    dependencies: [DependencyKey; 1],
}

impl Thing {
    fn of(namespace: &str) -> Self {
        let table = TableKey(format!("{namespace}:test:main.post").into());
        let digest = Digest([7; 32]);
        let dependency = DependencyKey {
            table: table.clone(),
            shape: shape(),
            value: Some(digest),
            spread: 0,
        };
        Self {
            entry: EntryKey { table, digest },
            dependencies: [dependency],
        }
    }

    fn table(&self) -> TableKey {
        self.entry.table.clone()
    }

    fn register(&self) -> Request<'_> {
        let [dependency] = &self.dependencies;
        Request::Register {
            registrations: vec![Registration {
                dependency: dependency.clone(),
                shape: Some(Stamp([1; 16])),
                value: Some(Stamp([2; 16])),
            }],
            ttl: TTL,
        }
    }

    /// As after a query so slow that the store looks first whether there is a newer entry.
    fn put(&self, face: &impl BlockingStore) -> Result<(), Fault> {
        let now = now();
        let entry = Entry {
            content: Content::Encoded(NUMBER.encode(&7_u64, Codec::default()).unwrap()),
            dependencies: Arc::new([]),
            stamps: Arc::new([]),
            created: now,
            expires: now + TTL,
            cost: Duration::ZERO,
            call: Default::default(),
            extended: false,
            validated: Default::default(),
        };
        let put = Request::Put {
            key: &self.entry,
            entry: Arc::new(entry),
            dependencies: &self.dependencies,
        };
        face.exec_blocking(now + Duration::from_secs(1), &[put])?;
        Ok(())
    }

    fn look(&self, face: &impl BlockingStore) -> Result<Lookup, Fault> {
        let lookup = Request::Lookup {
            entry: Some(&self.entry),
            dependencies: Dependencies::Read(&self.dependencies),
        };
        match face.exec_blocking(now(), &[lookup])?.pop() {
            Some(Reply::Lookup(lookup)) => Ok(lookup),
            other => panic!("a lookup answers with {other:?}"),
        }
    }

    fn drop(
        &self,
        face: &impl BlockingStore,
        removal: impl FnOnce(&Self) -> Removal,
    ) -> Result<(), Fault> {
        face.exec_blocking(now(), &[Request::Remove(vec![removal(self)])])?;
        Ok(())
    }
}

/// The present moment.
pub(crate) fn now() -> Moment {
    SystemClock::default().now()
}

fn shape() -> ShapeName {
    ShapeName("1|author:int|*".into())
}

const TTL: Duration = Duration::from_secs(60);
