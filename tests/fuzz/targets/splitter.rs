//! What a worker prints, whole events and torn ones included: no panic, the same pieces wherever the stream is
//! cut, and whole events found.

#![no_main]

use corebook::__private::event::{Event, MimeData, encode};
use corebook_processes::supervisor::splitter::{Piece, Splitter};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const WORD: &str = "0123456789abcdef";

#[derive(Debug, Arbitrary)]
enum Printed {
    Text(Vec<u8>),
    Line(Vec<u8>),
    Whole { text: String, content: Vec<u8> },
    /// Another process wrote into the middle of an event, or the worker was killed there.
    Torn { text: String, cut: u8, between: Vec<u8>, has_rest: bool },
    Keyword(Keyword),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Keyword {
    Panicked,
    Failed,
    AsksInput,
    BeginContent,
    EndContent,
    LineBreak,
}

fuzz_target!(|input: (u8, Vec<Printed>)| {
    let (cut_every, printed) = input;
    // The word is a secret of the session, drawn at random: no program prints it but in events.
    if printed.iter().any(knows_the_word) {
        return;
    }
    let stream: Vec<u8> = printed.iter().flat_map(bytes).collect();
    let whole = split(&stream, stream.len().max(1));
    assert_eq!(split(&stream, usize::from(cut_every).max(1)), whole);
    // With nothing but text in it, a stream comes out as it went in. Of an event that was torn off nothing does.
    let is_torn = |it: &Printed| matches!(it, Printed::Torn { .. });
    if let [Piece::Text(text)] = whole.as_slice()
        && !printed.iter().any(is_torn)
    {
        assert_eq!(*text, stream);
    }
    if let [Printed::Whole { text, content }] = printed.as_slice() {
        assert_eq!(whole, [Piece::Event(Box::new(event(text, content)))]);
    }
});

fn knows_the_word(printed: &Printed) -> bool {
    let (one, other): (&[u8], &[u8]) = match printed {
        Printed::Text(bytes) | Printed::Line(bytes) => (bytes, b""),
        Printed::Whole { text, content } => (text.as_bytes(), content),
        Printed::Torn { text, between, .. } => (text.as_bytes(), between),
        Printed::Keyword(_) => return false,
    };
    // In halves too, which two pieces could make whole.
    let half = &WORD.as_bytes()[..WORD.len() / 2];
    let has_half = |bytes: &[u8]| bytes.windows(half.len()).any(|place| place == half);
    has_half(one) || has_half(other)
}

fn bytes(printed: &Printed) -> Vec<u8> {
    match printed {
        Printed::Text(bytes) => bytes.clone(),
        Printed::Line(bytes) => [bytes, &b"\n"[..]].concat(),
        Printed::Whole { text, content } => encode(&event(text, content), WORD),
        Printed::Torn {
            text,
            cut,
            between,
            has_rest,
        } => {
            let frame = encode(&event(text, b""), WORD);
            let (head, rest) = frame.split_at(usize::from(*cut).min(frame.len() - 1));
            [head, between, if *has_rest { rest } else { b"" }].concat()
        }
        Printed::Keyword(keyword) => match keyword {
            Keyword::Panicked => b"EVCXR_PANIC_NOTIFICATION\n".to_vec(),
            Keyword::Failed => b"EVCXR_ERROR_OCCURRED\n".to_vec(),
            Keyword::AsksInput => b"EVCXR_INPUT_REQUEST".to_vec(),
            Keyword::BeginContent => b"EVCXR_BEGIN_CONTENT text/plain\n".to_vec(),
            Keyword::EndContent => b"EVCXR_END_CONTENT\n".to_vec(),
            Keyword::LineBreak => b"\n".to_vec(),
        },
    }
}

fn event(text: &str, content: &[u8]) -> Event {
    Event::Display {
        id: text.to_owned(),
        data: vec![MimeData {
            mime: "text/plain".to_owned(),
            content: content.to_vec(),
        }],
    }
}

fn split(bytes: &[u8], chunk_len: usize) -> Vec<Piece> {
    let mut splitter = Splitter::new(WORD);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut take = |new: Vec<Piece>| {
        for piece in new {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(next)) => last.extend(next),
                (_, piece) => pieces.push(piece),
            }
        }
    };
    for chunk in bytes.chunks(chunk_len) {
        take(splitter.push(chunk));
    }
    take(splitter.flush());
    pieces
}
