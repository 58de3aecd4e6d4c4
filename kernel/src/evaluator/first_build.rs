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

/// How often a build looks whether a cell waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Evaluator {
    /// The template for this kernel, built first if there is none.
    ///
    /// * `tell`: called now and then meanwhile, to tell of the notices.
    pub(super) fn find_or_build(
        &mut self,
        toolchain: &Toolchain,
        mut tell: impl FnMut(&mut Self),
    ) -> Result<Template, Error> {
        let prebuild = Prebuild::new(toolchain, &crates::from_environment()?)?;
        if let Some(template) = prebuild.existing() {
            return Ok(template);
        }
        // From the build to this thread. Unbounded: a build says some dozen lines.
        let (progress, lines) = channel();
        std::thread::scope(|scope| {
            let building = scope.spawn(move || {
                prebuild.ensure(&mut |line| {
                    // This thread listens until the build has ended.
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
                tell(self);
            }
            building.join().unwrap_or_else(|_| {
                Err(Error::BuildFailed {
                    output: "a panic".to_owned(),
                })
            })
        })
    }

    /// Tells what there is to tell in a cell, if any, and never again.
    pub(super) fn tell_notices(&mut self, origin: &Origin) {
        if self.notices.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut self.notices).join("\n");
        text.push('\n');
        let content = StreamContent::stderr(&text);
        self.links.responder.publisher.publish(origin, content);
    }

    /// Begins a cell that waits, and tells it what it waits for.
    pub(super) fn tell_who_waits(&mut self, jobs: &Receiver<Job>) {
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
            self.tell_notices(&job.origin);
        }
        if let Some(first) = first {
            self.held.push_front(first);
        }
    }
}
