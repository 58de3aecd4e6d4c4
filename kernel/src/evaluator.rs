//! Runs cells, one at a time. Its thread is the only one that calls evcxr, because evcxr must stay in one thread.
//!
//! Publishes a cell's status, input and error. Publishes none of its output; that goes through the outputs thread.
//!
//! * [`current_cell`]: the state of the running cell, shared by all threads
//! * [`job`]: the evaluator's input; [`links`]: what it shares with other threads
//! * [`start`]: makes a session and starts evcxr in it; [`first_build`]: builds the runtime and shows the progress
//! * [`first_cell`]: applies the toolchain file of the notebook's folder and the user's settings, when a cell runs
//! * [`run_cell`]: one cell from its source to its outcome
//! * [`commands`]: finds commands of evcxr that must not reach it
//! * [`stdin`]: asks the client for a line
//! * [`cell_reply`]: sends a cell's error, reply and idle
//! * [`to_jupyter`]: converts answers of magics and commands into Jupyter messages
//! * [`error`]: the error of a failed cell
//! * [`outcome`]: converts reports of evcxr and the supervisor into a result or an error
//! * [`diagnostics`]: renders compile errors
//! * [`notes`]: lines about variables, statics and imports that later cells can't use
//! * [`locate`]: maps generated code back to cells
//! * [`timings`]: measures the phases of a cell

pub mod cell_reply;
mod commands;
pub mod current_cell;
mod diagnostics;
pub mod error;
mod first_build;
mod first_cell;
pub mod job;
pub mod links;
pub mod locate;
mod notes;
pub mod outcome;
mod run_cell;
mod start;
pub mod stdin;
mod timings;
mod to_jupyter;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use corebook_build::Toolchain;
use corebook_build::cargo_shim::Compile;
use jupyter_protocol::{
    ExecuteInput, ExecuteReply, ExecutionCount, ExpressionResult, JupyterMessageContent, Media,
    ReplyStatus, Status,
};
use serde_json::json;

use crate::evcxr::interpreter::Interpreter;
use crate::history;
use crate::shared::notebook_view;
use crate::shared::shutdown::Shutdown;

use self::cell_reply::CellReply;
use self::error::CellError;
use self::job::{ExecuteJob, Job};
use self::links::EvaluatorLinks;
use self::timings::Timings;
use self::to_jupyter::plain_text;

/// The state of the evaluator's thread.
pub struct Evaluator {
    links: EvaluatorLinks,
    /// evcxr, or why it did not start.
    interpreter: Result<Interpreter, String>,
    /// The toolchain with which evcxr was started.
    toolchain: Option<Toolchain>,
    /// Whether the user has chosen the toolchain for this kernel. Then the notebook's folder can't choose another one.
    is_toolchain_chosen: bool,
    /// Whether the notebook's folder and the user's settings have been applied.
    is_prepared: bool,
    /// Messages about the start, which the next cell shows.
    notices: Vec<String>,
    /// Jobs that arrived while the runtime was built.
    held: VecDeque<Job>,
    /// Whether the client has been informed already that the first of these jobs has begun.
    has_begun: bool,
    execution_count: usize,
    /// What the running cell shows in the client's pager.
    page: Option<Media>,
    /// The number of the last barrier that was sent to the supervisor.
    barriers: u64,
    /// The cell has asked for the end of the kernel.
    ends_kernel: bool,
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
            ends_kernel: false,
        }
    }

    /// Starts evcxr, then handles jobs until all senders are dropped.
    pub fn serve(
        mut self,
        toolchain: Result<Toolchain, corebook_build::Error>,
        jobs: &Receiver<Job>,
    ) {
        self.interpreter = self.start(toolchain, jobs);
        match &self.interpreter {
            Ok(interpreter) => {
                notebook_view::replace(&self.links.knowledge.view, interpreter.view())
            }
            // A shutdown has killed a process that the start needed. No cell waits for the start.
            Err(reason) if self.links.current_cell.is_kernel_ending() => {
                tracing::debug!("ended while starting: {reason}");
            }
            Err(reason) => tracing::error!("cells can't be run: {reason}"),
        }
        self.links.current_cell.end_start();
        while let Some(job) = self.next(jobs) {
            if self.links.current_cell.is_kernel_ending() {
                return;
            }
            let Job::Execute(job) = job;
            self.execute(&job);
        }
    }

    /// The next job. Returns None if all senders are dropped.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        jobs.recv().ok()
    }

    fn execute(&mut self, job: &ExecuteJob) {
        // Before the client is informed that the cell has begun, because an interrupt after that applies to this cell.
        self.links.current_cell.begin_run(job.number);
        if !std::mem::take(&mut self.has_begun) {
            self.begin(job);
        }
        if self.is_aborted(job) {
            self.reply_aborted(job);
            self.publish(job, Status::idle());
        } else {
            self.run_and_reply(job);
        }
        self.links.current_cell.end_request();
        if self.ends_kernel {
            // No cell after this one begins.
            self.links.current_cell.end_kernel();
            // The main thread has ended already if a client has asked for the same.
            let _ = self.links.shutdowns.send(Shutdown);
        }
    }

    fn is_aborted(&self, job: &ExecuteJob) -> bool {
        let subshells = &self.links.subshells;
        subshells.is_aborted(&job.origin.subshell, job.number)
    }

    /// Informs the client that the cell has begun.
    fn begin(&mut self, job: &ExecuteJob) {
        if !job.busy_published {
            self.publish(job, Status::busy());
        }
        if self.is_aborted(job) {
            return;
        }
        let request = &job.request;
        if job.is_stored() {
            self.execution_count += 1;
            self.remember(history::Request::Begin {
                execution_count: self.execution_count,
                source: request.code.clone(),
            });
        }
        if !request.silent {
            let execution_count = ExecutionCount::new(self.execution_count);
            let code = request.code.clone();
            self.publish(
                job,
                ExecuteInput {
                    code,
                    execution_count,
                },
            );
        }
    }

    fn run_and_reply(&mut self, job: &ExecuteJob) {
        let request = &job.request;
        if !request.silent {
            self.show_notices(&job.origin);
        }
        self.links.current_cell.open_reply(CellReply {
            responder: self.links.responder.clone(),
            subshells: Arc::clone(&self.links.subshells),
            origin: job.origin.clone(),
            execution_count: self.execution_count,
            is_silent: request.silent,
            stops_on_error: request.stop_on_error,
            started: chrono::Utc::now(),
            page: None,
            timings: None,
            ends_kernel: false,
        });
        self.page = None;
        // Discards the compiles that belong to no cell or to the expressions of the previous one.
        self.take_compiles();
        let began = SystemTime::now();
        let result = self.run(job, &request.code, request.silent);
        let timings = self.timings(began);
        if job.is_stored()
            && let Ok(summary) = &result
            && let Some(text) = summary.result.as_ref().and_then(plain_text)
        {
            self.remember(history::Request::Result {
                execution_count: self.execution_count,
                text,
            });
        }
        let ended = result.map(|_| self.evaluate_expressions(job));
        // None if the interrupt thread has already sent the reply.
        if let Some(mut reply) = self.links.current_cell.take_reply() {
            reply.page = self.page.take();
            reply.timings = Some(timings);
            reply.ends_kernel = self.ends_kernel;
            reply.end(ended);
        }
    }

    fn publish(&self, job: &ExecuteJob, content: impl Into<JupyterMessageContent>) {
        self.links.responder.publisher.publish(&job.origin, content);
    }

    fn remember(&self, request: history::Request) {
        if self.links.history.send(request).is_err() {
            tracing::error!("a cell began after the history thread had ended");
        }
    }

    /// How long each phase of a cell has taken.
    ///
    /// * `began`: when the cell began.
    fn timings(&self, began: SystemTime) -> Timings {
        let compiles = self.take_compiles();
        let code = self.links.current_cell.code_times();
        Timings::of(began, &compiles, code, SystemTime::now())
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
        let metadata = json!({ "status": "aborted" });
        let responder = &self.links.responder;
        responder.reply(&job.origin, content.into(), metadata);
    }

    /// Evaluates the request's expressions, each as a cell of its own. In the order of their names, because parsing the
    /// request loses their order in it.
    fn evaluate_expressions(&mut self, job: &ExecuteJob) -> HashMap<String, ExpressionResult> {
        let expressions = job.request.user_expressions.clone().unwrap_or_default();
        let expressions = BTreeMap::from_iter(expressions);
        let mut values = HashMap::new();
        for (name, expression) in expressions {
            self.links.current_cell.begin_run(job.number);
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

/// Locks a mutex even if it is poisoned: a panic in another thread leaves these values consistent.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
