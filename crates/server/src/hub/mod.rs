//! Models of the Hugging Face hub: found in its cache on this machine, or fetched into it.
//!
//! ```text
//! $HF_HUB_CACHE/models--ORG--NAME/refs/main                 the commit
//!                                /blobs/SHA256 OR GIT SHA1  contents, while they come with `.incomplete`
//!                                /snapshots/COMMIT/FILE     links to them
//! ```
//!
//! is the layout of the hub's own libraries, so what one has fetched the others find. A download
//! that broke off goes on where it stopped; a content whose checksum is not that of the hub's list
//! is thrown away. Source: huggingface.co/docs/hub/local-cache, and the API that
//! huggingface.co/docs/hub/api describes.

mod cache;
mod download;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use download::Progress;

/// Where models are, unless `$HF_ENDPOINT` names another place with the same interface.
const ENDPOINT: &str = "https://huggingface.co";

/// The branch that is fetched.
const REVISION: &str = "main";

/// Longest answer that is not a file: the list of a repository.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// A hub, and its cache on this machine.
#[derive(Debug)]
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    offline: bool,
    cache: PathBuf,
    agent: ureq::Agent,
}

/// The name of a model on a hub: `ORG/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoName(String);

/// Why a model was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// `$HF_HUB_OFFLINE` is set.
    #[error("`{0}` is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")]
    Offline(String),
    /// The hub does not have it, or does not show it.
    #[error("{repo}: the hub answered {status}{}", hint(*.status))]
    Refused {
        /// The model.
        repo: String,
        /// HTTP status.
        status: u16,
    },
    /// The hub cannot be reached, or broke off too often.
    #[error("failed to fetch {what}: {reason}")]
    Network {
        /// File or list.
        what: String,
        /// The last failure.
        reason: String,
    },
    /// The hub's list is not as documented, or names what must not be written.
    #[error("{repo}: {reason}")]
    List {
        /// The model.
        repo: String,
        /// What is wrong.
        reason: String,
    },
    /// What came is not what the list says.
    #[error("{file}: {reason}; it was thrown away")]
    Checksum {
        /// The file.
        file: String,
        /// What differs.
        reason: String,
    },
    /// The cache cannot be written.
    #[error("failed to write {}: {reason}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

const fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => ": there is no such model, or it needs a token in HF_TOKEN",
        404 => ": there is no such model",
        429 => ": too many requests; try again later",
        _ => "",
    }
}

impl RepoName {
    /// Reads `ORG/NAME`; `None` if it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (org, name) = text.split_once('/')?;
        let good = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty()
                && part.len() <= 96
                && part.chars().all(allowed)
                && !part.starts_with(['-', '.'])
                && !part.ends_with(['-', '.'])
                && !part.contains("--")
                && !part.contains("..")
        };
        (good(org) && good(name)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A repository as the hub lists it.
#[derive(Debug, Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Clone, Debug, Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Clone, Debug, Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RemoteFile {
    name: String,
    bytes: u64,
    content: ContentId,
}

/// The checksum by which a content is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ContentId {
    /// Of large files.
    Sha256(String),
    /// Of others: that of a git blob.
    GitSha1(String),
}

impl ContentId {
    fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitSha1(hex) => hex,
        }
    }
}

impl Hub {
    /// The hub that the environment names; `environment` reads a variable: `HF_ENDPOINT`,
    /// `HF_TOKEN`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`, `HF_HUB_OFFLINE`.
    #[must_use]
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| environment(name).filter(|value| !value.is_empty());
        let path = |name| set(name).map(PathBuf::from);
        let cache = path("HF_HUB_CACHE").unwrap_or_else(|| {
            let home = path("HF_HOME").unwrap_or_else(|| {
                path("XDG_CACHE_HOME")
                    .or_else(|| path("HOME").map(|home| home.join(".cache")))
                    .unwrap_or_else(|| PathBuf::from(".cache"))
                    .join("huggingface")
            });
            home.join("hub")
        });
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: set("HF_TOKEN"),
            offline: set("HF_HUB_OFFLINE").is_some_and(|value| value != "0"),
            cache,
            agent: download::agent(),
        }
    }

    /// The folder of a model that is here already, whole.
    #[must_use]
    pub fn find(&self, repo: &RepoName) -> Option<PathBuf> {
        cache::Repo::new(&self.cache, repo).whole(REVISION)
    }

    /// Fetches what of the model's newest version is not here yet; gives its folder. `progress` is
    /// told of every piece.
    ///
    /// # Errors
    ///
    /// If the hub does not give it, or gives something else than its list says, or the cache
    /// cannot be written.
    pub fn fetch(
        &self,
        repo: &RepoName,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<PathBuf, HubError> {
        if self.offline {
            return Err(HubError::Offline(repo.0.clone()));
        }
        let (commit, files) = self.list(repo)?;
        let place = cache::Repo::new(&self.cache, repo);
        let total = files.iter().map(|file| file.bytes).sum();
        let mut before = 0;
        for file in &files {
            let mut tell = |done: u64| {
                progress(&Progress {
                    file: &file.name,
                    done: before + done,
                    total,
                });
            };
            if !place.has(&commit, file) {
                let url = format!(
                    "{}/{}/resolve/{commit}/{}",
                    self.endpoint, repo.0, file.name
                );
                self.download(&url, file, &place, &mut tell)?;
                place.link(&commit, file)?;
            }
            tell(file.bytes);
            before += file.bytes;
        }
        // Last: a version that is named is whole.
        place.name(REVISION, &commit)?;
        Ok(place.snapshot(&commit))
    }

    /// The newest commit of a model, and the files of it that are needed to run it.
    fn list(&self, repo: &RepoName) -> Result<(String, Vec<RemoteFile>), HubError> {
        let url = format!(
            "{}/api/models/{}/revision/{REVISION}?blobs=true",
            self.endpoint, repo.0
        );
        let failed = |error: ureq::Error| match error {
            ureq::Error::StatusCode(status) => HubError::Refused {
                repo: repo.0.clone(),
                status,
            },
            error => HubError::Network {
                what: url.clone(),
                reason: error.to_string(),
            },
        };
        let mut response = self.request(&url).call().map_err(failed)?;
        let body = response.body_mut().with_config().limit(LIST_BYTES_MAX);
        let text = body.read_to_string().map_err(failed)?;
        let wrong = |reason: String| HubError::List {
            repo: repo.0.clone(),
            reason,
        };
        let listing: Listing = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("the hub's list: {error}")))?;
        if !is_hex(&listing.sha, 40) {
            return Err(wrong(format!("`{}` is no commit", listing.sha)));
        }
        let files = needed(&listing.siblings).map_err(wrong)?;
        Ok((listing.sha, files))
    }

    fn request(&self, url: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let request = self.agent.get(url);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

/// The files that a model needs: configuration, tokenizer, templates, and its safetensors.
fn needed(siblings: &[Sibling]) -> Result<Vec<RemoteFile>, String> {
    // The files of the model itself lie at the top; folders hold other forms of it.
    let top = || siblings.iter().filter(|each| is_plain(&each.rfilename));
    let has = |name: &str| top().any(|each| each.rfilename == name);
    if !has("config.json") {
        return Err("it has no config.json".to_owned());
    }
    if !top().any(|each| is_weights(&each.rfilename)) {
        return Err("it has no safetensors".to_owned());
    }
    let wanted = |name: &str| {
        let small = [".json", ".jinja", "merges.txt", "vocab.txt", ".model"];
        is_weights(name) || small.iter().any(|end| name.ends_with(end))
    };
    top()
        .filter(|each| wanted(&each.rfilename))
        .map(remote)
        .collect()
}

/// Weights as checkpoints name them: `model.safetensors`, `model-00001-of-00002.safetensors`.
fn is_weights(name: &str) -> bool {
    name.starts_with("model") && Path::new(name).extension() == Some("safetensors".as_ref())
}

/// Whether a name can be a file of a folder, wherever it comes from.
fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(allowed)
}

fn remote(sibling: &Sibling) -> Result<RemoteFile, String> {
    let name = sibling.rfilename.clone();
    let (content, bytes) = match (&sibling.lfs, &sibling.blob_id) {
        (Some(lfs), _) => (ContentId::Sha256(lfs.sha256.clone()), Some(lfs.size)),
        (None, Some(id)) => (ContentId::GitSha1(id.clone()), sibling.size),
        (None, None) => return Err(format!("`{name}` has no checksum in the hub's list")),
    };
    let digits = match content {
        ContentId::Sha256(_) => 64,
        ContentId::GitSha1(_) => 40,
    };
    if !is_hex(content.hex(), digits) {
        return Err(format!("`{}` is no checksum of `{name}`", content.hex()));
    }
    let bytes = bytes.ok_or_else(|| format!("`{name}` has no size in the hub's list"))?;
    Ok(RemoteFile {
        name,
        bytes,
        content,
    })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_models_are_names_of_models() {
        for (text, good) in [
            ("Qwen/Qwen2.5-0.5B-Instruct", true),
            ("models/weft-tiny", true),
            ("Qwen", false),
            ("a/b/c", false),
            ("../etc", false),
            ("a/..", false),
            ("a/b--c", false),
            ("a/", false),
            ("/a", false),
            ("a b/c", false),
        ] {
            assert_eq!(RepoName::parse(text).is_some(), good, "{text}");
        }
    }

    fn sibling(name: &str) -> Sibling {
        Sibling {
            rfilename: name.to_owned(),
            size: Some(3),
            blob_id: Some("a".repeat(40)),
            lfs: None,
        }
    }

    #[test]
    fn what_a_model_needs_is_fetched_and_nothing_else() {
        let names = [
            "config.json",
            "model.safetensors",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "tokenizer.json",
            "chat_template.jinja",
            "merges.txt",
            ".gitattributes",
            "README.md",
            "pytorch_model.bin",
            "onnx/model.safetensors",
            "../model.safetensors",
            "consolidated.safetensors",
        ];
        let files = needed(&names.map(sibling)).unwrap();
        let found: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(found, names[..7]);
    }

    #[test]
    fn a_list_that_cannot_be_used_says_why() {
        let good = ["config.json", "model.safetensors"].map(sibling);
        assert!(needed(&good).is_ok());
        type Change = fn(&mut Sibling);
        let changes: [(usize, Change, &str); 5] = [
            (
                0,
                |each| each.rfilename = "x.json".to_owned(),
                "config.json",
            ),
            (1, |each| each.rfilename = "x.bin".to_owned(), "safetensors"),
            (1, |each| each.blob_id = None, "no checksum"),
            (
                1,
                |each| each.blob_id = Some("../x".to_owned()),
                "no checksum",
            ),
            (1, |each| each.size = None, "no size"),
        ];
        for (index, change, part) in changes {
            let mut siblings = good.clone();
            change(&mut siblings[index]);
            let reason = needed(&siblings).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn the_environment_says_where() {
        let of = |set: &'static [(&str, &str)]| {
            Hub::of(|name| {
                let found = set.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let hub = of(&[("HF_HUB_CACHE", "/c"), ("HF_ENDPOINT", "http://h/")]);
        assert_eq!(
            (hub.cache.as_path(), hub.endpoint.as_str()),
            (Path::new("/c"), "http://h")
        );
        assert_eq!(of(&[("HF_HOME", "/h")]).cache, Path::new("/h/hub"));
        let hub = of(&[("HOME", "/u"), ("HF_HUB_OFFLINE", "1")]);
        assert_eq!(hub.cache, Path::new("/u/.cache/huggingface/hub"));
        assert!(hub.offline && hub.endpoint == ENDPOINT);
    }
}
