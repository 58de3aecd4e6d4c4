//! What the outputs thread lets the other threads know.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use corebook_processes::ipc::Checkpoint;

use crate::evaluator::locate::Cells;
use crate::outputs::Observer;
use crate::shared::activity::Activity;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::host::Pools;

/// Passes it on.
pub struct Watcher {
    pub activity: Arc<Activity>,
    pub pools: Arc<Pools>,
    pub checkpoints: Arc<Checkpoints>,
    pub cells: Arc<Mutex<Cells>>,
    /// To the input thread. Unbounded: the supervisor reports one wait at a time.
    pub awaits_input: Sender<()>,
}

impl Observer for Watcher {
    fn cell_started(&self) {
        self.activity.set_code_runs(true);
    }

    fn cell_ended(&self) {
        self.activity.set_code_runs(false);
    }

    fn worker_started(&self, worker_pid: u32) {
        tracing::debug!("worker {worker_pid} runs");
        self.pools.set(Vec::new());
        self.checkpoints.forget();
    }

    fn checkpoint(&self, checkpoint: Checkpoint) -> Option<String> {
        self.checkpoints.note(checkpoint)
    }

    fn awaits_input(&self) {
        let _ = self.awaits_input.send(());
    }

    fn pools(&self, pools: Vec<corebook::__private::event::PoolReport>) {
        self.pools.set(pools);
    }

    fn locate(&self, panic: &corebook::__private::event::PanicReport) -> Option<String> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells
            .locate(&panic.file, panic.line, panic.column)
            .map(|place| place.to_string())
    }
}
