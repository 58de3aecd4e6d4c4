//! Comms: the kernel has no targets, so it closes every comm that a client opens.

use jupyter_protocol::{CommClose, CommId, CommInfoReply};

/// Lists no comms.
pub fn info_reply() -> CommInfoReply {
    CommInfoReply::default()
}

/// The message that closes a comm.
pub fn close(comm_id: CommId) -> CommClose {
    CommClose {
        comm_id,
        data: serde_json::Map::new(),
    }
}
