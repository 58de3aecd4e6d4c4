//! Whom the system kills when memory runs out: the process that runs a protected cell, because it alone can
//! be replaced.
//!
//! A process can make itself a better choice without privileges, not a worse one, so the score of the worker
//! rises for the time of the cell, and that of the kernel and the checkpoint stays. See
//! `man 5 proc_pid_oom_score_adj`.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

/// The highest score: killed before any other process.
const FIRST: &str = "1000";

/// This process, while it is to be killed first.
pub struct OomScore {
    /// The score that it had before; none where there are no scores.
    score: Option<String>,
}

impl OomScore {
    /// Makes this process the first choice.
    pub fn raise() -> Self {
        let own = score_file("self");
        let score = fs::read_to_string(&own).ok();
        // Without the score the system chooses by size: most often the same process.
        let _ = fs::write(&own, FIRST);
        Self { score }
    }

    /// Gives this process its score back, and the programs that it has started meanwhile: they have it from
    /// here, and may outlive the cell.
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
                // It may have ended just now.
                let _ = fs::write(&file, &score);
            }
        }
    }
}

fn score_file(process: &str) -> std::path::PathBuf {
    Path::new("/proc").join(process).join("oom_score_adj")
}

/// The process group: the third field behind the name, which stands in parentheses and can hold some itself.
fn group(process: &str) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(2)?.parse().ok()
}
