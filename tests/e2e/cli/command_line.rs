//! What the command line accepts and refuses.

use std::process::Output;

use corebook_tests::binary;
use corebook_tests::connection::Connection;
use serde_json::Value;

fn corebook(arguments: &[&str]) -> Output {
    binary::command()
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// The message of a kernel that refuses this connection file and ends with exit code 2.
fn refusal(content: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("connection.json");
    if let Some(content) = content {
        std::fs::write(&file, content).expect("the folder is ours");
    }
    let path = file.to_str().expect("temporary folders have plain names");
    let output = corebook(&["kernel", path]);
    let stderr = String::from_utf8(output.stderr).expect("messages are text");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().replace(path, "FILE")
}

#[test]
fn cpus_prints_json() {
    let output = corebook(&["cpus", "--json"]);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let count = |name: &str| {
        report[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name}: {report}"))
    };
    assert!(
        1 <= count("usable") && count("usable") <= count("physical"),
        "{report}"
    );
    assert!(count("physical") <= count("logical"), "{report}");
    assert!(report["limits"].is_array(), "{report}");
}

#[test]
fn a_missing_connection_file_is_named_with_what_to_do() {
    assert_eq!(
        refusal(None),
        "corebook: can't read the connection file FILE, whose path Jupyter passes as `corebook kernel FILE`: \
         No such file or directory (os error 2)"
    );
}

#[test]
fn a_broken_connection_file_is_refused() {
    for broken in [
        "",
        "not json",
        "{}",
        "[]",
        r#"{"transport": "tcp", "ip": 3}"#,
        "\0\u{1b}",
    ] {
        let message = refusal(Some(broken));
        let expected = "corebook: the connection file FILE is not a Jupyter connection file: ";
        assert!(message.starts_with(expected), "{broken:?}: {message}");
    }
}

#[test]
fn an_unknown_signature_scheme_is_refused_with_the_known_ones() {
    let connection = Connection {
        scheme: "hmac-md5".to_owned(),
        ..Connection::tcp()
    };
    assert_eq!(
        refusal(Some(&connection.to_json().to_string())),
        "corebook: the connection file FILE can't be used: unknown signature scheme \"hmac-md5\"; \
         corebook knows hmac-sha224, hmac-sha256, hmac-sha384 and hmac-sha512"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let connection = Connection::tcp();
    let port = connection.ports[0];
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("it was free");
    let message = refusal(Some(&connection.to_json().to_string()));
    assert!(
        message.contains(&format!(
            "can't bind the shell socket to tcp://127.0.0.1:{port}"
        )),
        "{message}"
    );
}

#[test]
fn a_wrong_command_line_is_refused_with_the_usage() {
    for arguments in [
        &["kernel"][..],
        &["kernels", "x"],
        &["cpus", "--affinity", "3-1"],
    ] {
        let output = corebook(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_notebooks_texts_are_escaped_for_the_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("a\u{1b}[2J.ipynb");
    let metadata = r#"{"kernelspec":{"name":"k\u001b]0;title\u0007","language":"l\u001b[2J","display_name":"d"}}"#;
    let notebook =
        format!(r#"{{"cells":[],"metadata":{metadata},"nbformat":4,"nbformat_minor":5}}"#);
    std::fs::write(&file, notebook).expect("the folder is ours");
    let path = file.to_str().expect("temporary folders have plain names");
    let output = corebook(&["run", path]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).expect("messages are text");
    assert!(!stderr.contains(['\u{1b}', '\u{7}']), "{stderr:?}");
    for seen in ["a\\u{1b}[2J.ipynb", "l\\u{1b}[2J", "k\\u{1b}]0;title\\u{7}"] {
        assert!(stderr.contains(seen), "{stderr}");
    }
}
