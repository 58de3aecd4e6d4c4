//! What cells of a notebook do with pools, progress bars and displays.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corebook::__private::pool as magic;
use corebook::pool::{self, Pool};
use corebook::progress::progress;
use corebook::{cancel, cpus, display};

/// Sets a panic hook like that of cells.
fn take_panics_over() {
    std::panic::set_hook(Box::new(|info| {
        assert!(
            pool::take_over_panic(info),
            "a panic outside of the pool: {info}"
        )
    }));
}

/// Not inlined, so that a backtrace names it.
#[inline(never)]
fn fails_at_3(x: i32) -> i32 {
    assert!(x != 3, "divide by zero");
    x
}

pub fn panics() {
    take_panics_over();
    let pool = Pool::new(2);
    let payload = catch_unwind(|| pool.map(fails_at_3, 0..24)).unwrap_err();
    assert_eq!(
        payload.downcast_ref::<String>().unwrap(),
        "panicked in item 3 (of 24): divide by zero"
    );
}

pub fn is_interrupted() {
    let pool = Pool::new(1);
    let work = |x| {
        if x == 39 {
            cancel::request();
        }
        std::thread::sleep(std::time::Duration::from_micros(100));
    };
    let payload = catch_unwind(AssertUnwindSafe(|| pool.map(work, 0..1000))).unwrap_err();
    assert!(payload.is::<cancel::Interrupted>());
}

pub fn is_interrupted_in_loops() {
    let known = catch_unwind(|| {
        for x in progress(0..10) {
            if x == 3 {
                cancel::request();
            }
        }
    });
    assert!(known.unwrap_err().is::<cancel::Interrupted>());
    cancel::reset();
    let unknown = catch_unwind(|| {
        for x in progress((0..10).filter(|x| x % 2 == 0)).label("even") {
            if x == 2 {
                cancel::request();
            }
        }
    });
    assert!(unknown.unwrap_err().is::<cancel::Interrupted>());
    cancel::reset();
}

/// A task whose handle is dropped after its end, one whose handle is dropped before, and a task of rayon.
pub fn panics_unobserved() {
    take_panics_over();
    let pool = Pool::new(1);
    let task = pool.apply_async(|| panic!("after its end"));
    task.wait();
    drop(task);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    drop(pool.apply_async(move || {
        gate.recv().unwrap_err();
        panic!("before its end")
    }));
    drop(release);
    pool.close();
    let pool = Pool::new(1);
    pool.install(|| rayon::spawn(|| panic!("detached")));
    pool.close();
}

/// Outside of a notebook: an item, and a thread that is no worker.
pub fn panics_in_a_program() {
    let pool = Pool::new(1);
    catch_unwind(AssertUnwindSafe(|| {
        pool.map(|_: i32| panic!("in an item"), 0..1)
    }))
    .unwrap_err();
    let thread = std::thread::spawn(|| panic!("on a thread of the program"));
    thread.join().unwrap_err();
}

pub fn shows_progress() {
    let pool = Pool::new(2).progress("render");
    pool.map(|x| x, 0..100_000);
    take_panics_over();
    catch_unwind(|| pool.map(|x| assert!(x != 7), 0..10)).unwrap_err();
    assert!(progress(0..1000).any(|x| x == 5));
}

pub fn opens_pools() {
    let usable = cpus::usable();
    magic::open("pool", None, false, false);
    for _ in 0..2 {
        magic::open("small", Some(usable + 1), false, false);
    }
    magic::open("pool", Some(1), false, true);
    magic::close("pool");
    magic::close("pool");
    magic::print_status();
}

pub fn updates_a_display() {
    let shown = display::display(&1);
    shown.update(&2);
    shown.update_html("<b>3</b>");
    shown.update_svg("<svg/>");
    shown.update_markdown("*5*");
    display::html("another");
}
