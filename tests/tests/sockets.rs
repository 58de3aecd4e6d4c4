//! Transports, signatures, and several clients.

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
    // No reply went to the wrong client: both hear of each other's status only.
    let last = other.send(Channel::Control, "kernel_info_request", json!({}));
    other.answer(Channel::Control, &last);
    notebook.client.expect_status_around(&last);
    other.expect_nothing_unread();
}
