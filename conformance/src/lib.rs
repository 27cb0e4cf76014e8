//! Programs and suites that run against Weft's libraries as they are built and shipped.
//!
//! Nothing here links with what it checks: programs are started under `weft run` and `weft exec`, and
//! tests load `libcuda.so` by path, so that what is checked is what a stranger's program meets. Suites that others wrote are read
//! from a folder that the user names and are not part of the tree.

pub mod accuracy;
pub mod driver_api;
pub mod elf;
pub mod examples;
pub mod gdb;
pub mod hecbench;
pub mod numba;
pub mod process;
pub mod profile;
pub mod programs;
pub mod ptx_tests;
pub mod python;
pub mod random;
pub mod samples;
pub mod spirv_run;
pub mod suites;
pub mod table;
pub mod torture;
