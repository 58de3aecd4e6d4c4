//! Transports, addresses, signatures, welcomes, and several clients.

use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use corebook_tests::client::{Channel, Client};
use corebook_tests::connection::{Connection, Port};
use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use serde_json::json;

#[test]
fn ipc_works_like_tcp() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let notebook = Notebook::start_on(Connection::ipc(folder.path()));
    assert!(notebook.client.is_beating());
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

// Other files in that folder are not touched.
#[test]
fn ipc_sockets_are_for_the_owner_only() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A link in the place of a socket is replaced. The file to which it leads stays.
    let other = folder.path().join("other");
    std::fs::write(&other, "mine").expect("the folder is ours");
    std::os::unix::fs::symlink(&other, folder.path().join("kernel-1")).expect("the folder is ours");
    let notebook = Notebook::start_on(Connection::ipc(folder.path()));
    for number in 1..=5 {
        let socket = folder.path().join(format!("kernel-{number}"));
        let metadata = std::fs::symlink_metadata(&socket).expect("a bound socket");
        assert!(metadata.file_type().is_socket(), "{}", socket.display());
        assert_eq!(
            metadata.permissions().mode() & 0o077,
            0,
            "{}",
            socket.display()
        );
    }
    assert_eq!(
        std::fs::read_to_string(&other).expect("it is still there"),
        "mine"
    );
    // Files made by cells have the usual permissions.
    let own = folder.path().join("own");
    std::fs::write(&own, "").expect("the folder is ours");
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
    };
    let made = folder.path().join("made");
    notebook.run_quietly(&format!("std::fs::write({made:?}, \"\").unwrap();"));
    assert_eq!(mode(&made), mode(&own));
}

#[test]
fn only_the_address_in_the_connection_file_is_listened_on() {
    let notebook = Notebook::start_on(Connection {
        ip: "127.0.0.2".to_owned(),
        ..Connection::tcp()
    });
    let expected: BTreeSet<String> = Port::ALL
        .iter()
        // As in the system's table: the bytes of the address backwards, in hexadecimal.
        .map(|port| format!("0200007F:{:04X}", notebook.connection.number(*port)))
        .collect();
    assert_eq!(listening(notebook.process.pid().as_raw()), expected);
    notebook.warm_up();
    assert_eq!(listening(notebook.process.pid().as_raw()), expected);
}

/// The addresses and ports on which a process listens.
fn listening(pid: i32) -> BTreeSet<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets: BTreeSet<String> = links
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let mut found = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            // The fourth word is the state, 0A for listening; the tenth the socket's number.
            if words[3] == "0A" && sockets.contains(words[9]) {
                found.insert(words[1].to_owned());
            }
        }
    }
    found
}

#[test]
fn encryption_that_is_asked_for_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut content = Connection::tcp().to_json();
    content["curve_publickey"] = json!("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    content["curve_secretkey"] = json!("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    let file = folder.path().join("connection.json");
    std::fs::write(&file, content.to_string()).expect("the folder is ours");
    let mut command = corebook_tests::binary::command();
    let output = command
        .arg("kernel")
        .arg(&file)
        .output()
        .expect("the kernel starts");
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("CURVE") && log.contains("ipc"), "{log}");
}

#[test]
fn without_a_key_messages_are_not_signed() {
    let notebook = Notebook::start_on(Connection {
        key: String::new(),
        ..Connection::tcp()
    });
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

#[test]
fn every_sha_2_scheme_is_spoken() {
    for scheme in ["hmac-sha224", "hmac-sha384", "hmac-sha512"] {
        let notebook = Notebook::start_on(Connection {
            scheme: scheme.to_owned(),
            ..Connection::tcp()
        });
        notebook.client.finish();
    }
}

#[test]
fn every_subscription_is_welcomed_with_its_topic() {
    let notebook = Notebook::start();
    let context = zmq::Context::new();
    let socket = context.socket(zmq::SUB).expect("zmq makes sockets");
    socket
        .set_rcvtimeo(30_000)
        .expect("an option of every socket");
    socket
        .connect(&notebook.connection.url(Port::Iopub))
        .expect("the kernel listens");
    for topic in ["kernel.stream", "kernel.status"] {
        socket
            .set_subscribe(topic.as_bytes())
            .expect("an option of a subscriber");
        let frames = socket.recv_multipart(0).expect("a welcome");
        let welcome = corebook_tests::message::Message::decode(notebook.client.signer(), frames);
        assert_eq!(
            (welcome.message_type(), &welcome.content),
            ("iopub_welcome", &json!({ "subscription": topic }))
        );
        assert_eq!(welcome.identities, [topic.as_bytes()]);
        notebook
            .client
            .ask(Channel::Control, "kernel_info_request", json!({}));
        notebook.client.take_welcome(topic);
    }
}

#[test]
fn two_clients_see_all_output_and_only_their_own_replies() {
    let notebook = Notebook::start();
    let other = Client::connect(&notebook.connection, || true).expect("the kernel runs");
    let question = other.send(Channel::Control, "kernel_info_request", json!({}));
    other.answer(Channel::Control, &question);
    notebook.client.expect_status_around(&question);
    notebook.client.take_welcome("");
    let execute = Execute::new("println!(\"for all\"); 1");
    let request = notebook.send(&execute);
    notebook
        .collect(&request, &execute)
        .shows(&["stdout: for all\n", "result: 1"]);
    for expected in [
        "status",
        "execute_input",
        "stream",
        "execute_result",
        "status",
    ] {
        assert_eq!(
            other.next(Channel::Iopub, &request).message_type(),
            expected
        );
    }
    let question = other.send(
        Channel::Shell,
        "is_complete_request",
        json!({ "code": "1" }),
    );
    assert_eq!(
        other.answer(Channel::Shell, &question).content["status"],
        "complete"
    );
    notebook.client.expect_status_around(&question);
    // No reply went to the wrong client: of each other's requests, both see only the status.
    let last = other.send(Channel::Control, "kernel_info_request", json!({}));
    other.answer(Channel::Control, &last);
    notebook.client.expect_status_around(&last);
    other.expect_nothing_unread();
}
