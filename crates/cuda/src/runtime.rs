//! The process's device and the state behind handles: what the C API keeps between calls.

use crate::c::Handle;
use crate::call::message;
use crate::console::CStreams;
use crate::handle::Registry;
use crate::result::CUresult;
use std::cell::RefCell;
use std::env;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use weft_driver::{
    CacheConfig, ChipFile, Config, Context, Device, Error, Event, FaultClass, HostProgram, Kernel,
    Linker, Module, Pool, Runtime, Stream,
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
    device_or_set_up()?;
    INITIALISED.store(true, Ordering::Release);
    Ok(())
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
    message(format_args!("{error}"));
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
