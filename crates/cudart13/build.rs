//! Gives the shared library the name and the symbol version that programs linked against
//! CUDA 13 ask for.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcudart.so.13");
        // Programs refer to `cudaMalloc@libcudart.so.13`. GNU ld makes that version from the
        // soname; lld has no such option and rejects a second version script.
        println!("cargo::rustc-cdylib-link-arg=-fuse-ld=bfd");
        println!("cargo::rustc-cdylib-link-arg=-Wl,--default-symver");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
