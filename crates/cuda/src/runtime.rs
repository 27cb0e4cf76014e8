//! The process's device and the state behind handles: what the C API keeps between calls.

use crate::c::Handle;
use crate::call::message;
use crate::console::CStreams;
use crate::handle::Registry;
use crate::result::CUresult;
use std::cell::{Cell, RefCell};
use std::env;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use weft_driver::{
    Array, CacheConfig, CaptureError, CaptureMode, ChipFile, Config, Context, Device, Error, Event,
    FaultClass, HostProgram, Kernel, Linker, MipmappedArray, Module, Pool, Runtime, Stream,
    StreamKind,
};

/// Contexts by handle.
pub(crate) static CONTEXTS: Registry<Context> = Registry::new(1, CUresult::INVALID_CONTEXT);
/// Modules and libraries by handle.
pub(crate) static MODULES: Registry<Module> = Registry::new(2, CUresult::INVALID_HANDLE);
/// Kernels by handle; `CUfunction` and `CUkernel` are the same, as CUDA allows to mix them.
pub(crate) static KERNELS: Registry<Kernel> = Registry::new(3, CUresult::INVALID_HANDLE);
/// Streams by handle.
pub(crate) static STREAMS: Registry<Stream> = Registry::new(4, CUresult::INVALID_HANDLE);
/// Events by handle.
pub(crate) static EVENTS: Registry<Event> = Registry::new(5, CUresult::INVALID_HANDLE);
/// Pools by handle.
pub(crate) static POOLS: Registry<Pool> = Registry::new(6, CUresult::INVALID_VALUE);
/// Linkers by handle.
pub(crate) static LINKERS: Registry<LinkState> = Registry::new(7, CUresult::INVALID_HANDLE);

/// Arrays by handle.
pub(crate) static ARRAYS: Registry<Array> = Registry::new(8, CUresult::INVALID_HANDLE);
/// Mipmapped arrays by handle.
pub(crate) static MIPMAPPED: Registry<MipmappedArray> = Registry::new(9, CUresult::INVALID_HANDLE);

/// A linker and the image it gave out, which lives as long as the linker.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) linker: std::sync::Mutex<Linker>,
    pub(crate) image: OnceLock<Vec<u8>>,
}

/// Size of the compile cache on disk.
const CACHE_BYTES: u64 = 256 << 20;

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// What `cuInit` does: sets up the device, once.
pub(crate) fn initialise() -> Result<(), CUresult> {
    // A process that was forked has the parent's device without its threads.
    if FORKED.load(Ordering::Acquire) {
        return Err(CUresult::NOT_INITIALIZED);
    }
    device_or_set_up()?;
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: the function is of the shape that `pthread_atfork` takes; it only sets flags. If
        // there is no memory for the registration, children are not told apart.
        unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
    });
    INITIALISED.store(true, Ordering::Release);
    Ok(())
}

static FORKED: AtomicBool = AtomicBool::new(false);

/// In a child: CUDA cannot be used in it any more.
extern "C" fn after_fork() {
    FORKED.store(true, Ordering::Release);
    INITIALISED.store(false, Ordering::Release);
}

/// Whether [`initialise`] was successful in this process.
pub(crate) fn is_initialised() -> bool {
    INITIALISED.load(Ordering::Acquire)
}

/// The device.
///
/// # Errors
///
/// `NOT_INITIALIZED` before [`initialise`].
pub(crate) fn device() -> Result<&'static Arc<Device>, CUresult> {
    if !INITIALISED.load(Ordering::Acquire) {
        return Err(CUresult::NOT_INITIALIZED);
    }
    device_or_set_up()
}

fn device_or_set_up() -> Result<&'static Arc<Device>, CUresult> {
    static DEVICE: OnceLock<Result<Arc<Device>, CUresult>> = OnceLock::new();
    DEVICE
        .get_or_init(|| {
            let device = config().and_then(|config| Device::new(config).map_err(code))?;
            if env::var_os("WEFT_REPORT_DIR").is_some() {
                // SAFETY: the function is of the shape that `atexit` takes, and never unwinds.
                unsafe { libc::atexit(write_report) };
            }
            Ok(device)
        })
        .as_ref()
        .map_err(|error| *error)
}

/// The configuration that the environment asks for.
fn config() -> Result<Config, CUresult> {
    let mut config = match chip_file()? {
        Some(file) => Config::of_chip(file, env::var_os("WEFT_TIMING").is_some()),
        None => Config::default(),
    };
    config.console = Arc::new(CStreams);
    if let Ok(text) = env::var("WEFT_CC") {
        config.compute_capability = parse_capability(&text).ok_or_else(|| {
            message(format_args!(
                "WEFT_CC={text} is no compute capability such as 8.9"
            ));
            CUresult::INVALID_VALUE
        })?;
    }
    if let Ok(text) = env::var("WEFT_THREADS") {
        let threads = text.parse().ok().filter(|&threads: &usize| threads > 0);
        config.chip.host_threads = Some(threads.ok_or_else(|| {
            message(format_args!("WEFT_THREADS={text} is no number of threads"));
            CUresult::INVALID_VALUE
        })?);
    }
    if let Ok(text) = env::var("WEFT_ENGINE") {
        config.chip.engine = text.parse().map_err(|error| {
            message(format_args!("WEFT_ENGINE={text} is no engine: {error}"));
            CUresult::INVALID_VALUE
        })?;
    }
    if env::var_os("WEFT_CACHE").is_none_or(|value| value != "0") {
        config.cache = cache_directory().map(|directory| CacheConfig {
            directory,
            max_bytes: CACHE_BYTES,
        });
    }
    Ok(config)
}

/// The chip file that the environment names; the W1 when timing is asked for without one.
fn chip_file() -> Result<Option<ChipFile>, CUresult> {
    let name = match env::var("WEFT_CHIP") {
        Ok(name) => name,
        Err(_) if env::var_os("WEFT_TIMING").is_some() => "w1".to_owned(),
        Err(_) => return Ok(None),
    };
    ChipFile::named(&name).map(Some).map_err(|error| {
        message(format_args!("{error}"));
        CUresult::INVALID_VALUE
    })
}

fn parse_capability(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((
        major.parse().ok()?,
        minor.parse().ok().filter(|&minor| minor < 10)?,
    ))
}

fn cache_directory() -> Option<PathBuf> {
    let named = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("WEFT_CACHE_DIR")
        .or_else(|| Some(named("XDG_CACHE_HOME")?.join("weft").join("kernels")))
        .or_else(|| Some(named("HOME")?.join(".cache").join("weft").join("kernels")))
}

/// Writes the launch report when the process ends.
extern "C" fn write_report() {
    if FORKED.load(Ordering::Acquire) {
        return; // What ran is the parent's to report.
    }
    let write = || {
        let directory = PathBuf::from(env::var_os("WEFT_REPORT_DIR")?);
        let report = device_or_set_up().ok()?.report();
        let path = directory.join(format!("report-{}.json", std::process::id()));
        if let Err(error) = report.write(&path) {
            message(format_args!("failed to write {}: {error}", path.display()));
        }
        if env::var_os("WEFT_TIMELINE").is_some() {
            let path = directory.join(format!("trace-{}.json", std::process::id()));
            if let Err(error) = write_trace(&path) {
                message(format_args!("failed to write {}: {error}", path.display()));
            }
        }
        Some(())
    };
    // Nothing may unwind into the C library; a panic has been reported by its hook.
    let _ = std::panic::catch_unwind(write);
}

fn write_trace(path: &Path) -> std::io::Result<()> {
    let Ok(device) = device_or_set_up() else {
        return Ok(());
    };
    let mut file = BufWriter::new(File::create(path)?);
    device.write_trace(&mut file)?;
    file.flush()
}

/// Whether the running program carries Nvidia's runtime inside itself.
pub(crate) fn program_links_runtime_statically() -> bool {
    env::current_exe()
        .ok()
        .and_then(|path| std::fs::read(path).ok())
        .and_then(|bytes| HostProgram::parse(&bytes).ok())
        .is_some_and(|program| program.runtime == Runtime::Static)
}

thread_local! {
    /// Whether the null stream is the thread's own in the present call.
    static NULL_IS_PER_THREAD: Cell<bool> = const { Cell::new(false) };
    /// Default streams of this thread by context.
    static PER_THREAD: RefCell<Vec<Arc<Stream>>> = const { RefCell::new(Vec::new()) };
    /// How this thread's calls get on with captures.
    static CAPTURE_MODE: Cell<CaptureMode> = const { Cell::new(CaptureMode::Global) };
}

/// Ends what [`default_stream_scope`] began.
pub(crate) struct DefaultStreamScope(bool);

impl Drop for DefaultStreamScope {
    fn drop(&mut self) {
        NULL_IS_PER_THREAD.set(self.0);
    }
}

/// Lets the null stream mean what the name of a function says, until the result is dropped.
pub(crate) fn default_stream_scope(symbol: &str) -> DefaultStreamScope {
    let per_thread = symbol.ends_with("_ptsz") || symbol.ends_with("_ptds");
    DefaultStreamScope(NULL_IS_PER_THREAD.replace(per_thread))
}

/// The stream of a handle: null is the default stream that the present call means, 1
/// (`CU_STREAM_LEGACY`) that of the context, 2 (`CU_STREAM_PER_THREAD`) that of the thread.
pub(crate) fn stream(handle: Handle) -> Result<Arc<Stream>, CUresult> {
    let per_thread = match handle as usize {
        0 => NULL_IS_PER_THREAD.get(),
        1 => false,
        2 => true,
        _ => {
            device()?;
            return STREAMS.get(handle);
        }
    };
    let context = usable()?;
    if !per_thread {
        return device()?.default_stream(&context).map_err(code);
    }
    PER_THREAD.with_borrow_mut(|streams| {
        streams.retain(|stream| stream.usable().is_ok());
        let known = streams
            .iter()
            .find(|stream| stream.context().id() == context.id());
        if let Some(stream) = known {
            return Ok(Arc::clone(stream));
        }
        let stream = Stream::default_of(&context, StreamKind::PerThread).map_err(code)?;
        streams.push(Arc::clone(&stream));
        Ok(stream)
    })
}

/// How the thread's calls get on with captures, replaced by another mode.
pub(crate) fn exchange_capture_mode(mode: CaptureMode) -> CaptureMode {
    CAPTURE_MODE.replace(mode)
}

/// Checks that a call that could break a capture may be made.
pub(crate) fn check_unsafe_call() -> Result<(), CUresult> {
    device()?
        .check_unsafe_call(CAPTURE_MODE.get())
        .map_err(code)
}

thread_local! {
    /// Contexts made current in this thread, the current one last.
    static CURRENT: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

/// Handle of the thread's current context, null if there is none.
pub(crate) fn current_handle() -> Handle {
    CURRENT.with_borrow(|stack| stack.last().copied().unwrap_or(std::ptr::null_mut()))
}

/// The thread's current context.
///
/// # Errors
///
/// `INVALID_CONTEXT` if there is none, `CONTEXT_IS_DESTROYED` if it was destroyed.
pub(crate) fn current() -> Result<Arc<Context>, CUresult> {
    device()?;
    let handle = current_handle();
    if handle.is_null() {
        return Err(CUresult::INVALID_CONTEXT);
    }
    CONTEXTS
        .get(handle)
        .map_err(|_| CUresult::CONTEXT_IS_DESTROYED)
}

/// The thread's current context, if work may be submitted to it.
pub(crate) fn usable() -> Result<Arc<Context>, CUresult> {
    let context = current()?;
    // The fault was reported when it happened.
    context.usable().map_err(|error| number(&error))?;
    Ok(context)
}

/// Replaces the thread's current context; null leaves none.
pub(crate) fn set_current(handle: Handle) {
    CURRENT.with_borrow_mut(|stack| {
        stack.pop();
        if !handle.is_null() {
            stack.push(handle);
        }
    });
}

/// Makes a context current on top of the present one.
pub(crate) fn push_current(handle: Handle) {
    CURRENT.with_borrow_mut(|stack| stack.push(handle));
}

/// Takes the current context off.
pub(crate) fn pop_current() -> Result<Handle, CUresult> {
    CURRENT
        .with_borrow_mut(Vec::pop)
        .ok_or(CUresult::INVALID_CONTEXT)
}

/// Handle of a context that already has one, or a new one.
pub(crate) fn context_handle(context: &Arc<Context>) -> Handle {
    CONTEXTS
        .find(|known| known.id() == context.id())
        .unwrap_or_else(|| CONTEXTS.insert(Arc::clone(context)))
}

/// Reports an error of the driver to the user and gives its number.
pub(crate) fn code(error: Error) -> CUresult {
    // What programs ask for on purpose needs no words.
    if !matches!(error, Error::NotReady | Error::Capture(_)) {
        message(format_args!("{error}"));
    }
    number(&error)
}

/// `CUresult` of an error of the driver.
pub(crate) fn number(error: &Error) -> CUresult {
    match error {
        Error::InvalidValue(_) => CUresult::INVALID_VALUE,
        Error::OutOfMemory { .. } => CUresult::OUT_OF_MEMORY,
        Error::ContextDestroyed => CUresult::CONTEXT_IS_DESTROYED,
        Error::InvalidPtx(_) => CUresult::INVALID_PTX,
        Error::NoBinaryForGpu(_) => CUresult::NO_BINARY_FOR_GPU,
        Error::InvalidImage(_) => CUresult::INVALID_IMAGE,
        Error::NotFound { .. } => CUresult::NOT_FOUND,
        Error::NotSupported(_) | Error::UnsupportedPtx(_) => CUresult::NOT_SUPPORTED,
        Error::InvalidHandle(_) => CUresult::INVALID_HANDLE,
        Error::IllegalState(_) => CUresult::ILLEGAL_STATE,
        Error::NotReady => CUresult::NOT_READY,
        Error::NotPermitted => CUresult::NOT_PERMITTED,
        Error::GraphUpdate(_) => CUresult::GRAPH_EXEC_UPDATE_FAILURE,
        Error::Capture(error) => match error {
            CaptureError::Unsupported => CUresult::STREAM_CAPTURE_UNSUPPORTED,
            CaptureError::Invalidated => CUresult::STREAM_CAPTURE_INVALIDATED,
            CaptureError::Merge => CUresult::STREAM_CAPTURE_MERGE,
            CaptureError::Unmatched => CUresult::STREAM_CAPTURE_UNMATCHED,
            CaptureError::Unjoined => CUresult::STREAM_CAPTURE_UNJOINED,
            CaptureError::Isolation => CUresult::STREAM_CAPTURE_ISOLATION,
            CaptureError::Implicit => CUresult::STREAM_CAPTURE_IMPLICIT,
            CaptureError::CapturedEvent => CUresult::CAPTURED_EVENT,
            CaptureError::WrongThread => CUresult::STREAM_CAPTURE_WRONG_THREAD,
        },
        Error::CooperativeTooLarge { .. } => CUresult::COOPERATIVE_LAUNCH_TOO_LARGE,
        Error::AlreadyRegistered(_) => CUresult::HOST_MEMORY_ALREADY_REGISTERED,
        Error::NotRegistered(_) => CUresult::HOST_MEMORY_NOT_REGISTERED,
        Error::File { .. } => CUresult::FILE_NOT_FOUND,
        Error::Chip(_) => CUresult::NO_DEVICE,
        Error::Fault { class, .. } => match class {
            FaultClass::IllegalAddress => CUresult::ILLEGAL_ADDRESS,
            FaultClass::MisalignedAddress => CUresult::MISALIGNED_ADDRESS,
            FaultClass::IllegalInstruction => CUresult::ILLEGAL_INSTRUCTION,
            FaultClass::Stack => CUresult::HARDWARE_STACK_ERROR,
            FaultClass::Assert => CUresult::ASSERT,
            FaultClass::InvalidPc => CUresult::INVALID_PC,
            FaultClass::Launch => CUresult::LAUNCH_FAILED,
        },
        _ => CUresult::UNKNOWN,
    }
}
