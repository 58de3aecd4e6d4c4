use super::*;

fn offered(before: &str, own: &[&str], items: &[(&str, &'static str, &str)]) -> String {
    let items = items.iter().map(|&(code, kind, label)| FoundItem {
        code: code.to_owned(),
        kind,
        label: label.to_owned(),
    });
    let found = Found {
        items: items.collect(),
        start: before.len(),
        end: before.len(),
        own: own.iter().map(|&name| name.to_owned()).collect(),
    };
    let shown = candidates(&found, before, "").into_iter().map(|candidate| {
        let signature = candidate.signature.clone().unwrap_or_default();
        format!("{}{signature}", candidate.name)
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn fields_and_methods_come_before_what_every_type_has() {
    let items = [
        ("iter().map(f)", "function", "iter().map(…)"),
        ("clone()", "function", "clone()"),
        ("push(value);", "function", "push(…)"),
        ("len()", "function", "len()"),
        (
            "extend_desugared(iterator)",
            "function",
            "extend_desugared(…)",
        ),
        ("await", "keyword", "await"),
        ("width", "instance", "width"),
        ("0", "instance", "0"),
        ("evcxr_display()", "function", "evcxr_display()"),
    ];
    assert_eq!(
        offered("v.", &[], &items),
        "0 width len() push(value) clone() iter().map(f) await"
    );
}

#[test]
fn variables_and_own_items_come_before_other_names() {
    let items = [
        ("print!()", "function", "print!(…)"),
        ("Pool", "class", "Pool"),
        ("PI", "instance", "PI"),
        ("prime(n)", "function", "prime(…)"),
        ("pool", "instance", "pool"),
        ("pub(crate) $0", "keyword", "pub(crate)"),
        ("if let $1 = $2 {\n    \n}", "keyword", "if let"),
        ("eprintln!(\"$0 = {:?}\", $0);", "instance", "pd"),
        ("pool.workers()", "instance", "pool.workers()"),
        ("Vec<>", "class", "Vec<…>"),
        ("cpus::", "module", "cpus::"),
        ("run_user_code_3", "function", "run_user_code_3"),
        ("corebook_run", "instance", "corebook_run"),
    ];
    assert_eq!(
        offered("let x = ", &["prime"], &items),
        "pool prime(n) cpus PI Pool print! Vec if let pub(crate)"
    );
}
