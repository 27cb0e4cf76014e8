//! Bad input through the real `libcuda.so`: the error that CUDA documents, a live process, and a context
//! that works afterwards.
//!
//! The library is built in the profile of these tests and loaded by path. Every test has contexts of its
//! own, so the tests run side by side in one process, as threads of a program would.

#![expect(
    clippy::unwrap_used,
    reason = "a failed test should stop where it fails"
)]

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use weft_conformance::driver_api::{CudaError, Driver, Handle};

const HEADER: &str = ".version 7.0\n.target sm_70\n.address_size 64\n";

/// A kernel that stores 42 through its parameter.
const STORE: &str = "
.visible .entry store(.param .u64 address)
{
    .reg .b64 %rd<2>;
    ld.param.u64 %rd0, [address];
    mov.u64 %rd1, 42;
    st.global.u64 [%rd0], %rd1;
    ret;
}
";

static DRIVER: LazyLock<Driver> = LazyLock::new(|| {
    let path = build_library();
    // SAFETY: the library is ours, and checking handles and addresses is what these tests check.
    let driver = unsafe { Driver::load(&path) }.unwrap();
    driver.init().unwrap();
    driver
});

/// Builds `libcuda.so` in the profile of this test and returns its path.
fn build_library() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    // target/PROFILE/deps/bad_input-HASH
    let profile = executable.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "weft-cuda"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(
        cargo.status().unwrap().success(),
        "libcuda.so was not built"
    );
    profile.join("libcuda.so")
}

/// A context that is current in this thread and destroyed at the end of the test.
struct Context(Handle);

impl Context {
    fn new() -> Self {
        let device = DRIVER.device_get(0).unwrap();
        Self(DRIVER.ctx_create(device).unwrap())
    }

    fn function(&self, ptx: &str, name: &str) -> Handle {
        DRIVER.ctx_set_current(self.0).unwrap();
        let module = DRIVER
            .module_load_logged(format!("{HEADER}{ptx}").as_bytes())
            .unwrap_or_else(|(error, log)| panic!("{error}: {log}"));
        DRIVER
            .module_get_function(module, &CString::new(name).unwrap())
            .unwrap()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // A context with a fault may answer with the fault again; it is destroyed all the same.
        let _ = DRIVER.ctx_destroy(self.0);
    }
}

/// Launches one block and waits for it. A driver may report a fault at the launch already, as NVIDIA's
/// does with `CUDA_LAUNCH_BLOCKING=1`.
fn launch_and_wait(function: Handle, threads: u32, parameters: &[u64]) -> Result<(), CudaError> {
    DRIVER.launch(function, [1, 1, 1], [threads, 1, 1], 0, parameters)?;
    DRIVER.ctx_synchronize()
}

/// Launches one block in a context of its own and returns what the context says when it is waited for.
fn outcome(ptx: &str, name: &str, threads: u32, parameters: &[u64]) -> Result<(), CudaError> {
    let context = Context::new();
    let function = context.function(ptx, name);
    launch_and_wait(function, threads, parameters)
}

/// Checks that a fault poisons its own context, with the same error, and no other.
fn assert_fault(ptx: &str, name: &str, parameters: &[u64], expected: CudaError) {
    let bystander = Context::new();
    let kept = DRIVER.mem_alloc(8).unwrap();

    let faulty = Context::new();
    let function = faulty.function(ptx, name);
    assert_eq!(launch_and_wait(function, 32, parameters), Err(expected));
    assert_eq!(
        DRIVER.mem_alloc(16),
        Err(expected),
        "the fault must stay with its context"
    );
    assert_eq!(
        DRIVER.launch(function, [1, 1, 1], [32, 1, 1], 0, parameters),
        Err(expected)
    );
    drop(faulty);

    let store = bystander.function(STORE, "store");
    DRIVER
        .launch(store, [1, 1, 1], [1, 1, 1], 0, &[kept])
        .unwrap();
    DRIVER.ctx_synchronize().unwrap();
    let mut bytes = [0; 8];
    DRIVER.memcpy_dtoh(&mut bytes, kept).unwrap();
    assert_eq!(u64::from_le_bytes(bytes), 42);
    assert_eq!(outcome_of_a_good_kernel(), Ok(()));
}

fn outcome_of_a_good_kernel() -> Result<(), CudaError> {
    outcome(".visible .entry nothing() { ret; }", "nothing", 64, &[])
}

#[test]
fn every_truncation_of_a_module_is_refused_or_loads() {
    let _context = Context::new();
    let text = format!("{HEADER}{STORE}");
    let body = text.find('{').unwrap();
    for length in 0..text.len() {
        match DRIVER.module_load_text(&text.as_bytes()[..length]) {
            // Until the directives are complete there is nothing that says PTX.
            Err(CudaError::INVALID_PTX | CudaError::INVALID_IMAGE) => {}
            Err(error) => panic!("{length} bytes: {error}"),
            Ok(module) => {
                let complete = text[length..].trim().is_empty();
                assert!(length <= body || complete, "{length} bytes were accepted");
                DRIVER.module_unload(module).unwrap();
            }
        }
    }
    assert_eq!(outcome_of_a_good_kernel(), Ok(()));
}

#[test]
fn every_corrupted_byte_of_a_module_is_refused_or_loads() {
    let _context = Context::new();
    let text = format!("{HEADER}{STORE}");
    for index in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        for replacement in [b'?', 0xff, b'9', b' '] {
            bytes[index] = replacement;
            if let Ok(module) = DRIVER.module_load_text(&bytes) {
                DRIVER.module_unload(module).unwrap();
            }
        }
    }
    assert_eq!(outcome_of_a_good_kernel(), Ok(()));
}

#[test]
fn the_log_names_the_place_of_a_mistake() {
    let _context = Context::new();
    let ptx =
        format!("{HEADER}.visible .entry k()\n{{\n    add.s32 %r0, %r1, %r2;\n    ret;\n}}\n");
    let (error, log) = DRIVER.module_load_logged(ptx.as_bytes()).unwrap_err();
    assert_eq!(error, CudaError::INVALID_PTX);
    assert!(log.contains("%r0") && log.contains('6'), "{log:?}");
}

#[test]
fn unsupported_and_invalid_ptx_are_told_apart() {
    let _context = Context::new();
    for (instruction, expected) in [
        ("trycancel.async [%rd0];", CudaError::INVALID_PTX),
        (
            "tensormap.cp_fenceproxy [%rd0], [%rd0], 128;",
            CudaError::NOT_SUPPORTED,
        ),
        ("add.s32 %rd0, 1;", CudaError::INVALID_PTX),
    ] {
        let ptx = format!(
            "{HEADER}.visible .entry k() {{ .reg .b64 %rd<2>; {instruction} ret; }}\n{STORE}"
        );
        // The other kernels of the module are not concerned.
        let module = DRIVER.module_load_text(ptx.as_bytes()).unwrap();
        DRIVER.module_get_function(module, c"store").unwrap();
        let found = DRIVER.module_get_function(module, c"k");
        assert_eq!(found, Err(expected), "{instruction}");
        DRIVER.module_unload(module).unwrap();
    }
}

#[test]
fn machine_code_is_no_image_for_this_device() {
    let _context = Context::new();
    // An ELF header of machine 190 (EM_CUDA), as a cubin begins; no sections follow.
    let mut cubin = vec![0_u8; 4096];
    cubin[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0x33]);
    cubin[16..20].copy_from_slice(&[2, 0, 190, 0]);
    cubin[52..54].copy_from_slice(&64_u16.to_le_bytes());
    assert_eq!(
        DRIVER.module_load_image(&cubin),
        Err(CudaError::NO_BINARY_FOR_GPU)
    );

    // A fat binary with that machine code as its only entry; offsets as in a file that nvcc makes.
    let mut fatbin = Vec::new();
    fatbin.extend(0xba55_ed50_u32.to_le_bytes());
    fatbin.extend(1_u16.to_le_bytes());
    fatbin.extend(16_u16.to_le_bytes());
    fatbin.extend((64 + cubin.len() as u64).to_le_bytes());
    let mut entry = [0_u8; 64];
    entry[0..2].copy_from_slice(&2_u16.to_le_bytes());
    entry[2..4].copy_from_slice(&0x0101_u16.to_le_bytes());
    entry[4..8].copy_from_slice(&64_u32.to_le_bytes());
    entry[8..16].copy_from_slice(&(cubin.len() as u64).to_le_bytes());
    entry[24..28].copy_from_slice(&[1, 0, 8, 0]);
    entry[28..32].copy_from_slice(&80_u32.to_le_bytes());
    entry[40..48].copy_from_slice(&0x11_u64.to_le_bytes());
    fatbin.extend(entry);
    fatbin.extend(&cubin);
    assert_eq!(
        DRIVER.module_load_image(&fatbin),
        Err(CudaError::NO_BINARY_FOR_GPU)
    );
}

#[test]
fn an_address_outside_every_allocation_is_illegal() {
    assert_fault(STORE, "store", &[0x10], CudaError::ILLEGAL_ADDRESS);
    assert_fault(
        STORE,
        "store",
        &[0xffff_ffff_ffff_fff8],
        CudaError::ILLEGAL_ADDRESS,
    );
    // Memory of this process that was never given to the device.
    let host = Box::new(0_u64);
    let address = std::ptr::from_ref(&*host).expose_provenance() as u64;
    assert_fault(STORE, "store", &[address], CudaError::ILLEGAL_ADDRESS);
    assert_eq!(*host, 0);
}

#[test]
fn freed_memory_is_illegal() {
    let context = Context::new();
    let bytes = 256 << 20;
    let address = DRIVER.mem_alloc(bytes).unwrap();
    DRIVER.mem_free(address).unwrap();
    drop(context);
    // The middle of the block: its start may be given away again to one of the small allocations.
    let middle = address + bytes as u64 / 2;
    assert_fault(STORE, "store", &[middle], CudaError::ILLEGAL_ADDRESS);
}

#[test]
fn a_misaligned_address_is_told_apart() {
    let context = Context::new();
    let address = DRIVER.mem_alloc(64).unwrap();
    let function = context.function(STORE, "store");
    assert_eq!(
        launch_and_wait(function, 1, &[address + 4]),
        Err(CudaError::MISALIGNED_ADDRESS)
    );
}

#[test]
fn a_loop_over_all_of_memory_ends_at_the_first_illegal_address() {
    let ptx = "
.visible .entry sweep(.param .u64 address)
{
    .reg .b64 %rd<2>;
    .reg .b32 %r;
    ld.param.u64 %rd0, [address];
    mov.u32 %r, 7;
next:
    st.global.u32 [%rd0], %r;
    add.u64 %rd0, %rd0, 4096;
    bra next;
}
";
    let context = Context::new();
    let address = DRIVER.mem_alloc(1 << 16).unwrap();
    let function = context.function(ptx, "sweep");
    assert_eq!(
        launch_and_wait(function, 1, &[address]),
        Err(CudaError::ILLEGAL_ADDRESS)
    );
}

#[test]
fn shared_and_local_memory_have_ends() {
    let shared = "
.visible .entry shared_end()
{
    .shared .align 4 .b8 tile[64];
    .reg .b32 %r<2>;
    mov.u32 %r0, tile;
    add.u32 %r0, %r0, 67108864;
    ld.volatile.shared.u32 %r1, [%r0];
    st.volatile.shared.u32 [%r0], %r1;
    ret;
}
";
    assert_fault(shared, "shared_end", &[], CudaError::ILLEGAL_ADDRESS);
    let local = "
.visible .entry local_end()
{
    .local .align 4 .b8 frame[64];
    .shared .align 4 .b8 tile[64];
    .reg .b64 %rd;
    .reg .b32 %r;
    mov.u64 %rd, frame;
    add.u64 %rd, %rd, 1073741824;
    ld.local.u32 %r, [%rd];
    st.volatile.shared.u32 [tile], %r;
    ret;
}
";
    assert_fault(local, "local_end", &[], CudaError::ILLEGAL_ADDRESS);
}

#[test]
fn recursion_without_end_overflows_the_stack() {
    let ptx = "
.func (.param .b32 result) deeper(.param .b32 depth)
{
    .reg .b32 %r<4>;
    ld.param.b32 %r0, [depth];
    add.u32 %r1, %r0, 1;
    {
    .param .b32 argument;
    .param .b32 returned;
    st.param.b32 [argument], %r1;
    call.uni (returned), deeper, (argument);
    ld.param.b32 %r2, [returned];
    }
    add.u32 %r3, %r2, %r0;
    st.param.b32 [result], %r3;
    ret;
}
.visible .entry fall()
{
    .reg .b32 %r<2>;
    mov.u32 %r0, %tid.x;
    {
    .param .b32 argument;
    .param .b32 returned;
    st.param.b32 [argument], %r0;
    call.uni (returned), deeper, (argument);
    ld.param.b32 %r1, [returned];
    }
    ret;
}
";
    // A GPU without a check of its stack pointer may find an illegal address first.
    let context = Context::new();
    let function = context.function(ptx, "fall");
    assert_eq!(
        launch_and_wait(function, 32, &[]),
        Err(CudaError::HARDWARE_STACK_ERROR)
    );
    drop(context);
    assert_eq!(outcome_of_a_good_kernel(), Ok(()));
}

#[test]
fn a_trap_is_a_failed_launch() {
    assert_fault(
        ".visible .entry stop() { trap; }",
        "stop",
        &[],
        CudaError::LAUNCH_FAILED,
    );
}

#[test]
fn a_failed_assertion_is_told_apart() {
    let ptx = r#"
.extern .func __assertfail(.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 n, .param .b64 s) .noreturn;
.global .align 1 .b8 text[5] = {120, 32, 62, 32, 0};
.visible .entry check()
{
    .reg .b64 %rd<2>;
    mov.u64 %rd0, text;
    cvta.global.u64 %rd1, %rd0;
    {
    .param .b64 m; .param .b64 f; .param .b32 l; .param .b64 n; .param .b64 s;
    st.param.b64 [m], %rd1;
    st.param.b64 [f], %rd1;
    st.param.b32 [l], 12;
    st.param.b64 [n], %rd1;
    st.param.b64 [s], 1;
    call.uni __assertfail, (m, f, l, n, s);
    }
    ret;
}
"#;
    assert_fault(ptx, "check", &[], CudaError::ASSERT);
}

#[test]
fn launches_that_cannot_be_made_are_refused_and_harmless() {
    let context = Context::new();
    let address = DRIVER.mem_alloc(8).unwrap();
    let function = context.function(STORE, "store");
    let refused: &[([u32; 3], [u32; 3], u32)] = &[
        ([1, 1, 1], [2048, 1, 1], 0),
        ([1, 1, 1], [1024, 2, 1], 0),
        ([1, 1, 1], [1, 1, 65], 0),
        ([1, 1, 1], [0, 1, 1], 0),
        ([1, 1, 1], [1, 1, 0], 0),
        ([0, 1, 1], [32, 1, 1], 0),
        ([1, 65_536, 1], [32, 1, 1], 0),
        ([1, 1, 0], [32, 1, 1], 0),
        ([1, 1, 1], [32, 1, 1], 1 << 24),
        ([1, 1, 1], [u32::MAX, u32::MAX, u32::MAX], u32::MAX),
    ];
    for (grid, block, shared) in refused {
        assert_eq!(
            DRIVER.launch(function, *grid, *block, *shared, &[address]),
            Err(CudaError::INVALID_VALUE),
            "grid {grid:?} block {block:?} shared {shared}"
        );
    }
    assert_eq!(launch_and_wait(function, 32, &[address]), Ok(()));
}

#[test]
fn names_that_are_not_in_the_module_are_not_found() {
    let _context = Context::new();
    let module = DRIVER
        .module_load_text(format!("{HEADER}{STORE}").as_bytes())
        .unwrap();
    assert_eq!(
        DRIVER.module_get_function(module, c"stor"),
        Err(CudaError::NOT_FOUND)
    );
    assert_eq!(
        DRIVER.module_get_function(module, c""),
        Err(CudaError::NOT_FOUND)
    );
    assert_eq!(
        DRIVER.module_get_global(module, c"store"),
        Err(CudaError::NOT_FOUND)
    );
    assert!(DRIVER.module_get_function(module, c"store").is_ok());
}

#[test]
fn memory_is_freed_once_and_only_by_its_start() {
    let _context = Context::new();
    let address = DRIVER.mem_alloc(4096).unwrap();
    assert_eq!(
        DRIVER.mem_free(address + 256),
        Err(CudaError::INVALID_VALUE)
    );
    assert_eq!(DRIVER.mem_free(address), Ok(()));
    assert_eq!(DRIVER.mem_free(address), Err(CudaError::INVALID_VALUE));
    assert_eq!(DRIVER.mem_free(0x1234), Err(CudaError::INVALID_VALUE));
    assert_eq!(DRIVER.mem_free(0), Ok(()), "freeing null does nothing");
    assert_eq!(DRIVER.mem_alloc(0), Err(CudaError::INVALID_VALUE));
    assert_eq!(DRIVER.mem_alloc(1 << 60), Err(CudaError::OUT_OF_MEMORY));
    assert_eq!(DRIVER.mem_alloc(usize::MAX), Err(CudaError::OUT_OF_MEMORY));
}

#[test]
fn copies_stay_inside_their_allocation() {
    let _context = Context::new();
    let address = DRIVER.mem_alloc(256).unwrap();
    let mut bytes = vec![0; 1 << 20];
    assert_eq!(
        DRIVER.memcpy_htod(address, &bytes),
        Err(CudaError::INVALID_VALUE)
    );
    assert_eq!(
        DRIVER.memcpy_dtoh(&mut bytes, address),
        Err(CudaError::INVALID_VALUE)
    );
    assert_eq!(
        DRIVER.memset_d8(address, 1, 1 << 20),
        Err(CudaError::INVALID_VALUE)
    );
    assert_eq!(DRIVER.memset_d8(0, 1, 16), Err(CudaError::INVALID_VALUE));
    assert_eq!(DRIVER.memcpy_htod(address, &bytes[..256]), Ok(()));
}

#[test]
fn destroyed_and_invented_handles_are_refused() {
    let context = Context::new();
    let module = DRIVER
        .module_load_text(format!("{HEADER}{STORE}").as_bytes())
        .unwrap();
    let function = DRIVER.module_get_function(module, c"store").unwrap();
    DRIVER.module_unload(module).unwrap();
    assert_eq!(DRIVER.module_unload(module), Err(CudaError::INVALID_HANDLE));
    assert_eq!(
        DRIVER.module_get_function(module, c"store"),
        Err(CudaError::INVALID_HANDLE)
    );
    assert_eq!(
        DRIVER.launch(function, [1, 1, 1], [1, 1, 1], 0, &[0]),
        Err(CudaError::INVALID_HANDLE)
    );

    let (stream, event) = (
        DRIVER.stream_create().unwrap(),
        DRIVER.event_create().unwrap(),
    );
    DRIVER.stream_destroy(stream).unwrap();
    DRIVER.event_destroy(event).unwrap();
    assert_eq!(
        DRIVER.stream_synchronize(stream),
        Err(CudaError::INVALID_HANDLE)
    );
    assert_eq!(
        DRIVER.stream_destroy(stream),
        Err(CudaError::INVALID_HANDLE)
    );
    assert_eq!(
        DRIVER.event_record(event, 0),
        Err(CudaError::INVALID_HANDLE)
    );
    assert_eq!(DRIVER.event_destroy(event), Err(CudaError::INVALID_HANDLE));
    for invented in [0xdead_beef_usize, usize::MAX, 8] {
        assert_eq!(
            DRIVER.module_unload(invented),
            Err(CudaError::INVALID_HANDLE)
        );
        assert_eq!(
            DRIVER.stream_synchronize(invented),
            Err(CudaError::INVALID_HANDLE)
        );
        assert_eq!(
            DRIVER.event_destroy(invented),
            Err(CudaError::INVALID_HANDLE)
        );
    }
    drop(context);
    assert_eq!(outcome_of_a_good_kernel(), Ok(()));
}

#[test]
fn a_destroyed_context_is_refused() {
    let device = DRIVER.device_get(0).unwrap();
    let context = DRIVER.ctx_create(device).unwrap();
    DRIVER.ctx_destroy(context).unwrap();
    let refused = |result| {
        matches!(
            result,
            Err(CudaError::INVALID_CONTEXT | CudaError::CONTEXT_IS_DESTROYED)
        )
    };
    assert!(refused(DRIVER.ctx_destroy(context)));
    assert!(refused(DRIVER.ctx_set_current(context)));
    assert!(refused(DRIVER.ctx_set_current(0xdead_beef)));
    assert!(refused(DRIVER.mem_alloc(16).map(|_| ())));
    assert_eq!(DRIVER.device_get(1_000), Err(CudaError::INVALID_DEVICE));
    assert_eq!(DRIVER.device_get(-1), Err(CudaError::INVALID_DEVICE));
}
