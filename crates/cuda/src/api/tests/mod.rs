//! The library called as a program calls it, through its exported functions.

mod bad_input;
mod graphs;
mod layout;
mod stress;

use crate::c::Handle;
use crate::result::CUresult;
use crate::runtime;
use std::ffi::{c_int, c_void};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// A kernel that adds a number to a word, and one that stores its argument at an address.
const PTX: &[u8] = b"
.version 8.0
.target sm_80
.address_size 64
.visible .global .u32 word = 7;
.visible .entry add(.param .u64 target, .param .u32 value)
{
    .reg .u64 %rd<2>; .reg .u32 %r<4>;
    ld.param.u64 %rd1, [target];
    ld.param.u32 %r1, [value];
    ld.global.u32 %r2, [%rd1];
    add.u32 %r3, %r2, %r1;
    st.global.u32 [%rd1], %r3;
    ret;
}\0";

/// Null, for whatever a call does not need.
const fn null<T>() -> *mut T {
    std::ptr::null_mut()
}

/// Calls an exported function of this crate: `call!(module::name(arguments))`.
macro_rules! call {
    ($($name:ident)::+ ($($argument:expr),* $(,)?)) => {
        // SAFETY: the test keeps the function's contract, or breaks it where the library checks.
        unsafe { crate::api::$($name)::+($($argument),*) }
    };
}
pub(crate) use call;

/// Tests that use captures or the default stream of the one context disturb each other.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Initialises the library and makes the primary context current in this thread.
fn set_up() {
    static ONCE: Once = Once::new();
    static CONTEXT: Mutex<usize> = Mutex::new(0);
    ONCE.call_once(|| {
        assert_eq!(call!(entry::cuInit(0)), CUresult::SUCCESS);
        let mut context: Handle = null();
        let retained = call!(device::cuDevicePrimaryCtxRetain(&raw mut context, 0));
        assert_eq!(retained, CUresult::SUCCESS);
        *CONTEXT.lock().unwrap() = context as usize;
    });
    runtime::set_current(*CONTEXT.lock().unwrap() as Handle);
}

fn kernel() -> Handle {
    let (mut module, mut kernel): (Handle, Handle) = (null(), null());
    let loaded = call!(module::cuModuleLoadData(
        &raw mut module,
        PTX.as_ptr().cast()
    ));
    assert_eq!(loaded, CUresult::SUCCESS);
    let found = call!(module::cuModuleGetFunction(
        &raw mut kernel,
        module,
        c"add".as_ptr()
    ));
    assert_eq!(found, CUresult::SUCCESS);
    kernel
}

fn allocate(bytes: usize) -> u64 {
    let mut address = 0;
    let made = call!(memory::cuMemAlloc_v2(&raw mut address, bytes));
    assert_eq!(made, CUresult::SUCCESS);
    address
}

fn word(address: u64) -> u32 {
    let mut value = 0u32;
    let out: *mut c_void = (&raw mut value).cast();
    let copied = call!(copy::cuMemcpyDtoH_v2(out, address, 4));
    assert_eq!(copied, CUresult::SUCCESS);
    value
}

fn set_word(address: u64, value: u32) {
    let set = call!(memory::cuMemsetD32_v2(address, value, 1));
    assert_eq!(set, CUresult::SUCCESS);
}

fn stream() -> Handle {
    let mut stream: Handle = null();
    let made = call!(stream::cuStreamCreate(&raw mut stream, 1));
    assert_eq!(made, CUresult::SUCCESS);
    stream
}

/// Arguments of the kernel `add`, and pointers to them.
struct Arguments {
    _values: Box<(u64, u32)>,
    pointers: Box<[*const c_void; 2]>,
}

fn arguments(target: u64, value: u32) -> Arguments {
    let values = Box::new((target, value));
    let pointers = [(&raw const values.0).cast(), (&raw const values.1).cast()];
    Arguments {
        _values: values,
        pointers: Box::new(pointers),
    }
}

/// `CU_STREAM_CAPTURE_MODE_GLOBAL`.
const GLOBAL: u32 = 0;
/// `CU_STREAM_CAPTURE_STATUS_ACTIVE`.
const ACTIVE: c_int = 1;
