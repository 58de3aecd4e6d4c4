//! Keeps the cells of this session and of earlier ones in a file that all kernels share.
//!
//! A thread of its own owns the file, so that a slow disk or the lock of another kernel delays neither a cell nor the
//! shell. Runs no code and never ends the kernel: if the file can't be used, it logs one warning and keeps this
//! session's cells in memory.
//!
//! * [`place`]: finds the path of the file
//! * [`store`]: reads and writes the file

pub mod place;
mod store;

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::Origin;
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{HistoryEntry, HistoryReply, HistoryRequest};

use self::place::Place;
use self::store::{Entry, Store, StoreError};

/// A request to the thread `history`. Senders: the threads `evaluator` and `shell`, and the main thread at the end.
pub enum Request {
    /// Remember a cell, which has just begun.
    Begin {
        execution_count: usize,
        source: String,
    },
    /// Remember the result of such a cell, as text.
    Result {
        execution_count: usize,
        text: String,
    },
    /// Answer a client's request.
    Ask(Origin, HistoryRequest),
    /// Close the file and end the thread.
    End,
}

/// Makes SQLite read the environment, which it does once. Must be called before any other thread can change the
/// environment.
pub fn initialise() {
    drop(Store::in_memory());
}

/// Serves the history of one kernel.
pub struct Historian {
    pub responder: Responder,
}

impl Historian {
    /// Serves requests until [`Request::End`].
    pub fn serve(&self, place: Place, requests: &Receiver<Request>) {
        let mut history = History::open(place);
        while let Ok(request) = requests.recv() {
            match request {
                Request::Begin {
                    execution_count,
                    source,
                } => history.begin(execution_count, &source),
                Request::Result {
                    execution_count,
                    text,
                } => history.set_result(execution_count, &text),
                Request::Ask(origin, request) => {
                    self.responder.answer(&origin, history.reply(&request));
                }
                Request::End => return,
            }
        }
    }
}

/// The cells: in the file, or in memory after the file has failed.
struct History {
    store: Store,
    /// The path of the file. None if the cells are kept in memory.
    file: Option<PathBuf>,
}

impl History {
    fn open(place: Place) -> Self {
        let (file, opened) = match place {
            Place::Memory => (None, None),
            Place::Unknown => {
                tracing::warn!(
                    "this session's history is kept in memory: there is no home folder; \
                     set COREBOOK_HISTORY to a file, or to off"
                );
                (None, None)
            }
            Place::File(path) => {
                let opened = Store::open(&path);
                (Some(path), Some(opened))
            }
        };
        match opened {
            Some(Ok(store)) => Self { store, file },
            Some(Err(error)) => {
                let mut history = Self {
                    store: Store::in_memory(),
                    file,
                };
                history.warn_once(&error);
                history
            }
            None => Self {
                store: Store::in_memory(),
                file: None,
            },
        }
    }

    fn begin(&mut self, execution_count: usize, source: &str) {
        self.with_store((), |store| store.begin(execution_count, source));
    }

    fn set_result(&mut self, execution_count: usize, text: &str) {
        self.with_store((), |store| store.set_result(execution_count, text));
    }

    fn reply(&mut self, request: &HistoryRequest) -> HistoryReply {
        let (found, with_result, is_raw) = match request {
            HistoryRequest::Tail { n, output, raw } => {
                let found = self.with_store(Vec::new(), |store| store.tail(*n));
                (found, *output, *raw)
            }
            HistoryRequest::Range {
                session,
                start,
                stop,
                output,
                raw,
            } => {
                let session = session.unwrap_or(0);
                let found = self.with_store(Vec::new(), |store| {
                    store.range(session, i64::from(*start), i64::from(*stop))
                });
                (found, *output, *raw)
            }
            HistoryRequest::Search {
                pattern,
                unique,
                output,
                raw,
                n,
            } => {
                let found = self.with_store(Vec::new(), |store| store.search(pattern, *unique, *n));
                (found, *output, *raw)
            }
        };
        let entries = found.into_iter();
        HistoryReply::new(
            entries
                .map(|entry| to_wire(entry, with_result, is_raw))
                .collect(),
        )
    }

    /// The result of `act`. If the file fails, tries again in memory; returns `otherwise` if that fails, too.
    fn with_store<T>(
        &mut self,
        otherwise: T,
        mut act: impl FnMut(&Store) -> Result<T, StoreError>,
    ) -> T {
        let error = match act(&self.store) {
            Ok(done) => return done,
            Err(error) => error,
        };
        if self.file.is_some() {
            self.warn_once(&error);
            self.store = self.store.to_memory();
            if let Ok(done) = act(&self.store) {
                return done;
            }
        }
        tracing::debug!("the history in memory failed, too");
        otherwise
    }

    fn warn_once(&mut self, error: &StoreError) {
        if let Some(path) = self.file.take() {
            tracing::warn!(
                "this session's history is kept in memory: {} can't be used ({error}); \
                 fix or remove it, or set COREBOOK_HISTORY to another file, or to off",
                path.display()
            );
        }
    }
}

/// Converts an entry to a message.
///
/// * `is_raw`: whether the source is as it was typed. Otherwise magics are expanded to Rust.
fn to_wire(entry: Entry, with_result: bool, is_raw: bool) -> HistoryEntry {
    let source = if is_raw {
        entry.source
    } else {
        expand_for_analysis(&entry.source).0
    };
    if with_result {
        let result = entry.result.unwrap_or_default();
        HistoryEntry::InputOutput(entry.session, entry.execution_count, (source, result))
    } else {
        HistoryEntry::Input(entry.session, entry.execution_count, source)
    }
}

#[cfg(test)]
mod tests;
