//! Stops a cell: kills the compiler, or asks the running code to stop, or kills the worker.
//!
//! The rules, with their times, are in `ARCHITECTURE.md`, "Life of an interrupt".

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use corebook_processes::descendants::{Kill, kill_descendants};
use corebook_processes::ipc::ToSupervisor;
use corebook_processes::link::SupervisorLink;

use crate::evaluator::current_cell::{CurrentCell, Phase};
use crate::evaluator::outcome;
use crate::shared::subshells::Subshells;

/// How long the code may ignore the interrupt flag before the worker is killed.
const GRACE: Duration = Duration::from_secs(1);
/// If a cell is still analysed this long after an interrupt, the reply is sent without waiting for evcxr.
const ANSWER_AFTER: Duration = Duration::from_millis(300);
/// How often [`stop_cell`] checks the phase of the cell.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A request to interrupt. Senders: the threads `control` and `signals`. Receiver: the thread `interrupt`.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How many execute requests had come in. The interrupt does not apply to later ones.
    pub received: usize,
}

/// Handles one request after the other until all senders are dropped.
pub fn serve(requests: &Receiver<Request>, context: &InterruptContext) {
    while let Ok(Request { received }) = requests.recv() {
        if let Some(run) = context.current_cell.interrupt(received) {
            stop_cell(run, requests, context);
        } else if context.current_cell.phase() == Phase::Starting {
            // The start goes on. The cells that wait for it are aborted.
            context.subshells.abort_all_below(received);
        }
    }
}

/// What the thread `interrupt` needs to stop a cell.
pub struct InterruptContext {
    pub current_cell: Arc<CurrentCell>,
    pub supervisor: SupervisorLink,
    pub subshells: Arc<Subshells>,
}

/// Stops the compiler or the code of a cell, and returns when the run has ended.
///
/// * `run`: the number that [`CurrentCell::interrupt`] returned.
fn stop_cell(run: u64, requests: &Receiver<Request>, context: &InterruptContext) {
    let InterruptContext {
        current_cell,
        supervisor,
        subshells,
    } = context;
    let mut is_answered = false;
    let interrupted_at = Instant::now();
    let mut asked_at = None;
    let mut is_killed = false;
    loop {
        match current_cell.phase_of(run) {
            Phase::Idle | Phase::Starting => return,
            Phase::Compiling => {
                kill_descendants(Kill::Compilers);
                // rust-analyzer works in this process and can't be stopped, but the client need not wait for it.
                if asked_at.is_none()
                    && interrupted_at.elapsed() > ANSWER_AFTER
                    && let Some(reply) = current_cell.take_reply()
                {
                    is_answered = true;
                    reply.end(Err(outcome::while_compiling()));
                }
            }
            Phase::Running => {
                let asked_at = *asked_at.get_or_insert_with(|| {
                    supervisor.send(&ToSupervisor::Interrupt);
                    Instant::now()
                });
                if asked_at.elapsed() > GRACE && !is_killed {
                    is_killed = true;
                    supervisor.send(&ToSupervisor::Kill);
                }
            }
        }
        match requests.recv_timeout(LOOK_AGAIN) {
            Ok(_) if asked_at.is_some() => supervisor.send(&ToSupervisor::Kill),
            // For the client that cell has ended, so the request applies to the cells that wait.
            Ok(request) if is_answered => subshells.abort_all_below(request.received),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
