use jupyter_protocol::{
    ExecuteReply, ExecuteRequest, ExecuteResult, HistoryEntry, HistoryReply, IsCompleteReply,
    IsCompleteReplyStatus, Media, Status, Transient,
};

use super::*;

fn codec(key: &str) -> Codec {
    Codec::new(
        Signer::new("hmac-sha256", key).unwrap(),
        "kernel-session".into(),
    )
}

fn request(codec: &Codec) -> Vec<Vec<u8>> {
    codec.encode(Outgoing {
        content: ExecuteRequest::new("1 + 1".into()).into(),
        metadata: json!({}),
        parent_header: vec![],
        identities: vec![b"client".to_vec()],
    })
}

/// Signed frames with any header and content, also such as no client sends.
fn frames(codec: &Codec, header: &str, content: &str) -> Vec<Vec<u8>> {
    let body = [header, "{}", "{}", content].map(|part| part.as_bytes().to_vec());
    let signature = codec.signer.sign(&body).into_bytes();
    [vec![DELIMITER.to_vec(), signature], body.to_vec()].concat()
}

const HEADER: &str = r#"{"msg_id":"1","msg_type":"execute_request","session":"s","username":"u",
    "date":"2026-01-02T03:04:05.678901Z","version":"5.3","extra":[1]}"#;

#[test]
fn a_request_comes_back_with_its_header_byte_for_byte() {
    let codec = codec("secret");
    let sent = frames(&codec, HEADER, r#"{"code":"1"}"#);
    let message = codec.decode(sent, &mut Seen::default()).unwrap();
    assert_eq!(message.origin.header, HEADER.as_bytes());
    let JupyterMessageContent::ExecuteRequest(request) = message.content else {
        panic!("{message:?}")
    };
    assert!(!request.silent && request.store_history && request.stop_on_error);
}

#[test]
fn routing_identities_are_kept_apart() {
    let codec = codec("secret");
    let message = codec.decode(request(&codec), &mut Seen::default()).unwrap();
    assert_eq!(message.origin.identities, [b"client".to_vec()]);
}

#[test]
fn a_replay_with_its_signature_in_upper_case_is_refused() {
    let codec = codec("secret");
    let mut sent = request(&codec);
    let mut seen = Seen::default();
    codec.decode(sent.clone(), &mut seen).unwrap();
    sent[2].make_ascii_uppercase();
    assert!(matches!(
        codec.decode(sent, &mut seen),
        Err(WireError::BadSignature)
    ));
}

#[test]
fn the_same_message_twice_is_a_replay() {
    let codec = codec("secret");
    let sent = request(&codec);
    let mut seen = Seen::default();
    codec.decode(sent.clone(), &mut seen).unwrap();
    assert!(matches!(
        codec.decode(sent, &mut seen),
        Err(WireError::Replayed)
    ));
}

#[test]
fn with_an_empty_key_messages_are_unsigned_and_never_replays() {
    let codec = codec("");
    let sent = request(&codec);
    assert_eq!(sent[2], b"");
    let mut seen = Seen::default();
    codec.decode(sent.clone(), &mut seen).unwrap();
    codec.decode(sent, &mut seen).unwrap();
}

#[test]
fn malformed_messages_are_refused_with_the_reason() {
    let codec = codec("secret");
    let decode = |frames| {
        codec
            .decode(frames, &mut Seen::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        decode(vec![b"x".to_vec()]),
        "a message without the delimiter <IDS|MSG>"
    );
    assert_eq!(
        decode(vec![DELIMITER.to_vec(), vec![], vec![]]),
        "a message of 2 frames after the delimiter, fewer than 5"
    );
    assert!(
        decode(frames(&codec, "{", "{}")).starts_with("a message whose header is not the JSON")
    );
    assert!(
        decode(frames(&codec, HEADER, "[")).starts_with("a message whose content is not the JSON")
    );
    assert_eq!(
        decode(frames(&codec, r#"{"msg_id":"1"}"#, "{}")),
        "a message whose header's msg_type is missing or not text"
    );
    let dated = HEADER.replace("2026-01-02T03:04:05.678901Z", "yesterday");
    assert_eq!(
        decode(frames(&codec, &dated, "{}")),
        "a message dated \"yesterday\", which is not a date"
    );
    assert!(decode(frames(&codec, HEADER, "{}")).contains("missing field `code`"));
}

#[test]
fn deep_nesting_is_refused_and_not_a_stack_overflow() {
    let codec = codec("secret");
    let deep = "[".repeat(100_000);
    let error = codec
        .decode(frames(&codec, HEADER, &deep), &mut Seen::default())
        .unwrap_err();
    assert!(
        matches!(
            error,
            WireError::Json {
                part: "content",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_unknown_scheme_is_refused_by_name() {
    let error = Signer::new("hmac-md5", "k").err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("unknown signature scheme \"hmac-md5\""),
        "{error}"
    );
}

#[test]
fn every_sha2_scheme_round_trips() {
    for scheme in ["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"] {
        let codec = Codec::new(Signer::new(scheme, "k").unwrap(), "s".into());
        codec.decode(request(&codec), &mut Seen::default()).unwrap();
    }
}

#[test]
fn an_execute_reply_always_has_user_expressions() {
    let content = compat::outgoing(&ExecuteReply::default().into());
    assert_eq!(content["user_expressions"], json!({}));
}

#[test]
fn a_message_without_a_parent_has_an_empty_parent_header() {
    let sent = codec("k").encode(Outgoing {
        content: Status::busy().into(),
        metadata: json!({}),
        parent_header: vec![],
        identities: vec![],
    });
    assert_eq!(sent[3], b"{}");
}

#[test]
fn a_reply_names_the_request_that_caused_it() {
    let codec = codec("secret");
    let (id, sent) = codec.encode_request(ExecuteRequest::new("1".into()).into());
    let request = codec.decode(sent, &mut Seen::default()).unwrap();
    assert_eq!(
        (
            request.origin.message_id.as_str(),
            request.parent_id.as_str()
        ),
        (id.as_str(), "")
    );
    let reply = codec.encode(Outgoing {
        content: ExecuteReply::default().into(),
        metadata: json!({}),
        parent_header: request.origin.header,
        identities: vec![],
    });
    assert_eq!(
        codec.decode(reply, &mut Seen::default()).unwrap().parent_id,
        id
    );
}

/// `content` with the defaults of its message type.
fn completed(message_type: &str, mut content: Value) -> Value {
    compat::incoming(message_type, &mut content);
    content
}

#[test]
fn missing_fields_get_the_defaults_of_the_protocol() {
    assert_eq!(
        completed(
            "execute_request",
            json!({ "code": "1", "store_history": null })
        ),
        json!({ "code": "1", "store_history": true, "silent": false, "allow_stdin": true, "stop_on_error": true })
    );
    let silent = completed("execute_request", json!({ "silent": true }));
    assert_eq!(silent["store_history"], false);
    for message_type in ["complete_request", "inspect_request"] {
        assert_eq!(
            completed(message_type, json!({ "code": "äö" }))["cursor_pos"],
            2
        );
    }
    assert_eq!(
        completed("shutdown_request", json!({})),
        json!({ "restart": false })
    );
    for message_type in ["comm_open", "comm_msg", "comm_close"] {
        assert_eq!(completed(message_type, json!({})), json!({ "data": {} }));
    }
    assert_eq!(completed("kernel_info_request", json!({})), json!({}));
    assert_eq!(completed("execute_request", json!([])), json!([]));
}

#[test]
fn a_history_tail_has_ten_cells_and_a_search_no_bound() {
    let tail = completed("history_request", json!({}));
    assert_eq!(
        tail,
        json!({ "hist_access_type": "tail", "output": false, "raw": true, "unique": false, "pattern": "*", "start": 0,
                "session": 0, "stop": i32::MAX, "n": 10 })
    );
    let search = completed("history_request", json!({ "hist_access_type": "search" }));
    assert_eq!(search["n"], i32::MAX);
}

#[test]
fn an_execute_reply_keeps_its_user_expressions() {
    let reply = ExecuteReply {
        user_expressions: Some([("x".to_owned(), expression())].into()),
        ..ExecuteReply::default()
    };
    let content = compat::outgoing(&reply.into());
    assert!(content["user_expressions"]["x"].is_object(), "{content}");
}

fn expression() -> jupyter_protocol::ExpressionResult {
    serde_json::from_value(json!({ "status": "ok", "data": {}, "metadata": {} })).unwrap()
}

#[test]
fn a_result_always_has_a_transient_object() {
    let result = |transient| {
        let result = ExecuteResult {
            transient,
            ..ExecuteResult::new(1.into(), Media::default())
        };
        compat::outgoing(&result.into())["transient"].clone()
    };
    assert_eq!(result(None), json!({}));
    let display_id = Some("bar".to_owned());
    assert_eq!(
        result(Some(Transient { display_id })),
        json!({ "display_id": "bar" })
    );
}

#[test]
fn history_has_null_for_a_cell_without_a_result() {
    let output = |text: &str| HistoryEntry::InputOutput(1, 2, ("code".to_owned(), text.to_owned()));
    let reply = HistoryReply {
        history: vec![
            output(""),
            output("7"),
            HistoryEntry::Input(1, 3, "x".to_owned()),
        ],
        ..HistoryReply::default()
    };
    assert_eq!(
        compat::outgoing(&reply.into())["history"],
        json!([[1, 2, ["code", null]], [1, 2, ["code", "7"]], [1, 3, "x"]])
    );
}

#[test]
fn only_incomplete_code_gets_an_indent() {
    let indent = |status| {
        let indent = "    ".to_owned();
        let content = compat::outgoing(&IsCompleteReply { status, indent }.into());
        content.get("indent").cloned()
    };
    assert_eq!(
        indent(IsCompleteReplyStatus::Incomplete),
        Some(json!("    "))
    );
    assert_eq!(indent(IsCompleteReplyStatus::Complete), None);
    assert_eq!(indent(IsCompleteReplyStatus::Invalid), None);
}

#[test]
fn kernel_info_names_the_features_that_clients_look_for() {
    let info = json!({
        "status": "ok", "protocol_version": PROTOCOL_VERSION, "banner": "", "help_links": [],
        "language_info": { "name": "rust", "version": "1.95.0" },
    });
    let info = JupyterMessageContent::from_type_and_content("kernel_info_reply", info).unwrap();
    assert_eq!(
        compat::outgoing(&info)["supported_features"],
        json!(["kernel subshells"])
    );
}

#[test]
fn dates_are_iso_8601_with_a_time_zone_or_without() {
    let check = |date: Value| check_date(&json!({ "date": date }));
    for date in [
        "2026-01-02T03:04:05.678901Z",
        "2026-01-02T03:04:05+01:00",
        "2026-01-02T03:04:05.678901+0100",
        "2026-01-02T03:04:05.678901",
    ] {
        check(json!(date)).unwrap();
    }
    check(Value::Null).unwrap();
    check_date(&json!({})).unwrap();
    for wrong in [json!("2026-13-02T03:04:05Z"), json!(""), json!(7)] {
        let error = check(wrong.clone()).unwrap_err().to_string();
        let shown = wrong
            .as_str()
            .map_or_else(|| wrong.to_string(), str::to_owned);
        assert_eq!(
            error,
            format!("a message dated {shown:?}, which is not a date")
        );
    }
}

#[test]
fn the_oldest_signature_is_forgotten_when_there_are_too_many() {
    let signature = |number: usize| number.to_le_bytes();
    let mut seen = Seen::default();
    for number in 0..REMEMBERED_SIGNATURES {
        assert!(seen.insert(&signature(number)));
    }
    assert!(!seen.insert(&signature(0)));
    assert!(seen.insert(&signature(REMEMBERED_SIGNATURES)));
    assert!(seen.insert(&signature(0)));
    assert!(!seen.insert(&signature(2)));
    assert_eq!(seen.order.len(), REMEMBERED_SIGNATURES);
}

#[test]
fn the_signature_is_the_hmac_of_the_frames_in_hexadecimal() {
    // Test case 2 of RFC 4231.
    let signer = Signer::new("hmac-sha256", "Jefe").unwrap();
    let frames = [b"what do ya want ".to_vec(), b"for nothing?".to_vec()];
    let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signer.sign(&frames), signature);
    assert!(signer.verify(signature.as_bytes(), &frames));
    assert!(!signer.verify(b"not hexadecimal", &frames));
}

#[test]
fn the_subshell_is_read_from_the_header() {
    let codec = codec("secret");
    let subshell = |field: &str| {
        let header = HEADER.replace("\"extra\":[1]", field);
        let sent = frames(&codec, &header, r#"{"code":"1"}"#);
        codec
            .decode(sent, &mut Seen::default())
            .unwrap()
            .origin
            .subshell
    };
    assert_eq!(subshell(r#""subshell_id":"a""#), Some("a".to_owned()));
    assert_eq!(subshell(r#""subshell_id":null"#), None);
    assert_eq!(subshell(r#""subshell_id":7"#), Some("7".to_owned()));
}

#[test]
fn frames_after_the_content_are_ignored_and_not_signed() {
    let codec = codec("secret");
    let mut sent = request(&codec);
    sent.push(b"buffer".to_vec());
    codec.decode(sent, &mut Seen::default()).unwrap();
}
