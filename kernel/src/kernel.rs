//! Binds the sockets, starts the threads, and ends them: the only place that spawns kernel threads.
//!
//! ```text
//!  client ── heartbeat ─ echo
//!         ── control ─── interrupts ──▶ interrupt ──▶ supervisor, compilers
//!         ── shell ───── jobs ────────▶ evaluator ◀─ introspection ◀── shell
//!                        requests ────▶ history ◀── evaluator
//!         ── stdin ───── replies ─────▶ stdin prompt ◀─ evaluator, input
//!         ◀─ iopub ◀──── everyone, outputs ◀── reports ◀── supervisor
//! ```

mod children;
mod parent;
mod signals;
mod watcher;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use corebook_build::Toolchain;
use jupyter_protocol::Status;

use crate::evaluator::locate::Cells;
use crate::evaluator::pending_reply::PendingReply;
use crate::evaluator::stdin;
use crate::evaluator::stdin::StdinPrompt;
use crate::evaluator::{Evaluator, EvaluatorLinks, SharedSession};
use crate::history;
use crate::history::Historian;
use crate::history::place::Place;
use crate::introspection;
use crate::jupyter::connection_file::Connection;
use crate::jupyter::heartbeat;
use crate::jupyter::iopub::{self, Publisher};
use crate::jupyter::socket_queue::SocketSender;
use crate::jupyter::wire::Origin;
use crate::outputs::{self, Input, Outputs};
use crate::processes::ipc::ToSupervisor;
use crate::processes::link::{self, News, SupervisorLink};
use crate::requests::control::{Control, Shutdown};
use crate::requests::interrupt;
use crate::requests::shell::Shell;
use crate::shared::activity::Activity;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::host::Pools;
use crate::shared::subshells::Subshells;

use self::watcher::Watcher;
use crate::jupyter::sockets::Sockets;

/// How long threads may take to end before the process ends without them.
const END_WAIT: Duration = Duration::from_millis(1500);

/// How long a compiler that was started last may take to end.
const LAST_CHILD_WAIT: Duration = Duration::from_millis(200);

/// Runs a kernel on `connection` until a client or a signal ends it.
///
/// * `folder`: that of the notebook, which is not the process's own any more.
pub fn run(connection: Connection, folder: Option<PathBuf>) -> anyhow::Result<()> {
    let sockets = Sockets::bind(connection)?;
    let mut kernel = Kernel::new(&sockets);
    let shutdowns = kernel.start(sockets, folder)?;
    // Every sender gone would mean that every thread has ended; then the kernel ends too.
    let _ = shutdowns.recv();
    kernel.end();
    Ok(())
}

struct Kernel {
    context: zmq::Context,
    activity: Arc<Activity>,
    supervisor: SupervisorLink,
    session: SharedSession,
    /// Keeps the folder of the supervisor's socket until the end.
    report_address: Option<link::ReportAddress>,
    threads: Vec<JoinHandle<()>>,
    senders: Vec<SocketSender>,
    /// To the history's thread, which closes its file at the end.
    history: Option<Sender<history::Request>>,
}

impl Kernel {
    fn new(sockets: &Sockets) -> Self {
        Self {
            context: sockets.context.clone(),
            activity: Arc::new(Activity::new()),
            supervisor: SupervisorLink::default(),
            session: SharedSession::default(),
            report_address: None,
            threads: Vec::new(),
            senders: sockets.senders(),
            history: None,
        }
    }

    /// Starts every thread. What comes back tells when to end.
    fn start(
        &mut self,
        sockets: Sockets,
        folder: Option<PathBuf>,
    ) -> anyhow::Result<Receiver<Shutdown>> {
        let Sockets {
            codec,
            shell,
            control,
            stdin,
            iopub,
            heartbeat,
            ..
        } = sockets;
        let (shutdowns, ends) = channel();
        let (interrupts, interrupt_requests) = channel();
        let (jobs, evaluator_jobs) = channel();
        let (introspection, introspection_requests) = channel();
        let (history, history_requests) = channel();
        let (input_replies, stdin_replies) = channel();
        let (awaits_input, input_wanted) = channel();
        let (outputs, output_inputs) = sync_channel(outputs::QUEUE_LENGTH);
        let subshells = Arc::new(Subshells::new());
        // First of all: a client that sees the kernel may signal it.
        signals::spawn_thread(
            interrupts.clone(),
            shutdowns.clone(),
            Arc::clone(&subshells),
        )?;
        parent::spawn_thread(shutdowns.clone())?;

        history::initialise();
        let publisher = Publisher::new(iopub.sender);
        let (socket, receiver) = iopub.owner;
        self.spawn("iopub", move || iopub::serve(&socket, &receiver, &codec))?;
        publisher.publish(&Origin::default(), Status::starting());

        self.spawn("heartbeat", move || {
            heartbeat::serve(&heartbeat.owner.0, &heartbeat.owner.1)
        })?;

        let stdin_prompt = Arc::new(StdinPrompt::new(stdin.sender, stdin_replies));
        self.spawn("stdin", move || {
            stdin
                .owner
                .serve(|message| stdin::take(message, &input_replies))
        })?;

        let toolchain = Toolchain::of_user(folder.as_deref());
        let rust_version = toolchain
            .as_ref()
            .map_or("unknown".to_owned(), |found| found.version.clone());
        let handler = Control {
            publisher: publisher.clone(),
            replies: control.sender,
            interrupts: interrupts.clone(),
            subshells: Arc::clone(&subshells),
            shutdowns: shutdowns.clone(),
            rust_version: rust_version.clone(),
        };
        self.spawn("control", move || {
            control.owner.serve(|message| handler.handle(message))
        })?;

        let replies = shell.sender;
        let handler = Shell {
            publisher: publisher.clone(),
            replies: replies.clone(),
            history: history.clone(),
            jobs: jobs.clone(),
            introspection,
            subshells: Arc::clone(&subshells),
            shutdowns: shutdowns.clone(),
            rust_version,
        };
        self.spawn("shell", move || {
            shell.owner.serve(|message| handler.handle(message))
        })?;

        self.history = Some(history.clone());
        let historian = Historian {
            publisher: publisher.clone(),
            replies: replies.clone(),
        };
        self.spawn("history", move || {
            historian.serve(Place::locate(), &history_requests)
        })?;

        let (listener, address) = link::Listener::bind()?;
        let report_socket = address.path();
        self.report_address = Some(address);
        let (supervisor, to_outputs) = (self.supervisor.clone(), outputs.clone());
        std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || {
                listener.serve(&supervisor, |news| {
                    let input = match news {
                        News::Report(report) => Input::Report(report),
                        News::SupervisorGone => Input::SupervisorGone,
                    };
                    to_outputs.send(input).is_ok()
                });
            })?;

        let cells = Arc::new(Mutex::new(Cells::default()));
        let pools = Arc::new(Pools::default());
        let checkpoints = Arc::new(Checkpoints::new());
        let observer = Watcher {
            activity: Arc::clone(&self.activity),
            pools: Arc::clone(&pools),
            checkpoints: Arc::clone(&checkpoints),
            cells: Arc::clone(&cells),
            awaits_input,
        };
        let shown = Outputs::new(publisher.clone(), observer);
        std::thread::Builder::new()
            .name("outputs".to_owned())
            .spawn(move || shown.serve(&output_inputs))?;

        let pending_reply = Arc::new(PendingReply::default());
        let context = interrupt::InterruptContext {
            activity: Arc::clone(&self.activity),
            supervisor: self.supervisor.clone(),
            pending_reply: Arc::clone(&pending_reply),
            subshells: Arc::clone(&subshells),
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || interrupt::serve(&interrupt_requests, &context))?;

        let (activity, supervisor, asking) = (
            Arc::clone(&self.activity),
            self.supervisor.clone(),
            Arc::clone(&stdin_prompt),
        );
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || stdin::answer_reads(&input_wanted, &asking, &activity, &supervisor))?;

        let introspector = introspection::Introspector {
            publisher: publisher.clone(),
            replies: replies.clone(),
            jobs,
            activity: Arc::clone(&self.activity),
            folder: folder.clone(),
        };
        std::thread::Builder::new()
            .name("introspection".to_owned())
            .spawn(move || introspector.serve(&introspection_requests))?;

        let links = EvaluatorLinks {
            publisher,
            replies,
            outputs,
            activity: Arc::clone(&self.activity),
            history,
            subshells,
            pending_reply,
            cells,
            pools,
            checkpoints,
            stdin_prompt,
            supervisor: self.supervisor.clone(),
            session: Arc::clone(&self.session),
            report_socket,
            folder,
        };
        std::thread::Builder::new()
            .name("evaluator".to_owned())
            .spawn(move || Evaluator::new(links).serve(toolchain, &evaluator_jobs))?;

        Ok(ends)
    }

    /// A thread around a socket or a file, joined at the end.
    fn spawn(&mut self, name: &str, serve: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.threads.push(
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(serve)?,
        );
        Ok(())
    }

    /// Ends the children, then the sockets' threads, so that what was left to send is sent.
    fn end(self) {
        self.activity.end();
        self.supervisor.send(&ToSupervisor::End);
        interrupt::Compilers::new().kill();
        if let Some(history) = &self.history {
            let _ = history.send(history::Request::End);
        }
        for sender in &self.senders {
            sender.stop();
        }
        let deadline = Instant::now() + END_WAIT;
        children::reap(deadline);
        for thread in self.threads {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        // The evaluator may hold the session as well, and its thread is not waited for.
        if let Some(session) = self
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            session.remove();
            // The evaluator may have started one more compiler, which makes the folder anew. Now it can start
            // none, because evcxr's cargo was in the folder.
            interrupt::Compilers::new().kill_with_supervisor();
            children::reap(Instant::now() + LAST_CHILD_WAIT);
            session.remove();
        }
        drop(self.report_address);
        drop(self.senders);
        // Closed sockets deliver for their linger time; the context is not waited for, because the
        // evaluator's thread may still hold a publisher.
        drop(self.context);
    }
}
