//! How long each phase of a cell took, for the metadata of its reply.
//!
//! Does no I/O. The times come from the cargo shim's journal and from the supervisor's reports.

use std::time::{Duration, SystemTime};

use corebook_build::cargo_shim::Compile;
use serde_json::{Value, json};

use super::current_cell::CodeTimes;

/// How long each phase of a cell took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// The expansion of magics, and rust-analyzer, which infers the types of variables.
    analysis: Duration,
    /// Cargo, which runs only if more than the cell has changed.
    cargo: Duration,
    /// The compiler, the linker and loading the library.
    rustc: Duration,
    /// The cell's own code.
    run: Duration,
    /// How often the compiler ran; usually once.
    rustc_runs: usize,
}

impl Timings {
    /// * `began`, `ended`: when the whole cell began and ended.
    pub fn of(began: SystemTime, compiles: &[Compile], code: CodeTimes, ended: SystemTime) -> Self {
        // If the cell waited for evcxr's start, evcxr's own code ran before the cell's. It is not counted.
        let last_called = compiles.last().map_or(ended, |it| it.called);
        let run_began = code.began.filter(|began| *began >= last_called);
        let ran_from = run_began.unwrap_or(ended);
        let mut timings = Self {
            analysis: between(began, compiles.first().map_or(ran_from, |it| it.called)),
            run: run_began
                .map(|began| between(began, code.ended.unwrap_or(ended)))
                .unwrap_or_default(),
            ..Self::default()
        };
        let ends = compiles.iter().skip(1).map(|next| next.called);
        for (compile, end) in compiles.iter().zip(ends.chain([ran_from])) {
            timings.cargo += between(compile.called, compile.rustc.unwrap_or(end));
            if let Some(rustc) = compile.rustc {
                timings.rustc += between(rustc, end);
                timings.rustc_runs += 1;
            }
        }
        timings
    }

    /// In seconds, like all times in Jupyter's metadata.
    pub fn to_json(self) -> Value {
        json!({
            "analysis": self.analysis.as_secs_f64(),
            "cargo": self.cargo.as_secs_f64(),
            "rustc": self.rustc.as_secs_f64(),
            "run": self.run.as_secs_f64(),
            "rustc_runs": self.rustc_runs,
        })
    }
}

/// Zero if the clock was set back.
fn between(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn compile(called: u64, rustc: u64) -> Compile {
        Compile {
            called: at(called),
            rustc: Some(at(rustc)),
        }
    }

    #[test]
    fn each_phase_has_its_time() {
        let code = CodeTimes {
            began: Some(at(110)),
            ended: Some(at(160)),
        };
        let timings = Timings::of(at(0), &[compile(20, 24), compile(60, 70)], code, at(170));
        let expected = Timings {
            analysis: Duration::from_millis(20),
            cargo: Duration::from_millis(14),
            rustc: Duration::from_millis(76),
            run: Duration::from_millis(50),
            rustc_runs: 2,
        };
        assert_eq!(timings, expected);
    }

    #[test]
    fn a_cell_without_code_is_all_analysis() {
        let timings = Timings::of(at(0), &[], CodeTimes::default(), at(7));
        let expected = Timings {
            analysis: Duration::from_millis(7),
            ..Timings::default()
        };
        assert_eq!(timings, expected);
    }

    #[test]
    fn a_cell_that_does_not_compile_did_not_run() {
        let timings = Timings::of(at(0), &[compile(10, 10)], CodeTimes::default(), at(60));
        let expected = Timings {
            analysis: Duration::from_millis(10),
            rustc: Duration::from_millis(50),
            rustc_runs: 1,
            ..Timings::default()
        };
        assert_eq!(timings, expected);
    }
}
