use super::*;

fn report_of(message: &str, line: u32) -> PanicReport {
    PanicReport {
        message: message.to_owned(),
        line,
        ..PanicReport::default()
    }
}

/// The line in the report of a payload; 0 when there was none.
fn line_of(message: &str, from: From) -> u32 {
    take(&message.to_owned(), from).line
}

/// One test, because the notes belong to the process.
#[test]
fn the_latest_note_of_a_payload_is_found_once() {
    keep(report_of("twice", 1));
    keep(report_of("twice", 2));
    assert_eq!(line_of("twice", From::ThisThread), 2);
    assert_eq!(line_of("twice", From::ThisThread), 1);
    assert_eq!(line_of("twice", From::ThisThread), 0);

    let other = std::thread::spawn(|| keep(report_of("elsewhere", 3)));
    other.join().expect("it does not panic");
    assert_eq!(line_of("elsewhere", From::ThisThread), 0);
    assert_eq!(line_of("elsewhere", From::AnyThread), 3);

    // The user's code caught these: the oldest gives way.
    for line in 0..=MOST_NOTES as u32 {
        keep(report_of(&format!("caught {line}"), line + 1));
    }
    assert_eq!(line_of("caught 0", From::ThisThread), 0);
    assert_eq!(line_of("caught 1", From::ThisThread), 2);
    assert_eq!(
        NOTES.lock().unwrap_or_else(PoisonError::into_inner).len(),
        MOST_NOTES - 1
    );
    assert_eq!(text_in(&7), None);
    assert_eq!(
        take(&7, From::AnyThread).message,
        "a value that is not text"
    );
}

#[test]
fn a_backtrace_keeps_the_frames_of_the_cell() {
    let backtrace = "   0: corebook::panic_report::report\n   1: __rustc::rust_begin_unwind\n             at /rustc/x/panicking.rs:689:5\n   \
        2: core::panicking::panic_fmt\n             at /rustc/x/panicking.rs:80:14\n   3: ctx::divide\n             at ./src/lib.rs:3:5\n   \
        4: ctx::run_user_code_5::{{closure}}\n   5: std::panic::catch_unwind\n   6: run_user_code_5\n";
    assert_eq!(
        own_frames(backtrace),
        "   3: ctx::divide\n             at ./src/lib.rs:3:5"
    );
}

/// One test, because the thread of the cells is set once.
#[test]
fn the_thread_of_cells_is_the_main_thread_until_one_is_set() {
    let is_cell_thread_named = |name: &str| {
        let thread = std::thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(is_cell_thread).expect("a thread starts");
        thread.join().expect("it does not panic")
    };
    assert!(is_cell_thread_named("main"));
    assert!(!is_cell_thread_named("other"));
    set_cell_thread();
    assert!(is_cell_thread());
    assert!(!is_cell_thread_named("main"));
}
