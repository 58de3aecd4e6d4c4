//! One binary, five roles: supervisor, worker, analysis process, cargo shim, command line.

use std::process::ExitCode;

use corebook_analysis::ANALYSIS_ROLE;
use corebook_build::cargo_shim::CargoShim;
use corebook_processes::{ROLE_VARIABLE, SUPERVISOR_ROLE, WORKER_ROLE, supervisor, worker};

fn main() -> ExitCode {
    if let Some(compiler) = CargoShim::of_this_process() {
        return compiler.run();
    }
    match std::env::var(ROLE_VARIABLE).as_deref() {
        Ok(SUPERVISOR_ROLE) => exit_code(supervisor::run()),
        Ok(WORKER_ROLE) => exit_code(worker::run()),
        Ok(ANALYSIS_ROLE) => exit_code(corebook_analysis::server::run()),
        _ => {
            // If a notebook turns evcxr's cache on, evcxr runs this binary as a wrapper of rustc. This call does not
            // return then.
            evcxr::runtime_hook();
            corebook_kernel::cli::run()
        }
    }
}

/// Prints the error of a child process on stderr, which goes to the kernel's log.
fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
