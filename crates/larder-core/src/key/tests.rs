use proptest::prelude::*;

use super::*;

fn key(source: &str, schema: &str, name: &str) -> String {
    TableKey::new("n", source, &TableName::new(schema, name)).to_string()
}

#[test]
fn a_table_key_is_readable_and_escapes_what_a_store_would_misread() {
    assert_eq!(key("main", "public", "post"), "n:main:public.post");
    assert_eq!(key("a:1", "p.q", "{x}%"), "n:a%3A1:p%2Eq.%7Bx%7D%25");
    assert_ne!(key("a:b", "c", "d"), key("a", "b:c", "d"));
    assert_ne!(key("a", "b.c", "d"), key("a", "b", "c.d"));
}

#[test]
fn fields_of_two_purposes_or_lengths_never_meet() {
    let digest = |purpose: &str, parts: &[&str]| {
        let mut fields = Fields::new(purpose);
        for part in parts {
            fields.text(part);
        }
        fields.digest()
    };
    assert_ne!(digest("a", &["b"]), digest("b", &["b"]));
    assert_ne!(digest("a", &["b", "c"]), digest("a", &["bc"]));
    assert_ne!(digest("a", &["", "b"]), digest("a", &["b", ""]));
}

#[test]
fn a_clone_of_aligned_fields_goes_on_where_the_original_stood() {
    for length in 0..200 {
        let mut fields = Fields::new("x");
        fields.bytes(&vec![7; length]);
        fields.align();
        let (mut first, mut second) = (fields.clone(), fields.clone());
        first.text("tail");
        second.text("tail");
        assert_eq!(first.digest(), second.digest());
        assert_ne!(fields.clone().digest(), {
            fields.tag(0);
            fields.digest()
        });
    }
}

#[test]
fn the_widened_dependency_is_one_for_the_whole_table() {
    let table = TableKey::new("n", "s", &TableName::new("public", "post"));
    let narrow = DependencyKey {
        table: table.clone(),
        shape: ShapeName(Arc::from("1|id:int|title")),
        value: Some(Digest([1; 32])),
        spread: 0,
    };
    assert_eq!(narrow.widened(), DependencyKey::any_row(table));
    assert_eq!(&*narrow.widened().shape.0, "1||*");
}

proptest! {
    #[test]
    fn escaping_is_undone_by_unescaping(text in any::<String>()) {
        let mut escaped = String::new();
        escape(&mut escaped, &text, |c| matches!(c, ',' | '|' | 'é'));
        prop_assert!(!escaped.contains([',', '|', 'é']));
        prop_assert_eq!(unescape(&escaped), Some(text.into()));
    }

    #[test]
    fn unescaping_never_panics(text in "[%0-9a-zé]{0,12}") {
        let _ = unescape(&text);
    }

    #[test]
    fn table_keys_are_injective(a in "[a.:%{}]{0,4}", b in "[a.:%{}]{0,4}", c in "[a.:%{}]{0,4}",
                                d in "[a.:%{}]{0,4}", e in "[a.:%{}]{0,4}", f in "[a.:%{}]{0,4}") {
        prop_assert_eq!(key(&a, &b, &c) == key(&d, &e, &f), (&a, &b, &c) == (&d, &e, &f));
    }
}
