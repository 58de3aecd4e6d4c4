//! What the worker calls before and after each cell.
