//! The message that ends the kernel.

/// Ends the kernel. Senders: shell, control, the evaluator after `:quit`, and the threads for signals and for the parent.
/// Receiver: the main thread.
#[derive(Debug, Clone, Copy)]
pub struct Shutdown;
