//! Decodes messages that real clients have sent.
//!
//! The files in `fixtures` were made with `tests/clients/jupyter/record.py` between client and kernel. The frames of
//! jupyter_client come from its own calls, those of JupyterLab from a notebook in Chromium, through jupyter_server. There
//! are none of VS Code: its client was not recorded, and frames made by hand would only repeat what this code expects.

use serde::Deserialize;

use super::*;

const RECORDINGS: [&str; 2] = [
    include_str!("fixtures/jupyter_client.json"),
    include_str!("fixtures/jupyterlab.json"),
];

#[derive(Deserialize)]
struct Recording {
    client: String,
    key: String,
    scheme: String,
    messages: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    channel: String,
    /// Hexadecimal.
    identities: Vec<String>,
    /// Signature, header, parent header, metadata, content, and buffers if there are any.
    frames: Vec<String>,
}

impl Recorded {
    fn frames(&self) -> Vec<Vec<u8>> {
        let identities = self.identities.iter().map(|hex| hex::decode(hex).unwrap());
        let frames = self.frames.iter().map(|text| text.clone().into_bytes());
        identities
            .chain([DELIMITER.to_vec()])
            .chain(frames)
            .collect()
    }

    fn json(&self, frame: usize) -> Value {
        serde_json::from_str(&self.frames[frame]).unwrap()
    }

    fn name(&self) -> String {
        format!(
            "{} {}",
            self.channel,
            self.json(1)["msg_type"].as_str().unwrap()
        )
    }
}

fn recordings() -> impl Iterator<Item = (Recording, Codec)> {
    RECORDINGS.iter().map(|text| {
        let recording: Recording = serde_json::from_str(text).unwrap();
        let signer = Signer::new(&recording.scheme, &recording.key).unwrap();
        (recording, Codec::new(signer, "kernel".to_owned()))
    })
}

#[test]
fn recorded_messages_are_decoded_with_their_headers_unchanged() {
    for (recording, codec) in recordings() {
        let mut seen = Seen::default();
        for recorded in &recording.messages {
            let name = format!("{}: {}", recording.client, recorded.name());
            let message = codec
                .decode(recorded.frames(), &mut seen)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                message.origin.header,
                recorded.frames[1].as_bytes(),
                "{name}"
            );
            assert_eq!(
                message.origin.identities.len(),
                recorded.identities.len(),
                "{name}"
            );
            assert_eq!(message.metadata, recorded.json(3), "{name}");
            let subshell = recorded.json(1)["subshell_id"].as_str().map(str::to_owned);
            assert_eq!(message.origin.subshell, subshell, "{name}");
            assert_eq!(
                message.content.message_type(),
                message.message_type,
                "{name}"
            );
            expect_nothing_lost(&name, &recorded.json(4), &message.content);
        }
    }
}

/// Every field that the client sent is in the typed message, with the same value.
fn expect_nothing_lost(name: &str, sent: &Value, content: &JupyterMessageContent) {
    let taken = match content {
        JupyterMessageContent::UnknownMessage(unknown) => unknown.content.clone(),
        known => serde_json::to_value(known).unwrap(),
    };
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(taken.get(field), Some(value), "{name}: {field}");
    }
}

#[test]
fn a_changed_or_repeated_recorded_message_is_refused() {
    for (recording, codec) in recordings() {
        for recorded in &recording.messages {
            let delimiter = recorded.identities.len();
            for frame in 1..=5 {
                let mut changed = recorded.frames();
                let bytes = &mut changed[delimiter + frame];
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                let error = codec.decode(changed, &mut Seen::default()).unwrap_err();
                assert!(
                    matches!(error, WireError::BadSignature),
                    "{}: {error}",
                    recorded.name()
                );
            }
            let mut seen = Seen::default();
            codec.decode(recorded.frames(), &mut seen).unwrap();
            let again = codec.decode(recorded.frames(), &mut seen);
            assert!(
                matches!(again, Err(WireError::Replayed)),
                "{}",
                recorded.name()
            );
        }
    }
}

#[test]
fn the_recordings_contain_every_usual_request() {
    // A notebook in JupyterLab sends all of these.
    const ALWAYS: [&str; 7] = [
        "shell kernel_info_request",
        "shell execute_request",
        "shell complete_request",
        "shell inspect_request",
        "shell history_request",
        "control interrupt_request",
        "control shutdown_request",
    ];
    const BY_CALLS: [&str; 5] = [
        "shell is_complete_request",
        "shell comm_info_request",
        "shell comm_open",
        "stdin input_reply",
        "control create_subshell_request",
    ];
    for (recording, _) in recordings() {
        let names: Vec<String> = recording.messages.iter().map(Recorded::name).collect();
        let is_by_calls = recording.client.starts_with("jupyter_client");
        let more = BY_CALLS.iter().filter(|_| is_by_calls);
        for expected in ALWAYS.iter().chain(more) {
            assert!(
                names.iter().any(|name| name == expected),
                "{}: no {expected}",
                recording.client
            );
        }
    }
}
