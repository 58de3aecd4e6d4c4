//! Everything that compiles cells: the toolchain, a template in which the runtime is already built, one kernel's copy
//! of that template, and the shim that evcxr runs in place of cargo.
//!
//! Modules in reading order:
//!
//! * [`evcxr`]: the names that evcxr uses; its README maps evcxr's limits and our workarounds
//! * [`search_path`]: finds programs by name, never in the current folder
//! * [`toolchain`]: the real `cargo` and `rustc` that compile cells
//! * [`linker`]: which linker cells get, and whether it works
//! * [`cache`]: where prebuilt files are kept
//! * [`runtime_source`]: the source of the library that cells link to, embedded in the binary
//! * [`crates`]: additional crates to build into a template
//! * [`template`]: a working directory of evcxr in which the runtime is already built
//! * [`session`]: one kernel's copy of a template
//! * [`cargo_shim`]: the program that evcxr runs in place of cargo
//! * [`child_process`]: a child that does not outlive this process
//! * `ownership`: refuses files that another user could have put in our way
//!
//! ```text
//! install ── Toolchain::of_user ─── template ──┐            (slow, once per toolchain)
//!                                              ├─ Session   (milliseconds, once per kernel)
//! kernel ─── Toolchain::of_user ─── template ──┘
//! ```
//!
//! Nothing here uses Jupyter's protocol or calls evcxr.

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
