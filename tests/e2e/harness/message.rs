//! Frames <-> messages, signed and checked. Does no I/O.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol>

use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// The frame between the routing identities and the message.
pub const DELIMITER: &[u8] = b"<IDS|MSG>";

/// The name in the client's headers. The kernel must use another one.
pub const USERNAME: &str = "a client of the tests";

/// Signs what the client sends and checks what the kernel sent.
#[derive(Clone)]
pub struct Signer {
    scheme: String,
    key: String,
}

impl Signer {
    pub fn new(scheme: &str, key: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            key: key.to_owned(),
        }
    }

    /// The signature of four frames, empty without a key.
    pub fn sign(&self, frames: &[Vec<u8>]) -> String {
        fn digest<M: Mac + KeyInit>(key: &str, frames: &[Vec<u8>]) -> String {
            let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes())
                .expect("HMAC takes keys of any length");
            frames.iter().for_each(|frame| mac.update(frame));
            hex::encode(mac.finalize().into_bytes())
        }
        match self.scheme.as_str() {
            _ if self.key.is_empty() => String::new(),
            "hmac-sha224" => digest::<Hmac<Sha224>>(&self.key, frames),
            "hmac-sha256" => digest::<Hmac<Sha256>>(&self.key, frames),
            "hmac-sha384" => digest::<Hmac<Sha384>>(&self.key, frames),
            "hmac-sha512" => digest::<Hmac<Sha512>>(&self.key, frames),
            other => panic!("the tests sign nothing with {other}"),
        }
    }
}

/// A request that was sent, which its replies must name as their parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: String,
    pub message_type: String,
    /// The header, byte for byte.
    pub header: Vec<u8>,
}

/// The frames of a new request, without identities.
pub fn encode(
    signer: &Signer,
    session: &str,
    message_type: &str,
    content: &Value,
) -> (Request, Vec<Vec<u8>>) {
    encode_with(signer, &header(session, message_type), content)
}

/// A header such as clients send. The field `tests` is unknown to the kernel, which must not drop it.
pub fn header(session: &str, message_type: &str) -> Value {
    json!({
        "msg_id": uuid::Uuid::new_v4().to_string(),
        "session": session,
        "username": USERNAME,
        "date": "2026-01-01T12:00:00.000000Z",
        "msg_type": message_type,
        "version": "5.4",
        "tests": { "b": 1.50, "a": "é" },
    })
}

/// The frames of a request with this header.
pub fn encode_with(signer: &Signer, header: &Value, content: &Value) -> (Request, Vec<Vec<u8>>) {
    let text = |field: &str| header[field].as_str().unwrap_or_default().to_owned();
    // A kernel that parses and prints the header loses these blanks.
    let bytes = format!(" {header} ").into_bytes();
    let request = Request {
        id: text("msg_id"),
        message_type: text("msg_type"),
        header: bytes.clone(),
    };
    let body = [
        bytes,
        b"{}".to_vec(),
        b"{}".to_vec(),
        content.to_string().into_bytes(),
    ];
    (request, seal(signer, body))
}

/// Puts the delimiter and the signature before four frames.
pub fn seal(signer: &Signer, body: [Vec<u8>; 4]) -> Vec<Vec<u8>> {
    let mut frames = vec![DELIMITER.to_vec(), signer.sign(&body).into_bytes()];
    frames.extend(body);
    frames
}

/// A message from the kernel.
#[derive(Debug, Clone)]
pub struct Message {
    pub identities: Vec<Vec<u8>>,
    pub header: Value,
    pub parent: Value,
    /// The parent header, byte for byte.
    pub parent_bytes: Vec<u8>,
    pub metadata: Value,
    pub content: Value,
    pub arrived: Instant,
}

impl Message {
    /// The message in `frames`.
    ///
    /// # Panics
    ///
    /// If the frames, the signature or the JSON break the protocol.
    pub fn decode(signer: &Signer, frames: Vec<Vec<u8>>) -> Self {
        let arrived = Instant::now();
        let delimiter = frames
            .iter()
            .position(|frame| frame == DELIMITER)
            .expect("every message has a delimiter");
        let mut identities = frames;
        let parts = identities.split_off(delimiter);
        let [_, signature, body @ ..] = parts.as_slice() else {
            panic!("a message without a signature")
        };
        let [header, parent, metadata, content] = body else {
            panic!(
                "a message of {} frames after its signature, not 4",
                body.len()
            )
        };
        assert_eq!(
            String::from_utf8_lossy(signature),
            signer.sign(body),
            "the kernel's signature is wrong"
        );
        let json = |bytes: &[u8]| -> Value {
            serde_json::from_slice(bytes)
                .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(bytes)))
        };
        let message = Self {
            header: json(header),
            parent: json(parent),
            parent_bytes: parent.clone(),
            metadata: json(metadata),
            content: json(content),
            identities,
            arrived,
        };
        message.check_header();
        message
    }

    fn check_header(&self) {
        for field in [
            "msg_id", "session", "username", "date", "msg_type", "version",
        ] {
            let text = self.header[field].as_str().unwrap_or_default();
            assert!(
                !text.is_empty(),
                "a message whose header has no {field}: {self:?}"
            );
        }
        assert!(
            self.header["version"]
                .as_str()
                .is_some_and(|version| version.starts_with("5.")),
            "{self:?}"
        );
        assert_ne!(
            self.header["username"], USERNAME,
            "the kernel speaks in the client's name: {self:?}"
        );
        let own = &self.header["session"];
        assert!(
            self.parent.get("session") != Some(own),
            "the kernel speaks in the client's session: {self:?}"
        );
        assert!(
            self.metadata.is_object() && self.content.is_object(),
            "{self:?}"
        );
    }

    pub fn message_type(&self) -> &str {
        self.header["msg_type"].as_str().expect("decode checks it")
    }

    /// When the kernel wrote it. As text, it orders the messages of one kernel.
    pub fn date(&self) -> &str {
        self.header["date"].as_str().expect("decode checks it")
    }

    /// The id of the request that caused it. Empty if there is no such request.
    pub fn parent_id(&self) -> &str {
        self.parent["msg_id"].as_str().unwrap_or_default()
    }

    /// A text field of the content.
    ///
    /// # Panics
    ///
    /// If there is no such field, or it is no text.
    pub fn text(&self, field: &str) -> &str {
        self.content[field]
            .as_str()
            .unwrap_or_else(|| panic!("{} without a text {field}", self.brief()))
    }

    /// Type and content in one line.
    pub fn brief(&self) -> String {
        let content: String = self.content.to_string().chars().take(500).collect();
        format!("{} {content}", self.message_type())
    }
}
