//! A cell that was run: what was sent, and all messages about it, checked against the rules that hold for every cell.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::message::Message;

/// An execute request, with the protocol's defaults.
#[derive(Debug, Clone)]
pub struct Execute {
    pub code: String,
    pub silent: bool,
    pub store_history: bool,
    pub allow_stdin: bool,
    pub stop_on_error: bool,
    pub user_expressions: Value,
}

impl Execute {
    pub fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            silent: false,
            store_history: true,
            allow_stdin: false,
            stop_on_error: true,
            user_expressions: json!({}),
        }
    }

    /// The request's content.
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "silent": self.silent,
            "store_history": self.store_history,
            "allow_stdin": self.allow_stdin,
            "stop_on_error": self.stop_on_error,
            "user_expressions": self.user_expressions,
        })
    }
}

/// All messages that came of a cell.
#[derive(Debug)]
#[must_use = "what a cell did has to be asserted"]
pub struct Ran {
    /// Its outputs in order, including its error.
    pub outputs: Vec<Message>,
    pub reply: Message,
}

impl Ran {
    /// Checks what holds for every cell, and keeps the rest.
    ///
    /// * `published`: everything on iopub, from busy to idle.
    pub fn check(execute: &Execute, mut published: Vec<Message>, reply: Message) -> Self {
        let dates: Vec<&str> = published.iter().map(Message::date).collect();
        assert!(
            dates.is_sorted(),
            "messages were not published in the order of their dates: {published:#?}"
        );
        let idle = published.pop().expect("a cell ends with idle");
        assert_eq!(idle.brief(), r#"status {"execution_state":"idle"}"#);
        let last = published.last().expect("a cell begins with busy");
        assert!(
            last.date() <= reply.date() && reply.date() <= idle.date(),
            "a reply before an output, or after idle"
        );
        let mut outputs = published.split_off(1);
        assert_eq!(published[0].brief(), r#"status {"execution_state":"busy"}"#);
        assert_eq!(reply.message_type(), "execute_reply");
        let status = reply.text("status").to_owned();
        if !execute.silent && status != "aborted" {
            let input = outputs.remove(0);
            assert_eq!(input.message_type(), "execute_input");
            assert_eq!(input.content["code"], execute.code);
            assert_eq!(
                input.content["execution_count"],
                reply.content["execution_count"]
            );
        }
        let ran = Self { outputs, reply };
        ran.check_outputs(execute);
        ran.check_error(execute, &status);
        ran
    }

    fn check_outputs(&self, execute: &Execute) {
        assert!(
            !execute.silent || self.outputs.is_empty(),
            "a silent cell shows {:#?}",
            self.log_lines()
        );
        for output in &self.outputs {
            match output.message_type() {
                "execute_result" => {
                    assert_eq!(
                        output.content["execution_count"],
                        self.reply.content["execution_count"]
                    );
                    assert!(output.content["metadata"].is_object(), "{}", output.brief());
                }
                "stream" => {
                    let text = output.text("text");
                    assert!(
                        !text.is_empty() && text.len() <= 64 * 1024,
                        "a stream message of {} bytes",
                        text.len()
                    );
                }
                "display_data" | "update_display_data" => {
                    assert!(output.content["metadata"].is_object(), "{}", output.brief());
                }
                "clear_output" | "error" => {}
                other => panic!("{other} is no output of a cell"),
            }
        }
    }

    /// There is one error exactly if the reply is an error. It is the last output, and both have the same text.
    fn check_error(&self, execute: &Execute, status: &str) {
        let errors: Vec<&Message> = self
            .outputs
            .iter()
            .filter(|output| output.message_type() == "error")
            .collect();
        match status {
            "ok" => {
                assert!(
                    errors.is_empty(),
                    "an error, but the reply says ok: {:#?}",
                    self.log_lines()
                );
                assert!(
                    self.reply.content["user_expressions"].is_object(),
                    "{}",
                    self.reply.brief()
                );
            }
            "error" => {
                assert_eq!(
                    errors.len(),
                    usize::from(!execute.silent),
                    "{:#?}",
                    self.log_lines()
                );
                for field in ["ename", "evalue", "traceback"] {
                    let expected = &self.reply.content[field];
                    assert!(!expected.is_null(), "an error reply without {field}");
                    assert!(
                        errors.iter().all(|error| error.content[field] == *expected),
                        "{field} differs in the reply"
                    );
                }
                if let Some(error) = errors.first() {
                    let last = self
                        .outputs
                        .last()
                        .map(|last| last.header["msg_id"].clone());
                    assert_eq!(
                        last.as_ref(),
                        Some(&error.header["msg_id"]),
                        "output after the error"
                    );
                }
            }
            "aborted" => assert!(self.outputs.is_empty(), "{:#?}", self.log_lines()),
            other => panic!("{other:?} is no status of a reply"),
        }
        if status != "aborted" {
            let started = self.reply.metadata["started"].as_str().unwrap_or_default();
            assert!(
                started.contains('T'),
                "the reply does not say when the cell started: {:?}",
                self.reply.metadata
            );
        }
    }

    /// What the cell showed, one line for each output. Text that came in several messages is put together, because it may
    /// be cut anywhere.
    pub fn log(self) -> Vec<String> {
        self.log_lines()
    }

    /// As [`Ran::log`], by reference.
    pub fn log_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut streams: Vec<(String, String)> = Vec::new();
        for output in &self.outputs {
            if output.message_type() == "stream" {
                let (name, text) = (output.text("name"), output.text("text"));
                match streams.last_mut() {
                    Some((last, gathered)) if last == name => gathered.push_str(text),
                    _ => streams.push((name.to_owned(), text.to_owned())),
                }
                continue;
            }
            lines.extend(
                streams
                    .drain(..)
                    .map(|(name, text)| format!("{name}: {text}")),
            );
            lines.push(brief(output));
        }
        lines.extend(
            streams
                .drain(..)
                .map(|(name, text)| format!("{name}: {text}")),
        );
        lines
    }

    /// Asserts that the cell succeeded and showed nothing.
    pub fn shows_nothing(self) {
        self.shows(&[]);
    }

    /// Asserts that the cell succeeded and showed this.
    pub fn shows(self, expected: &[&str]) {
        assert_eq!(self.log_lines(), expected);
        assert_eq!(self.reply.text("status"), "ok");
    }

    /// The text that the cell printed to stdout. It must have shown nothing else.
    pub fn printed(self) -> String {
        let log = self.log_lines();
        match log.as_slice() {
            [] => String::new(),
            [only] if only.starts_with("stdout: ") => only["stdout: ".len()..].to_owned(),
            _ => panic!("not only text on stdout: {log:#?}"),
        }
    }

    /// The plain text of the cell's result. It must have shown nothing else.
    pub fn result(self) -> String {
        let log = self.log_lines();
        match log.as_slice() {
            [only] if only.starts_with("result: ") => only["result: ".len()..].to_owned(),
            _ => panic!("not only a result: {log:#?}"),
        }
    }

    /// The traceback without its colours.
    pub fn traceback(&self) -> String {
        let lines = self.reply.content["traceback"]
            .as_array()
            .into_iter()
            .flatten();
        let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
        without_colours(&lines.join("\n"))
    }
}

/// An output in one line.
fn brief(output: &Message) -> String {
    let content = &output.content;
    let data = || match content["data"].as_object() {
        Some(data) if data.len() == 1 && data.contains_key("text/plain") => {
            as_text(&data["text/plain"])
        }
        // The types are sorted, because a map has no order.
        Some(data) => {
            let sorted: BTreeMap<&String, &Value> = data.iter().collect();
            let items = sorted
                .iter()
                .map(|(mime, data)| format!("[{mime}] {}", as_text(data)));
            items.collect::<Vec<_>>().join(" ")
        }
        None => panic!("{} without data", output.brief()),
    };
    match output.message_type() {
        "execute_result" => format!("result: {}", data()),
        "display_data" => format!("display: {}", data()),
        "update_display_data" => format!("update: {}", data()),
        "clear_output" => format!("clear: wait {}", content["wait"]),
        "error" => format!("{}: {}", output.text("ename"), output.text("evalue")),
        other => panic!("{other} is no output of a cell"),
    }
}

/// A string without its quotes, any other value as JSON.
fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Every text in `wanted` is part of `text`.
pub fn expect_in(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

/// `text` without terminal colour codes.
pub fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let code = &rest[start..];
        rest = code.find('m').map_or("", |end| &code[end + 1..]);
    }
    plain + rest
}
