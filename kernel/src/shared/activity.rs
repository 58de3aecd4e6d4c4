//! What the evaluator is doing now, for the threads that have to know: interrupts, completion, shutdown.
//!
//! Holds state and wakes who waits for it to change. Does nothing on its own.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What the evaluator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Loading what the first cell needs.
    Starting,
    Idle,
    /// Analysing or compiling a cell; none of its code runs.
    Compiling,
    /// A cell's code runs in the worker.
    Running,
}

/// Shared by all kernel threads.
#[derive(Debug)]
pub struct Activity {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Counts the cells, so that an interrupt never reaches the one after it.
    cell: u64,
    /// The number of the request that the cell belongs to.
    request: usize,
    is_interrupted: bool,
    is_ending: bool,
    run: Run,
}

/// When the code of a cell ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Run {
    /// Nothing if it did not.
    pub began: Option<SystemTime>,
    /// Nothing while it runs.
    pub ended: Option<SystemTime>,
}

impl Activity {
    pub fn new() -> Self {
        let state = State {
            phase: Phase::Starting,
            cell: 0,
            request: 0,
            is_interrupted: false,
            is_ending: false,
            run: Run::default(),
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Enters `phase` and wakes whoever waits for a change.
    pub fn enter(&self, phase: Phase) {
        self.state().phase = phase;
        self.changed.notify_all();
    }

    /// The present cell's code begins or ends to run. What evcxr runs for itself at the start is no cell.
    pub fn set_code_runs(&self, runs: bool) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Compiling | Phase::Running) {
            let now = Some(SystemTime::now());
            if runs {
                state.phase = Phase::Running;
                state.run = Run {
                    began: now,
                    ended: None,
                };
            } else {
                state.phase = Phase::Compiling;
                state.run.ended = now;
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Begins a cell: an interrupt of an earlier one is forgotten.
    ///
    /// * `request`: the number of the execute request.
    pub fn begin_cell(&self, request: usize) {
        let mut state = self.state();
        state.phase = Phase::Compiling;
        state.cell += 1;
        state.request = request;
        state.is_interrupted = false;
        state.run = Run::default();
        drop(state);
        self.changed.notify_all();
    }

    /// Notes an interrupt of the cell that is compiled or run now, and tells which it is.
    ///
    /// * `received`: how many requests had come in; a later one is not meant.
    pub fn interrupt_cell(&self, received: usize) -> Option<u64> {
        let mut state = self.state();
        let has_cell =
            matches!(state.phase, Phase::Compiling | Phase::Running) && state.request < received;
        state.is_interrupted |= has_cell;
        let cell = has_cell.then_some(state.cell);
        drop(state);
        self.changed.notify_all();
        cell
    }

    /// The phase of `cell`; idle once it has ended.
    pub fn phase_of(&self, cell: u64) -> Phase {
        let state = self.state();
        if state.cell == cell {
            state.phase
        } else {
            Phase::Idle
        }
    }

    /// When the present cell's code ran.
    pub fn run(&self) -> Run {
        self.state().run
    }

    /// Whether the present cell was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.state().is_interrupted
    }

    /// Says that the kernel shuts down: nobody should wait any more.
    pub fn end(&self) {
        self.state().is_ending = true;
        self.changed.notify_all();
    }

    pub fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    /// Waits until the phase is idle, at most `wait`. Whether it is.
    pub fn wait_until_idle(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        let mut state = self.state();
        while state.phase != Phase::Idle && !state.is_ending {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        !state.is_ending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves these plain values whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
