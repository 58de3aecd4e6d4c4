use super::*;

const NONCE: &str = "0123456789abcdef";

fn text(text: &str) -> Piece {
    Piece::Text(text.as_bytes().to_vec())
}

fn split(input: &[u8]) -> Vec<Piece> {
    let mut splitter = Splitter::new(NONCE);
    let mut pieces = splitter.push(input);
    pieces.extend(splitter.flush());
    pieces
}

#[test]
fn text_is_returned_at_once_even_without_a_line_break() {
    assert_eq!(Splitter::new(NONCE).push(b"50%\r"), [text("50%\r")]);
}

#[test]
fn a_marker_after_an_unfinished_line_is_found() {
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
    let input = [b"a".to_vec(), event::encode(&event, NONCE), b"b".to_vec()].concat();
    assert_eq!(
        split(&input),
        [text("a"), Piece::Event(Box::new(event)), text("b")]
    );
}

#[test]
fn content_blocks_keep_their_place() {
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
fn an_unfinished_event_is_dropped_and_swallows_nothing() {
    let event = Event::Stderr {
        text: "oh\n".into(),
    };
    let frame = event::encode(&event, NONCE);
    for cut in 1 + NONCE.len()..frame.len() {
        let mut splitter = Splitter::new(NONCE);
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
        "EVCXR_INPUT_REQUEST",
        "EVCXR_PANIC",
        &format!("\x1e{NONCE}00001000torn"),
    ] {
        let frame = event::encode(&Event::CellEnded, NONCE);
        let input = [begun.as_bytes(), &frame].concat();
        assert_eq!(
            Splitter::new(NONCE).push(&input),
            [text(begun), ended()],
            "{begun:?}"
        );
        // Output of the next cell can't complete it either.
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
        b"one EVCXR_ two\nEVCXR_INPUT_REQUEST:x\n".to_vec(),
        event::encode(&event, NONCE),
        b"EVCXR_BEGIN_CONTENT text/plain\nhello\nEVCXR_END_CONTENT\nthreeEVCXR_ERROR_OCCURRED\n"
            .to_vec(),
    ]
    .concat();
    let whole = split(&input);
    assert!(whole.len() == 6, "{whole:?}");
    for cut in 0..=input.len() {
        let mut splitter = Splitter::new(NONCE);
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

/// The runtime repeats names that evcxr defines, because cells compile it without the crate that defines them.
#[test]
fn the_runtime_prints_the_names_that_are_looked_for() {
    use corebook::__private::evcxr as runtime;
    use corebook_build::evcxr;

    assert_eq!(runtime::USER_ERROR_OCCURRED, evcxr::FAILED);
    assert_eq!(runtime::PANIC_NOTIFICATION, evcxr::PANICKED);
    assert_eq!(runtime::CELL_FUNCTION, evcxr::CELL_FUNCTION);
}
