//! One file, from the hub to the cache.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::cache::{Repo, write_error};
use super::{ContentId, Hub, HubError, RemoteFile};

/// How far a fetch is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The file that is being fetched.
    pub file: &'a str,
    /// Bytes of all files that are here.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// Connections in a row that may break without a byte having come.
const FRUITLESS_MAX: u32 = 5;

/// Before a further connection; twice as long after each fruitless one.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the hub may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// The client for lists and files.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(SILENCE))
        .user_agent(concat!("weft/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Why a connection ended before the end of the file.
enum Broken {
    /// Another may do better.
    Connection(String),
    /// None will.
    Final(HubError),
}

/// A file whose first bytes are here.
struct Partial {
    file: File,
    hash: Hash,
    bytes: u64,
}

impl Hub {
    /// Fetches a content, from where an earlier attempt stopped; `tell` is told how many of its
    /// bytes are here.
    pub(super) fn download(
        &self,
        url: &str,
        file: &RemoteFile,
        place: &Repo,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), HubError> {
        let blob = place.blob(file)?;
        let path = blob.with_added_extension("incomplete");
        let failed = |error: std::io::Error| write_error(&path, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let handle = options.open(&path).map_err(failed)?;
        // Another process that fetches the same waits here, and then finds it.
        handle.lock().map_err(failed)?;
        if blob.is_file() {
            return Ok(());
        }
        let mut partial = Partial::of(handle, file).map_err(failed)?;
        let mut fruitless = 0;
        while partial.bytes < file.bytes {
            let before = partial.bytes;
            match self.receive(url, file, &mut partial, &path, tell) {
                Ok(()) => {}
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Connection(reason)) => {
                    fruitless = if partial.bytes > before {
                        0
                    } else {
                        fruitless + 1
                    };
                    if fruitless == FRUITLESS_MAX {
                        return Err(HubError::Network {
                            what: file.name.clone(),
                            reason,
                        });
                    }
                    std::thread::sleep(PAUSE * (1 << fruitless));
                }
            }
        }
        let found = partial.hash.hex();
        if found != file.content.hex() {
            fs::remove_file(&path).map_err(failed)?;
            return Err(HubError::Checksum {
                file: file.name.clone(),
                reason: format!("its checksum is {found}, not {}", file.content.hex()),
            });
        }
        partial.file.sync_all().map_err(failed)?;
        fs::rename(&path, &blob).map_err(failed)
    }

    /// Reads from one connection as much as comes.
    fn receive(
        &self,
        url: &str,
        file: &RemoteFile,
        partial: &mut Partial,
        path: &Path,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), Broken> {
        let mut request = self.request(url);
        if partial.bytes > 0 {
            request = request.header("range", format!("bytes={}-", partial.bytes));
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(ureq::Error::StatusCode(status)) if status < 500 && status != 429 => {
                return Err(Broken::Final(HubError::Refused {
                    repo: file.name.clone(),
                    status,
                }));
            }
            Err(error) => return Err(Broken::Connection(error.to_string())),
        };
        let failed = |error: std::io::Error| Broken::Final(write_error(path, &error));
        if partial.bytes > 0 && response.status() != 206 {
            partial.restart(file).map_err(failed)?;
        }
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; 1 << 16];
        loop {
            let count = match body.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Err(Broken::Connection(error.to_string())),
            };
            if partial.bytes + count as u64 > file.bytes {
                partial.restart(file).map_err(failed)?;
                return Err(Broken::Final(HubError::Checksum {
                    file: file.name.clone(),
                    reason: format!("it has more than {} bytes", file.bytes),
                }));
            }
            partial.add(&piece[..count]).map_err(failed)?;
            tell(partial.bytes);
        }
        if partial.bytes < file.bytes {
            return Err(Broken::Connection(format!(
                "the connection ended after {} of {} bytes",
                partial.bytes, file.bytes
            )));
        }
        Ok(())
    }
}

impl Partial {
    /// What an earlier attempt has left.
    fn of(mut handle: File, file: &RemoteFile) -> std::io::Result<Self> {
        let mut hash = Hash::new(file);
        let mut bytes = 0;
        let mut piece = vec![0; 1 << 20];
        loop {
            let count = handle.read(&mut piece)?;
            if count == 0 {
                break;
            }
            hash.add(&piece[..count]);
            bytes += count as u64;
        }
        let mut partial = Self {
            file: handle,
            hash,
            bytes,
        };
        if partial.bytes > file.bytes {
            partial.restart(file)?;
        }
        Ok(partial)
    }

    fn restart(&mut self, file: &RemoteFile) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Hash::new(file);
        self.bytes = 0;
        Ok(())
    }

    fn add(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.file.write_all(piece)?;
        self.hash.add(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }
}

/// A checksum in the making.
enum Hash {
    Sha256(Sha256),
    GitSha1(Sha1),
}

impl Hash {
    fn new(file: &RemoteFile) -> Self {
        match file.content {
            ContentId::Sha256(_) => Self::Sha256(Sha256::new()),
            // As git names a blob: its length belongs to it.
            ContentId::GitSha1(_) => {
                Self::GitSha1(Sha1::new_with_prefix(format!("blob {}\0", file.bytes)))
            }
        }
    }

    fn add(&mut self, piece: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(piece),
            Self::GitSha1(hash) => hash.update(piece),
        }
    }

    fn hex(self) -> String {
        let digest: Vec<u8> = match self {
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::GitSha1(hash) => hash.finalize().to_vec(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_known_by_the_checksums_of_git() {
        let of = |content| RemoteFile {
            name: "x".to_owned(),
            bytes: 6,
            content,
        };
        // `printf 'hello\n' | git hash-object --stdin`, `printf 'hello\n' | sha256sum`
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        for content in [
            ContentId::GitSha1(git.to_owned()),
            ContentId::Sha256(sha256.to_owned()),
        ] {
            let expected = content.hex().to_owned();
            let mut hash = Hash::new(&of(content));
            hash.add(b"hel");
            hash.add(b"lo\n");
            assert_eq!(hash.hex(), expected);
        }
    }
}
