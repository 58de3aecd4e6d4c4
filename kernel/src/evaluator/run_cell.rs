//! Runs one cell from its source to its outcome: expands magics, calls evcxr, waits for the output. Sends no reply.

use std::sync::mpsc::sync_channel;

use corebook_magics::expansion::{Expansion, expand};
use corebook_magics::magic::Question;
use corebook_processes::ipc::ToSupervisor;
use evcxr::EvalCallbacks;

use crate::evcxr::interpreter::{Executed, Failure};
use crate::outputs::{CellIdentity, CellSummary, Input};
use crate::shared::host::KernelHost;
use crate::shared::notebook_view;

use super::Evaluator;
use super::commands;
use super::error::CellError;
use super::job::ExecuteJob;
use super::locate::Cell;
use super::lock;
use super::notes;
use super::outcome;
use super::to_jupyter::{command_output, to_media, to_message};

struct Evaluated {
    result: Result<Executed, Failure>,
    /// The number of the cell among all cells. None if the kernel has answered it alone.
    number: Option<usize>,
}

impl Evaluated {
    /// A cell that the kernel answers alone.
    fn without_code() -> Self {
        Self {
            result: Ok(Executed::default()),
            number: None,
        }
    }
}

impl Evaluator {
    /// Runs one cell to its end. All its output is published when this returns. Must be called after
    /// [`CurrentCell::begin_run`](super::current_cell::CurrentCell::begin_run).
    pub(super) fn run(
        &mut self,
        job: &ExecuteJob,
        source: &str,
        is_silent: bool,
    ) -> Result<CellSummary, CellError> {
        let requester = job.request.allow_stdin.then(|| job.origin.clone());
        self.links.current_cell.allow_input(requester);
        self.send_to_outputs(Input::CellBegins(CellIdentity {
            origin: job.origin.clone(),
            execution_count: self.execution_count,
            is_silent,
            supports_update_display: job.supports_update_display,
        }));
        // If a client allows input, a person uses it, and it has a pager for help.
        let has_pager = job.request.allow_stdin && !is_silent;
        let evaluated = self.expand_and_evaluate(job, source, has_pager);
        let executed = evaluated
            .as_ref()
            .ok()
            .and_then(|it| Some((it.result.as_ref().ok()?, it.number)));
        let has_evaluated = evaluated.as_ref().is_ok_and(|it| it.number.is_some());
        let summary = self.await_outputs(executed);
        let changed = match &mut self.interpreter {
            Ok(interpreter) if has_evaluated => {
                let changed = interpreter.settle(&summary.variables);
                notebook_view::replace(&self.links.knowledge.view, interpreter.view());
                changed
            }
            _ => Vec::new(),
        };
        let evaluated = evaluated?;
        if !changed.is_empty() {
            return Err(outcome::of_changed_types(&changed));
        }
        self.judge(evaluated, summary)
    }

    /// Expands the magics, then evaluates the code. If a magic is malformed, no code of the cell runs.
    fn expand_and_evaluate(
        &mut self,
        job: &ExecuteJob,
        source: &str,
        has_pager: bool,
    ) -> Result<Evaluated, CellError> {
        let host = KernelHost::new(
            &self.links.knowledge.pools,
            &self.links.knowledge.checkpoints,
        );
        let expansion = expand(source, &host)
            .map_err(|error| CellError::magic(self.execution_count, source, &error))?;
        match expansion {
            Expansion::Answers(questions) => {
                if let [help @ Question::Help(_)] = questions.as_slice()
                    && has_pager
                {
                    self.page = Some(to_media(&host.answer_richly(help)));
                } else {
                    for question in &questions {
                        self.send_to_outputs(Input::Show(to_message(
                            &host.answer_richly(question),
                        )));
                    }
                }
                Ok(Evaluated::without_code())
            }
            // Even in a kernel that can't run code.
            Expansion::Rust { code, .. } if commands::ends_kernel(&code) => {
                self.ends_kernel = true;
                Ok(Evaluated::without_code())
            }
            Expansion::Rust {
                code,
                map,
                is_timing,
            } => {
                if let Some(error) = commands::refused(&code) {
                    return Err(error);
                }
                self.prepare_for_cells(job)?;
                self.evaluate(Cell {
                    execution_count: self.execution_count,
                    source: source.to_owned(),
                    code,
                    map,
                    is_timing,
                })
            }
        }
    }

    fn evaluate(&mut self, cell: Cell) -> Result<Evaluated, CellError> {
        let checkpoint_limit_bytes = self.links.knowledge.checkpoints.limit_bytes(cell.is_timing);
        let interpreter = self
            .interpreter
            .as_mut()
            .map_err(|reason| CellError::not_started(reason))?;
        let supervisor = &self.links.worker.supervisor;
        supervisor.send(&ToSupervisor::CellBegins {
            checkpoint_limit_bytes,
        });
        let code = cell.code.clone();
        let number = lock(&self.links.knowledge.cells).push(cell);
        let (stdin_prompt, current_cell) = (&self.links.stdin_prompt, &self.links.current_cell);
        let mut callbacks = EvalCallbacks {
            input_reader: &|request| {
                stdin_prompt
                    .ask(&request.prompt, request.is_password, current_cell)
                    .unwrap_or_else(|reason| {
                        current_cell.deny_input(reason);
                        String::new()
                    })
            },
        };
        let result = interpreter.execute(number, &code, &mut callbacks);
        Ok(Evaluated {
            result,
            number: Some(number),
        })
    }

    /// The outcome of the cell, from evcxr's result and the outputs thread's summary.
    fn judge(&self, evaluated: Evaluated, summary: CellSummary) -> Result<CellSummary, CellError> {
        let Evaluated { result, number } = evaluated;
        let current_cell = &self.links.current_cell;
        let is_interrupted = current_cell.is_interrupted();
        let cells = lock(&self.links.knowledge.cells);
        match result {
            Ok(_) => {
                let denied = current_cell.input_denied();
                outcome::of_finished(summary, is_interrupted, denied, &cells)
            }
            Err(failure) => {
                let number = number.unwrap_or_default();
                Err(outcome::of_failed(
                    failure,
                    &summary,
                    is_interrupted,
                    number,
                    &cells,
                ))
            }
        }
    }

    /// Waits until all output of the cell is published, and its value if it succeeded.
    ///
    /// * `executed`: what evcxr has run, and the number of the cell. None if it could not run the cell to its end.
    fn await_outputs(&mut self, executed: Option<(&Executed, Option<usize>)>) -> CellSummary {
        let (summary, receiver) = sync_channel(1);
        self.barriers += 1;
        let number = self.barriers;
        let supervisor = &self.links.worker.supervisor;
        let is_sent = supervisor.try_send(&ToSupervisor::Barrier { number });
        self.send_to_outputs(Input::CellEnds {
            barrier: is_sent.then_some(number),
            has_run: executed.is_some(),
            command_output: executed.and_then(|(it, _)| command_output(&it.outputs)),
            notes: executed.map_or_else(String::new, |(it, number)| self.notes_on(it, number)),
            summary,
        });
        receiver.recv().unwrap_or_default()
    }

    /// Lines about the variables that later cells can't use. A name that begins with `_` says that nobody will.
    fn notes_on(&self, executed: &Executed, number: Option<usize>) -> String {
        let cells = lock(&self.links.knowledge.cells);
        let Some(cell) = number.and_then(|number| cells.get(number)) else {
            return String::new();
        };
        let unkept = executed.unkept.iter();
        let unkept = unkept.filter(|it| !it.name.starts_with('_'));
        let unkept = unkept.map(|it| notes::on_unkept(it, cell));
        let lost = executed.lost.iter().map(notes::on_lost);
        let restarted = executed
            .restarted
            .iter()
            .map(|name| notes::on_restarted(name));
        let dropped = executed
            .dropped
            .iter()
            .map(|it| notes::on_dropped(it, cells.get(it.cell)));
        lost.chain(restarted).chain(dropped).chain(unkept).collect()
    }

    fn send_to_outputs(&self, input: Input) {
        if self.links.worker.outputs.send(input).is_err() {
            tracing::error!(
                "a message for the outputs thread was lost, because the thread has ended"
            );
        }
    }
}
