//! What holds for every message: decoding returns what was encoded, and no byte can be changed on the way.

use jupyter_protocol::{
    CompleteRequest, DisplayData, ErrorOutput, ExecuteReply, ExecuteRequest, HistoryRequest, Media,
    MediaType, ShutdownRequest, Status, StreamContent,
};
use proptest::prelude::*;

use super::*;

fn codec() -> Codec {
    let signer = Signer::new("hmac-sha256", "secret").unwrap();
    Codec::new(signer, "session".to_owned())
}

/// JSON for metadata. Without fractions: their last digit may change when they are written and read.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn content() -> impl Strategy<Value = JupyterMessageContent> {
    prop_oneof![
        (".*", any::<[bool; 4]>()).prop_map(
            |(code, [silent, store_history, allow_stdin, stop_on_error])| {
                ExecuteRequest {
                    silent,
                    store_history,
                    allow_stdin,
                    stop_on_error,
                    ..ExecuteRequest::new(code)
                }
                .into()
            }
        ),
        (".*", 0..1000_usize)
            .prop_map(|(code, cursor_pos)| CompleteRequest { code, cursor_pos }.into()),
        ".*".prop_map(|text| StreamContent::stdout(&text).into()),
        (".*", ".*", prop::collection::vec(".*", 0..3)).prop_map(|(ename, evalue, traceback)| {
            ErrorOutput {
                ename,
                evalue,
                traceback,
            }
            .into()
        }),
        ".*".prop_map(|html| DisplayData::new(Media::new(vec![MediaType::Html(html)])).into()),
        any::<bool>().prop_map(|restart| ShutdownRequest { restart }.into()),
        Just(ExecuteReply::default().into()),
        Just(Status::busy().into()),
        (any::<bool>(), 1..100_i32).prop_map(|(output, n)| {
            HistoryRequest::Tail {
                n,
                output,
                raw: true,
            }
            .into()
        }),
    ]
}

fn message() -> impl Strategy<Value = Outgoing> {
    let identity = prop::collection::vec(any::<u8>(), 0..40)
        .prop_filter("the delimiter ends the identities", |bytes| {
            bytes != DELIMITER
        });
    (
        content(),
        json_value(),
        prop::option::of("[a-z0-9-]{1,40}"),
        prop::collection::vec(identity, 0..3),
    )
        .prop_map(|(content, metadata, parent, identities)| Outgoing {
            content,
            metadata,
            parent_header: parent
                .map(|id| json!({ "msg_id": id }).to_string().into_bytes())
                .unwrap_or_default(),
            identities,
        })
}

/// The content as the kernel writes it, with the fields that the types leave out.
fn as_json(content: &JupyterMessageContent) -> Value {
    compat::outgoing(content)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_returns_what_was_encoded(sent in message()) {
        let decoded = codec().decode(codec().encode(sent.clone()), &mut Seen::default()).unwrap();
        prop_assert_eq!(decoded.message_type, sent.content.message_type());
        prop_assert_eq!(as_json(&decoded.content), as_json(&sent.content));
        prop_assert_eq!(decoded.metadata, sent.metadata);
        prop_assert_eq!(decoded.origin.identities, sent.identities);
        let parent: Value = serde_json::from_slice(&sent.parent_header).unwrap_or_default();
        prop_assert_eq!(decoded.parent_id, parent["msg_id"].as_str().unwrap_or_default());
    }

    #[test]
    fn a_byte_changed_anywhere_is_refused(sent in message(), change in 1..=255_u8) {
        let identities = sent.identities.len();
        let frames = codec().encode(sent);
        for frame in identities + 1..frames.len() {
            for at in 0..frames[frame].len() {
                let mut changed = frames.clone();
                changed[frame][at] ^= change;
                let refused = codec().decode(changed, &mut Seen::default());
                prop_assert!(matches!(refused, Err(WireError::BadSignature)), "frame {} byte {}", frame, at);
            }
        }
    }

    #[test]
    fn frames_cut_moved_or_left_out_are_refused(sent in message(), first in 0..6_usize, second in 0..6_usize) {
        let identities = sent.identities.len();
        let frames = codec().encode(sent);
        let (first, second) = (identities + first, identities + second);
        let refused = |changed: Vec<Vec<u8>>| codec().decode(changed, &mut Seen::default()).is_err();
        let mut shorter = frames.clone();
        shorter.remove(first);
        prop_assert!(refused(shorter));
        if !frames[first].is_empty() {
            let mut cut = frames.clone();
            cut[first].pop();
            prop_assert!(refused(cut));
        }
        if frames[first] != frames[second] {
            let mut reordered = frames.clone();
            reordered.swap(first, second);
            prop_assert!(refused(reordered));
        }
    }

    #[test]
    fn any_frames_are_a_message_or_an_error(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..9)) {
        let _ = codec().decode(frames.clone(), &mut Seen::default());
        let delimited = [vec![DELIMITER.to_vec()], frames].concat();
        let _ = Codec::new(Signer::new("hmac-sha256", "").unwrap(), String::new()).decode(delimited, &mut Seen::default());
    }

    #[test]
    fn fields_that_a_client_sends_are_kept(fields in prop::collection::btree_map("[a-z_]{1,12}", json_value(), 0..6), known in any::<bool>()) {
        let mut content = fields.clone().into_iter().collect::<serde_json::Map<_, _>>();
        content.insert("code".to_owned(), json!("1"));
        if known {
            content.insert("store_history".to_owned(), json!(false));
            content.insert("cursor_pos".to_owned(), json!(7));
        }
        for message_type in ["execute_request", "complete_request", "history_request", "comm_open", "shutdown_request"] {
            let mut completed = Value::Object(content.clone());
            compat::incoming(message_type, &mut completed);
            for (name, value) in content.iter().filter(|(_, value)| !value.is_null()) {
                prop_assert_eq!(&completed[name], value, "{} of {}", name, message_type);
            }
        }
    }
}
