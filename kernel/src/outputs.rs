//! Publishes everything that cells show, in order. Makes no error: it reports a [`CellSummary`] to the evaluator.
//!
//! One thread receives the supervisor's reports, and from the evaluator which cell is running. Text waits for a moment,
//! so that a burst becomes few messages. Before any other output is published, waiting text is.
//!
//! * [`messages`]: the thread's input and results
//! * [`streams`]: collects text
//! * [`media`]: makes the content of display messages
//! * [`progress`]: renders progress bars
//! * [`table`]: renders rectangular values as tables
//! * [`charts`]: renders timings as SVG

pub mod charts;
mod media;
mod messages;
mod progress;
mod streams;
mod table;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use corebook::__private::event::{Event, MimeData, PanicReport};
use corebook_cells::notebook::Report;
use corebook_jupyter::iopub::Publisher;
use corebook_processes::exit_status;
use corebook_processes::ipc::{Ending, FromSupervisor};
use jupyter_protocol::{
    ClearOutput, DisplayData, ExecuteResult, ExecutionCount, JupyterMessageContent, Stdio,
    StreamContent, Transient, UpdateDisplayData,
};

pub use self::messages::{CellIdentity, CellSummary, Death, Input, Observer, QUEUE_LENGTH};

use self::progress::Bars;
use self::streams::Streams;

/// How long the end of a cell waits for the next report while output is missing.
const LAST_OUTPUT_WAIT: Duration = Duration::from_secs(5);

/// The state of the outputs thread.
pub struct Outputs<O> {
    publisher: Publisher,
    observer: O,
    cell: CellIdentity,
    streams: Streams,
    bars: Bars,
    summary: CellSummary,
    /// The text of the last call by which a cell's code wrote to stderr.
    last_stderr: String,
    /// How the worker ended. None after the next worker has started or a cell has failed for this reason.
    death: Option<Death>,
    is_code_running: bool,
    /// The number of the last barrier that the supervisor has answered.
    barrier: u64,
    is_supervisor_gone: bool,
}

impl<O: Observer> Outputs<O> {
    pub fn new(publisher: Publisher, observer: O) -> Self {
        Self {
            publisher,
            observer,
            cell: CellIdentity::default(),
            streams: Streams::default(),
            bars: Bars::default(),
            summary: CellSummary::default(),
            last_stderr: String::new(),
            death: None,
            is_code_running: false,
            barrier: 0,
            is_supervisor_gone: false,
        }
    }

    /// Publishes output until all senders are dropped.
    pub fn serve(mut self, inputs: &Receiver<Input>) {
        loop {
            match self.next(inputs) {
                Ok(Input::Report(report)) => self.take(report),
                Ok(Input::Show(content)) => self.show(content),
                Ok(Input::CellBegins(cell)) => {
                    self.flush();
                    self.cell = cell;
                    // If the worker died between cells, the next cell fails.
                    let died = self.death;
                    self.summary = CellSummary {
                        died,
                        ..CellSummary::default()
                    };
                }
                Ok(Input::SupervisorGone) => self.is_supervisor_gone = true,
                Ok(Input::CellEnds {
                    barrier,
                    has_run,
                    command_output,
                    notes,
                    summary,
                }) => {
                    if let Some(barrier) = barrier {
                        self.take_rest(barrier, inputs);
                    }
                    self.death = None;
                    if !notes.is_empty() {
                        self.write(Stdio::Stderr, notes.as_bytes());
                    }
                    if has_run {
                        self.show_value(command_output);
                    }
                    self.end_bar_line();
                    self.flush();
                    self.bars.forget_ended();
                    // The evaluator waits for this. Sending fails only if the kernel is ending.
                    let _ = summary.send(std::mem::take(&mut self.summary));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let due = self.streams.take_due();
                    self.publish_text(due);
                }
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    fn next(&self, inputs: &Receiver<Input>) -> Result<Input, RecvTimeoutError> {
        match self.streams.due() {
            Some(due) => inputs.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => inputs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Publishes everything that was reported before `barrier`, which is all output of the cell.
    fn take_rest(&mut self, barrier: u64, inputs: &Receiver<Input>) {
        while self.barrier < barrier && !self.is_supervisor_gone {
            match inputs.recv_timeout(LAST_OUTPUT_WAIT) {
                Ok(Input::Report(report)) => self.take(report),
                Ok(Input::SupervisorGone) => self.is_supervisor_gone = true,
                Ok(Input::Show(content)) => self.show(content),
                Ok(_) => {}
                Err(_) => {
                    tracing::error!("the supervisor did not report the end of a cell");
                    return;
                }
            }
        }
    }

    /// Shows the value of a cell that succeeded, and before it the output of evcxr's commands.
    fn show_value(&mut self, command_output: Option<JupyterMessageContent>) {
        if !self.summary.is_success() || self.observer.is_input_denied() {
            return;
        }
        let count = ExecutionCount::new(self.cell.execution_count);
        let value = self.summary.result.clone();
        let value = value.map(|data| ExecuteResult::new(count, data).into());
        for content in command_output.into_iter().chain(value) {
            self.show(content);
        }
    }

    fn take(&mut self, report: FromSupervisor) {
        match report {
            FromSupervisor::Started { worker_pid } => {
                self.is_supervisor_gone = false;
                self.death = None;
                self.observer.worker_started(worker_pid);
            }
            FromSupervisor::Barrier { number } => self.barrier = number,
            FromSupervisor::CellStarted => {
                self.is_code_running = true;
                self.observer.cell_started();
            }
            FromSupervisor::Checkpoint(checkpoint) => {
                if let Some(note) = self.observer.checkpoint(checkpoint) {
                    self.write(Stdio::Stderr, note.as_bytes());
                }
            }
            FromSupervisor::CellEnded => {
                self.end_code();
                self.report_caught_panics();
            }
            FromSupervisor::Replaced { ending, worker_pid } => {
                tracing::debug!("worker {worker_pid} takes over");
                if self.is_code_running {
                    self.summary.died = Some(self.death_by(ending, true));
                    self.end_code();
                } else {
                    let cause = exit_status::describe(ending, &self.summary.stderr_tail);
                    let note = format!(
                        "worker died: {cause} while the cell was compiled; variables are kept, threads of earlier cells are gone\n"
                    );
                    self.write(Stdio::Stderr, note.as_bytes());
                }
            }
            FromSupervisor::Died { ending } => {
                let death = Some(self.death_by(ending, false));
                self.summary.died = death;
                self.death = death;
                self.end_code();
            }
            FromSupervisor::Stdout { bytes } => self.write(Stdio::Stdout, &bytes),
            FromSupervisor::Stderr { bytes } => self.write(Stdio::Stderr, &bytes),
            FromSupervisor::Content { mime, text } => {
                let data = media::from_text(&mime, &text);
                self.show(DisplayData::new(data).into());
            }
            FromSupervisor::Panicked => self.summary.panicked = true,
            // evcxr's code has just printed the error's text. It is taken back, because the error message contains it.
            FromSupervisor::Failed => {
                let text = std::mem::take(&mut self.last_stderr);
                self.streams.retract_stderr(&text);
                self.summary.failed = Some(text);
            }
            FromSupervisor::AwaitsInput => self.observer.awaits_input(),
            FromSupervisor::Event { event } => self.take_event(event),
        }
    }

    fn end_code(&mut self) {
        self.is_code_running = false;
        self.observer.cell_ended();
    }

    fn death_by(&self, ending: Ending, are_variables_kept: bool) -> Death {
        Death {
            ending,
            is_in_cell: self.is_code_running,
            are_variables_kept,
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Variables {
                run,
                kept,
                new,
                changed,
                library,
            } => self.summary.variables.push(Report {
                run,
                kept,
                new,
                changed,
                library,
            }),
            Event::Stderr { text } => {
                self.write(Stdio::Stderr, text.as_bytes());
                self.last_stderr = text;
            }
            Event::Result { mut data } => {
                data.extend(as_table(&data));
                self.summary.result = Some(media::from_mime(&data));
            }
            Event::Display { id, data } => {
                let mut display = DisplayData::new(media::from_mime(&data));
                if !id.is_empty() {
                    display.transient = Some(Transient {
                        display_id: Some(id),
                    });
                }
                self.show(display.into());
            }
            Event::UpdateDisplay { id, data } => {
                self.show(UpdateDisplayData::new(media::from_mime(&data), &id).into());
            }
            Event::ClearOutput { wait } => self.show(ClearOutput { wait }.into()),
            Event::Panic(panic) if panic.on_main_thread => self.summary.panics.push(panic),
            Event::Panic(panic) => self.report_panic(&panic),
            Event::Interrupted { what } => self.summary.interrupted = Some(what),
            Event::Progress(progress) => {
                if !self.cell.supports_update_display {
                    let line = self.bars.line(&progress).unwrap_or_default();
                    self.write_raw(Stdio::Stdout, line.as_bytes());
                } else if let Some(content) = self.bars.message(&progress) {
                    self.show(content);
                }
            }
            Event::Pools { pools } => self.observer.pools(pools),
            Event::Timing {
                line,
                json,
                show,
                plot,
            } => {
                if show {
                    self.write(Stdio::Stdout, format!("{line}\n").as_bytes());
                }
                if plot {
                    let chart = charts::strip_plot(&json);
                    self.summary.result = Some(media::measured(Some(&line), chart, &json));
                }
            }
            Event::Comparison { text, json } => {
                self.write(Stdio::Stdout, format!("{text}\n").as_bytes());
                let chart = charts::bar_chart(&json);
                self.show(DisplayData::new(media::measured(None, chart, &json)).into());
            }
            // The supervisor does not forward this event.
            Event::CellEnded => {}
        }
    }

    /// Reports panics that the cell's code has caught. They are printed, as in a terminal; the cell has not failed.
    fn report_caught_panics(&mut self) {
        let caught = match self.summary.panicked {
            true => self.summary.panics.len().saturating_sub(1),
            false => self.summary.panics.len(),
        };
        let panics: Vec<_> = self.summary.panics.drain(..caught).collect();
        for panic in &panics {
            self.report_panic(panic);
        }
    }

    fn report_panic(&mut self, panic: &PanicReport) {
        // In the standard library that cells link to, the thread that runs cells has no name.
        let thread = match panic.on_main_thread {
            true => "main",
            false => panic.thread.as_str(),
        };
        let place = self
            .observer
            .locate(panic)
            .unwrap_or_else(|| format!("{}:{}", panic.file, panic.line));
        let text = format!(
            "thread '{}' panicked at {place}: {}\n",
            thread, panic.message
        );
        self.write(Stdio::Stderr, text.as_bytes());
    }

    fn write(&mut self, stream: Stdio, bytes: &[u8]) {
        if matches!(stream, Stdio::Stderr) {
            keep_tail(&mut self.summary.stderr_tail, bytes);
        }
        self.end_bar_line();
        self.write_raw(stream, bytes);
    }

    /// If a text bar is on the current line, ends that line.
    fn end_bar_line(&mut self) {
        let end = self.bars.end_line();
        self.write_raw(Stdio::Stdout, end.as_bytes());
    }

    fn write_raw(&mut self, stream: Stdio, bytes: &[u8]) {
        let full = self.streams.push(stream, bytes);
        self.publish_text(full);
    }

    fn show(&mut self, content: JupyterMessageContent) {
        self.end_bar_line();
        self.flush();
        self.publish(content);
    }

    fn flush(&mut self) {
        let all = self.streams.flush();
        self.publish_text(all);
    }

    fn publish_text(&self, messages: Vec<(Stdio, String)>) {
        for (name, text) in messages {
            self.publish(StreamContent { name, text }.into());
        }
    }

    fn publish(&self, content: JupyterMessageContent) {
        if self.cell.origin.header.is_empty() {
            tracing::debug!("output before the first cell: {content:?}");
        } else if !self.cell.is_silent {
            self.publisher.publish(&self.cell.origin, content);
        }
    }
}

/// A table to add to the text of a value, if the value is rectangular.
fn as_table(data: &[MimeData]) -> Option<MimeData> {
    let [text] = data else { return None };
    let html = table::table(std::str::from_utf8(&text.content).ok()?)?;
    Some(MimeData::text("text/html", html))
}

/// Appends to the end of stderr that is kept.
fn keep_tail(tail: &mut String, bytes: &[u8]) {
    const KEPT: usize = 4096;
    tail.push_str(&String::from_utf8_lossy(bytes));
    if tail.len() > 2 * KEPT {
        let cut = (tail.len() - KEPT..)
            .find(|&at| tail.is_char_boundary(at))
            .unwrap_or(0);
        tail.drain(..cut);
    }
}
