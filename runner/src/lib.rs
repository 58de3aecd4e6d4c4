//! `corebook run`: runs notebooks without Jupyter.
//!
//! Starts the kernel in a child process and talks to it over its sockets, as JupyterLab does. Never evaluates
//! anything itself.
//!
//! * [`notebook`]: the file; `output`, `output_area`, `stream_text`: the outputs of its cells as the file keeps them
//! * `printer`: the outputs on a terminal; [`terminal`]: control characters made visible
//! * `endpoint`, `child`, `signals`: the addresses of the kernel, its process, and signals to this one
//! * `session`: all of that as one stream of events; `cell`: the events of one cell
//! * `timeouts`, `verdict`: how long to wait, and whether a cell did what it should

pub mod notebook;

mod cell;
mod child;
mod endpoint;
mod output;
mod output_area;
mod printer;
mod session;
mod signals;
mod stream_text;
pub mod terminal;
mod timeouts;
mod verdict;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use serde_json::Value;

use self::cell::{Lost, Report};
use self::notebook::{CodeCell, Notebook};
use self::output::Output;
use self::output_area::OutputArea;
use self::printer::Screen;
use self::session::Session;
use self::signals::Signals;
use self::terminal::visible;
use self::verdict::{Verdict, judge};

/// The exit code after a failed cell.
const FAILED: u8 = 1;

/// The exit code after Ctrl-C, as shells give it.
const INTERRUPTED: u8 = 130;

/// What to run and how.
#[derive(Debug, Clone)]
pub struct Options {
    pub kernel: KernelProgram,
    pub notebooks: Vec<PathBuf>,
    pub destination: Destination,
    /// Go on after cells that fail.
    pub allow_errors: bool,
    /// How long a cell may take.
    pub timeout: Option<Duration>,
}

/// A program that becomes a kernel when it is called as `PROGRAM kernel CONNECTION_FILE`.
#[derive(Debug, Clone)]
pub struct KernelProgram {
    pub path: PathBuf,
    /// Added to the environment that the program inherits.
    pub variables: Vec<(&'static str, &'static str)>,
    /// Has the system send the child a signal when this process ends.
    pub end_with_parent: fn(&mut Command, Signal),
}

/// Where executed notebooks go. They are written after a failure too, with the outputs up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Nowhere,
    InPlace,
    File(PathBuf),
}

/// How a notebook's run ended.
enum End {
    Completed,
    /// The reason was printed already.
    Failed,
    Interrupted,
}

/// Runs the notebooks, each in a kernel of its own, and stops at the first that fails.
///
/// * `prepare`: called once, after the notebooks were checked and before the first kernel starts.
///
/// # Errors
///
/// When a notebook or a place to write to is unusable, before anything runs; when `prepare` fails; when a kernel can't be
/// started.
pub fn run(
    options: &Options,
    prepare: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let notebooks: Vec<Notebook> = options
        .notebooks
        .iter()
        .map(|path| Notebook::read(path))
        .collect::<Result<_, _>>()?;
    for notebook in &notebooks {
        if let Some(path) = destination(options, notebook) {
            notebook::check_writable(path)?;
        }
    }
    prepare()?;
    let mut signals = Signals::catch().context("can't catch Ctrl-C")?;
    let mut screen = printer::screen();
    for mut notebook in notebooks {
        if options.notebooks.len() > 1 {
            screen.heading(&notebook.path().display().to_string())?;
        }
        let end = run_notebook(&mut notebook, options, &mut signals, &mut screen);
        let end = end.or_else(|error| {
            if is_closed_pipe(&error) {
                Ok(End::Failed)
            } else {
                Err(error)
            }
        });
        if let Some(path) = destination(options, &notebook) {
            notebook.write(path)?;
        }
        match end? {
            End::Completed => {}
            End::Failed => return Ok(ExitCode::from(FAILED)),
            End::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn destination<'a>(options: &'a Options, notebook: &'a Notebook) -> Option<&'a Path> {
    match &options.destination {
        Destination::Nowhere => None,
        Destination::InPlace => Some(notebook.path()),
        Destination::File(path) => Some(path),
    }
}

/// Whether the reader of our output has closed it, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|it| it.kind() == ErrorKind::BrokenPipe)
}

fn run_notebook(
    notebook: &mut Notebook,
    options: &Options,
    signals: &mut Signals,
    screen: &mut Screen,
) -> anyhow::Result<End> {
    notebook.clear_outputs();
    let started = Instant::now();
    let mut session = Session::start(&options.kernel, signals)?;
    let language_info = session.become_ready(&mut |line| anstream::eprintln!("{line}"))?;
    if let Ok(Value::Object(language_info)) = serde_json::to_value(language_info) {
        notebook.set_language_info(&language_info);
    }
    let cells = notebook.code_cells();
    let mut run = Run {
        areas: vec![OutputArea::default(); cells.len()],
        current: 0,
        screen,
    };
    let mut counts = vec![None; cells.len()];
    let end = run.cells(&cells, &mut counts, options, &mut session, notebook.path());
    let areas = run.areas.iter().map(OutputArea::to_json);
    for ((cell, count), outputs) in cells.iter().zip(counts).zip(areas) {
        notebook.fill(cell, count, outputs);
    }
    let end = end?;
    if matches!(end, End::Completed) {
        screen.remark(&summary(cells.len(), started.elapsed()))?;
    }
    session.end();
    Ok(end)
}

fn summary(cells: usize, elapsed: Duration) -> String {
    let plural = if cells == 1 { "" } else { "s" };
    format!("{cells} cell{plural} in {:.1} s", elapsed.as_secs_f64())
}

/// The run of one notebook: its outputs so far, and where they are shown.
struct Run<'a> {
    /// One for each code cell.
    areas: Vec<OutputArea>,
    /// The cell that runs.
    current: usize,
    screen: &'a mut Screen,
}

impl Run<'_> {
    fn cells(
        &mut self,
        cells: &[CodeCell],
        counts: &mut [Option<usize>],
        options: &Options,
        session: &mut Session,
        path: &Path,
    ) -> anyhow::Result<End> {
        for (index, cell) in cells.iter().enumerate() {
            // JupyterLab does not run cells without code either.
            if cell.source.trim().is_empty() {
                continue;
            }
            self.current = index;
            self.screen
                .begin_cell(index + 1, cells.len(), &cell.source)?;
            let ending = cell::run(session, &cell.source, options.timeout, &mut |report| {
                self.show(report)
            });
            let verdict = match ending {
                Ok(ending) => {
                    counts[index] = ending.execution_count;
                    judge(&ending, cell.must_fail, options.allow_errors)
                }
                Err(Lost::Failed(error)) => return Err(error),
                Err(Lost::Stopped) => Verdict::Interrupted,
                Err(lost) => Verdict::Failed(lost.to_string()),
            };
            self.screen.end_cell()?;
            let place = format!("{}: cell {} of {}", path.display(), index + 1, cells.len());
            let code = first_line(&cell.source);
            match verdict {
                Verdict::Passed | Verdict::Excused => {}
                Verdict::Failed(why) => {
                    let line = format!("corebook: {place} failed: `{code}`: {why}");
                    self.write_stderr(&visible(&line))?;
                    return Ok(End::Failed);
                }
                Verdict::Interrupted => {
                    let line = format!("corebook: {place} interrupted: `{code}`");
                    self.write_stderr(&visible(&line))?;
                    return Ok(End::Interrupted);
                }
            }
        }
        Ok(End::Completed)
    }

    /// Shows and keeps what the running cell reports.
    fn show(&mut self, report: Report) -> anyhow::Result<()> {
        match report {
            Report::Output(output) => {
                self.screen.show(&output)?;
                self.keep(&output);
                Ok(())
            }
            Report::Log(line) => self.write_stderr(&line),
            Report::Interrupting => {
                self.write_stderr("corebook: interrupting the cell; Ctrl-C again ends the run")
            }
        }
    }

    fn keep(&mut self, output: &Output) {
        match output {
            // The display may belong to an earlier cell.
            Output::Update { bundle, display_id } => {
                self.areas
                    .iter_mut()
                    .for_each(|area| area.update(display_id, bundle));
            }
            other => self.areas[self.current].add(other),
        }
    }

    fn write_stderr(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.screen.aside(|| anstream::eprintln!("{line}"))?)
    }
}

/// The first line of code that is not blank.
fn first_line(source: &str) -> &str {
    source
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_cells_and_rounds_seconds() {
        assert_eq!(summary(1, Duration::from_millis(1260)), "1 cell in 1.3 s");
        assert_eq!(summary(0, Duration::ZERO), "0 cells in 0.0 s");
        assert_eq!(summary(12, Duration::from_secs(90)), "12 cells in 90.0 s");
    }

    #[test]
    fn the_first_line_is_the_first_that_is_not_blank() {
        assert_eq!(first_line("\n  \n  let x = 1; \nx"), "let x = 1;");
        assert_eq!(first_line(" \n"), "");
    }
}
