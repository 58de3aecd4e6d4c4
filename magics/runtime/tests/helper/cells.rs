//! What the worker calls around cells, and what cells print.

use std::io::Read;
use std::panic::catch_unwind;

use corebook::__private::cell::{ASYNC_RUNTIME, Slot, VariableStore, open};
use corebook::__private::timing::CellStopwatch;
use corebook::cancel;
use corebook::display::CellValue;
use corebook::timing::{CompareOptions, Options, Results, Show, Stopwatch, compare, timeit};
use rayon::prelude::*;

unsafe extern "C" {
    fn corebook_cell_begin();
    fn corebook_cell_build(compile_time_s: f64, opt_level: u8);
    fn corebook_cell_end();
    fn corebook_cell_fork() -> i32;
    #[allow(improper_ctypes, reason = "only its address is passed")]
    fn corebook_cell_resume(variables: *mut VariableStore);
}

const ONCE: Options = Options {
    loops: 1,
    repeat: 1,
    ..Options::DEFAULT
};

fn begin_cell() {
    // SAFETY: the function has no conditions.
    unsafe { corebook_cell_begin() };
}

fn end_cell() {
    // SAFETY: the function has no conditions.
    unsafe { corebook_cell_end() };
}

/// One cell with a panic, an interrupt and a measurement.
pub fn runs_a_cell() {
    // SAFETY: the function has no conditions.
    unsafe { corebook_cell_build(1.5, b'2') };
    begin_cell();
    // Much longer than the floor, or a warning would come too.
    timeit(&ONCE, &mut || {
        std::thread::sleep(std::time::Duration::from_millis(2))
    });
    catch_unwind(|| panic!("caught by the cell")).unwrap_err();
    cancel::check("nothing yet");
    // SAFETY: a cell has installed a handler for this signal.
    unsafe { libc::raise(libc::SIGINT) };
    let payload = catch_unwind(|| cancel::check("my loop")).unwrap_err();
    assert!(payload.is::<cancel::Interrupted>());
    print!("no line break");
    end_cell();
    begin_cell();
    assert!(!cancel::is_requested());
}

/// Prints text without a line break and goes on until stdin ends.
pub fn prints_half_a_line() {
    begin_cell();
    print!("half a line");
    wait_for_the_test();
    end_cell();
}

/// The same in a fork that has taken over.
pub fn forks() {
    begin_cell();
    let sum = || (0..1000u64).into_par_iter().sum::<u64>();
    assert_eq!(sum(), 499_500);
    // SAFETY: there is no other reference to the store while this one is used.
    let owned = unsafe { open(std::ptr::null_mut()) };
    owned.put_back(ASYNC_RUNTIME, 1_u8);
    owned.put_back("other", 2_u8);
    let variables: *mut VariableStore = owned;
    end_cell();
    // SAFETY: this thread runs no cell, and no other thread prints.
    let child = unsafe { corebook_cell_fork() };
    if child == 0 {
        // SAFETY: the last cell would return this store.
        unsafe { corebook_cell_resume(variables) };
        // SAFETY: as above.
        let owned = unsafe { open(variables) };
        let is_there = owned.check::<u8>(ASYNC_RUNTIME);
        assert!(!is_there, "the asynchronous runtime is forgotten");
        assert_eq!(owned.take::<u8>("other"), 2);
        begin_cell();
        assert_eq!(sum(), 499_500);
        print!("half a line");
        wait_for_the_test();
        end_cell();
        return;
    }
    assert!(child > 0, "{child}");
    let mut status = 0;
    // SAFETY: `status` is writable, and the child is this process's.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "the fork fails");
}

fn wait_for_the_test() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A cell that expects another type of a variable, and defines a new one.
pub fn asks_for_a_changed_variable() {
    let mut variables = VariableStore::default();
    variables.put_back("x", 1_u8);
    let mut slot = Slot::new(2);
    // SAFETY: the slot is not used again.
    unsafe { variables.put_new("y", &mut slot) };
    assert!(!variables.check::<String>("x"));
    variables.close_with_library(7, asks_for_a_changed_variable as *const ());
}

pub fn shows_outputs() {
    use corebook::display;
    display::html("<b>1</b>");
    display::svg("<svg/>");
    display::markdown("*3*");
    display::latex("$4$");
    display::json("[5]");
    display::png(&[6, 7, 8]);
    display::display(&[9]);
    display::clear_output(true);
    [10].evcxr_display();
    ().evcxr_display();
}

pub fn writes_to_stderr() {
    corebook::eprint!("one {}", 1);
    corebook::eprintln!();
    corebook::eprintln!("two {}", 2);
    assert_eq!(corebook::dbg!(1 + 2), 3);
    assert_eq!(corebook::dbg!("a", 'b',), ("a", 'b'));
    corebook::dbg!();
}

pub fn shows_times() {
    for show in [Show::Nothing, Show::Line, Show::Object] {
        timeit(&Options { show, ..ONCE }, &mut || {});
    }
    timeit(
        &Options {
            show: Show::Nothing,
            ..ONCE
        },
        &mut || {},
    )
    .evcxr_display();
    let options = CompareOptions {
        loops: 1,
        repeat: 1,
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let comparison = || compare(&options, &["a", "b"], &mut |run| run.time(&mut || {}));
    comparison().show(&[Results::Differ]).evcxr_display();
    let loud = CompareOptions {
        quiet: false,
        checked: true,
        ..options
    };
    compare(&loud, &["a", "b"], &mut |run| run.time(&mut || {})).show(&[Results::Differ]);
}

pub fn shows_stopwatches() {
    assert_eq!(Stopwatch::start().stop("first"), "first");
    drop(CellStopwatch::start());
    catch_unwind(|| {
        let _watch = CellStopwatch::start();
        panic!("a cell that fails shows no time");
    })
    .unwrap_err();
}

/// Alone in its process, so that no other code uses CPU time.
pub fn times_sleep() {
    let sleep = || std::thread::sleep(std::time::Duration::from_millis(50));
    let quiet = Options {
        show: Show::Nothing,
        ..ONCE
    };
    let wall = timeit(&quiet, &mut || sleep());
    assert!(wall.best >= 0.05, "{wall}");
    let cpu = timeit(&Options { cpu: true, ..quiet }, &mut || sleep());
    assert!(cpu.best < 0.05, "{cpu}");
}
