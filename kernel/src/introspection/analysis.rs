//! Asks rust-analyzer about a cell: starts its process, and puts the cell into a crate with what the notebook has
//! defined.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use corebook_analysis::client::{Client, Ending, NoAnswer, Setup};
use corebook_analysis::mode::Mode;
use corebook_analysis::protocol::{Answer, Completions, Place, Question};

use crate::evaluator::current_cell::{CurrentCell, Phase};
use crate::evaluator::links::{EvaluatorLinks, SharedSession};
use crate::shared::notebook_view::{NotebookView, SharedView, Wrapped, current};

/// rust-analyzer, for the cells of this notebook.
pub struct Analysis {
    client: Client,
    mode: Mode,
    /// Whether the process has been started at rest.
    has_started: bool,
    current_cell: Arc<CurrentCell>,
    session: SharedSession,
    view: SharedView,
}

impl Analysis {
    /// * `ending`: with which another thread ends the process.
    pub fn new(mode: Mode, ending: Arc<Ending>, links: &EvaluatorLinks) -> Self {
        Self {
            client: Client::new(ending),
            mode,
            has_started: false,
            current_cell: Arc::clone(&links.current_cell),
            session: Arc::clone(&links.session),
            view: Arc::clone(&links.knowledge.view),
        }
    }

    /// What the notebook has defined.
    pub fn view(&self) -> Arc<NotebookView> {
        current(&self.view)
    }

    /// Completions at the byte `offset` of `code`, with positions in `code`. None if there is no answer.
    pub fn complete(&mut self, code: &str, offset: usize) -> Option<Completions> {
        match self.ask(code, offset, Question::Completions)? {
            (Answer::Completions(found), start) => Some(Completions {
                start: found.start.checked_sub(start)?,
                end: found.end.checked_sub(start)?,
                ..found
            }),
            _ => None,
        }
    }

    /// The documentation of the name at the byte `offset` of `code`, as Markdown. None if there is none.
    pub fn hover(&mut self, code: &str, offset: usize) -> Option<String> {
        match self.ask(code, offset, Question::Hover)? {
            (Answer::Hover(found), _) => found,
            _ => None,
        }
    }

    /// Whether the process may have to be started when the kernel is at rest.
    pub fn must_start(&self) -> bool {
        matches!(self.mode, Mode::Eager | Mode::ByMachine) && !self.has_started
    }

    /// Starts the process if there is room for it, so that the first question finds it ready.
    pub fn start(&mut self) {
        self.has_started = true;
        if !self.mode.is_eager_now() {
            return;
        }
        if let Some(setup) = self.setup() {
            // The next question tries again.
            let _ = self.client.start(&setup);
        }
    }

    /// In which time [`Analysis::give_back`] has something to do. None if the process does not run.
    pub fn next_give_back(&self) -> Option<Duration> {
        let at = self.client.next_give_back()?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Ends the process if nothing has been asked for a long time.
    pub fn give_back(&mut self) {
        self.client.give_back();
    }

    /// The answer, and where the code begins in the crate about which it is.
    fn ask(
        &mut self,
        code: &str,
        offset: usize,
        question: impl FnOnce(Place) -> Question,
    ) -> Option<(Answer, usize)> {
        if self.mode == Mode::Off {
            return None;
        }
        let setup = self.setup()?;
        let Wrapped { source, start } = self.view().wrap(code);
        let place = Place {
            source,
            offset: start + offset,
        };
        match self.client.ask(&setup, question(place)) {
            Ok(answer) => Some((answer, start)),
            Err(NoAnswer::Failed(reason)) => {
                tracing::debug!("rust-analyzer has no answer: {reason}");
                None
            }
            Err(reason) => {
                tracing::debug!("rust-analyzer has no answer: {reason:?}");
                None
            }
        }
    }

    /// None while the kernel is starting, because the session changes then.
    fn setup(&self) -> Option<Setup> {
        if self.current_cell.phase() == Phase::Starting {
            return None;
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = session.as_ref()?;
        let toolchain = session.toolchain();
        Some(Setup {
            project: session.work_dir(),
            library: toolchain.library_source(),
            cargo: toolchain.cargo.clone(),
            rustc: toolchain.rustc.clone(),
            sysroot: toolchain.sysroot.clone(),
            temporary: session.temporary_dir(),
        })
    }
}
