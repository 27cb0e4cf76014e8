//! `matrix`: multiply-accumulates per second of `mma.sync` on one host thread, against the rate at
//! which the host's own instructions multiply in registers.
//!
//! One warp repeats eight products on four accumulators. The factors stay the same, so each
//! element of the result is a multiple of one known product, which is checked before anything
//! is timed.

use std::fmt::Write as _;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::chip::{Chip, launch};
use crate::spread::Spread;

/// Turns of the loop of a kernel.
const TURNS: u32 = 20_000;
/// Products in one turn, and accumulators that take turns.
const PRODUCTS: usize = ACCUMULATORS * PRODUCTS_EACH as usize;
const ACCUMULATORS: usize = 4;
/// Products in one turn that go to one accumulator.
const PRODUCTS_EACH: u32 = 2;
const LANES: usize = 32;

/// A form of `mma.sync`, with factors whose elements are all equal.
struct Workload {
    name: &'static str,
    instruction: &'static str,
    /// Multiply-accumulates of one product.
    macs: u32,
    /// A register of A and of B.
    a: u32,
    b: u32,
    /// An element of D after one product.
    element: i32,
    float: bool,
    /// Runs for a while in registers; gives multiply-accumulates done.
    native: fn() -> u64,
}

const WORKLOADS: [Workload; 4] = [
    Workload {
        name: "s8 m16n8k32",
        instruction: "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32",
        macs: 4096,
        a: 0x8080_8080,
        b: 0x7f7f_7f7f,
        element: 32 * -128 * 127,
        float: false,
        native: native_bytes,
    },
    Workload {
        name: "s4 m16n8k64",
        instruction: "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32",
        macs: 8192,
        a: 0x8888_8888,
        b: 0x7777_7777,
        element: 64 * -8 * 7,
        float: false,
        native: native_bytes,
    },
    Workload {
        name: "f16 m16n8k16",
        instruction: "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
        macs: 2048,
        a: 0x3c00_3c00,
        b: 0xbc00_bc00,
        element: -16,
        float: true,
        native: native_floats,
    },
    Workload {
        name: "bf16 m16n8k16",
        instruction: "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
        macs: 2048,
        a: 0x3f80_3f80,
        b: 0xbf80_bf80,
        element: -16,
        float: true,
        native: native_floats,
    },
];

/// Measures all workloads; gives the table.
pub(crate) fn run(runs: NonZeroU32) -> Result<String> {
    let chip = Chip::new(1)?;
    let mut table = String::new();
    let _ = writeln!(
        table,
        "G multiply-accumulates per second of one host thread: least, median, most of {runs} runs; \
         ratio of medians\n\n{:<16}{:<10}{:>9} {:>9} {:>9} {:>9}",
        "form", "on", "min", "median", "max", "ratio"
    );
    for workload in &WORKLOADS {
        let kernel = chip.kernel(&ptx(workload))?;
        let words = LANES * ACCUMULATORS * 4;
        let result = chip.upload(&vec![[0; 4]; words])?;
        let mut parameters = result.to_le_bytes().to_vec();
        for scalar in [workload.a, workload.b, TURNS] {
            parameters.extend(scalar.to_le_bytes());
        }
        launch(&kernel, [1, 1], [32, 1], &parameters)?;
        let want = expected(workload).to_le_bytes();
        ensure!(
            chip.download(result, words)?
                .iter()
                .all(|word| *word == want),
            "{}: the product is wrong",
            workload.name
        );
        let (mut on_chip, mut native) = (Vec::new(), Vec::new());
        for _ in 0..runs.get() {
            let begin = Instant::now();
            let macs = (workload.native)();
            native.push(rate(macs, begin));
            let begin = Instant::now();
            launch(&kernel, [1, 1], [32, 1], &parameters)?;
            let macs = u64::from(TURNS) * PRODUCTS as u64 * u64::from(workload.macs);
            on_chip.push(rate(macs, begin));
        }
        let (Some(native), Some(on_chip)) = (Spread::of(&native), Spread::of(&on_chip)) else {
            continue;
        };
        for (place, spread) in [("registers", native), ("chip", on_chip)] {
            let _ = writeln!(
                table,
                "{:<16}{place:<10}{:>9.1} {:>9.1} {:>9.1} {:>9.2}",
                workload.name,
                spread.min,
                spread.median,
                spread.max,
                spread.median / native.median
            );
        }
    }
    Ok(table)
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(macs: u64, begin: Instant) -> f64 {
    macs as f64 / begin.elapsed().as_secs_f64() / 1e9
}

/// Bits of every element of the result.
fn expected(workload: &Workload) -> u32 {
    let products = i64::from(TURNS * PRODUCTS_EACH);
    let sum = products * i64::from(workload.element);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "sums of integers wrap, those of floats are below 2^24"
    )]
    if workload.float {
        (sum as f32).to_bits()
    } else {
        sum as u32
    }
}

fn ptx(workload: &Workload) -> String {
    let sum = |index: usize| {
        let first = index * 4;
        let names: Vec<String> = (first..first + 4).map(|i| format!("%d{i}")).collect();
        format!("{{{}}}", names.join(", "))
    };
    let mut text = String::from(
        ".version 8.4\n.target sm_89\n.address_size 64\n\
         .visible .entry products(.param .u64 result, .param .u32 a, .param .u32 b, .param .u32 turns)\n{\n\
         .reg .b32 %a<4>, %b<2>, %d<16>, %n, %t;\n.reg .b64 %p;\n.reg .pred %more;\n\
         ld.param.u32 %n, [turns];\nmov.u32 %t, %tid.x;\n",
    );
    // The same in every lane, but not known to be.
    for (name, count) in [("a", 4), ("b", 2)] {
        for index in 0..count {
            let _ = writeln!(text, "ld.param.u32 %{name}{index}, [{name}];");
            let _ = writeln!(
                text,
                "shfl.sync.bfly.b32 %{name}{index}, %{name}{index}, 1, 31, -1;"
            );
        }
    }
    for index in 0..ACCUMULATORS * 4 {
        let _ = writeln!(text, "mov.b32 %d{index}, 0;");
    }
    text.push_str("again:\n");
    for product in 0..PRODUCTS {
        let sum = sum(product % ACCUMULATORS);
        let _ = writeln!(
            text,
            "{} {sum}, {{%a0, %a1, %a2, %a3}}, {{%b0, %b1}}, {sum};",
            workload.instruction
        );
    }
    text.push_str("sub.u32 %n, %n, 1;\nsetp.ne.u32 %more, %n, 0;\n@%more bra again;\n");
    text.push_str("ld.param.u64 %p, [result];\nmad.wide.u32 %p, %t, 4, %p;\n");
    for index in 0..ACCUMULATORS * 4 {
        let _ = writeln!(text, "st.global.b32 [%p+{}], %d{index};", index * LANES * 4);
    }
    text.push_str("ret;\n}\n");
    text
}

/// Steps of a native loop, each on eight vectors.
const STEPS: u64 = 4_000_000;
const VECTORS: usize = 8;

/// Products of bytes with sums of 32 bits, by the widest instruction that the host has.
fn native_bytes() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the host has both features.
            return unsafe { bytes_vnni() };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the host has the feature.
            return unsafe { bytes_avx2() };
        }
    }
    let factors: [[i8; 32]; 2] = black_box([[-128; 32], [127; 32]]);
    let mut sums = [0i32; 32];
    for _ in 0..STEPS {
        for (sum, (a, b)) in sums.iter_mut().zip(factors[0].iter().zip(&factors[1])) {
            *sum = sum.wrapping_add(i32::from(*a) * i32::from(*b));
        }
        black_box(&mut sums);
    }
    STEPS * 32
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn bytes_vnni() -> u64 {
    use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_set1_epi8, _mm512_setzero_si512};
    let (a, b) = (
        black_box(_mm512_set1_epi8(3)),
        black_box(_mm512_set1_epi8(5)),
    );
    let mut sums = [_mm512_setzero_si512(); VECTORS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
    }
    black_box(sums);
    STEPS * VECTORS as u64 * 64
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn bytes_avx2() -> u64 {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
    };
    let b = black_box(_mm256_set1_epi16(5));
    let mut sums = [_mm256_setzero_si256(); VECTORS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*sum, b));
        }
    }
    black_box(sums);
    STEPS * VECTORS as u64 * 16
}

/// Fused multiply-adds in single precision.
fn native_floats() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the host has the feature.
            return unsafe { floats_avx512() };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the host has both features.
            return unsafe { floats_fma() };
        }
    }
    let (a, b) = (black_box(0.5_f32), black_box(0.25_f32));
    let mut sums = [1.0_f32; 32];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = *sum * a + b;
        }
        black_box(&mut sums);
    }
    STEPS * 32
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn floats_avx512() -> u64 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let (a, b) = (
        black_box(_mm512_set1_ps(0.5)),
        black_box(_mm512_set1_ps(0.25)),
    );
    let mut sums = [_mm512_set1_ps(1.0); VECTORS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
    STEPS * VECTORS as u64 * 16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn floats_fma() -> u64 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let (a, b) = (
        black_box(_mm256_set1_ps(0.5)),
        black_box(_mm256_set1_ps(0.25)),
    );
    let mut sums = [_mm256_set1_ps(1.0); VECTORS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
    STEPS * VECTORS as u64 * 8
}
