//! Installs corebook for Jupyter: writes the kernelspec where Jupyter looks for it. Never runs Jupyter.

pub mod kernelspec;
