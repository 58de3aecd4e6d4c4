//! The kernel's five sockets, bound where the connection file says. Starts no thread.

use std::sync::Arc;

use anyhow::Context as _;
use jupyter_protocol::connection_info::Transport;
use nix::sys::stat::{Mode, umask};

use super::connection_file::Connection;
use super::heartbeat;
use super::iopub;
use super::router::Router;
use super::socket_queue::{self, SocketReceiver, SocketSender};
use super::wire::Codec;

/// Bound, and nobody serves them yet.
pub struct Sockets {
    pub context: zmq::Context,
    pub codec: Arc<Codec>,
    pub shell: Bound<Router>,
    pub control: Bound<Router>,
    pub stdin: Bound<Router>,
    pub iopub: Bound<(zmq::Socket, SocketReceiver)>,
    pub heartbeat: Bound<(zmq::Socket, SocketReceiver)>,
}

/// A socket that waits for its thread, and the way into that thread.
pub struct Bound<T> {
    pub owner: T,
    pub sender: SocketSender,
}

impl Sockets {
    /// Binds all five: from here on clients can connect, and nothing is lost.
    pub fn bind(connection: Connection) -> anyhow::Result<Self> {
        let Connection { info, signer } = connection;
        let codec = Arc::new(Codec::new(signer, uuid::Uuid::new_v4().to_string()));
        let context = zmq::Context::new();
        // zmq makes a socket's file in this thread. Whoever may write to it may connect.
        let _private = (info.transport == Transport::IPC).then(PrivateFiles::begin);
        let router = |name: &'static str, url: String| -> anyhow::Result<Bound<Router>> {
            let (sender, receiver) = socket_queue::pair(&context, &codec, name)?;
            let owner = Router::bind(&context, &url, name, receiver, &codec)
                .with_context(|| format!("can't bind the {name} socket to {url}"))?;
            Ok(Bound { owner, sender })
        };
        let plain = |name: &'static str,
                     url: String,
                     bind: fn(&zmq::Context, &str) -> zmq::Result<zmq::Socket>|
         -> anyhow::Result<Bound<(zmq::Socket, SocketReceiver)>> {
            let (sender, receiver) = socket_queue::pair(&context, &codec, name)?;
            let socket = bind(&context, &url)
                .with_context(|| format!("can't bind the {name} socket to {url}"))?;
            let owner = (socket, receiver);
            Ok(Bound { owner, sender })
        };
        Ok(Self {
            shell: router("shell", info.shell_url())?,
            control: router("control", info.control_url())?,
            stdin: router("stdin", info.stdin_url())?,
            iopub: plain("iopub", info.iopub_url(), iopub::bind)?,
            heartbeat: plain("heartbeat", info.hb_url(), heartbeat::bind)?,
            context,
            codec,
        })
    }

    /// The ways into all five threads.
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

/// While it lives, files that this process makes are their owner's alone.
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
        // What cells write has the permissions that the user is used to.
        umask(self.before);
    }
}
