//! Collects text on stdout and stderr into few messages, and splits it only between characters.
//!
//! Does no I/O and publishes nothing. Reads the clock, and sleeps to limit the rate.

use std::time::{Duration, Instant};

use jupyter_protocol::Stdio;

/// How long text waits for more.
const GATHER: Duration = Duration::from_millis(45);
/// The maximum length of a message, in bytes.
const LARGEST_MESSAGE: usize = 64 * 1024;
/// If there is more text than this within [`PACE_WINDOW`], the printing code waits. Otherwise a client that reads
/// slowly could fill the kernel's memory.
const PACE_BYTES: usize = 8 * 1024 * 1024;
const PACE_WINDOW: Duration = Duration::from_millis(250);

/// Text that is not published yet.
#[derive(Default)]
pub struct Streams {
    /// In the order in which it was written. Adjacent entries have different streams.
    waiting: Vec<(Stdio, Vec<u8>)>,
    since: Option<Instant>,
    pace: Pace,
}

impl Streams {
    /// Adds text. Returns what must be published now.
    pub fn push(&mut self, stream: Stdio, bytes: &[u8]) -> Vec<(Stdio, String)> {
        if bytes.is_empty() {
            return Vec::new();
        }
        match self.waiting.last_mut() {
            Some((last, text)) if is_same(last, &stream) => text.extend_from_slice(bytes),
            _ => self.waiting.push((stream, bytes.to_vec())),
        }
        self.since.get_or_insert_with(Instant::now);
        let waiting: usize = self.waiting.iter().map(|(_, text)| text.len()).sum();
        if waiting < LARGEST_MESSAGE {
            return Vec::new();
        }
        self.pace.wait(waiting);
        self.take(Take::FullMessages)
    }

    /// Removes `text` if it is the end of the text that waits and was written to stderr.
    pub fn retract_stderr(&mut self, text: &str) {
        if let Some((Stdio::Stderr, bytes)) = self.waiting.last_mut()
            && bytes.ends_with(text.as_bytes())
        {
            bytes.truncate(bytes.len() - text.len());
        }
    }

    /// When the waiting text must be published.
    pub fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + GATHER)
    }

    /// Takes the waiting text, except an unfinished character at the end, whose rest may still come.
    pub fn take_due(&mut self) -> Vec<(Stdio, String)> {
        let messages = self.take(Take::Due);
        self.since = None;
        messages
    }

    /// Takes all waiting text, because other output is published next and must come after it.
    pub fn flush(&mut self) -> Vec<(Stdio, String)> {
        self.take(Take::All)
    }

    fn take(&mut self, take: Take) -> Vec<(Stdio, String)> {
        self.since = None;
        let mut messages = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        let last = waiting.len().saturating_sub(1);
        for (index, (stream, bytes)) in waiting.iter_mut().enumerate() {
            let kept = match take {
                _ if index < last => 0,
                Take::FullMessages => kept_len(bytes),
                Take::Due => unfinished_len(bytes),
                Take::All => 0,
            };
            let rest = bytes.split_off(bytes.len() - kept);
            messages.extend(
                split_into_messages(&String::from_utf8_lossy(bytes))
                    .map(|text| (stream.clone(), text)),
            );
            if !rest.is_empty() {
                self.waiting.push((stream.clone(), rest));
                self.since = Some(Instant::now());
            }
        }
        messages
    }
}

/// How much of the waiting text is taken.
#[derive(Clone, Copy)]
enum Take {
    /// Only messages of the maximum length.
    FullMessages,
    /// All whole characters.
    Due,
    All,
}

/// How many bytes at the end keep waiting: those of the last message, which is not full. Never splits a character.
fn kept_len(bytes: &[u8]) -> usize {
    let kept = (bytes.len() % LARGEST_MESSAGE).max(unfinished_len(bytes));
    let start = bytes.len() - kept;
    let is_continuation = |byte: &u8| byte & 0xC0 == 0x80;
    // A character that began earlier has at most three more bytes.
    let inside = bytes[start..]
        .iter()
        .take(3)
        .take_while(|byte| is_continuation(byte))
        .count();
    kept - inside
}

fn is_same(a: &Stdio, b: &Stdio) -> bool {
    matches!(
        (a, b),
        (Stdio::Stdout, Stdio::Stdout) | (Stdio::Stderr, Stdio::Stderr)
    )
}

/// How many bytes at the end belong to a character whose rest may still come.
fn unfinished_len(bytes: &[u8]) -> usize {
    let Some(chunk) = bytes.utf8_chunks().last() else {
        return 0;
    };
    let invalid = chunk.invalid();
    match std::str::from_utf8(invalid) {
        Err(error) if error.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

/// Splits `text` into messages of at most [`LARGEST_MESSAGE`] bytes.
fn split_into_messages(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.floor_char_boundary(LARGEST_MESSAGE);
        let (message, after) = rest.split_at(end);
        rest = after;
        Some(message.to_owned())
    })
}

/// Limits how much text is published per time.
#[derive(Default)]
struct Pace {
    window: Option<Instant>,
    bytes: usize,
}

impl Pace {
    fn wait(&mut self, bytes: usize) {
        let now = Instant::now();
        let window = *self.window.get_or_insert(now);
        if now.duration_since(window) > PACE_WINDOW {
            self.window = Some(now);
            self.bytes = 0;
        }
        self.bytes += bytes;
        if self.bytes > PACE_BYTES {
            std::thread::sleep(PACE_WINDOW.saturating_sub(now.duration_since(window)));
            self.window = None;
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(messages: Vec<(Stdio, String)>) -> Vec<String> {
        messages.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_burst_is_one_message_and_streams_keep_their_order() {
        let mut streams = Streams::default();
        for (stream, text) in [
            (Stdio::Stdout, "a\n"),
            (Stdio::Stdout, "b\n"),
            (Stdio::Stderr, "c\n"),
            (Stdio::Stdout, "d"),
        ] {
            assert!(streams.push(stream, text.as_bytes()).is_empty());
        }
        assert_eq!(texts(streams.flush()), ["a\nb\n", "c\n", "d"]);
        assert!(streams.due().is_none());
    }

    #[test]
    fn no_message_is_too_long_and_none_cuts_a_character() {
        let text = "é".repeat(LARGEST_MESSAGE);
        let mut streams = Streams::default();
        let mut seen = Vec::new();
        for chunk in text.as_bytes().chunks(65_535) {
            seen.extend(texts(streams.push(Stdio::Stdout, chunk)));
        }
        seen.extend(texts(streams.flush()));
        assert!(seen.iter().all(|message| message.len() <= LARGEST_MESSAGE));
        assert_eq!(seen.concat(), text);
    }

    #[test]
    fn a_character_that_comes_in_two_parts_is_whole() {
        let mut streams = Streams::default();
        streams.push(Stdio::Stdout, b"a\xf0\x9f");
        assert_eq!(texts(streams.take_due()), ["a"]);
        assert!(streams.due().is_none());
        streams.push(Stdio::Stdout, b"\x98\x80b");
        assert_eq!(texts(streams.flush()), ["😀b"]);
    }

    #[test]
    fn only_the_given_text_is_retracted() {
        let mut streams = Streams::default();
        streams.push(Stdio::Stderr, b"warned\nfailed\n");
        streams.retract_stderr("failed\n");
        assert_eq!(texts(streams.flush()), ["warned\n"]);
    }

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        let mut streams = Streams::default();
        streams.push(Stdio::Stdout, b"a\xff\xfeb\xc3");
        assert_eq!(texts(streams.flush()), ["a\u{fffd}\u{fffd}b\u{fffd}"]);
    }

    #[test]
    fn only_unfinished_characters_are_kept_back() {
        assert_eq!(unfinished_len("aé".as_bytes()), 0);
        assert_eq!(unfinished_len(&"aé".as_bytes()[..2]), 1);
        assert_eq!(unfinished_len(&"a😀".as_bytes()[..4]), 3);
        assert_eq!(unfinished_len(b"a\xff"), 0);
    }
}
