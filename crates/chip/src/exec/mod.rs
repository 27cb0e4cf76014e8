//! Execution: decoded instructions, and the functions that carry them out.
//!
//! An [`Op`] is one decoded instruction with the function that executes it. The function is
//! chosen once, by instruction, `vtype` and host instruction set; how blocks of ops are made
//! and followed is in [`crate::block`]. The bodies are in one module per family and hold the
//! meaning of the instructions and nothing else; walking over elements, masks and tails is in
//! [`lanes`], checking and translating addresses in [`access`].
//!
//! # Host instruction sets
//!
//! Vector bodies are generic functions over arrays of 32 elements, marked `inline(always)` and
//! instantiated for each [`Level`] inside a function with the target features of that level,
//! so that the optimiser vectorises them. The instances for AVX-512 are for whole warps only, which
//! makes them straight code; any other `vl` goes to those for AVX2. Results are the same bits at
//! every level. Builds with
//! debug assertions have the baseline only: they are not vectorised, and compile in a third of
//! the time.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "instructions are defined by the bits that such conversions keep"
)]
#![expect(
    clippy::needless_range_loop,
    reason = "loops over lanes index several arrays of known length, which vectorises"
)]

pub(crate) mod access;
mod atomic;
#[cfg(test)]
mod differential;
mod estimate;
mod float;
mod fp;
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
mod indexed;
mod int;
mod integer;
mod lanes;
mod matrix;
mod mem;
pub(crate) mod reuse;
mod soft;
#[cfg(test)]
mod soft_tests;
mod special;
pub(crate) mod spread;
mod system;
mod translate;
mod vec_arith;
mod vec_config;
mod vec_fixed;
mod vec_fp;
mod vec_mask;
mod vec_mem;
mod vec_perm;
mod vec_red;
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
mod wide;
pub(crate) mod zvt;

use std::cell::Cell;

pub(crate) use translate::{Translated, translate};

use crate::env::Env;
use crate::fault::FaultKind;
use crate::hart::{Hart, Stop};

/// Whether execution goes on with the next op of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Flow {
    /// Yes.
    Next,
    /// No: [`Hart::stop`] and [`Hart::pc`] say what happens.
    Leave,
}

/// Executes one instruction.
///
/// # Safety
///
/// The host must have the features of the level it was selected for.
pub(crate) type Handler = unsafe fn(&mut Hart, &mut Env, &Op) -> Flow;

/// A decoded instruction. Register fields hold the bits of the word whether or not the
/// instruction has them.
#[derive(Clone)]
pub(crate) struct Op {
    pub(crate) handler: Handler,
    /// Immediate, sign- or zero-extended as the instruction says; absolute target of a jump.
    pub(crate) imm: i64,
    pub(crate) pc: u64,
    pub(crate) word: u32,
    /// Index of the interval that this instruction hit last; see [`access`].
    pub(crate) cache: Cell<u32>,
    pub(crate) rd: u8,
    pub(crate) rs1: u8,
    pub(crate) rs2: u8,
    pub(crate) rs3: u8,
    /// Unmasked.
    pub(crate) vm: bool,
    /// Size of the instruction.
    pub(crate) bytes: u8,
    /// Of an indexed access, where what its addresses have in common is kept.
    pub(crate) slot: u8,
    /// The function that executes it when nothing is there; else the same as `handler`.
    pub(crate) full: Handler,
}

impl Op {
    /// Address of the instruction after this one.
    pub(crate) fn next_pc(&self) -> u64 {
        self.pc.wrapping_add(u64::from(self.bytes))
    }
}

/// Ends the block with a fault of this instruction.
#[cold]
pub(crate) fn fault(hart: &mut Hart, op: &Op, kind: FaultKind, lane: Option<u32>) -> Flow {
    hart.stop = Stop::Fault {
        kind,
        pc: op.pc,
        lane,
    };
    Flow::Leave
}

/// Ends the block because the encoding is not legal here.
#[cold]
pub(crate) fn illegal(hart: &mut Hart, op: &Op, reason: &'static str) -> Flow {
    fault(
        hart,
        op,
        FaultKind::IllegalInstruction {
            word: op.word,
            reason,
        },
        None,
    )
}

/// A body that is worth instantiating for each host instruction set.
pub(crate) trait Kernel {
    /// Executes the instruction. Implementations are `inline(always)`.
    fn run(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow;
}

/// Host instruction sets that bodies are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What the build targets: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2, FMA, F16C, BMI.
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    V3,
    /// AVX-512 F, BW, CD, DQ, VL besides.
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    V4,
}

impl Level {
    /// Every level of this host, best last.
    pub(crate) fn available() -> Vec<Self> {
        let best = Self::of_host();
        let all = [
            Self::Baseline,
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            Self::V3,
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            Self::V4,
        ];
        let count = all.iter().position(|level| *level == best);
        all[..=count.unwrap_or(0)].to_vec()
    }

    /// Name for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            Self::V3 => "x86-64-v3",
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            Self::V4 => "x86-64-v4",
        }
    }

    /// The best level of this host.
    pub(crate) fn of_host() -> Self {
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        {
            let v3 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let v4 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            match (v3, v4) {
                (true, true) => Self::V4,
                (true, false) => Self::V3,
                (false, _) => Self::Baseline,
            }
        }
        #[cfg(any(not(target_arch = "x86_64"), debug_assertions))]
        Self::Baseline
    }
}

/// The handler of a hot body for a host instruction set.
pub(crate) fn select<K: Kernel>(level: Level) -> Handler {
    match level {
        Level::Baseline => baseline::<K>,
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        Level::V3 => v3::<K>,
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        Level::V4 => v4::<K, K>,
    }
}

/// The handler of a body that has a form of its own, `W`, for whole warps on hosts with AVX-512.
pub(crate) fn select_wide<K: Kernel, W: Kernel>(level: Level) -> Handler {
    match level {
        Level::Baseline => baseline::<K>,
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        Level::V3 => v3::<K>,
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        Level::V4 => v4::<W, K>,
    }
}

/// The handler of a body that is rarely executed: one instance serves every host.
pub(crate) fn select_cold<K: Kernel>() -> Handler {
    baseline::<K>
}

fn baseline<K: Kernel>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    K::run(hart, env, op)
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
fn v3<K: Kernel>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    K::run(hart, env, op)
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[target_feature(
    enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
)]
fn v4<W: Kernel, K: Kernel>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    if !lanes::is_whole(hart) {
        return v3::<K>(hart, env, op);
    }
    W::run(hart, env, op)
}
