//! The jobs of the evaluator. Data only.

use corebook_jupyter::wire::Origin;
use jupyter_protocol::ExecuteRequest;

/// A job for the evaluator. Sender: the thread `shell`.
pub enum Job {
    Execute(ExecuteJob),
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
