//! The sockets of a Jupyter client: sends requests, receives messages. Makes no decisions about them.

use std::os::fd::RawFd;
use std::time::Instant;

use anyhow::Context as _;
use jupyter_protocol::{ConnectionInfo, JupyterMessageContent};

use crate::wire::{Codec, Incoming, Seen, Signer};

/// How often a socket tries to connect until the kernel has bound its end.
const RECONNECT_MS: i32 = 10;

/// How long a closed socket may still send what is in its queue.
const LINGER_MS: i32 = 200;

/// The socket that a message came from.
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

    /// Sends a request on shell. Returns its id, which the messages that it causes name as their parent.
    pub fn ask(&self, request: impl Into<JupyterMessageContent>) -> anyhow::Result<String> {
        self.send(&self.shell, request.into())
    }

    /// Sends a request on control, where the kernel answers even while a cell runs. Returns its id.
    pub fn ask_control(&self, request: impl Into<JupyterMessageContent>) -> anyhow::Result<String> {
        self.send(&self.control, request.into())
    }

    /// Waits for a message, for data on one of `others`, or for `deadline`. Returns which of `others` are readable.
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
        match zmq::poll(&mut items, timeout_ms(deadline, Instant::now())) {
            // The caller has a descriptor for signals among `others`, and looks at it anyway.
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

    /// The messages that have arrived. Those of one channel are in order.
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
        // No limit: a full queue would drop output.
        zmq.set_rcvhwm(0)?;
        zmq.connect(url)?;
        Ok(Self {
            channel,
            zmq,
            seen: Seen::default(),
        })
    }
}

/// The time from `now` to `deadline` for `zmq::poll`: rounded up, so that the deadline has passed after it; -1 without
/// a deadline.
fn timeout_ms(deadline: Option<Instant>, now: Instant) -> i64 {
    let Some(deadline) = deadline else {
        return -1;
    };
    let left = deadline.saturating_duration_since(now);
    i64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_milliseconds() {
        let now = Instant::now();
        let timeout = |left| timeout_ms(Some(now + left), now);
        assert_eq!(timeout(Duration::ZERO), 0);
        assert_eq!(timeout(Duration::from_nanos(1)), 1);
        assert_eq!(timeout(Duration::from_millis(7)), 7);
        assert_eq!(timeout(Duration::from_micros(7001)), 8);
        assert_eq!(
            timeout(Duration::from_secs(100 * 365 * 24 * 3600)),
            3_153_600_000_000
        );
    }

    #[test]
    fn a_deadline_in_the_past_is_0_and_no_deadline_is_minus_1() {
        let now = Instant::now();
        assert_eq!(timeout_ms(Some(now), now + Duration::from_secs(1)), 0);
        assert_eq!(timeout_ms(None, now), -1);
    }
}
