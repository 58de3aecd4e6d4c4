//! Starts evcxr: finds or builds the template of a toolchain, makes a session from it, starts evcxr in the session.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use corebook_build::{Session, Toolchain, linker};
use corebook_processes::program;

use super::job::Job;
use super::{Evaluator, lock};
use crate::evcxr::interpreter::Interpreter;
use crate::evcxr::startup;

impl Evaluator {
    pub(super) fn start(
        &mut self,
        toolchain: Result<Toolchain, corebook_build::Error>,
        jobs: &Receiver<Job>,
    ) -> Result<Interpreter, String> {
        let toolchain = toolchain.map_err(|error| error.to_string())?;
        self.start_with(toolchain, |evaluator| {
            evaluator.show_notices_to_waiting_cell(jobs)
        })
    }

    /// Starts evcxr in a new session.
    ///
    /// * `show_progress`: called repeatedly while the runtime is built, to show [`Evaluator::notices`].
    pub(super) fn start_with(
        &mut self,
        toolchain: Toolchain,
        show_progress: impl FnMut(&mut Self),
    ) -> Result<Interpreter, String> {
        let to_text = |error: corebook_build::Error| error.to_string();
        self.toolchain = Some(toolchain.clone());
        if let Err(error) = toolchain.check_rust_src() {
            self.notices
                .push(format!("{error}, then restart the kernel"));
        }
        let template = self
            .find_or_build(&toolchain, show_progress)
            .map_err(to_text)?;
        let binary =
            program::path().map_err(|error| format!("no path to this program: {error}"))?;
        let session = Arc::new(Session::reserve(&template).map_err(to_text)?);
        lock(&self.links.knowledge.cells).set_source_file(session.work_dir().join("src/lib.rs"));
        // From here on the main thread removes the session's folder at the end, even if the start fails.
        *lock(&self.links.session) = Some(Arc::clone(&session));
        session.fill(&binary).map_err(to_text)?;
        let surroundings = startup::Surroundings {
            report_socket: &self.links.worker.report_socket,
            folder: self.links.folder.as_deref(),
        };
        startup::start(&template, &session, &surroundings).map_err(|error| {
            // A shutdown has killed the compiler. The linker is not the cause, and checking it would start a compiler.
            if self.links.current_cell.is_kernel_ending() {
                return format!("{error:#}");
            }
            // If the linker is missing, evcxr's message is that of the compiler. Ours says how to fix it.
            match linker::check(&toolchain) {
                Err(cause) => cause.to_string(),
                Ok(_) => format!("{error:#}"),
            }
        })
    }
}
