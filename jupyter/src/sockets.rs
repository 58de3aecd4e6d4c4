//! Binds the five sockets of a kernel to the addresses of the connection file. Starts no thread.

use std::sync::Arc;

use anyhow::Context as _;
use jupyter_protocol::connection_info::Transport;
use nix::sys::stat::{Mode, umask};

use super::connection_file::Connection;
use super::heartbeat::Heartbeat;
use super::iopub::Iopub;
use super::router::Router;
use super::socket_queue::{self, SocketReceiver, SocketSender};
use super::wire::Codec;

/// What the sockets belong to. It must live until the last of them is closed.
pub use zmq::Context;

/// The five sockets, bound and not yet served.
pub struct Sockets {
    pub context: Context,
    pub shell: Bound<Router>,
    pub control: Bound<Router>,
    pub stdin: Bound<Router>,
    pub iopub: Bound<Iopub>,
    pub heartbeat: Bound<Heartbeat>,
}

/// A socket that its thread will own, and the sender of its queue.
pub struct Bound<T> {
    pub owner: T,
    pub sender: SocketSender,
}

impl Sockets {
    /// Binds all five. From here on clients can connect, and nothing that they send is lost.
    pub fn bind(connection: Connection) -> anyhow::Result<Self> {
        let Connection { info, signer } = connection;
        let codec = Arc::new(Codec::new(signer, uuid::Uuid::new_v4().to_string()));
        let context = Context::new();
        // zmq creates the file of a socket in this thread. Every user who may write to the file may connect.
        let _private = (info.transport == Transport::IPC).then(PrivateFiles::begin);
        let router = |name, url: String| {
            bound(&context, &codec, name, &url, |receiver| {
                Router::bind(&context, &url, name, receiver, &codec)
            })
        };
        let (iopub_url, heartbeat_url) = (info.iopub_url(), info.hb_url());
        Ok(Self {
            shell: router("shell", info.shell_url())?,
            control: router("control", info.control_url())?,
            stdin: router("stdin", info.stdin_url())?,
            iopub: bound(&context, &codec, "iopub", &iopub_url, |receiver| {
                Iopub::bind(&context, &iopub_url, receiver, &codec)
            })?,
            heartbeat: bound(&context, &codec, "heartbeat", &heartbeat_url, |receiver| {
                Heartbeat::bind(&context, &heartbeat_url, receiver)
            })?,
            context,
        })
    }

    /// The senders of all five queues.
    pub fn senders(&self) -> Vec<SocketSender> {
        vec![
            self.shell.sender.clone(),
            self.control.sender.clone(),
            self.stdin.sender.clone(),
            self.iopub.sender.clone(),
            self.heartbeat.sender.clone(),
        ]
    }
}

/// The socket called `name`, which `bind` binds to `url`, with its queue.
fn bound<T>(
    context: &Context,
    codec: &Arc<Codec>,
    name: &'static str,
    url: &str,
    bind: impl FnOnce(SocketReceiver) -> zmq::Result<T>,
) -> anyhow::Result<Bound<T>> {
    let (sender, receiver) = socket_queue::pair(context, codec, name)?;
    let owner = bind(receiver).with_context(|| format!("can't bind the {name} socket to {url}"))?;
    Ok(Bound { owner, sender })
}

/// While it lives, only the owner can use files that this process creates.
struct PrivateFiles {
    before: Mode,
}

impl PrivateFiles {
    fn begin() -> Self {
        let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
        Self { before }
    }
}

impl Drop for PrivateFiles {
    fn drop(&mut self) {
        // Files that are created later have the usual permissions.
        umask(self.before);
    }
}
