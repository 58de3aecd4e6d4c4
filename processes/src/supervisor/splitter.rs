//! Splits the worker's stdout into plain text, events of the runtime and lines of evcxr's protocol.
//!
//! Does no I/O: takes bytes and returns pieces, in order. Text is returned at once. Only bytes that may be the
//! beginning of something else wait for the rest.

use corebook::__private::event::{self, Decoded, Event};
use corebook_build::evcxr;

const PANICKED: &[u8] = evcxr::PANICKED.as_bytes();
const FAILED: &[u8] = evcxr::FAILED.as_bytes();
const ASKS_INPUT: &[u8] = evcxr::ASKS_INPUT.as_bytes();
const BEGIN_CONTENT: &[u8] = evcxr::BEGIN_CONTENT.as_bytes();
const END_CONTENT: &[u8] = evcxr::END_CONTENT.as_bytes();
/// Every line of the protocol begins with this.
const PREFIX: &[u8] = evcxr::MARKER.as_bytes();

/// One piece of the worker's stdout.
#[derive(Debug, PartialEq)]
pub enum Piece {
    Text(Vec<u8>),
    Event(Box<Event>),
    Content { mime: String, text: String },
    Protocol(Protocol),
}

/// A line that evcxr has to see.
#[derive(Debug, PartialEq)]
pub enum Protocol {
    Panicked,
    Failed,
    /// Passed on unchanged.
    Other(Vec<u8>),
}

/// Splits a stream of bytes.
pub struct Splitter {
    nonce: String,
    /// The frame of an event begins with this.
    opening: Vec<u8>,
    /// The last frame of a cell. Nothing of the cell follows it, not even the rest of a block.
    cell_ended: Vec<u8>,
    waiting: Vec<u8>,
}

/// What the bytes after a possible beginning of something are.
enum Parsed {
    /// A piece, or `None` if bytes are dropped, and the number of bytes.
    Piece(Option<Piece>, usize),
    /// The rest has not arrived.
    Incomplete,
    /// Plain text.
    Text,
}

impl Splitter {
    /// * `nonce`: the nonce of the session, with which the frames of events begin.
    pub fn new(nonce: &str) -> Self {
        Self {
            nonce: nonce.to_owned(),
            opening: [&[event::MARK], nonce.as_bytes()].concat(),
            cell_ended: event::encode(&Event::CellEnded, nonce),
            waiting: Vec::new(),
        }
    }

    /// The pieces that `bytes` completes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.waiting.extend_from_slice(bytes);
        self.cut(false)
    }

    /// The bytes that still wait, as text, because nothing more will arrive. An unfinished event is dropped.
    pub fn flush(&mut self) -> Vec<Piece> {
        self.cut(true)
    }

    fn cut(&mut self, is_final: bool) -> Vec<Piece> {
        let bytes = std::mem::take(&mut self.waiting);
        let mut pieces = Vec::new();
        let mut text_start = 0;
        let mut at = 0;
        let mut rest = bytes.len();
        while at < bytes.len() {
            // Only these two bytes can begin something that is not text.
            let Some(next) = bytes[at..]
                .iter()
                .position(|&byte| byte == event::MARK || byte == PREFIX[0])
            else {
                break;
            };
            at += next;
            match self.find(&bytes[at..]) {
                Parsed::Piece(piece, len) => {
                    push_text(&mut pieces, &bytes[text_start..at]);
                    pieces.extend(piece);
                    at += len;
                    text_start = at;
                }
                Parsed::Incomplete if !is_final => {
                    rest = at;
                    break;
                }
                Parsed::Incomplete if bytes[at..].starts_with(&self.opening) => {
                    push_text(&mut pieces, &bytes[text_start..at]);
                    return pieces;
                }
                Parsed::Incomplete | Parsed::Text => at += 1,
            }
        }
        push_text(&mut pieces, &bytes[text_start..rest.max(text_start)]);
        self.waiting = bytes[rest..].to_vec();
        pieces
    }

    fn find(&self, bytes: &[u8]) -> Parsed {
        if bytes[0] == event::MARK {
            return match event::decode(bytes, &self.nonce) {
                Decoded::Event { event, frame_len } => {
                    Parsed::Piece(Some(Piece::Event(event)), frame_len)
                }
                // A process that shares the worker's stdout has died while it wrote an event.
                Decoded::Incomplete if position(bytes, &self.cell_ended).is_some() => Parsed::Text,
                Decoded::Incomplete => Parsed::Incomplete,
                Decoded::NotAFrame => Parsed::Text,
            };
        }
        let known = PREFIX.len().min(bytes.len());
        if bytes[..known] != PREFIX[..known] {
            return Parsed::Text;
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let line = &bytes[..end.unwrap_or(bytes.len())];
        // An event before the end of the line: code has printed the beginning of such a line.
        if position(line, &self.opening).is_some() {
            return Parsed::Text;
        }
        let Some(line_len) = end else {
            return if may_become_protocol(line) {
                Parsed::Incomplete
            } else {
                Parsed::Text
            };
        };
        let protocol = |protocol| Parsed::Piece(Some(Piece::Protocol(protocol)), line_len + 1);
        if line == PANICKED {
            protocol(Protocol::Panicked)
        } else if line == FAILED {
            protocol(Protocol::Failed)
        } else if line.starts_with(ASKS_INPUT) {
            protocol(Protocol::Other(line.to_vec()))
        } else if let Some(mime) = line.strip_prefix(BEGIN_CONTENT) {
            let cell = position(bytes, &self.cell_ended).map_or(bytes, |end| &bytes[..end]);
            match content(mime, cell, line_len + 1) {
                Parsed::Incomplete if cell.len() < bytes.len() => Parsed::Text,
                found => found,
            }
        } else {
            Parsed::Text
        }
    }
}

/// Whether an unfinished line can become a line of the protocol.
fn may_become_protocol(line: &[u8]) -> bool {
    [PANICKED, FAILED, ASKS_INPUT, BEGIN_CONTENT]
        .iter()
        .any(|keyword| {
            let known = keyword.len().min(line.len());
            line[..known] == keyword[..known]
        })
}

/// A content block whose body begins at `body_start`.
fn content(mime: &[u8], bytes: &[u8], body_start: usize) -> Parsed {
    let mut line_start = body_start;
    loop {
        let line_rest = &bytes[line_start..];
        let Some(line_len) = line_rest.iter().position(|&byte| byte == b'\n') else {
            return Parsed::Incomplete;
        };
        // If the body ends without a line break, the end marker follows directly.
        if let Some(last) = line_rest[..line_len].strip_suffix(END_CONTENT) {
            let body = [&bytes[body_start..line_start], last].concat();
            let text = String::from_utf8_lossy(&body);
            let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            let mime = String::from_utf8_lossy(mime).trim().to_owned();
            return Parsed::Piece(
                Some(Piece::Content { mime, text }),
                line_start + line_len + 1,
            );
        }
        line_start += line_len + 1;
    }
}

/// Where `part` begins in `bytes`. Looks for its first byte, which is rare.
fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(next) = bytes[from..].iter().position(|&byte| byte == part[0]) {
        from += next;
        if bytes[from..].starts_with(part) {
            return Some(from);
        }
        from += 1;
    }
    None
}

fn push_text(pieces: &mut Vec<Piece>, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.extend_from_slice(text),
        _ => pieces.push(Piece::Text(text.to_vec())),
    }
}

#[cfg(test)]
mod tests;
