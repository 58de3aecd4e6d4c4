//! The methods of [`Pool`](handle::Pool) that users call. They are thin and generic, and decide nothing.
//!
//! * `handle`: the handle itself, and how a map runs on it
//! * `builder`: opening and closing
//! * `map`, `reduce`: maps that return when all items are done
//! * `stream`, `task`: maps in the background
//! * `labels`: texts that a handle can hold although it is `Copy`

pub(crate) mod builder;
pub(crate) mod handle;
pub(crate) mod labels;
pub(crate) mod map;
pub(crate) mod reduce;
pub(crate) mod stream;
pub(crate) mod task;
