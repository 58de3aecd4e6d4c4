//! The jobs of the evaluator. Data only.

use std::sync::mpsc::SyncSender;

use corebook_jupyter::wire::Origin;
use jupyter_protocol::ExecuteRequest;

use super::questions::Found;

/// A job for the evaluator. Senders: the threads `shell` and `introspection`.
pub enum Job {
    Execute(ExecuteJob),
    /// Completions of `code` at the byte `offset`. The channel is closed without an answer if there are none.
    Complete {
        code: String,
        offset: usize,
        answer: SyncSender<Found>,
    },
    /// Documentation of the name at the end of `code`, as HTML. The channel is closed without an answer if there is
    /// none.
    Inspect {
        code: String,
        answer: SyncSender<String>,
    },
}

/// A cell to run.
pub struct ExecuteJob {
    pub origin: Origin,
    pub request: ExecuteRequest,
    /// Its place among all execute requests.
    pub number: usize,
    /// Whether the shell thread has published busy for it.
    pub busy_published: bool,
    /// Whether the client can update a display in place.
    pub supports_update_display: bool,
}

impl ExecuteJob {
    /// Whether the cell increases the execution count and goes into the history.
    pub(super) fn is_stored(&self) -> bool {
        self.request.store_history && !self.request.silent
    }
}
