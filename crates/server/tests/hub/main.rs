//! Fetching from a hub that redirects, breaks off, forgets ranges, lies, and refuses.
//!
//! The hub is a small server with the interface that the Hugging Face hub documents: a list with
//! checksums, and files behind a redirect, as those of the real one are.
#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{self, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use weft_server::{Hub, HubError, RepoName};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the hub behaves.
#[derive(Clone, Default)]
struct Behaviour {
    /// Connections end after so many bytes of a file.
    breaks_after: Option<usize>,
    /// Ranges are not known: files come from their beginning.
    no_ranges: bool,
    /// A byte of every large file is another.
    lies: bool,
    /// Every answer is this.
    status: Option<u16>,
    token: Option<&'static str>,
}

struct FakeHub {
    files: BTreeMap<&'static str, Vec<u8>>,
    behaviour: Behaviour,
    /// File and first byte of every request for a content.
    requests: Mutex<Vec<(String, usize)>>,
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A name that git-lfs would take for large.
fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors")
}

type Shared = State<Arc<FakeHub>>;

async fn list(State(hub): Shared, headers: HeaderMap) -> Response {
    if let Some(refusal) = hub.refusal(&headers) {
        return refusal;
    }
    let sibling = |(name, content): (&&str, &Vec<u8>)| {
        let prefix = format!("blob {}\0", content.len());
        let id = hex(Sha1::new_with_prefix(prefix)
            .chain_update(content)
            .finalize());
        let mut value = json!({"rfilename": name, "size": content.len(), "blobId": id});
        if is_large(name) {
            let sha256 = hex(Sha256::digest(content));
            value["lfs"] = json!({"sha256": sha256, "size": content.len(), "pointerSize": 134});
        }
        value
    };
    let siblings: Vec<Value> = hub.files.iter().map(sibling).collect();
    axum::Json(json!({"id": "o/m", "sha": COMMIT, "siblings": siblings})).into_response()
}

async fn resolve(extract::Path(file): extract::Path<String>) -> Redirect {
    Redirect::temporary(&format!("/cdn/{file}"))
}

async fn content(
    State(hub): Shared,
    extract::Path(name): extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut bytes = hub.files[name.as_str()].clone();
    if hub.behaviour.lies && is_large(&name) {
        bytes[100] ^= 1;
    }
    let range = headers.get(header::RANGE).map(|range| {
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        range.strip_suffix('-').unwrap().parse::<usize>().unwrap()
    });
    let from = range.filter(|_| !hub.behaviour.no_ranges).unwrap_or(0);
    hub.requests.lock().unwrap().push((name, from));
    let rest = bytes.split_off(from);
    let status = if from > 0 {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let length = [(header::CONTENT_LENGTH, rest.len())];
    let body = match hub
        .behaviour
        .breaks_after
        .filter(|&after| after < rest.len())
    {
        None => Body::from(rest),
        Some(after) => {
            let piece = Bytes::copy_from_slice(&rest[..after]);
            let end = async {
                // Long enough for the piece to leave.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err("broken off")
            };
            let piece = stream::iter([Ok::<_, &str>(piece)]);
            Body::from_stream(piece.chain(stream::once(end)))
        }
    };
    (status, length, body).into_response()
}

impl FakeHub {
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        if let Some(token) = self.behaviour.token {
            let sent = headers.get(header::AUTHORIZATION);
            let expected = format!("Bearer {token}");
            if sent.is_none_or(|sent| sent.to_str().unwrap() != expected) {
                return Some(StatusCode::UNAUTHORIZED.into_response());
            }
        }
        let status = self.behaviour.status?;
        Some(StatusCode::from_u16(status).unwrap().into_response())
    }
}

/// A running hub, and a cache of its own.
struct Place {
    fake: Arc<FakeHub>,
    url: String,
    cache: PathBuf,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

/// A model of the hub: `model.safetensors` of 300 kB, and small files.
fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let weights = (0..300_000_u32)
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect();
    BTreeMap::from([
        ("config.json", b"{\"model_type\": \"qwen2\"}".to_vec()),
        ("tokenizer.json", b"{}".repeat(4000)),
        ("model.safetensors", weights),
        ("README.md", b"# not needed".to_vec()),
        (".gitattributes", b"x".to_vec()),
    ])
}

fn start(behaviour: Behaviour) -> Place {
    let fake = Arc::new(FakeHub {
        files: files(),
        behaviour,
        requests: Mutex::default(),
    });
    let router = Router::new()
        .route("/api/models/o/m/revision/main", get(list))
        .route(&format!("/o/m/resolve/{COMMIT}/{{file}}"), get(resolve))
        .route("/cdn/{file}", get(content))
        .with_state(Arc::clone(&fake));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    Place {
        fake,
        url,
        cache: folder.path().join("hub"),
        _folder: folder,
        _runtime: runtime,
    }
}

impl Place {
    fn hub(&self, more: &[(&str, &str)]) -> Hub {
        Hub::of(|name| match name {
            "HF_ENDPOINT" => Some(self.url.clone()),
            "HF_HUB_CACHE" => Some(self.cache.display().to_string()),
            name => {
                let found = more.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            }
        })
    }

    fn fetch(&self) -> Result<PathBuf, HubError> {
        self.hub(&[]).fetch(&repo(), &mut |_| {})
    }

    /// First bytes of the requests for the weights.
    fn weights_from(&self) -> Vec<usize> {
        let requests = self.fake.requests.lock().unwrap();
        let weights = requests.iter().filter(|(name, _)| is_large(name));
        weights.map(|&(_, from)| from).collect()
    }
}

fn repo() -> RepoName {
    RepoName::parse("o/m").unwrap()
}

/// That a folder is the model, in the layout of the hub's own libraries.
fn check(folder: &Path, cache: &Path) {
    let root = cache.join("models--o--m");
    assert_eq!(folder, root.join("snapshots").join(COMMIT));
    let reference = std::fs::read_to_string(root.join("refs/main")).unwrap();
    assert_eq!(reference, COMMIT);
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["config.json", "model.safetensors", "tokenizer.json"]
    );
    for name in &names {
        let expected = &files()[name.as_str()];
        assert!(
            std::fs::read(folder.join(name)).unwrap() == *expected,
            "{name}"
        );
        let link = std::fs::read_link(folder.join(name)).unwrap();
        assert_eq!(link.parent().unwrap(), Path::new("../../blobs"));
    }
}

#[test]
fn a_model_is_fetched_once_and_found_offline() {
    let place = start(Behaviour::default());
    let hub = place.hub(&[]);
    assert_eq!(hub.find(&repo()), None);
    let mut last = (0, 0);
    let folder = hub
        .fetch(&repo(), &mut |progress| {
            assert!(progress.done >= last.0 && progress.done <= progress.total);
            last = (progress.done, progress.total);
        })
        .unwrap();
    check(&folder, &place.cache);
    assert_eq!(last, (308_023, 308_023));
    assert_eq!(hub.find(&repo()), Some(folder.clone()));
    let before = place.fake.requests.lock().unwrap().len();
    assert_eq!(place.fetch().unwrap(), folder);
    assert_eq!(
        place.fake.requests.lock().unwrap().len(),
        before,
        "all is here"
    );
    let offline = place.hub(&[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(offline.find(&repo()), Some(folder));
    let error = offline.fetch(&repo(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, HubError::Offline(_)), "{error}");
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let place = start(Behaviour {
        breaks_after: Some(120_000),
        ..Behaviour::default()
    });
    check(&place.fetch().unwrap(), &place.cache);
    let from = place.weights_from();
    // Each connection brings at most 120 kB; what it brought is not asked for again.
    assert!(from.len() >= 3, "{from:?}");
    assert!(from.is_sorted() && from[1] > 0, "{from:?}");
}

#[test]
fn so_does_one_of_an_earlier_run() {
    let place = start(Behaviour::default());
    let blobs = place.cache.join("models--o--m/blobs");
    let weights = &files()["model.safetensors"];
    std::fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", hex(Sha256::digest(weights))));
    std::fs::write(&partial, &weights[..200_000]).unwrap();
    check(&place.fetch().unwrap(), &place.cache);
    assert_eq!(place.weights_from(), [200_000]);
    assert!(!partial.exists());
}

#[test]
fn a_hub_without_ranges_costs_time_only() {
    let place = start(Behaviour {
        no_ranges: true,
        ..Behaviour::default()
    });
    let blobs = place.cache.join("models--o--m/blobs");
    let weights = &files()["model.safetensors"];
    std::fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", hex(Sha256::digest(weights))));
    std::fs::write(&partial, &weights[..200_000]).unwrap();
    check(&place.fetch().unwrap(), &place.cache);
}

#[test]
fn contents_that_are_not_what_the_list_says_are_thrown_away() {
    let place = start(Behaviour {
        lies: true,
        ..Behaviour::default()
    });
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert!(error.to_string().contains("model.safetensors"), "{error}");
    assert_eq!(place.hub(&[]).find(&repo()), None);
    let blobs = place.cache.join("models--o--m/blobs");
    let left = std::fs::read_dir(blobs).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.contains(&hex(Sha256::digest(&files()["model.safetensors"])))
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn refusals_and_absent_hubs_are_told_apart() {
    for (status, part) in [(404, "no such model"), (401, "HF_TOKEN"), (403, "HF_TOKEN")] {
        let place = start(Behaviour {
            status: Some(status),
            ..Behaviour::default()
        });
        let error = place.fetch().unwrap_err().to_string();
        assert!(
            error.contains(part) && error.contains(&status.to_string()),
            "{error}"
        );
    }
    let place = start(Behaviour {
        token: Some("hf_x"),
        ..Behaviour::default()
    });
    assert!(matches!(
        place.fetch(),
        Err(HubError::Refused { status: 401, .. })
    ));
    let hub = place.hub(&[("HF_TOKEN", "hf_x")]);
    check(&hub.fetch(&repo(), &mut |_| {}).unwrap(), &place.cache);
    let hub = Hub::of(|name| (name == "HF_ENDPOINT").then(|| "http://127.0.0.1:9".to_owned()));
    let error = hub.fetch(&repo(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, HubError::Network { .. }), "{error}");
}
