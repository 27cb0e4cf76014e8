//! One model in the cache on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{HubError, RemoteFile, RepoName};

/// The folder of a model in the cache.
#[derive(Debug)]
pub(super) struct Repo {
    folder: PathBuf,
}

impl Repo {
    pub(super) fn new(cache: &Path, repo: &RepoName) -> Self {
        let name = repo.0.replace('/', "--");
        Self {
            folder: cache.join(format!("models--{name}")),
        }
    }

    /// The files of a version.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// Where a content is, or will be.
    pub(super) fn blob(&self, file: &RemoteFile) -> Result<PathBuf, HubError> {
        let folder = self.folder.join("blobs");
        fs::create_dir_all(&folder).map_err(|error| write_error(&folder, &error))?;
        Ok(folder.join(file.content.hex()))
    }

    /// The folder of the version of this name, if all of its weights are there. Other libraries
    /// name a version before they have fetched it, or fetch only a part.
    pub(super) fn whole(&self, revision: &str) -> Option<PathBuf> {
        let commit = fs::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        let folder = self.snapshot(commit.trim());
        if !folder.join("config.json").is_file() {
            return None;
        }
        if folder.join("model.safetensors").is_file() {
            return Some(folder);
        }
        let index = fs::read(folder.join("model.safetensors.index.json")).ok()?;
        let index: Value = serde_json::from_slice(&index).ok()?;
        let mut shards = index.get("weight_map")?.as_object()?.values();
        let all = shards.all(|shard| {
            shard
                .as_str()
                .is_some_and(|shard| folder.join(shard).is_file())
        });
        all.then_some(folder)
    }

    /// Whether a version has this file, as far as its length tells.
    pub(super) fn has(&self, commit: &str, file: &RemoteFile) -> bool {
        let path = self.snapshot(commit).join(&file.name);
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == file.bytes)
    }

    /// Puts a content into a version under its name.
    pub(super) fn link(&self, commit: &str, file: &RemoteFile) -> Result<(), HubError> {
        let folder = self.snapshot(commit);
        let path = folder.join(&file.name);
        let linked = || {
            fs::create_dir_all(&folder)?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let target = Path::new("../../blobs").join(file.content.hex());
            std::os::unix::fs::symlink(target, &path)
        };
        linked().map_err(|error| write_error(&path, &error))
    }

    /// Names a version.
    pub(super) fn name(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        let folder = self.folder.join("refs");
        let path = folder.join(revision);
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, commit));
        written.map_err(|error| write_error(&path, &error))
    }
}

pub(super) fn write_error(path: &Path, error: &std::io::Error) -> HubError {
    HubError::Write {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
