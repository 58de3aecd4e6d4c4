//! What the supervisor knows about the cell. Decides nothing.

use std::time::Instant;

use crate::ipc::Checkpoint;

/// What the supervisor knows about the cell.
pub(super) enum CellState {
    /// No cell was requested, or the last one has ended.
    None,
    /// The kernel has requested a cell, and evcxr compiles it.
    Compiling {
        since: Instant,
        /// The outcome of the checkpoint attempt, held until the cell starts. Never reported if it does not start.
        checkpoint: Option<Checkpoint>,
    },
    /// The cell's code runs.
    Running {
        /// Whether the code's wait for a line of input was reported.
        has_asked_input: bool,
    },
}

impl CellState {
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Whether code runs whose wait for input was not reported.
    pub(super) fn may_ask_input(&self) -> bool {
        matches!(
            self,
            Self::Running {
                has_asked_input: false
            }
        )
    }

    /// Does nothing if no code runs.
    pub(super) fn set_asked_input(&mut self, asked: bool) {
        if let Self::Running { has_asked_input } = self {
            *has_asked_input = asked;
        }
    }
}
