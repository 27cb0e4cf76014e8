//! `isa`: loops of RISC-V instructions on one core of the chip, on QEMU, on Spike, and natively.
//!
//! The loops are `benches/isa/loops.S`, assembled here, once as a Linux program (chip, QEMU) and
//! once for a bare machine (Spike). Every figure is processor time of one thread, not the clock on
//! the wall. Each loop runs with few rounds and with many, and the difference is what counts: what
//! it takes to start, load and translate a program is left out. Engines take turns; the best of
//! all turns is kept.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use weft_chip::Engine;
use weft_chip::exec_elf::{self, Console, Options};

use crate::native;

/// A loop of `loops.S`.
struct Loop {
    name: &'static str,
    /// The rest of its `LOOP_` macro.
    define: &'static str,
    /// What a round does, and in what unit.
    work: f64,
    unit: &'static str,
    /// Rounds that take about a tenth of a second on the chip, on QEMU and on Spike; 0 where the
    /// loop cannot run.
    rounds: [u32; 3],
    /// The same work natively, for a number of rounds.
    native: Option<fn(u32)>,
}

const LOOPS: &[Loop] = &[
    Loop {
        name: "scalar",
        define: "SCALAR",
        work: 12.0,
        unit: "M instructions/s",
        rounds: [5_000_000, 30_000_000, 2_000_000],
        native: None,
    },
    Loop {
        name: "f32 saxpy",
        define: "SAXPY",
        work: 16384.0,
        unit: "M lanes/s",
        rounds: [5_000, 200, 60],
        native: Some(native_saxpy),
    },
    Loop {
        name: "f32 gemm",
        define: "GEMM",
        work: 65536.0,
        unit: "M multiply-adds/s",
        rounds: [5_000, 200, 80],
        native: Some(native_gemm),
    },
    Loop {
        name: "integer",
        define: "INT",
        work: 256.0,
        unit: "M lane operations/s",
        rounds: [3_000_000, 6_000_000, 40_000],
        native: None,
    },
    Loop {
        name: "gather",
        define: "GATHER",
        work: 96.0,
        unit: "M elements/s",
        rounds: [1_000_000, 50_000, 50_000],
        native: None,
    },
    Loop {
        name: "matrix rvv",
        define: "MATRIX_RVV",
        work: 256.0,
        unit: "M multiply-adds/s",
        rounds: [1_000_000, 50_000, 20_000],
        native: None,
    },
    Loop {
        name: "matrix xweft",
        define: "MATRIX_XWEFT",
        work: 16384.0,
        unit: "M multiply-adds/s",
        rounds: [200_000, 0, 0],
        native: None,
    },
];

/// The simulators that the chip is compared with.
const OTHERS: [Simulator; 2] = [
    Simulator {
        name: "QEMU",
        command: &[
            "qemu-riscv64",
            "-cpu",
            "rv64,v=true,vlen=1024,elen=64,vext_spec=v1.0",
        ],
        version: "--version",
        bare: false,
    },
    Simulator {
        name: "Spike",
        command: &["spike", "--isa=rv64gcv_zvl1024b"],
        version: "--help",
        bare: true,
    },
];

struct Simulator {
    name: &'static str,
    command: &'static [&'static str],
    /// Argument at which it ends at once.
    version: &'static str,
    bare: bool,
}

impl Simulator {
    fn is_there(&self) -> bool {
        let mut probe = Command::new(self.command[0]);
        let probe = probe.arg(self.version).stdin(Stdio::null());
        probe.output().is_ok()
    }
}

/// What was measured of one loop, in units of work per second.
struct Speeds {
    chip: f64,
    others: [Option<f64>; 2],
    native: Option<f64>,
}

/// Measures all loops; gives the table and the figures.
pub(crate) fn run(runs: NonZeroU32) -> Result<(String, Value)> {
    let folder = std::env::temp_dir().join(format!("weft-bench-isa-{}", std::process::id()));
    fs::create_dir_all(&folder).context("failed to make a folder for programs")?;
    let result = measure_all(&folder, runs);
    let _ = fs::remove_dir_all(&folder);
    result
}

fn measure_all(folder: &Path, runs: NonZeroU32) -> Result<(String, Value)> {
    let there = [0, 1].map(|at: usize| OTHERS[at].is_there());
    let mut table = String::new();
    for (simulator, there) in OTHERS.iter().zip(there) {
        if !there {
            let _ = writeln!(
                table,
                "{}: {} not found",
                simulator.name, simulator.command[0]
            );
        }
    }
    let _ = writeln!(
        table,
        "processor time of one thread, best of {runs}; speeds in the unit given, ratios are the chip's speed to theirs; engine of the chip: {}\n",
        Engine::best()
    );
    let _ = writeln!(
        table,
        "{:<14}{:>11}{:>11}{:>11}{:>11}{:>9}{:>9}{:>9}  unit",
        "loop", "chip", "QEMU", "Spike", "native", "/QEMU", "/Spike", "/native"
    );
    let mut all = Vec::new();
    for each in LOOPS {
        let speeds = measure(each, folder, there, runs)
            .with_context(|| format!("failed to measure {}", each.name))?;
        let show = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let ratio = |other: Option<f64>| other.map(|other| speeds.chip / other);
        let million = |value: Option<f64>| value.map(|value| value / 1e6);
        let _ = writeln!(
            table,
            "{:<14}{:>11}{:>11}{:>11}{:>11}{:>9}{:>9}{:>9}  {}",
            each.name,
            show(million(Some(speeds.chip)), 1),
            show(million(speeds.others[0]), 1),
            show(million(speeds.others[1]), 1),
            show(million(speeds.native), 1),
            show(ratio(speeds.others[0]), 2),
            show(ratio(speeds.others[1]), 2),
            show(ratio(speeds.native), 3),
            each.unit,
        );
        all.push((each, speeds));
    }
    let figures = figures(&all);
    Ok((table, figures))
}

/// The figures by name. Of the two loops on floats the slower one counts.
fn figures(all: &[(&Loop, Speeds)]) -> Value {
    let find = |name: &str| all.iter().find(|(each, _)| each.name == name);
    let ratio = |name: &str, other: usize| {
        let (_, speeds) = find(name)?;
        speeds.others[other].map(|other| speeds.chip / other)
    };
    let native = |name: &str| {
        let (_, speeds) = find(name)?;
        speeds.native.map(|native| speeds.chip / native)
    };
    let least = |a: Option<f64>, b: Option<f64>| Some(a?.min(b?));
    let chip = |name: &str, unit: f64| find(name).map(|(_, speeds)| speeds.chip / unit);
    let mut loops = Map::new();
    for (each, speeds) in all {
        let entry = json!({
            "unit": each.unit,
            "chip": speeds.chip / 1e6,
            "qemu": speeds.others[0].map(|speed| speed / 1e6),
            "spike": speeds.others[1].map(|speed| speed / 1e6),
            "native": speeds.native.map(|speed| speed / 1e6),
        });
        loops.insert(each.name.to_owned(), entry);
    }
    json!({
        "scalar_mips": chip("scalar", 1e6),
        "scalar_vs_qemu": ratio("scalar", 0),
        "f32_vs_qemu": least(ratio("f32 saxpy", 0), ratio("f32 gemm", 0)),
        "int_vs_qemu": ratio("integer", 0),
        "gather_vs_qemu": ratio("gather", 0),
        "int8_gmacs": chip("matrix xweft", 1e9),
        "f32_vs_native": least(native("f32 saxpy"), native("f32 gemm")),
        "engine": Engine::best().to_string(),
        "loops": loops,
    })
}

fn measure(each: &Loop, folder: &Path, there: [bool; 2], runs: NonZeroU32) -> Result<Speeds> {
    let mut chip = f64::INFINITY;
    let mut others = [f64::INFINITY; 2];
    let mut native = f64::INFINITY;
    let [few, many] = [1, 3].map(|times| assemble(each, folder, each.rounds[0] * times, false));
    let (few, many) = (fs::read(few?)?, fs::read(many?)?);
    for _ in 0..runs.get() {
        let seconds = on_chip(&many)? - on_chip(&few)?;
        chip = chip.min(seconds / f64::from(2 * each.rounds[0]));
        for (at, simulator) in OTHERS.iter().enumerate() {
            let rounds = each.rounds[1 + at];
            if !there[at] || rounds == 0 {
                continue;
            }
            let few = assemble(each, folder, rounds, simulator.bare)?;
            let many = assemble(each, folder, rounds * 3, simulator.bare)?;
            let seconds = on_simulator(simulator, &many)? - on_simulator(simulator, &few)?;
            others[at] = others[at].min(seconds / f64::from(2 * rounds));
        }
        if let Some(run) = each.native {
            let rounds = each.rounds[0] * 4;
            let begin = thread_seconds();
            run(rounds);
            native = native.min((thread_seconds() - begin) / f64::from(rounds));
        }
    }
    ensure!(chip > 0.0, "the loop is too short to be timed");
    let speed = |seconds: f64| (seconds.is_finite() && seconds > 0.0).then(|| each.work / seconds);
    Ok(Speeds {
        chip: each.work / chip,
        others: others.map(speed),
        native: speed(native),
    })
}

/// The program that runs a loop for a number of rounds.
fn assemble(each: &Loop, folder: &Path, rounds: u32, bare: bool) -> Result<PathBuf> {
    let kind = if bare { "bare" } else { "linux" };
    let program = folder.join(format!("{}-{rounds}-{kind}", each.define));
    if program.exists() {
        return Ok(program);
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("isa");
    let mut clang = Command::new("clang-22");
    clang.args([
        "--target=riscv64-unknown-elf",
        "-march=rv64gcv",
        "-mabi=lp64d",
        "-nostdlib",
        "-static",
        "-fuse-ld=lld",
    ]);
    if bare {
        clang.args(["-Wl,--image-base=0x80000000", "-DBARE"]);
    }
    clang.arg(format!("-DLOOP_{}", each.define));
    clang.arg(format!("-DROUNDS={rounds}"));
    clang
        .arg(sources.join("loops.S"))
        .arg(sources.join("start.S"));
    clang.arg("-o").arg(&program);
    let output = clang.output().context("failed to run clang-22")?;
    if !output.status.success() {
        bail!(
            "clang-22 failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(program)
}

/// Processor time of the program on one core of the chip.
fn on_chip(program: &[u8]) -> Result<f64> {
    let mut console = Console {
        input: &mut std::io::empty(),
        output: &mut std::io::sink(),
        errors: &mut std::io::sink(),
        notes: &mut |_| {},
    };
    let begin = thread_seconds();
    let outcome = exec_elf::run(program, &Options::default(), &mut console)?;
    let seconds = thread_seconds() - begin;
    ensure!(outcome.exit_code == 0, "the program failed");
    Ok(seconds)
}

/// Processor time of the program on another simulator.
fn on_simulator(simulator: &Simulator, program: &Path) -> Result<f64> {
    let begin = children_seconds();
    let status = Command::new(simulator.command[0])
        .args(&simulator.command[1..])
        .arg(program)
        .stdin(Stdio::null())
        .status()?;
    let seconds = children_seconds() - begin;
    ensure!(status.success(), "{} failed", simulator.name);
    Ok(seconds)
}

/// Processor time of this thread.
pub(crate) fn thread_seconds() -> f64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the clock exists on Linux, and the place is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr()) };
    // SAFETY: zero or written, either is a value.
    let time = unsafe { time.assume_init() };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Processor time of all child processes that have ended.
pub(crate) fn children_seconds() -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the place is valid for writes.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    // SAFETY: zero or written, either is a value.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn native_saxpy(rounds: u32) {
    let x = vec![0.0f32; 16384];
    let mut y = vec![0.0f32; 16384];
    for _ in 0..rounds {
        native::saxpy(black_box(0.0), black_box(&x), black_box(&mut y));
    }
}

fn native_gemm(rounds: u32) {
    let a = vec![0.0f32; 8 * 256];
    let b = vec![0.0f32; 32 * 256];
    let mut c = [[0.0f32; 32]; 8];
    for _ in 0..rounds {
        native::gemm_block(black_box(&a), black_box(&b), black_box(&mut c));
    }
}
