//! Binds the sockets, starts the threads and ends them. Answers no request itself.
//!
//! ```text
//!  client ── heartbeat ─ echo
//!         ── control ─── interrupts ──▶ interrupt ──▶ supervisor, compilers
//!         ── shell ───── jobs ────────▶ evaluator     introspection ◀── shell
//!                        requests ────▶ history ◀── evaluator
//!         ── stdin ───── replies ─────▶ stdin prompt ◀─ evaluator, input
//!         ◀─ iopub ◀──── everyone, outputs ◀── reports ◀── supervisor
//! ```

mod children;
mod parent;
mod signals;
mod threads;
mod watcher;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use corebook_analysis::client::Ending;
use corebook_analysis::mode::Mode;
use corebook_build::Toolchain;
use corebook_jupyter::connection_file::Connection;
use corebook_jupyter::heartbeat::Heartbeat;
use corebook_jupyter::iopub::{Iopub, Publisher};
use corebook_jupyter::reply::Responder;
use corebook_jupyter::router::Router;
use corebook_jupyter::socket_queue::SocketSender;
use corebook_jupyter::sockets::{Bound, Context, Sockets};
use corebook_jupyter::wire::Origin;
use corebook_processes::descendants::{Kill, kill_descendants};
use corebook_processes::ipc::ToSupervisor;
use corebook_processes::link::{self, News, SupervisorLink};
use jupyter_protocol::Status;

use crate::evaluator::Evaluator;
use crate::evaluator::current_cell::CurrentCell;
use crate::evaluator::job::Job;
use crate::evaluator::links::{EvaluatorLinks, Knowledge, SharedSession, WorkerLinks};
use crate::evaluator::stdin::{self, StdinPrompt};
use crate::history::place::Place;
use crate::history::{self, Historian};
use crate::introspection::analysis::Analysis;
use crate::introspection::{self, Introspector};
use crate::outputs::{self, Input, Outputs};
use crate::requests::control::Control;
use crate::requests::interrupt::{self, InterruptContext};
use crate::requests::shell::Shell;
use crate::shared::shutdown::Shutdown;
use crate::shared::subshells::Subshells;

use self::threads::{Threads, spawn_detached};
use self::watcher::Watcher;

/// How long the end waits for threads. After that the process ends without them.
const END_WAIT: Duration = Duration::from_millis(1500);

/// How long the end waits for a compiler that was started during the shutdown.
const LAST_CHILD_WAIT: Duration = Duration::from_millis(200);

/// Runs a kernel on `connection` until a client or a signal ends it.
///
/// * `folder`: the notebook's folder. The process has left it already.
pub fn run(connection: Connection, folder: Option<PathBuf>) -> anyhow::Result<()> {
    let sockets = Sockets::bind(connection)?;
    let mut kernel = Kernel::new(&sockets);
    let shutdowns = kernel.start(sockets, folder)?;
    // An error means that all senders are dropped because all threads have ended. The kernel ends then, too.
    let _ = shutdowns.recv();
    kernel.end();
    Ok(())
}

/// What the threads of shell and control need to answer requests or to pass them on.
struct Requests {
    publisher: Publisher,
    shutdowns: Sender<Shutdown>,
    interrupts: Sender<interrupt::Request>,
    jobs: Sender<Job>,
    introspection: Sender<introspection::Request>,
    history: Sender<history::Request>,
    subshells: Arc<Subshells>,
    rust_version: String,
}

struct Kernel {
    context: Context,
    current_cell: Arc<CurrentCell>,
    supervisor: SupervisorLink,
    session: SharedSession,
    /// Ends the analysis process.
    analysis: Arc<Ending>,
    /// Removes the folder of the supervisor's socket when it is dropped, at the end.
    report_address: Option<link::ReportAddress>,
    threads: Threads,
    senders: Vec<SocketSender>,
    /// To the thread `history`, which closes its file at the end.
    history: Option<Sender<history::Request>>,
}

impl Kernel {
    fn new(sockets: &Sockets) -> Self {
        Self {
            context: sockets.context.clone(),
            current_cell: Arc::new(CurrentCell::new()),
            supervisor: SupervisorLink::default(),
            session: SharedSession::default(),
            analysis: Arc::default(),
            report_address: None,
            threads: Threads::default(),
            senders: sockets.senders(),
            history: None,
        }
    }

    /// Starts every thread. The kernel must end when the returned channel delivers a message.
    fn start(
        &mut self,
        sockets: Sockets,
        folder: Option<PathBuf>,
    ) -> anyhow::Result<Receiver<Shutdown>> {
        let (shutdowns, ends) = channel();
        let (interrupts, interrupt_requests) = channel();
        let (jobs, evaluator_jobs) = channel();
        let (introspection, introspection_requests) = channel();
        let (history, history_requests) = channel();
        let (outputs, output_inputs) = sync_channel(outputs::QUEUE_LENGTH);
        let (awaits_input, input_wanted) = channel();
        let subshells = Arc::new(Subshells::new());
        // Before the sockets' threads: a client may send a signal as soon as it sees the kernel.
        signals::spawn_thread(
            interrupts.clone(),
            shutdowns.clone(),
            Arc::clone(&subshells),
        )?;
        parent::spawn_thread(shutdowns.clone())?;
        history::initialise();
        self.history = Some(history.clone());

        let publisher = self.start_iopub(sockets.iopub)?;
        self.start_heartbeat(sockets.heartbeat)?;
        let stdin_prompt = self.start_stdin(sockets.stdin)?;
        // After iopub has started: rustup is slow, and clients wait for `iopub_welcome`.
        let toolchain = Toolchain::of_user(folder.as_deref());
        let responder = Responder {
            publisher: publisher.clone(),
            replies: sockets.shell.sender.clone(),
        };
        let requests = Requests {
            publisher,
            shutdowns: shutdowns.clone(),
            interrupts,
            jobs,
            introspection,
            history: history.clone(),
            subshells: Arc::clone(&subshells),
            rust_version: toolchain
                .as_ref()
                .map_or("unknown".to_owned(), |found| found.version.clone()),
        };
        self.start_requests(sockets.shell, sockets.control, requests)?;
        self.start_history(&responder, history_requests)?;
        let report_socket = self.listen_to_supervisors(outputs.clone())?;

        let links = EvaluatorLinks {
            responder,
            current_cell: Arc::clone(&self.current_cell),
            worker: WorkerLinks {
                supervisor: self.supervisor.clone(),
                outputs,
                report_socket,
            },
            knowledge: Knowledge::new(),
            subshells,
            history,
            shutdowns,
            stdin_prompt,
            session: Arc::clone(&self.session),
            folder,
        };
        start_outputs(&links, output_inputs, awaits_input)?;
        start_interrupts(&links, interrupt_requests)?;
        start_input(&links, input_wanted)?;
        start_introspection(&links, &self.analysis, introspection_requests)?;
        spawn_detached("evaluator", move || {
            Evaluator::new(links).serve(toolchain, &evaluator_jobs);
        })?;
        Ok(ends)
    }

    /// Starts the thread that publishes, and publishes the status `starting`.
    fn start_iopub(&mut self, iopub: Bound<Iopub>) -> anyhow::Result<Publisher> {
        let publisher = Publisher::new(iopub.sender);
        self.threads.spawn("iopub", move || iopub.owner.serve())?;
        publisher.publish(&Origin::default(), Status::starting());
        Ok(publisher)
    }

    fn start_heartbeat(&mut self, heartbeat: Bound<Heartbeat>) -> anyhow::Result<()> {
        let threads = &mut self.threads;
        threads.spawn("heartbeat", move || heartbeat.owner.serve())?;
        Ok(())
    }

    fn start_stdin(&mut self, stdin: Bound<Router>) -> anyhow::Result<Arc<StdinPrompt>> {
        let (input_replies, stdin_replies) = channel();
        let prompt = Arc::new(StdinPrompt::new(stdin.sender, stdin_replies));
        self.threads.spawn("stdin", move || {
            stdin
                .owner
                .serve(|message| stdin::take(message, &input_replies));
        })?;
        Ok(prompt)
    }

    /// Starts the threads `control` and `shell`.
    fn start_requests(
        &mut self,
        shell: Bound<Router>,
        control: Bound<Router>,
        requests: Requests,
    ) -> anyhow::Result<()> {
        let handler = Control {
            responder: Responder {
                publisher: requests.publisher.clone(),
                replies: control.sender,
            },
            interrupts: requests.interrupts,
            subshells: Arc::clone(&requests.subshells),
            shutdowns: requests.shutdowns.clone(),
            rust_version: requests.rust_version.clone(),
        };
        let owner = control.owner;
        self.threads.spawn("control", move || {
            owner.serve(|message| handler.handle(message));
        })?;

        let handler = Shell {
            responder: Responder {
                publisher: requests.publisher,
                replies: shell.sender,
            },
            history: requests.history,
            jobs: requests.jobs,
            introspection: requests.introspection,
            subshells: requests.subshells,
            current_cell: Arc::clone(&self.current_cell),
            shutdowns: requests.shutdowns,
            rust_version: requests.rust_version,
        };
        let owner = shell.owner;
        self.threads.spawn("shell", move || {
            owner.serve(|message| handler.handle(message));
        })?;
        Ok(())
    }

    fn start_history(
        &mut self,
        responder: &Responder,
        requests: Receiver<history::Request>,
    ) -> anyhow::Result<()> {
        let responder = responder.clone();
        let historian = Historian { responder };
        self.threads.spawn("history", move || {
            historian.serve(Place::locate(), &requests);
        })?;
        Ok(())
    }

    /// Binds the supervisor's socket and starts the thread that forwards its reports. Returns the socket's path.
    fn listen_to_supervisors(&mut self, outputs: SyncSender<Input>) -> anyhow::Result<PathBuf> {
        let (listener, address) = link::Listener::bind()?;
        let path = address.path();
        self.report_address = Some(address);
        let supervisor = self.supervisor.clone();
        spawn_detached("reports", move || {
            listener.serve(&supervisor, |news| {
                let input = match news {
                    News::Report(report) => Input::Report(report),
                    News::SupervisorGone => Input::SupervisorGone,
                };
                outputs.send(input).is_ok()
            });
        })?;
        Ok(path)
    }

    /// Ends the child processes, then the sockets' threads, which first send what is in their queues.
    fn end(self) {
        self.current_cell.end_kernel();
        self.supervisor.send(&ToSupervisor::End);
        self.analysis.end();
        kill_descendants(Kill::Compilers);
        if let Some(history) = &self.history {
            let _ = history.send(history::Request::End);
        }
        for sender in &self.senders {
            sender.stop();
        }
        let deadline = Instant::now() + END_WAIT;
        children::reap(deadline);
        self.threads.wait(deadline);
        // Removed explicitly: the evaluator may hold the session too, and nothing waits for its thread.
        if let Some(session) = self
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            session.remove();
            // The evaluator may have started one more compiler meanwhile, which creates the folder again. It can't
            // start another one, because evcxr's cargo was in the folder.
            kill_descendants(Kill::All);
            children::reap(Instant::now() + LAST_CHILD_WAIT);
            session.remove();
        }
        drop(self.report_address);
        drop(self.senders);
        // Closed sockets still deliver during their linger time. Nothing waits for the context, because the
        // evaluator's thread may still hold a publisher.
        drop(self.context);
    }
}

/// Starts the thread that publishes what cells show.
fn start_outputs(
    links: &EvaluatorLinks,
    inputs: Receiver<Input>,
    awaits_input: Sender<()>,
) -> anyhow::Result<()> {
    let observer = Watcher {
        current_cell: Arc::clone(&links.current_cell),
        knowledge: links.knowledge.clone(),
        awaits_input,
    };
    let outputs = Outputs::new(links.responder.publisher.clone(), observer);
    spawn_detached("outputs", move || outputs.serve(&inputs))?;
    Ok(())
}

fn start_interrupts(
    links: &EvaluatorLinks,
    requests: Receiver<interrupt::Request>,
) -> anyhow::Result<()> {
    let context = InterruptContext {
        current_cell: Arc::clone(&links.current_cell),
        supervisor: links.worker.supervisor.clone(),
        subshells: Arc::clone(&links.subshells),
    };
    spawn_detached("interrupt", move || interrupt::serve(&requests, &context))?;
    Ok(())
}

/// Starts the thread that asks the client for a line when a cell reads stdin.
fn start_input(links: &EvaluatorLinks, wanted: Receiver<()>) -> anyhow::Result<()> {
    let prompt = Arc::clone(&links.stdin_prompt);
    let current_cell = Arc::clone(&links.current_cell);
    let supervisor = links.worker.supervisor.clone();
    spawn_detached("input", move || {
        stdin::answer_reads(&wanted, &prompt, &current_cell, &supervisor);
    })?;
    Ok(())
}

fn start_introspection(
    links: &EvaluatorLinks,
    ending: &Arc<Ending>,
    requests: Receiver<introspection::Request>,
) -> anyhow::Result<()> {
    let introspector = Introspector {
        responder: links.responder.clone(),
        current_cell: Arc::clone(&links.current_cell),
        folder: links.folder.clone(),
        analysis: Analysis::new(Mode::choose(), Arc::clone(ending), links),
    };
    spawn_detached("introspection", move || introspector.serve(&requests))?;
    Ok(())
}
