use super::*;

fn item(name: &str, kind: Kind, signature: &str) -> Completion {
    Completion {
        name: name.to_owned(),
        kind,
        signature: (!signature.is_empty()).then(|| signature.to_owned()),
        is_expected: false,
        is_detour: name.contains("()."),
        is_deprecated: false,
    }
}

fn offered(preceding: Preceding, own: &[&str], items: Vec<Completion>) -> String {
    let found = Completions {
        start: 0,
        end: 0,
        items,
    };
    let own: Vec<String> = own.iter().map(|&name| name.to_owned()).collect();
    let shown = candidates(&found, preceding, "", &own);
    let shown = shown.into_iter().map(|candidate| {
        let signature = candidate.signature.clone().unwrap_or_default();
        format!("{}{signature}", candidate.name)
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn fields_and_methods_come_before_what_every_type_has() {
    let items = vec![
        item("iter().map", Kind::Function, "(f)"),
        item("iter().clone", Kind::Function, "()"),
        item("clone", Kind::Function, "()"),
        item("push", Kind::Function, "(value)"),
        item("len", Kind::Function, "()"),
        item("await", Kind::Keyword, ""),
        item("width", Kind::Field, ""),
        item("0", Kind::Field, ""),
        item("_unused", Kind::Field, ""),
        item("evcxr_display", Kind::Function, "()"),
    ];
    assert_eq!(
        offered(Preceding::Dot, &[], items),
        "0 width len() push(value) clone() iter().map(f) await"
    );
}

#[test]
fn variables_and_own_items_come_before_other_names() {
    let items = vec![
        item("print!", Kind::Macro, ""),
        item("Pool", Kind::Type, ""),
        item("PI", Kind::Value, ""),
        item("prime", Kind::Function, "(n)"),
        item("pool", Kind::Variable, ""),
        item("if let", Kind::Keyword, ""),
        item("Vec", Kind::Type, ""),
        item("cpus", Kind::Module, ""),
        item("run_user_code_3", Kind::Function, "()"),
        item("corebook_run", Kind::Function, "()"),
    ];
    assert_eq!(
        offered(Preceding::Nothing, &["prime"], items),
        "pool prime(n) cpus PI Pool print! Vec if let"
    );
}

#[test]
fn what_is_expected_comes_first_and_what_is_deprecated_last() {
    let expected = Completion {
        is_expected: true,
        ..item("len", Kind::Function, "()")
    };
    let deprecated = Completion {
        is_deprecated: true,
        ..item("connect", Kind::Function, "()")
    };
    let items = vec![deprecated, item("concat", Kind::Function, "()"), expected];
    assert_eq!(
        offered(Preceding::Dot, &[], items),
        "len() concat() connect()"
    );
}
