//! Panics on a pool's workers: kept from the screen, and told once, by the thread that asked for the
//! work, with the number of the item and the place in the user's code.
//!
//! A worker's panic always leaves through this crate: an item's is caught by the map, that of an
//! `install` by its caller, and that of a detached task by [`report_detached`]. So the panic hook only
//! takes notes on workers, and whoever catches the panic looks them up.

use std::any::Any;
use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use super::outcome::ItemPanic;
use crate::cancel::{self, Interrupted};
use crate::event::{self, Event, PanicReport};
use crate::panic_report::{self, From};

thread_local! {
    /// The number of the pool whose worker this thread is; 0 on all other threads.
    static WORKER_OF: Cell<u64> = const { Cell::new(0) };
}

/// Takes note of a panic on a pool's worker. For a panic hook to call first.
///
/// Returns whether it did: then the hook must not report the panic, because the thread that asked for
/// the work will.
///
/// # Examples
///
/// ```
/// let previous = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     if !corebook::pool::take_over_panic(info) {
///         previous(info);
///     }
/// }));
/// ```
pub fn take_over_panic(info: &PanicHookInfo<'_>) -> bool {
    if !is_worker() {
        return false;
    }
    panic_report::keep(panic_report::report(info));
    true
}

/// In a plain program nobody else asks for [`take_over_panic`]; in a notebook the cells' own hook does.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    if !event::in_notebook() {
        ONCE.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !take_over_panic(info) {
                    previous(info);
                }
            }));
        });
    }
}

/// Marks this thread as a worker for the rest of its life.
pub(super) fn enter_worker(pool: u64) {
    WORKER_OF.set(pool);
}

pub(super) fn is_worker() -> bool {
    WORKER_OF.get() != 0
}

pub(super) fn is_worker_of(pool: u64) -> bool {
    WORKER_OF.get() == pool
}

/// What ended a piece of work.
pub(super) enum Caught {
    /// An interrupt on its way out; it has been told, or will be by the outermost map.
    Interrupted,
    Panic(PanicReport),
}

/// Finds out about a payload that `catch_unwind` returned.
pub(super) fn look_up(payload: &(dyn Any + Send), from: From) -> Caught {
    if payload.is::<Interrupted>() {
        return Caught::Interrupted;
    }
    Caught::Panic(panic_report::take(payload, from))
}

/// Panics on this thread with what a worker panicked with.
#[track_caller]
pub(super) fn raise(report: PanicReport) -> ! {
    if is_worker() {
        // Inside an outer item: its map looks the note up and tells the whole story.
        let message = report.message.clone();
        panic_report::keep(report);
        std::panic::resume_unwind(Box::new(message));
    }
    if !event::in_notebook() {
        match report.file.as_str() {
            "" => panic!("{}", report.message),
            file => panic!(
                "{}, at {file}:{}:{}",
                report.message, report.line, report.column
            ),
        }
    }
    let message = report.message.clone();
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    event::send(&Event::Panic(PanicReport {
        thread: name.to_owned(),
        on_main_thread: panic_report::is_cell_thread(),
        ..report
    }));
    std::panic::resume_unwind(Box::new(message))
}

/// The report of a map whose item panicked. A value that is the item's number is not said twice.
pub(super) fn in_item(panic: ItemPanic, item: usize, items: usize) -> PanicReport {
    let ItemPanic { value, report } = panic;
    let value = value.filter(|value| *value != item.to_string());
    let value = value.map_or_else(String::new, |value| format!(", {value}"));
    let message = format!(
        "panicked in item {item} (of {items}){value}: {}",
        report.message
    );
    PanicReport { message, ..report }
}

/// Panics on this thread with what a worker panicked with, whose payload this is.
#[track_caller]
pub(super) fn pass_on(payload: Box<dyn Any + Send>) -> ! {
    if let Caught::Panic(report) = look_up(&*payload, From::AnyThread) {
        match panic_report::text_in(&*payload) {
            Some(_) => raise(report),
            // A payload of the user's own type goes on as it is; it has been printed nowhere yet.
            None => report_unobserved(report),
        }
    }
    std::panic::resume_unwind(payload)
}

/// Panics for a reason of this crate, at the user's own line.
#[track_caller]
pub(super) fn fail(message: String) -> ! {
    panic!("{message}")
}

/// Ends an interrupted map: tells of it on the outermost level.
pub(super) fn interrupt(what: &str) -> ! {
    if is_worker() {
        std::panic::resume_unwind(Box::new(Interrupted));
    }
    cancel::stop(what)
}

/// Tells of a panic that no thread waits for.
pub(super) fn report_unobserved(report: PanicReport) {
    if event::in_notebook() {
        event::send(&Event::Panic(report));
    } else {
        let PanicReport {
            message,
            file,
            line,
            column,
            thread,
            ..
        } = report;
        eprintln!("thread '{thread}' panicked at {file}:{line}:{column}:\n{message}");
    }
}

/// For tasks that were spawned on a pool through rayon and that nobody waits for.
pub(super) fn report_detached(payload: Box<dyn Any + Send>) {
    if let Caught::Panic(report) = look_up(&*payload, From::ThisThread) {
        report_unobserved(report);
    }
}
