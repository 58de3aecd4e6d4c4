//! What the worker calls before and after each cell.
//!
//! The worker is another binary with a standard library of its own. What cells print waits in *this*
//! library's standard library, so it has to be flushed from here, and panics of cells are seen only by a hook
//! that is set here. The worker finds both functions by name in the first library that links to the runtime.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::{Condvar, Mutex, Once, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crate::event::{self, Event, PanicReport};
use crate::lock::Lock;
use crate::{cancel, pool, timing};

/// Text that a cell printed without a line break shows after this long, in milliseconds.
const FLUSH_EVERY_MS: u64 = 45;

/// Called by the worker before a cell's code runs.
#[unsafe(no_mangle)]
pub extern "C" fn corebook_cell_begin() {
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(report_panic));
        install_interrupt_handler();
        start_flusher();
    });
    // Every cell runs on the same thread; a fork of the worker keeps its id.
    CELL_THREAD.get_or_init(|| std::thread::current().id());
    cancel::reset();
    set_cell_runs(true);
}

/// Whether what a process of cells needs once is there.
static INSTALLED: Once = Once::new();

/// The locks of this module; see [`crate::fork`].
pub(crate) static LOCKS: [&dyn Lock; 1] = [&CELL_RUNS.0];

/// Starts in a fork of the worker what the fork has lost.
pub(crate) fn resume() {
    if INSTALLED.is_completed() {
        start_flusher();
    }
}

/// The thread that runs cells. It has no name here: the worker's own standard library started it.
static CELL_THREAD: OnceLock<ThreadId> = OnceLock::new();

/// Whether a panic on this thread can end the cell: it is the one that runs cells or, outside a notebook,
/// the main one.
pub(crate) fn is_cell_thread() -> bool {
    let thread = std::thread::current();
    match CELL_THREAD.get() {
        Some(cell_thread) => *cell_thread == thread.id(),
        None => thread.name() == Some("main"),
    }
}

/// Called by the worker before [`corebook_cell_begin`]: how the cell was compiled.
///
/// * `compile_time_s`: from the request to the compiled library, in seconds.
/// * `opt_level`: the character after `-C opt-level=`, or 0 when nobody knows.
#[unsafe(no_mangle)]
pub extern "C" fn corebook_cell_build(compile_time_s: f64, opt_level: u8) {
    let opt_level = if opt_level == 0 {
        String::new()
    } else {
        char::from(opt_level).to_string()
    };
    timing::set_build(timing::Build {
        compile_time: compile_time_s,
        opt_level,
    });
}

/// Called by the worker after a cell's code has returned.
#[unsafe(no_mangle)]
pub extern "C" fn corebook_cell_end() {
    set_cell_runs(false);
    event::send(&Event::Pools {
        pools: pool::reports(),
    });
    // A closed pipe means the kernel is gone, and this process ends with it.
    let _ = std::io::stdout().flush();
}

/// Tells the kernel of a panic; the kernel knows at the cell's end whether the cell failed by it.
fn report_panic(info: &PanicHookInfo<'_>) {
    if pool::take_over_panic(info) {
        return;
    }
    let thread = std::thread::current();
    let location = info.location();
    event::send(&Event::Panic(PanicReport {
        message: info
            .payload_as_str()
            .unwrap_or("a value that is not text")
            .to_owned(),
        file: location
            .map(|location| location.file().to_owned())
            .unwrap_or_default(),
        line: location.map_or(0, std::panic::Location::line),
        column: location.map_or(0, std::panic::Location::column),
        thread: thread.name().unwrap_or("unnamed").to_owned(),
        on_main_thread: is_cell_thread(),
        backtrace: user_backtrace(),
    }));
}

/// The frames of the cell's own code, if `RUST_BACKTRACE` asks for them: what stands between the panic's
/// machinery and the code that called the cell, or a pool's item.
pub(crate) fn user_backtrace() -> String {
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

/// Of a printed backtrace the frames between the panic's machinery and the function evcxr wraps a cell in.
fn own_frames(backtrace: &str) -> String {
    // A frame is a numbered line, and perhaps a line that says where it is.
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

/// What calls a cell's function or a pool's item.
const CALLERS: [&str; 6] = [
    "run_user_code_",
    "catch_unwind",
    "__rust_try",
    "corebook::",
    "corebook_kernel::",
    "__rust_begin_short_backtrace",
];

/// An interrupt sets a flag; running code looks at it between items.
fn install_interrupt_handler() {
    #[cfg(unix)]
    {
        extern "C" fn on_interrupt(_signal: libc::c_int) {
            cancel::request();
        }
        let handler: extern "C" fn(libc::c_int) = on_interrupt;
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        unsafe {
            libc::signal(libc::SIGINT, handler as libc::sighandler_t);
        }
    }
}

/// Whether a cell's code runs now, and a wake-up for the thread that flushes meanwhile.
static CELL_RUNS: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn set_cell_runs(runs: bool) {
    *CELL_RUNS.0.lock().unwrap_or_else(PoisonError::into_inner) = runs;
    CELL_RUNS.1.notify_one();
}

/// Shows `print!` without a line break while its cell still runs.
fn start_flusher() {
    let spawned = std::thread::Builder::new()
        .name("corebook-flush".to_owned())
        .spawn(|| {
            loop {
                let mut runs = CELL_RUNS.0.lock().unwrap_or_else(PoisonError::into_inner);
                while !*runs {
                    runs = CELL_RUNS
                        .1
                        .wait(runs)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                drop(runs);
                std::thread::sleep(Duration::from_millis(FLUSH_EVERY_MS));
                let _ = std::io::stdout().flush();
            }
        });
    // Without the thread, text without a line break shows at the end of its cell.
    drop(spawned);
}

#[cfg(test)]
mod tests {
    use super::own_frames;

    #[test]
    fn a_backtrace_keeps_the_frames_of_the_cell() {
        let backtrace = "   0: corebook::cell::report_panic\n   1: __rustc::rust_begin_unwind\n             at /rustc/x/panicking.rs:689:5\n   \
            2: core::panicking::panic_fmt\n             at /rustc/x/panicking.rs:80:14\n   3: ctx::divide\n             at ./src/lib.rs:3:5\n   \
            4: ctx::run_user_code_5::{{closure}}\n   5: std::panic::catch_unwind\n   6: run_user_code_5\n";
        assert_eq!(
            own_frames(backtrace),
            "   3: ctx::divide\n             at ./src/lib.rs:3:5"
        );
    }
}
