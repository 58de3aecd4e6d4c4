//! What several threads of the kernel look at. Each value has a lock of its own; none calls out of this room.
//!
//! * [`subshells`]: which subshells there are, and which requests wait in vain
//! * [`checkpoints`]: whether cells are protected, and how large a worker may be for it
//! * [`host`], [`cpus`]: what the kernel answers when a magic asks
//! * [`markup`]: text inside HTML and SVG

pub mod checkpoints;
pub mod cpus;
pub mod host;
pub mod markup;
pub mod subshells;
