//! The arguments of `corebook run`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use corebook_analysis::mode;
use corebook_build::child_process::end_with_parent;
use corebook_build::{Prebuild, Toolchain, crates};
use corebook_processes::program;
use corebook_runner::{Destination, KernelProgram, Options};

use crate::history::place;

const EXIT_CODES: &str = "Cells tagged raises-exception must fail.

Exit codes: 0 all cells ran, 1 a cell failed, 2 a file or an option can't be used, 130 Ctrl-C";

/// Arguments of `corebook run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct RunArguments {
    /// The notebooks to run, each in a kernel of its own
    #[arg(required = true, value_name = "NOTEBOOK")]
    notebooks: Vec<PathBuf>,
    /// Write the executed notebook to this file; after a failure, with the outputs up to it
    #[arg(short, long, value_name = "FILE", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Write outputs into the notebooks themselves; after a failure, those up to it
    #[arg(long)]
    in_place: bool,
    /// Go on after cells that fail
    #[arg(long)]
    allow_errors: bool,
    /// Interrupt a cell that takes longer than this, and count it as failed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

impl RunArguments {
    /// Converts the arguments.
    ///
    /// # Errors
    ///
    /// If several notebooks would be written to one file, or if the path of this program is unknown.
    pub fn into_options(self) -> anyhow::Result<Options> {
        let destination = match (self.output, self.in_place) {
            (Some(_), _) if self.notebooks.len() > 1 => anyhow::bail!(
                "--output takes one notebook, not {}; --in-place writes each to its own file",
                self.notebooks.len()
            ),
            (Some(path), _) => Destination::File(path),
            (None, true) => Destination::InPlace,
            (None, false) => Destination::Nowhere,
        };
        let kernel = KernelProgram {
            path: program::path().context("can't find the file of this program")?,
            // The history is for cells that a person typed in, and rust-analyzer for a person who types. The cells of
            // these notebooks were not typed in.
            variables: vec![
                (place::VARIABLE, place::OFF),
                (mode::MODE_VARIABLE, mode::OFF),
            ],
            end_with_parent,
        };
        Ok(Options {
            kernel,
            notebooks: self.notebooks,
            destination,
            allow_errors: self.allow_errors,
            timeout: self.timeout,
        })
    }
}

/// Builds what kernels need before they start, so that the progress of the build is visible here.
pub fn prepare() -> anyhow::Result<()> {
    let prebuild = Prebuild::new(&Toolchain::here()?, &crates::from_environment()?)?;
    prebuild.ensure(&mut |line| eprintln!("{line}"))?;
    Ok(())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "must be a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["0", "-1", "soon", "inf", "NaN", ""] {
            assert_eq!(
                seconds(bad),
                Err("must be a number of seconds above 0".to_owned()),
                "{bad}"
            );
        }
    }

    fn arguments(notebooks: &[&str]) -> RunArguments {
        RunArguments {
            notebooks: notebooks.iter().map(PathBuf::from).collect(),
            output: Some("out.ipynb".into()),
            in_place: false,
            allow_errors: false,
            timeout: None,
        }
    }

    #[test]
    fn several_notebooks_do_not_go_to_one_file() {
        assert_eq!(
            arguments(&["a"]).into_options().unwrap().destination,
            Destination::File("out.ipynb".into())
        );
        let error = arguments(&["a", "b"])
            .into_options()
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "--output takes one notebook, not 2; --in-place writes each to its own file"
        );
    }
}
