//! What users call: the methods of [`Pool`](handle::Pool), thin and generic.
//!
//! * `handle`: the handle itself, and how a map runs on it
//! * `builder`: opening and closing
//! * `map`, `reduce`: maps that return when all items are done
//! * `stream`, `task`: maps in the background
//! * `labels`: texts that a handle, being `Copy`, can hold

pub(crate) mod builder;
pub(crate) mod handle;
pub(crate) mod labels;
pub(crate) mod map;
pub(crate) mod reduce;
pub(crate) mod stream;
pub(crate) mod task;
