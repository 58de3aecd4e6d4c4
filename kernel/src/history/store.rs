//! Stores the cells of many sessions in SQLite. Never waits for another kernel without a timeout.
//!
//! As in IPython, sessions are numbered across all kernels that share a file: a kernel takes the next number when it
//! starts.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Params, Row, params};

/// How long to wait for the lock of another kernel.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How often [`Store::open`] tries again, for locks on which SQLite itself does not wait.
const OPEN_AGAIN: Duration = Duration::from_millis(10);

/// The maximum number of entries in a reply.
const MOST_ENTRIES: i32 = 10_000;

/// The maximum length of a result, in bytes. Longer ones are not stored.
const LONGEST_RESULT: usize = 64 * 1024;

/// Marks the file as ours: "core" in ASCII.
const APPLICATION_ID: i32 = 0x636f_7265;

const SCHEMA_VERSION: i32 = 1;

const SCHEMA: &str = "
    CREATE TABLE sessions (
        session INTEGER PRIMARY KEY AUTOINCREMENT,
        started TEXT NOT NULL
    );
    CREATE TABLE cells (
        session INTEGER NOT NULL,
        execution_count INTEGER NOT NULL,
        source TEXT NOT NULL,
        result TEXT,
        PRIMARY KEY (session, execution_count)
    );";

/// A remembered cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub session: usize,
    pub execution_count: usize,
    pub source: String,
    pub result: Option<String>,
}

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("it is another program's database")]
    Foreign,
    #[error("a newer corebook has written it")]
    Newer,
}

/// The cells of all sessions, as one session sees them.
pub struct Store {
    connection: Connection,
    session: i64,
}

impl Store {
    /// Opens or creates the file, readable by its owner only, and begins a session.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match Self::try_open(path) {
                // SQLite does not wait for a lock when it changes the journal to a write-ahead log.
                Err(error) if error.is_busy() && Instant::now() < deadline => {
                    std::thread::sleep(OPEN_AGAIN);
                }
                opened => return opened,
            }
        }
    }

    fn try_open(path: &Path) -> Result<Self, StoreError> {
        // Without the flag for URIs, so that a path is never parsed as one.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCK_WAIT)?;
        check_is_ours(&connection)?;
        // With a write-ahead log, readers and a writer don't wait for each other. If the file system does not support
        // it, the mode stays as it is.
        let _mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        // A crash of the machine can lose the last cells, but can't damage the file.
        connection.pragma_update(None, "synchronous", "normal")?;
        Self::begin_session(connection)
    }

    /// A store in memory.
    pub fn in_memory() -> Self {
        let opened = Connection::open_in_memory().map_err(StoreError::from);
        opened
            .and_then(Self::begin_session)
            .expect("memory needs no file and no lock")
    }

    /// A copy of this session in memory. Contains what can still be read.
    pub fn to_memory(&self) -> Self {
        let mut copy = Self::in_memory();
        copy.session = self.session;
        for entry in self.range(0, 0, i64::MAX).unwrap_or_default() {
            // Cells that can't be copied are dropped: losing history is acceptable.
            let _ = copy.begin(entry.execution_count, &entry.source);
            if let Some(result) = entry.result {
                let _ = copy.set_result(entry.execution_count, &result);
            }
        }
        copy
    }

    fn begin_session(mut connection: Connection) -> Result<Self, StoreError> {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if is_new(&transaction)? {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        let started = chrono::Utc::now().to_rfc3339();
        transaction.execute("INSERT INTO sessions (started) VALUES (?)", [started])?;
        let session = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(Self {
            connection,
            session,
        })
    }

    /// Remembers a cell of this session.
    pub fn begin(&self, execution_count: usize, source: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT OR REPLACE INTO cells (session, execution_count, source) VALUES (?, ?, ?)",
            params![self.session, to_sql(execution_count), source],
        )?;
        Ok(())
    }

    /// Remembers the result of a cell of this session, unless it is too long.
    pub fn set_result(&self, execution_count: usize, text: &str) -> Result<(), StoreError> {
        if text.len() <= LONGEST_RESULT {
            self.connection.execute(
                "UPDATE cells SET result = ? WHERE session = ? AND execution_count = ?",
                params![text, self.session, to_sql(execution_count)],
            )?;
        }
        Ok(())
    }

    /// The last `most` cells, oldest first. Those of other sessions come before this session's.
    pub fn tail(&self, most: i32) -> Result<Vec<Entry>, StoreError> {
        let most = bounded(most);
        let mut found = self.select(
            "WHERE session = ? ORDER BY execution_count DESC LIMIT ?",
            params![self.session, most],
        )?;
        let others = self.select(
            "WHERE session <> ? ORDER BY session DESC, execution_count DESC LIMIT ?",
            params![self.session, most - found.len() as i64],
        )?;
        found.extend(others);
        found.reverse();
        Ok(found)
    }

    /// The cells of a session with execution counts from `start` up to but not including `stop`.
    ///
    /// * `session`: 0 is this session, -1 the one before it; a positive value is a session's number.
    /// * `start`, `stop`: negative values count from the session's end; a `stop` of 0 means the end.
    pub fn range(&self, session: i32, start: i64, stop: i64) -> Result<Vec<Entry>, StoreError> {
        let session = match i64::from(session) {
            number @ 1.. => number,
            earlier => self.session + earlier,
        };
        let newest: Option<i64> = self
            .connection
            .query_row(
                "SELECT max(execution_count) FROM cells WHERE session = ?",
                [session],
                |row| row.get(0),
            )
            .optional()?
            .flatten();
        let end = newest.unwrap_or(0) + 1;
        let from_end = |count: i64| if count < 0 { end + count } else { count };
        let stop = if stop == 0 { end } else { from_end(stop) };
        self.select(
            "WHERE session = ? AND execution_count >= ? AND execution_count < ? ORDER BY execution_count LIMIT ?",
            params![session, from_end(start), stop, MOST_ENTRIES],
        )
    }

    /// The newest `most` cells that match a glob, oldest first.
    ///
    /// * `is_unique`: whether to return only the newest of equal cells.
    pub fn search(&self, glob: &str, is_unique: bool, most: i32) -> Result<Vec<Entry>, StoreError> {
        // In SQLite, max() makes the other columns those of the row with the maximum, here the newest.
        let sql = if is_unique {
            "SELECT session, execution_count, source, result, max(session << 32 | execution_count) FROM cells
             WHERE source GLOB ? GROUP BY source ORDER BY session DESC, execution_count DESC LIMIT ?"
        } else {
            "SELECT session, execution_count, source, result FROM cells
             WHERE source GLOB ? ORDER BY session DESC, execution_count DESC LIMIT ?"
        };
        let mut found = self.query(sql, params![glob, bounded(most)])?;
        found.reverse();
        Ok(found)
    }

    fn select(&self, which: &str, values: impl Params) -> Result<Vec<Entry>, StoreError> {
        let sql = format!("SELECT session, execution_count, source, result FROM cells {which}");
        self.query(&sql, values)
    }

    fn query(&self, sql: &str, values: impl Params) -> Result<Vec<Entry>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let entries = statement.query_map(values, to_entry)?;
        Ok(entries.collect::<Result<_, _>>()?)
    }
}

impl StoreError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
    }
}

fn to_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let from_sql = |number: i64| usize::try_from(number).unwrap_or_default();
    Ok(Entry {
        session: from_sql(row.get(0)?),
        execution_count: from_sql(row.get(1)?),
        source: row.get(2)?,
        result: row.get(3)?,
    })
}

fn to_sql(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn bounded(most: i32) -> i64 {
    i64::from(most.clamp(0, MOST_ENTRIES))
}

/// Fails if the file is the database of another program, so that nothing is written into it.
fn check_is_ours(connection: &Connection) -> Result<(), StoreError> {
    if is_new(connection)? {
        return Ok(());
    }
    if pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign);
    }
    if pragma(connection, "user_version")? > SCHEMA_VERSION {
        return Err(StoreError::Newer);
    }
    Ok(())
}

fn is_new(connection: &Connection) -> Result<bool, StoreError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}

fn pragma(connection: &Connection, name: &str) -> Result<i32, StoreError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

/// Creates the file if it does not exist. SQLite gives its log and index files the same permissions.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    let mut file = OpenOptions::new();
    // Never opens an existing file and never follows a link.
    file.write(true).create_new(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        folders.create(folder)?;
    }
    match file.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}
