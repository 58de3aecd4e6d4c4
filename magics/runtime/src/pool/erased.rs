//! Turns items into results without knowing their types, so that a cell compiles little. Decides no order.
//!
//! * `memory`: memory for values whose type is known only by size, alignment and destructor
//! * `items`: the items of a map
//! * `item_slice`: the loops that a cell compiles
//! * `erased_map`: items, memory for results, and which belong together

pub(crate) mod erased_map;
pub(crate) mod item_slice;
pub(crate) mod items;
pub(crate) mod memory;
