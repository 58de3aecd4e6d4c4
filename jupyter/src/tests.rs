//! Both ends of the sockets in one process: the threads of a kernel, and clients over ipc and tcp.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::Transport;
use jupyter_protocol::{
    ConnectionInfo, ExecuteRequest, InterruptReply, InterruptRequest, JupyterMessageContent,
    Status, StreamContent,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Channel, Client};
use crate::connection_file::{Connection, info};
use crate::iopub::Publisher;
use crate::reply::{self, Responder};
use crate::socket_queue::{self, SocketCommand, SocketReceiver, SocketSender};
use crate::sockets::{Bound, Context, Sockets};
use crate::wire::{Codec, Incoming, Origin, Seen, Signer};

/// How long anything here may take before the test fails.
const WAIT: Duration = Duration::from_secs(10);

const KEY: &str = "secret";

/// `Sockets::bind` changes the umask of the process for a moment, and other tests run at the same time.
static UMASK: Mutex<()> = Mutex::new(());

fn umask_lock() -> MutexGuard<'static, ()> {
    UMASK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signer() -> Signer {
    Signer::new("hmac-sha256", KEY).unwrap()
}

fn ipc(folder: &Path) -> ConnectionInfo {
    let prefix = folder.join("socket").display().to_string();
    info(Transport::IPC, prefix, [1, 2, 3, 4, 5], KEY.to_owned())
}

fn tcp() -> ConnectionInfo {
    let listeners = [(); 5].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.map(|listener| listener.local_addr().unwrap().port());
    info(
        Transport::TCP,
        "127.0.0.1".to_owned(),
        ports,
        KEY.to_owned(),
    )
}

fn bind(info: &ConnectionInfo) -> anyhow::Result<Sockets> {
    let _lock = umask_lock();
    Sockets::bind(Connection {
        info: info.clone(),
        signer: signer(),
    })
}

/// The kernel's side: five threads. Shell and control answer interrupt requests and refuse all others.
struct Kernel {
    info: ConnectionInfo,
    publisher: Publisher,
    senders: Vec<SocketSender>,
    context: Context,
    /// The name of each thread that has ended.
    ended: Receiver<&'static str>,
    _folder: TempDir,
}

impl Kernel {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_on(ipc(folder.path()), folder)
    }

    fn start_on(info: ConnectionInfo, folder: TempDir) -> Self {
        let sockets = bind(&info).unwrap();
        let senders = sockets.senders();
        let publisher = Publisher::new(sockets.iopub.sender.clone());
        let (end, ended) = mpsc::channel();
        let run = |name: &'static str, serve: Box<dyn FnOnce() + Send>| {
            let end = end.clone();
            thread::spawn(move || {
                serve();
                let _ = end.send(name);
            });
        };
        let responder = |replies: &SocketSender| Responder {
            publisher: publisher.clone(),
            replies: replies.clone(),
        };
        let Bound { owner, sender } = sockets.shell;
        let shell = responder(&sender);
        run(
            "shell",
            Box::new(move || owner.serve(|message| answer(&shell, "shell", &message))),
        );
        let Bound { owner, sender } = sockets.control;
        let control = responder(&sender);
        run(
            "control",
            Box::new(move || owner.serve(|message| answer(&control, "control", &message))),
        );
        let stdin = sockets.stdin.owner;
        run("stdin", Box::new(move || stdin.serve(|_| {})));
        let iopub = sockets.iopub.owner;
        run("iopub", Box::new(move || iopub.serve()));
        let heartbeat = sockets.heartbeat.owner;
        run("heartbeat", Box::new(move || heartbeat.serve()));
        Self {
            info,
            publisher,
            senders,
            context: sockets.context,
            ended,
            _folder: folder,
        }
    }

    fn expect_all_threads_to_end(&self) {
        let mut names: Vec<_> = (0..5)
            .map(|_| self.ended.recv_timeout(WAIT).expect("a thread still runs"))
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["control", "heartbeat", "iopub", "shell", "stdin"]);
    }
}

fn answer(responder: &Responder, channel: &str, message: &Incoming) {
    match message.content {
        JupyterMessageContent::InterruptRequest(_) => {
            responder.answer(&message.origin, InterruptReply::default());
        }
        _ => responder.refuse(&message.origin, &message.message_type, channel),
    }
}

/// The next messages for `client`, at least `count`.
fn receive(client: &mut Client, count: usize) -> Vec<(Channel, Incoming)> {
    let deadline = Instant::now() + WAIT;
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(Instant::now() < deadline, "only {messages:?} came");
        client.wait(&[], Some(deadline)).unwrap();
        messages.extend(client.take());
    }
    messages
}

/// A client that misses nothing from now on.
fn connect(info: &ConnectionInfo) -> Client {
    let mut client = Client::connect(info).unwrap();
    let messages = receive(&mut client, 1);
    let (channel, welcome) = &messages[0];
    assert_eq!(*channel, Channel::Iopub);
    assert!(
        matches!(&welcome.content, JupyterMessageContent::IoPubWelcome(it) if it.subscription.is_empty()),
        "{welcome:?}"
    );
    assert_eq!(messages.len(), 1);
    client
}

/// Channel, type and parent of each message, iopub's first.
fn summary(messages: &[(Channel, Incoming)]) -> Vec<(Channel, &str, &str)> {
    let mut summary: Vec<_> = messages
        .iter()
        .map(|(channel, it)| (*channel, it.message_type.as_str(), it.parent_id.as_str()))
        .collect();
    summary.sort_by_key(|(channel, ..)| *channel != Channel::Iopub);
    summary
}

fn states(messages: &[(Channel, Incoming)]) -> Vec<String> {
    let states = messages.iter().filter_map(|(_, it)| match &it.content {
        JupyterMessageContent::Status(status) => Some(&status.execution_state),
        _ => None,
    });
    states.map(|state| format!("{state:?}")).collect()
}

/// A socket of some other client.
fn connected(kind: zmq::SocketType, url: &str) -> zmq::Socket {
    let socket = unconnected(kind);
    socket.connect(url).unwrap();
    socket
}

fn unconnected(kind: zmq::SocketType) -> zmq::Socket {
    let socket = Context::new().socket(kind).unwrap();
    let wait_ms = i32::try_from(WAIT.as_millis()).unwrap();
    socket.set_rcvtimeo(wait_ms).unwrap();
    socket.set_linger(0).unwrap();
    socket
}

#[test]
fn a_request_gets_busy_reply_and_idle_over_each_transport() {
    let folder = tempfile::tempdir().unwrap();
    for info in [ipc(folder.path()), tcp()] {
        let kernel = Kernel::start_on(info, tempfile::tempdir().unwrap());
        let mut client = connect(&kernel.info);
        let id = client.ask(InterruptRequest {}).unwrap();
        let messages = receive(&mut client, 3);
        assert_eq!(
            summary(&messages),
            [
                (Channel::Iopub, "status", id.as_str()),
                (Channel::Iopub, "status", id.as_str()),
                (Channel::Shell, "interrupt_reply", id.as_str()),
            ]
        );
        assert_eq!(states(&messages), ["Busy", "Idle"]);
        let id = client.ask_control(InterruptRequest {}).unwrap();
        let messages = receive(&mut client, 3);
        assert_eq!(
            summary(&messages)[2],
            (Channel::Control, "interrupt_reply", id.as_str())
        );
    }
}

#[test]
fn a_reply_goes_to_the_client_that_asked_and_status_to_all() {
    let kernel = Kernel::start();
    let mut asking = connect(&kernel.info);
    let mut watching = connect(&kernel.info);
    receive(&mut asking, 1); // The welcome of the second subscription reaches all.
    let id = asking.ask(InterruptRequest {}).unwrap();
    assert_eq!(receive(&mut asking, 3).len(), 3);
    let seen = receive(&mut watching, 2);
    assert_eq!(
        summary(&seen),
        [
            (Channel::Iopub, "status", id.as_str()),
            (Channel::Iopub, "status", id.as_str())
        ]
    );
}

#[test]
fn a_subscriber_gets_its_welcome_and_its_topic_only() {
    let kernel = Kernel::start();
    let subscriber = unconnected(zmq::SUB);
    subscriber.set_subscribe(b"kernel.stream").unwrap();
    subscriber.connect(&kernel.info.iopub_url()).unwrap();
    let welcome = subscriber.recv_multipart(0).unwrap();
    assert_eq!(welcome[0], b"kernel.stream");
    let content: Value = serde_json::from_slice(welcome.last().unwrap()).unwrap();
    assert_eq!(content, json!({ "subscription": "kernel.stream" }));
    let origin = Origin {
        header: br#"{"msg_id":"parent"}"#.to_vec(),
        ..Origin::default()
    };
    kernel.publisher.publish(&origin, Status::busy());
    kernel
        .publisher
        .publish(&origin, StreamContent::stdout("1"));
    let frames = subscriber.recv_multipart(0).unwrap();
    assert_eq!(frames[0], b"kernel.stream");
    let codec = Codec::new(signer(), String::new());
    let message = codec.decode(frames, &mut Seen::default()).unwrap();
    assert_eq!(message.message_type, "stream");
    assert_eq!(message.parent_id, "parent");
}

#[test]
fn the_heartbeat_echoes_every_client() {
    let kernel = Kernel::start();
    // It sends twice and reads nothing.
    let impatient = connected(zmq::DEALER, &kernel.info.hb_url());
    impatient.send("1", 0).unwrap();
    impatient.send("2", 0).unwrap();
    let requester = connected(zmq::REQ, &kernel.info.hb_url());
    for text in ["ping", "", "ping"] {
        requester.send(text, 0).unwrap();
        assert_eq!(requester.recv_bytes(0).unwrap(), text.as_bytes());
    }
    assert_eq!(impatient.recv_bytes(0).unwrap(), b"1");
    assert_eq!(impatient.recv_bytes(0).unwrap(), b"2");
}

#[test]
fn bad_messages_are_dropped_and_the_next_is_answered() {
    let kernel = Kernel::start();
    let codec = Codec::new(signer(), "client".to_owned());
    let (id, frames) = codec.encode_request(InterruptRequest {}.into());
    let (_, mut forged) = codec.encode_request(InterruptRequest {}.into());
    forged[1][0] ^= 1;
    let client = connected(zmq::DEALER, &kernel.info.shell_url());
    client.send("garbage", 0).unwrap();
    client.send_multipart(forged, 0).unwrap();
    client.send_multipart(&frames, 0).unwrap();
    client.send_multipart(&frames, 0).unwrap();
    let (last, frames) = codec.encode_request(InterruptRequest {}.into());
    client.send_multipart(frames, 0).unwrap();
    // The message that came twice is answered once.
    for id in [id, last] {
        let reply = client.recv_multipart(0).unwrap();
        let reply = codec.decode(reply, &mut Seen::default()).unwrap();
        assert_eq!(reply.parent_id, id);
    }
}

#[test]
fn a_cell_of_several_megabytes_arrives() {
    let kernel = Kernel::start();
    let mut client = connect(&kernel.info);
    let code = "x".repeat(3 * 1024 * 1024);
    let id = client.ask(ExecuteRequest::new(code)).unwrap();
    let messages = receive(&mut client, 3);
    assert_eq!(
        summary(&messages)[2],
        (Channel::Shell, "execute_reply", id.as_str())
    );
}

#[test]
fn a_refusal_says_what_is_not_supported_and_where() {
    let (responder, take) = responder();
    let origin = Origin {
        identities: vec![b"client".to_vec()],
        ..Origin::default()
    };
    responder.refuse(&origin, "custom_request", "shell");
    let (published, replies) = take();
    assert_eq!(published, ["status", "status"]);
    let [reply] = replies.as_slice() else {
        panic!("{replies:?}")
    };
    assert_eq!(reply.message_type, "custom_reply");
    assert_eq!(reply.origin.identities, [b"client"]);
    let JupyterMessageContent::UnknownMessage(unknown) = &reply.content else {
        panic!("{reply:?}")
    };
    assert_eq!(
        unknown.content,
        reply::error(
            "Unsupported",
            "corebook does not support custom_request on shell"
        )
    );
    assert_eq!(unknown.content["status"], "error");
    assert_eq!(unknown.content["ename"], "Unsupported");
    assert_eq!(unknown.content["traceback"], json!([]));
}

#[test]
fn a_message_that_is_no_request_gets_no_reply() {
    let (responder, take) = responder();
    responder.refuse(&Origin::default(), "comm_msg", "shell");
    assert_eq!(take().0, [""; 0]);
    responder.answer_error(&Origin::default(), "comm_msg", reply::error("E", "v"));
    let (published, replies) = take();
    assert_eq!(published, ["status", "status"]);
    assert!(replies.is_empty(), "{replies:?}");
}

/// A responder, and a function that takes the types of what it has published and its replies.
fn responder() -> (Responder, impl Fn() -> (Vec<String>, Vec<Incoming>)) {
    let context = Context::new();
    let codec = std::sync::Arc::new(Codec::new(signer(), "kernel".to_owned()));
    let (to_iopub, iopub) = socket_queue::pair(&context, &codec, "iopub").unwrap();
    let (to_shell, shell) = socket_queue::pair(&context, &codec, "shell").unwrap();
    let responder = Responder {
        publisher: Publisher::new(to_iopub),
        replies: to_shell,
    };
    let take = move || {
        let decode = |receiver: &SocketReceiver| {
            let mut messages = Vec::new();
            while let Some(SocketCommand::Send(frames)) = receiver.take() {
                messages.push(codec.decode(frames, &mut Seen::default()).unwrap());
            }
            messages
        };
        let published = decode(&iopub).into_iter().map(|it| it.message_type);
        (published.collect(), decode(&shell))
    };
    (responder, take)
}

#[test]
fn a_client_with_another_key_gets_no_answer() {
    let kernel = Kernel::start();
    let other = ConnectionInfo {
        key: "other".to_owned(),
        ..kernel.info.clone()
    };
    let mut stranger = Client::connect(&other).unwrap();
    stranger.ask(InterruptRequest {}).unwrap();
    // Its welcome comes, and is dropped.
    stranger.wait(&[], Some(Instant::now() + WAIT)).unwrap();
    assert!(stranger.take().is_empty());
    let mut client = connect(&kernel.info);
    client.ask(InterruptRequest {}).unwrap();
    assert_eq!(receive(&mut client, 3).len(), 3);
}

#[test]
fn waiting_ends_with_a_readable_descriptor_or_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::connect(&ipc(folder.path())).unwrap();
    let (quiet, _other_end) = UnixStream::pair().unwrap();
    let (read, mut write) = UnixStream::pair().unwrap();
    let descriptors = [quiet.as_raw_fd(), read.as_raw_fd()];
    let start = Instant::now();
    let deadline = start + Duration::from_millis(100);
    assert_eq!(client.wait(&descriptors, Some(deadline)).unwrap(), [0; 0]);
    assert!(Instant::now() >= deadline);
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        write.write_all(b"1").unwrap();
        write
    });
    // Without a deadline.
    assert_eq!(client.wait(&descriptors, None).unwrap(), [read.as_raw_fd()]);
    drop(writer.join().unwrap());
}

#[test]
fn stop_ends_all_five_threads_after_their_queues_are_sent() {
    let kernel = Kernel::start();
    let mut client = connect(&kernel.info);
    kernel.publisher.publish(&Origin::default(), Status::idle());
    kernel.senders.iter().for_each(|sender| sender.stop());
    kernel.expect_all_threads_to_end();
    assert_eq!(states(&receive(&mut client, 1)), ["Idle"]);
}

#[test]
fn all_five_threads_end_when_the_context_is_terminated() {
    let Kernel {
        info,
        publisher,
        senders,
        mut context,
        ended,
        _folder,
    } = Kernel::start();
    drop((publisher, senders));
    let (end, is_terminated) = mpsc::channel();
    thread::spawn(move || end.send(context.destroy()));
    for _ in 0..5 {
        ended.recv_timeout(WAIT).expect("a thread still runs");
    }
    is_terminated.recv_timeout(WAIT).unwrap().unwrap();
    drop(info);
}

#[test]
fn local_sockets_are_private_and_later_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let write = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();
        mode(&path)
    };
    let info = ipc(folder.path());
    let _lock = umask_lock();
    let before = nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    assert_eq!(write("before"), 0o666);
    let sockets = Sockets::bind(Connection {
        info: info.clone(),
        signer: signer(),
    });
    assert_eq!(write("after"), 0o666);
    nix::sys::stat::umask(before);
    let _sockets = sockets.unwrap();
    for number in 1..=5 {
        let socket = folder.path().join(format!("socket-{number}"));
        assert_eq!(mode(&socket), 0o700, "{}", socket.display());
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let info = tcp();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", info.control_port)).unwrap();
    let error = bind(&info).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "can't bind the control socket to tcp://127.0.0.1:{}",
            info.control_port
        )
    );
}
