//! The processes between evcxr and the code a notebook runs.
//!
//! evcxr believes that the supervisor is its child: it writes commands to its stdin and reads protocol
//! lines from its stdout. The supervisor starts the worker, which loads and runs the cells, sends
//! everything the worker prints to the kernel at once over a socket of its own, and passes on only
//! evcxr's protocol lines. Output is forwarded before the line that says a cell is done, so when evcxr
//! returns, the kernel already has all a cell wrote.
//!
//! * [`ipc`]: what supervisor, worker and kernel tell each other
//! * [`supervisor`]: the supervisor process; [`worker`]: the process that loads cells
//! * [`link`]: the kernel's end of the supervisor's socket
//! * [`exit_status`]: how a process ended, in words
//! * [`descendants`]: killing what this process has started
//! * [`environment`]: variables of this process
//! * [`program`]: where this program's own file is; [`memory`]: free memory, and giving it back

pub mod descendants;
pub mod environment;
pub mod exit_status;
pub mod ipc;
pub mod link;
pub mod memory;
pub mod program;
pub mod supervisor;
pub mod worker;

/// Environment variable that makes this binary a supervisor or a worker instead of a kernel.
pub const ROLE_VARIABLE: &str = "COREBOOK_ROLE";
/// Value of [`ROLE_VARIABLE`] for the supervisor.
pub const SUPERVISOR_ROLE: &str = "supervisor";
/// Value of [`ROLE_VARIABLE`] for the worker.
pub const WORKER_ROLE: &str = "worker";
/// Where the kernel listens for the supervisor's reports.
pub const REPORT_SOCKET_VARIABLE: &str = "COREBOOK_REPORT_SOCKET";
/// The file descriptor on which the worker reads its commands.
pub const COMMAND_FD_VARIABLE: &str = "COREBOOK_COMMAND_FD";
/// The file descriptor on which the worker tells of its checkpoints.
pub const NOTICE_FD_VARIABLE: &str = "COREBOOK_NOTICE_FD";
/// The runtime's library, whose hooks the worker calls.
pub const RUNTIME_LIBRARY_VARIABLE: &str = "COREBOOK_RUNTIME_LIBRARY";
/// Folders of the dynamic libraries that cells link to, as in `PATH`.
///
/// Cells carry a relative way to the standard library, computed for another folder than the one evcxr
/// loads them from, so the worker's loader is told.
pub const LIBRARY_DIRS_VARIABLE: &str = "COREBOOK_LIBRARY_DIRS";
/// Where the system's loader looks first.
pub const LOADER_PATH_VARIABLE: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};
/// What `RUST_BACKTRACE` is in the kernel; evcxr always sets it for its child.
pub const BACKTRACE_VARIABLE: &str = "COREBOOK_RUST_BACKTRACE";
