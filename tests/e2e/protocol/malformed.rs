//! What breaks the protocol changes nothing: random bytes, random frames, and messages that break one rule.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use corebook_tests::client::Channel;
use corebook_tests::connection::{Connection, Port};
use corebook_tests::message::{DELIMITER, Signer, header, seal};
use corebook_tests::notebook::Notebook;
use corebook_tests::process::wait_until;
use corebook_tests::random::Random;
use serde_json::{Value, json};

const ROUNDS: usize = 1000;

/// The kernel must still answer on every socket and run cells.
fn expect_healthy(notebook: &Notebook) {
    assert!(notebook.client.is_beating());
    notebook.client.finish();
    assert_eq!(notebook.run("1 + 2").result(), "3");
}

#[test]
fn random_bytes_on_each_port_change_nothing() {
    let notebook = Notebook::start();
    let mut random = Random(1);
    for port in Port::ALL {
        let address = (
            notebook.connection.ip.as_str(),
            notebook.connection.number(port),
        );
        for _ in 0..ROUNDS {
            let mut stream = TcpStream::connect(address).expect("the kernel listens");
            stream
                .set_write_timeout(Some(Duration::from_secs(10)))
                .and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(10))))
                .expect("a duration above zero");
            // zmq closes the connection as soon as it sees that this is not its protocol, maybe before all is written.
            let _ = stream.write_all(&random.bytes());
            let _ = stream.shutdown(Shutdown::Write);
            // Wait until the kernel has seen all of it, so that its answers are not in the way of what follows.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    // To zmq, some random bytes are a very old client that subscribes to everything.
    notebook.client.take_welcomes();
    expect_healthy(&notebook);
}

#[test]
fn random_messages_on_each_socket_change_nothing() {
    let notebook = Notebook::start();
    let connection: &Connection = &notebook.connection;
    let context = zmq::Context::new();
    let mut random = Random(2);
    for port in Port::ALL {
        // An XSUB socket can send anything in place of a subscription to the kernel's iopub.
        let kind = match port {
            Port::Iopub => zmq::XSUB,
            _ => zmq::DEALER,
        };
        let socket = context.socket(kind).expect("zmq makes sockets");
        socket
            .set_linger(10_000)
            .expect("an option of every socket");
        socket
            .connect(&connection.url(port))
            .expect("the kernel listens");
        for _ in 0..ROUNDS {
            let frames: Vec<Vec<u8>> = (0..random.below(9) + 1).map(|_| random.bytes()).collect();
            match port {
                // One frame that is no subscription: a subscription would bring a welcome, and this socket never reads.
                Port::Iopub => socket.send([&[7], frames[0].as_slice()].concat(), 0),
                _ => socket.send_multipart(frames, 0),
            }
            .expect("zmq sends");
        }
    }
    expect_healthy(&notebook);
}

/// A valid execute request, from which each row of the table below differs in one place.
struct Valid<'a> {
    signer: &'a Signer,
    header: Value,
}

impl Valid<'_> {
    /// The four frames before they are signed: header, parent, metadata, content.
    fn body(&self) -> [Vec<u8>; 4] {
        let content = json!({ "code": "println!(\"must not run\")" });
        [
            self.header.to_string().into_bytes(),
            b"{}".to_vec(),
            b"{}".to_vec(),
            content.to_string().into_bytes(),
        ]
    }

    /// All frames, changed after they were signed.
    fn sealed(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
        let mut frames = seal(self.signer, self.body());
        change(&mut frames);
        frames
    }

    fn with_header_bytes(&self, header: &[u8]) -> Vec<Vec<u8>> {
        let [_, parent, metadata, content] = self.body();
        seal(self.signer, [header.to_vec(), parent, metadata, content])
    }

    fn with_header(&self, field: &str, value: Value) -> Vec<Vec<u8>> {
        let mut header = self.header.clone();
        header[field] = value;
        self.with_header_bytes(header.to_string().as_bytes())
    }

    fn with_content(&self, content: &str) -> Vec<Vec<u8>> {
        let [header, parent, metadata, _] = self.body();
        seal(
            self.signer,
            [header, parent, metadata, content.as_bytes().to_vec()],
        )
    }

    /// Metadata and content are nested deeper than a parser may follow.
    fn nested(&self) -> Vec<Vec<u8>> {
        let [header, parent, ..] = self.body();
        let open = "[".repeat(100_000);
        let metadata = format!("{{\"deep\":{open}").into_bytes();
        let content = format!("{{\"code\":{open}").into_bytes();
        seal(self.signer, [header, parent, metadata, content])
    }
}

/// Messages that break one rule each, with the rule.
fn malformed(valid: &Valid<'_>) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let changed = json!({ "code": "println!(\"changed\")" }).to_string();
    vec![
        (
            "the signature is wrong",
            valid.sealed(|frames| frames[1] = "0".repeat(64).into_bytes()),
        ),
        (
            "there is no signature",
            valid.sealed(|frames| frames[1].clear()),
        ),
        (
            "the content was changed after it was signed",
            valid.sealed(|frames| frames[5] = changed.into_bytes()),
        ),
        (
            "frames were swapped",
            valid.sealed(|frames| frames.swap(3, 5)),
        ),
        (
            "a frame is missing",
            valid.sealed(|frames| drop(frames.pop())),
        ),
        (
            "there is no delimiter",
            valid.sealed(|frames| drop(frames.remove(0))),
        ),
        ("there is only a delimiter", vec![DELIMITER.to_vec()]),
        ("there is only an empty frame", vec![Vec::new()]),
        (
            "the content is broken JSON",
            valid.with_content("{\"code\":"),
        ),
        ("the code is a number", valid.with_content("{\"code\": 3}")),
        ("the content is a list", valid.with_content("[]")),
        ("the JSON is nested too deeply", valid.nested()),
        ("the header is a list", valid.with_header_bytes(b"[1]")),
        (
            "the header is not UTF-8",
            valid.with_header_bytes(b"\xff\xfe"),
        ),
        (
            "the date is a word",
            valid.with_header("date", json!("yesterday")),
        ),
        ("the date is a number", valid.with_header("date", json!(3))),
        (
            "there is no message type",
            valid.with_header("msg_type", json!(null)),
        ),
        (
            "the message's id is a list",
            valid.with_header("msg_id", json!([])),
        ),
    ]
}

#[test]
fn messages_that_break_one_rule_are_dropped() {
    const CHANNELS: [Channel; 3] = [Channel::Shell, Channel::Control, Channel::Stdin];
    let notebook = Notebook::start();
    let client = &notebook.client;
    let valid = Valid {
        signer: client.signer(),
        header: header(client.session(), "execute_request"),
    };
    for (rule, frames) in malformed(&valid) {
        let dropped = || notebook.process.stderr().matches("dropped").count();
        let before = dropped();
        for channel in CHANNELS {
            client.send_frames(channel, frames.clone());
        }
        // The kernel logs one line for each.
        wait_until(rule, || dropped() == before + CHANNELS.len());
    }
    expect_healthy(&notebook);
}

#[test]
fn a_frame_that_is_too_large_ends_only_its_connection() {
    /// More than the limit for a frame, which is above the size of any notebook.
    const TOO_LARGE_BYTES: usize = 256 * 1024 * 1024 + 1;
    let notebook = Notebook::start();
    let context = zmq::Context::new();
    let socket = context.socket(zmq::DEALER).expect("zmq makes sockets");
    socket.set_linger(0).expect("an option of every socket");
    let events = "inproc://events";
    socket
        .monitor(events, zmq::SocketEvent::DISCONNECTED as i32)
        .expect("zmq reports what happens to a connection");
    let monitor = context.socket(zmq::PAIR).expect("zmq makes sockets");
    monitor.connect(events).expect("the socket is monitored");
    monitor
        .set_rcvtimeo(30_000)
        .expect("an option of every socket");
    socket
        .connect(&notebook.connection.url(Port::Shell))
        .expect("the kernel listens");
    let signer = notebook.client.signer();
    let header = header(notebook.client.session(), "execute_request").to_string();
    let content = json!({ "code": format!("//{}", "x".repeat(TOO_LARGE_BYTES)) });
    let body = [header.as_str(), "{}", "{}", &content.to_string()];
    let frames = seal(signer, body.map(|part| part.as_bytes().to_vec()));
    socket.send_multipart(frames, 0).expect("a dealer sends");
    monitor
        .recv_multipart(0)
        .expect("the kernel closes the connection");
    expect_healthy(&notebook);
}

#[test]
fn a_message_sent_twice_runs_once() {
    let notebook = Notebook::start();
    let content = json!({ "code": "runs += 1;", "store_history": true });
    notebook.run_quietly("let mut runs = 0;");
    let (request, frames) = corebook_tests::message::encode(
        notebook.client.signer(),
        notebook.client.session(),
        "execute_request",
        &content,
    );
    notebook.client.send_frames(Channel::Shell, frames.clone());
    notebook.client.send_frames(Channel::Shell, frames);
    let execute = corebook_tests::execution::Execute::new("runs += 1;");
    notebook.collect(&request, &execute).shows_nothing();
    assert_eq!(notebook.run("runs").result(), "1");
    assert!(notebook.process.stderr().contains("seen before"));
}
