//! Opening, resizing and closing; nesting; several threads at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use corebook::pool::Pool;
use rayon::prelude::*;

/// Counts the threads of this process whose name starts with `name`.
#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|found| found.starts_with(name)).count()
}

/// Waits until this process has `count` threads with this name; fails after a time. `/proc` may show a joined thread
/// for a moment longer, and a new one a moment later.
#[cfg(target_os = "linux")]
#[track_caller]
fn expect_threads(name: &str, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while threads_named(name) != count {
        assert!(
            Instant::now() < deadline,
            "{} threads named {name}, not {count}",
            threads_named(name)
        );
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn opening_and_closing_leaks_no_thread() {
    let cycles =
        std::env::var("COREBOOK_TEST_CYCLES").map_or(500, |cycles| cycles.parse().unwrap());
    for cycle in 0..cycles {
        let pool = corebook::__private::pool::open("leaky", Some(2 + cycle % 2), false, false);
        assert_eq!(pool.map(|x| x, 0..4), [0, 1, 2, 3]);
        corebook::__private::pool::close("leaky");
        expect_threads("leaky", 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn resizing_replaces_the_threads() {
    let pool = corebook::__private::pool::open("resized", Some(2), false, false);
    expect_threads("resized", 2);
    corebook::__private::pool::open("resized", Some(5), false, false);
    assert_eq!(pool.workers(), 5);
    expect_threads("resized", 5);
    corebook::__private::pool::open("resized", Some(5), false, false);
    pool.resize(1);
    assert_eq!(pool.workers(), 1);
    expect_threads("resized", 1);
    corebook::__private::pool::close("resized");
    corebook::__private::pool::close("resized");
    expect_threads("resized", 0);
    pool.resize(3);
    assert_eq!(pool.map(|x| x, 0..3), [0, 1, 2]);
}

#[test]
fn resizing_to_the_same_size_keeps_the_threads() {
    let pool = Pool::new(2);
    let begin = Barrier::new(2);
    let thread_ids = || -> HashSet<_> {
        let thread_of = |_| {
            begin.wait();
            std::thread::current().id()
        };
        pool.map(thread_of, 0..2).into_iter().collect()
    };
    let before = thread_ids();
    pool.resize(2);
    assert_eq!(thread_ids(), before);
    pool.close();
    pool.resize(2);
    assert!(thread_ids().is_disjoint(&before));
}

#[test]
fn a_builder_sets_the_number_of_workers() {
    let pool = Pool::builder().workers(3).open();
    assert_eq!(pool.workers(), 3);
    assert_eq!(format!("{pool:?}"), "Pool { workers: 3 }");
    pool.close();
    assert_eq!(format!("{pool:?}"), "Pool { closed }");
    assert_eq!(Pool::builder().open().workers(), corebook::cpus::usable());
}

#[test]
fn closing_finishes_work_in_flight() {
    let pool = Pool::new(2);
    let slow = |x| {
        std::thread::sleep(Duration::from_millis(1));
        x
    };
    let tasks = [pool.map_async(slow, 0..50), pool.map_async(slow, 50..80)];
    assert!(pool.close());
    assert!(!pool.close());
    assert!(tasks.iter().all(|task| task.is_ready()));
    let [first, second] = tasks.map(|task| task.get());
    assert_eq!(
        (first, second),
        ((0..50).collect(), (50..80).collect::<Vec<_>>())
    );
}

#[test]
fn resizing_finishes_work_in_flight() {
    let pool = Pool::new(2);
    let task = pool.map_async(
        |x| {
            std::thread::sleep(Duration::from_millis(1));
            x
        },
        0..50,
    );
    pool.resize(3);
    assert_eq!(pool.map(|x| x, 0..3), [0, 1, 2]);
    assert_eq!(task.get(), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_pool_can_be_closed_by_its_own_worker() {
    let pool = Pool::new(2);
    assert_eq!(
        pool.map(|x| if x == 0 { usize::from(pool.close()) } else { x }, 0..4),
        [1, 1, 2, 3]
    );
    assert!(!pool.close());
}

#[test]
fn the_default_pool_is_one_pool() {
    assert_eq!(Pool::default(), Pool::default());
    assert_eq!(Pool::default().workers(), corebook::cpus::usable());
}

#[test]
fn a_handle_reopens_with_its_name() {
    let pool = corebook::__private::pool::open("again", Some(1), false, false);
    corebook::__private::pool::close("again");
    assert_eq!(
        corebook::__private::pool::open("again", Some(2), false, false),
        pool
    );
    assert_eq!(pool.map(|x| x, 0..2), [0, 1]);
}

#[test]
fn nested_maps_do_not_deadlock() {
    for workers in [1, 2, 4] {
        let pool = Pool::new(workers);
        let sum = |x: u64| pool.sum(|y| x * y, 0..100u64);
        assert_eq!(pool.sum(sum, 0..100u64), 4950 * 4950);
        let depth = |x| {
            pool.map(|y| pool.map(|z| x + y + z, 0..4).len(), 0..4)
                .len()
        };
        assert_eq!(pool.map(depth, 0..8), [4; 8]);
        let background = |x: usize| pool.map_async(move |y| x + y, 0..10).get().len();
        assert_eq!(pool.map(background, 0..20), [10; 20]);
        let streamed = |x: usize| pool.imap(move |y| x * y, 0..10).sum::<usize>();
        assert_eq!(
            pool.map(streamed, 0..20),
            (0..20).map(|x| x * 45).collect::<Vec<_>>()
        );
    }
}

#[test]
fn rayon_nests_in_maps_and_maps_in_rayon() {
    for workers in [1, 2, 4] {
        let pool = Pool::new(workers);
        let inner = |x: u64| (0..1000u64).into_par_iter().map(|y| x + y).sum::<u64>();
        assert_eq!(
            pool.map(inner, 0..10),
            (0..10).map(|x| 499_500 + 1000 * x).collect::<Vec<_>>()
        );
        let outer = || {
            (0..50u64)
                .into_par_iter()
                .map(|x| pool.sum(|y| y, 0..x))
                .sum::<u64>()
        };
        assert_eq!(
            pool.install(outer),
            (0..50u64).map(|x| (0..x).sum::<u64>()).sum::<u64>()
        );
        assert_eq!(
            pool.install(|| rayon::join(|| pool.map(|x| x, 0..3), || 4)),
            (vec![0, 1, 2], 4)
        );
        assert!(
            pool.map(|_| rayon::current_thread_index().is_some(), 0..9)
                .into_iter()
                .all(|is_worker| is_worker)
        );
        assert_eq!(pool.install(rayon::current_num_threads), workers);
    }
}

#[test]
fn several_threads_map_at_once() {
    let pool = Pool::new(2);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            scope.spawn(move || {
                for round in 0..50u64 {
                    assert_eq!(
                        pool.sum(|x| x + thread, 0..round),
                        (0..round).sum::<u64>() + round * thread
                    );
                }
            });
        }
    });
}

#[test]
fn two_pools_nest_in_each_other() {
    let (outer, inner) = (Pool::new(2), Pool::new(3));
    let work = |x: i32| inner.map(|y| outer.sum(|z| x + y + z, 0..5), 0..3).len();
    assert_eq!(outer.map(work, 0..10), [3; 10]);
}

/// Items are equally long, whatever the machine does meanwhile: none ends before each worker has one. Fewer
/// workers, or one that holds two items, would hang.
#[test]
fn equal_items_are_shared_evenly() {
    for workers in 1..=8 {
        let pool = Pool::new(workers);
        let round = Barrier::new(workers);
        let thread_of = |_| {
            round.wait();
            std::thread::current().id()
        };
        let threads = pool.map(thread_of, 0..workers * 4);
        let ids: HashSet<_> = threads.iter().copied().collect();
        assert_eq!(ids.len(), workers);
        for id in ids {
            let items = threads.iter().filter(|found| **found == id).count();
            assert_eq!(items, 4, "of one of {workers} workers");
        }
    }
}

#[test]
fn late_slow_items_are_shared() {
    let pool = Pool::new(2);
    let threads = Mutex::new(HashSet::new());
    // Fast for so long that chunks have grown large when the slow items begin. They are slow until both workers
    // have one, for at most 10 s: a busy machine may be late to wake a worker.
    let work = |x: u32| {
        if x >= 500_000 && x.is_multiple_of(100) {
            let mut seen = threads.lock().unwrap();
            seen.insert(std::thread::current().id());
            if seen.len() < 2 {
                drop(seen);
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    };
    pool.for_each(work, 0..1_000_000);
    assert_eq!(threads.into_inner().unwrap().len(), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn pinned_workers_stay_on_their_cores() {
    let cores = corebook::cpus::usable_cores();
    let pool = Pool::builder().workers(cores.len()).pin(true).open();
    let barrier = Barrier::new(cores.len());
    let masks = pool.map(
        |_| {
            barrier.wait();
            corebook::cpus::affinity().unwrap()
        },
        0..cores.len(),
    );
    assert_eq!(
        masks.into_iter().collect::<HashSet<_>>(),
        cores.into_iter().collect()
    );
}

#[test]
fn use_is_counted() {
    let pool = corebook::__private::pool::open("counted", Some(2), false, false);
    let report = || {
        corebook::__private::pool::reports()
            .into_iter()
            .find(|report| report.name == "counted")
            .unwrap()
    };
    assert!(report().last_utilisation < 0.0);
    pool.for_each(|_| std::thread::sleep(Duration::from_millis(5)), 0..20);
    let first = report();
    assert_eq!((first.workers, first.items_mapped), (2, 20));
    assert!(first.busy_ns >= 100_000_000, "{first:?}");
    assert!(
        first.last_utilisation > 0.5 && first.last_utilisation <= 1.0,
        "{first:?}"
    );
    corebook::__private::pool::close("counted");
    assert_eq!((report().workers, report().items_mapped), (0, 20));
}

#[test]
fn a_map_in_a_destructor_of_a_panicking_thread_works() {
    struct MapsWhenDropped(Pool);
    static MAPPED: AtomicUsize = AtomicUsize::new(0);
    impl Drop for MapsWhenDropped {
        fn drop(&mut self) {
            MAPPED.store(self.0.map(|x| x, 0..10).len(), Ordering::Relaxed);
        }
    }
    let pool = Pool::new(2);
    let thread = std::thread::spawn(move || {
        let _maps = MapsWhenDropped(pool);
        panic!("on purpose");
    });
    assert!(thread.join().is_err());
    assert_eq!(MAPPED.load(Ordering::Relaxed), 10);
}

#[test]
#[should_panic(expected = "a pool of 0 workers does nothing: ask for at least 1")]
fn a_pool_of_no_workers_is_refused() {
    Pool::new(0);
}

#[test]
#[should_panic(expected = "chunksize 0 gives tasks nothing to do")]
fn chunks_of_no_items_are_refused() {
    Pool::new(1).chunksize(0);
}
