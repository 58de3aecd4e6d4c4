//! The locks of this library as a fork sees them: it only holds and releases them.

use std::any::Any;
use std::sync::{Mutex, TryLockError};

/// A lock of this library, without the type of what it guards.
pub(crate) trait Lock: Sync {
    /// Locks without waiting, until the returned value is dropped. `None` when another thread has the lock.
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
