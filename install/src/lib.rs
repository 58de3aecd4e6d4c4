//! Puts corebook on a machine: the kernelspec that Jupyter finds, and where Jupyter looks for it.

pub mod kernelspec;
