//! A Jupyter client's five sockets. Every message that arrives must be asserted: [`Client::finish`] fails on any that
//! was not.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::connection::{Connection, Port};
use crate::message::{self, Message, Request, Signer};

/// How often the client checks during a wait that the kernel still runs, in milliseconds.
const LOOK_AGAIN_MS: i64 = 50;

/// The socket on which a message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Shell,
    Control,
    Stdin,
    Iopub,
}

impl Channel {
    const ALL: [Channel; 4] = [
        Channel::Iopub,
        Channel::Shell,
        Channel::Control,
        Channel::Stdin,
    ];
}

/// A client that is connected to a kernel.
pub struct Client {
    signer: Signer,
    session: String,
    shell: zmq::Socket,
    control: zmq::Socket,
    stdin: zmq::Socket,
    iopub: zmq::Socket,
    heartbeat: zmq::Socket,
    /// Messages that have arrived and were not asserted yet, in order.
    unread: RefCell<VecDeque<(Channel, Message)>>,
    /// The kernel's session, known after its first message.
    kernel_session: RefCell<Option<Value>>,
}

impl Client {
    /// Connects, subscribes to everything, and waits for the kernel's welcome. After it no message is missed.
    ///
    /// * `is_alive`: whether the kernel still runs, so that waiting makes sense.
    pub fn connect(
        connection: &Connection,
        is_alive: impl FnMut() -> bool,
    ) -> Result<Self, KernelEnded> {
        let context = zmq::Context::new();
        // Shell and stdin of one client have the same identity, so that a question reaches the client that sent the cell.
        let identity = uuid::Uuid::new_v4().to_string();
        let socket = |kind: zmq::SocketType, port: Port| {
            let socket = context.socket(kind).expect("zmq makes sockets");
            socket.set_linger(0).expect("an option of every socket");
            socket.set_rcvhwm(0).expect("an option of every socket");
            socket
                .set_reconnect_ivl(10)
                .expect("an option of every socket");
            if kind == zmq::DEALER {
                socket
                    .set_identity(identity.as_bytes())
                    .expect("an option of a dealer");
            }
            if kind == zmq::SUB {
                socket
                    .set_subscribe(b"")
                    .expect("an option of a subscriber");
            }
            socket
                .connect(&connection.url(port))
                .expect("zmq connects later if the kernel is not there yet");
            socket
        };
        let client = Self {
            signer: Signer::new(&connection.scheme, &connection.key),
            session: uuid::Uuid::new_v4().to_string(),
            shell: socket(zmq::DEALER, Port::Shell),
            control: socket(zmq::DEALER, Port::Control),
            stdin: socket(zmq::DEALER, Port::Stdin),
            iopub: socket(zmq::SUB, Port::Iopub),
            heartbeat: socket(zmq::REQ, Port::Heartbeat),
            unread: RefCell::default(),
            kernel_session: RefCell::default(),
        };
        client.expect_welcome(is_alive)?;
        Ok(client)
    }

    /// The welcome is the first message, whatever the kernel is doing.
    fn expect_welcome(&self, mut is_alive: impl FnMut() -> bool) -> Result<(), KernelEnded> {
        let deadline = Instant::now() + PATIENCE;
        while self.unread.borrow().is_empty() {
            if !is_alive() {
                return Err(KernelEnded);
            }
            assert!(
                Instant::now() < deadline,
                "the kernel does not welcome its client"
            );
            self.receive(Instant::now() + Duration::from_millis(50));
        }
        self.take_welcome("");
        Ok(())
    }

    /// Asserts that the oldest message is a welcome to a subscription of `topic`. It is published under that topic, so
    /// all its subscribers get a welcome for each new one.
    pub fn take_welcome(&self, topic: &str) {
        let (channel, welcome) = self
            .unread
            .borrow_mut()
            .pop_front()
            .expect("a welcome has arrived");
        assert_eq!(
            (channel, welcome.message_type()),
            (Channel::Iopub, "iopub_welcome")
        );
        assert_eq!(welcome.content, json!({ "subscription": topic }));
        assert_eq!(welcome.parent, json!({}));
    }

    /// Takes all welcomes of other clients.
    pub fn take_welcomes(&self) {
        self.ask(Channel::Control, "kernel_info_request", json!({}));
        let mut unread = self.unread.borrow_mut();
        unread.retain(|(_, message)| message.message_type() != "iopub_welcome");
    }

    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    pub fn session(&self) -> &str {
        &self.session
    }

    /// Sends a request.
    pub fn send(&self, channel: Channel, message_type: &str, content: Value) -> Request {
        let (request, frames) =
            message::encode(&self.signer, &self.session, message_type, &content);
        self.send_frames(channel, frames);
        request
    }

    /// Sends these frames, whatever they are.
    pub fn send_frames(&self, channel: Channel, frames: Vec<Vec<u8>>) {
        self.socket(channel)
            .send_multipart(frames, 0)
            .expect("a dealer sends at once");
    }

    /// The oldest message on `channel` caused by `request`. Waits for it.
    ///
    /// # Panics
    ///
    /// If none comes, or one with a wrong parent header.
    pub fn next(&self, channel: Channel, request: &Request) -> Message {
        self.next_within(channel, request, PATIENCE)
    }

    /// As [`Client::next`], waiting at most `patience`.
    pub fn next_within(&self, channel: Channel, request: &Request, patience: Duration) -> Message {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(message) = self.take(channel, &request.id) {
                let (sent, named) = (&request.header, &message.parent_bytes);
                assert_eq!(
                    String::from_utf8_lossy(named),
                    String::from_utf8_lossy(sent),
                    "the parent header is not the request's as it was sent"
                );
                return message;
            }
            assert!(
                Instant::now() < deadline,
                "no message on {channel:?} for {} after {patience:?}; unread: {:#?}",
                request.message_type,
                self.unread()
            );
            self.receive(deadline);
        }
    }

    /// The next messages on iopub for `request` are busy and idle.
    pub fn expect_status_around(&self, request: &Request) {
        self.expect_status(request, "busy");
        self.expect_status(request, "idle");
    }

    /// The next message on iopub for `request` is a status.
    pub fn expect_status(&self, request: &Request, state: &str) {
        let message = self.next(Channel::Iopub, request);
        assert_eq!(
            (message.message_type(), &message.content),
            ("status", &json!({ "execution_state": state }))
        );
    }

    /// Sends a request and returns its reply. Busy and idle come around it, and no other message.
    pub fn ask(&self, channel: Channel, message_type: &str, content: Value) -> Message {
        let request = self.send(channel, message_type, content);
        self.answer(channel, &request)
    }

    /// Waits for the reply to `request`. Busy and idle come around it, and no other message.
    pub fn answer(&self, channel: Channel, request: &Request) -> Message {
        let busy = self.next(Channel::Iopub, request);
        let reply = self.next(channel, request);
        let idle = self.next(Channel::Iopub, request);
        assert_eq!(busy.brief(), r#"status {"execution_state":"busy"}"#);
        assert_eq!(idle.brief(), r#"status {"execution_state":"idle"}"#);
        let stem = request
            .message_type
            .strip_suffix("_request")
            .unwrap_or(&request.message_type);
        assert_eq!(reply.message_type(), format!("{stem}_reply"));
        assert!(
            busy.date() <= reply.date() && reply.date() <= idle.date(),
            "a reply outside busy and idle"
        );
        reply
    }

    /// Messages that were not asserted yet, one line each.
    pub fn unread(&self) -> Vec<String> {
        let unread = self.unread.borrow();
        unread
            .iter()
            .map(|(channel, message)| {
                format!(
                    "{channel:?}: {} for {}",
                    message.brief(),
                    message.parent["msg_type"]
                )
            })
            .collect()
    }

    /// Whether the kernel answers on its heartbeat socket.
    pub fn is_beating(&self) -> bool {
        let ping = b"are you there".to_vec();
        self.heartbeat
            .send(&ping, 0)
            .expect("a request follows a reply");
        let patience = i64::try_from(PATIENCE.as_millis()).expect("it is short");
        let answers = self
            .heartbeat
            .poll(zmq::POLLIN, patience)
            .expect("zmq polls");
        answers > 0 && self.heartbeat.recv_bytes(0).is_ok_and(|echo| echo == ping)
    }

    /// Every message up to now must have been asserted.
    ///
    /// It sends a request on each channel first. When the answers are here, all earlier messages are too.
    ///
    /// # Panics
    ///
    /// If one was not.
    pub fn finish(&self) {
        for channel in [Channel::Shell, Channel::Control] {
            self.ask(channel, "kernel_info_request", json!({}));
        }
        self.expect_nothing_unread();
    }

    /// Every message that has arrived must have been asserted.
    pub fn expect_nothing_unread(&self) {
        let unread = self.unread();
        assert!(
            unread.is_empty(),
            "messages that were not asserted: {unread:#?}"
        );
    }

    /// Takes the oldest unread message of `channel` for the request with this id.
    fn take(&self, channel: Channel, id: &str) -> Option<Message> {
        let mut unread = self.unread.borrow_mut();
        let at = unread
            .iter()
            .position(|(from, message)| *from == channel && message.parent_id() == id)?;
        unread.remove(at).map(|(_, message)| message)
    }

    /// Receives what has arrived. Waits for a message for a short time, at most until `deadline`.
    fn receive(&self, deadline: Instant) {
        let sockets = Channel::ALL.map(|channel| self.socket(channel));
        let mut items = sockets.map(|socket| socket.as_poll_item(zmq::POLLIN));
        let left = deadline
            .saturating_duration_since(Instant::now())
            .as_millis();
        let wait = i64::try_from(left)
            .unwrap_or(LOOK_AGAIN_MS)
            .min(LOOK_AGAIN_MS);
        match zmq::poll(&mut items, wait) {
            Ok(_) | Err(zmq::Error::EINTR) => {}
            Err(error) => panic!("zmq can't wait: {error}"),
        }
        for channel in Channel::ALL {
            while let Ok(frames) = self.socket(channel).recv_multipart(zmq::DONTWAIT) {
                let message = Message::decode(&self.signer, frames);
                self.check(channel, &message);
                if !is_starting(&message) {
                    self.unread.borrow_mut().push_back((channel, message));
                }
            }
        }
    }

    /// Checks what holds for every message.
    fn check(&self, channel: Channel, message: &Message) {
        let mut kernel_session = self.kernel_session.borrow_mut();
        let expected = kernel_session.get_or_insert_with(|| message.header["session"].clone());
        assert_eq!(
            *expected, message.header["session"],
            "the kernel has one session"
        );
        // zmq strips a dealer's identity. On iopub the topic is left.
        let identities = if channel == Channel::Iopub { 1 } else { 0 };
        assert_eq!(
            message.identities.len(),
            identities,
            "identities on {channel:?}: {}",
            message.brief()
        );
    }

    fn socket(&self, channel: Channel) -> &zmq::Socket {
        match channel {
            Channel::Shell => &self.shell,
            Channel::Control => &self.control,
            Channel::Stdin => &self.stdin,
            Channel::Iopub => &self.iopub,
        }
    }
}

/// A client that connects while the kernel starts may be in time for its first status, or not.
fn is_starting(message: &Message) -> bool {
    let is_starting = message.content == json!({ "execution_state": "starting" });
    assert!(
        !is_starting || message.parent == json!({}),
        "starting has no parent: {}",
        message.brief()
    );
    is_starting
}

/// The kernel ended before it welcomed its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelEnded;
