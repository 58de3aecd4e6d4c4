//! The processes between evcxr and the code that a notebook runs.
//!
//! evcxr starts the supervisor in the belief that it runs the cells: it writes commands to its stdin and reads protocol
//! lines from its stdout. The supervisor starts the worker, which loads and runs the cells. It sends everything that
//! the worker prints to the kernel over a socket, at once, and passes only the lines of evcxr's protocol to evcxr. It
//! forwards all output before the line that says that a cell is done. So when evcxr returns, the kernel has all output
//! of the cell.
//!
//! Never speaks Jupyter's protocol.
//!
//! * [`ipc`]: the messages between supervisor, worker and kernel
//! * [`supervisor`]: the supervisor process; [`worker`]: the process that loads cells
//! * [`link`]: the kernel's end of the supervisor's socket
//! * [`exit_status`]: how a process ended, in words
//! * [`descendants`]: kills what this process has started
//! * [`environment`]: variables of this process
//! * [`program`]: the file of this program; [`memory`]: how much memory is free, and how to return some

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
/// The file descriptor on which the worker reports its checkpoints.
pub const NOTICE_FD_VARIABLE: &str = "COREBOOK_NOTICE_FD";
/// The runtime's library, whose hooks the worker calls.
pub const RUNTIME_LIBRARY_VARIABLE: &str = "COREBOOK_RUNTIME_LIBRARY";
/// Folders of the dynamic libraries that cells link to, as in `PATH`.
///
/// The libraries of cells contain a relative path to the standard library. It is computed for another folder than the
/// one that evcxr loads them from, so the loader of the worker needs these folders.
pub const LIBRARY_DIRS_VARIABLE: &str = "COREBOOK_LIBRARY_DIRS";
/// Where the system's loader looks first.
pub const LOADER_PATH_VARIABLE: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};
/// The value of `RUST_BACKTRACE` in the kernel. evcxr always sets that variable for its child process.
pub const BACKTRACE_VARIABLE: &str = "COREBOOK_RUST_BACKTRACE";
