//! The only thread that calls evcxr: jobs in, outcomes out.
//!
//! Runs in one thread, because evcxr does. Publishes a cell's status, input and error; its output goes
//! through the outputs thread.
//!
//! * [`first_build`]: telling the cells that wait for it what takes so long
//! * [`first_cell`]: what the notebook's folder and the user's settings add, once a cell runs
//! * [`run_cell`]: one cell from its source to its outcome
//! * [`stdin`]: asking the client for a line
//! * [`questions`]: what rust-analyzer knows of code that is being typed
//! * [`pending_reply`]: a cell's error, reply and idle, given once
//! * [`to_jupyter`]: answers of magics and commands as Jupyter messages
//! * [`error`]: the one error that a cell's author sees
//! * [`outcome`]: from what evcxr and the supervisor say to what the client sees
//! * [`diagnostics`]: compile errors as the cell's author should read them
//! * [`locate`]: from generated code back to cells
//! * [`timings`]: where a cell's time went

mod diagnostics;
pub mod error;
mod first_build;
mod first_cell;
pub mod locate;
pub mod outcome;
pub mod pending_reply;
mod questions;
mod run_cell;
pub mod stdin;
mod timings;
mod to_jupyter;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use corebook_build::cargo_shim::Compile;
use corebook_build::{Session, Toolchain, linker};
use corebook_jupyter::iopub::Publisher;
use corebook_jupyter::reply::reply;
use corebook_jupyter::socket_queue::SocketSender;
use corebook_jupyter::wire::Origin;
use corebook_processes::link::SupervisorLink;
use corebook_processes::program;
use jupyter_protocol::{
    ExecuteInput, ExecuteReply, ExecuteRequest, ExecutionCount, ExpressionResult, Media,
    ReplyStatus, Status,
};
use serde_json::json;

use self::stdin::StdinPrompt;
use crate::history;
use crate::outputs::Input;
use crate::shared::activity::{Activity, Phase};
use crate::shared::checkpoints::Checkpoints;
use crate::shared::host::Pools;
use crate::shared::subshells::Subshells;

pub use self::questions::{Found, FoundItem};

use self::error::CellError;
use self::locate::Cells;
use self::pending_reply::{CellReply, PendingReply};
use self::timings::Timings;
use self::to_jupyter::plain_text;
use crate::evcxr::interpreter::Interpreter;
use crate::evcxr::startup;

/// A warm-up begins when no job came for so long: cells that are sent one after the other, by `Run All` or by a
/// program, do not wait for one.
const REST_BEFORE_WARM_UP: Duration = Duration::from_secs(1);

/// The session in use. The main thread takes it at the end and so removes its folder.
pub type SharedSession = Arc<Mutex<Option<Arc<Session>>>>;

/// Work for the evaluator. Senders: shell and introspection.
pub enum Job {
    Execute(ExecuteJob),
    /// Completions of `code` at the byte `offset`; a closed channel says that there are none.
    Complete {
        code: String,
        offset: usize,
        answer: SyncSender<Found>,
    },
    /// Documentation of the name that `code` ends with, as HTML; a closed channel says that there is none.
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
    /// Whether the client knows already that its turn has come.
    pub busy_published: bool,
    /// Whether the client can show a display anew in its place.
    pub supports_update_display: bool,
}

/// What the evaluator shares with other threads.
pub struct EvaluatorLinks {
    pub publisher: Publisher,
    pub replies: SocketSender,
    pub outputs: SyncSender<Input>,
    pub activity: Arc<Activity>,
    /// To the thread that remembers. Unbounded: two messages a cell.
    pub history: Sender<history::Request>,
    pub subshells: Arc<Subshells>,
    pub pending_reply: Arc<PendingReply>,
    pub cells: Arc<Mutex<Cells>>,
    pub pools: Arc<Pools>,
    pub checkpoints: Arc<Checkpoints>,
    pub stdin_prompt: Arc<StdinPrompt>,
    pub supervisor: SupervisorLink,
    pub session: SharedSession,
    pub report_socket: PathBuf,
    /// The notebook's.
    pub folder: Option<PathBuf>,
}

/// Runs cells.
pub struct Evaluator {
    links: EvaluatorLinks,
    /// evcxr, or why there is none.
    interpreter: Result<Interpreter, String>,
    /// What it was started with.
    toolchain: Option<Toolchain>,
    /// Whether the user has chosen it for this kernel, so that the notebook's folder has no say.
    is_toolchain_chosen: bool,
    /// Whether the notebook's folder and the user's settings have had their say.
    is_prepared: bool,
    /// What the next cell shall tell of the start.
    notices: Vec<String>,
    /// Jobs that came while the runtime was built.
    held: VecDeque<Job>,
    /// Whether the client knows already that the first of them has begun.
    has_begun: bool,
    execution_count: usize,
    /// What the present cell has for the client's pager.
    page: Option<Media>,
    /// How often the supervisor was asked whether all output is reported.
    barriers: u64,
}

impl Evaluator {
    pub fn new(links: EvaluatorLinks) -> Self {
        let interpreter = Err("the kernel is still starting".to_owned());
        Self {
            links,
            interpreter,
            toolchain: None,
            is_toolchain_chosen: Toolchain::is_chosen_by_variable(),
            is_prepared: false,
            notices: Vec::new(),
            held: VecDeque::new(),
            has_begun: false,
            execution_count: 0,
            page: None,
            barriers: 0,
        }
    }

    /// Makes evcxr ready, then works until every sender is gone.
    pub fn serve(
        mut self,
        toolchain: Result<Toolchain, corebook_build::Error>,
        jobs: &Receiver<Job>,
    ) {
        self.interpreter = self.start(toolchain, jobs);
        match &self.interpreter {
            Ok(_) => {}
            // A shutdown has killed what it needed, and no cell waits for it.
            Err(reason) if self.links.activity.is_ending() => {
                tracing::debug!("ended while starting: {reason}");
            }
            Err(reason) => tracing::error!("cells can't be run: {reason}"),
        }
        self.links.activity.enter(Phase::Idle);
        while let Some(job) = self.next(jobs) {
            if self.links.activity.is_ending() {
                return;
            }
            match job {
                Job::Execute(job) => self.execute(&job),
                // Nobody waits any more for a late answer.
                Job::Complete {
                    code,
                    offset,
                    answer,
                } => {
                    let _ = self.complete(&code, offset).map(|found| answer.send(found));
                }
                Job::Inspect { code, answer } => {
                    let _ = self.inspect(&code).map(|html| answer.send(html));
                }
            }
        }
    }

    /// The next job; while none comes, evcxr warms up. Nothing when every sender is gone.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        while let Ok(interpreter) = &mut self.interpreter
            && interpreter.has_warm_ups()
        {
            match jobs.recv_timeout(REST_BEFORE_WARM_UP) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => interpreter.warm_up(),
            }
        }
        jobs.recv().ok()
    }

    fn start(
        &mut self,
        toolchain: Result<Toolchain, corebook_build::Error>,
        jobs: &Receiver<Job>,
    ) -> Result<Interpreter, String> {
        let toolchain = toolchain.map_err(|error| error.to_string())?;
        self.start_with(toolchain, |evaluator| evaluator.tell_who_waits(jobs))
    }

    /// Makes evcxr ready, in a new session.
    ///
    /// * `tell`: called now and then while the runtime is built, to tell of [`Evaluator::notices`].
    fn start_with(
        &mut self,
        toolchain: Toolchain,
        tell: impl FnMut(&mut Self),
    ) -> Result<Interpreter, String> {
        let in_words = |error: corebook_build::Error| error.to_string();
        self.toolchain = Some(toolchain.clone());
        if let Err(error) = toolchain.check_rust_src() {
            self.notices
                .push(format!("{error}, then restart the kernel"));
        }
        let template = self.find_or_build(&toolchain, tell).map_err(in_words)?;
        let binary =
            program::path().map_err(|error| format!("no path to this program: {error}"))?;
        let session = Arc::new(Session::reserve(&template).map_err(in_words)?);
        lock(&self.links.cells).set_source_file(session.work_dir().join("src/lib.rs"));
        // From here on the main thread removes the session's folder at the end, however far this gets.
        *lock(&self.links.session) = Some(Arc::clone(&session));
        session.fill(&binary).map_err(in_words)?;
        let surroundings = startup::Surroundings {
            report_socket: &self.links.report_socket,
            folder: self.links.folder.as_deref(),
        };
        startup::start(&template, &session, &surroundings).map_err(|error| {
            // A shutdown has killed the compiler: the linker is not to blame, and to try it would start another.
            if self.links.activity.is_ending() {
                return format!("{error:#}");
            }
            // evcxr's words for a missing linker are a compiler's; ours say what to do.
            match linker::check(&toolchain) {
                Err(cause) => cause.to_string(),
                Ok(_) => format!("{error:#}"),
            }
        })
    }

    fn execute(&mut self, job: &ExecuteJob) {
        // Before the client hears that the cell has begun: from then on an interrupt means this cell.
        self.links.activity.begin_cell(job.number);
        if !std::mem::take(&mut self.has_begun) {
            self.begin(job);
        }
        if self.is_aborted(job) {
            self.reply_aborted(job);
            self.links.publisher.publish(&job.origin, Status::idle());
            self.links.activity.enter(Phase::Idle);
        } else {
            self.run_and_reply(job);
        }
        self.links.subshells.note_answer();
    }

    fn is_aborted(&self, job: &ExecuteJob) -> bool {
        let subshells = &self.links.subshells;
        subshells.is_aborted(&job.origin.subshell, job.number)
    }

    /// Tells the client that the cell's turn has come.
    fn begin(&mut self, job: &ExecuteJob) {
        if !job.busy_published {
            self.links.publisher.publish(&job.origin, Status::busy());
        }
        if self.is_aborted(job) {
            return;
        }
        let request = &job.request;
        if is_stored(request) {
            self.execution_count += 1;
            self.remember(history::Request::Begin {
                execution_count: self.execution_count,
                source: request.code.clone(),
            });
        }
        if !request.silent {
            let execution_count = ExecutionCount::new(self.execution_count);
            self.links.publisher.publish(
                &job.origin,
                ExecuteInput {
                    code: request.code.clone(),
                    execution_count,
                },
            );
        }
    }

    fn run_and_reply(&mut self, job: &ExecuteJob) {
        let request = &job.request;
        if !request.silent {
            self.tell_notices(&job.origin);
        }
        self.links.pending_reply.open(CellReply {
            publisher: self.links.publisher.clone(),
            replies: self.links.replies.clone(),
            subshells: Arc::clone(&self.links.subshells),
            origin: job.origin.clone(),
            execution_count: self.execution_count,
            is_silent: request.silent,
            stops_on_error: request.stop_on_error,
            started: chrono::Utc::now(),
            page: None,
            timings: None,
        });
        self.page = None;
        // What was compiled before belongs to no cell, or to the expressions of the last.
        self.take_compiles();
        let began = SystemTime::now();
        let ran = self.run(job, &request.code, request.silent);
        let timings = self.timings(began);
        if is_stored(request)
            && let Ok(summary) = &ran
            && let Some(text) = summary.result.as_ref().and_then(plain_text)
        {
            self.remember(history::Request::Result {
                execution_count: self.execution_count,
                text,
            });
        }
        let ended = ran.map(|_| self.evaluate_expressions(job));
        // Nothing is left to say if the interrupt thread has answered already.
        if let Some(mut reply) = self.links.pending_reply.take() {
            reply.page = self.page.take();
            reply.timings = Some(timings);
            reply.end(ended);
        }
        self.links.activity.enter(Phase::Idle);
    }

    fn remember(&self, request: history::Request) {
        if self.links.history.send(request).is_err() {
            tracing::error!("a cell came after the history had ended");
        }
    }

    /// Where the time went since a cell began.
    fn timings(&self, began: SystemTime) -> Timings {
        let compiles = self.take_compiles();
        let run = self.links.activity.run();
        Timings::of(began, &compiles, run, SystemTime::now())
    }

    fn take_compiles(&self) -> Vec<Compile> {
        let session = lock(&self.links.session).clone();
        session.map_or_else(Vec::new, |session| session.take_compiles())
    }

    fn reply_aborted(&self, job: &ExecuteJob) {
        let content = ExecuteReply {
            status: ReplyStatus::Aborted,
            execution_count: ExecutionCount::new(self.execution_count),
            ..ExecuteReply::default()
        };
        reply(
            &self.links.replies,
            &job.origin,
            content.into(),
            json!({ "status": "aborted" }),
        );
    }

    /// The values of the request's expressions, each as its own small cell, in the order of their names: that of the
    /// request is lost when it is read.
    fn evaluate_expressions(&mut self, job: &ExecuteJob) -> HashMap<String, ExpressionResult> {
        let expressions = job.request.user_expressions.clone().unwrap_or_default();
        let expressions = BTreeMap::from_iter(expressions);
        let mut values = HashMap::new();
        for (name, expression) in expressions {
            self.links.activity.begin_cell(job.number);
            let value = match self.run(job, &expression, true) {
                Ok(summary) => ExpressionResult::Ok {
                    data: summary.result.unwrap_or_default(),
                    metadata: serde_json::Map::new(),
                },
                Err(CellError {
                    name,
                    value,
                    traceback,
                }) => ExpressionResult::Error {
                    ename: name,
                    evalue: value,
                    traceback,
                },
            };
            values.insert(name, value);
        }
        values
    }
}

/// Whether the cell counts and is remembered.
fn is_stored(request: &ExecuteRequest) -> bool {
    request.store_history && !request.silent
}

/// A panic elsewhere leaves what is shared here whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
