//! Every body of the matrix unit against a naive reading of the PTX manual.
//!
//! The oracle takes matrices out of registers and puts them back element by element, by the
//! formulas that the manual gives for each lane, and multiplies them with integers of 128 bits
//! or with the soft floats of `rustc_apfloat`.

use rustc_apfloat::ieee::{BFloat, Double, Float8E4M3FN, Float8E5M2, Half, Single};
use rustc_apfloat::{Float, FloatConvert, Round};
use weft_isa::MatrixForm;
use weft_isa::abi::{LANES, VLEN_BYTES};
use weft_isa::matrix::{BitOp, Factors, Fp8, Sums};

use super::{Operands, float, integer};

type Body = fn(MatrixForm, &mut Operands);

/// The bodies that this host can run for a form, with their names.
fn bodies(form: MatrixForm) -> Vec<(&'static str, Body)> {
    match form.factors() {
        Factors::F64 => vec![("portable", float::doubles as Body)],
        Factors::F16 | Factors::Bf16 | Factors::Tf32 | Factors::Fp8 { .. } => {
            let body: Body = match form.k() {
                4 => float::singles::<4>,
                8 => float::singles::<8>,
                16 => float::singles::<16>,
                _ => float::singles::<32>,
            };
            let mut bodies = vec![("portable", body)];
            bodies.extend(host_float_bodies(form));
            bodies
        }
        Factors::Bits(_) => vec![("portable", integer::bits as Body)],
        Factors::Int8 { .. } | Factors::Int4 { .. } => {
            let body: Body = match form.k() {
                16 => integer::integers::<16>,
                32 => integer::integers::<32>,
                _ => integer::integers::<64>,
            };
            let mut bodies = vec![("portable", body)];
            bodies.extend(host_bodies(form));
            bodies
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn host_bodies(form: MatrixForm) -> Vec<(&'static str, Body)> {
    let mut bodies: Vec<(&'static str, Body)> = Vec::new();
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the host has the feature.
        bodies.push(("avx2", |form, operands| unsafe {
            super::x86::avx2(form, operands);
        }));
    }
    let vnni = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    if vnni && form.m() == 16 {
        bodies.push(("vnni", |form, operands| {
            // SAFETY: the host has the features.
            unsafe { super::x86::vnni(form, &mut super::groups::Groups::of_copies(operands)) }
        }));
    }
    bodies
}

#[cfg(target_arch = "x86_64")]
fn host_float_bodies(form: MatrixForm) -> Vec<(&'static str, Body)> {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("f16c");
    if !avx512 || super::x86_float::Widening::of(form).is_none() {
        return Vec::new();
    }
    vec![("avx512", |form, operands| {
        // SAFETY: the host has the features.
        unsafe { super::x86_float::singles(form, &mut super::groups::Groups::of_copies(operands)) }
    })]
}

#[cfg(not(target_arch = "x86_64"))]
fn host_float_bodies(_: MatrixForm) -> Vec<(&'static str, Body)> {
    Vec::new()
}

#[cfg(not(target_arch = "x86_64"))]
fn host_bodies(_: MatrixForm) -> Vec<(&'static str, Body)> {
    Vec::new()
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// `width` bits of register `register` of a group, in `lane`, from bit `at`.
fn bits_at(bytes: &[u8], register: usize, lane: usize, at: usize, width: usize) -> u64 {
    let lane_bytes = if width == 64 { 8 } else { 4 };
    let begin = register * LANES * lane_bytes + lane * lane_bytes;
    let mut word = 0u64;
    for (i, &byte) in bytes[begin..begin + lane_bytes].iter().enumerate() {
        word |= u64::from(byte) << (8 * i);
    }
    if width == 64 {
        word
    } else {
        word >> at & ((1 << width) - 1)
    }
}

fn set_bits_at(bytes: &mut [u8], register: usize, lane: usize, at: usize, width: usize, bits: u64) {
    let lane_bytes = if width == 64 { 8 } else { 4 };
    let begin = register * LANES * lane_bytes + lane * lane_bytes;
    let old = bits_at(bytes, register, lane, 0, if width == 64 { 64 } else { 32 });
    let new = if width == 64 {
        bits
    } else {
        old & !(((1 << width) - 1) << at) | bits << at
    };
    bytes[begin..begin + lane_bytes].copy_from_slice(&new.to_le_bytes()[..lane_bytes]);
}

/// Element `i` of a lane's part of A: its row and column.
fn a_place(form: MatrixForm, lane: usize, i: usize) -> (usize, usize) {
    let per_register = (32 / form.factors().bits() as usize).max(1);
    let (group, thread) = (lane >> 2, lane % 4);
    let register = i / per_register;
    let within = thread * per_register + i % per_register;
    if form.m() == 8 {
        (group, within)
    } else {
        (
            group + 8 * (register % 2),
            within + register / 2 * 4 * per_register,
        )
    }
}

/// Element `i` of a lane's part of B: its row and column.
fn b_place(form: MatrixForm, lane: usize, i: usize) -> (usize, usize) {
    let per_register = (32 / form.factors().bits() as usize).max(1);
    let register = i / per_register;
    let row = lane % 4 * per_register + i % per_register + register * 4 * per_register;
    (row, lane >> 2)
}

/// Element `i` of a lane's part of C and D: its row and column.
fn d_place(lane: usize, i: usize) -> (usize, usize) {
    ((lane >> 2) + 8 * (i / 2), lane % 4 * 2 + i % 2)
}

/// Matrices as bits of elements.
struct Matrices {
    a: Vec<Vec<u64>>,
    b: Vec<Vec<u64>>,
    c: Vec<Vec<u64>>,
}

fn sum_bits(form: MatrixForm) -> usize {
    match form.sums() {
        Sums::F16 => 16,
        Sums::F32 | Sums::S32 { .. } => 32,
        Sums::F64 => 64,
    }
}

fn elements(form: MatrixForm) -> [usize; 3] {
    let [m, n, k] = [form.m(), form.n(), form.k()].map(|extent| extent as usize);
    [m * k / LANES, n * k / LANES, m * n / LANES]
}

/// Register and bit of element `i` of a lane's part, of elements of this width.
fn slot(i: usize, width: usize) -> (usize, usize) {
    let per_register = (32 / width).max(1);
    (i / per_register, i % per_register * width)
}

fn matrices(form: MatrixForm, operands: &Operands) -> Matrices {
    let [m, n, k] = [form.m(), form.n(), form.k()].map(|extent| extent as usize);
    let width = form.factors().bits() as usize;
    let mut all = Matrices {
        a: vec![vec![0; k]; m],
        b: vec![vec![0; n]; k],
        c: vec![vec![0; n]; m],
    };
    let [in_a, in_b, in_d] = elements(form);
    for lane in 0..LANES {
        for i in 0..in_a {
            let (row, column) = a_place(form, lane, i);
            let (register, at) = slot(i, width);
            all.a[row][column] = bits_at(&operands.a, register, lane, at, width);
        }
        for i in 0..in_b {
            let (row, column) = b_place(form, lane, i);
            let (register, at) = slot(i, width);
            all.b[row][column] = bits_at(&operands.b, register, lane, at, width);
        }
        for i in 0..in_d {
            let (row, column) = d_place(lane, i);
            let (register, at) = slot(i, sum_bits(form));
            all.c[row][column] = bits_at(&operands.d, register, lane, at, sum_bits(form));
        }
    }
    all
}

fn signed(bits: u64, width: u32, signed: bool) -> i128 {
    let value = i128::from(bits);
    if signed && bits >> (width - 1) & 1 == 1 {
        value - (1 << width)
    } else {
        value
    }
}

fn clamp(value: i128, saturate: bool) -> u64 {
    let value = if saturate {
        value.clamp(i128::from(i32::MIN), i128::from(i32::MAX))
    } else {
        value
    };
    value as u64 & 0xffff_ffff
}

/// Exact conversion to single precision.
fn single<F: Float + FloatConvert<Single>>(bits: u64) -> Single {
    F::from_bits(u128::from(bits)).convert(&mut false).value
}

fn factor(form: MatrixForm, first: bool, bits: u64) -> Single {
    match form.factors() {
        Factors::F16 => single::<Half>(bits),
        Factors::Bf16 => single::<BFloat>(bits),
        Factors::Tf32 => Single::from_bits(u128::from(bits & 0xffff_e000)),
        Factors::Fp8 { a, b } => match if first { a } else { b } {
            Fp8::E4m3 => single::<Float8E4M3FN>(bits),
            Fp8::E5m2 => single::<Float8E5M2>(bits),
        },
        other => panic!("{other:?} are not added in binary32"),
    }
}

fn expected(form: MatrixForm, all: &Matrices, row: usize, column: usize) -> u64 {
    let c = all.c[row][column];
    let pairs = (0..form.k() as usize).map(|k| (all.a[row][k], all.b[k][column]));
    match (form.factors(), form.sums()) {
        (
            Factors::Int8 { a_signed, b_signed } | Factors::Int4 { a_signed, b_signed },
            Sums::S32 { saturate },
        ) => {
            let width = form.factors().bits();
            let sum: i128 = pairs
                .map(|(a, b)| signed(a, width, a_signed) * signed(b, width, b_signed))
                .sum();
            clamp(signed(c, 32, true) + sum, saturate)
        }
        (Factors::Bits(op), _) => {
            let ones: u64 = pairs
                .map(|(a, b)| if op == BitOp::And { a & b } else { a ^ b })
                .sum();
            clamp(signed(c, 32, true) + i128::from(ones), false)
        }
        (Factors::F64, _) => {
            let number = |bits: u64| Double::from_bits(u128::from(bits));
            let sum = pairs.fold(number(c), |sum, (a, b)| {
                number(a)
                    .mul_add_r(number(b), sum, Round::NearestTiesToEven)
                    .value
            });
            if sum.is_nan() {
                0x7ff8_0000_0000_0000
            } else {
                sum.to_bits() as u64
            }
        }
        (_, sums) => {
            let start = if sums == Sums::F16 {
                single::<Half>(c)
            } else {
                Single::from_bits(u128::from(c))
            };
            let sum = pairs.fold(start, |sum, (a, b)| {
                let (a, b) = (factor(form, true, a), factor(form, false, b));
                a.mul_add_r(b, sum, Round::NearestTiesToEven).value
            });
            match (sum.is_nan(), sums == Sums::F16) {
                (true, true) => 0x7e00,
                (true, false) => 0x7fc0_0000,
                (false, true) => {
                    let half: Half = sum.convert(&mut false).value;
                    half.to_bits() as u64
                }
                (false, false) => sum.to_bits() as u64,
            }
        }
    }
}

/// Operands of random bits; in round 0 floats are tame, so that sums are seldom NaN, and in
/// round 1 all bytes are at the ends of their range.
fn operands(form: MatrixForm, random: &mut Random, round: u32) -> Operands {
    let mut operands = Operands {
        a: [0; 4 * VLEN_BYTES],
        b: [0; 2 * VLEN_BYTES],
        d: [0; 4 * VLEN_BYTES],
    };
    for bytes in [
        &mut operands.a[..],
        &mut operands.b[..],
        &mut operands.d[..],
    ] {
        for byte in bytes {
            *byte = random.next() as u8;
            if round == 1 {
                *byte = [0x00, 0x7f, 0x80, 0xff][usize::from(*byte & 3)];
            }
        }
    }
    if round == 0 {
        let tame = |bytes: &mut [u8], width: usize, exponent: u8| {
            for element in bytes.chunks_exact_mut(width) {
                let top = &mut element[width - 1];
                *top = *top & 0x81 | exponent;
            }
        };
        match form.factors() {
            Factors::F16 => {
                tame(&mut operands.a, 2, 0x38);
                tame(&mut operands.b, 2, 0x38);
            }
            Factors::Bf16 => {
                tame(&mut operands.a, 2, 0x3e);
                tame(&mut operands.b, 2, 0x3e);
            }
            Factors::Tf32 => {
                tame(&mut operands.a, 4, 0x3e);
                tame(&mut operands.b, 4, 0x3e);
            }
            Factors::F64 => {
                tame(&mut operands.a, 8, 0x3e);
                tame(&mut operands.b, 8, 0x3e);
            }
            Factors::Fp8 { .. } => {
                tame(&mut operands.a, 1, 0x30);
                tame(&mut operands.b, 1, 0x30);
            }
            Factors::Int8 { .. } | Factors::Int4 { .. } | Factors::Bits(_) => {}
        }
        match form.sums() {
            Sums::F16 => tame(&mut operands.d, 2, 0x38),
            Sums::F32 => tame(&mut operands.d, 4, 0x3e),
            Sums::F64 => tame(&mut operands.d, 8, 0x3e),
            Sums::S32 { .. } => {
                // Close to the limits, so that clamping has something to do.
                for element in operands.d.chunks_exact_mut(4) {
                    element[3] = if element[3] & 1 == 0 { 0x7f } else { 0x80 };
                    let middle = if element[3] == 0x7f { 0xff } else { 0 };
                    element[2] = middle;
                }
            }
        }
    }
    operands
}

#[test]
fn every_form_multiplies_as_the_manual_says() {
    let mut random = Random(0x5eed_0007);
    for form in MatrixForm::all() {
        for round in 0..3 {
            let given = operands(form, &mut random, round);
            let all = matrices(form, &given);
            let mut wanted = given.d;
            for lane in 0..LANES {
                for i in 0..elements(form)[2] {
                    let (row, column) = d_place(lane, i);
                    let (register, at) = slot(i, sum_bits(form));
                    let bits = expected(form, &all, row, column);
                    set_bits_at(&mut wanted, register, lane, at, sum_bits(form), bits);
                }
            }
            for (name, body) in bodies(form) {
                let mut got = Operands {
                    a: given.a,
                    b: given.b,
                    d: given.d,
                };
                body(form, &mut got);
                let used = form.d_registers() as usize * VLEN_BYTES;
                for at in (0..used).step_by(4) {
                    assert_eq!(
                        got.d[at..at + 4],
                        wanted[at..at + 4],
                        "xw.mma{form}, {name} body, round {round}: byte {at} of D"
                    );
                }
            }
        }
    }
}
