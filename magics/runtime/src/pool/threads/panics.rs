//! Panics on the workers of a pool. The thread that asked for the work reports them, once, with the number of the item
//! and the place in the user's code. A worker never reports its own panic.
//!
//! This crate catches every panic of a worker: that of an item in the map, that of `install` in its caller, and that
//! of a detached task in [`report_detached`]. So on workers the panic hook only keeps a report, and the code that
//! catches the panic looks it up.

use std::any::Any;
use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::cancel::{self, Interrupted};
use crate::event::{self, Event, PanicReport};
use crate::panic_report::{self, From};

thread_local! {
    /// The number of the pool whose worker this thread is; 0 on all other threads.
    static WORKER_OF: Cell<u64> = const { Cell::new(0) };
}

/// Keeps the report of a panic, if it is on a worker of a pool. Your own panic hook should call this first.
///
/// * `info`: the argument of the panic hook.
///
/// Returns whether the panic is on a worker. If so, the hook must not report it: the thread that asked for the work
/// does.
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

/// Sets a panic hook that calls [`take_over_panic`]. In a notebook the hook of the cells already does.
pub(crate) fn install_hook() {
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

/// Marks this thread as a worker. It stays one until it ends.
pub(crate) fn enter_worker(pool: u64) {
    WORKER_OF.set(pool);
}

pub(crate) fn is_worker() -> bool {
    WORKER_OF.get() != 0
}

pub(crate) fn is_worker_of(pool: u64) -> bool {
    WORKER_OF.get() == pool
}

/// What a block or a task unwound with.
pub(crate) enum Caught {
    /// An interrupt. It was reported, or the outermost map will report it.
    Interrupted,
    Panic(PanicReport),
}

/// Looks up the payload that `catch_unwind` returned.
pub(crate) fn look_up(payload: &(dyn Any + Send), from: From) -> Caught {
    if payload.is::<Interrupted>() {
        return Caught::Interrupted;
    }
    Caught::Panic(panic_report::take(payload, from))
}

/// Panics on this thread because a worker did.
#[track_caller]
pub(crate) fn raise(report: PanicReport) -> ! {
    if is_worker() {
        // In an outer item: its map looks the report up and adds its own item.
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

/// Continues the panic of a worker on this thread, with the same payload.
#[track_caller]
pub(crate) fn pass_on(payload: Box<dyn Any + Send>) -> ! {
    if let Caught::Panic(report) = look_up(&*payload, From::AnyThread) {
        match panic_report::text_in(&*payload) {
            Some(_) => raise(report),
            // A payload of the user's own type is passed on unchanged. Its panic has not been reported yet.
            None => report_unobserved(report),
        }
    }
    std::panic::resume_unwind(payload)
}

/// Panics for a reason of this crate, with the line of the user's call as the location.
#[track_caller]
pub(crate) fn fail(message: String) -> ! {
    panic!("{message}")
}

/// Ends an interrupted map. The outermost map reports the interrupt.
pub(crate) fn interrupt(what: &str) -> ! {
    if is_worker() {
        std::panic::resume_unwind(Box::new(Interrupted));
    }
    cancel::stop(what)
}

/// Reports a panic that no thread waits for.
pub(crate) fn report_unobserved(report: PanicReport) {
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

/// Reports the panic of a task that was spawned with rayon on a pool and that no thread waits for.
pub(crate) fn report_detached(payload: Box<dyn Any + Send>) {
    if let Caught::Panic(report) = look_up(&*payload, From::ThisThread) {
        report_unobserved(report);
    }
}
