//! The connection file: where to bind and how to sign.
//!
//! Binds nothing; [`crate::sockets`] does.

use std::path::{Path, PathBuf};

use jupyter_protocol::ConnectionInfo;
use jupyter_protocol::connection_info::Transport;
use serde_json::Value;

use super::wire::{Signer, UnknownScheme};

/// The fields that jupyter_client 8.10 adds for a kernel that encrypts.
const CURVE_KEYS: [&str; 2] = ["curve_publickey", "curve_secretkey"];

/// The content of a connection file, checked.
pub struct Connection {
    pub info: ConnectionInfo,
    pub signer: Signer,
}

/// How messages are signed if nothing else is asked for.
const SIGNATURE_SCHEME: &str = "hmac-sha256";

/// What a connection file says of five sockets.
///
/// * `ip`: an address, or the start of the sockets' paths with [`Transport::IPC`].
/// * `ports`: of shell, iopub, stdin, control and heartbeat.
pub fn info(transport: Transport, ip: String, ports: [u16; 5], key: String) -> ConnectionInfo {
    let [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
    ConnectionInfo {
        ip,
        transport,
        shell_port,
        iopub_port,
        stdin_port,
        control_port,
        hb_port,
        key,
        signature_scheme: SIGNATURE_SCHEME.to_owned(),
        kernel_name: None,
    }
}

/// A connection file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("can't read the connection file {}, whose path Jupyter passes as `corebook kernel FILE`", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the connection file {} is not a Jupyter connection file", path.display())]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "the connection file {} asks for CURVE encryption, which corebook can't do: start it without, or over ipc, \
         as with --KernelManager.transport=ipc",
        path.display()
    )]
    Encrypted { path: PathBuf },
    #[error("the connection file {} can't be used", path.display())]
    Scheme {
        path: PathBuf,
        source: UnknownScheme,
    },
}

/// Reads and checks a connection file.
pub fn read(path: &Path) -> Result<Connection, ConnectionError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConnectionError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let malformed = |source| ConnectionError::Malformed {
        path: path.to_owned(),
        source,
    };
    let json: Value = serde_json::from_str(&text).map_err(malformed)?;
    // A client with these keys never connects to a kernel without encryption. An error with a reason is better than
    // silence.
    if CURVE_KEYS.iter().any(|key| !json[key].is_null()) {
        return Err(ConnectionError::Encrypted {
            path: path.to_owned(),
        });
    }
    let info: ConnectionInfo = serde_json::from_value(json).map_err(malformed)?;
    let signer = Signer::new(&info.signature_scheme, &info.key).map_err(|source| {
        ConnectionError::Scheme {
            path: path.to_owned(),
            source,
        }
    })?;
    Ok(Connection { info, signer })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "transport": "tcp", "ip": "127.0.0.1", "key": "k", "signature_scheme": "hmac-sha256",
            "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
        })
    }

    /// The error for a connection file with this text.
    fn refusal(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let error = read(file.path()).err().unwrap();
        error.to_string()
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let mut connection = valid();
        connection["jupyter_session"] = json!("notebook.ipynb");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), connection.to_string()).unwrap();
        assert!(read(file.path()).unwrap().signer.is_signing());
    }

    #[test]
    fn encryption_is_refused() {
        for key in CURVE_KEYS {
            let mut connection = valid();
            connection[key] = json!("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
            assert!(refusal(&connection.to_string()).contains("CURVE"));
        }
    }

    #[test]
    fn files_that_are_no_connection_files_are_refused_by_name() {
        assert!(refusal("").contains("is not a Jupyter connection file"));
        assert!(refusal("[]").contains("is not a Jupyter connection file"));
        assert!(refusal(r#"{"ip": "127.0.0.1"}"#).contains("is not a Jupyter connection file"));
        let mut connection = valid();
        connection["signature_scheme"] = json!("hmac-md5");
        assert!(refusal(&connection.to_string()).contains("can't be used"));
        let missing = read(Path::new("/nowhere/connection.json")).err().unwrap();
        assert!(missing.to_string().contains("/nowhere/connection.json"));
    }
}
