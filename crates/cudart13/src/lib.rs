//! `libcudart.so.13`: the functions of `weft-cudart` under the name and symbol version of
//! the CUDA 13 runtime. Holds nothing of its own.

pub use weft_cudart::api;
