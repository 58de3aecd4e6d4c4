//! `corebook` with a scripted kernel, for the runner's tests.
//!
//! * `scripted kernel FILE` is a kernel that evaluates nothing. It speaks the real protocol over the real sockets, but
//!   the lines of a cell are commands (see [`Cell::act`]): what to put out, and how to end.
//! * `scripted run [--in-place] [--output FILE] [--allow-errors] [--timeout SECONDS] NOTEBOOK...` runs notebooks as
//!   `corebook run` does, with itself as the kernel.
//!
//! The real kernel needs evcxr, which takes minutes to build, and this crate must do without. `corebook run` with the
//! real kernel is tested in `tests/`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use corebook_jupyter::connection_file;
use corebook_jupyter::iopub::Publisher;
use corebook_jupyter::reply::Responder;
use corebook_jupyter::sockets::{Bound, Sockets};
use corebook_jupyter::wire::{Incoming, Origin};
use corebook_runner::{Destination, KernelProgram, Options};
use jupyter_protocol::{
    ClearOutput, DisplayData, ErrorOutput, ExecuteInput, ExecuteReply, ExecuteRequest,
    ExecuteResult, InterruptReply, JupyterMessageContent, Media, MediaType, ReplyError,
    ReplyStatus, Status, StreamContent, Transient, UpdateDisplayData,
};
use serde_json::json;

/// If it is set, the kernel ends before it is ready.
const BROKEN_START: &str = "SCRIPTED_BROKEN_START";

/// Names a file that the kernel writes when it is shut down by a message.
const SHUTDOWN_FILE: &str = "SCRIPTED_SHUTDOWN_FILE";

/// How long a kernel that is shut down, or has more output after its reply, takes for that.
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("kernel") => {
            serve(arguments.next().expect("a connection file").into()).map(|()| ExitCode::SUCCESS)
        }
        Some("run") => corebook_runner::run(&options(arguments), || Ok(())),
        other => panic!("unknown command {other:?}"),
    };
    done.unwrap_or_else(|error| {
        eprintln!("scripted: {error:#}");
        ExitCode::from(2)
    })
}

fn options(mut arguments: impl Iterator<Item = String>) -> Options {
    let mut options = Options {
        kernel: KernelProgram {
            path: std::env::current_exe().expect("this program has a path"),
            variables: vec![("SCRIPTED_VARIABLE", "passed on")],
            end_with_parent: |_, _| {},
        },
        notebooks: Vec::new(),
        destination: Destination::Nowhere,
        allow_errors: false,
        timeout: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--in-place" => options.destination = Destination::InPlace,
            "--output" => {
                let file = arguments.next().expect("a file");
                options.destination = Destination::File(file.into());
            }
            "--allow-errors" => options.allow_errors = true,
            "--timeout" => {
                let seconds = arguments.next().and_then(|text| text.parse().ok());
                options.timeout = seconds.map(Duration::from_secs_f64);
            }
            notebook => options.notebooks.push(notebook.into()),
        }
    }
    options
}

/// The kernel, until a message shuts it down.
fn serve(connection_file: PathBuf) -> anyhow::Result<()> {
    anyhow::ensure!(std::env::var_os(BROKEN_START).is_none(), "a broken start");
    let Sockets {
        shell,
        control,
        iopub,
        heartbeat,
        stdin: _stdin,
        context: _context,
    } = Sockets::bind(connection_file::read(&connection_file)?)?;
    let publisher = Publisher::new(iopub.sender);
    let is_interrupted = Arc::new(AtomicBool::new(false));
    thread::spawn(move || iopub.owner.serve());
    thread::spawn(move || heartbeat.owner.serve());
    let Bound { owner, sender } = control;
    let responder = Responder {
        publisher: publisher.clone(),
        replies: sender,
    };
    let interrupt = Arc::clone(&is_interrupted);
    thread::spawn(move || owner.serve(|message| answer_control(&message, &responder, &interrupt)));
    let Bound { owner, sender } = shell;
    let responder = Responder {
        publisher,
        replies: sender,
    };
    let mut count = 0;
    owner.serve(|message| match message.content {
        JupyterMessageContent::KernelInfoRequest(_) => {
            // A reply to another request comes first, and does not concern the client.
            let other = Origin {
                identities: message.origin.identities.clone(),
                ..another_origin()
            };
            responder.reply(&other, kernel_info("another version"), json!({}));
            responder.answer(&message.origin, kernel_info("1.2.3"));
        }
        JupyterMessageContent::ExecuteRequest(request) => {
            count += 1;
            is_interrupted.store(false, Ordering::Relaxed);
            let cell = Cell {
                origin: message.origin,
                request,
                count,
                responder: responder.clone(),
                is_interrupted: Arc::clone(&is_interrupted),
            };
            // In a thread of its own, so that this one sends the reply at once.
            thread::spawn(move || cell.run());
        }
        _ => {}
    });
    Ok(())
}

fn answer_control(message: &Incoming, responder: &Responder, is_interrupted: &AtomicBool) {
    match message.content {
        JupyterMessageContent::InterruptRequest(_) => {
            is_interrupted.store(true, Ordering::Relaxed);
            responder.answer(&message.origin, InterruptReply::default());
        }
        JupyterMessageContent::ShutdownRequest(_) => {
            // A client that does not wait kills this process now.
            thread::sleep(PAUSE);
            if let Some(file) = std::env::var_os(SHUTDOWN_FILE) {
                std::fs::write(file, "shut down").expect("the test's folder can be written");
            }
            std::process::exit(0);
        }
        _ => {}
    }
}

fn another_origin() -> Origin {
    Origin {
        header: br#"{"msg_id":"another"}"#.to_vec(),
        ..Origin::default()
    }
}

fn kernel_info(version: &str) -> JupyterMessageContent {
    let content = json!({
        "status": "ok", "protocol_version": "5.4", "banner": "", "help_links": [],
        "language_info": { "name": "rust", "version": version, "file_extension": ".rs" },
    });
    JupyterMessageContent::from_type_and_content("kernel_info_reply", content)
        .expect("these are the fields of kernel_info_reply")
}

/// A cell that runs.
struct Cell {
    origin: Origin,
    request: ExecuteRequest,
    count: usize,
    responder: Responder,
    is_interrupted: Arc<AtomicBool>,
}

impl Cell {
    fn run(&self) {
        let input = ExecuteInput {
            code: self.request.code.clone(),
            execution_count: self.count.into(),
        };
        self.publish(Status::busy());
        self.publish(input);
        let mut reply = ExecuteReply {
            execution_count: self.count.into(),
            ..ExecuteReply::default()
        };
        let mut late = None;
        for line in self.request.code.lines() {
            let (command, text) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            match command {
                "late" => late = Some(text),
                "abort" => reply.status = ReplyStatus::Aborted,
                "fail_unnamed" => reply.status = ReplyStatus::Error,
                _ => {
                    if let Err(error) = self.act(command, text) {
                        reply.status = ReplyStatus::Error;
                        reply.error = Some(Box::new(error));
                        break;
                    }
                }
            }
        }
        self.responder.reply(&self.origin, reply.into(), json!({}));
        if let Some(text) = late {
            thread::sleep(PAUSE);
            self.publish(StreamContent::stdout(text));
        }
        self.publish(Status::idle());
    }

    /// Obeys one line. Further commands are in [`Cell::run`].
    fn act(&self, command: &str, text: &str) -> Result<(), ReplyError> {
        let (id, rest) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            "print" => self.publish(StreamContent::stdout(&format!("{text}\n"))),
            "warn" => self.publish(StreamContent::stderr(&format!("{text}\n"))),
            "log" => eprintln!("{text}"),
            "show" => self.publish(DisplayData::new(plain(text))),
            "display" => self.publish(DisplayData {
                transient: Some(Transient {
                    display_id: Some(id.to_owned()),
                }),
                ..DisplayData::new(plain(rest))
            }),
            "update" => self.publish(UpdateDisplayData::new(plain(rest), id)),
            "clear" => self.publish(ClearOutput { wait: false }),
            "value" => self.publish(ExecuteResult::new(self.count.into(), plain(text))),
            "variable" => {
                let value = std::env::var(text).unwrap_or_default();
                self.publish(StreamContent::stdout(&value));
            }
            "stdin" => {
                let allowed = format!("{}\n", self.request.allow_stdin);
                self.publish(StreamContent::stdout(&allowed));
            }
            "another" => self
                .responder
                .publisher
                .publish(&another_origin(), StreamContent::stdout(text)),
            "fail" => return Err(self.failure(id, rest)),
            "hang" => {
                while !self.is_interrupted.swap(false, Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(5));
                }
                return Err(self.failure("Interrupted", "stopped"));
            }
            // Goes on for ever, whatever it is asked.
            "ignore_interrupts" => loop {
                thread::park();
            },
            "exit" => std::process::exit(text.parse().expect("an exit code")),
            "kill" => {
                let pid = std::process::id().to_string();
                let _ = Command::new("kill").args(["-9", &pid]).status();
            }
            "#" | "" => {}
            other => return Err(self.failure("UnknownCommand", other)),
        }
        Ok(())
    }

    fn failure(&self, name: &str, value: &str) -> ReplyError {
        let traceback = vec![format!("{name}: {value}")];
        self.publish(ErrorOutput {
            ename: name.to_owned(),
            evalue: value.to_owned(),
            traceback: traceback.clone(),
        });
        ReplyError {
            ename: name.to_owned(),
            evalue: value.to_owned(),
            traceback,
        }
    }

    fn publish(&self, content: impl Into<JupyterMessageContent>) {
        self.responder.publisher.publish(&self.origin, content);
    }
}

fn plain(text: &str) -> Media {
    Media::new(vec![MediaType::Plain(text.to_owned())])
}
