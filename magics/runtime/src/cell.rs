//! What the worker calls before and after each cell.
//!
//! The worker is another binary and has its own copy of the standard library. Cells print through the copy that
//! *this* library links to, so their output has to be flushed here, and only a hook that is set here sees their
//! panics. The worker looks up the three functions of this module, and the two of [`crate::fork`], by name in the
//! first library that links to the runtime.
//!
//! This module runs no code of a cell.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use crate::event::{self, Event};
use crate::lock::Lock;
use crate::{cancel, panic_report, pool, timing};

/// How long text without a line break may wait before it is shown, in milliseconds.
const FLUSH_EVERY_MS: u64 = 45;

/// Called by the worker before a cell's code runs.
#[unsafe(no_mangle)]
pub extern "C" fn corebook_cell_begin() {
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(report_panic));
        install_interrupt_handler();
        start_flusher();
    });
    panic_report::set_cell_thread();
    cancel::reset();
    set_cell_runs(true);
}

/// Whether the hook, the signal handler and the flusher of this process are set up.
static INSTALLED: Once = Once::new();

/// The locks of this module; see [`crate::fork`].
pub(crate) static LOCKS: [&dyn Lock; 1] = [&CELL_RUNS.0];

/// Starts the flusher again in a fork of the worker, which has lost its threads.
pub(crate) fn resume() {
    if INSTALLED.is_completed() {
        start_flusher();
    }
}

/// Called by the worker before [`corebook_cell_begin`]: records how the cell was compiled.
///
/// * `compile_time_s`: the time from the request to the compiled library, in seconds.
/// * `opt_level`: the character after `-C opt-level=`, or 0 when unknown.
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
        pools: pool::status::reports(),
    });
    // A closed pipe means the kernel is gone, and this process ends with it.
    let _ = std::io::stdout().flush();
}

/// Reports a panic to the kernel. The kernel knows at the end of the cell whether this panic ended it.
fn report_panic(info: &PanicHookInfo<'_>) {
    if pool::take_over_panic(info) {
        return;
    }
    event::send(&Event::Panic(panic_report::report(info)));
}

/// Makes SIGINT set the flag of [`cancel`], which running code reads between items.
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

/// Whether the code of a cell runs now. The flusher waits on the condition variable until it does.
static CELL_RUNS: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn set_cell_runs(runs: bool) {
    *CELL_RUNS.0.lock().unwrap_or_else(PoisonError::into_inner) = runs;
    CELL_RUNS.1.notify_one();
}

/// Starts the thread that shows text without a line break while the cell still runs.
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
    // If the thread cannot start, text without a line break shows at the end of the cell.
    drop(spawned);
}
