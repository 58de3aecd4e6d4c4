//! Values that several threads of the kernel use, and markup. Each value has its own lock. Starts no thread and sends
//! no message to a client.
//!
//! * [`subshells`]: the existing subshells, and which requests are aborted
//! * [`checkpoints`]: whether checkpoints protect cells, and up to which size of the worker
//! * [`host`], [`cpus`]: the kernel's answers to magics
//! * [`notebook_view`]: what the notebook has defined, for completion
//! * [`markup`]: escapes text in HTML and SVG, cleans HTML

pub mod checkpoints;
pub mod cpus;
pub mod host;
pub mod markup;
pub mod notebook_view;
pub mod shutdown;
pub mod subshells;
