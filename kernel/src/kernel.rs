//! Binds the sockets, starts the threads, and ends them: the only place that spawns kernel threads.
//!
//! ```text
//!  client ── heartbeat ─ echo
//!         ── control ─── interrupts ──▶ interrupt ──▶ supervisor, compilers
//!         ── shell ───── jobs ────────▶ evaluator ◀─ introspection ◀── shell
//!         ── stdin ───── replies ─────▶ input desk ◀─ evaluator, input
//!         ◀─ iopub ◀──── everyone, outputs ◀── reports ◀── supervisor
//! ```

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use corebook_install::Toolchain;
use jupyter_protocol::{JupyterMessageContent, Status};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::activity::Activity;
use crate::connection::Connection;
use crate::control::Control;
use crate::evaluator::answer::{OpenCell, Received};
use crate::evaluator::locate::Cells;
use crate::evaluator::{Evaluator, EvaluatorLinks, SharedSession};
use crate::host::Pools;
use crate::input::InputDesk;
use crate::iopub::{self, Publisher};
use crate::outbox::{self, Inbox, Outbox};
use crate::outputs::{self, Observer, Outputs};
use crate::replies::history::History;
use crate::reports::{self, Orders};
use crate::router::Router;
use crate::shell::Shell;
use crate::supervisor::report::Order;
use crate::wire::{Codec, Incoming, Origin};
use crate::{heartbeat, interrupt, introspection};

/// How long threads may take to end before the process ends without them.
const END_WAIT: Duration = Duration::from_millis(1500);

/// How long the supervisor may take to end by itself.
const SUPERVISOR_WAIT: Duration = Duration::from_millis(700);

/// Ends the kernel. Senders: control and the signal thread. Receiver: the main thread.
#[derive(Debug, Clone, Copy)]
pub struct Shutdown;

/// Runs a kernel on `connection` until a client or a signal ends it.
pub fn run(connection: Connection) -> anyhow::Result<()> {
    let mut kernel = Kernel::bind(connection)?;
    let shutdowns = kernel.start()?;
    // Every sender gone would mean that every thread has ended; then the kernel ends too.
    let _ = shutdowns.recv();
    kernel.end();
    Ok(())
}

struct Kernel {
    context: zmq::Context,
    codec: Arc<Codec>,
    activity: Arc<Activity>,
    orders: Orders,
    session: SharedSession,
    /// Keeps the folder of the supervisor's socket until the end.
    report_address: Option<reports::ReportAddress>,
    shell: Option<Bound<Router>>,
    control: Option<Bound<Router>>,
    stdin: Option<Bound<Router>>,
    iopub: Option<Bound<(zmq::Socket, Inbox)>>,
    heartbeat: Option<Bound<(zmq::Socket, Inbox)>>,
    threads: Vec<JoinHandle<()>>,
    outboxes: Vec<Outbox>,
}

/// A socket that waits for its thread, and the way into that thread.
struct Bound<T> {
    owner: T,
    outbox: Outbox,
}

impl Kernel {
    /// Binds all five sockets: from here on clients can connect, and nothing is lost.
    fn bind(connection: Connection) -> anyhow::Result<Self> {
        let Connection { info, signer } = connection;
        let codec = Arc::new(Codec::new(signer, uuid::Uuid::new_v4().to_string()));
        let context = zmq::Context::new();
        let router = |name: &'static str, url: String| -> anyhow::Result<Bound<Router>> {
            let (outbox, inbox) = outbox::pair(&context, &codec, name)?;
            let owner = Router::bind(&context, &url, name, inbox, &codec)
                .with_context(|| format!("can't bind the {name} socket to {url}"))?;
            Ok(Bound { owner, outbox })
        };
        let shell = router("shell", info.shell_url())?;
        let control = router("control", info.control_url())?;
        let stdin = router("stdin", info.stdin_url())?;
        let (outbox, inbox) = outbox::pair(&context, &codec, "iopub")?;
        let url = info.iopub_url();
        let socket = iopub::bind(&context, &url)
            .with_context(|| format!("can't bind the iopub socket to {url}"))?;
        let iopub = Bound {
            owner: (socket, inbox),
            outbox,
        };
        let (outbox, inbox) = outbox::pair(&context, &codec, "heartbeat")?;
        let url = info.hb_url();
        let socket = heartbeat::bind(&context, &url)
            .with_context(|| format!("can't bind the heartbeat socket to {url}"))?;
        let heartbeat = Bound {
            owner: (socket, inbox),
            outbox,
        };
        Ok(Self {
            activity: Arc::new(Activity::new()),
            orders: Orders::default(),
            session: SharedSession::default(),
            report_address: None,
            outboxes: vec![
                shell.outbox.clone(),
                control.outbox.clone(),
                stdin.outbox.clone(),
                iopub.outbox.clone(),
                heartbeat.outbox.clone(),
            ],
            context,
            codec,
            shell: Some(shell),
            control: Some(control),
            stdin: Some(stdin),
            iopub: Some(iopub),
            heartbeat: Some(heartbeat),
            threads: Vec::new(),
        })
    }

    /// Starts every thread. What comes back tells when to end.
    fn start(&mut self) -> anyhow::Result<Receiver<Shutdown>> {
        let (shutdowns, ends) = channel();
        let (interrupts, interrupt_requests) = channel();
        let (jobs, evaluator_jobs) = channel();
        let (introspection, introspection_requests) = channel();
        let (input_replies, stdin_replies) = channel();
        let (awaits_input, input_wanted) = channel();
        let (outputs, output_inputs) = sync_channel(outputs::QUEUE_LENGTH);
        let received = Arc::new(Received::default());
        // First of all: a client that sees the kernel may signal it.
        spawn_signal_thread(interrupts.clone(), shutdowns.clone(), Arc::clone(&received))?;

        let iopub = self.iopub.take().expect("start is called once");
        let publisher = Publisher::new(iopub.outbox);
        let (socket, inbox) = iopub.owner;
        let codec = Arc::clone(&self.codec);
        self.spawn("iopub", move || iopub::serve(&socket, &inbox, &codec))?;
        publisher.publish(&Origin::default(), Status::starting());

        let heartbeat = self.heartbeat.take().expect("start is called once");
        self.spawn("heartbeat", move || {
            heartbeat::serve(&heartbeat.owner.0, &heartbeat.owner.1)
        })?;

        let stdin = self.stdin.take().expect("start is called once");
        let desk = Arc::new(InputDesk::new(stdin.outbox, stdin_replies));
        self.spawn("stdin", move || {
            stdin
                .owner
                .serve(|message| take_input(message, &input_replies))
        })?;

        let toolchain = Toolchain::discover();
        let rust_version = toolchain
            .as_ref()
            .map_or("unknown".to_owned(), |found| found.version.clone());
        let control = self.control.take().expect("start is called once");
        let handler = Control {
            publisher: publisher.clone(),
            replies: control.outbox,
            interrupts: interrupts.clone(),
            received: Arc::clone(&received),
            shutdowns: shutdowns.clone(),
            rust_version: rust_version.clone(),
        };
        self.spawn("control", move || {
            control.owner.serve(|message| handler.handle(message))
        })?;

        let history = Arc::new(Mutex::new(History::default()));
        let shell = self.shell.take().expect("start is called once");
        let replies = shell.outbox;
        let handler = Shell {
            publisher: publisher.clone(),
            replies: replies.clone(),
            history: Arc::clone(&history),
            jobs: jobs.clone(),
            introspection,
            received: Arc::clone(&received),
            shutdowns: shutdowns.clone(),
            rust_version,
        };
        self.spawn("shell", move || {
            shell.owner.serve(|message| handler.handle(message))
        })?;

        let (listener, address) = reports::Listener::bind()?;
        let report_socket = address.path();
        self.report_address = Some(address);
        let (orders, to_outputs) = (self.orders.clone(), outputs.clone());
        std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || listener.serve(&orders, &to_outputs))?;

        let cells = Arc::new(Mutex::new(Cells::default()));
        let pools = Arc::new(Pools::default());
        let observer = Watcher {
            activity: Arc::clone(&self.activity),
            pools: Arc::clone(&pools),
            cells: Arc::clone(&cells),
            awaits_input,
        };
        let shown = Outputs::new(publisher.clone(), observer);
        std::thread::Builder::new()
            .name("outputs".to_owned())
            .spawn(move || shown.serve(&output_inputs))?;

        let open_cell = Arc::new(OpenCell::default());
        let reach = interrupt::Reach {
            activity: Arc::clone(&self.activity),
            orders: self.orders.clone(),
            open_cell: Arc::clone(&open_cell),
            received: Arc::clone(&received),
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || interrupt::serve(&interrupt_requests, &reach))?;

        let (activity, orders, asking) = (
            Arc::clone(&self.activity),
            self.orders.clone(),
            Arc::clone(&desk),
        );
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || answer_reads(&input_wanted, &asking, &activity, &orders))?;

        let introspector = introspection::Introspector {
            publisher: publisher.clone(),
            replies: replies.clone(),
            jobs,
            activity: Arc::clone(&self.activity),
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
            received,
            open_cell,
            cells,
            pools,
            desk,
            orders: self.orders.clone(),
            session: Arc::clone(&self.session),
            report_socket,
        };
        std::thread::Builder::new()
            .name("evaluator".to_owned())
            .spawn(move || Evaluator::new(links).serve(toolchain, &evaluator_jobs))?;

        Ok(ends)
    }

    /// A thread around a socket, joined at the end.
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
        self.orders.give(&Order::Kill);
        interrupt::Compilers::new().kill();
        for outbox in &self.outboxes {
            outbox.stop();
        }
        let deadline = Instant::now() + END_WAIT;
        reap_children(deadline);
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
        }
        drop(self.report_address);
        drop(self.outboxes);
        // Closed sockets deliver for their linger time; the context is not waited for, because the
        // evaluator's thread may still hold a publisher.
        drop(self.context);
    }
}

/// Waits until the supervisor and the compilers are gone: in a container nobody else reaps them.
fn reap_children(deadline: Instant) {
    let patience = Instant::now() + SUPERVISOR_WAIT;
    let mut is_killed = false;
    while Instant::now() < deadline {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) => {}
            Err(_) => return,
        }
        // A supervisor that has not connected yet hears no orders.
        if !is_killed && Instant::now() > patience {
            is_killed = true;
            interrupt::Compilers::new().kill_with_supervisor();
        }
    }
}

/// Passes an answer of the person at the client to whoever asked.
fn take_input(message: Incoming, replies: &Sender<jupyter_protocol::InputReply>) {
    match message.content {
        JupyterMessageContent::InputReply(reply) => {
            // Nobody asks any more when the kernel ends.
            let _ = replies.send(reply);
        }
        other => tracing::warn!("stdin: dropped a message of type {}", other.message_type()),
    }
}

/// Answers code that reads its stdin, one line a request.
fn answer_reads(wanted: &Receiver<()>, desk: &InputDesk, activity: &Activity, orders: &Orders) {
    while wanted.recv().is_ok() {
        match desk.ask("", false, activity) {
            Ok(line) => orders.give(&Order::Input { line }),
            Err(reason) => {
                desk.refuse(reason);
                orders.give(&Order::NoInput);
            }
        }
    }
}

/// What the outputs thread lets the others know.
struct Watcher {
    activity: Arc<Activity>,
    pools: Arc<Pools>,
    cells: Arc<Mutex<Cells>>,
    /// To the input thread. Unbounded: the supervisor reports one wait at a time.
    awaits_input: Sender<()>,
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
    }

    fn awaits_input(&self) {
        let _ = self.awaits_input.send(());
    }

    fn pools(&self, pools: Vec<corebook::event::PoolReport>) {
        self.pools.set(pools);
    }

    fn locate(&self, panic: &corebook::event::PanicReport) -> Option<String> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells
            .locate(&panic.file, panic.line, panic.column)
            .map(|place| place.to_string())
    }
}

/// SIGINT interrupts the running cell, SIGTERM ends the kernel.
fn spawn_signal_thread(
    interrupts: Sender<interrupt::Request>,
    shutdowns: Sender<Shutdown>,
    received: Arc<Received>,
) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let is_over = match signal {
                    SIGINT => interrupts
                        .send(interrupt::Request {
                            received: received.count(),
                        })
                        .is_err(),
                    _ => shutdowns.send(Shutdown).is_err(),
                };
                if is_over {
                    return;
                }
            }
        })?;
    Ok(())
}

/// Reads and checks the connection file, then runs the kernel.
pub fn run_from_file(path: &Path) -> anyhow::Result<()> {
    run(crate::connection::read(path)?)
}
