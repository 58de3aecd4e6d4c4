//! What a fork has to know of this library's locks: how to hold them.

use std::any::Any;
use std::sync::{Mutex, TryLockError};

/// A lock of this library, whatever it guards.
pub(crate) trait Lock: Sync {
    /// The lock, held until the value is dropped; nothing when another thread has it.
    fn try_hold(&'static self) -> Option<Box<dyn Any>>;
}

impl<T: Send + 'static> Lock for Mutex<T> {
    fn try_hold(&'static self) -> Option<Box<dyn Any>> {
        match self.try_lock() {
            Ok(guard) => Some(Box::new(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Box::new(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_a_panic_left_can_be_held() {
        static POISONED: Mutex<()> = Mutex::new(());
        let panics = || {
            let _guard = POISONED.lock();
            panic!("on purpose");
        };
        assert!(std::panic::catch_unwind(panics).is_err());
        let held = POISONED.try_hold();
        assert!(held.is_some() && POISONED.try_hold().is_none());
    }
}
