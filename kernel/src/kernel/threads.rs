//! Spawns the threads of the kernel that `ARCHITECTURE.md` lists, and waits for those that must finish. Two threads are
//! spawned elsewhere: for the supervisor's log and for the build of a template.

use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How often a thread that is to end is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Every thread that was spawned and has to finish before the process ends.
#[derive(Default)]
pub struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    /// Spawns a thread around a socket or a file. [`Threads::wait`] waits for it, so that nothing it holds is lost.
    pub fn spawn(
        &mut self,
        name: &str,
        serve: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        self.0.push(spawn_detached(name, serve)?);
        Ok(())
    }

    /// Waits until all of them have ended, or `deadline` has passed.
    pub fn wait(self, deadline: Instant) {
        for thread in self.0 {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }
}

/// Spawns a thread that the process ends with, wherever it is: it holds nothing that could be lost.
pub fn spawn_detached(
    name: &str,
    serve: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(serve)
}
