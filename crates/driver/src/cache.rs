//! Compiled kernels kept on disk between runs.
//!
//! An entry is a checksum and an image file, named by the SHA-256 of all that determines it: PTX
//! text, kernel name, options, and a hash of the compiler's own source. Entries are written to a
//! temporary name and renamed, so readers never see a part; one that was damaged since is ignored
//! and written anew. No failure of the cache is an error of the program, and files in the folder
//! that are no entries are left alone.

use crate::config::CacheConfig;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use weft_compiler::{Options, image::Image};

/// Ending of the names of entries.
const EXTENSION: &str = "weftk";
/// Ending of the names of entries that are being written.
const TEMPORARY: &str = "weftk-tmp";
/// Bytes of the checksum in front of the image.
const DIGEST_BYTES: usize = 32;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Cache(Option<CacheConfig>);

impl Cache {
    pub(crate) const fn new(config: Option<CacheConfig>) -> Self {
        Self(config)
    }

    /// The image of a kernel, from the cache or else from `compile`.
    pub(crate) fn get_or_compile<E>(
        &self,
        ptx: &[u8],
        kernel: &str,
        options: &Options,
        compile: impl FnOnce() -> Result<Image, E>,
    ) -> Result<Image, E> {
        let Some(config) = &self.0 else {
            return compile();
        };
        let path = config.directory.join(key(ptx, kernel, options));
        if let Some(image) = load(&path) {
            return Ok(image);
        }
        let image = compile()?;
        if let Ok(bytes) = image.to_elf()
            && store(&path, &bytes).is_some()
        {
            prune(config);
        }
        Ok(image)
    }
}

fn key(ptx: &[u8], kernel: &str, options: &Options) -> String {
    let (major, minor) = options.compute_capability;
    let mut hasher = Sha256::new();
    for part in [
        env!("CARGO_PKG_VERSION").as_bytes(),
        env!("WEFT_COMPILER_HASH").as_bytes(),
        format!("sm_{major}{minor}").as_bytes(),
        &options.launch.code().to_le_bytes(),
        kernel.as_bytes(),
        ptx,
    ] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut name = String::new();
    for byte in hasher.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push('.');
    name.push_str(EXTENSION);
    name
}

fn load(path: &Path) -> Option<Image> {
    let entry = fs::read(path).ok()?;
    let (digest, elf) = entry.split_at_checked(DIGEST_BYTES)?;
    // The image reader finds what is inconsistent, not a flipped bit in an instruction.
    (Sha256::digest(elf).as_slice() == digest)
        .then(|| Image::from_elf(elf).ok())
        .flatten()
}

fn store(path: &Path, elf: &[u8]) -> Option<()> {
    // Threads and processes that write the same entry need names of their own.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    fs::create_dir_all(path.parent()?).ok()?;
    let temporary = path.with_extension(format!("{}-{number}.{TEMPORARY}", process::id()));
    let mut entry = Sha256::digest(elf).to_vec();
    entry.extend_from_slice(elf);
    if fs::write(&temporary, entry).is_err() || fs::rename(&temporary, path).is_err() {
        // Nothing to keep: the entry will be made again another time.
        let _ = fs::remove_file(&temporary);
        return None;
    }
    Some(())
}

/// Deletes the oldest entries while there are too many bytes.
fn prune(config: &CacheConfig) {
    let mut entries: Vec<(SystemTime, PathBuf, u64)> = fs::read_dir(&config.directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            // The folder is the user's choice and may hold other things.
            let path = entry.path();
            let ours = |extension| extension == EXTENSION || extension == TEMPORARY;
            path.extension().is_some_and(ours)
        })
        .filter_map(|entry| {
            let data = entry.metadata().ok()?;
            Some((data.modified().ok()?, entry.path(), data.len()))
        })
        .collect();
    let mut total: u64 = entries.iter().map(|entry| entry.2).sum();
    entries.sort();
    for (_, path, bytes) in entries {
        if total <= config.max_bytes {
            break;
        }
        // Another process may have deleted it.
        let _ = fs::remove_file(path);
        total -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_compiler::image::FunctionSymbol;

    /// An image told apart by the size of its parameter block; the code is of no interest.
    fn image(param_bytes: u32) -> Image {
        Image {
            code: vec![0x13, 0, 0, 0],
            functions: vec![FunctionSymbol {
                name: "k".to_owned(),
                bytes: 4,
                ..FunctionSymbol::default()
            }],
            param_bytes,
            compiler_version: "test".to_owned(),
            ..Image::default()
        }
    }

    fn compile(cache: &Cache, ptx: &[u8], param_bytes: u32) -> (u32, bool) {
        let mut compiled = false;
        let image = cache
            .get_or_compile(ptx, "k", &Options::default(), || {
                compiled = true;
                Ok::<_, ()>(image(param_bytes))
            })
            .unwrap();
        (image.param_bytes, compiled)
    }

    #[test]
    fn the_second_time_nothing_is_compiled_unless_the_entry_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(CacheConfig {
            directory: folder.path().to_owned(),
            max_bytes: 1 << 20,
        }));
        assert_eq!(compile(&cache, b"a", 0), (0, true));
        assert_eq!(compile(&cache, b"a", 4), (0, false));
        assert_eq!(compile(&cache, b"b", 4), (4, true));
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let sound = fs::read(&path).unwrap();
            for position in (0..sound.len()).step_by(13) {
                let mut damaged = sound.clone();
                damaged[position] ^= 1;
                fs::write(&path, &damaged).unwrap();
                assert_eq!(load(&path), None, "byte {position}");
            }
            for length in (0..sound.len()).step_by(17) {
                fs::write(&path, &sound[..length]).unwrap();
                assert_eq!(load(&path), None, "cut off at {length}");
            }
        }
        assert_eq!(compile(&cache, b"a", 4), (4, true));
        assert_eq!(compile(&cache, b"a", 0), (4, false));
    }

    #[test]
    fn the_oldest_entries_go_when_there_is_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(CacheConfig {
            directory: folder.path().to_owned(),
            max_bytes: 1,
        }));
        let stranger = folder.path().join("notes.elf");
        fs::write(&stranger, b"not an entry").unwrap();
        compile(&cache, b"a", 0);
        compile(&cache, b"b", 0);
        assert!(stranger.exists(), "a file of someone else was deleted");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    #[test]
    fn a_folder_that_cannot_be_made_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let cache = Cache::new(Some(CacheConfig {
            directory: folder.path().join("file/below"),
            max_bytes: 1 << 20,
        }));
        assert_eq!(compile(&cache, b"a", 0), (0, true));
        assert_eq!(compile(&cache, b"a", 4), (4, true));
    }
}
