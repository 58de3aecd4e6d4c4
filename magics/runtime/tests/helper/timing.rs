//! Measurements that end early.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corebook::cancel::{self, Interrupted};
use corebook::timing::{CompareOptions, Options, Show, compare, timeit, timeit_with_setup};

const OPTIONS: Options = Options {
    loops: 10,
    show: Show::Nothing,
    ..Options::DEFAULT
};

pub fn panicking() {
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

pub fn interrupted() {
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
