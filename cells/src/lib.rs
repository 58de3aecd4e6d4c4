//! Turns the Rust of a cell into the source of a library, and what the compiler says about it back into the cell.
//!
//! Runs no compiler and does no I/O.
//!
//! * [`notebook`]: what the notebook has defined so far: items and variables
//! * [`draft`]: one cell on its way: what it defines, needs and keeps; what to change after a compile error
//! * [`statements`]: splits a cell into statements; [`words`]: the names that it mentions
//! * [`items`]: the items of all cells, and which of them a new one replaces; [`imports`]: takes `use` apart
//! * [`source`]: the generated source, and the map from it to the cells
//! * [`statics`]: gives each static of the notebook one home
//! * [`types`]: reads the types of variables from the compiler's MIR
//! * [`naming`]: asks the compiler whether code can name types of other crates
//! * [`messages`]: reads the compiler's JSON messages

pub mod draft;
mod imports;
mod items;
pub mod messages;
pub mod naming;
pub mod notebook;
pub mod source;
mod statements;
mod statics;
pub mod types;
mod words;
