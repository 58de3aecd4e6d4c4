//! Spawns the kernel's threads, which `ARCHITECTURE.md` lists, and waits for those that must finish. Two threads are
//! spawned elsewhere: the one for the supervisor's log and the one that builds a template.

use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How often [`Threads::wait`] checks whether a thread has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The threads that must finish before the process ends.
#[derive(Default)]
pub struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    /// Spawns a thread that owns a socket or a file. [`Threads::wait`] waits for it, so that none of its data is lost.
    pub fn spawn(
        &mut self,
        name: &str,
        serve: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        self.0.push(spawn_detached(name, serve)?);
        Ok(())
    }

    /// Waits until all these threads have ended or `deadline` has passed.
    pub fn wait(self, deadline: Instant) {
        for thread in self.0 {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }
}

/// Spawns a thread that may be cut off anywhere when the process ends, because it owns nothing that could be lost.
pub fn spawn_detached(
    name: &str,
    serve: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(serve)
}
