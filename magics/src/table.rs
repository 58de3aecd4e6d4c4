//! Every magic, one row each. Adding one is a file of its own and a row here.

use crate::checkpoint::Checkpoint;
use crate::compare::Compare;
use crate::cpus::Cpus;
use crate::magic::Magic;
use crate::magics::Magics;
use crate::pool::Pool;
use crate::time::Time;
use crate::timeit::Timeit;

/// In the order in which `%magics` lists them.
pub static TABLE: &[&dyn Magic] = &[&Cpus, &Pool, &Timeit, &Time, &Compare, &Checkpoint, &Magics];

/// The magic called `name`.
pub fn find(name: &str) -> Option<&'static dyn Magic> {
    TABLE.iter().copied().find(|magic| magic.name() == name)
}
