//! Time per iteration of three vector loops on the engine, beside the same loops in Rust.
//!
//! `cargo run --release -p weft-chip --example engine_speed`
//!
//! A1 is unit-stride arithmetic with a comparison and a merge, A2 gathers through 64-bit
//! addresses, A3 through 32-bit offsets from a scalar base. One warp runs; the working set
//! stays in the host's first-level cache. Native loops are compiled for the host's best
//! instruction set. Figures are the best of several rounds, engine and native in turn.
#![expect(clippy::print_stdout, reason = "the purpose of this program")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "small constants"
)]
#![expect(clippy::unwrap_used, reason = "a failure ends the measurement")]

use std::hint::black_box;
use std::time::Instant;

use weft_chip::{Access, Chip, ChipConfig, Launch, Program};
use weft_isa::abi::CODE_WINDOW;
use weft_isa::{Inst, Lmul, Sew, V, VType, X};

const BLOCKS: usize = 64;
const SWEEPS: usize = 2000;
const ROUNDS: usize = 9;
const ARRAY_BYTES: u64 = (BLOCKS * 32 * 4) as u64;

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

fn vset(sew: Sew, lmul: Lmul) -> Inst {
    let vtype = VType::new(sew, lmul).immediate();
    Inst::Vsetvli {
        rd: X::ZERO,
        rs1: X::ZERO,
        vtype,
    }
}

/// Arrays p (x5), q (x6), r (x7) begin at the parameter; x8 counts sweeps.
fn program(body: &[Inst]) -> Vec<u8> {
    let array = i32::try_from(ARRAY_BYTES).unwrap();
    let mut code = vec![
        Inst::Lui {
            rd: x(9),
            imm: array,
        },
        Inst::Addi {
            rd: x(8),
            rs1: X::ZERO,
            imm: SWEEPS as i32,
        },
        Inst::VmvVI { vd: v(12), imm: 0 },
        // Sweep.
        Inst::Addi {
            rd: x(5),
            rs1: x(10),
            imm: 0,
        },
        Inst::Add {
            rd: x(6),
            rs1: x(5),
            rs2: x(9),
        },
        Inst::Add {
            rd: x(7),
            rs1: x(6),
            rs2: x(9),
        },
        Inst::Addi {
            rd: x(11),
            rs1: X::ZERO,
            imm: BLOCKS as i32,
        },
    ];
    code.extend_from_slice(body);
    let loop_bytes = i32::try_from(body.len() * 4).unwrap();
    code.push(Inst::Bne {
        rs1: x(11),
        rs2: X::ZERO,
        offset: -loop_bytes,
    });
    code.push(Inst::Addi {
        rd: x(8),
        rs1: x(8),
        imm: -1,
    });
    code.push(Inst::Bne {
        rs1: x(8),
        rs2: X::ZERO,
        offset: -(loop_bytes + 4 * 6),
    });
    code.push(Inst::XwExit);
    code.iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect()
}

fn step(register: u8) -> Inst {
    Inst::Addi {
        rd: x(register),
        rs1: x(register),
        imm: 128,
    }
}

fn countdown() -> Inst {
    Inst::Addi {
        rd: x(11),
        rs1: x(11),
        imm: -1,
    }
}

fn a1() -> Vec<Inst> {
    vec![
        Inst::Vle32V {
            vd: v(1),
            rs1: x(5),
            vm: true,
        },
        Inst::Vle32V {
            vd: v(2),
            rs1: x(6),
            vm: true,
        },
        Inst::VfmaccVv {
            vd: v(12),
            vs1: v(1),
            vs2: v(2),
            vm: true,
        },
        Inst::VfaddVv {
            vd: v(3),
            vs2: v(1),
            vs1: v(2),
            vm: true,
        },
        Inst::VfmulVv {
            vd: v(4),
            vs2: v(3),
            vs1: v(1),
            vm: true,
        },
        Inst::VmsltVv {
            vd: v(0),
            vs2: v(1),
            vs1: v(2),
            vm: true,
        },
        Inst::VmergeVvm {
            vd: v(5),
            vs2: v(3),
            vs1: v(4),
        },
        Inst::Vse32V {
            vs3: v(5),
            rs1: x(7),
            vm: true,
        },
        step(5),
        step(6),
        step(7),
        countdown(),
    ]
}

fn a2() -> Vec<Inst> {
    vec![
        Inst::Vle32V {
            vd: v(1),
            rs1: x(5),
            vm: true,
        },
        vset(Sew::E64, Lmul::M2),
        Inst::VzextVf2 {
            vd: v(2),
            vs2: v(1),
            vm: true,
        },
        Inst::VsllVi {
            vd: v(2),
            vs2: v(2),
            uimm: 2,
            vm: true,
        },
        Inst::VaddVx {
            vd: v(4),
            vs2: v(2),
            rs1: x(6),
            vm: true,
        },
        Inst::VaddVx {
            vd: v(6),
            vs2: v(2),
            rs1: x(12),
            vm: true,
        },
        vset(Sew::E32, Lmul::M1),
        Inst::Vluxei64V {
            vd: v(8),
            rs1: X::ZERO,
            vs2: v(4),
            vm: true,
        },
        Inst::Vluxei64V {
            vd: v(9),
            rs1: X::ZERO,
            vs2: v(6),
            vm: true,
        },
        Inst::VfmaccVv {
            vd: v(12),
            vs1: v(8),
            vs2: v(9),
            vm: true,
        },
        Inst::VfaddVv {
            vd: v(10),
            vs2: v(8),
            vs1: v(9),
            vm: true,
        },
        Inst::Vse32V {
            vs3: v(10),
            rs1: x(7),
            vm: true,
        },
        vset(Sew::E32, Lmul::M1),
        step(5),
        step(7),
        countdown(),
    ]
}

fn a3() -> Vec<Inst> {
    vec![
        Inst::Vle32V {
            vd: v(1),
            rs1: x(5),
            vm: true,
        },
        Inst::VsllVi {
            vd: v(2),
            vs2: v(1),
            uimm: 2,
            vm: true,
        },
        Inst::Vluxei32V {
            vd: v(8),
            rs1: x(6),
            vs2: v(2),
            vm: true,
        },
        Inst::Vluxei32V {
            vd: v(9),
            rs1: x(12),
            vs2: v(2),
            vm: true,
        },
        Inst::VfmaccVv {
            vd: v(12),
            vs1: v(8),
            vs2: v(9),
            vm: true,
        },
        Inst::VfaddVv {
            vd: v(10),
            vs2: v(8),
            vs1: v(9),
            vm: true,
        },
        Inst::Vse32V {
            vs3: v(10),
            rs1: x(7),
            vm: true,
        },
        step(5),
        step(7),
        countdown(),
    ]
}

/// Native A1 over all blocks.
#[inline(always)]
fn native_a1(p: &[f32], q: &[f32], r: &mut [f32], sums: &mut [f32; 32]) {
    for ((p, q), r) in p
        .chunks_exact(32)
        .zip(q.chunks_exact(32))
        .zip(r.chunks_exact_mut(32))
    {
        for i in 0..32 {
            sums[i] = p[i].mul_add(q[i], sums[i]);
            let sum = p[i] + q[i];
            let less = (p[i].to_bits() as i32) < q[i].to_bits() as i32;
            r[i] = if less { sum * p[i] } else { sum };
        }
    }
}

/// Native A2 and A3 over all blocks.
#[inline(always)]
fn native_gather(index: &[u32], q: &[f32], s: &[f32], r: &mut [f32], sums: &mut [f32; 32]) {
    for (index, r) in index.chunks_exact(32).zip(r.chunks_exact_mut(32)) {
        for i in 0..32 {
            let at = index[i] as usize % q.len();
            let (a, b) = (q[at], s[at]);
            sums[i] = a.mul_add(b, sums[i]);
            r[i] = a + b;
        }
    }
}

/// Instances of the native loops for the host's best instruction set.
macro_rules! multiversion {
    ($name:ident, $body:ident($($arg:ident: $type:ty),*)) => {
        fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,avx2")]
                fn v4($($arg: $type),*) { $body($($arg),*) }
                #[target_feature(enable = "fma,avx2")]
                fn v3($($arg: $type),*) { $body($($arg),*) }
                if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq") {
                    // SAFETY: the features are there.
                    return unsafe { v4($($arg),*) };
                }
                if is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2") {
                    // SAFETY: the features are there.
                    return unsafe { v3($($arg),*) };
                }
            }
            $body($($arg),*);
        }
    };
}

multiversion!(run_a1, native_a1(p: &[f32], q: &[f32], r: &mut [f32], sums: &mut [f32; 32]));
multiversion!(
    run_gather,
    native_gather(index: &[u32], q: &[f32], s: &[f32], r: &mut [f32], sums: &mut [f32; 32])
);

fn main() {
    let chip = Chip::new(ChipConfig::default()).unwrap();
    let base = chip.memory().base();
    chip.memory()
        .map(base, 3 * ARRAY_BYTES, Access::ReadWrite)
        .unwrap();
    let count = BLOCKS * 32;
    let floats: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 * 0.01).collect();
    let indices = |stride: usize| -> Vec<u32> {
        (0..count)
            .map(|i| u32::try_from(i * stride % count).unwrap())
            .collect()
    };
    /// Name, body, and indices of the gathers.
    type Variant = (&'static str, Vec<Inst>, Option<Vec<u32>>);
    let variants: [Variant; 5] = [
        ("A1", a1(), None),
        ("A2 consecutive", a2(), Some(indices(1))),
        ("A2 scattered", a2(), Some(indices(613))),
        ("A3 consecutive", a3(), Some(indices(1))),
        ("A3 scattered", a3(), Some(indices(613))),
    ];
    println!(
        "{:<16}{:>12}{:>12}{:>8}",
        "loop", "engine ns", "native ns", "ratio"
    );
    for (name, mut body, index) in variants {
        // x12 is the second gathered array: the same as the first.
        for inst in &mut body {
            match inst {
                Inst::VaddVx { rs1, .. } | Inst::Vluxei32V { rs1, .. } if *rs1 == x(12) => {
                    *rs1 = x(6);
                }
                _ => {}
            }
        }
        let first: Vec<u8> = match &index {
            Some(index) => index.iter().flat_map(|i| i.to_le_bytes()).collect(),
            None => floats.iter().flat_map(|f| f.to_le_bytes()).collect(),
        };
        let second: Vec<u8> = floats.iter().rev().flat_map(|f| f.to_le_bytes()).collect();
        chip.memory().write(base, &first).unwrap();
        chip.memory().write(base + ARRAY_BYTES, &second).unwrap();
        let launch = Launch {
            program: Program::at_window(&program(&body)),
            entry: CODE_WINDOW,
            grid: [1, 1, 1],
            block: [32, 1, 1],
            shared_static_bytes: 0,
            shared_dynamic_bytes: 0,
            local_bytes_per_lane: 0,
            stack_bytes_per_hart: 0,
            params: base,
            symbols: 0,
            grid_id: 0,
        };
        let q: Vec<f32> = floats.iter().rev().copied().collect();
        let mut r = vec![0.0; count];
        let iterations = (BLOCKS * SWEEPS) as f64;
        let (mut engine, mut native) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            let report = chip.launch(&launch).unwrap();
            engine = engine.min(report.host_seconds * 1e9 / iterations);
            let mut sums = [0.0; 32];
            let begin = Instant::now();
            for _ in 0..SWEEPS {
                match &index {
                    Some(index) => {
                        run_gather(
                            black_box(index),
                            black_box(&q),
                            black_box(&q),
                            &mut r,
                            &mut sums,
                        );
                    }
                    None => run_a1(black_box(&floats), black_box(&q), &mut r, &mut sums),
                }
            }
            black_box((&mut sums, &mut r));
            native = native.min(begin.elapsed().as_secs_f64() * 1e9 / iterations);
        }
        println!(
            "{name:<16}{engine:>12.1}{native:>12.1}{:>8.1}",
            engine / native
        );
    }
}
