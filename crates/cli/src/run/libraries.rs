//! The shipped libraries, under the names by which loaders look for them.
//!
//! They are built as `libcuda.so` and so on next to `weft`. Programs ask for `libcuda.so.1`,
//! so each is linked under its loader names in a directory of its own. That directory is in the
//! user's cache and its name is made from the version and the place of the libraries: it stays
//! valid for processes that outlive this one, and two builds do not disturb each other.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::failure::Failure;

/// A library as built, and the names under which programs ask for it.
struct Library {
    built: &'static str,
    names: &'static [&'static str],
    /// Whether `weft run` makes no sense without it.
    required: bool,
}

const LIBRARIES: &[Library] = &[
    Library {
        built: "libcuda.so",
        names: &["libcuda.so.1", "libcuda.so"],
        required: true,
    },
    Library {
        built: "libcudart13.so",
        names: &["libcudart.so.13", "libcudart.so"],
        required: false,
    },
    Library {
        built: "libcudart12.so",
        names: &["libcudart.so.12"],
        required: false,
    },
];

/// Makes the directory of loader names and returns it.
///
/// # Errors
/// When a required library is missing, or the directory cannot be written.
pub(super) fn directory() -> Result<PathBuf> {
    let executable = env::current_exe().context("failed to find the weft executable")?;
    let executable = executable.canonicalize().unwrap_or(executable);
    let home = executable.parent().unwrap_or(Path::new("/"));
    let places = [home.to_path_buf(), home.join("../lib/weft")];
    let place = places
        .iter()
        .find(|place| place.join(LIBRARIES[0].built).is_file())
        .ok_or_else(|| {
            Failure::new(format!(
                "found no {} beside {}",
                LIBRARIES[0].built,
                executable.display()
            ))
            .hint("cargo build --release builds the command and its libraries")
        })?;

    let root = cache_root();
    let directory = root.join(directory_name(place));
    link(place, &directory)
        .with_context(|| format!("failed to link libraries in {}", directory.display()))?;
    Ok(directory)
}

/// The program that stands for an assembler, if it lies beside this one.
pub(super) fn assembler() -> Option<PathBuf> {
    let assembler = env::current_exe().ok()?.with_file_name("weft-ptxas");
    assembler.is_file().then_some(assembler)
}

/// The value of `LD_LIBRARY_PATH` for the child: `directory`, then what was there.
pub(super) fn loader_path(directory: &Path) -> OsString {
    let mut path = directory.as_os_str().to_owned();
    if let Some(before) = env::var_os("LD_LIBRARY_PATH").filter(|before| !before.is_empty()) {
        path.push(":");
        path.push(before);
    }
    path
}

fn cache_root() -> PathBuf {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(env::temp_dir)
        .join("weft")
}

fn directory_name(place: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    place.as_os_str().as_bytes().hash(&mut hasher);
    format!("lib-{}-{:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}

fn link(place: &Path, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    for library in LIBRARIES {
        let target = place.join(library.built);
        if !library.required && !target.is_file() {
            continue;
        }
        for name in library.names {
            link_one(&target, &directory.join(name))?;
        }
    }
    Ok(())
}

/// Makes `name` a symbolic link to `target` without a moment in which it is absent: another
/// `weft run` may be loading it.
fn link_one(target: &Path, name: &Path) -> io::Result<()> {
    if fs::read_link(name).is_ok_and(|current| current == target) {
        return Ok(());
    }
    let mut temporary = name.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let _ = fs::remove_file(&temporary);
    symlink(target, &temporary)?;
    fs::rename(&temporary, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_linked_once_and_again() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("libcuda.so"), b"built").unwrap();
        let directory = place.path().join("links");
        for _ in 0..2 {
            link(place.path(), &directory).unwrap();
            assert_eq!(fs::read(directory.join("libcuda.so.1")).unwrap(), b"built");
        }
        assert!(!directory.join("libcudart.so.13").exists());
        let count = fs::read_dir(&directory).unwrap().count();
        assert_eq!(count, LIBRARIES[0].names.len());
    }

    #[test]
    fn a_stale_link_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let name = place.path().join("libcuda.so.1");
        symlink("/nowhere", &name).unwrap();
        link_one(&place.path().join("libcuda.so"), &name).unwrap();
        assert_eq!(
            fs::read_link(&name).unwrap(),
            place.path().join("libcuda.so")
        );
    }

    #[test]
    fn two_builds_have_two_directories() {
        assert_ne!(
            directory_name(Path::new("/a")),
            directory_name(Path::new("/b"))
        );
    }
}
