//! What a kernel outlives: noise on its ports, and the death of its worker.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use corebook_tests::client::Channel;
use corebook_tests::connection::{Connection, Port};
use corebook_tests::message::{DELIMITER, header, seal};
use corebook_tests::notebook::Notebook;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

const ROUNDS: usize = 1000;

/// Random bytes, the same in each run (splitmix64).
struct Noise(u64);

impl Noise {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(300);
        (0..length)
            .map(|_| self.number().to_le_bytes()[0])
            .collect()
    }
}

/// The kernel must still answer on every socket and run cells.
fn expect_well(notebook: &Notebook) {
    assert!(notebook.client.is_beating());
    notebook.client.finish();
    assert_eq!(notebook.run("1 + 2").result(), "3");
}

#[test]
fn a_thousand_random_byte_strings_on_each_port_change_nothing() {
    let notebook = Notebook::start();
    let mut noise = Noise(1);
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
            // zmq hangs up as soon as it sees that this is not its protocol, maybe before all is written.
            let _ = stream.write_all(&noise.bytes());
            let _ = stream.shutdown(Shutdown::Write);
            // Until the kernel has seen it all, so that its answers are not in the way of what follows.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    // To zmq some noise is a very old client that wants to hear everything.
    notebook.client.take_welcomes();
    expect_well(&notebook);
}

#[test]
fn a_thousand_random_messages_on_each_socket_change_nothing() {
    let notebook = Notebook::start();
    let connection: &Connection = &notebook.connection;
    let context = zmq::Context::new();
    let mut noise = Noise(2);
    for port in Port::ALL {
        // A subscriber can send to the kernel's iopub what should be subscriptions.
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
            let frames: Vec<Vec<u8>> = (0..noise.below(9) + 1).map(|_| noise.bytes()).collect();
            match port {
                // One frame, and no subscription: that would bring a welcome to a socket that reads nothing.
                Port::Iopub => socket.send([&[7], frames[0].as_slice()].concat(), 0),
                _ => socket.send_multipart(frames, 0),
            }
            .expect("zmq sends");
        }
    }
    expect_well(&notebook);
}

#[test]
fn messages_that_break_one_rule_are_dropped() {
    let notebook = Notebook::start();
    let (client, signer) = (&notebook.client, notebook.client.signer());
    let fine = header(client.session(), "execute_request");
    let code = json!({ "code": "println!(\"must not run\")" })
        .to_string()
        .into_bytes();
    let body = |header: &[u8]| {
        [
            header.to_vec(),
            b"{}".to_vec(),
            b"{}".to_vec(),
            code.clone(),
        ]
    };
    let fine_bytes = fine.to_string().into_bytes();
    let with = |field: &str, value: serde_json::Value| {
        let mut header = fine.clone();
        header[field] = value;
        header.to_string().into_bytes()
    };

    let mut wrong_signature = seal(signer, body(&fine_bytes));
    wrong_signature[1] = "0".repeat(64).into_bytes();
    let mut no_signature = seal(signer, body(&fine_bytes));
    no_signature[1].clear();
    let mut changed = seal(signer, body(&fine_bytes));
    changed[5] = json!({ "code": "println!(\"changed\")" })
        .to_string()
        .into_bytes();
    let mut too_few = seal(signer, body(&fine_bytes));
    too_few.pop();
    let no_delimiter = seal(signer, body(&fine_bytes)).split_off(1);
    let broken_content = seal(
        signer,
        [
            fine_bytes.clone(),
            b"{}".to_vec(),
            b"{}".to_vec(),
            b"{\"code\":".to_vec(),
        ],
    );
    let wrong_content = seal(
        signer,
        [
            fine_bytes.clone(),
            b"{}".to_vec(),
            b"{}".to_vec(),
            b"{\"code\": 3}".to_vec(),
        ],
    );
    let list = seal(
        signer,
        [
            fine_bytes.clone(),
            b"{}".to_vec(),
            b"{}".to_vec(),
            b"[]".to_vec(),
        ],
    );
    let mut reordered = seal(signer, body(&fine_bytes));
    reordered.swap(3, 5);
    let deep = format!("{{\"code\":{}", "[".repeat(100_000));
    let too_deep = seal(
        signer,
        [
            fine_bytes.clone(),
            b"{}".to_vec(),
            deep.replace("code", "deep").into_bytes(),
            deep.into_bytes(),
        ],
    );
    let bad = [
        reordered,
        too_deep,
        wrong_signature,
        no_signature,
        changed,
        too_few,
        no_delimiter,
        broken_content,
        wrong_content,
        list,
        seal(signer, body(b"[1]")),
        seal(signer, body(b"\xff\xfe")),
        seal(signer, body(&with("date", json!("yesterday")))),
        seal(signer, body(&with("date", json!(3)))),
        seal(signer, body(&with("msg_type", json!(null)))),
        seal(signer, body(&with("msg_id", json!([])))),
        vec![DELIMITER.to_vec()],
        vec![Vec::new()],
    ];
    for channel in [Channel::Shell, Channel::Control, Channel::Stdin] {
        for frames in &bad {
            client.send_frames(channel, frames.clone());
        }
    }
    expect_well(&notebook);
    // Each was dropped with a line in the log, on each of three sockets.
    let log = notebook.process.stderr();
    assert_eq!(log.matches("dropped").count(), 3 * bad.len(), "{log}");
}

#[test]
fn a_frame_too_large_for_any_notebook_ends_its_connection_and_nothing_else() {
    const TOO_MUCH_BYTES: usize = 256 * 1024 * 1024 + 1;
    let notebook = Notebook::start();
    let context = zmq::Context::new();
    let socket = context.socket(zmq::DEALER).expect("zmq makes sockets");
    socket.set_linger(0).expect("an option of every socket");
    let events = "inproc://events";
    socket
        .monitor(events, zmq::SocketEvent::DISCONNECTED as i32)
        .expect("zmq tells what becomes of a connection");
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
    let content = json!({ "code": format!("//{}", "x".repeat(TOO_MUCH_BYTES)) });
    let body = [header.as_str(), "{}", "{}", &content.to_string()];
    let frames = seal(signer, body.map(|part| part.as_bytes().to_vec()));
    socket.send_multipart(frames, 0).expect("a dealer sends");
    monitor.recv_multipart(0).expect("the kernel hangs up");
    expect_well(&notebook);
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

#[test]
fn a_worker_killed_between_cells_is_replaced() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    let pid = notebook.run("std::process::id() as i32").result();
    kill(
        Pid::from_raw(pid.parse().expect("a process id")),
        Signal::SIGKILL,
    )
    .expect("the worker runs");
    // Whether the cell in which the death is noticed runs or reports it, the next one works.
    let ran = notebook.run("double(4)");
    if ran.reply.text("status") == "ok" {
        assert_eq!(ran.result(), "8");
    } else {
        let log = ran.log();
        assert!(
            log.len() == 1
                && log[0].starts_with(
                    "WorkerDied: worker died: killed: out of memory? between two cells; "
                ),
            "{log:?}"
        );
    }
    assert_eq!(notebook.run("double(5)").result(), "10");
    notebook.process.expect_no_zombies();
}
