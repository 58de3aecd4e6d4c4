//! The main shell and its subshells: which exist, and which of their execute requests are aborted. Holds state only.
//!
//! A subshell (<https://github.com/jupyter/enhancement-proposals/pull/91>) is a further queue of requests. Requests
//! other than execute requests are answered at once on every shell. evcxr compiles and runs one cell at a time, so an
//! execute request on a subshell waits for the running cell and is busy only after it. But an error aborts only the
//! queue of its own shell.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A limit for clients that create subshells by mistake.
const MOST_SUBSHELLS: usize = 1000;

/// The id of a subshell. None is the main shell.
pub type ShellId = Option<String>;

/// Shared by the threads that receive, run and abort execute requests.
#[derive(Debug)]
pub struct Subshells {
    /// How many execute requests have come in.
    received: AtomicUsize,
    /// The main shell, then its subshells in the order of their creation.
    subshells: Mutex<Vec<Shell>>,
}

#[derive(Debug)]
struct Shell {
    id: ShellId,
    /// Requests with a smaller number are aborted: answered but not run.
    aborted_below: usize,
}

/// The maximum number of subshells exists already.
#[derive(Debug, thiserror::Error)]
#[error("there are {MOST_SUBSHELLS} subshells already: delete one first")]
pub struct TooMany;

impl Subshells {
    pub fn new() -> Self {
        let main = Shell {
            id: None,
            aborted_below: 0,
        };
        Self {
            received: AtomicUsize::new(0),
            subshells: Mutex::new(vec![main]),
        }
    }

    /// Counts an execute request that has just come in. Returns its number, from 0.
    pub fn next(&self) -> usize {
        self.received.fetch_add(1, Ordering::SeqCst)
    }

    /// How many execute requests have come in.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }

    /// Whether the request with this number must not run, because it was aborted or its subshell was deleted.
    pub fn is_aborted(&self, id: &ShellId, number: usize) -> bool {
        let subshells = self.lock();
        let shell = subshells.iter().find(|shell| shell.id == *id);
        shell.is_none_or(|shell| number < shell.aborted_below)
    }

    /// Aborts the requests of one shell that have a smaller number.
    pub fn abort_below(&self, id: &ShellId, number: usize) {
        for shell in self.lock().iter_mut().filter(|shell| shell.id == *id) {
            shell.aborted_below = shell.aborted_below.max(number);
        }
    }

    /// Aborts the requests of all shells that have a smaller number.
    pub fn abort_all_below(&self, number: usize) {
        for shell in self.lock().iter_mut() {
            shell.aborted_below = shell.aborted_below.max(number);
        }
    }

    /// Creates a subshell and returns its id.
    pub fn create(&self) -> Result<String, TooMany> {
        let mut subshells = self.lock();
        if subshells.len() > MOST_SUBSHELLS {
            return Err(TooMany);
        }
        let id = uuid::Uuid::new_v4().to_string();
        subshells.push(Shell {
            id: Some(id.clone()),
            aborted_below: 0,
        });
        Ok(id)
    }

    /// Deletes a subshell. Returns whether it existed.
    pub fn delete(&self, id: &str) -> bool {
        let mut subshells = self.lock();
        let before = subshells.len();
        subshells.retain(|shell| shell.id.as_deref() != Some(id));
        subshells.len() < before
    }

    /// The subshells' ids.
    pub fn list(&self) -> Vec<String> {
        let subshells = self.lock();
        subshells
            .iter()
            .filter_map(|shell| shell.id.clone())
            .collect()
    }

    pub fn exists(&self, id: &ShellId) -> bool {
        self.lock().iter().any(|shell| shell.id == *id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Shell>> {
        // A panic in another thread leaves these plain values consistent.
        self.subshells
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_applies_to_one_shell_and_to_earlier_requests() {
        let subshells = Subshells::new();
        let sub = Some(subshells.create().unwrap());
        let (first, second) = (subshells.next(), subshells.next());
        subshells.abort_below(&sub, subshells.received());
        let third = subshells.next();
        assert!(subshells.is_aborted(&sub, first) && subshells.is_aborted(&sub, second));
        assert!(!subshells.is_aborted(&sub, third) && !subshells.is_aborted(&None, first));
        subshells.abort_all_below(subshells.received());
        assert!(subshells.is_aborted(&sub, third) && subshells.is_aborted(&None, third));
    }

    #[test]
    fn requests_on_a_deleted_subshell_are_aborted() {
        let subshells = Subshells::new();
        let id = subshells.create().unwrap();
        let number = subshells.next();
        assert!(subshells.delete(&id) && !subshells.delete(&id));
        assert!(subshells.is_aborted(&Some(id), number));
    }

    #[test]
    fn the_number_of_subshells_is_limited() {
        let subshells = Subshells::new();
        let ids: Vec<String> = (0..1000).map(|_| subshells.create().unwrap()).collect();
        assert_eq!(subshells.list(), ids);
        assert!(subshells.create().is_err());
        subshells.delete(&ids[0]);
        assert!(subshells.create().is_ok());
    }
}
