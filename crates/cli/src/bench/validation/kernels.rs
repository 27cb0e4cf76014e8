//! Products and attention on the timing model, against the laws of the fleet's models.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use weft_driver::{
    AllocationKind, ChipFile, Config, Context, Device, KernelTiming, LaunchConfig, Module,
    ModuleImage,
};
use weft_fleet::catalog::Catalog;
use weft_fleet::perf::attention::{self, Heads};
use weft_fleet::perf::constants::Constants;
use weft_fleet::perf::gemm::{self, Hardware, Shape};
use weft_fleet::perf::{Precision, constants};

const GEMM_INT8: &str = include_str!("../../../../../examples/ptx/gemm_int8.ptx");
const GEMM_HALF: &str = include_str!("../../../../../examples/ptx/gemm_half.ptx");
const FEW: &str = include_str!("../../../../engine/kernels/matmul_i8/matmul_i8.ptx");
const ATTENTION: &str =
    include_str!("../../../../engine/kernels/paged_attention/paged_attention.ptx");

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "operator")]
pub(super) enum Problem {
    /// A product of INT8 or FP16 matrices, both along k.
    Gemm {
        /// INT8 or BF16 (whose rate is that of FP16).
        precision: Precision,
        /// Rows of the first.
        m: u32,
        /// Columns of the second.
        n: u32,
        /// Summed.
        k: u32,
    },
    /// INT8 weights in tiles and up to eight rows, as in decoding.
    Gemv {
        /// Rows.
        rows: u32,
        /// Outputs.
        outputs: u32,
        /// Inputs.
        inputs: u32,
    },
    /// One query of each sequence over INT8 keys and values.
    Attention {
        /// Sequences.
        batch: u32,
        /// Tokens of each.
        tokens: u32,
        /// Query heads; width 128.
        heads: u32,
        /// Key and value heads.
        kv_heads: u32,
    },
}

/// A problem with its times.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Case {
    /// What was computed.
    #[serde(flatten)]
    pub(super) problem: Problem,
    /// On the timing model, launch included, s.
    pub(super) model_s: f64,
    /// Operations over the peak or least bytes over the bandwidth, and the launch, s.
    pub(super) roof_s: f64,
    /// By the law with the constants of this release, s.
    pub(super) law_s: f64,
    /// CTAs of the launch.
    pub(super) ctas: u32,
    /// Bytes that must move at least.
    pub(super) least_bytes: f64,
    /// What the model says of the launch.
    pub(super) timing: KernelTiming,
}

impl Problem {
    /// The grid of problems; of it a few small ones when `quick`.
    pub(super) fn grid(quick: bool) -> Vec<Self> {
        let mut all = Vec::new();
        for precision in [Precision::Int8, Precision::Bf16] {
            for (m, n, k) in [
                (128, 512, 512),
                (128, 2048, 1024),
                (256, 1024, 1024),
                (512, 512, 512),
                (512, 1024, 2048),
                (512, 2048, 512),
                (1024, 1024, 1024),
                (1024, 2048, 1024),
            ] {
                if !quick || m * n * k <= 1 << 26 {
                    all.push(Self::Gemm { precision, m, n, k });
                }
            }
        }
        for (outputs, inputs) in [(1024, 1024), (4096, 1024), (2048, 4096), (4096, 4096)] {
            for rows in [1, 8] {
                if !quick || outputs * inputs <= 1 << 20 {
                    all.push(Self::Gemv {
                        rows,
                        outputs,
                        inputs,
                    });
                }
            }
        }
        for (batch, tokens) in [(1, 1024), (8, 256), (8, 1024), (32, 512), (16, 2048)] {
            for (heads, kv_heads) in [(28, 4), (32, 8)] {
                if !quick || batch * tokens <= 2048 {
                    all.push(Self::Attention {
                        batch,
                        tokens,
                        heads,
                        kv_heads,
                    });
                }
            }
        }
        all
    }

    /// Operations, least bytes and the precision whose peak counts.
    fn work(self) -> (f64, f64, Precision) {
        match self {
            Self::Gemm { precision, m, n, k } => {
                let (m, n, k) = (f64::from(m), f64::from(n), f64::from(k));
                let bytes = precision.weight_bytes() * k * (m + n) + 4.0 * m * n;
                (2.0 * m * n * k, bytes, precision)
            }
            Self::Gemv {
                rows,
                outputs,
                inputs,
            } => {
                let (rows, outputs, inputs) =
                    (f64::from(rows), f64::from(outputs), f64::from(inputs));
                let bytes = outputs * inputs + rows * (inputs + 4.0 * outputs);
                (2.0 * rows * outputs * inputs, bytes, Precision::Int8)
            }
            Self::Attention {
                batch,
                tokens,
                heads,
                kv_heads,
            } => {
                let held = f64::from(batch) * f64::from(tokens);
                let queries = f64::from(batch) * f64::from(heads) * 128.0;
                let bytes = held * f64::from(kv_heads) * (2.0 * 128.0 + 8.0) + 8.0 * queries;
                let ops = 4.0 * 128.0 * held * f64::from(heads);
                (ops, bytes, Precision::Bf16)
            }
        }
    }

    /// Name of the operator.
    pub(super) fn operator(self) -> &'static str {
        match self {
            Self::Gemm {
                precision: Precision::Int8,
                ..
            } => "GEMM INT8",
            Self::Gemm { .. } => "GEMM FP16",
            Self::Gemv { .. } => "GEMV INT8",
            Self::Attention { .. } => "attention, decode",
        }
    }

    /// Sizes, for tables.
    pub(super) fn sizes(self) -> String {
        match self {
            Self::Gemm { m, n, k, .. } => format!("{m} x {n} x {k}"),
            Self::Gemv {
                rows,
                outputs,
                inputs,
            } => format!("{rows} x {outputs} x {inputs}"),
            Self::Attention {
                batch,
                tokens,
                heads,
                kv_heads,
            } => format!("{batch} of {tokens}, heads {heads}/{kv_heads}"),
        }
    }
}

/// Runs `problem` on the timing model of `file` and asks the laws.
///
/// # Errors
/// When the kernel cannot be launched, or gives a wrong result.
pub(super) fn run(problem: Problem, file: &ChipFile) -> Result<Case> {
    let mut config = Config::of_chip(file.clone(), true);
    config.chip.host_threads = Some(1);
    let device = Device::new(config).context("failed to set up the chip")?;
    let context = device.retain_primary();
    let chip = Chip { context };
    let ctas = match problem {
        Problem::Gemm { precision, m, n, k } => product(&chip, precision, [m, n, k])?,
        Problem::Gemv {
            rows,
            outputs,
            inputs,
        } => few(&chip, rows, outputs, inputs)?,
        Problem::Attention {
            batch,
            tokens,
            heads,
            kv_heads,
        } => attend(&chip, [batch, tokens], [heads, kv_heads])?,
    };
    let report = device.report();
    let kernel = report.kernels.first().context("nothing was launched")?;
    let timing = kernel.timing.clone().context("timing was off")?;
    let (ops, least_bytes, precision) = problem.work();
    let peak = match precision {
        Precision::Int8 => file.int8_operations_per_second(),
        _ => {
            let cores = f64::from(file.cores.count.value) * file.clock_hz();
            2.0 * f64::from(file.matrix.fp16.value) * cores
        }
    };
    let busy_s = (ops / peak).max(least_bytes / file.memory_bytes_per_second());
    Ok(Case {
        problem,
        model_s: timing.chip_seconds,
        roof_s: busy_s + timing.launch_seconds,
        law_s: law(problem)?,
        ctas,
        least_bytes,
        timing,
    })
}

/// What the fleet's model of W1 says.
fn law(problem: Problem) -> Result<f64> {
    let catalog = Catalog::builtin();
    let all = Constants::builtin();
    let chip = catalog.chip("w1")?;
    let on = |precision: Precision| -> Result<Hardware> {
        Ok(Hardware {
            ops_per_s: precision.peak_ops_per_s(chip)?,
            bytes_per_s: chip.bandwidth_bytes_per_s()?,
            cache_bytes: chip.cache.as_ref().map_or(0.0, |cache| cache.value * 1e6),
        })
    };
    let product = |precision: Precision, m: u32, n: u32, k: u32| -> Result<f64> {
        let shape = Shape {
            m: f64::from(m),
            n: f64::from(n),
            k: f64::from(k),
        };
        let found = constants::find(&all.gemm, "w1", Some(precision));
        Ok(gemm::seconds(
            &found.constants,
            &on(precision)?,
            shape,
            precision,
        ))
    };
    match problem {
        Problem::Gemm { precision, m, n, k } => product(precision, m, n, k),
        Problem::Gemv {
            rows,
            outputs,
            inputs,
        } => product(Precision::Int8, rows, outputs, inputs),
        Problem::Attention {
            batch,
            tokens,
            heads,
            kv_heads,
        } => {
            let heads = Heads {
                query: f64::from(heads),
                kv: f64::from(kv_heads),
                dim: 128.0,
            };
            let found = constants::find(&all.attention_decode, "w1", None);
            let batch = f64::from(batch);
            Ok(attention::decode_seconds(
                &found.constants,
                &on(Precision::Bf16)?,
                heads,
                batch,
                batch * f64::from(tokens),
                1.0,
            ))
        }
    }
}

struct Chip {
    context: Arc<Context>,
}

impl Chip {
    /// `count` bytes of device memory that are `byte`.
    fn filled(&self, count: u64, byte: u8) -> Result<u64> {
        let bytes = vec![byte; usize::try_from(count)?];
        self.upload(&bytes)
    }

    fn upload(&self, bytes: &[u8]) -> Result<u64> {
        let address = self
            .context
            .allocate(bytes.len() as u64, AllocationKind::Device, 0)
            .context("failed to allocate device memory")?;
        self.context
            .device()
            .write(address, bytes)
            .context("failed to write device memory")?;
        Ok(address)
    }

    fn words(&self, words: impl Iterator<Item = u32>) -> Result<u64> {
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.upload(&bytes)
    }

    /// Launches with cold caches.
    fn launch(
        &self,
        ptx: &str,
        name: &str,
        (grid, block): ([u32; 2], u32),
        parameters: &[u8],
    ) -> Result<u32> {
        let module = Module::load(&self.context, ModuleImage::Ptx(ptx.as_bytes()))
            .with_context(|| format!("failed to load {name}"))?;
        let kernel = module
            .kernel(name)
            .with_context(|| format!("failed to compile {name}"))?;
        self.context.device().empty_caches();
        let config = LaunchConfig {
            grid: [grid[0], grid[1], 1],
            block: [block, 1, 1],
            shared_bytes: 0,
            cooperative: false,
        };
        kernel
            .launch(&config, parameters)
            .with_context(|| format!("failed to launch {name}"))?;
        Ok(grid[0] * grid[1])
    }

    /// Whether every one of `count` words at `address` is `word`.
    fn check(&self, address: u64, count: usize, word: u32) -> Result<()> {
        let mut bytes = vec![0; 4 * count];
        self.context
            .device()
            .read(address, &mut bytes)
            .context("failed to read device memory")?;
        let right = bytes.chunks_exact(4).all(|it| it == word.to_le_bytes());
        ensure!(right, "the kernel gave a wrong result");
        Ok(())
    }
}

/// Values one after the other, as a launch takes them; addresses must come first.
fn parameters(addresses: &[u64], words: &[u32]) -> Vec<u8> {
    let addresses = addresses.iter().flat_map(|it| it.to_le_bytes());
    addresses
        .chain(words.iter().flat_map(|it| it.to_le_bytes()))
        .collect()
}

/// Products of ones: every element is k.
fn product(chip: &Chip, precision: Precision, [m, n, k]: [u32; 3]) -> Result<u32> {
    let count = |rows: u32| u64::from(rows) * u64::from(k);
    let result = chip.filled(4 * u64::from(m) * u64::from(n), 0)?;
    let (a, b) = if precision == Precision::Int8 {
        (chip.filled(count(m), 1)?, chip.filled(count(n), 1)?)
    } else {
        let ones = |rows: u32| (0..count(rows) / 2).map(|_| 0x3c00_3c00);
        (chip.words(ones(m))?, chip.words(ones(n))?)
    };
    let (ptx, name) = if precision == Precision::Int8 {
        (GEMM_INT8, "gemm_int8")
    } else {
        (GEMM_HALF, "gemm_half")
    };
    let shape = ([n / 64, m / 64], 512);
    let ctas = chip.launch(ptx, name, shape, &parameters(&[a, b, result], &[n, k]))?;
    #[expect(clippy::cast_precision_loss, reason = "k is far below 2^24")]
    let word = if precision == Precision::Int8 {
        k
    } else {
        (k as f32).to_bits()
    };
    chip.check(result, (m * n) as usize, word)?;
    Ok(ctas)
}

/// The engine's product for few rows, of ones: every output is the number of inputs.
fn few(chip: &Chip, rows: u32, outputs: u32, inputs: u32) -> Result<u32> {
    let one = 1.0_f32.to_bits();
    let y = chip.filled(4 * u64::from(rows) * u64::from(outputs), 0)?;
    // Activations are kept in groups of 32 rows.
    let x = chip.filled(32 * u64::from(inputs), 1)?;
    let x_scales = chip.words((0..32).map(|_| one))?;
    let w = chip.filled(u64::from(outputs) * u64::from(inputs), 1)?;
    let w_scales = chip.words((0..outputs).map(|_| one))?;
    let shape = ([outputs / 16, rows.div_ceil(8)], 256);
    let given = parameters(
        &[y, x, x_scales, w, w_scales, 0],
        &[outputs, inputs, rows, 0],
    );
    let ctas = chip.launch(FEW, "matmul_i8_few", shape, &given)?;
    #[expect(clippy::cast_precision_loss, reason = "inputs are far below 2^24")]
    let word = (inputs as f32).to_bits();
    chip.check(y, (rows * outputs) as usize, word)?;
    Ok(ctas)
}

/// The engine's attention over a cache of zero keys and values of one: every output is one.
fn attend(chip: &Chip, [batch, tokens]: [u32; 2], [heads, kv_heads]: [u32; 2]) -> Result<u32> {
    const BLOCK: u32 = 32;
    const DIM: u32 = 128;
    /// Warps of a CTA at most.
    const WARPS: u32 = 32;
    let one = 1.0_f32.to_bits();
    let blocks = tokens.div_ceil(BLOCK);
    let held = u64::from(batch * blocks) * u64::from(kv_heads) * u64::from(BLOCK);
    let width = (heads + 2 * kv_heads) * DIM;
    let out = chip.filled(4 * u64::from(batch * heads * DIM), 0)?;
    let qkv = chip.filled(4 * u64::from(batch * width), 0)?;
    let keys = chip.filled(held * u64::from(DIM), 0)?;
    let values = chip.filled(held * u64::from(DIM), 1)?;
    let scales = |count: u64| (0..count).map(|_| one);
    let (key_scales, value_scales) = (chip.words(scales(held))?, chip.words(scales(held))?);
    let tiles = chip.words((0..batch).flat_map(|row| [row, 1]))?;
    let positions = chip.words((0..batch).map(|_| tokens - 1))?;
    let sequences = chip.words(0..batch)?;
    let tables = chip.words(0..batch * blocks)?;
    // As the engine divides positions among the warps of a CTA.
    let group = heads / kv_heads;
    let splits = 1 << (WARPS / group).ilog2();
    let given = parameters(
        &[
            out,
            qkv,
            keys,
            values,
            key_scales,
            value_scales,
            tiles,
            positions,
            sequences,
            tables,
        ],
        &[
            kv_heads,
            group,
            splits,
            DIM,
            width,
            blocks,
            (1.0_f32 / 128.0).to_bits(),
        ],
    );
    let shape = ([batch, kv_heads], 32 * group * splits.min(blocks));
    let ctas = chip.launch(ATTENTION, "paged_attention_128_i8_1", shape, &given)?;
    chip.check(out, (batch * heads * DIM) as usize, one)?;
    Ok(ctas)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The launches here and the kernels, which others write, agree: every operator gives the right
    /// result on a small problem.
    #[test]
    fn every_operator_is_right() {
        let file = ChipFile::named("w1").unwrap();
        let products = [Precision::Int8, Precision::Bf16].map(|precision| Problem::Gemm {
            precision,
            m: 64,
            n: 64,
            k: 128,
        });
        let others = [
            Problem::Gemv {
                rows: 8,
                outputs: 64,
                inputs: 256,
            },
            Problem::Attention {
                batch: 2,
                tokens: 70,
                heads: 28,
                kv_heads: 4,
            },
        ];
        for problem in products.into_iter().chain(others) {
            let case = run(problem, &file).unwrap();
            assert!(case.model_s > case.timing.launch_seconds, "{case:?}");
        }
    }
}
