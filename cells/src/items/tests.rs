use super::*;
use crate::statements::{Kind, split};

/// The items after these cells.
fn after(cells: &[&str]) -> Vec<String> {
    let mut items = Items::default();
    for (cell, code) in cells.iter().enumerate() {
        items.add(of_cell(code, cell));
    }
    items
        .iter()
        .map(|item| item.text.trim().to_owned())
        .collect()
}

fn of_cell(code: &str, cell: usize) -> Vec<Item> {
    items_of(code, &split(code).unwrap(), cell)
}

#[test]
fn items_keep_their_order_and_text() {
    assert_eq!(
        after(&[
            "macro_rules! m { () => { 1 } } fn a() {}\n// of b\nfn b() {}\n\n1 + 1",
            "struct S; impl S {}",
        ]),
        [
            "macro_rules! m { () => { 1 } }",
            "fn a() {}",
            "// of b\nfn b() {}",
            "struct S;",
            "impl S {}"
        ]
    );
}

#[test]
fn a_macro_keeps_its_place_and_a_function_gets_a_new_one() {
    assert_eq!(
        after(&[
            "macro_rules! m { () => { 1 } }\nfn f() { m!() }\nstruct S;\nimpl S { fn a() {} }",
            "macro_rules! n { () => { 1 } }",
            "macro_rules! m { () => { 2 } }",
            "fn f() { n!() }\nstruct S;\nimpl Clone for S {}",
        ]),
        [
            "macro_rules! m { () => { 2 } }",
            "macro_rules! n { () => { 1 } }",
            "fn f() { n!() }",
            "struct S;",
            "impl Clone for S {}"
        ]
    );
}

#[test]
fn a_cell_that_runs_again_adds_nothing() {
    let cell = "use std::fmt; use std::io::*; macro_rules! m { () => { 1 } } struct S; impl S { fn a() {} }\
                impl fmt::Debug for S {} extern crate x; extern \"C\" { fn g(); } const _: () = (); mod n {}";
    let once = after(&[cell]);
    assert_eq!(once.len(), 10);
    let sorted = |mut items: Vec<String>| {
        items.sort();
        items
    };
    assert_eq!(sorted(after(&[cell, cell, cell])), sorted(once));
    // An `impl` in a cell of its own too.
    let own = "impl S { fn b() {} }";
    assert_eq!(after(&["struct S;", own, own]), ["struct S;", own]);
}

#[test]
fn names_in_other_namespaces_stay() {
    let cells = [
        "struct Cookie {}",
        "const Cookie: Cookie = Cookie {};",
        "macro_rules! Cookie { () => {} }",
    ];
    assert_eq!(after(&cells), cells);
    assert_eq!(
        after(&["fn a() {}", "mod a {}", "enum a {}"]),
        ["fn a() {}", "enum a {}"]
    );
    assert_eq!(after(&["struct T(u8);", "fn T() {}"]), ["fn T() {}"]);
}

#[test]
fn items_of_one_cell_do_not_replace_each_other() {
    let cell = "#[cfg(unix)] fn f() {} #[cfg(not(unix))] fn f() {}";
    assert_eq!(after(&[cell]).len(), 2);
    assert_eq!(after(&[cell, cell]).len(), 2);
    assert_eq!(after(&[cell, "fn f() {}"]), ["fn f() {}"]);
}

#[test]
fn only_the_replaced_imports_of_a_use_go() {
    assert_eq!(
        after(&["use a::{b, c as d, e::*};", "fn b() {}"]),
        ["use a::c as d; use a::e::*;", "fn b() {}"]
    );
    assert_eq!(after(&["use a::b;", "use c::b;"]), ["use c::b;"]);
    assert_eq!(after(&["fn b() {}", "use c::b;"]), ["use c::b;"]);
    assert_eq!(
        after(&["use a::b as _;", "use a::b as _;"]),
        ["use a::b as _;"]
    );
}

#[test]
fn a_method_that_is_defined_again_replaces_only_itself() {
    let first = "struct P;\nimpl P { fn new() {}\n fn norm() { é }\n }";
    assert_eq!(
        after(&[first, "impl P { fn norm() {} }"]),
        [
            "struct P;",
            "impl P { fn new() {}\n                 \n }",
            "impl P { fn norm() {} }"
        ]
    );
    assert_eq!(
        after(&[
            "struct P;",
            "impl P { fn norm() {} }",
            "impl P { fn other() {} }"
        ])
        .len(),
        3
    );
    assert_eq!(
        after(&[
            "struct P;",
            "impl  Clone for P { }",
            "impl Clone for P { fn clone() {} }"
        ]),
        ["struct P;", "impl Clone for P { fn clone() {} }"]
    );
}

#[test]
fn an_impl_of_another_cell_outlives_its_type() {
    let implementation = "fn helper() {}\nimpl Clone for P {}";
    assert_eq!(
        after(&["struct P;", implementation, "struct P { x: u8 }"]),
        [
            "fn helper() {}",
            "impl Clone for P {}",
            "struct P { x: u8 }"
        ]
    );
}

#[test]
fn statics_of_macros_are_items() {
    let code = "thread_local! { static A: u8 = 1; pub static B: u8 = 2 }\nstd::thread_local!(static C: u8 = 1)";
    let statements = split(code).unwrap();
    let is_macro = |at: usize| matches!(statements[at].kind(at == 1), Kind::ItemMacro(_));
    assert!(is_macro(0) && is_macro(1));
    let items = of_cell(code, 0);
    let names: Vec<&str> = items
        .iter()
        .flat_map(|it| &it.keys)
        .map(|key| key.name.as_str())
        .collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(items[1].text, "std::thread_local!(static C: u8 = 1);\n");
}
