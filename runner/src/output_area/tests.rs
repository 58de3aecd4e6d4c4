use super::*;

fn stdout(text: &str) -> Output {
    Output::Stream {
        name: StreamName::Stdout,
        text: text.to_owned(),
    }
}

fn stderr(text: &str) -> Output {
    Output::Stream {
        name: StreamName::Stderr,
        text: text.to_owned(),
    }
}

fn plain(text: &str) -> Bundle {
    let Value::Object(data) = json!({ "text/plain": text }) else {
        unreachable!()
    };
    Bundle {
        data,
        metadata: Map::new(),
    }
}

fn display(text: &str, display_id: Option<&str>) -> Output {
    Output::Display {
        bundle: plain(text),
        display_id: display_id.map(str::to_owned),
    }
}

fn area(outputs: &[Output]) -> Value {
    let mut area = OutputArea::default();
    outputs.iter().for_each(|output| area.add(output));
    area.to_json()
}

#[test]
fn consecutive_text_of_one_stream_is_one_output() {
    assert_eq!(
        area(&[stdout("a\nb"), stdout("c\n"), stderr("x"), stdout("d")]),
        json!([
            { "name": "stdout", "output_type": "stream", "text": ["a\n", "bc\n"] },
            { "name": "stderr", "output_type": "stream", "text": ["x"] },
            { "name": "stdout", "output_type": "stream", "text": ["d"] },
        ])
    );
}

#[test]
fn a_carriage_return_works_across_messages() {
    assert_eq!(
        area(&[stdout("10%\r"), stdout("99%")])[0]["text"],
        json!(["99%"])
    );
}

#[test]
fn text_types_are_lines_and_others_whole() {
    let Value::Object(data) = json!({
        "text/plain": "1\n2", "image/svg+xml": "<svg>\n</svg>", "image/png": "iV\nBO", "application/json": { "b": 1, "a": "x\ny" },
    }) else {
        unreachable!()
    };
    let output = Output::Result {
        execution_count: 3,
        bundle: Bundle {
            data,
            metadata: Map::new(),
        },
        display_id: None,
    };
    assert_eq!(
        area(&[output])[0].to_string(),
        r#"{"data":{"application/json":{"a":"x\ny","b":1},"image/png":"iV\nBO","image/svg+xml":["<svg>\n","</svg>"],"text/plain":["1\n","2"]},"execution_count":3,"metadata":{},"output_type":"execute_result"}"#
    );
}

#[test]
fn an_update_replaces_the_display_with_its_id_in_place() {
    let update = Output::Update {
        bundle: plain("100%"),
        display_id: "bar".into(),
    };
    let outputs = area(&[
        display("0%", Some("bar")),
        display("other", Some("b")),
        display("none", None),
        stdout("x"),
        update,
    ]);
    assert_eq!(outputs[0]["data"]["text/plain"], json!(["100%"]));
    assert_eq!(outputs[1]["data"]["text/plain"], json!(["other"]));
    assert_eq!(outputs.as_array().unwrap().len(), 4);
    assert!(
        !outputs.to_string().contains("bar"),
        "the id is transient: {outputs}"
    );
}

#[test]
fn a_clear_removes_all_outputs_at_once() {
    assert_eq!(
        area(&[stdout("a"), Output::Clear { is_delayed: false }]),
        json!([])
    );
}

#[test]
fn a_delayed_clear_waits_for_the_next_output() {
    let clear = Output::Clear { is_delayed: true };
    assert_eq!(
        area(&[stdout("a"), clear.clone()])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        area(&[stdout("a"), clear.clone(), stdout("b")])[0]["text"],
        json!(["b"])
    );
    let cleared = area(&[stdout("a"), clear, display("d", None)]);
    assert_eq!(cleared[0]["output_type"], "display_data");
}

#[test]
fn an_error_is_kept_with_its_traceback() {
    let error = Output::Error {
        name: "Panic".into(),
        value: "x".into(),
        traceback: vec!["\u{1b}[31mx".into()],
    };
    assert_eq!(
        area(&[error]),
        json!([{ "ename": "Panic", "evalue": "x", "output_type": "error", "traceback": ["\u{1b}[31mx"] }])
    );
}

#[test]
fn lines_end_where_python_ends_them() {
    assert_eq!(
        split_lines("a\r\nb\rc\u{2028}d\n"),
        json!(["a\r\n", "b\r", "c\u{2028}", "d\n"])
    );
    assert_eq!(split_lines(""), json!([]));
    assert_eq!(split_lines("\n\n"), json!(["\n", "\n"]));
}
