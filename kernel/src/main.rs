//! One binary, four trades: supervisor and worker of a running notebook, compiler of its cells, command line.

use std::process::ExitCode;

use corebook_build::cargo_shim::CargoShim;
use corebook_processes::{ROLE_VARIABLE, SUPERVISOR_ROLE, WORKER_ROLE, supervisor, worker};

fn main() -> ExitCode {
    if let Some(compiler) = CargoShim::of_this_process() {
        return compiler.run();
    }
    match std::env::var(ROLE_VARIABLE).as_deref() {
        Ok(SUPERVISOR_ROLE) => child(supervisor::run()),
        Ok(WORKER_ROLE) => child(worker::run()),
        _ => {
            // evcxr runs this binary around rustc when a notebook asks for its cache; does not return then.
            evcxr::runtime_hook();
            corebook_kernel::cli::run()
        }
    }
}

/// What a child process says goes to the kernel's log.
fn child(ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
