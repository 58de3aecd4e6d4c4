//! Decides which process the system kills when memory runs out: the one that runs a protected cell, because only that
//! can be replaced.
//!
//! Without privileges a process can raise its score but not lower it below its old value. So the score of the worker is
//! raised while the cell runs, and those of kernel and checkpoint are not changed. See `man 5 proc_pid_oom_score_adj`.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

/// The highest score: killed before any other process.
const FIRST: &str = "1000";

/// The raised score of this process.
pub struct OomScore {
    /// The score before it was raised; `None` if the system has no scores.
    score: Option<String>,
}

impl OomScore {
    /// Makes this process the first to be killed.
    pub fn raise() -> Self {
        let own = score_file("self");
        let score = fs::read_to_string(&own).ok();
        // If this fails, the system chooses by size, which most often is the same process.
        let _ = fs::write(&own, FIRST);
        Self { score }
    }

    /// Restores the score of this process, and of the programs that it has started meanwhile: they have inherited the
    /// raised score and may outlive the cell.
    pub fn restore(self) {
        let Some(score) = self.score else { return };
        let _ = fs::write(score_file("self"), &score);
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::All, flags) == Err(Errno::ECHILD) {
            return;
        }
        let own_group = group("self");
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = process.file_name();
            let Some(name) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else {
                continue;
            };
            let file = score_file(name);
            let is_first = || fs::read_to_string(&file).is_ok_and(|score| score.trim() == FIRST);
            if group(name) == own_group && is_first() {
                // Fails if the process has just ended.
                let _ = fs::write(&file, &score);
            }
        }
    }
}

fn score_file(process: &str) -> std::path::PathBuf {
    Path::new("/proc").join(process).join("oom_score_adj")
}

/// The process group: the third field after the name, which is in parentheses and may contain some itself.
fn group(process: &str) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(2)?.parse().ok()
}
