//! Stopping a cell: first the compiler, else the running code politely, else the worker.
//!
//! The rules, with their times, are in `ARCHITECTURE.md`, "Life of an interrupt".

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use corebook_processes::ipc::ToSupervisor;
use corebook_processes::link::SupervisorLink;
use corebook_processes::program;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::evaluator::outcome;
use crate::evaluator::pending_reply::PendingReply;
use crate::shared::activity::{Activity, Phase};
use crate::shared::subshells::Subshells;

/// Code that does not look at the interrupt flag has this long before its worker is killed.
const GRACE: Duration = Duration::from_secs(1);
/// A cell that is analysed longer than this after an interrupt is answered without waiting for evcxr.
const ANSWER_AFTER: Duration = Duration::from_millis(300);
/// How often a cell that is being stopped is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Someone asks for an interrupt. Senders: control and the signal thread.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How many execute requests had come in: those that come later are not meant.
    pub received: usize,
}

/// Stops one cell after the other until every sender is gone.
pub fn serve(requests: &Receiver<Request>, context: &InterruptContext) {
    while let Ok(Request { received }) = requests.recv() {
        if let Some(cell) = context.activity.interrupt_cell(received) {
            stop_cell(cell, requests, context);
        } else if context.activity.phase() == Phase::Starting {
            // The kernel goes on starting; the cells that wait for it don't run.
            context.subshells.abort_all_below(received);
        }
    }
}

/// What an interrupt can act on.
pub struct InterruptContext {
    pub activity: Arc<Activity>,
    pub supervisor: SupervisorLink,
    pub pending_reply: Arc<PendingReply>,
    pub subshells: Arc<Subshells>,
}

fn stop_cell(cell: u64, requests: &Receiver<Request>, context: &InterruptContext) {
    let InterruptContext {
        activity,
        supervisor,
        pending_reply,
        subshells,
    } = context;
    let mut is_answered = false;
    let interrupted_at = Instant::now();
    let mut asked_at = None;
    let mut is_killed = false;
    let mut compilers = Compilers::new();
    loop {
        match activity.phase_of(cell) {
            Phase::Idle | Phase::Starting => return,
            Phase::Compiling => {
                compilers.kill();
                // rust-analyzer works in this process and can't be stopped, but nobody needs to wait for it.
                if asked_at.is_none()
                    && interrupted_at.elapsed() > ANSWER_AFTER
                    && let Some(reply) = pending_reply.take()
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
            // To the client that cell has ended; the request means those that wait behind it.
            Ok(request) if is_answered => subshells.abort_all_below(request.received),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The processes that compile a cell: the kernel's own descendants, without the supervisor's.
pub struct Compilers {
    /// Nothing where the system does not tell about processes.
    system: Option<System>,
}

impl Compilers {
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
        }
    }

    /// Kills cargo and all it has started.
    pub fn kill(&mut self) {
        self.kill_descendants(false);
    }

    /// Kills every descendant of the kernel, the supervisor and what it runs included.
    pub fn kill_with_supervisor(&mut self) {
        self.kill_descendants(true);
    }

    fn kill_descendants(&mut self, with_supervisor: bool) {
        let Some(system) = &mut self.system else {
            return;
        };
        let kind = ProcessRefreshKind::nothing()
            .with_cmd(sysinfo::UpdateKind::Never)
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
        let own_name = program::path()
            .ok()
            .and_then(|path| path.file_name().map(ToOwned::to_owned));
        // The supervisor is this same binary.
        let is_spared =
            |process: &Process| !with_supervisor && Some(process.name()) == own_name.as_deref();
        let found = descendants(system, &is_spared);
        if !found.is_empty() {
            tracing::debug!("killing {found:?}");
        }
        for pid in found {
            if let Some(process) = system.process(pid) {
                process.kill();
            }
        }
    }
}

/// The kernel's descendants, without those that are spared and theirs.
fn descendants(system: &System, is_spared: &dyn Fn(&Process) -> bool) -> HashSet<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for (pid, process) in system.processes() {
        if let Some(parent) = process.parent() {
            children.entry(parent).or_default().push(*pid);
        }
    }
    let mut found = HashSet::new();
    let mut unseen = vec![Pid::from_u32(std::process::id())];
    while let Some(pid) = unseen.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            let is_met = system
                .process(*child)
                .is_some_and(|process| !is_spared(process));
            if is_met && found.insert(*child) {
                unseen.push(*child);
            }
        }
    }
    found
}
