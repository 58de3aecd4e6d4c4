//! A kernel with a client, with which most tests begin. When it is dropped it shuts the kernel down, and checks that no
//! message is unread and that no process or file is left.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Channel, Client};
use crate::connection::Connection;
use crate::execution::{Execute, Ran};
use crate::message::{Message, Request};
use crate::process::{Process, wait_until_gone};
use crate::{FIRST_CELL_PATIENCE, PATIENCE};

/// How often a kernel is started again because another program took one of its ports.
const MOST_STARTS: usize = 3;

/// How often to ask a kernel that is not ready yet.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How a kernel is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start<'a> {
    /// Added to its environment.
    pub variables: &'a [(&'a str, &'a str)],
}

/// A running kernel and its client. When it is dropped, every message must have been asserted.
pub struct Notebook {
    pub client: Client,
    pub process: Process,
    pub connection: Connection,
}

impl Notebook {
    /// Starts a kernel over TCP.
    pub fn start() -> Self {
        Self::start_as(&Start::default())
    }

    /// Starts a kernel over TCP in the environment that `start` describes.
    pub fn start_as(start: &Start<'_>) -> Self {
        for _ in 0..MOST_STARTS {
            if let Ok(notebook) = Self::try_start(Connection::tcp(), start) {
                return notebook;
            }
        }
        panic!("the kernel ended {MOST_STARTS} times before it welcomed its client")
    }

    /// Starts a kernel that is reached by `connection`.
    pub fn start_on(connection: Connection) -> Self {
        Self::try_start(connection, &Start::default())
            .unwrap_or_else(|log| panic!("the kernel ended before it welcomed its client\n{log}"))
    }

    /// Starts the kernel with `command`.
    pub fn spawn(connection: Connection, command: Command) -> Self {
        let process = Process::spawn(&connection, command);
        Self::meet(connection, process)
            .unwrap_or_else(|log| panic!("the kernel ended before it welcomed its client\n{log}"))
    }

    fn try_start(connection: Connection, start: &Start<'_>) -> Result<Self, String> {
        let process = Process::start(&connection, start.variables);
        Self::meet(connection, process)
    }

    fn meet(connection: Connection, mut process: Process) -> Result<Self, String> {
        match Client::connect(&connection, || process.ended().is_none()) {
            Ok(client) => Ok(Self {
                client,
                process,
                connection,
            }),
            Err(_) => Err(process.stderr()),
        }
    }

    /// Runs a cell to its end.
    pub fn run(&self, code: &str) -> Ran {
        self.run_as(&Execute::new(code))
    }

    /// Runs a cell that must succeed and show nothing.
    pub fn run_quietly(&self, code: &str) {
        self.run(code).shows_nothing();
    }

    /// Runs a cell as `execute` says to its end.
    pub fn run_as(&self, execute: &Execute) -> Ran {
        let request = self.send(execute);
        self.collect(&request, execute)
    }

    /// Sends a cell and waits for nothing.
    pub fn send(&self, execute: &Execute) -> Request {
        self.client
            .send(Channel::Shell, "execute_request", execute.to_json())
    }

    /// Collects all messages about a cell that was sent.
    pub fn collect(&self, request: &Request, execute: &Execute) -> Ran {
        self.collect_after(request, execute, Vec::new())
    }

    /// As [`Notebook::collect`], if some of it was read before.
    pub fn collect_after(
        &self,
        request: &Request,
        execute: &Execute,
        published: Vec<Message>,
    ) -> Ran {
        self.collect_within(request, execute, published, FIRST_CELL_PATIENCE)
    }

    /// As [`Notebook::collect_after`]. No message may take longer than `patience`.
    pub fn collect_within(
        &self,
        request: &Request,
        execute: &Execute,
        mut published: Vec<Message>,
        patience: Duration,
    ) -> Ran {
        loop {
            let message = self.client.next_within(Channel::Iopub, request, patience);
            let is_idle = message.content == json!({ "execution_state": "idle" });
            published.push(message);
            if is_idle {
                break;
            }
        }
        let reply = self.client.next(Channel::Shell, request);
        Ran::check(execute, published, reply)
    }

    /// Sends a cell, and waits until it has printed its first text. The cell continues.
    pub fn send_and_await_output(&self, execute: &Execute) -> (Request, Vec<Message>) {
        let request = self.send(execute);
        let mut published = Vec::new();
        loop {
            let message = self
                .client
                .next_within(Channel::Iopub, &request, FIRST_CELL_PATIENCE);
            let is_output = message.message_type() == "stream";
            let is_over = message.content == json!({ "execution_state": "idle" });
            published.push(message);
            assert!(
                !is_over,
                "the cell ended without printing anything: {published:#?}"
            );
            if is_output {
                return (request, published);
            }
        }
    }

    /// Asks for the running cell to be stopped.
    pub fn interrupt(&self) {
        let reply = self
            .client
            .ask(Channel::Control, "interrupt_request", json!({}));
        assert_eq!(reply.content, json!({ "status": "ok" }));
    }

    /// Sends a request on shell, and returns its reply's content.
    pub fn ask(&self, message_type: &str, content: Value) -> Value {
        self.client
            .ask(Channel::Shell, message_type, content)
            .content
    }

    /// Waits until the evaluator is ready, by running an empty cell.
    pub fn warm_up(&self) {
        self.run_as(&Execute {
            store_history: false,
            ..Execute::new("")
        })
        .shows_nothing();
    }

    /// Waits until rust-analyzer answers, which the first question starts.
    ///
    /// # Panics
    ///
    /// If it does not answer after [`FIRST_CELL_PATIENCE`].
    pub fn await_analysis(&self) {
        let deadline = Instant::now() + FIRST_CELL_PATIENCE;
        let question = json!({ "code": "String::from_utf8_l", "cursor_pos": 19 });
        while self.ask("complete_request", question.clone())["matches"] == json!([]) {
            assert!(Instant::now() < deadline, "rust-analyzer does not answer");
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// The folder that belongs to this kernel only. Its cells know a folder inside it.
    pub fn session_folder(&self) -> PathBuf {
        let work = self
            .run("std::env::var(\"EVCXR_TMPDIR\").unwrap()")
            .result();
        let work = Path::new(work.trim_matches('"'));
        let is_lock_beside = |folder: &&Path| folder.with_extension("lock").is_file();
        let session = work
            .ancestors()
            .find(is_lock_beside)
            .expect("it is inside the session's folder");
        session.to_owned()
    }

    /// Makes a package without dependencies in the kernel's folder. Returns the `:dep` for it.
    ///
    /// * `manifest`: what follows name, version and edition in `Cargo.toml`.
    pub fn package(&self, name: &str, version: &str, manifest: &str, source: &str) -> String {
        let folder = self.process.folder().join(name);
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = {version:?}\nedition = \"2024\"\n{manifest}"
        );
        std::fs::create_dir_all(folder.join("src"))
            .and_then(|()| std::fs::write(folder.join("src/lib.rs"), source))
            .and_then(|()| std::fs::write(folder.join("Cargo.toml"), manifest))
            .expect("the folder is ours");
        format!(":dep {name} = {{ path = {folder:?} }}")
    }

    /// Shuts the kernel down, and checks that no process and no file is left.
    pub fn shut_down(&mut self, patience: Duration) {
        let descendants = self.process.descendants();
        let reply = self.client.ask(
            Channel::Control,
            "shutdown_request",
            json!({ "restart": false }),
        );
        assert_eq!(reply.content, json!({ "status": "ok", "restart": false }));
        let status = self.process.wait(patience);
        assert!(status.success(), "the kernel ended with {status}");
        wait_until_gone(&descendants, Duration::from_secs(1));
        assert_eq!(
            self.process.temporary_files(),
            Vec::<PathBuf>::new(),
            "files are left behind"
        );
        assert_eq!(
            self.process.stdout(),
            "",
            "the kernel itself writes nothing to stdout"
        );
    }
}

impl Drop for Notebook {
    fn drop(&mut self) {
        if std::thread::panicking() || self.process.ended().is_some() {
            return;
        }
        self.client.finish();
        self.shut_down(PATIENCE);
        self.client.expect_nothing_unread();
    }
}
