//! The start of evcxr: a toolchain, a template, a session made from it, and evcxr in the session.

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
        self.start_with(toolchain, |evaluator| evaluator.tell_who_waits(jobs))
    }

    /// Makes evcxr ready, in a new session.
    ///
    /// * `tell`: called now and then while the runtime is built, to tell of [`Evaluator::notices`].
    pub(super) fn start_with(
        &mut self,
        toolchain: Toolchain,
        tell: impl FnMut(&mut Self),
    ) -> Result<Interpreter, String> {
        let in_words = |error: corebook_build::Error| error.to_string();
        self.toolchain = Some(toolchain.clone());
        if let Err(error) = toolchain.check_rust_src() {
            self.notices
                .push(format!("{error}, then restart the kernel"));
        }
        let template = self.find_or_build(&toolchain, tell).map_err(in_words)?;
        let binary =
            program::path().map_err(|error| format!("no path to this program: {error}"))?;
        let session = Arc::new(Session::reserve(&template).map_err(in_words)?);
        lock(&self.links.knowledge.cells).set_source_file(session.work_dir().join("src/lib.rs"));
        // From here on the main thread removes the session's folder at the end, however far this gets.
        *lock(&self.links.session) = Some(Arc::clone(&session));
        session.fill(&binary).map_err(in_words)?;
        let surroundings = startup::Surroundings {
            report_socket: &self.links.worker.report_socket,
            folder: self.links.folder.as_deref(),
        };
        startup::start(&template, &session, &surroundings).map_err(|error| {
            // A shutdown has killed the compiler: the linker is not to blame, and to try it would start another.
            if self.links.current_cell.is_kernel_ending() {
                return format!("{error:#}");
            }
            // evcxr's words for a missing linker are a compiler's; ours say what to do.
            match linker::check(&toolchain) {
                Err(cause) => cause.to_string(),
                Ok(_) => format!("{error:#}"),
            }
        })
    }
}
