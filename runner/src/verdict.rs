//! Decides whether a cell did what it should. Does no I/O.

use jupyter_protocol::ReplyError;

/// How a cell ended.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    pub execution_count: Option<usize>,
    /// `None` if it succeeded.
    pub error: Option<ReplyError>,
    /// The limit in seconds, if the cell exceeded it and was interrupted.
    pub exceeded_s: Option<f64>,
    /// Whether Ctrl-C was pressed.
    pub is_interrupted: bool,
}

/// Whether the run goes on after a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Passed,
    /// It failed, and that is allowed.
    Excused,
    /// It failed, with the reason.
    Failed(String),
    /// Ctrl-C: no further cell runs.
    Interrupted,
}

/// * `must_fail`: the cell is tagged `raises-exception`.
/// * `allow_errors`: failures do not end the run.
pub fn judge(ending: &Ending, must_fail: bool, allow_errors: bool) -> Verdict {
    if ending.is_interrupted {
        return Verdict::Interrupted;
    }
    let failure = match &ending.error {
        Some(error) => match ending.exceeded_s {
            Some(limit_s) => format!("it took longer than {limit_s} s (--timeout)"),
            None if must_fail => return Verdict::Passed,
            None => describe(error),
        },
        None if must_fail => "it is tagged raises-exception, but did not fail".to_owned(),
        None => return Verdict::Passed,
    };
    if allow_errors {
        Verdict::Excused
    } else {
        Verdict::Failed(failure)
    }
}

fn describe(error: &ReplyError) -> String {
    match error.evalue.as_str() {
        "" => error.ename.clone(),
        value => format!("{}: {value}", error.ename),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Ending {
        let error = ReplyError {
            ename: "Panic".into(),
            evalue: "x".into(),
            traceback: vec![],
        };
        Ending {
            error: Some(error),
            ..Ending::default()
        }
    }

    fn failure(message: &str) -> Verdict {
        Verdict::Failed(message.to_owned())
    }

    #[test]
    fn an_error_fails_the_run_with_its_name_and_value() {
        assert_eq!(judge(&failed(), false, false), failure("Panic: x"));
        assert_eq!(judge(&Ending::default(), false, false), Verdict::Passed);
    }

    #[test]
    fn a_tagged_cell_must_fail() {
        assert_eq!(judge(&failed(), true, false), Verdict::Passed);
        assert_eq!(
            judge(&Ending::default(), true, false),
            failure("it is tagged raises-exception, but did not fail")
        );
    }

    #[test]
    fn allowed_errors_are_excused() {
        assert_eq!(judge(&failed(), false, true), Verdict::Excused);
        assert_eq!(judge(&Ending::default(), true, true), Verdict::Excused);
    }

    #[test]
    fn a_cell_over_its_limit_fails_even_if_it_must_fail() {
        let ending = Ending {
            exceeded_s: Some(0.5),
            ..failed()
        };
        assert_eq!(
            judge(&ending, true, false),
            failure("it took longer than 0.5 s (--timeout)")
        );
        assert_eq!(judge(&ending, false, true), Verdict::Excused);
    }

    #[test]
    fn a_cell_that_finished_just_in_time_passed() {
        let ending = Ending {
            exceeded_s: Some(0.5),
            ..Ending::default()
        };
        assert_eq!(judge(&ending, false, false), Verdict::Passed);
    }

    #[test]
    fn an_interrupt_ends_the_run_whatever_is_allowed() {
        let ending = Ending {
            is_interrupted: true,
            ..failed()
        };
        assert_eq!(judge(&ending, true, true), Verdict::Interrupted);
        let finished = Ending {
            is_interrupted: true,
            ..Ending::default()
        };
        assert_eq!(judge(&finished, false, false), Verdict::Interrupted);
    }
}
