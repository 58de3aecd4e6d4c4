//! Uses everything that is unsafe, with few items, for Miri and ThreadSanitizer. The command is in `docs/testing.md`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use corebook::pool::Pool;

fn strings(count: usize) -> Vec<String> {
    (0..count).map(|index| index.to_string()).collect()
}

fn fails<R>(f: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

#[test]
fn items_and_results_move_once() {
    let pool = Pool::new(2);
    let words = strings(20);
    assert_eq!(pool.map(|word| word.len(), &words).len(), 20);
    assert_eq!(
        pool.map(|word: String| Box::new(word), words.clone()).len(),
        20
    );
    assert_eq!(
        pool.map(|(a, b)| (b, a), words.iter().cloned().zip(0..20u8))
            .len(),
        20
    );
    assert_eq!(pool.map(|x| x, -3..=3i8), [-3, -2, -1, 0, 1, 2, 3]);
    assert_eq!(
        pool.map(|x| x + 1, (1u128 << 100)..(1u128 << 100) + 3)
            .len(),
        3
    );
    assert_eq!(pool.map(|()| (), [(); 5]).len(), 5);
    assert_eq!(
        pool.filter_map(
            |word: String| word.starts_with('1').then_some(word),
            words.clone()
        )
        .len(),
        11
    );
    let text = pool.chunksize(3).map_reduce(
        |word: String| word,
        words.clone(),
        String::new,
        |a, b| a + &b,
    );
    assert_eq!(text, words.concat());
    assert_eq!(
        pool.max_by_key(|word| word.len(), words.clone()).as_deref(),
        Some("19")
    );
    assert!(
        pool.try_map(|word: String| word.parse::<u8>(), words)
            .is_ok()
    );
    pool.close();
}

#[test]
fn failures_drop_what_is_left() {
    let pool = Pool::new(2);
    let fail_at = |index: usize| {
        move |word: String| {
            if word == index.to_string() {
                panic!("at {word}")
            } else {
                word
            }
        }
    };
    for index in [0, 7, 19] {
        fails(|| pool.map(fail_at(index), strings(20)));
        fails(|| pool.chunksize(4).map(fail_at(index), strings(20)));
        fails(|| pool.map_reduce(fail_at(index), strings(20), String::new, |a, b| a + &b));
        fails(|| pool.map_async(fail_at(index), strings(20)).get());
        fails(|| pool.imap(fail_at(index), strings(20)).map(drop).count());
        fails(|| {
            pool.imap_unordered(fail_at(index), strings(20))
                .map(drop)
                .count()
        });
        let stop_at = |word: String| {
            if word == index.to_string() {
                Err(word)
            } else {
                Ok(word)
            }
        };
        assert_eq!(pool.try_map(stop_at, strings(20)).unwrap_err().item, index);
    }
    let panicking = (0..10).map(|index| {
        if index == 5 {
            panic!("in the iterator")
        } else {
            index.to_string()
        }
    });
    fails(|| pool.map(|word: String| word, panicking));
    pool.close();
}

#[test]
fn work_in_the_background_owns_what_it_uses() {
    let pool = Pool::new(2);
    let shared = Arc::new(String::from("shared"));
    let copy = Arc::clone(&shared);
    let task = pool.map_async(move |word: String| word + &copy, strings(10));
    let streamed: Vec<String> = pool.imap(|word: String| word + "!", strings(10)).collect();
    assert_eq!(
        (streamed[3].as_str(), task.get()[3].as_str()),
        ("3!", "3shared")
    );
    drop(pool.imap(|word: String| word, strings(10)));
    let mut early = pool.imap_unordered(|word: String| word, strings(10));
    assert!(early.next().is_some());
    drop(early);
    drop(pool.map_async(|word: String| word, strings(10)));
    assert_eq!(pool.apply_async(|| String::from("once")).get(), "once");
    drop(pool.apply_async(|| String::from("never asked for")));
    pool.close();
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn maps_nest() {
    let pool = Pool::new(2);
    let inner = |outer: usize| pool.map(|word: String| word.len() + outer, strings(3));
    assert_eq!(pool.map(inner, 0..3), [[1, 1, 1], [2, 2, 2], [3, 3, 3]]);
    pool.close();
}
