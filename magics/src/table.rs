//! The list of all magics. A new magic needs a file of its own and a row here.
//!
//! The type of a row is in `magic`. The magic `%magics`, which prints this list, is in `magics`.

use crate::magic::Magic;
use crate::{checkpoint, compare, cpus, magics, pool, time, timeit};

/// All magics, in the order in which `%magics` lists them.
pub static TABLE: &[&Magic] = &[
    &cpus::MAGIC,
    &pool::MAGIC,
    &timeit::MAGIC,
    &time::MAGIC,
    &compare::MAGIC,
    &checkpoint::MAGIC,
    &magics::MAGIC,
];

/// The magic called `name`.
pub fn find(name: &str) -> Option<&'static Magic> {
    TABLE.iter().copied().find(|magic| magic.name == name)
}
