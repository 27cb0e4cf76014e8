//! Error logs.

use crate::c::{Handle, bytes_mut, get, put, put_optional, text};
use crate::call::exports;
use crate::logs::{LogsCallback, ignore, listen, next, since};
use crate::result::CUresult;
use std::ffi::{c_char, c_uint, c_void};

/// Said in the place of messages that have no room.
const TRUNCATED: &str = "[truncated: older messages do not fit]";

/// Messages from an iterator on, which moves to the end.
///
/// # Safety
/// `iterator` is null or valid.
unsafe fn messages(iterator: *mut c_uint) -> Result<Vec<String>, CUresult> {
    if iterator.is_null() {
        return Ok(since(None));
    }
    // SAFETY: the caller's pointer.
    let found = since(Some(unsafe { get(iterator) }?));
    // SAFETY: as above.
    unsafe { put(iterator, next()) }?;
    Ok(found)
}

exports! {
    fn cuLogsRegisterCallback(
        function: LogsCallback, data: *mut c_void, out: *mut Handle,
    ) {
        let listener = listen(function, data)?;
        // SAFETY: the caller passes null or a valid out pointer.
        unsafe { put_optional(out, listener) };
        Ok(())
    }

    fn cuLogsUnregisterCallback(listener: Handle) {
        ignore(listener)
    }

    fn cuLogsCurrent(iterator: *mut c_uint, flags: c_uint) {
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller passes a valid out pointer.
        unsafe { put(iterator, next()) }
    }

    fn cuLogsDumpToFile(iterator: *mut c_uint, path: *const c_char, flags: c_uint) {
        // SAFETY: the caller's string.
        let path = unsafe { text(path) }?;
        if flags != 0 {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: the caller's pointer.
        let lines: String = unsafe { messages(iterator) }?
            .iter()
            .map(|message| format!("{message}\n"))
            .collect();
        std::fs::write(path, lines).map_err(|_| CUresult::INVALID_VALUE)
    }

    fn cuLogsDumpToMemory(
        iterator: *mut c_uint, buffer: *mut c_char, size: *mut usize, flags: c_uint,
    ) {
        // SAFETY: the caller's pointer.
        let room = unsafe { get(size) }?;
        if flags != 0 || buffer.is_null() {
            return Err(CUresult::INVALID_VALUE);
        }
        // SAFETY: as above.
        let all = unsafe { messages(iterator) }?;
        if all.is_empty() {
            // SAFETY: as above.
            return unsafe { put(size, 0) };
        }
        let (mut kept, mut bytes) = (Vec::new(), 1);
        for message in all.iter().rev() {
            if bytes + message.len() + 1 > room {
                break;
            }
            bytes += message.len() + 1;
            kept.push(message.as_str());
        }
        // A note of what is missing has to fit too.
        while kept.len() < all.len() && bytes + TRUNCATED.len() + 1 > room {
            let Some(dropped) = kept.pop() else { break };
            bytes -= dropped.len() + 1;
        }
        if kept.is_empty() {
            // SAFETY: as above.
            unsafe { put(size, 0) }?;
            return Err(CUresult::INVALID_VALUE);
        }
        if kept.len() < all.len() {
            kept.push(TRUNCATED);
        }
        let text: String = kept.iter().rev().map(|message| format!("{message}\n")).collect();
        // SAFETY: the caller's buffer has room for the text and a NUL.
        let target = unsafe { bytes_mut(buffer.cast(), text.len() + 1) }?;
        target[..text.len()].copy_from_slice(text.as_bytes());
        target[text.len()] = 0;
        // SAFETY: as above.
        unsafe { put(size, text.len()) }
    }
}
