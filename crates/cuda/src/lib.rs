//! Drop-in libcuda.so.1.
