//! What every cell imports.
