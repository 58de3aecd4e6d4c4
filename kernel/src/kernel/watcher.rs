//! Connects the outputs thread to values that other threads use: passes on what it learns, answers its questions.

use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

use corebook_processes::ipc::Checkpoint;

use crate::evaluator::current_cell::CurrentCell;
use crate::evaluator::links::Knowledge;
use crate::outputs::Observer;

/// Implements [`Observer`], because the room `outputs` is below these values and can't import them.
pub struct Watcher {
    pub current_cell: Arc<CurrentCell>,
    pub knowledge: Knowledge,
    /// To the input thread. Unbounded: the supervisor reports one wait at a time.
    pub awaits_input: Sender<()>,
}

impl Observer for Watcher {
    fn cell_started(&self) {
        self.current_cell.set_code_runs(true);
    }

    fn cell_ended(&self) {
        self.current_cell.set_code_runs(false);
    }

    fn worker_started(&self, worker_pid: u32) {
        tracing::debug!("worker {worker_pid} runs");
        self.knowledge.pools.set(Vec::new());
        self.knowledge.checkpoints.forget();
    }

    fn checkpoint(&self, checkpoint: Checkpoint) -> Option<String> {
        self.knowledge.checkpoints.note(checkpoint)
    }

    fn awaits_input(&self) {
        let _ = self.awaits_input.send(());
    }

    fn is_input_denied(&self) -> bool {
        self.current_cell.input_denied().is_some()
    }

    fn pools(&self, pools: Vec<corebook::__private::event::PoolReport>) {
        self.knowledge.pools.set(pools);
    }

    fn locate(&self, panic: &corebook::__private::event::PanicReport) -> Option<String> {
        let cells = self
            .knowledge
            .cells
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cells
            .locate(&panic.file, panic.line, panic.column)
            .map(|place| place.to_string())
    }
}
