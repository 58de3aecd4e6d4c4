//! The loop of the analysis process: reads requests from stdin, writes replies to stdout, and ends with stdin.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use anyhow::Context;
use corebook_processes::memory;
use ra_ap_paths::AbsPathBuf;

use crate::host::Host;
use crate::project::Folders;
use crate::protocol::{Answer, Question, Reply, Request};

/// Environment variable with the project's folder.
pub const PROJECT_VARIABLE: &str = "COREBOOK_ANALYSIS_PROJECT";
/// Environment variable with the folder of the standard library's source.
pub const LIBRARY_VARIABLE: &str = "COREBOOK_ANALYSIS_LIBRARY";

/// Answers until stdin ends.
///
/// # Errors
///
/// When stdin or stdout fail, or when [`PROJECT_VARIABLE`] is missing.
pub fn run() -> anyhow::Result<()> {
    yield_to_cells();
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let project = folder(PROJECT_VARIABLE)
        .with_context(|| format!("{PROJECT_VARIABLE} is missing; only the kernel starts this"))?;
    let folders = Folders {
        project: absolute(project)?,
        library: folder(LIBRARY_VARIABLE).map(absolute).transpose()?,
    };
    serve(folders, std::io::stdin().lock(), std::io::stdout().lock())
}

/// Answers the requests of `input` on `output`, one JSON object per line.
fn serve(folders: Folders, input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let mut host = Host::new(folders);
    for line in input.lines() {
        let line = line.context("no request can be read")?;
        let request: Request = serde_json::from_str(&line).context("a request is not valid")?;
        let answer = answer(&mut host, &request.question);
        let reply = Reply {
            id: request.id,
            answer,
        };
        let mut line = serde_json::to_vec(&reply).context("a reply can't be written")?;
        line.push(b'\n');
        output.write_all(&line)?;
        output.flush()?;
        if request.question == Question::Load {
            // Loading frees about as much as it keeps.
            memory::give_back();
        }
    }
    Ok(())
}

fn answer(host: &mut Host, question: &Question) -> Answer {
    // rust-analyzer panics on some code. It stays usable after that.
    let answered = catch_unwind(AssertUnwindSafe(|| {
        Ok::<_, anyhow::Error>(match question {
            Question::Load => host.load().map(|()| Answer::Loaded)?,
            Question::Completions(place) => Answer::Completions(host.completions(place)?),
            Question::Hover(place) => Answer::Hover(host.hover(place)?),
        })
    }));
    match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Failed(format!("{error:#}")),
        Err(_) => Answer::Failed("rust-analyzer panicked".to_owned()),
    }
}

/// Lets cells run first. When memory runs out, lets the system end this process before the kernel and before a worker
/// without a checkpoint.
fn yield_to_cells() {
    #[cfg(target_os = "linux")]
    {
        // Both make cells faster or safer, but nothing depends on them.
        let _ = std::fs::write("/proc/self/oom_score_adj", "500");
        // SAFETY: changes only the priority of this process.
        unsafe { nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, 5) };
    }
}

fn absolute(path: PathBuf) -> anyhow::Result<AbsPathBuf> {
    let text = path
        .to_str()
        .with_context(|| format!("{path:?} is not UTF-8"))?;
    AbsPathBuf::try_from(text).map_err(|path| anyhow::anyhow!("{path:?} is not absolute"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_gets_one_reply_and_the_end_of_stdin_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders {
            project: absolute(folder.path().to_owned()).unwrap(),
            library: None,
        };
        let requests = "{\"id\":7,\"question\":\"Load\"}\n\
            {\"id\":8,\"question\":{\"Hover\":{\"source\":\"fn f() {}\",\"offset\":3}}}\n";
        let mut replies = Vec::new();
        serve(folders, requests.as_bytes(), &mut replies).unwrap();
        let replies: Vec<Reply> = String::from_utf8(replies)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            replies.iter().map(|reply| reply.id).collect::<Vec<_>>(),
            [7, 8]
        );
        let is_failure = |reply: &Reply| matches!(&reply.answer, Answer::Failed(reason) if reason.contains("can't be loaded"));
        assert!(replies.iter().all(is_failure), "{replies:?}");
    }

    #[test]
    fn a_request_that_is_none_ends_it() {
        let folders = Folders {
            project: absolute("/nowhere".into()).unwrap(),
            library: None,
        };
        assert!(serve(folders, "hello\n".as_bytes(), Vec::new()).is_err());
        assert!(absolute("relative".into()).is_err());
    }
}
