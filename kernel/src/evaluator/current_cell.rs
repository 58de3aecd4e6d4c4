//! The state of the running cell, in one value that all threads share.
//!
//! The evaluator begins and ends the cell, the outputs thread reports when its code runs, the interrupt thread stops
//! it, and the input thread asks the client on its behalf. Sends nothing and starts nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use corebook_jupyter::wire::Origin;

use super::cell_reply::CellReply;
use super::stdin::NoInput;

/// What the evaluator is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Starting evcxr.
    Starting,
    Idle,
    /// Analysing or compiling a cell; none of its code runs.
    Compiling,
    /// A cell's code runs in the worker.
    Running,
}

/// Shared by all threads of the kernel.
pub struct CurrentCell {
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Since when the phase is idle.
    idle_since: Option<Instant>,
    /// The number of the run. An interrupt names it, so that it never reaches the next cell.
    run: u64,
    /// The number of the execute request that runs.
    request: usize,
    /// How many execute requests are complete, including their idle.
    answered: usize,
    is_interrupted: bool,
    /// Whether the kernel is shutting down.
    is_ending: bool,
    code: CodeTimes,
    /// The reply that must still be sent. The thread that takes it sends it.
    reply: Option<CellReply>,
    /// The client that may be asked for input. None if the request has `allow_stdin: false`.
    requester: Option<Origin>,
    /// Why the cell got no input, if it asked for input and got none.
    denied: Option<NoInput>,
}

/// When the code of a cell ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeTimes {
    /// None if it did not run.
    pub began: Option<SystemTime>,
    /// None while it runs.
    pub ended: Option<SystemTime>,
}

impl CurrentCell {
    pub fn new() -> Self {
        let state = State {
            phase: Phase::Starting,
            idle_since: None,
            run: 0,
            request: 0,
            answered: 0,
            is_interrupted: false,
            is_ending: false,
            code: CodeTimes::default(),
            reply: None,
            requester: None,
            denied: None,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// The evaluator is ready for its first cell.
    pub fn end_start(&self) {
        self.change(|state| {
            state.phase = Phase::Idle;
            state.idle_since = Some(Instant::now());
        });
    }

    /// Begins a run for a request. Resets what belongs to the previous run, such as its interrupt and its denied input.
    ///
    /// * `request`: the number of the execute request.
    pub fn begin_run(&self, request: usize) {
        self.change(|state| {
            state.phase = Phase::Compiling;
            state.idle_since = None;
            state.run += 1;
            state.request = request;
            state.is_interrupted = false;
            state.code = CodeTimes::default();
            state.requester = None;
            state.denied = None;
        });
    }

    /// The request is complete, including its idle.
    pub fn end_request(&self) {
        self.change(|state| {
            state.phase = Phase::Idle;
            state.idle_since = Some(Instant::now());
            state.answered += 1;
        });
    }

    /// Whether all execute requests before the one with this number are complete.
    pub fn is_next(&self, request: usize) -> bool {
        self.state().answered == request
    }

    /// The cell's code begins or ends. Ignored outside of a run: evcxr also runs code of its own at the start.
    pub fn set_code_runs(&self, runs: bool) {
        self.change(|state| {
            if !matches!(state.phase, Phase::Compiling | Phase::Running) {
                return;
            }
            let now = Some(SystemTime::now());
            if runs {
                state.phase = Phase::Running;
                state.code = CodeTimes {
                    began: now,
                    ended: None,
                };
            } else {
                state.phase = Phase::Compiling;
                state.code.ended = now;
            }
        });
    }

    /// When the cell's code ran.
    pub fn code_times(&self) -> CodeTimes {
        self.state().code
    }

    /// Interrupts the run that is going on, and returns its number.
    ///
    /// * `received`: how many requests had come in. The interrupt does not apply to a later one.
    pub fn interrupt(&self, received: usize) -> Option<u64> {
        self.change(|state| {
            let has_cell = matches!(state.phase, Phase::Compiling | Phase::Running)
                && state.request < received;
            state.is_interrupted |= has_cell;
            has_cell.then_some(state.run)
        })
    }

    pub fn is_interrupted(&self) -> bool {
        self.state().is_interrupted
    }

    /// The phase of a run. Idle after it has ended.
    pub fn phase_of(&self, run: u64) -> Phase {
        let state = self.state();
        if state.run == run {
            state.phase
        } else {
            Phase::Idle
        }
    }

    /// From now on `reply` must be sent.
    pub fn open_reply(&self, reply: CellReply) {
        self.state().reply = Some(reply);
    }

    /// Takes the reply, which the caller must send. None if another thread has taken it.
    pub fn take_reply(&self) -> Option<CellReply> {
        self.state().reply.take()
    }

    /// From now on the cell may ask `requester` for input. None forbids it.
    pub fn allow_input(&self, requester: Option<Origin>) {
        self.state().requester = requester;
    }

    /// The client that may be asked for input.
    pub fn requester(&self) -> Option<Origin> {
        self.state().requester.clone()
    }

    /// Notes that the cell asked for input and got none.
    pub fn deny_input(&self, reason: NoInput) {
        self.state().denied = Some(reason);
    }

    /// Why the cell got no input, if it asked for input and got none.
    pub fn input_denied(&self) -> Option<NoInput> {
        self.state().denied
    }

    /// The kernel is shutting down.
    pub fn end_kernel(&self) {
        self.change(|state| state.is_ending = true);
    }

    pub fn is_kernel_ending(&self) -> bool {
        self.state().is_ending
    }

    /// For how long no cell has run. None while one runs, and while the kernel is starting.
    pub fn rest(&self) -> Option<Duration> {
        self.state().idle_since.map(|since| since.elapsed())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a sequence of plain assignments, so a panic in another thread leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_reaches_only_the_run_it_was_meant_for() {
        let cell = CurrentCell::new();
        assert_eq!(cell.interrupt(1), None, "while starting");
        cell.end_start();
        assert_eq!(cell.interrupt(1), None, "while idle");
        cell.begin_run(0);
        assert_eq!(cell.interrupt(0), None, "before the request had come");
        let run = cell.interrupt(1).unwrap();
        assert!(cell.is_interrupted());
        assert_eq!(cell.phase_of(run), Phase::Compiling);
        cell.set_code_runs(true);
        assert_eq!(cell.phase_of(run), Phase::Running);
        cell.begin_run(0);
        assert!(!cell.is_interrupted());
        assert_eq!(cell.phase_of(run), Phase::Idle);
    }

    #[test]
    fn refused_input_is_forgotten_with_its_run() {
        let cell = CurrentCell::new();
        cell.begin_run(0);
        cell.allow_input(Some(Origin::default()));
        cell.deny_input(NoInput::Interrupted);
        assert!(cell.requester().is_some());
        assert_eq!(cell.input_denied(), Some(NoInput::Interrupted));
        cell.begin_run(0);
        assert!(cell.requester().is_none());
        assert_eq!(cell.input_denied(), None);
    }

    #[test]
    fn a_request_is_next_when_all_before_it_are_answered() {
        let cell = CurrentCell::new();
        cell.end_start();
        assert!(cell.is_next(0) && !cell.is_next(1));
        cell.begin_run(0);
        cell.end_request();
        assert!(cell.is_next(1) && !cell.is_next(0));
        assert_eq!(cell.phase(), Phase::Idle);
    }

    #[test]
    fn code_runs_only_in_a_cell() {
        let cell = CurrentCell::new();
        cell.set_code_runs(true);
        assert_eq!(cell.phase(), Phase::Starting);
        cell.begin_run(0);
        cell.set_code_runs(true);
        cell.set_code_runs(false);
        let times = cell.code_times();
        assert!(times.began.is_some() && times.began <= times.ended);
    }

    #[test]
    fn a_kernel_rests_between_cells() {
        let cell = CurrentCell::new();
        assert_eq!(cell.rest(), None, "while starting");
        cell.end_start();
        assert!(cell.rest().is_some());
        cell.begin_run(0);
        assert_eq!(cell.rest(), None, "while a cell runs");
        cell.end_request();
        assert!(cell.rest().is_some());
        cell.end_kernel();
        assert!(cell.is_kernel_ending());
    }
}
