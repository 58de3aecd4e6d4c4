//! Input and results of the outputs thread. Data only.

use std::sync::mpsc::SyncSender;

use corebook::__private::event::{PanicReport, PoolReport};
use corebook_cells::notebook::Report;
use corebook_jupyter::wire::Origin;
use corebook_processes::ipc::{Checkpoint, Ending, FromSupervisor};
use jupyter_protocol::{JupyterMessageContent, Media};

/// Messages to the outputs thread.
///
/// Senders: the threads `reports` and `evaluator`. Bound: [`QUEUE_LENGTH`]. If the queue is full, the supervisor waits,
/// then the worker's pipe fills, then the printing code waits.
pub enum Input {
    Report(FromSupervisor),
    /// From now on output belongs to this cell.
    CellBegins(CellIdentity),
    /// Output that belongs to the cell but was made by the kernel.
    Show(JupyterMessageContent),
    /// evcxr is done with the cell. The rest of its output must be shown, then `summary` sent.
    CellEnds {
        /// The barrier that the supervisor answers after all output. None without a supervisor.
        barrier: Option<u64>,
        /// Whether evcxr ran the cell to its end. If so, its value is shown, unless the supervisor reported a failure.
        has_run: bool,
        /// The output of a command. It is shown before the value.
        command_output: Option<JupyterMessageContent>,
        /// Lines about the cell, for stderr. They are shown before the value, also if the cell has failed.
        notes: String,
        summary: SyncSender<CellSummary>,
    },
    /// The supervisor has ended; another one may follow.
    SupervisorGone,
}

/// How many reports may wait. Each holds at most as much text as a pipe.
pub const QUEUE_LENGTH: usize = 32;

/// The cell to which output belongs.
#[derive(Debug, Clone, Default)]
pub struct CellIdentity {
    pub origin: Origin,
    pub execution_count: usize,
    /// Whether the cell is silent. A silent cell publishes nothing.
    pub is_silent: bool,
    /// Whether the client that sent the cell can update a display in place.
    pub supports_update_display: bool,
}

/// What the supervisor has reported about a cell.
#[derive(Debug, Clone, Default)]
pub struct CellSummary {
    /// The variables, as the runtime has reported them at the end of each piece of code.
    pub variables: Vec<Report>,
    /// Panics of the main thread, oldest first.
    pub panics: Vec<PanicReport>,
    /// Whether a panic ended the cell.
    pub panicked: bool,
    /// The error's text if a `?` ended the cell.
    pub failed: Option<String>,
    /// What was stopped if an interrupt ended the cell.
    pub interrupted: Option<String>,
    /// How the worker died, if it did.
    pub died: Option<Death>,
    /// The end of the text on stderr, which can show why a worker died.
    pub stderr_tail: String,
    /// The value of the last expression. It is shown if the cell succeeded.
    pub result: Option<Media>,
}

impl CellSummary {
    /// Whether a cell that evcxr ran to its end has succeeded. `outcome::of_finished` makes the error of one that has not.
    ///
    /// Deaths do not count: evcxr itself fails a cell whose worker dies, and a command such as `:vars` needs no worker.
    pub fn is_success(&self) -> bool {
        !self.panicked && self.failed.is_none() && self.interrupted.is_none()
    }
}

/// How the worker died, and what is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    pub ending: Ending,
    /// Whether a cell's code was running.
    pub is_in_cell: bool,
    /// Whether a checkpoint has taken over. It has the variables from before the cell.
    pub are_variables_kept: bool,
}

/// Is informed about the running code, and answers questions about it. Implemented in the room `kernel`.
pub trait Observer: Send {
    /// The code of a cell begins to run.
    fn cell_started(&self);
    /// The code of a cell has ended.
    fn cell_ended(&self);
    /// A worker has started.
    fn worker_started(&self, worker_pid: u32);
    /// The running code waits for a line of input.
    fn awaits_input(&self);
    /// Whether the cell has failed because it asked for input and got none.
    fn is_input_denied(&self) -> bool;
    /// The attempt to make a checkpoint for the cell. Returns a note to show in the cell.
    fn checkpoint(&self, checkpoint: Checkpoint) -> Option<String>;
    /// The pools that exist now.
    fn pools(&self, pools: Vec<PoolReport>);
    /// The place of a panic in a cell, as text. None if no cell contains it.
    fn locate(&self, panic: &PanicReport) -> Option<String>;
}
