//! Frames on a socket <-> typed messages, signed and checked.
//!
//! Does no I/O. <https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol>
//! is the format. Where the types of jupyter-protocol are narrower than the protocol, `compat` adapts the JSON; no
//! other module does.

mod compat;
mod signature;

use std::collections::{HashSet, VecDeque};

use jupyter_protocol::JupyterMessageContent;
use serde_json::{Value, json};

pub use signature::{Signer, UnknownScheme};

/// The frame between the routing identities and the message proper.
const DELIMITER: &[u8] = b"<IDS|MSG>";

/// The version of the messaging protocol that corebook implements.
pub const PROTOCOL_VERSION: &str = "5.4";

/// How many signatures are remembered to detect replays.
const REMEMBERED_SIGNATURES: usize = 65_536;

/// A message as it arrived.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub origin: Origin,
    /// The id of the message that caused this one; empty if no message did.
    pub parent_id: String,
    pub content: JupyterMessageContent,
    pub metadata: Value,
    pub message_type: String,
}

/// Where a request came from: what a reply needs to reach its client and to name its parent.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Routing identities. They are never published on iopub.
    pub identities: Vec<Vec<u8>>,
    /// The request's header, byte for byte.
    pub header: Vec<u8>,
    pub message_id: String,
    /// The subshell that the header names; `None` is the main shell.
    pub subshell: Option<String>,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub content: JupyterMessageContent,
    pub metadata: Value,
    /// The header of the message that caused this one; empty if no message did.
    pub parent_header: Vec<u8>,
    /// Routing identities, or the topic on iopub.
    pub identities: Vec<Vec<u8>>,
}

/// Why a message was dropped.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a message without the delimiter <IDS|MSG>")]
    NoDelimiter,
    #[error("a message of {frames} frames after the delimiter, fewer than 5")]
    TooFewFrames { frames: usize },
    #[error("a message whose signature is wrong")]
    BadSignature,
    #[error("a message with a signature that was seen before")]
    Replayed,
    #[error("a message whose {part} is not the JSON it should be: {source}")]
    Json {
        part: &'static str,
        source: serde_json::Error,
    },
    #[error("a message whose header's {field} is missing or not text")]
    Header { field: &'static str },
    #[error("a message dated {date:?}, which is not a date")]
    Date { date: String },
}

/// Turns frames into messages and back for one session of the kernel.
pub struct Codec {
    signer: Signer,
    session: String,
}

impl Codec {
    /// * `session`: the session id of the kernel, the same on all its sockets.
    pub fn new(signer: Signer, session: String) -> Self {
        Self { signer, session }
    }

    /// The frames of a message, signed.
    pub fn encode(&self, message: Outgoing) -> Vec<Vec<u8>> {
        let header = json!({
            "msg_id": uuid::Uuid::new_v4().to_string(),
            "session": self.session,
            "username": "corebook",
            "date": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "msg_type": message.content.message_type(),
            "version": PROTOCOL_VERSION,
        });
        let parent = if message.parent_header.is_empty() {
            b"{}".to_vec()
        } else {
            message.parent_header
        };
        let body = [
            header.to_string().into_bytes(),
            parent,
            message.metadata.to_string().into_bytes(),
            compat::outgoing(&message.content).to_string().into_bytes(),
        ];
        let signature = self.signer.sign(&body);
        let mut frames = message.identities;
        frames.push(DELIMITER.to_vec());
        frames.push(signature.into_bytes());
        frames.extend(body);
        frames
    }

    /// The frames of a client's request, and its id, which replies name as their parent.
    pub fn encode_request(&self, content: JupyterMessageContent) -> (String, Vec<Vec<u8>>) {
        let frames = self.encode(Outgoing {
            content,
            metadata: json!({}),
            parent_header: Vec::new(),
            identities: Vec::new(),
        });
        // After the delimiter and the signature comes the header.
        let header: Value =
            serde_json::from_slice(&frames[2]).expect("encode writes a JSON header");
        (
            header["msg_id"]
                .as_str()
                .expect("encode gives every message an id")
                .to_owned(),
            frames,
        )
    }

    /// The message in `frames`.
    ///
    /// * `seen`: the signatures of earlier messages on this socket.
    pub fn decode(&self, frames: Vec<Vec<u8>>, seen: &mut Seen) -> Result<Incoming, WireError> {
        let delimiter = frames
            .iter()
            .position(|frame| frame == DELIMITER)
            .ok_or(WireError::NoDelimiter)?;
        let mut identities = frames;
        let mut parts = identities.split_off(delimiter);
        parts.remove(0);
        if parts.len() < 5 {
            return Err(WireError::TooFewFrames {
                frames: parts.len(),
            });
        }
        if !self.signer.verify(&parts[0], &parts[1..5]) {
            return Err(WireError::BadSignature);
        }
        if self.signer.is_signing() && !seen.insert(&parts[0]) {
            return Err(WireError::Replayed);
        }
        let json = |part: &'static str, bytes: &[u8]| {
            serde_json::from_slice::<Value>(bytes)
                .map_err(|source| WireError::Json { part, source })
        };
        let header = json("header", &parts[1])?;
        let parent = json("parent header", &parts[2])?;
        let metadata = json("metadata", &parts[3])?;
        let mut content = json("content", &parts[4])?;

        let message_type = text_field(&header, "msg_type")?;
        let message_id = text_field(&header, "msg_id")?;
        check_date(&header)?;
        compat::incoming(&message_type, &mut content);
        let content = JupyterMessageContent::from_type_and_content(&message_type, content)
            .map_err(|source| WireError::Json {
                part: "content",
                source,
            })?;
        let subshell = match &header["subshell_id"] {
            Value::Null => None,
            Value::String(id) => Some(id.clone()),
            // An id that no subshell has: the client did not mean the main shell.
            other => Some(other.to_string()),
        };
        let parent_id = parent["msg_id"].as_str().unwrap_or_default().to_owned();
        let header = parts.swap_remove(1);
        Ok(Incoming {
            origin: Origin {
                identities,
                header,
                message_id,
                subshell,
            },
            parent_id,
            content,
            metadata,
            message_type,
        })
    }
}

/// The newest [`REMEMBERED_SIGNATURES`] signatures.
#[derive(Default)]
pub struct Seen {
    known: HashSet<Vec<u8>>,
    order: VecDeque<Vec<u8>>,
}

impl Seen {
    /// Remembers `signature`. Returns whether it is new.
    fn insert(&mut self, signature: &[u8]) -> bool {
        if !self.known.insert(signature.to_vec()) {
            return false;
        }
        self.order.push_back(signature.to_vec());
        if self.order.len() > REMEMBERED_SIGNATURES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

fn text_field(header: &Value, field: &'static str) -> Result<String, WireError> {
    header[field]
        .as_str()
        .map(str::to_owned)
        .ok_or(WireError::Header { field })
}

/// Clients before protocol 5.1 send no date. A date that is sent must be valid.
fn check_date(header: &Value) -> Result<(), WireError> {
    match &header["date"] {
        Value::Null => Ok(()),
        Value::String(date) if is_date(date) => Ok(()),
        other => Err(WireError::Date {
            date: other
                .as_str()
                .map_or_else(|| other.to_string(), str::to_owned),
        }),
    }
}

/// Whether `text` is ISO 8601, with a time zone or, as Python's `datetime.isoformat` writes local times, without.
fn is_date(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
        || chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
        || chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").is_ok()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
