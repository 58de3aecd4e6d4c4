//! Panics, interrupts and drops: what is reported, what stops, and that no value leaks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use corebook::__private::event;
use corebook::cancel;
use corebook::pool::Pool;
use support::helper::HELPER;

/// Tests that set the interrupt flag and tests that must not see it take turns, because a process has only one flag.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `f`, which must panic. Returns the message.
fn message<R>(f: impl FnOnce() -> R) -> String {
    assert!(!event::in_notebook());
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("it panics");
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .expect("the payload is text")
}

/// A value that counts how many values of its kind exist.
struct Counted<'a>(&'a AtomicI64);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicI64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_panic_names_the_item_and_the_line() {
    let _turn = turn();
    let pool = Pool::new(2);
    let line = line!() + 1;
    let text = message(|| pool.map(|x| if x == 3 { panic!("divide by zero") } else { x }, 0..24));
    let place = format!(", at {}:{line}:", file!());
    assert!(
        text.starts_with("panicked in item 3 (of 24): divide by zero"),
        "{text}"
    );
    assert!(text.contains(&place), "{text} should name {place}");
    assert_eq!(pool.map(|x| x, 0..3), [0, 1, 2], "the pool lives on");
}

#[test]
fn a_panic_names_the_value_of_the_item_if_it_is_not_its_number() {
    let _turn = turn();
    let pool = Pool::new(2);
    let fails = |text: String, expected: &str| assert!(text.starts_with(expected), "{text}");
    fails(
        message(|| pool.map(|x: i16| 6 / (x + 1), -3..3)),
        "panicked in item 2 (of 6), -1: attempt to divide by zero",
    );
    fails(
        message(|| pool.for_each(|x| assert!(x < 0.5), vec![0.25, 0.75])),
        "panicked in item 1 (of 2), 0.75: ",
    );
    let words = ["7".to_owned(), "seven".to_owned()];
    let parse = |text: &str| text.parse::<u8>().expect("a number");
    let text = "panicked in item 1 (of 2), \"seven\": a number: ";
    fails(
        message(|| pool.map(|word: &String| parse(word), &words)),
        text,
    );
    fails(
        message(|| pool.map(parse, words.iter().map(String::as_str))),
        text,
    );
    fails(message(|| pool.imap(parse, ["7", "seven"]).count()), text);
    // An item of another type is named by its number alone.
    fails(
        message(|| pool.map(|word: String| parse(&word), words.clone())),
        "panicked in item 1 (of 2): a number: ",
    );
    let long = "a".repeat(100);
    fails(
        message(|| pool.map(parse, [long.as_str()])),
        &format!("panicked in item 0 (of 1), \"{}…: ", "a".repeat(59)),
    );
}

#[test]
fn the_lowest_failing_item_is_named() {
    let _turn = turn();
    for workers in [1, 2, 4] {
        let pool = Pool::new(workers);
        for _ in 0..50 {
            let text = message(|| pool.for_each(|x| assert!(x % 100 != 42, "bad {x}"), 0..10_000));
            assert!(
                text.starts_with("panicked in item 42 (of 10000): bad 42"),
                "{text}"
            );
            let text =
                message(|| pool.sum(|x| if x > 5_000 { panic!("bad {x}") } else { x }, 0..10_000));
            assert!(
                text.starts_with("panicked in item 5001 (of 10000): bad 5001"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_panic_stops_new_items() {
    let _turn = turn();
    let started = AtomicUsize::new(0);
    let pool = Pool::new(2);
    message(|| {
        pool.chunksize(1).for_each(
            |x| {
                started.fetch_add(1, Ordering::Relaxed);
                assert!(x != 0);
                std::thread::sleep(Duration::from_millis(1));
            },
            0..10_000,
        )
    });
    assert!(started.into_inner() < 10_000);
}

#[test]
fn nothing_leaks_when_an_item_panics() {
    let _turn = turn();
    for (workers, chunk) in [(1, 0), (2, 0), (3, 0), (2, 1), (3, 10)] {
        let pool = match chunk {
            0 => Pool::new(workers),
            chunk => Pool::new(workers).chunksize(chunk),
        };
        for failing in [0, 1, 7, 63, 64, 500, 4_999] {
            let (items, results) = (AtomicI64::new(0), AtomicI64::new(0));
            let make = || (0..5_000).map(|index| (index, Counted::new(&items)));
            let work = |(index, item): (i32, Counted<'_>)| {
                let result = Counted::new(&results);
                assert!(index != failing);
                drop(item);
                result
            };
            let check = |what: &str| {
                assert_eq!(
                    items.load(Ordering::Relaxed),
                    0,
                    "items of {what}, {failing} failing"
                );
                assert_eq!(
                    results.load(Ordering::Relaxed),
                    0,
                    "results of {what}, {failing} failing"
                );
            };
            message(|| pool.map(work, make()));
            check("map");
            message(|| pool.map(|item| (item.0, work(item)), make()));
            check("map, results in the items' places");
            message(|| pool.filter_map(|item| Some(work(item)), make()));
            check("filter_map");
            message(|| {
                pool.map_reduce(work, make(), || Counted::new(&results), |left, _right| left)
            });
            check("map_reduce");
            message(|| pool.min_by_key(|item| assert!(item.0 != failing), make()));
            check("min_by_key");
            let stopped = pool.try_map(
                |item| {
                    let result = Counted::new(&results);
                    if item.0 == failing {
                        Err(item.0)
                    } else {
                        Ok(result)
                    }
                },
                make(),
            );
            assert_eq!(stopped.err().map(|error| error.error), Some(failing));
            check("try_map");
        }
    }
}

#[test]
fn nothing_leaks_in_the_background() {
    let _turn = turn();
    static ITEMS: AtomicI64 = AtomicI64::new(0);
    static RESULTS: AtomicI64 = AtomicI64::new(0);
    let pool = Pool::new(2);
    let make = || (0..3_000).map(|index| (index, Counted::new(&ITEMS)));
    let work = |failing: i32| {
        move |(index, _item): (i32, Counted<'static>)| {
            assert!(index != failing);
            Counted::new(&RESULTS)
        }
    };
    let text = message(|| pool.map_async(work(1_000), make()).get());
    assert!(
        text.starts_with("panicked in item 1000 (of 3000): "),
        "{text}"
    );
    let text = message(|| pool.imap(work(1_000), make()).map(drop).count());
    assert!(
        text.starts_with("panicked in item 1000 (of 3000): "),
        "{text}"
    );
    message(|| pool.imap_unordered(work(1_000), make()).map(drop).count());
    let work_in_place = move |failing| move |item: (i32, _)| (item.0, work(failing)(item));
    message(|| pool.map_async(work_in_place(1_000), make()).get());
    message(|| pool.imap(work_in_place(1_000), make()).map(drop).count());
    drop(pool.imap(work_in_place(-1), make()));
    drop(pool.imap(work(-1), make()));
    drop(pool.map_async(work(-1), make()));
    let task = pool.map_async(work(-1), make());
    task.cancel();
    drop(task);
    pool.close();
    assert_eq!(
        (
            ITEMS.load(Ordering::Relaxed),
            RESULTS.load(Ordering::Relaxed)
        ),
        (0, 0)
    );
}

#[test]
fn imap_yields_what_comes_before_a_panic() {
    let _turn = turn();
    let pool = Pool::new(2);
    let mut seen = Vec::new();
    message(|| {
        for x in pool.imap(|x| if x == 5 { panic!("five") } else { x }, 0..10) {
            seen.push(x);
        }
    });
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[test]
fn a_nested_panic_names_both_items() {
    let _turn = turn();
    let pool = Pool::new(2);
    let inner = |x: i32| pool.map(move |y| assert!(x * 10 + y != 12, "boom"), 0..5);
    let text = message(|| pool.map(inner, 0..4));
    assert!(
        text.starts_with("panicked in item 1 (of 4): panicked in item 2 (of 5): boom"),
        "{text}"
    );
}

#[test]
fn install_and_apply_pass_panics_on() {
    use rayon::prelude::*;
    let _turn = turn();
    let pool = Pool::new(2);
    assert!(message(|| pool.apply(|| panic!("in apply"))).starts_with("in apply, at "));
    let text = message(|| {
        pool.install(|| {
            (0..100)
                .into_par_iter()
                .for_each(|x| assert!(x != 7, "seven"))
        })
    });
    assert!(text.starts_with("seven"), "{text}");
    assert!(message(|| pool.apply_async(|| panic!("later")).get()).starts_with("later, at "));
}

#[test]
fn locks_of_the_pool_are_not_poisoned() {
    let _turn = turn();
    let pool = Pool::new(2);
    for _ in 0..20 {
        message(|| pool.map(|x| assert!(x != 1), 0..4));
        message(|| pool.map_async(|x| assert!(x != 1), 0..4).get());
    }
    assert_eq!(pool.map(|x| x, 0..2), [0, 1]);
}

#[test]
fn a_closed_pool_says_how_to_open_it() {
    let _turn = turn();
    let pool = corebook::__private::pool::open("closing", Some(1), false, false);
    corebook::__private::pool::close("closing");
    let expected = "closing is closed: run %pool --name closing to open it";
    assert_eq!(message(|| pool.map(|x| x, 0..3)), expected);
    assert_eq!(message(|| pool.map(|x| x, 0..0)), expected);
    assert_eq!(message(|| pool.install(|| ())), expected);
    assert_eq!(message(|| pool.map_async(|x| x, 0..3)).as_str(), expected);
    let usual = corebook::__private::pool::open("pool", Some(1), false, false);
    corebook::__private::pool::close("pool");
    assert_eq!(
        message(|| usual.sum(|x| x, 0..3)),
        "pool is closed: run %pool to open it"
    );
}

/// Requests an interrupt when item `at` starts. Returns how many items started.
fn interrupted_at(at: usize, run: impl FnOnce(&(dyn Fn(usize) + Sync))) -> usize {
    let started = AtomicUsize::new(0);
    let item = |index: usize| {
        started.fetch_add(1, Ordering::Relaxed);
        if index == at {
            cancel::request();
        }
        std::thread::sleep(Duration::from_micros(300));
    };
    let payload = catch_unwind(AssertUnwindSafe(|| run(&item))).expect_err("an interrupt unwinds");
    cancel::reset();
    assert!(payload.is::<cancel::Interrupted>());
    started.into_inner()
}

#[test]
fn an_interrupt_stops_between_items() {
    let _turn = turn();
    let pool = Pool::new(2);
    let started = interrupted_at(10, |item| drop(pool.map(item, 0..100_000)));
    assert!((11..1000).contains(&started), "{started} items started");
    let started = interrupted_at(10, |item| drop(pool.chunksize(5_000).map(item, 0..100_000)));
    assert!((11..1000).contains(&started), "{started} items started");
    let nested =
        |item: &(dyn Fn(usize) + Sync)| pool.for_each(|_| pool.for_each(item, 0..50_000), 0..2);
    let started = interrupted_at(10, nested);
    assert!((11..1000).contains(&started), "{started} items started");
    assert_eq!(pool.map(|x| x, 0..3), [0, 1, 2], "the pool lives on");
}

#[test]
fn an_interrupt_ends_waiting_for_a_task_but_no_other_task() {
    let _turn = turn();
    let pool = Pool::new(2);
    let slow = |_: i32| std::thread::sleep(Duration::from_micros(200));
    let other = pool.map_async(slow, 0..500);
    let awaited = pool.map_async(slow, 0..100_000);
    cancel::request();
    let payload = catch_unwind(AssertUnwindSafe(|| awaited.get())).unwrap_err();
    cancel::reset();
    assert!(payload.is::<cancel::Interrupted>());
    assert_eq!(other.get().len(), 500);
}

#[test]
fn a_loop_stops_where_it_looks_for_an_interrupt() {
    let _turn = turn();
    cancel::check("nothing was requested");
    assert!(!cancel::is_requested());
    cancel::request();
    assert!(cancel::is_requested());
    let payload = catch_unwind(|| cancel::check("my loop")).unwrap_err();
    assert!(payload.is::<cancel::Interrupted>());
    cancel::reset();
    assert!(!cancel::is_requested());
    let payload = catch_unwind(|| cancel::stop("my loop")).unwrap_err();
    assert!(payload.is::<cancel::Interrupted>());
}

#[test]
fn a_payload_that_is_not_text_is_passed_on() {
    let _turn = turn();
    let pool = Pool::new(1);
    let payload = catch_unwind(|| pool.apply(|| std::panic::panic_any(7))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7));
    let text = message(|| pool.map(|_| std::panic::panic_any(7), 0..1));
    assert!(
        text.starts_with("panicked in item 0 (of 1): a value that is not text"),
        "{text}"
    );
}

#[test]
fn a_cancelled_task_says_so() {
    let _turn = turn();
    let pool = Pool::new(1);
    let task = pool.map_async(|_| std::thread::sleep(Duration::from_millis(1)), 0..100_000);
    task.cancel();
    let text = message(|| task.get());
    assert!(
        text.starts_with("cancelled: pool.map_async after ") && text.ends_with(" of 100000 items"),
        "{text}"
    );
}

#[test]
fn captures_are_dropped_with_the_task() {
    let _turn = turn();
    let pool = Pool::new(2);
    let shared = Arc::new(5);
    let captured = Arc::clone(&shared);
    assert_eq!(
        pool.map_async(move |x| x + *captured, 0..3).get(),
        [5, 6, 7]
    );
    pool.close();
    assert_eq!(Arc::strong_count(&shared), 1);
}

/// The map reports the panic of its item. The hook of the program still reports all others.
#[test]
fn only_panics_of_items_are_kept_from_the_hook_of_a_program() {
    let output = std::process::Command::new(HELPER)
        .arg("panics_in_a_program")
        .env_remove(event::NONCE_VARIABLE)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("on a thread of the program"), "{text}");
    assert_eq!(text.matches("in an item").count(), 1, "{text}");
    assert!(
        text.contains("panicked in item 0 (of 1): in an item, at "),
        "{text}"
    );
}
