//! What compiles cells: a toolchain, a template in which the runtime is built already, one kernel's copy of it, and the
//! stand-in for cargo that evcxr runs.
//!
//! Modules in reading order:
//!
//! * [`evcxr`]: evcxr's names; what evcxr does, what we do about it, and where
//! * [`search_path`]: programs by their names, never from the current folder
//! * [`toolchain`]: the real `cargo` and `rustc` that compile cells
//! * [`linker`]: whether what they compile can be linked
//! * [`cache`]: where prebuilt things are kept
//! * [`runtime_source`]: the library cells link to, carried inside the binary
//! * [`crates`]: further crates a class wants at once
//! * [`template`]: a working directory of `evcxr` in which the runtime is built already
//! * [`session`]: one kernel's own copy of a template; `library_source`: what it reads of the standard library
//! * [`cargo_shim`]: what evcxr runs in a session in place of cargo
//! * [`child_process`]: a child that does not outlive this process
//! * `ownership`: whose files are whose
//!
//! ```text
//! install ── Toolchain::of_user ─── template ──┐            (slow, once per toolchain)
//!                                              ├─ Session   (milliseconds, once per kernel)
//! kernel ─── Toolchain::of_user ─── template ──┘
//! ```
//!
//! Nothing here speaks Jupyter's protocol or calls evcxr.

pub mod cache;
mod cargo;
#[cfg(unix)]
pub mod cargo_shim;
#[cfg(unix)]
pub mod child_process;
pub mod crates;
mod error;
pub mod evcxr;
#[cfg(unix)]
mod library_source;
pub mod linker;
mod ownership;
pub mod runtime_source;
pub mod search_path;
pub mod session;
pub mod template;
pub mod toolchain;

pub use cache::Cache;
pub use crates::CrateRequest;
pub use error::Error;
pub use runtime_source::RuntimeSource;
pub use session::Session;
pub use template::{Prebuild, Template, template};
pub use toolchain::{FolderChoice, Toolchain};
