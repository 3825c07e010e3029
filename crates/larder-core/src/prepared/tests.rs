use larder_sql::{
    Dialect,
    plan::{Columns, Operand},
};

use super::*;
use crate::fixture::{ID, catalog, one_of, post, read_plan, table};

fn result() -> ResultIdentity {
    ResultIdentity {
        adapter: "test",
        terminal: "all",
        type_id: TypeId::of::<u8>(),
        type_name: "u8",
        schema_fingerprint: 1,
    }
}

fn by_id(text: &str) -> Plan {
    let terms = vec![one_of(ID, vec![Operand::Parameter(0)])];
    read_plan(text, &post(), vec![terms], &Columns::All)
}

/// The entry's key with one of its inputs changed.
struct Inputs {
    plan: Plan,
    place: [&'static str; 2],
    scope: Option<&'static str>,
    catalog: Catalog,
    result: ResultIdentity,
    params: Vec<Param<'static>>,
}

impl Inputs {
    fn new() -> Self {
        Self {
            plan: by_id("SELECT 1"),
            place: ["namespace", "source"],
            scope: Some("scope"),
            catalog: catalog(Dialect::Postgres, &[post()]),
            result: result(),
            params: vec![Param::Int(1)],
        }
    }

    fn key(self) -> EntryKey {
        let [namespace, source] = self.place;
        let limits = SourceLimits::default();
        let place = Place {
            namespace,
            source,
            version: "",
            catalog: &self.catalog,
            fingerprint: [0; 16],
            limits: &limits,
            counters: &Default::default(),
        };
        let prepared = Prepared::new(self.plan, &place, 1);
        prepared
            .bind(&self.params, &self.result, self.scope)
            .unwrap()
            .entry
    }
}

fn key_with(change: impl FnOnce(&mut Inputs)) -> EntryKey {
    let mut inputs = Inputs::new();
    change(&mut inputs);
    inputs.key()
}

#[test]
fn everything_that_a_result_depends_on_is_in_the_key() {
    let read_of = |plan: &mut Plan, change: &dyn Fn(&mut ReadPlan)| {
        if let Some(Part::Read(read)) = plan.parts.first_mut() {
            change(read);
        }
    };
    let mut keys = vec![
        key_with(|_| ()),
        key_with(|it| it.plan.normalized = "SELECT 2".into()),
        key_with(|it| it.place = ["other", "source"]),
        key_with(|it| it.place = ["namespace", "other"]),
        key_with(|it| it.place = ["name", "spacesource"]),
        key_with(|it| it.scope = Some("other")),
        key_with(|it| it.scope = Some("")),
        key_with(|it| it.scope = None),
        key_with(|it| it.catalog.session = vec![("role".into(), "a".into())]),
        key_with(|it| it.catalog.session = vec![("role".into(), "b".into())]),
        key_with(|it| it.result.adapter = "other"),
        key_with(|it| it.result.terminal = "one"),
        key_with(|it| it.result.type_name = "u16"),
        key_with(|it| it.result.type_id = TypeId::of::<u16>()),
        key_with(|it| it.result.schema_fingerprint = 2),
        key_with(|it| it.params = vec![Param::Int(2)]),
        key_with(|it| it.params = vec![Param::Bool(true)]),
        key_with(|it| it.params = vec![Param::Int(1), Param::Null]),
        key_with(|it| read_of(&mut it.plan, &|read| read.tables.push(table("tag", vec![])))),
        key_with(|it| {
            let mut changed = (*post()).clone();
            changed.has_rules = true;
            let changed = std::sync::Arc::new(changed);
            read_of(&mut it.plan, &move |read| {
                read.tables = vec![changed.clone()]
            });
        }),
    ];
    let count = keys.len();
    keys.sort_by_key(|key| key.digest);
    keys.dedup_by_key(|key| key.digest);
    assert_eq!(keys.len(), count);
}

#[test]
fn the_key_names_the_tables_of_the_plan_and_no_other() {
    let more =
        key_with(|it| it.catalog = catalog(Dialect::Postgres, &[post(), table("tag", vec![])]));
    assert_eq!(more, key_with(|_| ()));
}

#[test]
fn the_key_is_the_same_whether_or_not_its_prefix_was_kept() {
    let catalog = catalog(Dialect::Postgres, &[post()]);
    let limits = SourceLimits::default();
    let place = Place {
        namespace: "n",
        source: "s",
        version: "",
        catalog: &catalog,
        fingerprint: [0; 16],
        limits: &limits,
        counters: &Default::default(),
    };
    let prepared = Prepared::new(by_id("q"), &place, 1);
    let names = ["a", "b", "c", "d", "e", "f"];
    let bind = |terminal| {
        prepared
            .bind(
                &[Param::Int(1)],
                &ResultIdentity {
                    terminal,
                    ..result()
                },
                None,
            )
            .unwrap()
    };
    let first = names.map(bind);
    assert_eq!(first, names.map(bind));
    let fresh = Prepared::new(by_id("q"), &place, 1);
    let last = ResultIdentity {
        terminal: "f",
        ..result()
    };
    assert_eq!(
        first.last(),
        fresh.bind(&[Param::Int(1)], &last, None).ok().as_ref()
    );
}

#[test]
fn a_call_is_named_by_text_and_parameters_alone() {
    let catalog = catalog(Dialect::Postgres, &[post()]);
    let limits = SourceLimits::default();
    let prepared = |source, text| {
        let place = Place {
            namespace: "n",
            source,
            version: "",
            catalog: &catalog,
            fingerprint: [0; 16],
            limits: &limits,
            counters: &Default::default(),
        };
        Prepared::new(by_id(text), &place, 1)
    };
    let one = [Param::Int(1)];
    let digest = prepared("s", "SELECT $1").call_digest(&one).unwrap();
    assert_eq!(prepared("t", "SELECT $1").call_digest(&one), Some(digest));
    assert_ne!(
        prepared("s", "SELECT $1, 2").call_digest(&one),
        Some(digest)
    );
    assert_ne!(
        prepared("s", "SELECT $1").call_digest(&[Param::Int(2)]),
        Some(digest)
    );
    assert_ne!(prepared("s", "SELECT $1").call_digest(&[]), Some(digest));
    // What an adapter appends: the classes of its values, the inputs of a loader.
    let appended = [Param::Int(1), Param::Bytes(b"classes".as_slice().into())];
    assert_eq!(
        prepared("s", "SELECT $1").call_digest(&appended),
        Some(digest)
    );
    // It is written into stores: it changes with `FORMAT_VERSION` alone.
    assert_eq!(format!("{digest:?}"), "229099dff584a5d1");
}

#[test]
fn what_is_not_one_cacheable_read_is_refused_with_its_reason() {
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut inputs = Inputs::new();
        change(&mut inputs.plan);
        let limits = SourceLimits::default();
        let place = Place {
            namespace: "",
            source: "",
            version: "",
            catalog: &inputs.catalog,
            fingerprint: [0; 16],
            limits: &limits,
            counters: &Default::default(),
        };
        let prepared = Prepared::new(inputs.plan, &place, 1);
        let refused = prepared
            .bind(&[Param::Int(1)], &result(), None)
            .unwrap_err();
        assert_eq!(prepared.uncacheable(), Some(&refused));
        refused.to_string()
    };
    let edit = |change: &'static dyn Fn(&mut ReadPlan)| {
        move |plan: &mut Plan| {
            if let Some(Part::Read(read)) = plan.parts.first_mut() {
                change(read);
            }
        }
    };
    assert_eq!(
        refused(&|plan| plan.parts = vec![Part::Session]),
        "not a read"
    );
    assert_eq!(
        refused(&|plan| plan.parts.clear()),
        "more than one statement"
    );
    assert_eq!(
        refused(&|plan| plan.parts.push(Part::Neutral)),
        "more than one statement"
    );
    assert_eq!(
        refused(&|plan| plan.parts = vec![Part::Unknown(Reason::new("x"))]),
        "x"
    );
    assert_eq!(
        refused(&edit(&|read| read.uncacheable = Some(Reason::new("y")))),
        "y"
    );
    assert_eq!(
        refused(&edit(&|read| read.tables.clear())),
        "no table is read"
    );
    assert_eq!(
        refused(&edit(&|read| read.dependencies.clear())),
        "no dependency is known"
    );
}

#[test]
fn a_policy_is_composed_once_for_each_operation() {
    let mut plan = by_id("q");
    if let Some(Part::Read(read)) = plan.parts.first_mut() {
        read.limit = Some(Operand::Parameter(1));
    }
    let catalog = catalog(Dialect::Postgres, &[post()]);
    let limits = SourceLimits::default();
    let place = Place {
        namespace: "",
        source: "",
        version: "",
        catalog: &catalog,
        fingerprint: [0; 16],
        limits: &limits,
        counters: &Default::default(),
    };
    let prepared = Prepared::new(plan, &place, 1);
    let composed = std::cell::Cell::new(0);
    let policy = crate::Policy::new()
        .with_ttl(std::time::Duration::from_secs(1))
        .with_operations([Operation::Get]);
    let is_cached = |limit| {
        let compose = |_: &ReadPlan, operation| {
            composed.set(composed.get() + 1);
            crate::effective_policy([Some(&policy)], None, operation)
                .map_err(BypassReason::Uncacheable)
        };
        prepared
            .policy(&[Param::Int(7), Param::Int(limit)], compose)
            .and_then(|policy| policy.ttl(None))
            .is_ok()
    };
    assert_eq!([1, 2, 1, 3].map(is_cached), [true, false, true, false]);
    assert_eq!(composed.get(), 2);
}

#[test]
fn read_under_row_security_has_no_entry_without_a_scope() {
    let mut inputs = Inputs::new();
    if let Some(Part::Read(read)) = inputs.plan.parts.first_mut() {
        read.needs_scope = Some(Reason::new("name a scope"));
    }
    let limits = SourceLimits::default();
    let place = Place {
        namespace: "n",
        source: "s",
        version: "",
        catalog: &inputs.catalog,
        fingerprint: [0; 16],
        limits: &limits,
        counters: &Default::default(),
    };
    let prepared = Prepared::new(inputs.plan, &place, 1);
    let (params, result) = ([Param::Int(1)], result());
    let refused = prepared.bind(&params, &result, None).unwrap_err();
    assert_eq!(&*refused.0, "name a scope");
    assert!(prepared.entry_key(&params, &result, None).is_err());
    let of = |scope| prepared.entry_key(&params, &result, Some(scope)).unwrap();
    assert_ne!(of("a"), of("b"));
    assert!(prepared.bind(&params, &result, Some("a")).is_ok());
}
