use super::*;

const CELL: &str = "\
use corebook::prelude::*;
mod evcxr_internal_runtime {
pub struct VariableStore {
}

pub fn create_variable_store() -> *mut VariableStore {
}
}
#[unsafe(no_mangle)]
pub extern \"C\" fn run_user_code_3(
";

#[test]
fn the_store_is_replaced_and_lines_keep_their_numbers() {
    let expected = "\
use corebook::prelude::*;
use ::corebook::store as evcxr_internal_runtime;






#[unsafe(no_mangle)]
pub extern \"C\" fn run_user_code_3(
";
    assert_eq!(replace_store(CELL).as_deref(), Some(expected));
}

#[test]
fn other_source_is_not_changed() {
    assert_eq!(replace_store("pub fn f() {}\n"), None);
    let replaced = replace_store(CELL).unwrap();
    assert_eq!(replace_store(&replaced), None);
}

#[test]
fn items_are_moved_before_the_store_is_replaced() {
    let order = NotebookOrder {
        items: vec!["macro_rules! m {}\n".to_owned(), "fn f() {}\n".to_owned()],
        ..NotebookOrder::default()
    };
    let written = format!("fn f() {{}}\nmacro_rules! m {{}}\n{CELL}");
    let (text, moved) = rewrite(&written, Some(&order));
    let expected = format!(
        "macro_rules! m {{}}\nfn f() {{}}\n{}",
        replace_store(CELL).unwrap()
    );
    assert_eq!(text, Some(expected));
    assert_eq!(moved.map(|map| map.written_line(1)), Some(2));
    assert_eq!(rewrite("fn f() {}\n", None), (None, None));
}
