//! `cargo xtask toolchain`: the CUDA compiler, NVRTC and the Python clients, from PyPI, in one folder.
//!
//! The folder is a Python virtual environment that git ignores. It needs no GPU, no driver and no
//! system-wide CUDA. Every version is pinned here, so that regenerated PTX is the same on every machine.
//! What the other tasks may rely on afterwards:
//!
//! | path in the folder | is |
//! |---|---|
//! | `cuda/bin/nvcc` | the CUDA C++ compiler |
//! | `cuda/include`, `cuda/lib` | headers; `libcudart.so` for `-cudart shared` |
//! | `bin/python` | Python with numba-cuda, cuda.core and NumPy |
//!
//! nvJitLink is left out on purpose: with it, numba-cuda compiles to SASS before it calls the driver;
//! without it, it hands PTX to `cuLinkAddData`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo::{succeed, workspace_root};

/// What is installed: distribution name and version.
const PACKAGES: &[(&str, &str)] = &[
    // The compiler: nvcc, cicc, the device headers and the runtime it links programs with.
    ("nvidia-cuda-nvcc", "13.5.37"),
    ("nvidia-cuda-crt", "13.5.37"),
    ("nvidia-nvvm", "13.5.37"),
    ("nvidia-cuda-runtime", "13.5.37"),
    ("nvidia-cuda-nvrtc", "13.5.37"),
    // `cuda::` and Thrust headers, `cuda_profiler_api.h` and NVTX, which CUDA samples include.
    ("nvidia-cuda-cccl", "13.3.5.0.6"),
    ("nvidia-cuda-profiler-api", "13.5.25"),
    ("nvidia-nvtx", "13.4.92"),
    // The Python clients of the conformance suites.
    ("numba-cuda", "0.30.4"),
    ("numba", "0.68.1"),
    ("cuda-core", "1.2.2"),
    ("cuda-bindings", "13.5.0"),
    ("numpy", "2.4.6"),
    ("openai", "3.57.0"),
    // The suites of numba-cuda and Triton.
    ("triton", "3.9.0"),
    ("pytest", "9.2.0"),
    ("filecheck", "1.0.6"),
    ("cffi", "2.1.1"),
    ("psutil", "7.2.2"),
    ("ml_dtypes", "0.6.0"),
    ("cloudpickle", "3.1.3"),
];

/// Holds the pinned versions of a finished installation, one `name==version` a line.
const STAMP: &str = "installed.txt";

/// Arguments of `toolchain`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder to install into; relative to the workspace.
    #[arg(long, default_value = "toolchain")]
    dir: PathBuf,
    /// Python 3.10 or later, with the venv module.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// Installs what is missing; a folder that is complete is left as it is.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let dir = workspace_root().join(&arguments.dir);
    let wanted: String = PACKAGES
        .iter()
        .map(|(name, version)| format!("{name}=={version}\n"))
        .collect();
    let stamp = dir.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        let toolchain = Toolchain::open(&dir)?;
        say(&format!("{} is up to date", toolchain.root.display()));
        return Ok(());
    }

    let python = dir.join("bin/python");
    if !python.exists() {
        say(&format!(
            "creating a Python environment in {}",
            dir.display()
        ));
        succeed(
            Command::new(&arguments.python)
                .args(["-m", "venv"])
                .arg(&dir),
        )
        .context("failed to create the environment (on Debian: apt install python3-venv)")?;
    }
    say(&format!(
        "installing {} packages (about 1 GB on disk)",
        PACKAGES.len()
    ));
    succeed(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(wanted.lines()),
    )
    .context("failed to install the CUDA packages with pip")?;

    let cuda = find_cuda(&dir)?;
    replace_symlink(&cuda, &dir.join("cuda"))?;
    // The wheel has only the versioned name, and `-cudart shared` links with the plain one.
    replace_symlink(Path::new("libcudart.so.13"), &cuda.join("lib/libcudart.so"))?;
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))?;

    let toolchain = Toolchain::open(&dir)?;
    succeed(Command::new(toolchain.nvcc()).arg("--version"))?;
    say(&format!("ready: {}", toolchain.nvcc().display()));
    Ok(())
}

/// An installed toolchain.
pub(crate) struct Toolchain {
    root: PathBuf,
}

impl Toolchain {
    /// Opens the folder that `cargo xtask toolchain --dir` filled; relative to the workspace.
    ///
    /// # Errors
    /// When the folder holds no complete toolchain.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let toolchain = Self {
            root: workspace_root().join(dir),
        };
        let nvcc = toolchain.nvcc();
        ensure!(
            nvcc.is_file(),
            "{} is missing: run `cargo xtask toolchain --dir {}`",
            nvcc.display(),
            dir.display()
        );
        Ok(toolchain)
    }

    /// The CUDA C++ compiler.
    pub(crate) fn nvcc(&self) -> PathBuf {
        self.root.join("cuda/bin/nvcc")
    }

    /// The folder of `cuda.h`.
    pub(crate) fn include(&self) -> PathBuf {
        self.root.join("cuda/include")
    }
}

/// The `nvidia/cu13` folder that the wheels share.
fn find_cuda(dir: &Path) -> Result<PathBuf> {
    let lib = dir.join("lib");
    let entries =
        fs::read_dir(&lib).with_context(|| format!("failed to read {}", lib.display()))?;
    for entry in entries {
        let cuda = entry?.path().join("site-packages/nvidia/cu13");
        if cuda.join("bin/nvcc").is_file() {
            return Ok(cuda);
        }
    }
    bail!(
        "no site-packages/nvidia/cu13/bin/nvcc below {}",
        lib.display()
    )
}

fn replace_symlink(target: &Path, link: &Path) -> Result<()> {
    if fs::symlink_metadata(link).is_ok() {
        fs::remove_file(link).with_context(|| format!("failed to replace {}", link.display()))?;
    }
    symlink(target, link).with_context(|| format!("failed to link {}", link.display()))
}

#[expect(clippy::print_stdout, reason = "progress of a task started by hand")]
fn say(line: &str) {
    println!("{line}");
}
