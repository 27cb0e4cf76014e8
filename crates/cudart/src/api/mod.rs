//! The exported functions, one file an area of the runtime API reference.
//!
//! # Safety
//!
//! All are `extern "C"`; their contracts are those of the CUDA Runtime API reference: pointers
//! are valid for what the function reads and writes through them, handles come from this API.

mod absent;
mod array;
mod copy_3d;
mod device;
mod entry;
mod error;
mod event;
mod execution;
mod graph;
mod graph_node;
mod library;
mod memory;
mod peer;
mod pool;
mod properties;
mod range;
mod registration;
mod stream;
mod stream_capture;
mod texture;

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
            $crate::error::guarded(|| -> Result<(), $crate::error::Error> { $body })
        }
    };
    (@alias $alias:ident $name:ident ($($arg:ident: $ty:ty),* $(,)?)) => {
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $alias($($arg: $ty),*) -> $crate::c::Status {
            let _scope = $crate::driver::own_stream_scope();
            // SAFETY: the alias has the contract of the function it stands for.
            unsafe { $name($($crate::c::own_stream(stringify!($arg), $arg)),*) }
        }
    };
}
use exports;

/// Declares exported functions that pass their arguments on to a driver function as they are.
macro_rules! forward {
    ($($name:ident $(| $alias:ident)* = $target:ident($($arg:ident: $ty:ty),* $(,)?);)*) => {
        $crate::api::exports! {$(
            fn $name $(| $alias)* ($($arg: $ty),*) {
                $crate::driver::call!($target($($ty: $arg),*))
            }
        )*}
    };
}
use forward;

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
    ("Pools", pool::NAMES),
    ("Ranges of memory", range::NAMES),
    ("Copies of volumes and arrays", copy_3d::NAMES),
    ("Arrays", array::NAMES),
    ("Channel descriptions", array::DESCRIPTION_NAMES),
    ("Texture and surface objects", texture::NAMES),
    ("Libraries", library::NAMES),
    ("Driver entry points and logs", entry::NAMES),
    ("Devices as peers, attributes", peer::NAMES),
    ("Stream capture and attributes", stream_capture::NAMES),
    ("Graphs", graph::NAMES),
    ("Adding nodes to graphs", graph_node::same::NAMES),
    ("Parameters of nodes", graph_node::parameters::NAMES),
    ("Kernel, copy and other nodes", graph_node::converted::NAMES),
    ("Named differently in CUDA 12 and 13", VERSIONED),
];

/// Functions whose signature differs between the runtimes; `weft-cudart12` and `weft-cudart13` have one
/// each of them, over a function of this crate with a name that is the same in both.
#[cfg(test)]
const VERSIONED: &[&str] = &[
    "cudaGraphAddDependencies",
    "cudaGraphAddNode",
    "cudaGraphGetEdges",
    "cudaGraphInstantiate",
    "cudaGraphNodeGetDependencies",
    "cudaGraphNodeGetDependentNodes",
    "cudaGraphRemoveDependencies",
    "cudaMemAdvise",
    "cudaMemPrefetchAsync",
    "cudaMemcpy3DBatchAsync",
    "cudaMemcpyBatchAsync",
    "cudaStreamGetCaptureInfo",
    "cudaStreamUpdateCaptureDependencies",
];

/// Functions that a device attribute says are of no use.
#[cfg(test)]
pub(crate) const ABSENT: &[&str] = absent::NAMES;
