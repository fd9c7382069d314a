//! Makes what is only `Send` also `Sync`: the SDK asks for `Sync` where nothing is ever shared.

use std::sync::{Mutex, PoisonError};

/// A value that is reached by unique reference only, so that the lock is never taken.
pub(super) struct Exclusive<T: ?Sized>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
