//! All methods that map, with all kinds of items.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use corebook::pool::Pool;

fn pools() -> [Pool; 3] {
    [Pool::new(1), Pool::new(2), Pool::new(5)]
}

#[test]
fn ranges_of_every_width_map_like_iterators() {
    let pool = Pool::new(3);
    macro_rules! check {
        ($($integer:ty)*) => { $(
            let (low, high) = (<$integer>::MIN, <$integer>::MAX);
            for (start, end) in [(low, low + 100), (high - 100, high), (0, 7), (5, 5), (9, 3)] {
                let expected: Vec<$integer> = (start..end).map(|x| x ^ 1).collect();
                assert_eq!(pool.map(|x| x ^ 1, start..end), expected);
                let expected: Vec<$integer> = (start..=end).map(|x| x ^ 1).collect();
                assert_eq!(pool.map(|x| x ^ 1, start..=end), expected);
            }
        )* };
    }
    check!(i8 u8 i16 u16 i32 u32 i64 u64 i128 u128 isize usize);
}

#[test]
fn signed_ranges_cross_zero() {
    let pool = Pool::new(2);
    assert_eq!(
        pool.map(|x: i8| x, -128..=127),
        (-128..=127).collect::<Vec<i8>>()
    );
    assert_eq!(
        pool.map(|x| x, -1000..1000i128),
        (-1000..1000).collect::<Vec<i128>>()
    );
    assert_eq!(pool.sum(|x| x, -100_000..=100_000i64), 0);
}

#[test]
fn literals_without_a_type_are_i32() {
    let pool = Pool::new(2);
    let doubled = pool.map(|x| x * 2, 0..24);
    assert_eq!(std::any::type_name_of_val(&doubled[0]), "i32");
}

#[test]
fn a_used_inclusive_range_is_empty() {
    let mut range = 0..=0;
    range.next();
    assert_eq!(Pool::new(1).map(|x: i32| x, range), []);
}

#[test]
fn collections_map_by_value_and_by_reference() {
    for pool in pools() {
        let words = vec!["a".to_owned(), "bb".to_owned(), "ccc".to_owned()];
        assert_eq!(pool.map(|word| word.len(), &words), [1, 2, 3]);
        assert_eq!(pool.map(|word| word.len(), &words[1..]), [2, 3]);
        assert_eq!(pool.map(String::len, words.iter()), [1, 2, 3]);
        assert_eq!(
            pool.map(|word: String| word + "!", words),
            ["a!", "bb!", "ccc!"]
        );
        assert_eq!(pool.map(|x| x + 1, [1u8, 2, 3]), [2, 3, 4]);
        assert_eq!(pool.map(|x| x + 1, &[1u8, 2, 3]), [2, 3, 4]);
        let ages = HashMap::from([("ann", 30), ("bob", 40)]);
        let mut next = pool.map(|(name, age)| format!("{name} {}", age + 1), &ages);
        next.sort();
        assert_eq!(next, ["ann 31", "bob 41"]);
        let mut next = pool.map(|(name, age)| (name, age + 1), ages);
        next.sort();
        assert_eq!(next, [("ann", 31), ("bob", 41)]);
        assert_eq!(pool.map(|x| x * 2, BTreeSet::from([3, 1, 2])), [2, 4, 6]);
        assert_eq!(
            pool.map(|c| c.to_ascii_uppercase(), "abc".chars().rev()),
            ['C', 'B', 'A']
        );
        assert_eq!(pool.map(|c| c, 'a'..='e'), ['a', 'b', 'c', 'd', 'e']);
        assert_eq!(pool.map(|n| n, Some(7)), [7]);
    }
}

#[test]
fn elements_can_be_changed_in_place() {
    let mut numbers = vec![1, 2, 3];
    Pool::new(2).for_each(|number| *number *= 10, &mut numbers);
    assert_eq!(numbers, [10, 20, 30]);
}

#[test]
fn functions_of_every_kind_map() {
    fn triple(x: i64) -> i64 {
        x * 3
    }
    struct Scale(i64);
    impl Scale {
        fn by(&self, x: i64) -> i64 {
            self.0 * x
        }
    }
    let pool = Pool::new(2);
    let scale = Scale(3);
    let pointer: fn(i64) -> i64 = triple;
    let boxed: Box<dyn Fn(i64) -> i64 + Sync> = Box::new(triple);
    let expected = [0, 3, 6];
    assert_eq!(pool.map(triple, 0..3), expected);
    assert_eq!(pool.map(pointer, 0..3), expected);
    let reference = &triple;
    assert_eq!(pool.map(reference, 0..3), expected);
    assert_eq!(pool.map(boxed, 0..3), expected);
    assert_eq!(pool.map(|x| scale.by(x), 0..3), expected);
    assert_eq!(pool.map(i64::abs, -1..1), [1, 0]);
    assert_eq!(pool.map(Some, 0..2), [Some(0), Some(1)]);
}

#[test]
fn results_of_every_kind_come_back() {
    let pool = Pool::new(3);
    assert_eq!(pool.map(|x| vec![x; 3], 0..2), [[0; 3], [1; 3]]);
    assert_eq!(pool.map(|x| [x as u8; 1000], 0..3)[2], [2; 1000]);
    assert_eq!(pool.map(drop, 0..1000).len(), 1000);
    assert_eq!(
        pool.map(|x| if x < 2 { Ok(x) } else { Err("large") }, 0..3),
        [Ok(0), Ok(1), Err("large")]
    );
    assert_eq!(
        pool.map(|x| Box::new(x) as Box<dyn Fn() -> i32 + Send>, [|| 1, || 2])[1](),
        2
    );
}

#[test]
fn empty_input_gives_empty_output() {
    for pool in pools() {
        assert_eq!(pool.map(|x| x, 0..0), [0; 0]);
        assert_eq!(pool.map(|x| x, Vec::<String>::new()), [""; 0]);
        assert_eq!(pool.filter_map(Some, 0..0), [0; 0]);
        assert_eq!(pool.sum(|x| x, 0..0), 0);
        assert_eq!(pool.map_reduce(|x| x, 0..0, 7, |a, b| a + b), 7);
        assert_eq!(pool.min_by_key(|x| *x, 0..0), None);
        assert_eq!(pool.try_map(Ok::<i32, ()>, 0..0), Ok(vec![]));
        assert_eq!(pool.starmap(|a, b| a + b, [(1, 2); 0]), [0; 0]);
        assert_eq!(pool.imap(|x| x, 0..0).count(), 0);
        assert_eq!(pool.imap_unordered(|x| x, 0..0).count(), 0);
        assert_eq!(pool.map_async(|x| x, 0..0).get(), [0; 0]);
    }
}

#[test]
fn many_items_keep_their_order() {
    for pool in pools() {
        for count in [1, 2, 3, 63, 64, 65, 1000, 100_003] {
            assert_eq!(
                pool.map(|x| x, 0..count),
                (0..count).collect::<Vec<usize>>()
            );
            let strings: Vec<String> = (0..count.min(2000)).map(|x| x.to_string()).collect();
            assert_eq!(pool.map(|text| text, strings.clone()), strings);
            assert_eq!(
                pool.chunksize(7).map(|x| x, 0..count),
                (0..count).collect::<Vec<usize>>()
            );
            assert_eq!(
                pool.imap(|x| x, 0..count).collect::<Vec<_>>(),
                (0..count).collect::<Vec<usize>>()
            );
        }
    }
}

#[test]
fn starmap_takes_tuples_of_every_length() {
    let pool = Pool::new(2);
    assert_eq!(pool.starmap(|a, b| a * b, [(1, 2), (3, 4)]), [2, 12]);
    assert_eq!(
        pool.starmap(|a, b, c| a + b * c, vec![(1, 2, 3), (4, 5, 6)]),
        [7, 34]
    );
    assert_eq!(pool.starmap(i32::pow, [(2, 3u32), (3, 2)]), [8, 9]);
    assert_eq!(
        pool.starmap(|a: f64, b: f64| a.hypot(b), [(3.0, 4.0)]),
        [5.0]
    );
    assert_eq!(
        pool.starmap(|a, b: &str| format!("{a}{b}"), (0..2).zip(["x", "y"])),
        ["0x", "1y"]
    );
    assert_eq!(pool.starmap(|a| a + 1, [(1,)]), [2]);
}

#[test]
fn reductions_do_not_depend_on_the_number_of_workers() {
    let series = |pool: Pool| pool.sum(|k| 1.0 / (f64::from(k) + 1.0), 0..200_000);
    let [one, two, five] = pools().map(series);
    assert_eq!(
        (one.to_bits(), one.to_bits()),
        (two.to_bits(), five.to_bits())
    );
    for pool in pools() {
        assert_eq!(pool.sum(|x| x, 0..1_000_000u64), 499_999_500_000);
        assert_eq!(
            pool.chunksize(1000).sum(|x| x, 0..1_000_000u64),
            499_999_500_000
        );
        let digits = pool.map_reduce(
            |x: u32| x.to_string(),
            0..20_000,
            String::new,
            |a, b| a + &b,
        );
        assert_eq!(
            digits,
            (0..20_000).map(|x| x.to_string()).collect::<String>()
        );
        assert_eq!(pool.map_reduce(|x| x, 1..=4, || 10, |a, b| a + b), 20);
    }
}

#[test]
fn extremes_are_those_of_iterators() {
    let pool = Pool::new(3);
    let values: Vec<i32> = (0..50_000).map(|x| x * 7919 % 1000).collect();
    let pairs = || values.iter().enumerate();
    assert_eq!(
        pool.min_by_key(|pair| pair.1, pairs()),
        pairs().min_by_key(|pair| pair.1)
    );
    assert_eq!(
        pool.max_by_key(|pair| pair.1, pairs()),
        pairs().max_by_key(|pair| pair.1)
    );
}

#[test]
fn filter_map_keeps_order() {
    for pool in pools() {
        let expected: Vec<u32> = (0..100_000).filter(|x| x % 7 == 0).collect();
        assert_eq!(
            pool.filter_map(|x| (x % 7 == 0).then_some(x), 0..100_000u32),
            expected
        );
    }
}

#[test]
fn try_map_returns_the_first_error_in_item_order() {
    for pool in pools() {
        for _ in 0..20 {
            let error = pool
                .try_map(|x| if x % 10 == 9 { Err(x) } else { Ok(x) }, 0..1000)
                .unwrap_err();
            assert_eq!((error.item, error.items, error.error), (9, 1000, 9));
        }
        assert_eq!(pool.try_map(Ok::<_, ()>, 0..3), Ok(vec![0, 1, 2]));
    }
    let error = Pool::new(2)
        .try_map(str::parse::<i32>, ["1", "x"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "item 1 (of 2): invalid digit found in string"
    );
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "invalid digit found in string");
}

#[test]
fn imap_yields_before_the_last_item_is_done() {
    let pool = Pool::new(2);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let wait_at_last = move |x| {
        if x == 3 {
            gate.lock()
                .unwrap()
                .recv_timeout(Duration::from_secs(30))
                .unwrap();
        }
        x
    };
    let mut results = pool.imap(wait_at_last, 0..4);
    assert_eq!(results.by_ref().take(3).collect::<Vec<_>>(), [0, 1, 2]);
    release.send(()).unwrap();
    assert_eq!((results.next(), results.next()), (Some(3), None));
}

#[test]
fn dropping_an_imap_stops_it() {
    let pool = Pool::new(2);
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let results = pool
        .chunksize(1)
        .imap(|_| STARTED.fetch_add(1, Ordering::Relaxed), 0..1_000_000);
    drop(results);
    assert!(pool.close());
    assert!(STARTED.load(Ordering::Relaxed) < 1_000_000);
}

#[test]
fn apply_and_its_background_form_return_the_result() {
    let pool = Pool::new(2);
    let text = String::from("moved");
    assert_eq!(pool.apply(|| text.len()), 5);
    let task = pool.apply_async(move || text);
    assert_eq!(task.get(), "moved");
}

#[test]
fn chunks_are_exact() {
    let pool = Pool::new(2);
    let begins = Barrier::new(2);
    let thread_of = |x| {
        // Each worker holds one of two chunks: it gets no item of the other, however fast it is.
        if x < 8 && x % 4 == 0 {
            begins.wait();
        }
        std::thread::current().id()
    };
    let threads: Vec<_> = pool.chunksize(4).map(thread_of, 0..18);
    for chunk in threads.chunks(4) {
        assert!(
            chunk.iter().all(|thread| *thread == chunk[0]),
            "{threads:?}"
        );
    }
    assert_ne!(threads[0], threads[4]);
}

#[test]
fn iterators_know_how_many_results_may_come() {
    let pool = Pool::new(2);
    let mut results = pool.imap(|x| x, 0..5);
    assert_eq!(results.size_hint(), (0, Some(5)));
    results.next();
    assert_eq!(results.size_hint(), (0, Some(4)));
    let mut results = pool.imap_unordered(|x| x, 0..5);
    assert_eq!(results.size_hint(), (0, Some(5)));
    results.next();
    assert_eq!(results.size_hint(), (0, Some(4)));
}

#[test]
fn a_task_knows_whether_it_is_ready() {
    let pool = Pool::new(1);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let task = pool.map_async(
        move |x| {
            if x == 0 {
                gate.lock().unwrap().recv().unwrap_err();
            }
        },
        0..3,
    );
    assert!(!task.is_ready());
    assert_eq!(
        format!("{task:?}"),
        "Task { pool.map_async, 3 items, running }"
    );
    drop(release);
    task.wait();
    assert!(task.is_ready());
    assert_eq!(
        format!("{task:?}"),
        "Task { pool.map_async, 3 items, ready }"
    );
    assert_eq!(task.get().len(), 3);
}

#[test]
fn results_take_the_room_of_their_items() {
    let items: Vec<u64> = (0..100).collect();
    let address = items.as_ptr().addr();
    let results = Pool::new(2).map(|x| x as f64, items);
    assert_eq!(results.as_ptr().addr(), address);
    assert_eq!(results[99], 99.0);
}

#[test]
fn a_map_may_begin_with_a_value_or_a_function() {
    let pool = Pool::new(2);
    let no_items: [&str; 0] = [];
    assert_eq!(pool.map_reduce(str::len, no_items, 5, usize::max), 5);
    assert_eq!(pool.map_reduce(str::len, no_items, || 6, usize::max), 6);
    let folded = pool.map_reduce(|x: i32| vec![x], 0..3, vec![-1], |a, b| [a, b].concat());
    assert_eq!(folded, [-1, 0, 1, 2]);
}

#[test]
fn one_worker_runs_items_in_order() {
    let pool = Pool::new(1);
    let order = Mutex::new(Vec::new());
    pool.for_each(|x| order.lock().unwrap().push(x), 0..10_000);
    assert_eq!(
        order.into_inner().unwrap(),
        (0..10_000).collect::<Vec<i32>>()
    );
}

/// The only worker is busy until it waits for the task.
#[test]
fn a_map_in_the_background_of_a_worker_starts_later() {
    static HAS_RETURNED: AtomicBool = AtomicBool::new(false);
    let pool = Pool::new(1);
    let outer = |_: i32| {
        let task = pool.map_async(|_: i32| HAS_RETURNED.load(Ordering::Relaxed), 0..3);
        HAS_RETURNED.store(true, Ordering::Relaxed);
        task.get()
    };
    assert_eq!(pool.map(outer, 0..1), [[true; 3]]);
}
