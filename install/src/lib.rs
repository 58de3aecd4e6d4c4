//! Puts corebook on a machine: the kernelspec that Jupyter finds, and the prebuilt session that makes
//! a kernel start without compiling anything.
//!
//! Modules in reading order:
//!
//! * [`kernelspec`]: what Jupyter reads to start the kernel, and where it looks for it
//! * [`search_path`]: programs by their names, never from the current folder
//! * [`toolchain`]: the real `cargo` and `rustc` that compile cells
//! * [`linker`]: whether what they compile can be linked
//! * [`cache`]: where prebuilt things are kept
//! * [`runtime_source`]: the library cells link to, carried inside the binary
//! * [`crates`]: further crates a class wants at once
//! * [`template`]: a working directory of `evcxr` in which the runtime is built already
//! * [`session`]: one kernel's own copy of a template; `library_source`: what it reads of the standard library
//! * [`compiler`]: what compiles cells in a session in cargo's stead
//!
//! ```text
//! install ── Toolchain::of_user ─── template ──┐            (slow, once per toolchain)
//!                                              ├─ Session   (milliseconds, once per kernel)
//! kernel ─── Toolchain::of_user ─── template ──┘
//! ```
//!
//! Nothing here speaks Jupyter's protocol or calls `evcxr`; it only knows the layout of the folder
//! `evcxr` works in.

pub mod cache;
mod cargo;
#[cfg(unix)]
pub mod compiler;
pub mod crates;
mod error;
pub mod kernelspec;
#[cfg(unix)]
mod library_source;
pub mod linker;
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
