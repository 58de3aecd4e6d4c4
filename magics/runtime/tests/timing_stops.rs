//! How a measurement ends early: an interrupt, a panic.
//!
//! An interrupt is a flag of the whole process, so what sets it runs in a process of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use corebook::cancel::{self, Interrupted};
use corebook::timing::{CompareOptions, Options, Show, compare, timeit, timeit_with_setup};

const OPTIONS: Options = Options {
    loops: 10,
    show: Show::Nothing,
    ..Options::DEFAULT
};

/// What the ignored test `name` of this file writes to stderr in a process of its own.
fn stderr_of(name: &str) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .expect("this program starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    stderr
}

#[test]
fn panic_says_in_which_loop_it_was() {
    let stderr = stderr_of("panicking");
    assert!(
        stderr.contains("timing abandoned: panicked in loop 3 (of 10)\n"),
        "{stderr}"
    );
}

#[test]
#[ignore = "the other half of the test above"]
fn panicking() {
    let mut calls = 0;
    let result = catch_unwind(AssertUnwindSafe(|| {
        timeit(&OPTIONS, &mut || {
            calls += 1;
            assert_ne!(calls, 3);
        })
    }));
    assert!(result.is_err());
    assert_eq!(calls, 3, "timing goes on after a panic");
}

#[test]
fn interrupt_stops_between_loops_and_says_what_it_stopped() {
    let stderr = stderr_of("interrupted");
    assert!(
        stderr.contains("interrupted: %timeit in run 1\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("interrupted: %compare in run 2\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("timing abandoned"), "{stderr}");
}

#[test]
#[ignore = "the other half of the test above"]
fn interrupted() {
    let mut calls = 0;
    let mut setup_dropped = 0;
    struct Counted<'count>(&'count mut i32);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }
    let payload = catch_unwind(AssertUnwindSafe(|| {
        timeit_with_setup(&OPTIONS, &mut |run| {
            let _setup = Counted(&mut setup_dropped);
            run.time(&mut || {
                calls += 1;
                if calls == 3 {
                    cancel::request();
                }
            });
        })
    }));
    assert!(payload.expect_err("it was interrupted").is::<Interrupted>());
    assert_eq!((calls, setup_dropped), (3, 1));

    cancel::reset();
    let options = CompareOptions {
        loops: 10,
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let payload = catch_unwind(AssertUnwindSafe(|| {
        compare(&options, &["a", "b"], &mut |run| {
            let side = run.side();
            run.time(&mut || {
                if side == 1 {
                    cancel::request();
                }
            });
        })
    }));
    assert!(payload.expect_err("it was interrupted").is::<Interrupted>());
}
