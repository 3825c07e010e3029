//! What users trip over is a compile error that says what to do.

#[test]
fn mistakes_are_compile_errors_that_name_the_remedy() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
