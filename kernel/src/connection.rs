//! The connection file: where to bind and how to sign.
//!
//! Never binds anything itself; see `kernel`.

use std::path::{Path, PathBuf};

use jupyter_protocol::ConnectionInfo;

use crate::wire::{Signer, UnknownScheme};

/// What a connection file says, checked.
pub struct Connection {
    pub info: ConnectionInfo,
    pub signer: Signer,
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
    let info: ConnectionInfo =
        serde_json::from_str(&text).map_err(|source| ConnectionError::Malformed {
            path: path.to_owned(),
            source,
        })?;
    let signer = Signer::new(&info.signature_scheme, &info.key).map_err(|source| {
        ConnectionError::Scheme {
            path: path.to_owned(),
            source,
        }
    })?;
    Ok(Connection { info, signer })
}
