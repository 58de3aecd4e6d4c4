//! The worker's stdout, cut into plain text, events of the runtime and lines of evcxr's protocol.
//!
//! Pure: bytes in, pieces out, in order. Text is passed on at once; only what may be the beginning of
//! something else waits for its rest.

use corebook::__private::event::{self, Decoded, Event};
use corebook_build::evcxr;

const PANICKED: &[u8] = evcxr::PANICKED.as_bytes();
const FAILED: &[u8] = evcxr::FAILED.as_bytes();
const CHANGED_TYPE: &[u8] = evcxr::CHANGED_TYPE.as_bytes();
const ASKS_INPUT: &[u8] = evcxr::ASKS_INPUT.as_bytes();
const BEGIN_CONTENT: &[u8] = evcxr::BEGIN_CONTENT.as_bytes();
const END_CONTENT: &[u8] = evcxr::END_CONTENT.as_bytes();
/// What every protocol line begins with.
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
    /// Passed on as it is.
    Other(Vec<u8>),
}

/// Cuts a stream of bytes.
pub struct Splitter {
    word: String,
    /// How the frame of an event begins.
    opening: Vec<u8>,
    /// The frame behind which nothing of the cell comes, not even the rest of a block.
    cell_ended: Vec<u8>,
    waiting: Vec<u8>,
}

enum Found {
    /// A piece, or none where bytes are dropped, and the number of bytes it took.
    Whole(Option<Piece>, usize),
    /// Its rest has not arrived.
    Incomplete,
    /// Plain text after all.
    Nothing,
}

impl Splitter {
    /// * `word`: the session's word, which opens the frames of events.
    pub fn new(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            opening: [&[event::MARK], word.as_bytes()].concat(),
            cell_ended: event::encode(&Event::CellEnded, word),
            waiting: Vec::new(),
        }
    }

    /// The pieces that `bytes` completes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.waiting.extend_from_slice(bytes);
        self.cut(false)
    }

    /// What still waits, as it is, because nothing more will come of it; without an event that was torn off.
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
            // Only these two bytes can open something that is not text.
            let Some(next) = bytes[at..]
                .iter()
                .position(|&byte| byte == event::MARK || byte == PREFIX[0])
            else {
                break;
            };
            at += next;
            match self.find(&bytes[at..]) {
                Found::Whole(piece, len) => {
                    push_text(&mut pieces, &bytes[text_start..at]);
                    pieces.extend(piece);
                    at += len;
                    text_start = at;
                }
                Found::Incomplete if !is_final => {
                    rest = at;
                    break;
                }
                Found::Incomplete if bytes[at..].starts_with(&self.opening) => {
                    push_text(&mut pieces, &bytes[text_start..at]);
                    return pieces;
                }
                Found::Incomplete | Found::Nothing => at += 1,
            }
        }
        push_text(&mut pieces, &bytes[text_start..rest.max(text_start)]);
        self.waiting = bytes[rest..].to_vec();
        pieces
    }

    fn find(&self, bytes: &[u8]) -> Found {
        if bytes[0] == event::MARK {
            return match event::decode(bytes, &self.word) {
                Decoded::Event { event, frame_len } => {
                    Found::Whole(Some(Piece::Event(event)), frame_len)
                }
                // A process that shares the worker's stdout died while it wrote.
                Decoded::Incomplete if position(bytes, &self.cell_ended).is_some() => {
                    Found::Nothing
                }
                Decoded::Incomplete => Found::Incomplete,
                Decoded::NotAFrame => Found::Nothing,
            };
        }
        let known = PREFIX.len().min(bytes.len());
        if bytes[..known] != PREFIX[..known] {
            return Found::Nothing;
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let line = &bytes[..end.unwrap_or(bytes.len())];
        // An event before the line's end: code has printed the beginning of such a line.
        if position(line, &self.opening).is_some() {
            return Found::Nothing;
        }
        let Some(line_len) = end else {
            return if may_become_protocol(line) {
                Found::Incomplete
            } else {
                Found::Nothing
            };
        };
        let protocol = |protocol| Found::Whole(Some(Piece::Protocol(protocol)), line_len + 1);
        if line == PANICKED {
            protocol(Protocol::Panicked)
        } else if line == FAILED {
            protocol(Protocol::Failed)
        } else if line.starts_with(CHANGED_TYPE) || line.starts_with(ASKS_INPUT) {
            protocol(Protocol::Other(line.to_vec()))
        } else if let Some(mime) = line.strip_prefix(BEGIN_CONTENT) {
            let cell = position(bytes, &self.cell_ended).map_or(bytes, |end| &bytes[..end]);
            match content(mime, cell, line_len + 1) {
                Found::Incomplete if cell.len() < bytes.len() => Found::Nothing,
                found => found,
            }
        } else {
            Found::Nothing
        }
    }
}

/// Whether an unfinished line can still turn out to be one of the protocol's.
fn may_become_protocol(line: &[u8]) -> bool {
    [PANICKED, FAILED, CHANGED_TYPE, ASKS_INPUT, BEGIN_CONTENT]
        .iter()
        .any(|keyword| {
            let known = keyword.len().min(line.len());
            line[..known] == keyword[..known]
        })
}

/// A content block whose body begins at `body_start`.
fn content(mime: &[u8], bytes: &[u8], body_start: usize) -> Found {
    let mut line_start = body_start;
    loop {
        let line_rest = &bytes[line_start..];
        let Some(line_len) = line_rest.iter().position(|&byte| byte == b'\n') else {
            return Found::Incomplete;
        };
        // A body without a line break at its end has the end marker glued to it.
        if let Some(last) = line_rest[..line_len].strip_suffix(END_CONTENT) {
            let body = [&bytes[body_start..line_start], last].concat();
            let text = String::from_utf8_lossy(&body);
            let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            let mime = String::from_utf8_lossy(mime).trim().to_owned();
            return Found::Whole(
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
mod tests {
    use super::*;

    const WORD: &str = "0123456789abcdef";

    fn text(text: &str) -> Piece {
        Piece::Text(text.as_bytes().to_vec())
    }

    fn split(input: &[u8]) -> Vec<Piece> {
        let mut splitter = Splitter::new(WORD);
        let mut pieces = splitter.push(input);
        pieces.extend(splitter.flush());
        pieces
    }

    #[test]
    fn text_passes_through_at_once_even_without_a_line_break() {
        assert_eq!(Splitter::new(WORD).push(b"50%\r"), [text("50%\r")]);
    }

    #[test]
    fn a_marker_glued_to_a_partial_line_is_found() {
        let pieces = split(b"half a lineEVCXR_PANIC_NOTIFICATION\n");
        assert_eq!(
            pieces,
            [text("half a line"), Piece::Protocol(Protocol::Panicked)]
        );
    }

    #[test]
    fn events_keep_their_place_between_text() {
        let event = Event::Stderr {
            text: "oh\n".into(),
        };
        let input = [b"a".to_vec(), event::encode(&event, WORD), b"b".to_vec()].concat();
        assert_eq!(
            split(&input),
            [text("a"), Piece::Event(Box::new(event)), text("b")]
        );
    }

    #[test]
    fn any_number_of_content_blocks_come_in_place() {
        let input = b"1\nEVCXR_BEGIN_CONTENT text/html\n<b>\nx</b>\nEVCXR_END_CONTENT\n2\n\
            EVCXR_BEGIN_CONTENT image/png\nQUJDEVCXR_END_CONTENT\n";
        let block = |mime: &str, text: &str| Piece::Content {
            mime: mime.into(),
            text: text.into(),
        };
        let expected = [
            text("1\n"),
            block("text/html", "<b>\nx</b>"),
            text("2\n"),
            block("image/png", "QUJD"),
        ];
        assert_eq!(split(input), expected);
    }

    #[test]
    fn text_that_looks_like_the_protocol_is_text() {
        for input in [
            "EVCXR_WHATEVER\n",
            "EVCXR",
            "\x1e",
            "\x1eabc",
            "E",
            "EVCXR_BEGIN_CONTENT",
        ] {
            assert_eq!(split(input.as_bytes()), [text(input)], "{input:?}");
        }
    }

    #[test]
    fn an_event_that_was_torn_off_by_death_shows_nothing_and_swallows_nothing() {
        let event = Event::Stderr {
            text: "oh\n".into(),
        };
        let frame = event::encode(&event, WORD);
        for cut in 1 + WORD.len()..frame.len() {
            let mut splitter = Splitter::new(WORD);
            let torn = [b"before", &frame[..cut]].concat();
            assert_eq!(splitter.push(&torn), [text("before")], "cut at {cut}");
            assert_eq!(splitter.flush(), []);
            assert_eq!(splitter.push(b"after"), [text("after")]);
        }
    }

    #[test]
    fn nothing_waits_beyond_the_end_of_its_cell() {
        let ended = || Piece::Event(Box::new(Event::CellEnded));
        for begun in [
            "EVCXR_BEGIN_CONTENT text/html\n<b>\n",
            "EVCXR_BEGIN_CONTENT text/html",
            "EVCXR_VARIABLE_CHANGED_TYPE:x",
            "EVCXR_INPUT_REQUEST",
            "EVCXR_PANIC",
            &format!("\x1e{WORD}00001000torn"),
        ] {
            let frame = event::encode(&Event::CellEnded, WORD);
            let input = [begun.as_bytes(), &frame].concat();
            assert_eq!(
                Splitter::new(WORD).push(&input),
                [text(begun), ended()],
                "{begun:?}"
            );
            // What comes in the next cell can't complete it either.
            let input = [&input, &b"\nEVCXR_END_CONTENT\n"[..]].concat();
            let rest = text("\nEVCXR_END_CONTENT\n");
            assert_eq!(split(&input), [text(begun), ended(), rest], "{begun:?}");
        }
    }

    #[test]
    fn cutting_the_stream_anywhere_changes_nothing() {
        let event = Event::Stderr {
            text: "oh\n".into(),
        };
        let input = [
            b"one EVCXR_ two\nEVCXR_VARIABLE_CHANGED_TYPE:x\n".to_vec(),
            event::encode(&event, WORD),
            b"EVCXR_BEGIN_CONTENT text/plain\nhello\nEVCXR_END_CONTENT\nthreeEVCXR_ERROR_OCCURRED\n".to_vec(),
        ]
        .concat();
        let whole = split(&input);
        assert!(whole.len() == 6, "{whole:?}");
        for cut in 0..=input.len() {
            let mut splitter = Splitter::new(WORD);
            let mut pieces = splitter.push(&input[..cut]);
            for piece in splitter
                .push(&input[cut..])
                .into_iter()
                .chain(splitter.flush())
            {
                match piece {
                    Piece::Text(bytes) => push_text(&mut pieces, &bytes),
                    other => pieces.push(other),
                }
            }
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }
}
