//! Gives the shared library the name under which CUDA programs look for the driver.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcuda.so.1");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
