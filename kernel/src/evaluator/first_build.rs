//! If `corebook install` was never run, the first start builds the runtime (about 15 s). A cell that arrives meanwhile
//! is shown as running, with the build's progress.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use corebook_build::crates;
use corebook_build::{Error, Prebuild, Template, Toolchain};
use corebook_jupyter::wire::Origin;
use jupyter_protocol::StreamContent;

use super::Evaluator;
use super::job::Job;

/// How often [`Evaluator::find_or_build`] calls `show_progress`.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Evaluator {
    /// The template for this kernel. Builds it if it does not exist.
    ///
    /// * `show_progress`: called repeatedly during the build, to show [`Evaluator::notices`].
    pub(super) fn find_or_build(
        &mut self,
        toolchain: &Toolchain,
        mut show_progress: impl FnMut(&mut Self),
    ) -> Result<Template, Error> {
        let prebuild = Prebuild::new(toolchain, &crates::from_environment()?)?;
        if let Some(template) = prebuild.existing() {
            return Ok(template);
        }
        // From the build to this thread. Unbounded: a build prints a few dozen lines.
        let (progress, lines) = channel();
        std::thread::scope(|scope| {
            let building = scope.spawn(move || {
                prebuild.ensure(&mut |line| {
                    // Never fails: this thread receives until the build has ended.
                    let _ = progress.send(line.to_owned());
                })
            });
            loop {
                match lines.recv_timeout(LOOK_AGAIN) {
                    Ok(line) => {
                        tracing::info!("{line}");
                        self.notices.push(line);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                show_progress(self);
            }
            building.join().unwrap_or_else(|_| {
                Err(Error::BuildFailed {
                    output: "a panic".to_owned(),
                })
            })
        })
    }

    /// Shows the notices in a cell, if there are any, and clears them.
    pub(super) fn show_notices(&mut self, origin: &Origin) {
        if self.notices.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut self.notices).join("\n");
        text.push('\n');
        let content = StreamContent::stderr(&text);
        self.links.responder.publisher.publish(origin, content);
    }

    /// If a cell waits for the build, begins it and shows the notices in it.
    pub(super) fn show_notices_to_waiting_cell(&mut self, jobs: &Receiver<Job>) {
        self.held.extend(jobs.try_iter());
        if self.notices.is_empty() {
            return;
        }
        let first = self.held.pop_front();
        if let Some(Job::Execute(job)) = &first
            && !job.request.silent
            && !self.is_aborted(job)
        {
            if !self.has_begun {
                self.begin(job);
                self.has_begun = true;
            }
            self.show_notices(&job.origin);
        }
        if let Some(first) = first {
            self.held.push_front(first);
        }
    }
}
