//! Messages from the runtime to the kernel, sent through the worker's stdout.
//!
//! Events travel in the same pipe as the text that a cell prints, so the order of both is kept. Each event is framed
//! by [`MARK`] and a nonce that only the kernel and its worker know, so text that a program prints is never taken
//! for an event. Outside a notebook [`send`] prints the plain form of an event instead.
//!
//! This module never reads from a pipe: the supervisor cuts frames out of the byte stream with [`decode`].

use std::io::Write;
use std::sync::OnceLock;

use nanoserde::{DeBin, SerBin};

/// The environment variable that holds the nonce of the session. The kernel sets it for the worker.
pub const NONCE_VARIABLE: &str = "COREBOOK_NONCE";

/// The length of the nonce, in bytes.
pub const NONCE_LEN: usize = 16;

/// The first byte of every frame: ASCII "record separator".
pub const MARK: u8 = 0x1e;

/// The last byte of every frame. Without it, a frame could end where the next one begins.
const END_MARK: u8 = 0x1f;

/// Something that a cell did besides printing plain text to stdout.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum Event {
    /// The code of a cell has returned. Sent by the worker, never by the code itself.
    CellEnded,
    /// The variables of the notebook at the end of a cell.
    Variables {
        /// The number by which the kernel knows the cell.
        run: u64,
        /// The names of all variables that exist.
        kept: Vec<String>,
        /// Those that the cell has defined.
        new: Vec<String>,
        /// Those that the cell could not use, because they have another type than it expects. If there are any, no
        /// code of the cell has run.
        changed: Vec<String>,
        /// The library of the cell if it defines statics, else empty.
        library: String,
    },
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
    /// Output shown where it happens. Its `id` allows later updates.
    Display {
        /// Identifies the display for [`Event::UpdateDisplay`].
        id: String,
        /// The content in several media types.
        data: Vec<MimeData>,
    },
    /// New content for an earlier display, possibly of another cell.
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
    /// A thread panicked. Whether this ended the cell is known only at the end of the cell.
    Panic(PanicReport),
    /// The cell stopped because an interrupt was requested.
    Interrupted {
        /// What was stopped, for example `pool.map after 40 of 1000 items`.
        what: String,
    },
    /// The state of a progress bar.
    Progress(ProgressReport),
    /// The pools that exist. Sent at the end of every cell.
    Pools {
        /// In the order in which they were first opened.
        pools: Vec<PoolReport>,
    },
    /// A finished `%timeit`. It is not shown if both `show` and `plot` are false (`-q`).
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
    /// The panic's message, or a phrase if the payload is not text.
    pub message: String,
    /// The source file as the compiler names it; empty when the location is unknown.
    pub file: String,
    /// The line, from 1; 0 when the location is unknown.
    pub line: u32,
    /// The column, from 1; 0 when the location is unknown.
    pub column: u32,
    /// The name of the thread that panicked, or `unnamed`.
    pub thread: String,
    /// Whether the panicking thread is the one that runs cells.
    pub on_main_thread: bool,
    /// The frames of the user's code if `RUST_BACKTRACE` asks for them, else empty.
    pub backtrace: String,
}

/// The state of one progress bar.
#[derive(Debug, Clone, PartialEq, Default, SerBin, DeBin)]
pub struct ProgressReport {
    /// Distinguishes bars of one worker process.
    pub id: u64,
    /// The text before the bar; may be empty.
    pub label: String,
    /// Finished items.
    pub done: u64,
    /// All items; 0 when their number is unknown.
    pub total: u64,
    /// Time since the bar appeared, in nanoseconds.
    pub elapsed_ns: u64,
    /// Whether this is the bar's last state.
    pub ended: bool,
}

/// What `%pool status` shows of one pool.
#[derive(Debug, Clone, PartialEq, Default, SerBin, DeBin)]
pub struct PoolReport {
    /// The name of the variable that `%pool` bound, or `pool` followed by a number.
    pub name: String,
    /// The number of workers; 0 when the pool is closed.
    pub workers: u64,
    /// Items of all finished maps.
    pub items_mapped: u64,
    /// Time that the workers spent on items, summed over all workers, in nanoseconds.
    pub busy_ns: u64,
    /// The share of the workers' time that the last map spent on items, from 0 to 1; negative before the first map.
    pub last_utilisation: f64,
}

impl MimeData {
    /// Content of a text type.
    ///
    /// * `mime`: the media type, for example `text/html`.
    pub fn text(mime: &str, text: impl Into<String>) -> Self {
        Self {
            mime: mime.to_owned(),
            content: text.into().into_bytes(),
        }
    }
}

/// Returns whether a kernel is listening: whether this process runs the cells of a notebook.
pub fn in_notebook() -> bool {
    session_nonce().is_some()
}

/// Sends an event to the kernel. Outside a notebook, prints its plain form.
///
/// The event keeps its place in the cell's output.
pub fn send(event: &Event) {
    match session_nonce() {
        Some(nonce) => {
            let frame = encode(event, nonce);
            let mut stdout = std::io::stdout().lock();
            // A closed pipe means the kernel is gone, and this process ends with it.
            let _ = stdout.write_all(&frame).and_then(|()| stdout.flush());
        }
        None => print_plain(event),
    }
}

/// Encodes an event as one frame: mark, nonce, length of the body as 8 hexadecimal digits, body, nonce, end mark.
///
/// The second nonce distinguishes a whole frame from one into which another process has printed.
pub fn encode(event: &Event, nonce: &str) -> Vec<u8> {
    let body = event.serialize_bin();
    let mut frame = Vec::with_capacity(1 + nonce.len() + 8 + body.len() + nonce.len() + 1);
    frame.push(MARK);
    frame.extend_from_slice(nonce.as_bytes());
    frame.extend_from_slice(format!("{:08x}", body.len()).as_bytes());
    frame.extend_from_slice(&body);
    frame.extend_from_slice(nonce.as_bytes());
    frame.push(END_MARK);
    frame
}

/// Decodes what `bytes` begin with.
pub fn decode(bytes: &[u8], nonce: &str) -> Decoded {
    let head_len = 1 + NONCE_LEN + 8;
    let opens = |prefix: &[u8]| {
        let known = prefix.len().min(bytes.len());
        bytes[..known] == prefix[..known]
    };
    let mut opening = vec![MARK];
    opening.extend_from_slice(nonce.as_bytes());
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
    let frame_len = head_len + body_len + nonce.len() + 1;
    let Some(body) = bytes.get(head_len..frame_len) else {
        return Decoded::Incomplete;
    };
    // Checked before the body is read: nanoserde trusts any length that it finds there.
    let body = body
        .strip_suffix(&[END_MARK])
        .and_then(|body| body.strip_suffix(nonce.as_bytes()));
    let Some(body) = body else {
        return Decoded::NotAFrame;
    };
    // By its length, a damaged frame may end where the next one does.
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
        /// The length of the frame, in bytes.
        frame_len: usize,
    },
    /// The beginning of a frame; the rest has not arrived yet.
    Incomplete,
    /// Text that a program printed.
    NotAFrame,
}

fn session_nonce() -> Option<&'static str> {
    static NONCE: OnceLock<Option<String>> = OnceLock::new();
    NONCE
        .get_or_init(|| {
            std::env::var(NONCE_VARIABLE)
                .ok()
                .filter(|nonce| nonce.len() == NONCE_LEN)
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
        Event::CellEnded
        | Event::Variables { .. }
        | Event::Progress(_)
        | Event::ClearOutput { .. }
        | Event::Pools { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "0123456789abcdef";

    #[test]
    fn a_frame_comes_back_as_it_was_sent() {
        let event = Event::Display {
            id: "a".into(),
            data: vec![MimeData::text("text/html", "<b>")],
        };
        let mut bytes = encode(&event, NONCE);
        let frame_len = bytes.len();
        bytes.extend_from_slice(b"after");
        assert_eq!(
            decode(&bytes, NONCE),
            Decoded::Event {
                event: Box::new(event),
                frame_len
            }
        );
    }

    #[test]
    fn every_cut_frame_is_incomplete() {
        let bytes = encode(&Event::Stderr { text: "x\n".into() }, NONCE);
        for cut in 1..bytes.len() {
            assert_eq!(
                decode(&bytes[..cut], NONCE),
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
        let whole = encode(&event, NONCE);
        let head_len = 1 + NONCE_LEN + 8;
        for cut in head_len..whole.len() {
            let torn = [&whole[..cut], b"oh", &whole[cut..]].concat();
            assert_eq!(decode(&torn, NONCE), Decoded::NotAFrame, "torn at {cut}");
        }
    }

    #[test]
    fn a_torn_frame_that_ends_within_the_next_one_is_not_a_frame() {
        let next = encode(&Event::CellEnded, NONCE);
        // A body that nanoserde would ask for more memory than there is.
        let torn = [0xff; 16];
        for end in 1..=next.len() {
            let tail_len = NONCE_LEN + 1;
            let Some(body_len) = (torn.len() + end).checked_sub(tail_len) else {
                continue;
            };
            let head = format!("{NONCE}{body_len:08x}");
            let both = [&[MARK], head.as_bytes(), &torn, &next].concat();
            assert_eq!(decode(&both, NONCE), Decoded::NotAFrame, "ends at {end}");
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
            let frame = encode(&event, NONCE);
            let Decoded::Event {
                event: found,
                frame_len,
            } = decode(&frame, NONCE)
            else {
                panic!("a frame that ends with {mark} is one");
            };
            assert_eq!((*found, frame_len), (event, frame.len()));
        }
    }

    #[test]
    fn printed_text_is_not_a_frame() {
        assert_eq!(decode(b"\x1eanything", NONCE), Decoded::NotAFrame);
        assert_eq!(decode(b"plain", NONCE), Decoded::NotAFrame);
        let bad_length = [&[MARK], NONCE.as_bytes(), b"zzzzzzzz"].concat();
        assert_eq!(decode(&bad_length, NONCE), Decoded::NotAFrame);
    }
}
