//! What the outputs thread is told, and what it tells.

use std::sync::mpsc::SyncSender;

use corebook::__private::event::{PanicReport, PoolReport};
use corebook_jupyter::wire::Origin;
use corebook_processes::ipc::{Checkpoint, Ending, FromSupervisor};
use jupyter_protocol::{JupyterMessageContent, Media};

/// Messages to the outputs thread.
///
/// Senders: the thread that reads the supervisor's socket, and the evaluator. Bound: [`QUEUE_LENGTH`]; a
/// full queue makes the supervisor, then the worker's pipe, then the printing code wait.
pub enum Input {
    Report(FromSupervisor),
    /// From now on output belongs to this cell.
    CellBegins(CellIdentity),
    /// Output that belongs to the cell but was made by the kernel.
    Show(JupyterMessageContent),
    /// The evaluator is done with the cell: show the rest, then tell what happened.
    CellEnds {
        /// What the supervisor was asked to answer after all output; none without a supervisor.
        barrier: Option<u64>,
        /// evcxr ran the cell to its end, so its value is shown, unless the outputs thread knows of a failure.
        has_run: bool,
        /// What a command of evcxr shows, before the value.
        command_output: Option<JupyterMessageContent>,
        summary: SyncSender<CellSummary>,
    },
    /// The supervisor has ended; another one may follow.
    SupervisorGone,
}

/// How many reports may wait, each at most one pipe's worth of text.
pub const QUEUE_LENGTH: usize = 32;

/// Which cell output belongs to.
#[derive(Debug, Clone, Default)]
pub struct CellIdentity {
    pub origin: Origin,
    pub execution_count: usize,
    /// A silent cell publishes nothing.
    pub is_silent: bool,
    /// Whether the client that sent the cell can show a display anew in its place.
    pub supports_update_display: bool,
}

/// What the supervisor said of a cell.
#[derive(Debug, Clone, Default)]
pub struct CellSummary {
    /// Panics of the main thread, the last one last.
    pub panics: Vec<PanicReport>,
    /// The cell ended by a panic.
    pub panicked: bool,
    /// The cell ended by a `?`, with the error's text.
    pub failed: Option<String>,
    /// The cell ended by an interrupt; what was stopped.
    pub interrupted: Option<String>,
    /// The worker died.
    pub died: Option<Death>,
    /// The end of what was written to stderr, for telling why a worker died.
    pub stderr_tail: String,
    /// The value of the last expression. It is shown if the cell succeeded.
    pub result: Option<Media>,
}

impl CellSummary {
    /// Whether the code came to its end without a failure.
    pub(super) fn is_success(&self) -> bool {
        let Self {
            panicked,
            failed,
            interrupted,
            died,
            ..
        } = self;
        !panicked && failed.is_none() && interrupted.is_none() && died.is_none()
    }
}

/// The end of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    pub ending: Ending,
    /// Whether a cell's code ran, or nothing did.
    pub is_in_cell: bool,
    /// Whether a checkpoint has taken over, with variables as they were before the cell.
    pub are_variables_kept: bool,
}

/// What others may know of the running code.
pub trait Observer: Send {
    /// The code of a cell begins to run in the process `worker_pid`.
    fn cell_started(&self);
    /// The code of a cell has ended.
    fn cell_ended(&self);
    /// A worker runs.
    fn worker_started(&self, worker_pid: u32);
    /// The running code waits for a line of input.
    fn awaits_input(&self);
    /// Whether the cell asked for input in vain, and so has failed.
    fn is_input_denied(&self) -> bool;
    /// A cell begins, and whether a checkpoint protects it. Returns what to tell the cell's author.
    fn checkpoint(&self, checkpoint: Checkpoint) -> Option<String>;
    /// The pools that exist now.
    fn pools(&self, pools: Vec<PoolReport>);
    /// The cell's own place of a panic, as text, if it can be told.
    fn locate(&self, panic: &PanicReport) -> Option<String>;
}
