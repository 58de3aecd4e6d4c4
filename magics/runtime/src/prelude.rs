//! What every cell imports.

pub use crate::cpus;
