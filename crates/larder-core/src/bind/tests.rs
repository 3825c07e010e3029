use std::any::TypeId;

use larder_sql::{Column, Dialect, Literal, Operand, ValueKind, plan::Term};
use proptest::prelude::*;

use super::*;
use crate::{
    Affected, Change, ChangeScope, Prepared, ResultIdentity, RowChange, SourceLimits, Value,
    fixture::{
        AUTHOR, BODY, DELETED, ID, INT, TITLE, catalog, image, is_null, one_of, post, read_plan,
        table,
    },
};

fn result() -> ResultIdentity {
    ResultIdentity {
        adapter: "test",
        terminal: "all",
        type_id: TypeId::of::<()>(),
        type_name: "()",
        schema_fingerprint: 0,
    }
}

fn prepared(limits: &SourceLimits, conjunctions: Vec<Vec<Term>>) -> Prepared {
    let plan = read_plan(
        "q",
        &post(),
        conjunctions,
        &Columns::Some(vec![AUTHOR, TITLE]),
    );
    let catalog = catalog(Dialect::Postgres, &[post()]);
    let place = Place {
        namespace: "n",
        source: "s",
        version: "",
        catalog: &catalog,
        fingerprint: [0; 16],
        limits,
        counters: &Default::default(),
    };
    Prepared::new(plan, &place, 1)
}

fn bind(conjunctions: Vec<Vec<Term>>, params: &[Param<'_>]) -> Vec<DependencyKey> {
    let prepared = prepared(&SourceLimits::default(), conjunctions);
    unspread(prepared.bind(params, &result(), None).unwrap())
}

/// Of two statements, what they rest on is compared, not where it lies.
fn unspread(read: BoundRead) -> Vec<DependencyKey> {
    let all = read.dependencies.into_iter();
    all.map(|one| DependencyKey { spread: 0, ..one }).collect()
}

/// Shape names with how often each was bound.
fn shapes(dependencies: &[DependencyKey]) -> Vec<(&str, usize)> {
    let mut shapes: Vec<(&str, usize)> = Vec::new();
    for dependency in dependencies {
        assert_eq!(&*dependency.table.0, "n:s:public.post");
        match shapes
            .iter_mut()
            .find(|(name, _)| *name == &*dependency.shape.0)
        {
            Some((_, count)) => *count += 1,
            None => shapes.push((&dependency.shape.0, 1)),
        }
    }
    shapes
}

fn parameter(position: usize) -> Operand {
    Operand::Parameter(position)
}

fn ints(range: std::ops::Range<i128>) -> Vec<Param<'static>> {
    range.map(Param::Int).collect()
}

fn parameters(count: usize) -> Vec<Operand> {
    (0..count).map(Operand::Parameter).collect()
}

#[test]
fn a_conjunction_without_terms_is_any_row_of_the_watched_columns() {
    let dependencies = bind(vec![vec![]], &[]);
    assert_eq!(shapes(&dependencies), [("1||author_id,title", 1)]);
    assert_eq!(dependencies[0].value, None);
}

#[test]
fn an_exact_parameter_narrows() {
    let by = |params: &[Param<'_>]| bind(vec![vec![one_of(AUTHOR, vec![parameter(0)])]], params);
    let three = by(&[Param::Int(3)]);
    assert_eq!(shapes(&three), [("1|author_id:int|title", 1)]);
    assert!(three[0].value.is_some());
    assert_ne!(three, by(&[Param::Int(4)]));
}

#[test]
fn a_parameter_and_a_literal_of_one_value_are_one_dependency() {
    let literal = Operand::Literal(Literal::Number("3".into()));
    let elements = Operand::ParameterElements(0);
    let array = Param::Array("int4", vec![Param::Int(3), Param::Null]);
    let expected = bind(
        vec![vec![one_of(AUTHOR, vec![parameter(0)])]],
        &[Param::Int(3)],
    );
    assert_eq!(
        bind(vec![vec![one_of(AUTHOR, vec![literal])]], &[]),
        expected
    );
    assert_eq!(
        bind(vec![vec![one_of(AUTHOR, vec![elements])]], &[array]),
        expected
    );
    let twice = vec![parameter(0), parameter(0)];
    assert_eq!(
        bind(vec![vec![one_of(AUTHOR, twice)]], &[Param::Int(3)]),
        expected
    );
}

#[test]
fn a_parameter_of_another_class_widens_its_term_alone() {
    let terms = vec![
        one_of(AUTHOR, vec![parameter(0)]),
        one_of(TITLE, vec![parameter(1)]),
    ];
    let by = |author, title| bind(vec![terms.clone()], &[author, title]);
    let text = || Param::Text("x".into());
    assert_eq!(
        shapes(&by(Param::Int(1), text())),
        [("1|author_id:int,title:text|", 1)]
    );
    assert_eq!(
        shapes(&by(Param::Float(1.0), text())),
        [("1|title:text|author_id", 1)]
    );
    assert_eq!(
        shapes(&by(Param::Int(1), Param::Int(1))),
        [("1|author_id:int|title", 1)]
    );
    assert_eq!(
        shapes(&by(Param::Float(1.0), Param::Int(1))),
        [("1||author_id,title", 1)]
    );
}

#[test]
fn a_term_that_can_never_narrow_leaves_its_column_watched() {
    let dependencies = bind(
        vec![vec![one_of(BODY, vec![parameter(0)])]],
        &[Param::Int(1)],
    );
    assert_eq!(shapes(&dependencies), [("1||author_id,body,title", 1)]);
    let inexact = Operand::Literal(Literal::Text("1".into()));
    let float = Operand::Literal(Literal::Number("1e0".into()));
    let dependencies = bind(vec![vec![one_of(ID, vec![inexact, float])]], &[]);
    assert_eq!(shapes(&dependencies), [("1||author_id,id,title", 1)]);
}

#[test]
fn an_in_list_is_one_dependency_per_value() {
    let by = |params: &[Param<'_>]| {
        bind(
            vec![vec![one_of(AUTHOR, parameters(3)), is_null(DELETED)]],
            params,
        )
    };
    let shape = "1|author_id:int,deleted_at:null|title";
    let all = by(&[Param::Int(1), Param::Int(2), Param::Int(3)]);
    assert_eq!(shapes(&all), [(shape, 3)]);
    assert_eq!(
        shapes(&by(&[Param::Int(1), Param::Null, Param::Int(1)])),
        [(shape, 1)]
    );
}

#[test]
fn in_one_element_that_is_not_canonical_widens_the_list() {
    let params = [Param::Int(1), Param::Text("2".into())];
    let dependencies = bind(vec![vec![one_of(AUTHOR, parameters(2))]], &params);
    assert_eq!(shapes(&dependencies), [("1||author_id,title", 1)]);
    let elements = |param| {
        bind(
            vec![vec![one_of(AUTHOR, vec![Operand::ParameterElements(0)])]],
            &[param],
        )
    };
    let mixed = Param::Array("int4", vec![Param::Int(1), Param::Float(2.0)]);
    assert_eq!(shapes(&elements(mixed)), [("1||author_id,title", 1)]);
    assert_eq!(
        shapes(&elements(Param::Int(1))),
        [("1||author_id,title", 1)]
    );
}

#[test]
fn a_conjunction_that_no_row_satisfies_still_rests_on_the_table() {
    let by = |params: &[Param<'_>]| bind(vec![vec![one_of(AUTHOR, vec![parameter(0)])]], params);
    let null = by(&[Param::Null]);
    assert_eq!(shapes(&null), [("1|author_id:int|title", 1)]);
    assert!(null[0].value.is_some());
    for author in [Value::Null, Value::Int(0), Value::Int(1)] {
        let row = RowChange {
            old: None,
            new: Some(image(&[(AUTHOR, author)])),
        };
        assert!(!is_dropped(&null, &change(row)));
    }
    let empty = bind(
        vec![vec![one_of(AUTHOR, vec![Operand::ParameterElements(0)])]],
        &[Param::Array("int4", vec![])],
    );
    assert_eq!(empty, null);
}

#[test]
fn disjuncts_are_dependencies_of_their_own_without_repetition() {
    let by = |column, position| vec![one_of(column, vec![parameter(position)])];
    let conjunctions = vec![by(AUTHOR, 0), by(ID, 1), by(AUTHOR, 2)];
    let params = [Param::Int(1), Param::Int(1), Param::Int(1)];
    let dependencies = bind(conjunctions, &params);
    assert_eq!(
        shapes(&dependencies),
        [
            ("1|author_id:int|title", 1),
            ("1|id:int|author_id,title", 1)
        ]
    );
}

#[test]
fn a_long_list_widens() {
    let by = |count: usize| {
        let params = ints(0..count as i128);
        shapes_of(bind(vec![vec![one_of(AUTHOR, parameters(count))]], &params))
    };
    assert_eq!(by(64), [("1|author_id:int|title".to_owned(), 64)]);
    assert_eq!(by(65), [("1||author_id,title".to_owned(), 1)]);
    assert_eq!(by(5_000), [("1||author_id,title".to_owned(), 1)]);
    let array = Param::Array("int4", ints(0..100_000));
    let elements = vec![one_of(AUTHOR, vec![Operand::ParameterElements(0)])];
    assert_eq!(
        shapes(&bind(vec![elements], &[array])),
        [("1||author_id,title", 1)]
    );
}

fn shapes_of(dependencies: Vec<DependencyKey>) -> Vec<(String, usize)> {
    shapes(&dependencies)
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

#[test]
fn a_product_too_large_widens_its_longest_list() {
    let (short, long): (Vec<_>, Vec<_>) = parameters(40)
        .into_iter()
        .partition(|operand| matches!(operand, Operand::Parameter(position) if *position < 5));
    let terms = vec![one_of(ID, short), one_of(AUTHOR, long)];
    let dependencies = bind(vec![terms], &ints(0..40));
    assert_eq!(shapes(&dependencies), [("1|id:int|author_id,title", 5)]);
}

#[test]
fn every_disjunct_keeps_room_for_itself_and_too_many_are_refused() {
    let limits = SourceLimits {
        dependencies_max: 4,
        ..SourceLimits::default()
    };
    let bind = |conjunctions: Vec<Vec<Term>>| {
        prepared(&limits, conjunctions)
            .bind(&ints(0..8), &result(), None)
            .map(|bound| shapes_of(bound.dependencies))
    };
    let list = |column| vec![one_of(column, parameters(4))];
    let split = bind(vec![list(AUTHOR), list(ID)]).unwrap();
    assert_eq!(
        split,
        [
            ("1||author_id,title".to_owned(), 1),
            ("1||author_id,id,title".to_owned(), 1)
        ]
    );
    let single = |position| vec![one_of(ID, vec![parameter(position)])];
    assert!(bind((0..4).map(single).collect()).is_ok());
    let refused = bind((0..5).map(single).collect()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "more dependencies than an entry may have"
    );
}

#[test]
fn a_missing_parameter_is_refused() {
    let prepared = prepared(
        &SourceLimits::default(),
        vec![vec![one_of(ID, vec![parameter(1)])]],
    );
    let refused = prepared
        .bind(&[Param::Int(1)], &result(), None)
        .unwrap_err();
    assert_eq!(refused.to_string(), "a parameter is missing");
}

#[test]
fn a_plan_of_odd_terms_binds_to_something_wider() {
    let odd = vec![
        one_of(ID, vec![parameter(0)]),
        one_of(ID, vec![parameter(1)]),
        one_of(99, vec![parameter(0)]),
        is_null(98),
    ];
    let dependencies = bind(vec![odd], &ints(0..2));
    assert_eq!(shapes(&dependencies), [("1|id:int|*", 1)]);
    let columns: Vec<_> = (0..40)
        .map(|n| Column::new(format!("c{n:02}"), INT))
        .collect();
    let wide = table("post", columns);
    let terms = (0..40)
        .map(|column| one_of(column, vec![parameter(column)]))
        .collect();
    let plan = read_plan("q", &wide, vec![terms], &Columns::Some(vec![]));
    let limits = SourceLimits::default();
    let catalog = catalog(Dialect::Postgres, &[wide]);
    let place = Place {
        namespace: "",
        source: "s",
        version: "",
        catalog: &catalog,
        fingerprint: [0; 16],
        limits: &limits,
        counters: &Default::default(),
    };
    let bound = Prepared::new(plan, &place, 1)
        .bind(&ints(0..40), &result(), None)
        .unwrap();
    let shape = &bound.dependencies[0].shape.0;
    assert_eq!(shape.matches(":int").count(), 16);
    assert!(shape.ends_with("|*"));
}

#[test]
fn booleans_are_integers_where_the_driver_sends_integers() {
    let flag = table(
        "post",
        vec![Column::new("flag", ValueKind::Integer { min: 0, max: 1 })],
    );
    let terms = vec![vec![one_of(0, vec![parameter(0)])]];
    let plan = read_plan("q", &flag, terms, &Columns::All);
    let limits = SourceLimits::default();
    let catalog = catalog(Dialect::Sqlite, &[flag]);
    let place = Place {
        namespace: "",
        source: "s",
        version: "",
        catalog: &catalog,
        fingerprint: [0; 16],
        limits: &limits,
        counters: &Default::default(),
    };
    let prepared = Prepared::new(plan, &place, 1);
    let by = |param| prepared.bind(&[param], &result(), None).unwrap();
    assert_eq!(unspread(by(Param::Bool(true))), unspread(by(Param::Int(1))));
    // The key keeps the classes apart: the server may answer them differently.
    assert_ne!(by(Param::Bool(true)).entry, by(Param::Int(1)).entry);
}

fn change(row: RowChange) -> Change {
    let scope = ChangeScope::Rows {
        changed: Columns::All,
        rows: vec![row],
    };
    let table_key = TableKey(Arc::from("n:s:public.post"));
    Change {
        table_key,
        table: Some(post()),
        scope,
    }
}

/// What a writer would do: ask every shape, and see whether one of the stamps goes.
fn is_dropped(dependencies: &[DependencyKey], change: &Change) -> bool {
    dependencies
        .iter()
        .any(|dependency| match dependency.shape.affected_by(change) {
            Affected::Untouched => false,
            Affected::Values(digests) => dependency.value.is_some_and(|it| digests.contains(&it)),
            _ => true,
        })
}

fn any_cell() -> impl Strategy<Value = Option<Option<i128>>> {
    prop_oneof![
        Just(None),
        Just(Some(None)),
        (0..3_i128).prop_map(|value| Some(Some(value)))
    ]
}

fn cell(column: usize, value: i128) -> Value {
    match column {
        TITLE => Value::Text(value.to_string().into()),
        DELETED => Value::Timestamp(i64::try_from(value).unwrap()),
        _ => Value::Int(value),
    }
}

fn param(column: usize, value: Option<i128>) -> Param<'static> {
    match (column, value) {
        (_, None) => Param::Null,
        (TITLE, Some(value)) => Param::Text(value.to_string().into()),
        (DELETED, Some(value)) => Param::Timestamp(i64::try_from(value).unwrap()),
        (_, Some(value)) => Param::Int(value),
    }
}

proptest! {
    /// The two sides meet: a row satisfies a bound conjunction if and only if its fully known image
    /// drops the entry; an image that knows less drops at least as much.
    #[test]
    fn a_row_drops_the_entry_exactly_when_it_satisfies_the_condition(
        tests in prop::collection::vec(
            prop::option::of(prop::collection::vec(prop::option::of(0..3_i128), 0..3)), 4),
        is_asked in prop::collection::vec(any::<bool>(), 4),
        row in prop::collection::vec(prop::option::of(0..3_i128), 4),
        hidden in prop::collection::vec(any_cell(), 4),
    ) {
        let mut params = Vec::new();
        let mut terms = Vec::new();
        let mut is_satisfied = true;
        for (column, test) in tests.iter().enumerate().filter(|(column, _)| is_asked[*column]) {
            terms.push(match test {
                None => is_null(column),
                Some(values) => {
                    let operands = values.iter().map(|value| {
                        params.push(param(column, *value));
                        parameter(params.len() - 1)
                    });
                    one_of(column, operands.collect())
                }
            });
            is_satisfied &= match test {
                None => row[column].is_none(),
                Some(values) => row[column].is_some() && values.contains(&row[column]),
            };
        }
        let dependencies = bind(vec![terms], &params);
        let known: Vec<_> = (0..4)
            .map(|at| (at, row[at].map_or(Value::Null, |value| cell(at, value))))
            .collect();
        let insert = |cells: &[(usize, Value)]| {
            change(RowChange { old: None, new: Some(image(cells)) })
        };
        prop_assert_eq!(is_dropped(&dependencies, &insert(&known)), is_satisfied);
        let less: Vec<_> =
            known.into_iter().filter(|(column, _)| hidden[*column].is_some()).collect();
        prop_assert!(is_dropped(&dependencies, &insert(&less)) || !is_satisfied);
    }
}

/// What is told of a read is what it is bound to: as many values, in the same shapes.
#[test]
fn what_a_read_is_said_to_rest_on_is_what_it_rests_on() {
    let limits = SourceLimits {
        dependencies_max: 8,
        in_values_max: 5,
        ..SourceLimits::default()
    };
    let conjunctions = vec![
        vec![one_of(AUTHOR, parameters(3)), is_null(DELETED)],
        vec![
            one_of(ID, vec![parameter(0)]),
            one_of(AUTHOR, parameters(4)),
        ],
        vec![one_of(ID, parameters(6))],
        vec![one_of(TITLE, vec![parameter(1)])],
        vec![],
    ];
    for (at, conjunction) in conjunctions.into_iter().enumerate() {
        let prepared = prepared(&limits, vec![conjunction]);
        for params in [ints(0..6), vec![Param::Null; 6]] {
            let bound = prepared.bind(&params, &result(), None).unwrap();
            let told = prepared.rests_on(&params).unwrap();
            let [told] = told.as_slice() else {
                panic!("one conjunction is told as one: {told:?}");
            };
            let values: usize = told.conditions.iter().map(|it| it.values.len()).product();
            assert_eq!(bound.dependencies.len(), values.max(1), "{at}: {told:?}");
            let name = bound.dependencies[0].shape.words().unwrap();
            assert_eq!(
                name.conditions.len(),
                told.conditions.len(),
                "{at}: {told:?}"
            );
        }
    }
}

#[test]
fn an_equality_that_does_not_narrow_is_told_with_its_reason() {
    let limits = SourceLimits {
        dependencies_max: 4,
        in_values_max: 5,
        ..SourceLimits::default()
    };
    let why = |terms: Vec<Term>, params: &[Param<'_>]| {
        let told = prepared(&limits, vec![terms]).rests_on(params).unwrap();
        let all = told.into_iter().flat_map(|it| it.widened);
        all.map(|it| (it.column, it.why)).collect::<Vec<_>>()
    };
    assert_eq!(
        why(vec![one_of(ID, parameters(5))], &ints(0..5)),
        [(ID, WidenedWhy::Room)]
    );
    assert_eq!(
        why(vec![one_of(ID, parameters(6))], &ints(0..6)),
        [(ID, WidenedWhy::Long)]
    );
    let text = [Param::Text("3".into())];
    assert_eq!(
        why(vec![one_of(ID, vec![parameter(0)])], &text),
        [(ID, WidenedWhy::Value)]
    );
    assert_eq!(why(vec![one_of(ID, vec![parameter(0)])], &ints(3..4)), []);
    let array = [Param::Array("int4", ints(0..6))];
    let elements = vec![Operand::ParameterElements(0)];
    assert_eq!(
        why(vec![one_of(ID, elements)], &array),
        [(ID, WidenedWhy::Long)]
    );
}
