//! Objects of the program that graphs keep alive.

use std::sync::Arc;

/// An object of the program; when the last graph and the program itself have given it up, a function
/// of the program is called with it.
#[derive(Debug)]
pub struct UserObject {
    object: u64,
    function: u64,
    call: fn(function: u64, object: u64),
}

impl UserObject {
    /// An object and how its end is told.
    #[must_use]
    pub fn new(object: u64, function: u64, call: fn(function: u64, object: u64)) -> Arc<Self> {
        Arc::new(Self {
            object,
            function,
            call,
        })
    }
}

impl Drop for UserObject {
    fn drop(&mut self) {
        (self.call)(self.function, self.object);
    }
}
