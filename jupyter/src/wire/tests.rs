use jupyter_protocol::{ExecuteReply, ExecuteRequest, Status};

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

/// Frames signed by hand, as a client with odd ideas would.
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
fn a_replay_whose_signature_is_spelled_otherwise_is_refused() {
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
fn an_empty_key_takes_unsigned_messages_as_often_as_they_come() {
    let codec = codec("");
    let sent = request(&codec);
    assert_eq!(sent[2], b"");
    let mut seen = Seen::default();
    codec.decode(sent.clone(), &mut seen).unwrap();
    codec.decode(sent, &mut seen).unwrap();
}

#[test]
fn malformed_messages_are_named() {
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
        "a message dated \"yesterday\", which is no date"
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
fn an_execute_reply_has_user_expressions_even_when_none_were_asked() {
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
