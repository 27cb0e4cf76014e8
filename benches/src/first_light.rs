//! `first-light`: three kernels of the examples against the same loops in native code, and against
//! the same kernels through OpenCL where that is installed.
//!
//! Native, OpenCL and chip runs alternate, so that a disturbance of the machine meets all. Before
//! anything is timed, the results are compared: a fast wrong answer is no result.

use std::fmt::Write as _;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::chip::{Chip, launch};
use crate::native::{self, Shape, View};
use crate::opencl::Cpu;
use crate::spread::Spread;

/// A problem: what the kernel is given, and the native function that does the same.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) ptx: &'static str,
    /// The same kernel in OpenCL C.
    pub(crate) opencl: &'static str,
    pub(crate) grid: [u32; 2],
    pub(crate) block: [u32; 2],
    /// Arrays in order of the kernel's parameters; `None` is the place of the result.
    pub(crate) arrays: Vec<Option<Vec<[u8; 4]>>>,
    /// Parameters after the arrays, as bytes.
    pub(crate) scalars: Vec<u8>,
    /// Words of the result.
    pub(crate) result_count: usize,
    /// Computes the result into its argument, natively.
    native: Box<dyn Fn(&mut Output)>,
    output: Output,
}

/// Where native code puts its result.
enum Output {
    Floats(Vec<f32>),
    Ints(Vec<i32>),
}

impl Output {
    fn words(&self) -> Vec<[u8; 4]> {
        match self {
            Self::Floats(values) => words(values),
            Self::Ints(values) => values.iter().map(|value| value.to_le_bytes()).collect(),
        }
    }
}

/// Measures all workloads; gives the table.
pub(crate) fn run(runs: NonZeroU32) -> Result<String> {
    let all = thread::available_parallelism().map_or(1, usize::from);
    let chips = if all == 1 { vec![1] } else { vec![1, all] };
    let chips = chips
        .into_iter()
        .map(|threads| Ok((threads, Chip::new(threads)?)))
        .collect::<Result<Vec<_>>>()?;
    let cpu = Cpu::find()?;

    let mut table = String::new();
    let _ = writeln!(
        table,
        "host time in ms: min, median, max of {runs} runs; ratio of medians\n\n{:<14}{:<18}{:>9} {:>9} {:>9} {:>9}",
        "workload", "on", "min", "median", "max", "ratio"
    );
    for workload in workloads() {
        let name = workload.name;
        measure(workload, &chips, cpu.as_ref(), runs, &mut table)
            .with_context(|| format!("failed to measure {name}"))?;
    }
    if cpu.is_none() {
        table.push_str(
            "\nleft out: OpenCL, of which no implementation for this processor is installed\n",
        );
    }
    Ok(table)
}

/// The problems.
pub(crate) fn workloads() -> [Workload; 3] {
    [vector_add(), sgemm(), mandelbrot()]
}

fn measure(
    mut workload: Workload,
    chips: &[(usize, Chip)],
    cpu: Option<&Cpu>,
    runs: NonZeroU32,
    table: &mut String,
) -> Result<()> {
    (workload.native)(&mut workload.output);
    let want = workload.output.words();
    let mut prepared = Vec::new();
    let mut compile_seconds = Vec::new();
    for (threads, chip) in chips {
        let begin = Instant::now();
        let kernel = chip.kernel(workload.ptx)?;
        compile_seconds.push(begin.elapsed().as_secs_f64());
        let mut parameters = Vec::new();
        let mut result = 0;
        for array in &workload.arrays {
            let address = match array {
                Some(words) => chip.upload(words)?,
                None => {
                    result = chip.upload(&vec![[0; 4]; workload.result_count])?;
                    result
                }
            };
            parameters.extend(address.to_le_bytes());
        }
        parameters.extend(&workload.scalars);
        launch(&kernel, workload.grid, workload.block, &parameters)?;
        let got = chip.download(result, workload.result_count)?;
        ensure!(
            got == want,
            "{}: chip and native code differ",
            workload.name
        );
        prepared.push((*threads, kernel, parameters, Vec::new()));
    }

    let opencl = cpu.map(|cpu| cpu.prepare(&workload)).transpose()?;
    if let Some(kernel) = &opencl {
        kernel.launch()?;
        ensure!(
            kernel.download()? == want,
            "{}: OpenCL and native code differ",
            workload.name
        );
    }

    let (mut native, mut opencl_seconds) = (Vec::new(), Vec::new());
    for _ in 0..runs.get() {
        let begin = Instant::now();
        (workload.native)(black_box(&mut workload.output));
        native.push(begin.elapsed().as_secs_f64());
        if let Some(kernel) = &opencl {
            let begin = Instant::now();
            kernel.launch()?;
            opencl_seconds.push(begin.elapsed().as_secs_f64());
        }
        for (_, kernel, parameters, seconds) in &mut prepared {
            let begin = Instant::now();
            launch(kernel, workload.grid, workload.block, parameters)?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }

    let native = Spread::of(&native).context("nothing was measured")?;
    let _ = writeln!(
        table,
        "{:<14}{:<18}{native}",
        workload.name, "native, 1 thread"
    );
    let measured = cpu.map(|cpu| ("OpenCL", cpu.threads as usize, &opencl_seconds));
    let measured = measured.into_iter().chain(
        prepared
            .iter()
            .map(|(threads, _, _, seconds)| ("chip", *threads, seconds)),
    );
    for (on, threads, seconds) in measured {
        let spread = Spread::of(seconds).context("nothing was measured")?;
        let plural = if threads == 1 { "" } else { "s" };
        let _ = writeln!(
            table,
            "{:<14}{:<18}{spread} {:>9.2}",
            "",
            format!("{on}, {threads} thread{plural}"),
            spread.median / native.median
        );
    }
    let compile = Spread::of(&compile_seconds).context("nothing was compiled")?;
    let _ = writeln!(table, "{:<14}{:<18}{compile}", "", "compilation");
    Ok(())
}

fn words(values: &[f32]) -> Vec<[u8; 4]> {
    values.iter().map(|value| value.to_le_bytes()).collect()
}

/// Ints and floats as a parameter block has them: all are four bytes long.
fn scalars(words: &[[u8; 4]]) -> Vec<u8> {
    words.as_flattened().to_vec()
}

fn int(value: usize) -> [u8; 4] {
    i32::try_from(value)
        .expect("the problem sizes are small")
        .to_le_bytes()
}

fn blocks(count: usize, block: u32) -> u32 {
    u32::try_from(count)
        .expect("the problem sizes are small")
        .div_ceil(block)
}

/// Numbers in [-0.5, 0.5) from a linear congruential generator.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let high = u16::try_from(state >> 16).unwrap_or(0);
        f32::from(high) / 65_536.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn vector_add() -> Workload {
    const COUNT: usize = 1 << 22;
    const BLOCK: u32 = 256;
    let (a, b) = (numbers(COUNT, 1), numbers(COUNT, 2));
    Workload {
        name: "vector add",
        ptx: include_str!("../../examples/ptx/vector_add.ptx"),
        opencl: include_str!("../opencl/vector_add.cl"),
        grid: [blocks(COUNT, BLOCK), 1],
        block: [BLOCK, 1],
        arrays: vec![Some(words(&a)), Some(words(&b)), None],
        scalars: scalars(&[int(COUNT)]),
        result_count: COUNT,
        native: Box::new(move |output| {
            if let Output::Floats(c) = output {
                native::vector_add(&a, &b, c);
            }
        }),
        output: Output::Floats(vec![0.0; COUNT]),
    }
}

fn sgemm() -> Workload {
    const SIZE: usize = 512;
    const TILE: u32 = 16;
    let (a, b) = (numbers(SIZE * SIZE, 3), numbers(SIZE * SIZE, 4));
    let shape = Shape {
        m: SIZE,
        n: SIZE,
        k: SIZE,
    };
    Workload {
        name: "tiled SGEMM",
        ptx: include_str!("../../examples/ptx/matmul_tiled.ptx"),
        opencl: include_str!("../opencl/matmul_tiled.cl"),
        grid: [blocks(shape.n, TILE), blocks(shape.m, TILE)],
        block: [TILE, TILE],
        arrays: vec![Some(words(&a)), Some(words(&b)), None],
        scalars: scalars(&[int(shape.m), int(shape.n), int(shape.k)]),
        result_count: shape.m * shape.n,
        native: Box::new(move |output| {
            if let Output::Floats(c) = output {
                native::sgemm(&a, &b, c, shape);
            }
        }),
        output: Output::Floats(vec![0.0; shape.m * shape.n]),
    }
}

fn mandelbrot() -> Workload {
    const HEIGHT: usize = 768;
    const BLOCK: [u32; 2] = [32, 4];
    let view = View {
        width: 1024,
        left: -2.0,
        top: -1.125,
        step: 3.0 / 1024.0,
        limit: 256,
    };
    Workload {
        name: "Mandelbrot",
        ptx: include_str!("../../examples/ptx/mandelbrot.ptx"),
        opencl: include_str!("../opencl/mandelbrot.cl"),
        grid: [blocks(view.width, BLOCK[0]), blocks(HEIGHT, BLOCK[1])],
        block: BLOCK,
        arrays: vec![None],
        scalars: scalars(&[
            int(view.width),
            int(HEIGHT),
            view.left.to_le_bytes(),
            view.top.to_le_bytes(),
            view.step.to_le_bytes(),
            view.limit.to_le_bytes(),
        ]),
        result_count: view.width * HEIGHT,
        native: Box::new(move |output| {
            if let Output::Ints(counts) = output {
                native::mandelbrot(counts, view);
            }
        }),
        output: Output::Ints(vec![0; view.width * HEIGHT]),
    }
}
