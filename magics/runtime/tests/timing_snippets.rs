//! The code that timing magics emit compiles and runs in the places where cells have it.

use corebook::timing::BoxError;

fn poly(x: i64) -> i64 {
    3 * x * x - 2 * x + 7
}

#[allow(dead_code, reason = "its field is never read, as in a cell")]
struct Opaque(u32);

/// Makes one test for each snippet. The names of the variables are arguments, so that the snippets can use them.
macro_rules! snippets {
    ($numbers:ident, $name:ident, $digits:ident; $($snippet:ident),* $(,)?) => {$(
        #[test]
        #[allow(unused, unused_qualifications, clippy::all, clippy::unwrap_used, reason = "as in a cell")]
        fn $snippet() -> Result<(), BoxError> {
            let mut $numbers: Vec<i64> = vec![3, 1, 2];
            let $name = "corebook";
            let $digits = "42";
            include!(concat!("timing_snippets/", stringify!($snippet), ".rs"));
            Ok(())
        }
    )*};
}

snippets!(
    numbers, name, digits;
    expression,
    borrowed_result,
    mutable_borrow_in_result,
    temporary_in_result,
    unit,
    variable_alone,
    unsized_place,
    huge_value,
    block,
    several_lines,
    question_mark,
    result_without_question_mark,
    hidden_literals,
    bound,
    shown,
    cell,
    setup,
    setup_used_up,
    setup_question_mark,
    setup_used_up_question_mark,
    time_value,
    time_question_mark,
    time_moves,
    time_cell,
    compare,
    compare_changes_the_same,
    compare_opaque,
    compare_types,
    compare_floats,
    compare_differs,
    compare_question_mark,
);
