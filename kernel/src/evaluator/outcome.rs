//! Converts reports of evcxr and the supervisor into a cell's result or its one error. Sends nothing.
//!
//! `ARCHITECTURE.md`, "Errors", lists the names of errors and where each is made.

use corebook::__private::event::PanicReport;
use corebook_processes::exit_status;

use super::stdin::NoInput;
use crate::evcxr::interpreter::Failure;
use crate::outputs::CellSummary;

use super::diagnostics;
use super::error::{BLUE, CellError, RESET, place_lines};
use super::locate::Cells;

/// The outcome of a cell whose code ended in the worker: by itself, or by a panic, a `?` or an interrupt.
pub fn of_finished(
    summary: CellSummary,
    is_interrupted: bool,
    refused: Option<NoInput>,
    cells: &Cells,
) -> Result<CellSummary, CellError> {
    if let Some(what) = &summary.interrupted {
        return Err(CellError::new(
            "Interrupted",
            format!("stopped {what}; variables are kept"),
        ));
    }
    match refused {
        Some(NoInput::Interrupted) => {
            return Err(CellError::new(
                "Interrupted",
                "stopped waiting for input; variables are kept",
            ));
        }
        Some(reason @ NoInput::NotAllowed) => {
            return Err(CellError::new("InputError", reason.to_string()));
        }
        None => {}
    }
    if summary.panicked {
        return Err(of_panic(summary.panics.last(), cells));
    }
    if let Some(text) = &summary.failed {
        return Err(CellError::new("Error", text.trim_end()));
    }
    if is_interrupted {
        tracing::debug!("the cell ended before its interrupt reached it");
    }
    Ok(summary)
}

fn of_panic(panic: Option<&PanicReport>, cells: &Cells) -> CellError {
    let Some(panic) = panic else {
        return CellError::new("Panic", "the cell panicked");
    };
    let mut error = CellError::new("Panic", &panic.message);
    if let Some(place) = cells.locate(&panic.file, panic.line, panic.column) {
        let column = usize::try_from(place.column).unwrap_or(1);
        let line = usize::try_from(place.line).unwrap_or(1);
        error = error.with_line(place_lines(
            &place.to_string(),
            line,
            &place.source_line,
            column,
        ));
    } else if !panic.file.is_empty() {
        error = error.with_line(format!(
            "  {BLUE}-->{RESET} {}:{}:{}",
            panic.file, panic.line, panic.column
        ));
    }
    if !panic.backtrace.is_empty() {
        error = error.with_line(panic.backtrace.clone());
    }
    error
}

/// The error of a cell that could not load variables.
///
/// * `changed`: their names.
pub fn of_changed_types(changed: &[String]) -> CellError {
    CellError::new(
        "CompileError",
        format!(
            "the type of {} was redefined, so its value is lost: assign it again",
            changed.join(", ")
        ),
    )
}

/// The error of a cell that could not be compiled or run to its end.
///
/// * `number`: the number of the cell among all cells.
pub fn of_failed(
    failure: Failure,
    summary: &CellSummary,
    is_interrupted: bool,
    number: usize,
    cells: &Cells,
) -> CellError {
    let cell = cells.get(number).cloned().unwrap_or_default();
    let has_run = summary.died.is_some();
    let are_variables_kept = summary.died.is_some_and(|death| death.are_variables_kept);
    match failure {
        // evcxr's own error only results from the line that makes it keep its state.
        _ if are_variables_kept && is_interrupted => CellError::new(
            "Interrupted",
            "the code did not stop within 1 s, so its process was ended; variables are kept as they were before the cell",
        ),
        _ if are_variables_kept => of_death(summary, cell.execution_count, ""),
        _ if is_interrupted && !has_run => while_compiling(),
        Failure::Compile(errors, source) => {
            let hints = corebook_magics::hints(&cell.source);
            diagnostics::compile_error(&errors, &source, number, cells, &hints)
        }
        Failure::Unusable { variable, message } => CellError::new(
            "CompileError",
            format!(
                "`{}` can't be used any more, because its type `{}` can't: {message}; define it again",
                variable.name, variable.type_name
            ),
        ),
        Failure::Evcxr(error) => of_evcxr(error, summary, is_interrupted, number, cells),
    }
}

fn of_evcxr(
    error: evcxr::Error,
    summary: &CellSummary,
    is_interrupted: bool,
    number: usize,
    cells: &Cells,
) -> CellError {
    match error {
        evcxr::Error::SubprocessTerminated(_) if is_interrupted => CellError::new(
            "Interrupted",
            format!("the code did not stop within 1 s, so its process was ended; {LOST}"),
        ),
        evcxr::Error::CompilationErrors(errors) => {
            diagnostics::command_error(&errors, number, cells)
        }
        evcxr::Error::SubprocessTerminated(detail) => {
            let execution_count = cells.get(number).map_or(0, |cell| cell.execution_count);
            of_death(summary, execution_count, &detail)
        }
        evcxr::Error::TypeRedefinedVariablesLost(names) => of_changed_types(&names),
        evcxr::Error::Message(message) => {
            CellError::new("CompileError", in_our_words(message.trim_end()))
        }
    }
}

/// The error of a cell that was interrupted before its code ran.
pub fn while_compiling() -> CellError {
    CellError::new("Interrupted", "stopped while compiling; variables are kept")
}

/// Rewrites those of evcxr's messages that learners often see. Returns other messages unchanged.
fn in_our_words(message: &str) -> String {
    let has_no_network = ["Could not resolve host", "failed to download from"];
    if has_no_network.iter().any(|sign| message.contains(sign)) {
        return format!(
            "a crate has to be downloaded, and the network did not answer: connect, then run the cell again\n{message}"
        );
    }
    if message.contains("no matching package named") {
        return format!("{message}: check the spelling of the crate's name");
    }
    message.to_owned()
}

fn of_death(summary: &CellSummary, execution_count: usize, detail: &str) -> CellError {
    let ending = summary.died.map_or_else(
        || detail.trim().to_owned(),
        |death| exit_status::describe(death.ending, &summary.stderr_tail),
    );
    let place = match summary.died {
        Some(death) if !death.is_in_cell => "between two cells".to_owned(),
        _ => format!("in cell [{execution_count}]"),
    };
    let loss = match summary.died {
        Some(death) if death.are_variables_kept => "variables are as before the cell",
        _ => LOST,
    };
    CellError::new(
        "WorkerDied",
        format!("worker died: {ending} {place}; {loss}"),
    )
}

/// What is lost if the worker ends without a checkpoint.
const LOST: &str = "variables are lost, functions and :dep are kept";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::Death;
    use corebook_processes::ipc::Ending;

    fn died(ending: Ending, is_in_cell: bool, are_variables_kept: bool) -> String {
        let died = Some(Death {
            ending,
            is_in_cell,
            are_variables_kept,
        });
        let summary = CellSummary {
            died,
            ..Default::default()
        };
        of_death(&summary, 7, "").value
    }

    /// The outputs thread shows the value of a cell exactly if the cell gets no error.
    #[test]
    fn a_cell_without_an_error_is_a_success_to_the_outputs_thread() {
        let death = Death {
            ending: Ending::Signalled { signal: 9 },
            is_in_cell: false,
            are_variables_kept: false,
        };
        for bits in 0..16 {
            let is = |bit: u8| bits & (1 << bit) != 0;
            let summary = CellSummary {
                panicked: is(0),
                failed: is(1).then(|| "failed".to_owned()),
                interrupted: is(2).then(|| "pool.map".to_owned()),
                died: is(3).then_some(death),
                ..CellSummary::default()
            };
            for denied in [None, Some(NoInput::NotAllowed), Some(NoInput::Interrupted)] {
                let is_shown = summary.is_success() && denied.is_none();
                let outcome = of_finished(summary.clone(), false, denied, &Cells::default());
                assert_eq!(outcome.is_ok(), is_shown, "{summary:?} {denied:?}");
            }
        }
    }

    #[test]
    fn a_death_is_described_in_words() {
        let kept = " in cell [7]; variables are as before the cell";
        for (ending, words) in [
            (Ending::Signalled { signal: 11 }, "segmentation fault"),
            (Ending::Signalled { signal: 9 }, "killed: out of memory?"),
            (Ending::Signalled { signal: 15 }, "ended by SIGTERM"),
            (Ending::Signalled { signal: 34 }, "ended by signal 34"),
            (Ending::Exited { code: 3 }, "the code called exit(3)"),
        ] {
            assert_eq!(
                died(ending, true, true),
                format!("worker died: {words}{kept}")
            );
        }
    }

    #[test]
    fn a_death_without_a_checkpoint_says_what_is_lost() {
        let aborted = Ending::Signalled { signal: 6 };
        let lost = "variables are lost, functions and :dep are kept";
        assert_eq!(
            died(aborted, true, false),
            format!("worker died: aborted in cell [7]; {lost}")
        );
        assert_eq!(
            died(aborted, false, false),
            format!("worker died: aborted between two cells; {lost}")
        );
    }

    #[test]
    fn a_missing_network_is_explained_before_cargos_message() {
        let cargos = "Updating crates.io index\n  [6] Could not resolve hostname (Could not resolve host: x)";
        let text = in_our_words(cargos);
        assert!(text.starts_with("a crate has to be downloaded"), "{text}");
        assert!(text.ends_with(cargos), "{text}");
    }
}
