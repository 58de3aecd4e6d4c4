//! The real binary over real sockets. One test binary; each test starts a kernel of its own.
//!
//! A new test goes to the module whose line fits it. A module beyond 300 lines is a reason to look for a second theme.

/// What a client sends and receives.
mod protocol {
    // What Tab offers at each position of `completion.txt`. A wrong or missing completion goes there.
    mod completion;
    // Execute requests: counts, `silent`, `user_expressions`, defaults of missing fields, help in the pager.
    mod execute;
    // The cells of earlier sessions: kernels that share the file, and a file that cannot be used.
    mod history;
    // What breaks the protocol: random bytes, random frames, wrong signatures, messages that are too large or repeated.
    mod malformed;
    // Cells that wait after one that fails, and `stop_on_error`.
    mod queue;
    // All other requests: is_complete, history, comms, completion, inspection, and those that no kernel knows.
    mod requests;
    // Transports, addresses, signatures, welcomes, several clients.
    mod sockets;
    // Cells that read input: which client is asked, and how a question ends.
    mod stdin;
    // Subshells: made, listed, deleted; requests that name one.
    mod subshells;
}

/// What a cell that runs shows, and how it is stopped.
mod cells {
    // Commands such as `:vars` and `:clear`, and what stays after each.
    mod commands;
    // Each way a cell can end, and which variables are there afterwards.
    mod ends;
    // Each kind of error: its message, its place in the cell, and that the next cell works.
    mod errors;
    // Stop: in the pool, in timing, while compiling, in a loop, with queued cells, when idle.
    mod interrupts;
    // What is kept for later cells, and the line about what is not.
    mod kept;
    // Printed text, displays, progress bars and results: complete, in order, in few messages.
    mod output;
    // A pool from cell to cell, and each row of the table in docs/multiprocessing.md.
    mod pool;
    // Stop at random moments of each kind of cell.
    mod random_interrupts;
    // Statics, which have one value in all cells.
    mod statics;
    // The magics that time: their lines, and the place of what they refuse.
    mod timing;
}

/// How a cell is compiled.
mod compile {
    // The order of items and variables: macros before their users, errors and drops in the order of the notebook.
    mod item_order;
    // How often rustc runs for a cell, where its files lie, and the types that are inferred before it runs.
    mod rustc;
    // The types of variables: each let of a corpus in a later cell, shown, and written down.
    mod variable_types;
}

/// From the start of a kernel to its end.
mod lifecycle {
    // The process in which rust-analyzer runs.
    mod analysis;
    // What a kernel costs while no cell runs.
    mod idle;
    // How a kernel ends when it is asked to: quickly, and with nothing left.
    mod shutdown;
    // Starts where something is missing, broken, read-only, full, or being built by another kernel.
    mod startup;
    // A notebook's folder: it must not run or be read; which toolchain and settings it may choose.
    mod untrusted_folder;
}

/// Processes that die, and what outlives them.
mod dying {
    // When a checkpoint exists: from the start of a cell's compilation to the end of its code.
    mod checkpoint_lifetime;
    // `kill -9` of the supervisor and of the kernel: no process and no file stays.
    mod kernel_kills;
    // Memory that runs out: which process ends, and what is kept.
    mod out_of_memory;
    // Many cells that die at random, compared with a model of the variables.
    mod random_deaths;
    // Which variables outlive a dead cell: all kinds, after each kind of death.
    mod variables_kept;
    // Each way a worker can die: the message, and what works in the next cell.
    mod worker_deaths;
}

/// The program's commands, and the documents about it.
mod cli {
    // What the command line accepts and refuses, and connection files that cannot be used.
    mod command_line;
    // `corebook doctor`.
    mod doctor;
    // The documents: links, help texts, command lines, and the messages in docs/troubleshooting.md.
    mod documents;
}
