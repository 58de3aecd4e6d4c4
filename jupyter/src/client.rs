//! A Jupyter client's sockets: requests out, messages in. zmq enters the runner here. Decides nothing.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jupyter_protocol::{ConnectionInfo, JupyterMessageContent};

use crate::wire::{Codec, Incoming, Seen, Signer};

/// How often a socket looks whether the kernel has bound its end.
const RECONNECT_MS: i32 = 10;

/// How long closed sockets may still deliver.
const LINGER_MS: i32 = 200;

/// Where a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Shell,
    Control,
    Iopub,
}

/// Connected to a kernel, or about to be: zmq connects by itself when the kernel binds.
pub struct Client {
    codec: Codec,
    shell: Socket,
    control: Socket,
    iopub: Socket,
}

struct Socket {
    channel: Channel,
    zmq: zmq::Socket,
    seen: Seen,
}

impl Client {
    pub fn connect(info: &ConnectionInfo) -> anyhow::Result<Self> {
        let context = zmq::Context::new();
        let connect = |channel, kind, url: String| {
            Socket::connect(&context, channel, kind, &url)
                .with_context(|| format!("can't connect to {url}"))
        };
        let shell = connect(Channel::Shell, zmq::DEALER, info.shell_url())?;
        let control = connect(Channel::Control, zmq::DEALER, info.control_url())?;
        let iopub = connect(Channel::Iopub, zmq::SUB, info.iopub_url())?;
        iopub.zmq.set_subscribe(b"")?;
        let signer = Signer::new(&info.signature_scheme, &info.key)?;
        let codec = Codec::new(signer, uuid::Uuid::new_v4().to_string());
        Ok(Self {
            codec,
            shell,
            control,
            iopub,
        })
    }

    /// Sends a request on shell; its id comes back as the parent of what it causes.
    pub fn ask(&self, request: impl Into<JupyterMessageContent>) -> anyhow::Result<String> {
        self.send(&self.shell, request.into())
    }

    /// Sends a request on control, which is answered also while a cell runs.
    pub fn ask_control(&self, request: impl Into<JupyterMessageContent>) -> anyhow::Result<String> {
        self.send(&self.control, request.into())
    }

    /// Waits until a message or one of `others` is there or `deadline` has come. Which of `others` are readable?
    pub fn wait(&self, others: &[RawFd], deadline: Option<Instant>) -> anyhow::Result<Vec<RawFd>> {
        let mut items: Vec<zmq::PollItem> = self
            .sockets()
            .map(|socket| socket.zmq.as_poll_item(zmq::POLLIN))
            .into();
        items.extend(
            others
                .iter()
                .map(|fd| zmq::PollItem::from_fd(*fd, zmq::POLLIN)),
        );
        match zmq::poll(&mut items, deadline.map_or(-1, milliseconds_until)) {
            // A signal came, and is now readable.
            Ok(_) | Err(zmq::Error::EINTR) => {}
            Err(error) => return Err(error).context("can't wait for the kernel"),
        }
        let sockets = self.sockets().len();
        let is_ready = |item: &zmq::PollItem| !item.get_revents().is_empty();
        Ok(others
            .iter()
            .zip(&items[sockets..])
            .filter(|(_, item)| is_ready(item))
            .map(|(fd, _)| *fd)
            .collect())
    }

    /// The messages that are there, each channel's in order.
    pub fn take(&mut self) -> Vec<(Channel, Incoming)> {
        let mut messages = Vec::new();
        for socket in [&mut self.iopub, &mut self.shell, &mut self.control] {
            while let Ok(frames) = socket.zmq.recv_multipart(zmq::DONTWAIT) {
                match self.codec.decode(frames, &mut socket.seen) {
                    Ok(message) => messages.push((socket.channel, message)),
                    Err(error) => tracing::warn!("dropped {error}"),
                }
            }
        }
        messages
    }

    fn send(&self, socket: &Socket, request: JupyterMessageContent) -> anyhow::Result<String> {
        let (id, frames) = self.codec.encode_request(request);
        socket
            .zmq
            .send_multipart(frames, 0)
            .context("can't send to the kernel")?;
        Ok(id)
    }

    fn sockets(&self) -> [&Socket; 3] {
        [&self.shell, &self.control, &self.iopub]
    }
}

impl Socket {
    fn connect(
        context: &zmq::Context,
        channel: Channel,
        kind: zmq::SocketType,
        url: &str,
    ) -> zmq::Result<Self> {
        let zmq = context.socket(kind)?;
        zmq.set_linger(LINGER_MS)?;
        zmq.set_reconnect_ivl(RECONNECT_MS)?;
        // A full queue would drop output.
        zmq.set_rcvhwm(0)?;
        zmq.connect(url)?;
        Ok(Self {
            channel,
            zmq,
            seen: Seen::default(),
        })
    }
}

/// Rounded up, so that a wait that is over leaves nothing to wait for.
fn milliseconds_until(deadline: Instant) -> i64 {
    let left = deadline.saturating_duration_since(Instant::now());
    let whole = Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    i64::try_from(whole.as_millis()).unwrap_or(i64::MAX) + i64::from(whole < left)
}
