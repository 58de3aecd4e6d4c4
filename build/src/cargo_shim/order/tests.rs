use proptest::prelude::*;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn order_of(items: &[&str]) -> NotebookOrder {
    NotebookOrder {
        items: texts(items),
        ..NotebookOrder::default()
    }
}

const START: &str = "#![allow(unused_imports, unused_mut, dead_code)]\n";
const END: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_3(\nfn a() {}\n{\n";

const MACRO: &str = "macro_rules! hi { () => {\n    1\n} }\n";
const USER: &str = "fn main() {\n    hi!()\n}\n";

#[test]
fn a_macro_stands_above_the_function_that_uses_it() {
    let order = order_of(&[MACRO, USER]);
    let (ordered, map) = order
        .sort_items(&format!("{START}use a::b;\n{USER}{MACRO}{END}"))
        .unwrap();
    assert_eq!(ordered, format!("{START}{MACRO}{USER}use a::b;\n{END}"));
    let written: Vec<usize> = (1..=11).map(|line| map.written_line(line)).collect();
    assert_eq!(written, [1, 6, 7, 8, 3, 4, 5, 2, 9, 10, 11]);
    assert_eq!(order.sort_items(&ordered), None, "it is in order now");
}

#[test]
fn code_around_the_items_stays_where_it_is() {
    let order = order_of(&[MACRO, "fn a() {}\n", USER]);
    for end in [
        "\n            struct EvcxrUserCodeError {}\nfn a() {}\n",
        "mod evcxr_internal_runtime {\nfn a() {}\n}\n",
        "fn evcxr_variable_store<T: 'static>(_: T) {}\nfn a() {}\n",
        END,
    ] {
        let (ordered, _) = order
            .sort_items(&format!("{START}{USER}{MACRO}{end}"))
            .unwrap();
        assert_eq!(ordered, format!("{START}{MACRO}{USER}{end}"));
    }
}

#[test]
fn the_longest_text_wins_and_of_equal_texts_the_newest() {
    let long = "struct A;\n\n// of b\n";
    let order = order_of(&["struct A;\n", "fn b() {}\n", long, "struct A;\n"]);
    let (ordered, _) = order
        .sort_items(&format!("{long}struct A;\nfn b() {{}}\n{END}"))
        .unwrap();
    assert_eq!(ordered, format!("fn b() {{}}\n{long}struct A;\n{END}"));
}

#[test]
fn code_of_no_cell_stays_together_above_the_items() {
    let order = order_of(&[MACRO, USER]);
    let unknown = "mod x {\nuse y::z;\n}\n";
    let (ordered, _) = order
        .sort_items(&format!("{START}{MACRO}{unknown}{USER}{END}"))
        .unwrap();
    assert_eq!(ordered, format!("{START}{unknown}{MACRO}{USER}{END}"));
}

#[test]
fn attributes_get_the_notebooks_order() {
    let order = NotebookOrder {
        attributes: texts(&["#![allow(unused)]\n", "#![deny(unused)]\n"]),
        ..NotebookOrder::default()
    };
    let (ordered, _) = order
        .sort_items(&format!(
            "{START}#![deny(unused)]\n#![allow(unused)]\nfn f() {{}}\n{END}"
        ))
        .unwrap();
    assert_eq!(
        ordered,
        format!("{START}#![allow(unused)]\n#![deny(unused)]\nfn f() {{}}\n{END}")
    );
}

#[test]
fn variables_are_loaded_in_the_notebooks_order() {
    let source = |names: [&str; 3]| {
        let checks = names.map(|name| {
            format!("vars_ok &= evcxr_variable_store.check_variable::<fn(\n) -> i8>(stringify!({name}));\n")
        });
        let loads = names.map(|name| {
            format!(
                "let mut {name} = evcxr_variable_store.take_variable::<i8>(stringify!({name}));\n"
            )
        });
        format!(
            "{END}{{let mut vars_ok = true;\n{}if !vars_ok {{return evcxr_variable_store;}}}}\n{}a();\n",
            checks.concat(),
            loads.concat()
        )
    };
    let order = NotebookOrder {
        variables: texts(&["b", "r#type"]),
        ..NotebookOrder::default()
    };
    let ordered = order.sort_variables(&source(["r#type", "b", "unknown"]));
    assert_eq!(ordered, Some(source(["unknown", "b", "r#type"])));
    assert_eq!(
        order.sort_variables(&source(["unknown", "b", "r#type"])),
        None
    );
    assert_eq!(order.sort_variables("fn f() {}\n"), None);
}

#[test]
fn an_order_is_read_as_written_and_removed_if_none_matters() {
    let folder = tempfile::tempdir().unwrap();
    let order = NotebookOrder {
        attributes: texts(&["#![a]\n"]),
        items: texts(&["fn é() { \"\\n\" }\n"]),
        variables: texts(&["x"]),
    };
    let file = OrderFile::beside(folder.path());
    file.write(&order).unwrap();
    assert_eq!(file.read(), Some(order));
    let one_variable = NotebookOrder {
        variables: texts(&["x"]),
        ..NotebookOrder::default()
    };
    for _ in 0..2 {
        file.write(&one_variable).unwrap();
        assert_eq!(file.read(), None);
    }
}

proptest! {
    #[test]
    fn ordering_keeps_every_line_and_gives_the_notebooks_order(
        names in prop::collection::vec("[a-d]{1,3}", 1..12),
        keys in prop::collection::vec(any::<u32>(), 24),
    ) {
        let items: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(number, name)| format!("fn {name}{number}() {{\n    {name}!()\n}}\n"))
            .collect();
        let uses: Vec<String> = names.iter().map(|name| format!("use x::{name};\n")).collect();
        let mut written: Vec<(u32, &String)> = keys.into_iter().zip(items.iter().chain(&uses)).collect();
        written.sort_by_key(|(key, _)| *key);
        let written: String = written.into_iter().map(|(_, text)| text.as_str()).collect();
        let source = format!("{START}{written}{END}");

        let order = NotebookOrder { items: items.clone(), ..NotebookOrder::default() };
        let (ordered, map) = match order.sort_items(&source) {
            Some(ordered) => ordered,
            None => LineMap::join(&source, std::slice::from_ref(&(0..source.len()))),
        };
        let begin = format!("{START}{}", items.concat());
        prop_assert!(ordered.starts_with(&begin), "{}", ordered);
        prop_assert!(ordered.ends_with(END));
        let source_lines: Vec<&str> = source.lines().collect();
        let mut met = Vec::new();
        for (number, line) in (1..).zip(ordered.lines()) {
            let at = map.written_line(number);
            prop_assert_eq!(line, source_lines[at - 1]);
            met.push(at);
        }
        met.sort_unstable();
        prop_assert_eq!(met, (1..=source_lines.len()).collect::<Vec<_>>());
        prop_assert_eq!(order.sort_items(&ordered), None);
    }
}
