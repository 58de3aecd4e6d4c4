//! Messages from the runtime to the kernel, in the worker's stdout.
//!
//! Events travel in the same pipe as the text a cell prints, so they keep the order in which the cell did
//! things. Each is framed by [`MARK`] and a nonce, the session's word, which only the kernel and its worker know,
//! so no text that a program prints is taken for an event. Outside a notebook [`send`] prints the plain-text form
//! instead.
//!
//! This module never reads: the supervisor cuts frames out of the byte stream with [`decode`].

use std::io::Write;
use std::sync::OnceLock;

use nanoserde::{DeBin, SerBin};

/// The environment variable that holds the session's word. The kernel sets it for the worker.
pub const SESSION_WORD_VARIABLE: &str = "COREBOOK_SESSION_WORD";

/// The length of the session's word, in bytes.
pub const SESSION_WORD_LEN: usize = 16;

/// The byte that opens a frame: ASCII "record separator".
pub const MARK: u8 = 0x1e;

/// The last byte of every frame: without it, a frame could end where the next one opens.
const END_MARK: u8 = 0x1f;

/// One thing a cell did that is more than plain text on stdout.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum Event {
    /// The code of a cell has returned. Sent by the worker, never by the code itself.
    CellEnded,
    /// Text for stderr, sent through stdout so that both streams keep their order.
    Stderr {
        /// The text, with its line breaks.
        text: String,
    },
    /// The value of the cell's last expression.
    Result {
        /// The value in several media types; the front end takes the richest that it knows.
        data: Vec<MimeData>,
    },
    /// Output shown where it happens; with an `id` it can be updated later.
    Display {
        /// Names the display for [`Event::UpdateDisplay`].
        id: String,
        /// The content in several media types.
        data: Vec<MimeData>,
    },
    /// New content for the display with this id, wherever it is.
    UpdateDisplay {
        /// The display to change.
        id: String,
        /// The new content in several media types.
        data: Vec<MimeData>,
    },
    /// Remove the cell's output.
    ClearOutput {
        /// Whether to remove it only when the next output comes.
        wait: bool,
    },
    /// A thread panicked. Whether the cell failed by it is known only at the cell's end.
    Panic(PanicReport),
    /// The cell stopped because an interrupt was requested.
    Interrupted {
        /// What was stopped, for example `pool.map after 40 of 1000 items`.
        what: String,
    },
    /// How far a progress bar is.
    Progress(ProgressReport),
    /// The pools that exist. Sent at the end of every cell.
    Pools {
        /// In the order in which they were first opened.
        pools: Vec<PoolReport>,
    },
    /// A finished `%timeit`. With neither `show` nor `plot` (`-q`) nothing is shown.
    Timing {
        /// The printed line.
        line: String,
        /// The result object as JSON.
        json: String,
        /// Whether the line is shown.
        show: bool,
        /// Whether the object is shown in place of the line (`-o`).
        plot: bool,
    },
    /// A finished `%compare`.
    Comparison {
        /// The printed lines.
        text: String,
        /// All sides as JSON.
        json: String,
    },
}

/// Content of one media type. Text types hold UTF-8, images raw bytes.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub struct MimeData {
    /// The media type, for example `text/html`.
    pub mime: String,
    /// The content's bytes.
    pub content: Vec<u8>,
}

/// Where and why a thread panicked.
#[derive(Debug, Clone, PartialEq, Default, SerBin, DeBin)]
pub struct PanicReport {
    /// The panic's message; of a payload that is not text, a phrase that says so.
    pub message: String,
    /// Source file as the compiler knows it; empty when there is no location.
    pub file: String,
    /// The line, from 1; 0 when there is no location.
    pub line: u32,
    /// The column, from 1; 0 when there is no location.
    pub column: u32,
    /// The name of the thread that panicked, or `unnamed`.
    pub thread: String,
    /// Whether the panicking thread is the one that runs cells.
    pub on_main_thread: bool,
    /// Captured only when `RUST_BACKTRACE` asks for it, else empty.
    pub backtrace: String,
}

/// State of one progress bar.
#[derive(Debug, Clone, PartialEq, Default, SerBin, DeBin)]
pub struct ProgressReport {
    /// Distinguishes bars of one worker process.
    pub id: u64,
    /// The text before the bar; may be empty.
    pub label: String,
    /// Finished items.
    pub done: u64,
    /// 0 when the number of items is not known.
    pub total: u64,
    /// Time since the bar appeared, in nanoseconds.
    pub elapsed_ns: u64,
    /// Whether this is the bar's last state.
    pub ended: bool,
}

/// What `%pool status` shows of one pool.
#[derive(Debug, Clone, PartialEq, Default, SerBin, DeBin)]
pub struct PoolReport {
    /// The name of the variable that `%pool` bound, or `pool` and a number.
    pub name: String,
    /// 0 when the pool is closed.
    pub workers: u64,
    /// Items of all finished maps.
    pub items_mapped: u64,
    /// Time that the workers spent on items, added over the workers, in nanoseconds.
    pub busy_ns: u64,
    /// Share of the workers' time spent on items in the last map, from 0 to 1; negative before any.
    pub last_utilisation: f64,
}

impl MimeData {
    /// Text of a media type.
    pub fn text(mime: &str, text: impl Into<String>) -> Self {
        Self {
            mime: mime.to_owned(),
            content: text.into().into_bytes(),
        }
    }
}

/// Whether a kernel is listening, that is, whether this process runs the cells of a notebook.
pub fn in_notebook() -> bool {
    session_word().is_some()
}

/// Sends an event to the kernel or, outside a notebook, prints what a terminal can show of it.
///
/// The event keeps its place between what the cell printed before and what it prints after.
pub fn send(event: &Event) {
    match session_word() {
        Some(word) => {
            let frame = encode(event, word);
            let mut stdout = std::io::stdout().lock();
            // A closed pipe means the kernel is gone, and this process ends with it.
            let _ = stdout.write_all(&frame).and_then(|()| stdout.flush());
        }
        None => print_plain(event),
    }
}

/// The bytes of one frame: mark, word, length of the body as 8 hexadecimal digits, body, the word again, and the
/// end mark.
///
/// The word after the body distinguishes a whole frame from a torn one, into which another process has printed.
pub fn encode(event: &Event, word: &str) -> Vec<u8> {
    let body = event.serialize_bin();
    let mut frame = Vec::with_capacity(1 + word.len() + 8 + body.len() + word.len() + 1);
    frame.push(MARK);
    frame.extend_from_slice(word.as_bytes());
    frame.extend_from_slice(format!("{:08x}", body.len()).as_bytes());
    frame.extend_from_slice(&body);
    frame.extend_from_slice(word.as_bytes());
    frame.push(END_MARK);
    frame
}

/// What stands at the beginning of `bytes`.
pub fn decode(bytes: &[u8], word: &str) -> Decoded {
    let head_len = 1 + SESSION_WORD_LEN + 8;
    let opens = |prefix: &[u8]| {
        let known = prefix.len().min(bytes.len());
        bytes[..known] == prefix[..known]
    };
    let mut opening = vec![MARK];
    opening.extend_from_slice(word.as_bytes());
    if !opens(&opening) {
        return Decoded::NotAFrame;
    }
    if bytes.len() < head_len {
        return Decoded::Incomplete;
    }
    let Some(body_len) = std::str::from_utf8(&bytes[opening.len()..head_len])
        .ok()
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
    else {
        return Decoded::NotAFrame;
    };
    let frame_len = head_len + body_len + word.len() + 1;
    let Some(body) = bytes.get(head_len..frame_len) else {
        return Decoded::Incomplete;
    };
    // Before anything is read from the body: nanoserde believes any length that it finds there.
    let body = body
        .strip_suffix(&[END_MARK])
        .and_then(|body| body.strip_suffix(word.as_bytes()));
    let Some(body) = body else {
        return Decoded::NotAFrame;
    };
    // A torn frame may end, by its length, where the next one does.
    if (0..body.len()).any(|at| body[at] == MARK && body[at..].starts_with(&opening)) {
        return Decoded::NotAFrame;
    }
    match Event::deserialize_bin(body) {
        Ok(event) => Decoded::Event {
            event: Box::new(event),
            frame_len,
        },
        Err(_) => Decoded::NotAFrame,
    }
}

/// The outcome of [`decode`].
#[derive(Debug, PartialEq)]
pub enum Decoded {
    /// A whole frame.
    Event {
        /// What was sent.
        event: Box<Event>,
        /// How many bytes the frame has.
        frame_len: usize,
    },
    /// The beginning of a frame whose rest has not arrived.
    Incomplete,
    /// Something a program printed.
    NotAFrame,
}

fn session_word() -> Option<&'static str> {
    static WORD: OnceLock<Option<String>> = OnceLock::new();
    WORD.get_or_init(|| {
        std::env::var(SESSION_WORD_VARIABLE)
            .ok()
            .filter(|word| word.len() == SESSION_WORD_LEN)
    })
    .as_deref()
}

fn print_plain(event: &Event) {
    match event {
        Event::Stderr { text } => eprint!("{text}"),
        Event::Result { data }
        | Event::Display { data, .. }
        | Event::UpdateDisplay { data, .. } => {
            if let Some(text) = data.iter().find(|data| data.mime == "text/plain") {
                println!("{}", String::from_utf8_lossy(&text.content));
            }
        }
        Event::Timing {
            line, show, plot, ..
        } => {
            if *show || *plot {
                println!("{line}");
            }
        }
        Event::Comparison { text, .. } => println!("{text}"),
        Event::Panic(report) => eprintln!("{}", report.message),
        Event::Interrupted { what } => eprintln!("interrupted: {what}"),
        Event::CellEnded | Event::Progress(_) | Event::ClearOutput { .. } | Event::Pools { .. } => {
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = "0123456789abcdef";

    #[test]
    fn a_frame_comes_back_as_it_was_sent() {
        let event = Event::Display {
            id: "a".into(),
            data: vec![MimeData::text("text/html", "<b>")],
        };
        let mut bytes = encode(&event, WORD);
        let frame_len = bytes.len();
        bytes.extend_from_slice(b"after");
        assert_eq!(
            decode(&bytes, WORD),
            Decoded::Event {
                event: Box::new(event),
                frame_len
            }
        );
    }

    #[test]
    fn every_cut_frame_is_incomplete() {
        let bytes = encode(&Event::Stderr { text: "x\n".into() }, WORD);
        for cut in 1..bytes.len() {
            assert_eq!(
                decode(&bytes[..cut], WORD),
                Decoded::Incomplete,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_frame_that_another_process_printed_into_is_not_a_frame() {
        let event = Event::Display {
            id: "a".into(),
            data: vec![MimeData::text("text/html", "<b>")],
        };
        let whole = encode(&event, WORD);
        let head_len = 1 + SESSION_WORD_LEN + 8;
        for cut in head_len..whole.len() {
            let torn = [&whole[..cut], b"oh", &whole[cut..]].concat();
            assert_eq!(decode(&torn, WORD), Decoded::NotAFrame, "torn at {cut}");
        }
    }

    #[test]
    fn a_torn_frame_that_ends_within_the_next_one_is_not_a_frame() {
        let next = encode(&Event::CellEnded, WORD);
        // A body that nanoserde would ask for more memory than there is.
        let torn = [0xff; 16];
        for end in 1..=next.len() {
            let tail_len = SESSION_WORD_LEN + 1;
            let Some(body_len) = (torn.len() + end).checked_sub(tail_len) else {
                continue;
            };
            let head = format!("{WORD}{body_len:08x}");
            let both = [&[MARK], head.as_bytes(), &torn, &next].concat();
            assert_eq!(decode(&both, WORD), Decoded::NotAFrame, "ends at {end}");
        }
    }

    #[test]
    fn content_may_end_with_a_mark() {
        for mark in [MARK, END_MARK] {
            let event = Event::Display {
                id: String::new(),
                data: vec![MimeData {
                    mime: "image/png".to_owned(),
                    content: vec![1, mark],
                }],
            };
            let frame = encode(&event, WORD);
            let Decoded::Event {
                event: found,
                frame_len,
            } = decode(&frame, WORD)
            else {
                panic!("a frame that ends with {mark} is one");
            };
            assert_eq!((*found, frame_len), (event, frame.len()));
        }
    }

    #[test]
    fn printed_text_is_not_a_frame() {
        assert_eq!(decode(b"\x1eanything", WORD), Decoded::NotAFrame);
        assert_eq!(decode(b"plain", WORD), Decoded::NotAFrame);
        let bad_length = [&[MARK], WORD.as_bytes(), b"zzzzzzzz"].concat();
        assert_eq!(decode(&bad_length, WORD), Decoded::NotAFrame);
    }
}
