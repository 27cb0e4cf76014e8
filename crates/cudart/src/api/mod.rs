//! The exported functions, one file an area of the runtime API reference.
//!
//! # Safety
//!
//! All are `extern "C"`; their contracts are those of the CUDA Runtime API reference: pointers
//! are valid for what the function reads and writes through them, handles come from this API.

mod device;
mod error;
mod event;
mod execution;
mod memory;
mod properties;
mod registration;
mod stream;

/// Declares exported functions whose body is a `Result<(), Error>`; an error becomes the
/// thread's last error.
macro_rules! exports {
    ($(
        $(#[$meta:meta])*
        fn $name:ident $(| $alias:ident)* ($($parameters:tt)*) $body:block
    )*) => {
        $(
            $crate::api::exports!(@item [$($alias)*] $(#[$meta])* $name ($($parameters)*) $body);
        )*

        /// Names of the functions above.
        #[cfg(test)]
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name), $(stringify!($alias),)*)*];
    };
    (@item [$($alias:ident)*] $(#[$meta:meta])* $name:ident $parameters:tt $body:block) => {
        $crate::api::exports!(@function $(#[$meta])* $name $parameters $body);
        $($crate::api::exports!(@alias $alias $name $parameters);)*
    };
    (@function $(#[$meta:meta])* $name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name($($arg: $ty),*) -> $crate::c::Status {
            let body = || -> Result<(), $crate::error::Error> { $body };
            $crate::error::finish(body())
        }
    };
    (@alias $alias:ident $name:ident ($($arg:ident: $ty:ty),* $(,)?)) => {
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $alias($($arg: $ty),*) -> $crate::c::Status {
            // SAFETY: the alias has the contract of the function it stands for.
            unsafe { $name($($arg),*) }
        }
    };
}
use exports;

/// Names of the functions of the API reference that are implemented, by area.
#[cfg(test)]
pub(crate) const NAMES: &[(&str, &[&str])] = &[
    ("Devices", device::NAMES),
    ("Device properties", properties::NAMES),
    ("Errors", error::NAMES),
    ("Streams", stream::NAMES),
    ("Events", event::NAMES),
    ("Execution and occupancy", execution::NAMES),
    ("Memory", memory::NAMES),
];
