//! Reports of panics. The panic hook writes them, and the code that catches the panic asks for them.
//!
//! Cells and pools both use this module. It catches no panic, sends no event and sets no hook.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::VecDeque;
use std::panic::{Location, PanicHookInfo};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::ThreadId;

use crate::evcxr::CELL_FUNCTION;
use crate::event::PanicReport;
use crate::lock::Lock;

/// The locks of this module; see [`crate::fork`].
pub(crate) static LOCKS: [&dyn Lock; 1] = [&NOTES];

/// Notes of the hook, oldest first. The note of a panic that the user's own code catches is never asked for.
static NOTES: Mutex<VecDeque<Note>> = Mutex::new(VecDeque::new());

const MOST_NOTES: usize = 64;

struct Note {
    thread: ThreadId,
    report: PanicReport,
}

/// Where the panic of a payload was. The payload itself carries only the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The panic was on this thread.
    ThisThread,
    /// The panic was on any thread; rayon passed its payload on to this one.
    AnyThread,
}

/// The thread that runs cells. It has no name here, because another copy of the standard library started it.
static CELL_THREAD: OnceLock<ThreadId> = OnceLock::new();

/// Marks this thread as the one that runs cells. All cells run on the same thread, and its id survives a fork.
pub(crate) fn set_cell_thread() {
    CELL_THREAD.get_or_init(|| std::thread::current().id());
}

/// Returns whether a panic on this thread can end the cell: whether it is the thread that runs cells or, outside a
/// notebook, the main thread.
pub(crate) fn is_cell_thread() -> bool {
    let thread = std::thread::current();
    match CELL_THREAD.get() {
        Some(cell_thread) => *cell_thread == thread.id(),
        None => thread.name() == Some("main"),
    }
}

/// Makes the report of a panic. Called by a panic hook, on the thread that panics.
pub(crate) fn report(info: &PanicHookInfo<'_>) -> PanicReport {
    let thread = std::thread::current();
    let location = info.location();
    PanicReport {
        message: message_of(info.payload()),
        file: location.map_or_else(String::new, |location| location.file().to_owned()),
        line: location.map_or(0, Location::line),
        column: location.map_or(0, Location::column),
        thread: thread.name().unwrap_or("unnamed").to_owned(),
        on_main_thread: is_cell_thread(),
        backtrace: user_backtrace(),
    }
}

/// Keeps a report for the code that catches the panic on this thread.
pub(crate) fn keep(report: PanicReport) {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    if notes.len() == MOST_NOTES {
        notes.pop_front();
    }
    notes.push_back(Note {
        thread: std::thread::current().id(),
        report,
    });
}

/// Takes the latest report kept for a payload. Without one, makes a report from the message alone.
pub(crate) fn take(payload: &(dyn Any + Send), from: From) -> PanicReport {
    let message = message_of(payload);
    let thread = std::thread::current().id();
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let position = notes.iter().rposition(|note| {
        note.report.message == message && (from == From::AnyThread || note.thread == thread)
    });
    match position.and_then(|position| notes.remove(position)) {
        Some(note) => note.report,
        None => PanicReport {
            message,
            ..PanicReport::default()
        },
    }
}

/// The message of a payload, if it is text.
pub(crate) fn text_in(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    text_in(payload)
        .unwrap_or("a value that is not text")
        .to_owned()
}

/// The frames of the user's code, if `RUST_BACKTRACE` asks for them.
fn user_backtrace() -> String {
    if matches!(
        std::env::var("RUST_BACKTRACE").as_deref(),
        Ok("0" | "") | Err(_)
    ) {
        return String::new();
    }
    let backtrace = Backtrace::force_capture();
    if backtrace.status() != BacktraceStatus::Captured {
        return String::new();
    }
    own_frames(&backtrace.to_string())
}

/// The frames of a printed backtrace that lie between the code that panics and the code that calls a cell or an item.
fn own_frames(backtrace: &str) -> String {
    // A frame is a numbered line and, if its place is known, a second line.
    let mut frames: Vec<String> = Vec::new();
    for line in backtrace.lines() {
        let is_numbered = line
            .trim_start()
            .split_once(':')
            .is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        match frames.last_mut() {
            Some(frame) if !is_numbered => frame.extend(["\n", line]),
            _ => frames.push(line.to_owned()),
        }
    }
    let is_machinery =
        |frame: &String| frame.contains("core::panicking::") || frame.contains("rust_begin_unwind");
    let first = frames
        .iter()
        .rposition(is_machinery)
        .map_or(0, |last| last + 1);
    let is_caller = |frame: &String| CALLERS.iter().any(|caller| frame.contains(caller));
    let own = frames[first..].iter().take_while(|frame| !is_caller(frame));
    let own: Vec<&str> = own
        .map(String::as_str)
        .filter(|frame| !frame.contains("<unknown>"))
        .collect();
    own.join("\n")
}

/// Parts of the names of functions that call a cell or an item of a pool.
const CALLERS: [&str; 6] = [
    CELL_FUNCTION,
    "catch_unwind",
    "__rust_try",
    "corebook::",
    "corebook_processes::",
    "__rust_begin_short_backtrace",
];

#[cfg(test)]
mod tests;
