//! The cell, as far as the supervisor knows. Decides nothing.

use std::time::Instant;

use crate::ipc::Checkpoint;

/// The cell, as far as the supervisor knows.
pub(super) enum CellState {
    /// No cell was asked for, or the last one has ended.
    None,
    /// The kernel has asked for a cell, and evcxr compiles it.
    Compiling {
        since: Instant,
        /// The outcome of the checkpoint attempt, held until the cell starts. Never reported if it does not start.
        checkpoint: Option<Checkpoint>,
    },
    /// The cell's code runs.
    Running {
        /// Whether it was reported that the code waits for a line of input.
        has_asked_input: bool,
    },
}

impl CellState {
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Whether the code may be waiting for a line without a report of it.
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
