//! Running the helper program as a worker of a notebook.

use std::process::Command;

use corebook::__private::event::{self, Decoded, Event};

pub const HELPER: &str = env!("CARGO_BIN_EXE_runtime-test-helper");

/// What marks the frames of the events that a helper sends.
pub const NONCE: &str = "0123456789abcdef";

/// The events that the helper sends when it runs `name`, and the text it prints.
pub fn run_in_notebook(name: &str) -> (Vec<Event>, String) {
    run_with(name, &[])
}

/// The same with more environment variables.
pub fn run_with(name: &str, variables: &[(&str, &str)]) -> (Vec<Event>, String) {
    let mut command = Command::new(HELPER);
    command.arg(name).env_remove("RUST_BACKTRACE");
    command.env(event::NONCE_VARIABLE, NONCE);
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (mut events, mut text, mut rest) = (Vec::new(), Vec::new(), output.stdout.as_slice());
    while let Some(byte) = rest.first() {
        match event::decode(rest, NONCE) {
            Decoded::Event { event, frame_len } => {
                events.push(*event);
                rest = &rest[frame_len..];
            }
            Decoded::NotAFrame | Decoded::Incomplete => {
                text.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    (events, String::from_utf8(text).unwrap())
}
