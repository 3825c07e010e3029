use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use larder_core::{Cause, Dropped, Fault, FaultKind, HitSource, MissCause, TableKey};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::*;

/// Keeps what is said, as `LEVEL message field=value ..`.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String, String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0 = format!("{value:?}"),
            name => write!(self.1, " {name}={value:?}").expect("a string takes it"),
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "larder"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().into(), String::new());
        span.record(&mut line);
        let Line(name, fields) = line;
        self.0
            .lock()
            .expect("unpoisoned")
            .push(format!("span {name}{fields}"));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new(), String::new());
        event.record(&mut line);
        let Line(message, fields) = line;
        let line = format!("{} {message}{fields}", event.metadata().level());
        self.0.lock().expect("unpoisoned").push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn events_say_statement_table_and_reason_at_their_level() {
    let table = &TableKey("n:s:public.post".into());
    let statement = Some(StatementId([0xab; 8]));
    let events = [
        Event::Hit {
            table,
            statement,
            source: HitSource::Near,
            saved: Duration::from_micros(7),
        },
        Event::Miss {
            table,
            statement,
            cause: MissCause::Stamps,
        },
        Event::Bypass {
            table: None,
            statement: None,
            reason: &BypassReason::Transaction,
        },
        Event::Bypass {
            table: Some(table),
            statement,
            reason: &BypassReason::Dependencies,
        },
        Event::Invalidate {
            cause: Cause::Write,
            table: None,
            dropped: Dropped::default(),
        },
        Event::Fault {
            fault: &Fault::new(FaultKind::Timeout),
        },
        Event::BreakerOpened,
        Event::BreakerClosed,
    ];
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let observer = TracingObserver::new();
        events.iter().for_each(|event| observer.on_event(event));
    });
    let post = "statement=abababababababab table=\"n:s:public.post\"";
    assert_eq!(
        *lines.0.lock().expect("unpoisoned"),
        [
            &format!("TRACE hit {post} source=\"near\" saved_us=7"),
            &format!("DEBUG miss {post} cause=\"stamps\""),
            "TRACE bypass reason=\"transaction\"",
            &format!("DEBUG bypass {post} reason=too many dependencies, or none"),
            "DEBUG invalidate table=\"*\" cause=\"write\" record=false shapes=0 stamps=0 existed=0",
            "WARN the store failed kind=\"timeout\"",
            "WARN the breaker opened: the store is left alone",
            "INFO the breaker closed",
        ]
    );
}

#[test]
fn fills_and_invalidations_have_spans() {
    let larder = crate::Larder::builder()
        .namespace("n")
        .store(larder_core::MemoryStore::with_capacity_bytes(1 << 16))
        .build()
        .unwrap();
    let source = larder.attach("s", "", larder_sql::Dialect::Sqlite);
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let ttl = Duration::from_secs(60);
        larder.memo("page", &7).ttl(ttl).run_blocking(|| 1_u8);
        // A hit has none.
        larder.memo("page", &7).ttl(ttl).run_blocking(|| 2_u8);
        larder.apply_blocking(&source, crate::Changes::Everything, Cause::Schema);
    });
    assert_eq!(
        *lines.0.lock().expect("unpoisoned"),
        [
            "span fill table=\"n:@memo:page\"",
            "span invalidate cause=\"schema\"",
        ]
    );
}
