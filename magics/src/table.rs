//! Every magic, one row each. Adding one is a file of its own and a row here.

use crate::magic::Magic;
use crate::{checkpoint, compare, cpus, magics, pool, time, timeit};

/// In the order in which `%magics` lists them.
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
