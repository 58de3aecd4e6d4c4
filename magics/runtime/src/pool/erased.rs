//! From items to results, without their types, so that a cell compiles little.
//!
//! * `memory`: room for values of a type known only as size, alignment and destructor
//! * `items`: the items of a map
//! * `item_slice`: the loops that a cell compiles
//! * `erased_map`: items, room for results, and which belong together

pub(crate) mod erased_map;
pub(crate) mod item_slice;
pub(crate) mod items;
pub(crate) mod memory;
