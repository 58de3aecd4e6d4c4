//! The real binary over real sockets. One test binary; each test starts a kernel of its own.

mod chaos;
mod checkpoints;
mod command_line;
mod compiles;
mod completion;
mod deaths;
mod doctor;
mod documents;
mod errors;
mod history;
mod input;
mod interrupts;
mod mapping;
mod messages;
mod output;
mod pool;
mod queue;
mod requests;
mod rest;
mod shutdown;
mod sockets;
mod startup;
mod subshells;
mod survival;
mod timing;
mod types;
