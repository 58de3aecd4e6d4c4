use serde_json::json;

use super::*;

/// A source with two lines, which change places.
fn map() -> LineMap {
    LineMap::join("aa\nbbb\n", &[3..7, 0..3]).1
}

fn span(file: &str, line: usize, byte: usize) -> Value {
    json!({
        "file_name": file, "line_start": line, "line_end": line, "byte_start": byte, "byte_end": byte + 1,
        "expansion": null,
    })
}

fn passed(message: &Value) -> Value {
    let mut to = Vec::new();
    let line = format!("{message}\n");
    pass_on(line.as_bytes(), &mut to, &map()).unwrap();
    serde_json::from_slice(&to).unwrap()
}

#[test]
fn spans_in_children_and_expansions_are_mapped_back() {
    let message = |first: Value, second: Value, elsewhere: Value| {
        let mut in_macro = elsewhere.clone();
        in_macro["expansion"] = json!({ "span": first, "def_site_span": second });
        json!({
            "message": "m", "rendered": "", "spans": [first, in_macro, elsewhere],
            "children": [{ "message": "c", "rendered": null, "spans": [second], "children": [] }],
        })
    };
    let elsewhere = span("/std/macros.rs", 1, 1);
    let sent = message(span(SOURCE, 1, 1), span(SOURCE, 2, 5), elsewhere.clone());
    let expected = message(span(SOURCE, 2, 4), span(SOURCE, 1, 1), elsewhere);
    assert_eq!(passed(&sent), expected);

    let of_cargo = |name: &str, message: &Value| json!({ "reason": "compiler-message", "target": { "name": name }, "message": message });
    assert_eq!(passed(&of_cargo("ctx", &sent)), of_cargo("ctx", &expected));
    assert_eq!(passed(&of_cargo("dep", &sent)), of_cargo("dep", &sent));
}

#[test]
fn other_lines_are_passed_on_unchanged() {
    let text = "warning: {}\n{\"artifact\":\"x\"}\n{torn\n";
    let mut to = Vec::new();
    pass_on(text.as_bytes(), &mut to, &map()).unwrap();
    assert_eq!(String::from_utf8(to).unwrap(), text);
}

#[test]
fn rendered_text_with_moved_numbers_is_left_out() {
    let message = json!({ "message": "m", "rendered": " --> src/lib.rs:1:1", "spans": [] });
    assert_eq!(passed(&message)["rendered"], "");
}
