//! The connection file, as Jupyter writes it before it starts a kernel. Never connects.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

/// How to reach a kernel.
#[derive(Debug, Clone)]
pub struct Connection {
    pub transport: Transport,
    /// If it is empty, messages are not signed.
    pub key: String,
    pub scheme: String,
    /// Shell, iopub, stdin, control, heartbeat. For ipc, the ends of the file names.
    pub ports: [u16; 5],
    /// An address, or for ipc the beginning of the sockets' file names.
    pub ip: String,
}

/// What carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Ipc,
}

/// One of a kernel's five sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    Shell,
    Iopub,
    Stdin,
    Control,
    Heartbeat,
}

impl Port {
    pub const ALL: [Port; 5] = [
        Port::Shell,
        Port::Iopub,
        Port::Stdin,
        Port::Control,
        Port::Heartbeat,
    ];

    fn index(self) -> usize {
        Port::ALL
            .iter()
            .position(|port| *port == self)
            .expect("ALL lists every port")
    }
}

impl Connection {
    /// TCP on this machine, at ports that are free now.
    pub fn tcp() -> Self {
        let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
        let listeners = [(); 5].map(listen);
        let ports = listeners
            .each_ref()
            .map(|listener| listener.local_addr().expect("it is bound").port());
        Self {
            transport: Transport::Tcp,
            key: uuid::Uuid::new_v4().to_string(),
            scheme: "hmac-sha256".to_owned(),
            ports,
            ip: Ipv4Addr::LOCALHOST.to_string(),
        }
    }

    /// Sockets in the file system, in `folder`.
    pub fn ipc(folder: &Path) -> Self {
        let ip = folder.join("kernel").display().to_string();
        Self {
            transport: Transport::Ipc,
            ports: [1, 2, 3, 4, 5],
            ip,
            ..Self::tcp()
        }
    }

    /// Where the socket `port` is, for zmq.
    pub fn url(&self, port: Port) -> String {
        let (ip, number) = (&self.ip, self.number(port));
        match self.transport {
            Transport::Tcp => format!("tcp://{ip}:{number}"),
            Transport::Ipc => format!("ipc://{ip}-{number}"),
        }
    }

    /// The number of the socket `port`.
    pub fn number(&self, port: Port) -> u16 {
        self.ports[port.index()]
    }

    /// The file's content.
    pub fn to_json(&self) -> Value {
        json!({
            "transport": match self.transport {
                Transport::Tcp => "tcp",
                Transport::Ipc => "ipc",
            },
            "ip": self.ip,
            "shell_port": self.number(Port::Shell),
            "iopub_port": self.number(Port::Iopub),
            "stdin_port": self.number(Port::Stdin),
            "control_port": self.number(Port::Control),
            "hb_port": self.number(Port::Heartbeat),
            "key": self.key,
            "signature_scheme": self.scheme,
            "kernel_name": "corebook",
        })
    }
}
