//! The files to look at: those named, those in folders, and those inside wheels.

use std::ffi::OsStr;
use std::fs;
use std::io::{Cursor, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result};

/// A file, or a member of a wheel.
pub(super) struct Source {
    /// Path; of a member, the wheel's path, a colon, and the path within.
    pub(super) name: String,
    /// Its contents.
    pub(super) bytes: Vec<u8>,
}

/// A member of a wheel is not expanded beyond this many bytes.
const MEMBER_BYTES_MAX: u64 = 4 << 30;

impl Source {
    /// Whether it is Python code.
    pub(super) fn is_python(&self) -> bool {
        Path::new(&self.name).extension() == Some(OsStr::new("py"))
    }
}

/// All files below a path, in order of name.
///
/// # Errors
/// If the path itself cannot be read; what lies below and cannot be read is passed over.
pub(super) fn collect(path: &Path) -> Result<Vec<Source>> {
    let failed = || format!("failed to read {}", path.display());
    if !path.is_dir() {
        let bytes = fs::read(path).with_context(failed)?;
        return Ok(expand(path.display().to_string(), bytes));
    }
    let mut found = Vec::new();
    let mut entries = fs::read_dir(path)
        .with_context(failed)?
        .flatten()
        .map(|entry| entry.path())
        .collect::<Vec<_>>();
    entries.sort();
    for entry in entries {
        // A link may lead back up; what it leads to is found where it is.
        if !entry.is_symlink() {
            found.extend(collect(&entry).unwrap_or_default());
        }
    }
    Ok(found)
}

/// A file, or what is in it if it is a wheel.
fn expand(name: String, bytes: Vec<u8>) -> Vec<Source> {
    let is_wheel = Path::new(&name)
        .extension()
        .is_some_and(|extension| extension == "whl" || extension == "zip");
    if !is_wheel {
        return vec![Source { name, bytes }];
    }
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return Vec::new();
    };
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let Ok(member) = archive.by_index(index) else {
            continue;
        };
        let name = format!("{name}:{}", member.name());
        let mut bytes = Vec::new();
        if member
            .take(MEMBER_BYTES_MAX)
            .read_to_end(&mut bytes)
            .is_ok()
        {
            members.push(Source { name, bytes });
        }
    }
    members
}
