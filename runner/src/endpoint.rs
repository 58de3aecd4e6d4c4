//! The addresses of a private kernel: a folder that only this user may enter, with a connection file. Binds nothing.

use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use corebook_jupyter::connection_file::info;
use jupyter_protocol::ConnectionInfo;
use jupyter_protocol::connection_info::Transport;
use tempfile::TempDir;

/// How many sockets a kernel binds.
const SOCKETS: u16 = 5;

/// Only this user may enter the folder.
const FOLDER_MODE: u32 = 0o700;

/// The folder is removed when this is dropped.
pub struct Endpoint {
    pub info: ConnectionInfo,
    folder: TempDir,
}

impl Endpoint {
    /// Chooses addresses and a key and writes them to a connection file.
    pub fn create() -> anyhow::Result<Self> {
        let temp_dir = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("corebook-run-")
            .permissions(Permissions::from_mode(FOLDER_MODE))
            .tempdir_in(&temp_dir)
            .with_context(|| {
                format!(
                    "can't make a folder in {} (TMPDIR chooses another)",
                    temp_dir.display()
                )
            })?;
        let prefix = folder.path().join("socket");
        let info = if is_fit_for_sockets(&prefix) {
            ipc(&prefix)
        } else {
            tcp()?
        };
        let endpoint = Self { info, folder };
        let file = endpoint.connection_file();
        let text = serde_json::to_string_pretty(&endpoint.info).expect("a connection file is JSON");
        std::fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
        Ok(endpoint)
    }

    /// Other users can't read it, because they can't enter its folder.
    pub fn connection_file(&self) -> PathBuf {
        self.folder.path().join("connection.json")
    }
}

/// Whether local sockets can be bound there. The path may be too long, and some file systems have no sockets.
fn is_fit_for_sockets(prefix: &Path) -> bool {
    let Some(prefix) = prefix.to_str() else {
        return false;
    };
    let path = format!("{prefix}-{SOCKETS}");
    let is_bound = UnixListener::bind(&path).is_ok();
    // Exists only if it was bound.
    let _ = std::fs::remove_file(&path);
    is_bound
}

fn ipc(prefix: &Path) -> ConnectionInfo {
    let prefix = prefix.display().to_string();
    info(Transport::IPC, prefix, [1, 2, 3, 4, 5], new_key())
}

/// Ports that are free now. If another program takes one before the kernel does, the kernel reports it.
fn tcp() -> anyhow::Result<ConnectionInfo> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: Vec<TcpListener> = (0..SOCKETS)
        .map(listen)
        .collect::<Result<_, _>>()
        .context("there is no free port on 127.0.0.1")?;
    let mut ports = [0; SOCKETS as usize];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    let ip = Ipv4Addr::LOCALHOST.to_string();
    Ok(info(Transport::TCP, ip, ports, new_key()))
}

/// The key of one kernel, which only its owner can read.
fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_reads_what_the_runner_wrote() {
        let endpoint = Endpoint::create().unwrap();
        let read = corebook_jupyter::connection_file::read(&endpoint.connection_file()).unwrap();
        assert_eq!(read.info, endpoint.info);
        assert!(read.signer.is_signing());
    }

    #[test]
    fn the_folder_is_private_and_removed_at_the_end() {
        let endpoint = Endpoint::create().unwrap();
        let folder = endpoint.folder.path().to_owned();
        assert_eq!(
            std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            FOLDER_MODE
        );
        drop(endpoint);
        assert!(!folder.exists());
    }

    #[test]
    fn a_path_that_is_too_long_for_sockets_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_fit_for_sockets(&folder.path().join("s")));
        assert!(!is_fit_for_sockets(&folder.path().join("s".repeat(120))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn loopback_ports_differ() {
        let info = tcp().unwrap();
        let ports = [
            info.shell_port,
            info.iopub_port,
            info.stdin_port,
            info.control_port,
            info.hb_port,
        ];
        let distinct: std::collections::HashSet<u16> = ports.into_iter().collect();
        assert_eq!(distinct.len(), ports.len(), "{ports:?}");
        assert!(!distinct.contains(&0));
    }
}
