//! The main shell and its subshells: which there are, and which of their cells are not to be run any more.
//!
//! A subshell (<https://github.com/jupyter/enhancement-proposals/pull/91>) is a second queue of requests. Every
//! request but an execution is answered at once on any of them, as on the main shell. evcxr compiles and runs
//! one cell at a time, so an execution on a subshell waits for the cell that runs, and is busy only from then on;
//! but an error aborts the queue of its own shell alone. Holds state and does nothing on its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A client that makes more has lost count.
const MOST_SUBSHELLS: usize = 1000;

/// The id of a subshell; none is the main shell.
pub type ShellId = Option<String>;

/// Shared by the threads that take, run and abort cells.
#[derive(Debug)]
pub struct Shells {
    /// How many execute requests have come in.
    received: AtomicUsize,
    /// How many have been answered, with their idle.
    answered: AtomicUsize,
    /// The main shell, then its subshells in the order in which they were made.
    shells: Mutex<Vec<Shell>>,
}

#[derive(Debug)]
struct Shell {
    id: ShellId,
    /// Requests with a smaller number are answered and not run.
    aborted_below: usize,
}

/// There are as many subshells as there may be.
#[derive(Debug, thiserror::Error)]
#[error("there are {MOST_SUBSHELLS} subshells already: delete one first")]
pub struct TooMany;

impl Shells {
    pub fn new() -> Self {
        let main = Shell {
            id: None,
            aborted_below: 0,
        };
        Self {
            received: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            shells: Mutex::new(vec![main]),
        }
    }

    /// The number of an execute request that has just come in.
    pub fn next(&self) -> usize {
        self.received.fetch_add(1, Ordering::SeqCst)
    }

    /// How many have come in.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }

    /// Notes that the first of those not answered so far is answered now.
    pub fn note_answer(&self) {
        self.answered.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether nothing is before the request with this number.
    pub fn is_first(&self, number: usize) -> bool {
        self.answered.load(Ordering::SeqCst) == number
    }

    /// Whether the request with this number is not to be run: aborted, or its subshell was deleted.
    pub fn is_aborted(&self, id: &ShellId, number: usize) -> bool {
        let shells = self.lock();
        let shell = shells.iter().find(|shell| shell.id == *id);
        shell.is_none_or(|shell| number < shell.aborted_below)
    }

    /// Aborts the requests of one shell with a smaller number.
    pub fn abort_below(&self, id: &ShellId, number: usize) {
        for shell in self.lock().iter_mut().filter(|shell| shell.id == *id) {
            shell.aborted_below = shell.aborted_below.max(number);
        }
    }

    /// Aborts the requests of every shell with a smaller number.
    pub fn abort_all_below(&self, number: usize) {
        for shell in self.lock().iter_mut() {
            shell.aborted_below = shell.aborted_below.max(number);
        }
    }

    /// Makes a subshell.
    pub fn create(&self) -> Result<String, TooMany> {
        let mut shells = self.lock();
        if shells.len() > MOST_SUBSHELLS {
            return Err(TooMany);
        }
        let id = uuid::Uuid::new_v4().to_string();
        shells.push(Shell {
            id: Some(id.clone()),
            aborted_below: 0,
        });
        Ok(id)
    }

    /// Deletes a subshell. Whether there was one.
    pub fn delete(&self, id: &str) -> bool {
        let mut shells = self.lock();
        let before = shells.len();
        shells.retain(|shell| shell.id.as_deref() != Some(id));
        shells.len() < before
    }

    /// The subshells' ids.
    pub fn list(&self) -> Vec<String> {
        let shells = self.lock();
        shells.iter().filter_map(|shell| shell.id.clone()).collect()
    }

    pub fn exists(&self, id: &ShellId) -> bool {
        self.lock().iter().any(|shell| shell.id == *id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Shell>> {
        // A panic elsewhere leaves these plain values whole.
        self.shells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_means_one_shell_and_what_has_come_so_far() {
        let shells = Shells::new();
        let sub = Some(shells.create().unwrap());
        let (first, second) = (shells.next(), shells.next());
        shells.abort_below(&sub, shells.received());
        let third = shells.next();
        assert!(shells.is_aborted(&sub, first) && shells.is_aborted(&sub, second));
        assert!(!shells.is_aborted(&sub, third) && !shells.is_aborted(&None, first));
        shells.abort_all_below(shells.received());
        assert!(shells.is_aborted(&sub, third) && shells.is_aborted(&None, third));
    }

    #[test]
    fn a_request_is_first_when_all_before_it_are_answered() {
        let shells = Shells::new();
        let (first, second) = (shells.next(), shells.next());
        assert!(shells.is_first(first) && !shells.is_first(second));
        shells.note_answer();
        assert!(shells.is_first(second));
    }

    #[test]
    fn what_waits_on_a_deleted_subshell_is_aborted() {
        let shells = Shells::new();
        let id = shells.create().unwrap();
        let number = shells.next();
        assert!(shells.delete(&id) && !shells.delete(&id));
        assert!(shells.is_aborted(&Some(id), number));
    }

    #[test]
    fn subshells_have_a_most() {
        let shells = Shells::new();
        let ids: Vec<String> = (0..1000).map(|_| shells.create().unwrap()).collect();
        assert_eq!(shells.list(), ids);
        assert!(shells.create().is_err());
        shells.delete(&ids[0]);
        assert!(shells.create().is_ok());
    }
}
