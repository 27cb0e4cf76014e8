//! What the library told the user, kept for programs that ask for it.

use crate::c::Handle;
use crate::handle::Registry;
use crate::result::CUresult;
use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes kept, as the reference says.
const BYTES_MAX: usize = 25_600;

/// `CUlogsCallback`.
pub(crate) type LogsCallback = Option<unsafe extern "C" fn(*mut c_void, c_int, *mut c_char, usize)>;

/// Messages by number, oldest first.
#[derive(Debug)]
struct Log {
    messages: VecDeque<String>,
    /// Number of the oldest message kept.
    first: u32,
    bytes: usize,
}

static LOG: Mutex<Log> = Mutex::new(Log {
    messages: VecDeque::new(),
    first: 0,
    bytes: 0,
});

/// A function of the program that is told every message.
#[derive(Debug)]
struct Listener {
    function: usize,
    data: usize,
}

static LISTENERS: Registry<Listener> = Registry::new(17, CUresult::INVALID_VALUE);

fn log() -> MutexGuard<'static, Log> {
    // No operation under the lock can panic halfway, so a poisoned log is still whole.
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a message and tells it to the program.
pub(crate) fn add(message: &str) {
    let line = message.replace('\n', " ");
    {
        let mut log = log();
        log.bytes += line.len() + 1;
        log.messages.push_back(line.clone());
        while log.bytes > BYTES_MAX
            && let Some(oldest) = log.messages.pop_front()
        {
            log.bytes -= oldest.len() + 1;
            log.first = log.first.wrapping_add(1);
        }
    }
    let Ok(text) = std::ffi::CString::new(line) else {
        return; // Text with a NUL byte, which a C string cannot tell.
    };
    for listener in LISTENERS.all() {
        /// `CU_LOG_LEVEL_ERROR`.
        const ERROR: c_int = 0;
        // SAFETY: the number is of a `LogsCallback`, which has the size of a pointer.
        let function = unsafe { std::mem::transmute::<usize, LogsCallback>(listener.function) };
        if let Some(function) = function {
            let length = text.as_bytes().len();
            let message = text.as_ptr().cast_mut();
            // SAFETY: the program gave the function to be called with its data and a message.
            unsafe { function(listener.data as *mut c_void, ERROR, message, length) };
        }
    }
}

/// Number that the next message will have.
pub(crate) fn next() -> u32 {
    let log = log();
    let kept = u32::try_from(log.messages.len()).unwrap_or(u32::MAX);
    log.first.wrapping_add(kept)
}

/// Messages from a number on, or all.
pub(crate) fn since(number: Option<u32>) -> Vec<String> {
    let log = log();
    let skipped = number.map_or(0, |number| number.saturating_sub(log.first));
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    log.messages.iter().skip(skipped).cloned().collect()
}

/// Lets a function of the program be told every message.
pub(crate) fn listen(function: LogsCallback, data: *mut c_void) -> Result<Handle, CUresult> {
    let function = function.ok_or(CUresult::INVALID_VALUE)?;
    Ok(LISTENERS.insert(Arc::new(Listener {
        function: function as usize,
        data: data as usize,
    })))
}

/// Ends that.
pub(crate) fn ignore(listener: Handle) -> Result<(), CUresult> {
    LISTENERS.remove(listener).map(|_| ())
}
