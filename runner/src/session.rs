//! One kernel, with its messages, log, signals and end as one stream of events. Prints nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use corebook_jupyter::client::{Channel, Client};
use corebook_jupyter::wire::Incoming;
use jupyter_protocol::{
    ExecuteRequest, InterruptRequest, JupyterMessageContent, KernelInfoRequest, LanguageInfo,
    ShutdownRequest,
};

use super::KernelProgram;
use super::child::Child;
use super::endpoint::Endpoint;
use super::signals::{Signals, UserSignal};

/// How long a kernel may take to answer for the first time. It answers before it is warm.
const READY_WAIT: Duration = Duration::from_secs(60);

/// How long the last messages of a dead kernel may take to arrive.
const LAST_MESSAGES_WAIT: Duration = Duration::from_millis(100);

/// A kernel that answers. Dropping it ends the kernel's process.
pub struct Session<'a> {
    // Dropped in this order: the process, the sockets, the folder that they are in.
    child: Child,
    client: Client,
    _endpoint: Endpoint,
    signals: &'a mut Signals,
    events: VecDeque<Event>,
    is_dead: bool,
}

/// Something that the run has to react to.
#[derive(Debug)]
pub enum Event {
    Message(Channel, Box<Incoming>),
    /// A line of the kernel's log.
    Log(String),
    UserSignal(UserSignal),
    /// The process of the kernel ended; how, in words. No event follows.
    Died(String),
    /// The deadline passed before any event.
    TimeIsUp,
}

impl<'a> Session<'a> {
    /// Starts a kernel and connects to it.
    pub fn start(program: &KernelProgram, signals: &'a mut Signals) -> anyhow::Result<Self> {
        let endpoint = Endpoint::create()?;
        let client = Client::connect(&endpoint.info)?;
        let child = Child::start(program, &endpoint.connection_file())?;
        Ok(Self {
            child,
            client,
            _endpoint: endpoint,
            signals,
            events: VecDeque::new(),
            is_dead: false,
        })
    }

    /// Waits until the kernel answers and this client is subscribed, so that it misses no message.
    ///
    /// * `log`: called with each line of the kernel's log.
    ///
    /// # Errors
    ///
    /// When the kernel dies, when it does not answer within [`READY_WAIT`], or when a signal asks the run to end.
    pub fn become_ready(&mut self, log: &mut dyn FnMut(&str)) -> anyhow::Result<LanguageInfo> {
        let deadline = Instant::now() + READY_WAIT;
        let request = self.client.ask(KernelInfoRequest {})?;
        let mut is_subscribed = false;
        let mut language_info = None;
        loop {
            match self.next(Some(deadline))? {
                Event::Message(_, message) => match message.content {
                    JupyterMessageContent::IoPubWelcome(_) => is_subscribed = true,
                    JupyterMessageContent::KernelInfoReply(reply)
                        if message.parent_id == request =>
                    {
                        language_info = Some(reply.language_info);
                    }
                    _ => {}
                },
                Event::Log(line) => log(&line),
                Event::UserSignal(_) => anyhow::bail!("stopped before the kernel was ready"),
                Event::Died(how) => anyhow::bail!("the kernel {how} before it was ready"),
                Event::TimeIsUp => {
                    anyhow::bail!(
                        "the kernel did not answer within {} s",
                        READY_WAIT.as_secs()
                    )
                }
            }
            if is_subscribed && let Some(language_info) = language_info.take() {
                return Ok(language_info);
            }
        }
    }

    /// Sends a cell. Returns the id that its messages name as their parent.
    pub fn execute(&self, source: &str) -> anyhow::Result<String> {
        let request = ExecuteRequest {
            allow_stdin: false,
            ..ExecuteRequest::new(source.to_owned())
        };
        self.client.ask(request)
    }

    /// Asks the kernel to stop the running cell.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        self.client.ask_control(InterruptRequest {}).map(drop)
    }

    /// Ends the kernel in good order.
    pub fn end(mut self) {
        if !self.is_dead
            && self
                .client
                .ask_control(ShutdownRequest { restart: false })
                .is_ok()
        {
            self.child.wait();
        }
    }

    /// The next event, or [`Event::TimeIsUp`] at `deadline`.
    pub fn next(&mut self, deadline: Option<Instant>) -> anyhow::Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Event::TimeIsUp);
            }
            self.gather(deadline)?;
        }
    }

    fn gather(&mut self, deadline: Option<Instant>) -> anyhow::Result<()> {
        let stderr = self.child.stderr_fd();
        let watched: Vec<_> = [Some(self.signals.fd()), stderr]
            .into_iter()
            .flatten()
            .collect();
        let ready = self.client.wait(&watched, deadline)?;
        // In this order: a SIGCHLD may have ended the wait, and `ending` sees its reason.
        self.events
            .extend(self.signals.take().into_iter().map(Event::UserSignal));
        let ending = self
            .child
            .ending()
            .context("can't find out whether the kernel runs")?;
        self.take_messages();
        if stderr.is_some_and(|stderr| ready.contains(&stderr)) {
            self.events
                .extend(self.child.read_stderr().into_iter().map(Event::Log));
        }
        if let Some(how) = ending
            && !self.is_dead
        {
            self.is_dead = true;
            self.take_last_messages()?;
            self.events.push_back(Event::Died(how));
        }
        Ok(())
    }

    /// Takes what a dead kernel has sent before, which may still be in its pipe and sockets.
    fn take_last_messages(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + LAST_MESSAGES_WAIT;
        while Instant::now() < deadline {
            let stderr = self.child.stderr_fd();
            let watched: Vec<_> = stderr.into_iter().collect();
            if !self.client.wait(&watched, Some(deadline))?.is_empty() {
                self.events
                    .extend(self.child.read_stderr().into_iter().map(Event::Log));
            }
            self.take_messages();
        }
        Ok(())
    }

    fn take_messages(&mut self) {
        let messages = self.client.take().into_iter();
        let events = messages.map(|(channel, message)| Event::Message(channel, Box::new(message)));
        self.events.extend(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_dead_kernel_are_read() {
        let endpoint = Endpoint::create().unwrap();
        let mut child = Child::shell("echo last >&2; echo words >&2");
        assert!(child.wait());
        let mut session = Session {
            child,
            client: Client::connect(&endpoint.info).unwrap(),
            _endpoint: endpoint,
            signals: &mut Signals::catch().unwrap(),
            events: VecDeque::new(),
            is_dead: true,
        };
        session.take_last_messages().unwrap();
        let lines = session.events.iter().map(|event| match event {
            Event::Log(line) => line.as_str(),
            other => panic!("{other:?}"),
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines, ["last", "words"]);
    }
}
