//! Wrong attributes are compile errors that say what is allowed.

#[test]
fn wrong_attributes_are_compile_errors() {
    trybuild::TestCases::new().compile_fail("tests/attributes/*.rs");
}
