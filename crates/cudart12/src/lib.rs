//! `libcudart.so.12`: the functions of `weft-cudart` under the name and symbol version of
//! the CUDA 12 runtime. Holds nothing of its own.

pub use weft_cudart::api;
