use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

const CELLS: [&str; 4] = ["let a = 1;", "a + 1", "%time 1 + 1", "a + 1"];

fn open(path: &Path) -> History {
    History::open(Place::File(path.to_owned()))
}

/// A session in `path` with [`CELLS`].
fn filled(path: &Path) -> History {
    let mut history = open(path);
    for (index, source) in CELLS.iter().enumerate() {
        history.begin(index + 1, source);
    }
    history.set_result(2, "2");
    history
}

/// Session, execution count and source of the entries in the reply.
fn found(history: &mut History, request: HistoryRequest) -> Vec<(u64, u64, String)> {
    let reply = serde_json::to_value(history.reply(&request)).unwrap();
    let entries = reply["history"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let number = |index: usize| entry[index].as_u64().unwrap();
            (number(0), number(1), entry[2].as_str().unwrap().to_owned())
        })
        .collect()
}

fn counts(history: &mut History, request: HistoryRequest) -> Vec<(u64, u64)> {
    let found = found(history, request);
    found
        .into_iter()
        .map(|(session, count, _)| (session, count))
        .collect()
}

fn tail(n: i32) -> HistoryRequest {
    HistoryRequest::Tail {
        n,
        output: false,
        raw: true,
    }
}

fn range(session: i32, start: i32, stop: i32) -> HistoryRequest {
    HistoryRequest::Range {
        session: Some(session),
        start,
        stop,
        output: false,
        raw: true,
    }
}

fn search(pattern: &str, unique: bool, n: i32) -> HistoryRequest {
    HistoryRequest::Search {
        pattern: pattern.to_owned(),
        unique,
        n,
        output: false,
        raw: true,
    }
}

#[test]
fn tail_returns_the_newest_cells_in_order_across_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/history.sqlite");
    drop(filled(&path));
    let mut second = open(&path);
    second.begin(1, "second");
    // The cells of a kernel that started later come before this kernel's cells.
    let mut third = open(&path);
    third.begin(1, "third");
    assert_eq!(counts(&mut second, tail(1)), [(2, 1)]);
    assert_eq!(counts(&mut second, tail(3)), [(1, 4), (3, 1), (2, 1)]);
    assert_eq!(counts(&mut second, tail(99)).len(), 6);
    assert!(counts(&mut second, tail(-1)).is_empty());
}

#[test]
fn a_range_excludes_its_end_and_counts_sessions_backwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    drop(filled(&path));
    let mut history = filled(&path);
    assert_eq!(counts(&mut history, range(0, 2, 4)), [(2, 2), (2, 3)]);
    assert_eq!(counts(&mut history, range(2, 2, 4)), [(2, 2), (2, 3)]);
    assert_eq!(counts(&mut history, range(-1, 3, 0)), [(1, 3), (1, 4)]);
    assert_eq!(counts(&mut history, range(1, 4, i32::MAX)), [(1, 4)]);
    assert_eq!(counts(&mut history, range(0, -2, -1)), [(2, 3)]);
    assert!(counts(&mut history, range(-2, 0, 0)).is_empty());
    assert!(counts(&mut history, range(9, 0, 0)).is_empty());
    assert!(counts(&mut history, range(i32::MIN, i32::MIN, i32::MIN)).is_empty());
}

#[test]
fn search_takes_globs_and_returns_the_newest_of_equal_cells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    drop(filled(&path));
    let mut history = filled(&path);
    let all = [(1, 2), (1, 4), (2, 2), (2, 4)];
    assert_eq!(counts(&mut history, search("a*", false, 99)), all);
    assert_eq!(counts(&mut history, search("a*", false, 3)), all[1..]);
    assert_eq!(counts(&mut history, search("a*", true, 99)), [(2, 4)]);
    assert_eq!(counts(&mut history, search("*", true, 2)), [(2, 3), (2, 4)]);
    assert_eq!(counts(&mut history, search("?time*", true, 9)), [(2, 3)]);
    assert_eq!(
        counts(&mut history, search("[%l]*1*", true, 9)),
        [(2, 1), (2, 3)]
    );
    assert!(counts(&mut history, search("time", false, 9)).is_empty());
    assert!(counts(&mut history, search("a*", false, -1)).is_empty());
}

#[test]
fn a_result_comes_with_its_cell_and_raw_keeps_magics() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = filled(&folder.path().join("history.sqlite"));
    let reply = history.reply(&HistoryRequest::Tail {
        n: 3,
        output: true,
        raw: false,
    });
    let HistoryEntry::InputOutput(1, 2, (source, result)) = &reply.history[0] else {
        panic!("{reply:?}")
    };
    assert_eq!((source.as_str(), result.as_str()), ("a + 1", "2"));
    let HistoryEntry::InputOutput(1, 3, (source, result)) = &reply.history[1] else {
        panic!("{reply:?}")
    };
    assert!(source.contains("::corebook::"), "{source}");
    assert_eq!(result, "");
}

#[test]
fn a_result_that_is_too_long_is_not_kept() {
    let mut history = History::open(Place::Memory);
    history.begin(1, "long");
    history.set_result(1, &"x".repeat(64 * 1024 + 1));
    let reply = history.reply(&HistoryRequest::Tail {
        n: 1,
        output: true,
        raw: true,
    });
    let HistoryEntry::InputOutput(_, _, (_, result)) = &reply.history[0] else {
        panic!("{reply:?}")
    };
    assert_eq!(result, "");
}

#[test]
fn only_the_owner_can_read_the_file_and_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/corebook/history.sqlite");
    let _history = filled(&path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let modes: Vec<u32> = files.map(|file| mode(&file.unwrap().path())).collect();
    // The database, its log and the index of the log.
    assert_eq!(modes, [0o600; 3]);
}

#[test]
fn a_broken_file_stays_as_it_is_and_the_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let noise = "this is no database, but long enough to look like one\n".repeat(100);
    fs::write(&path, &noise).unwrap();
    let mut history = filled(&path);
    assert!(history.file.is_none());
    assert_eq!(counts(&mut history, tail(99)).len(), CELLS.len());
    assert_eq!(fs::read_to_string(&path).unwrap(), noise);
}

#[test]
fn cells_are_remembered_after_the_file_has_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let mut history = filled(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("ALTER TABLE cells RENAME COLUMN source TO other;")
        .unwrap();
    history.begin(5, "the fifth");
    assert!(history.file.is_none());
    assert_eq!(counts(&mut history, tail(9)), [(1, 5)]);
}

#[test]
fn another_programs_database_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TABLE history (session, line, source); CREATE TABLE sessions (session);",
        )
        .unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let mut history = filled(&path);
    assert!(history.file.is_none());
    assert_eq!(counts(&mut history, tail(99)).len(), CELLS.len());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    drop(filled(&path));
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(open(&path).file.is_none());
}

#[test]
fn a_lock_that_is_never_released_delays_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let mut history = filled(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    history.begin(5, "the fifth");
    assert!(history.file.is_none());
    // The cells in the file were copied.
    assert_eq!(counts(&mut history, tail(2)), [(1, 4), (1, 5)]);
    let mut second = filled(&path);
    assert!(second.file.is_none());
    assert_eq!(counts(&mut second, tail(99)).len(), CELLS.len());
}

#[test]
fn cells_are_remembered_without_a_writable_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // Even the superuser can't create files there.
    for path in [
        Path::new("/proc/corebook/history.sqlite"),
        &file.join("history.sqlite"),
    ] {
        let mut history = filled(path);
        assert!(history.file.is_none());
        assert_eq!(counts(&mut history, tail(99)).len(), CELLS.len());
    }
}

#[test]
fn kernels_that_start_together_share_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let kernels: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || filled(&path).file.is_some())
        })
        .collect();
    for kernel in kernels {
        assert!(kernel.join().unwrap());
    }
    let mut last = open(&path);
    let mut found = counts(&mut last, tail(i32::MAX));
    found.sort_unstable();
    let expected: Vec<(u64, u64)> = (1..=8)
        .flat_map(|session| (1..=4).map(move |count| (session, count)))
        .collect();
    assert_eq!(found, expected);
}
