//! Tests of instruction bodies against a naive reading of the specification.
//!
//! The oracle knows no chunks, no SIMD and no operand types: for each element it takes the
//! operands as 128-bit integers (or host floats), looks up the meaning by mnemonic, and writes
//! the result. Registers, masks, `vl` and vector types are random from a fixed seed; the whole
//! register file is compared, so elements that must not change are checked too.

use std::sync::Arc;

use weft_isa::{Lmul, Opcode, Sew, VType, decode};

use super::access::Recent;
use super::reuse::SLOTS;
use super::spread::Spread;
use super::{Level, translate};
use crate::env::{Constants, Env};
use crate::hart::{Hart, Stop};
use crate::mem::Intervals;
use crate::report::MemoryTraffic;

/// xorshift64*: enough for test data.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// An integer that is often at an edge.
    fn integer(&mut self) -> u64 {
        let edges = [
            0,
            1,
            2,
            0x7f,
            0x80,
            0xff,
            0x7fff,
            0x8000,
            0x7fff_ffff,
            0x8000_0000,
        ];
        match self.below(4) {
            0 => edges[self.below(edges.len() as u64) as usize],
            1 => !edges[self.below(edges.len() as u64) as usize],
            2 => self.next() & 0x8000_0000_8000_8080,
            _ => self.next(),
        }
    }

    /// Bits of a float of this size: zeros, infinities, NaNs, subnormals, and numbers of
    /// similar size so that sums cancel.
    fn float(&mut self, bits: u32) -> u64 {
        let (exponent, fraction) = match bits {
            16 => (5, 10),
            32 => (8, 23),
            _ => (11, 52),
        };
        let sign = self.below(2) << (bits - 1);
        let tail = self.next() & ((1 << fraction) - 1);
        let all = (1 << exponent) - 1;
        let middle = all / 2;
        let field = match self.below(12) {
            0 => return sign,
            1 => return sign | all << fraction,
            2 => return sign | all << fraction | 1 << (fraction - 1),
            3 => return sign | all << fraction | 1,
            4 => 0,
            5 => all - 1,
            6 => self.below(all),
            7 => return sign | middle << fraction,
            _ => middle - 3 + self.below(7),
        };
        sign | field << fraction | tail
    }
}

/// Surroundings without memory.
pub(super) fn env(tracks_flags: bool) -> Env {
    Env {
        memory: None,
        intervals: Arc::new(Intervals::default()),
        recent: Recent::default(),
        spreads: [const { Spread::EMPTY }; SLOTS],
        shared: std::ptr::null_mut(),
        shared_bytes: 0,
        traffic: MemoryTraffic::default(),
        constants: Constants::default(),
        tracks_flags,
        misaligned: false,
        bare: false,
    }
}

/// Executes one instruction; false if it is illegal here.
fn execute(hart: &mut Hart, word: u32, tracks_flags: bool) -> bool {
    let translated = translate(decode(word), word, 4, 0, hart.vtype, Level::of_host());
    let mut env = env(tracks_flags);
    hart.stop = Stop::None;
    // SAFETY: the level is the host's.
    unsafe { (translated.op.handler)(hart, &mut env, &translated.op) };
    matches!(hart.stop, Stop::None)
}

const VD: u8 = 8;
const VS2: u8 = 16;
const VS1: u8 = 24;
const SCALAR: u8 = 5;

/// The word of a row with the operands of these tests: groups of eight registers apart.
fn word_of(opcode: Opcode, form: &str, random: &mut Random) -> u32 {
    let row = opcode.row();
    let operand = match form.as_bytes()[1] {
        b'v' | b's' | b'm' => u32::from(VS1),
        b'i' => random.below(32) as u32,
        _ => u32::from(SCALAR),
    };
    let vm = random.below(2) as u32;
    let fields = u32::from(VD) << 7 | operand << 15 | u32::from(VS2) << 20 | vm << 25;
    row.match_bits | fields & !row.mask
}

fn sign_extend(value: u128, bits: u32) -> i128 {
    ((value << (128 - bits)) as i128) >> (128 - bits)
}

fn low(value: i128, bits: u32) -> u64 {
    (value as u128 & ((1 << bits) - 1)) as u64
}

fn get(hart: &Hart, bits: u32, register: u8, index: usize) -> u64 {
    match bits {
        8 => u64::from(hart.element::<u8>(register, index)),
        16 => u64::from(hart.element::<u16>(register, index)),
        32 => u64::from(hart.element::<u32>(register, index)),
        _ => hart.element::<u64>(register, index),
    }
}

fn put(hart: &mut Hart, bits: u32, register: u8, index: usize, value: u64) {
    match bits {
        8 => hart.set_element(register, index, value as u8),
        16 => hart.set_element(register, index, value as u16),
        32 => hart.set_element(register, index, value as u32),
        _ => hart.set_element(register, index, value),
    }
}

fn mask_bit(hart: &Hart, register: u8, index: usize) -> bool {
    hart.element::<u8>(register, index / 8) >> (index % 8) & 1 == 1
}

fn put_mask_bit(hart: &mut Hart, register: u8, index: usize, value: bool) {
    let byte = hart.element::<u8>(register, index / 8);
    let bit = 1 << (index % 8);
    hart.set_element(
        register,
        index / 8,
        if value { byte | bit } else { byte & !bit },
    );
}

/// Widths of the operands of an elementwise instruction relative to SEW, base-2 logarithm.
struct Widths {
    d: i32,
    a: i32,
}

/// What an integer instruction gives for one element: `a` of `vs2`, `b` of the second operand,
/// `d` of the old `vd`, all zero-extended, `n` bits of SEW. Booleans are 0 and 1.
#[expect(clippy::too_many_lines, reason = "one line per instruction")]
fn integer(name: &str, n: u32, a: u64, b: u64, d: u64) -> Option<(Widths, i128)> {
    let same = Widths { d: 0, a: 0 };
    let wide = Widths { d: 1, a: 0 };
    let wide_narrow = Widths { d: 1, a: 1 };
    let narrow = Widths { d: 0, a: 1 };
    let (ua, ub, ud) = (i128::from(a), i128::from(b), i128::from(d));
    let sa = |bits: u32| sign_extend(u128::from(a), bits);
    let sb = sign_extend(u128::from(b), n);
    let shift = b as u32 & (n - 1);
    let wide_shift = b as u32 & (2 * n - 1);
    let flag = i128::from;
    Some(match name {
        "vadd" => (same, ua + ub),
        "vsub" => (same, ua - ub),
        "vrsub" => (same, ub - ua),
        "vand" => (same, ua & ub),
        "vor" => (same, ua | ub),
        "vxor" => (same, ua ^ ub),
        "vandn" => (same, ua & !ub),
        "vsll" => (same, ua << shift),
        "vsrl" => (same, ua >> shift),
        "vsra" => (same, sa(n) >> shift),
        "vrol" => (same, ua << shift | ua >> (n - shift)),
        "vror" => (same, ua >> shift | ua << (n - shift)),
        "vminu" => (same, ua.min(ub)),
        "vmin" => (same, sa(n).min(sb)),
        "vmaxu" => (same, ua.max(ub)),
        "vmax" => (same, sa(n).max(sb)),
        "vmul" => (same, ua.wrapping_mul(ub)),
        "vmulh" => (same, (sa(n) * sb) >> n),
        "vmulhu" => (same, ((a as u128 * b as u128) >> n) as i128),
        "vmulhsu" => (same, (sa(n).wrapping_mul(ub)) >> n),
        "vdivu" => (same, if b == 0 { -1 } else { ua / ub }),
        "vdiv" => (same, if b == 0 { -1 } else { sa(n) / sb }),
        "vremu" => (same, if b == 0 { ua } else { ua % ub }),
        "vrem" => (same, if b == 0 { ua } else { sa(n) % sb }),
        "vmacc" => (same, ua.wrapping_mul(ub).wrapping_add(ud)),
        "vnmsac" => (same, ud.wrapping_sub(ua.wrapping_mul(ub))),
        "vmadd" => (same, ud.wrapping_mul(ub).wrapping_add(ua)),
        "vnmsub" => (same, ua.wrapping_sub(ud.wrapping_mul(ub))),
        "vmseq" => (same, flag(a == b)),
        "vmsne" => (same, flag(a != b)),
        "vmsltu" => (same, flag(a < b)),
        "vmslt" => (same, flag(sa(n) < sb)),
        "vmsleu" => (same, flag(a <= b)),
        "vmsle" => (same, flag(sa(n) <= sb)),
        "vmsgtu" => (same, flag(a > b)),
        "vmsgt" => (same, flag(sa(n) > sb)),
        "vwaddu.v" => (wide, ua + ub),
        "vwadd.v" => (wide, sa(n) + sb),
        "vwsubu.v" => (wide, ua - ub),
        "vwsub.v" => (wide, sa(n) - sb),
        "vwaddu.w" => (wide_narrow, ua + ub),
        "vwadd.w" => (wide_narrow, ua + sb),
        "vwsubu.w" => (wide_narrow, ua - ub),
        "vwsub.w" => (wide_narrow, ua - sb),
        "vwmul" => (wide, sa(n) * sb),
        "vwmulu" => (wide, ua * ub),
        "vwmulsu" => (wide, sa(n) * ub),
        "vwsll" => (wide, ua << wide_shift),
        "vwmaccu" => (wide, ua * ub + ud),
        "vwmacc" => (wide, sa(n) * sb + ud),
        "vwmaccsu" => (wide, ua * sb + ud),
        "vwmaccus" => (wide, sa(n) * ub + ud),
        "vnsrl" => (narrow, ua >> wide_shift),
        "vnsra" => (narrow, sa(2 * n) >> wide_shift),
        "vnclipu" => (narrow, (ua >> wide_shift).min((1 << n) - 1)),
        "vnclip" => {
            let limit = 1i128 << (n - 1);
            (narrow, (sa(2 * n) >> wide_shift).clamp(-limit, limit - 1))
        }
        "vsaddu" => (same, (ua + ub).min((1 << n) - 1)),
        "vssubu" => (same, (ua - ub).max(0)),
        "vsadd" => (
            same,
            (sa(n) + sb).clamp(-(1 << (n - 1)), (1 << (n - 1)) - 1),
        ),
        "vssub" => (
            same,
            (sa(n) - sb).clamp(-(1 << (n - 1)), (1 << (n - 1)) - 1),
        ),
        // The rounding mode of these tests is to round down.
        "vaaddu" => (same, (ua + ub) >> 1),
        "vaadd" => (same, (sa(n) + sb) >> 1),
        "vasubu" => (same, (ua - ub) >> 1),
        "vasub" => (same, (sa(n) - sb) >> 1),
        "vsmul" => (same, ((sa(n) * sb) >> (n - 1)).min((1 << (n - 1)) - 1)),
        "vssrl" => (same, ua >> shift),
        "vssra" => (same, sa(n) >> shift),
        "vbrev" => (same, i128::from(a.reverse_bits() >> (64 - n))),
        "vrev8" => (same, i128::from(a.swap_bytes() >> (64 - n))),
        "vbrev8" => (same, i128::from(a.reverse_bits().swap_bytes())),
        "vclz" => (same, i128::from(a.leading_zeros() - (64 - n))),
        "vctz" => (same, i128::from(a.trailing_zeros().min(n))),
        "vcpop" => (same, i128::from(a.count_ones())),
        "vzext.vf2" => (Widths { d: 0, a: -1 }, ua),
        "vzext.vf4" => (Widths { d: 0, a: -2 }, ua),
        "vzext.vf8" => (Widths { d: 0, a: -3 }, ua),
        "vsext.vf2" => (Widths { d: 0, a: -1 }, sa(n / 2)),
        "vsext.vf4" if n >= 32 => (Widths { d: 0, a: -2 }, sa(n / 4)),
        "vsext.vf8" if n == 64 => (Widths { d: 0, a: -3 }, sa(n / 8)),
        _ => return None,
    })
}

const UNSIGNED_IMMEDIATE: &[&str] = &[
    "vsll", "vsrl", "vsra", "vnsrl", "vnsra", "vssrl", "vssra", "vnclipu", "vnclip", "vwsll",
];

/// A hart with random registers, vector type and length.
fn random_hart(random: &mut Random, sew: Sew, lmul: Lmul, float_bits: Option<u32>) -> Hart {
    let mut hart = Hart::new();
    for register in 0..32 {
        for index in 0..16 {
            let word = match float_bits {
                None => random.integer(),
                Some(64) => random.float(64),
                Some(32) => random.float(32) | random.float(32) << 32,
                Some(bits) => {
                    (0..64 / bits).fold(0, |word, part| word | random.float(bits) << (part * bits))
                }
            };
            hart.set_element(register, index, word);
        }
    }
    // The mask is of bits, whatever the elements are.
    for index in 0..16 {
        let word = random.next();
        hart.set_element(0, index, word);
    }
    hart.x[usize::from(SCALAR)] = random.integer();
    hart.f[usize::from(SCALAR)] = match float_bits {
        Some(bits) if bits < 64 => random.float(bits) | u64::MAX << bits,
        _ => random.float(64),
    };
    hart.vxrm = 2;
    hart.vtype = VType::new(sew, lmul);
    let vlmax = hart.vtype.vlmax() as u64;
    hart.vl = match random.below(3) {
        0 => vlmax as u32,
        _ => random.below(vlmax + 1) as u32,
    };
    hart
}

fn copy(hart: &Hart) -> Hart {
    let mut copy = Hart::new();
    for register in 0..32 {
        for index in 0..16 {
            copy.set_element(register, index, hart.element::<u64>(register, index));
        }
    }
    copy.x = hart.x;
    copy.f = hart.f;
    copy.vxrm = hart.vxrm;
    copy.vtype = hart.vtype;
    copy.vl = hart.vl;
    copy.frm = hart.frm;
    copy
}

fn assert_same(actual: &Hart, expected: &Hart, what: &str) {
    for register in 0..32 {
        for index in 0..32 {
            let (a, e) = (
                actual.element::<u32>(register, index),
                expected.element::<u32>(register, index),
            );
            assert_eq!(
                a, e,
                "{what}: v{register} word {index}: {a:#x}, expected {e:#x}"
            );
        }
    }
    assert_eq!(actual.x, expected.x, "{what}: integer registers");
    assert_eq!(actual.f, expected.f, "{what}: float registers");
}

fn describe(hart: &Hart, word: u32) -> String {
    format!(
        "{} ({word:#010x}) at {} vl {}",
        decode(word).unwrap(),
        hart.vtype,
        hart.vl
    )
}

/// Every supported width and grouping.
fn vector_types() -> impl Iterator<Item = (Sew, Lmul)> {
    Sew::ALL
        .into_iter()
        .flat_map(|sew| Lmul::ALL.into_iter().map(move |lmul| (sew, lmul)))
        .filter(|&(sew, lmul)| VType::new(sew, lmul).is_supported())
}

#[test]
fn integer_elements_are_what_the_specification_says() {
    let mut random = Random(0x5eed_0001);
    let mut instructions = 0;
    for opcode in Opcode::ALL {
        let mnemonic = opcode.mnemonic();
        let (name, form) = mnemonic.split_once('.').unwrap_or((mnemonic, "v"));
        let wide_form = format!("{name}.{}", &form[..1]);
        let known = [name, &wide_form, mnemonic]
            .into_iter()
            .find(|name| integer(name, 64, 0, 1, 0).is_some());
        // Mask instructions share names with these.
        let Some(name) = known.filter(|_| !form.contains('m')) else {
            continue;
        };
        instructions += 1;
        let mut executed = 0;
        for (sew, lmul) in vector_types() {
            for _ in 0..6 {
                let mut hart = random_hart(&mut random, sew, lmul, None);
                let unary = integer(name, 64, 0, 1, 0).unwrap().0.a < 0
                    || matches!(
                        name,
                        "vbrev" | "vrev8" | "vbrev8" | "vclz" | "vctz" | "vcpop"
                    );
                let mut word = word_of(opcode, if unary { "vv" } else { form }, &mut random);
                if matches!(form, "vi" | "wi") {
                    word &= !(31 << 20);
                    word |= u32::from(VS2) << 20;
                }
                let n = sew.bits() as u32;
                let Some((widths, _)) = integer(name, n, 0, 1, 0) else {
                    continue;
                };
                let bits = |log2: i32| if log2 >= 0 { n << log2 } else { n >> -log2 };
                let mut expected = copy(&hart);
                if !execute(&mut hart, word, false) {
                    continue;
                }
                executed += 1;
                let is_mask = name.starts_with("vms");
                let field = u64::from(word >> 15 & 31);
                let immediate = match name {
                    "vror" => field | u64::from(word >> 26 & 1) << 5,
                    _ if UNSIGNED_IMMEDIATE.contains(&name) => field,
                    _ => (field ^ 16).wrapping_sub(16),
                };
                let before = copy(&expected);
                for index in 0..expected.vl as usize {
                    if word >> 25 & 1 == 0 && !mask_bit(&before, 0, index) {
                        continue;
                    }
                    let a = get(&before, bits(widths.a), VS2, index);
                    let b = match form.as_bytes().get(1) {
                        Some(b'v') => get(&before, n, VS1, index),
                        Some(b'i') => low(i128::from(immediate), n),
                        _ => low(i128::from(before.x(SCALAR)), n),
                    };
                    let b = if unary { 1 } else { b };
                    let d = get(&before, bits(widths.d), VD, index);
                    let (_, value) = integer(name, n, a, b, d).unwrap();
                    if is_mask {
                        put_mask_bit(&mut expected, VD, index, value == 1);
                    } else {
                        put(
                            &mut expected,
                            bits(widths.d),
                            VD,
                            index,
                            low(value, bits(widths.d)),
                        );
                    }
                }
                assert_same(&hart, &expected, &describe(&before, word));
            }
        }
        assert!(executed > 0, "{mnemonic} is nowhere legal");
    }
    assert!(
        instructions > 120,
        "only {instructions} instructions were recognised"
    );
}

/// A float instruction on host numbers, in double: exact enough to be rounded once more only
/// where that is harmless, so the caller rounds sums and products of singles.
fn float<T>(name: &str, a: T, b: T, d: T, fma: impl Fn(T, T, T) -> T) -> Option<T>
where
    T: Copy
        + std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + std::ops::Neg<Output = T>,
{
    Some(match name {
        "vfadd" => a + b,
        "vfsub" => a - b,
        "vfrsub" => b - a,
        "vfmul" => a * b,
        "vfdiv" => a / b,
        "vfrdiv" => b / a,
        "vfmacc" => fma(b, a, d),
        "vfnmacc" => fma(-b, a, -d),
        "vfmsac" => fma(b, a, -d),
        "vfnmsac" => fma(-b, a, d),
        "vfmadd" => fma(b, d, a),
        "vfnmadd" => fma(-b, d, -a),
        "vfmsub" => fma(b, d, -a),
        "vfnmsub" => fma(-b, d, a),
        _ => return None,
    })
}

#[test]
fn float_elements_are_what_the_specification_says() {
    let mut random = Random(0x5eed_0002);
    let mut instructions = 0;
    for opcode in Opcode::ALL {
        let mnemonic = opcode.mnemonic();
        let (name, form) = mnemonic.split_once('.').unwrap_or((mnemonic, ""));
        if float(name, 0.0, 0.0, 0.0, f64::mul_add).is_none() || !matches!(form, "vv" | "vf") {
            continue;
        }
        instructions += 1;
        for sew in [Sew::E32, Sew::E64] {
            for _ in 0..40 {
                let n = sew.bits() as u32;
                let lmul = if sew == Sew::E32 { Lmul::M1 } else { Lmul::M2 };
                let mut hart = random_hart(&mut random, sew, lmul, Some(n));
                let word = word_of(opcode, form, &mut random);
                let before = copy(&hart);
                let mut expected = copy(&hart);
                assert!(
                    execute(&mut hart, word, false),
                    "{}",
                    describe(&before, word)
                );
                for index in 0..before.vl as usize {
                    if word >> 25 & 1 == 0 && !mask_bit(&before, 0, index) {
                        continue;
                    }
                    let scalar = before.f(SCALAR);
                    let b = if form == "vv" {
                        get(&before, n, VS1, index)
                    } else {
                        scalar
                    };
                    let (a, d) = (get(&before, n, VS2, index), get(&before, n, VD, index));
                    let value = if sew == Sew::E32 {
                        let [a, b, d] = [a, b, d].map(|bits| f32::from_bits(bits as u32));
                        let value = float(name, a, b, d, f32::mul_add).unwrap();
                        if value.is_nan() {
                            0x7fc0_0000
                        } else {
                            u64::from(value.to_bits())
                        }
                    } else {
                        let [a, b, d] = [a, b, d].map(f64::from_bits);
                        let value = float(name, a, b, d, f64::mul_add).unwrap();
                        if value.is_nan() {
                            0x7ff8 << 48
                        } else {
                            value.to_bits()
                        }
                    };
                    put(&mut expected, n, VD, index, value);
                }
                assert_same(&hart, &expected, &describe(&before, word));
            }
        }
    }
    assert_eq!(instructions, 26);
}

/// Host arithmetic and exact arithmetic are two implementations of every float instruction.
#[test]
fn host_and_exact_arithmetic_agree() {
    let mut random = Random(0x5eed_0003);
    let mut instructions = 0;
    for opcode in Opcode::ALL {
        let mnemonic = opcode.mnemonic();
        let (name, form) = mnemonic.split_once('.').unwrap_or((mnemonic, ""));
        let counts = mnemonic.starts_with("vf") || mnemonic.starts_with("vmf");
        if !counts || matches!(name, "vfmv" | "vfmerge" | "vfslide1up" | "vfslide1down") {
            continue;
        }
        let mut executed = 0;
        for (sew, lmul) in vector_types() {
            for round in 0..8 {
                let n = sew.bits() as u32;
                // Conversions read widths other than SEW.
                let widths = [n.max(16), (2 * n).clamp(16, 64), n.max(32)];
                let width = widths[if form.contains('w') { 1 } else { round % 2 * 2 }];
                let mut host = random_hart(&mut random, sew, lmul, Some(width));
                let plain = if form.len() == 2 { form } else { "vv" };
                let word = word_of(opcode, plain, &mut random);
                let before = copy(&host);
                let mut exact = copy(&host);
                if !execute(&mut host, word, false) {
                    assert!(!execute(&mut exact, word, true));
                    continue;
                }
                assert!(execute(&mut exact, word, true));
                executed += 1;
                assert_same(&host, &exact, &describe(&before, word));
            }
        }
        instructions += usize::from(executed > 0);
    }
    assert!(
        instructions > 75,
        "only {instructions} instructions were executed"
    );
}

#[test]
fn permutations_and_masks_are_what_the_specification_says() {
    let mut random = Random(0x5eed_0004);
    let names = [
        "vslideup.vx",
        "vslidedown.vx",
        "vslideup.vi",
        "vslidedown.vi",
        "vslide1up.vx",
        "vslide1down.vx",
        "vrgather.vv",
        "vrgather.vx",
        "vrgather.vi",
        "vcompress.vm",
        "vid.v",
        "viota.m",
        "vmsbf.m",
        "vmsif.m",
        "vmsof.m",
        "vmand.mm",
        "vmnand.mm",
        "vmandn.mm",
        "vmxor.mm",
        "vmor.mm",
        "vmnor.mm",
        "vmorn.mm",
        "vmxnor.mm",
        "vcpop.m",
        "vfirst.m",
        "vmerge.vvm",
        "vmerge.vxm",
        "vmv.v.v",
        "vmv.v.x",
        "vmv.x.s",
        "vmv.s.x",
        "vredsum.vs",
        "vredmaxu.vs",
        "vredmin.vs",
        "vredxor.vs",
        "vwredsum.vs",
        "vwredsumu.vs",
        "vadc.vvm",
        "vadc.vxm",
        "vmadc.vvm",
        "vmadc.vv",
        "vsbc.vvm",
        "vmsbc.vvm",
        "vmsbc.vx",
    ];
    for name in names {
        let opcode = Opcode::ALL
            .into_iter()
            .find(|opcode| opcode.mnemonic() == name)
            .unwrap();
        for (sew, lmul) in vector_types() {
            for _ in 0..12 {
                let mut hart = random_hart(&mut random, sew, lmul, None);
                if random.below(2) == 0 {
                    let small = random.below(2 * u64::from(hart.vl) + 2);
                    hart.x[usize::from(SCALAR)] = small;
                    for index in 0..hart.vtype.vlmax() {
                        let small = random.below(2 * u64::from(hart.vl) + 2);
                        put(&mut hart, sew.bits() as u32, VS1, index, small);
                    }
                }
                let form = match name.rsplit_once('.').unwrap().1 {
                    "vx" | "vxm" | "x" => "vx",
                    "vi" => "vi",
                    _ => "vv",
                };
                let mut word = word_of(opcode, form, &mut random);
                if name.ends_with("s.x") {
                    word = word & !(31 << 15) | u32::from(SCALAR) << 15;
                }
                if name == "vmv.x.s" || name == "vcpop.m" || name == "vfirst.m" {
                    word = word & !(31 << 7) | 9 << 7;
                }
                let before = copy(&hart);
                if !execute(&mut hart, word, false) {
                    continue;
                }
                let expected = permute(name, &before, word);
                assert_same(&hart, &expected, &describe(&before, word));
            }
        }
    }
}

/// The oracle of the test above.
#[expect(clippy::too_many_lines, reason = "one case per instruction")]
fn permute(name: &str, before: &Hart, word: u32) -> Hart {
    let mut after = copy(before);
    let n = before.vtype.sew.bits() as u32;
    let (vl, vlmax) = (before.vl as usize, before.vtype.vlmax());
    let active = |index: usize| word >> 25 & 1 == 1 || mask_bit(before, 0, index);
    let a = |index: usize| get(before, n, VS2, index);
    let b = |index: usize| get(before, n, VS1, index);
    let x = before.x(SCALAR);
    let amount = if name.ends_with("vi") {
        u64::from(word >> 15 & 31)
    } else {
        x
    };
    let source = |index: u64| {
        if index < vlmax as u64 {
            a(index as usize)
        } else {
            0
        }
    };
    let ma = |index: usize| mask_bit(before, VS2, index);
    let mb = |index: usize| mask_bit(before, VS1, index);
    let first = (0..vl).find(|&index| active(index) && ma(index));
    let mut ones = 0;
    let mut packed = 0;
    let scalar_result = match name {
        "vcpop.m" => Some((0..vl).filter(|&index| active(index) && ma(index)).count() as u64),
        "vfirst.m" => Some(first.map_or(u64::MAX, |index| index as u64)),
        "vmv.x.s" => Some(sign_extend(u128::from(a(0)), n) as u64),
        _ => None,
    };
    if let Some(value) = scalar_result {
        after.x[9] = value;
        return after;
    }
    if name.contains("red") {
        let wide = if name.starts_with("vw") { 2 * n } else { n };
        let mut sum = i128::from(get(before, wide, VS1, 0));
        for index in (0..vl).filter(|&index| active(index)) {
            let (value, signed) = (i128::from(a(index)), sign_extend(u128::from(a(index)), n));
            sum = match name {
                "vredsum.vs" | "vwredsumu.vs" => sum + value,
                "vwredsum.vs" => sum + signed,
                "vredmaxu.vs" => sum.max(value),
                "vredmin.vs" => sign_extend(sum as u128, n).min(signed) & ((1 << n) - 1),
                _ => sum ^ value,
            };
        }
        if vl > 0 {
            put(&mut after, wide, VD, 0, low(sum, wide));
        }
        return after;
    }
    if name == "vmv.s.x" {
        if vl > 0 {
            put(&mut after, n, VD, 0, low(i128::from(x), n));
        }
        return after;
    }
    for index in 0..vl {
        let carry = i128::from(word >> 25 & 1 == 0 && mask_bit(before, 0, index));
        let (ua, second) = (
            i128::from(a(index)),
            if name.contains("vx") { x } else { b(index) },
        );
        let ub = i128::from(low(i128::from(second), n));
        let element = match name {
            "vslideup.vx" | "vslideup.vi" if active(index) && index as u64 >= amount => {
                Some(a(index - amount as usize))
            }
            "vslidedown.vx" | "vslidedown.vi" if active(index) => {
                Some(amount.checked_add(index as u64).map_or(0, source))
            }
            "vslide1up.vx" if active(index) => Some(if index == 0 { x } else { a(index - 1) }),
            "vslide1down.vx" if active(index) => {
                Some(if index == vl - 1 { x } else { a(index + 1) })
            }
            "vrgather.vv" if active(index) => Some(source(b(index))),
            "vrgather.vx" | "vrgather.vi" if active(index) => Some(source(amount)),
            "vid.v" if active(index) => Some(index as u64),
            "viota.m" if active(index) => {
                let before = ones;
                ones += u64::from(ma(index));
                Some(before)
            }
            "vcompress.vm" => {
                if mb(index) {
                    put(&mut after, n, VD, packed, a(index));
                    packed += 1;
                }
                None
            }
            "vmerge.vvm" | "vmerge.vxm" => Some(if mask_bit(before, 0, index) {
                second
            } else {
                a(index)
            }),
            "vmv.v.v" => Some(b(index)),
            "vmv.v.x" => Some(x),
            "vadc.vvm" | "vadc.vxm" => Some((ua + ub + carry) as u64),
            "vsbc.vvm" => Some((ua - ub - carry) as u64),
            _ => None,
        };
        if let Some(value) = element {
            put(&mut after, n, VD, index, low(i128::from(value), n));
        }
        let bit = match name {
            "vmand.mm" => ma(index) && mb(index),
            "vmnand.mm" => !(ma(index) && mb(index)),
            "vmandn.mm" => ma(index) && !mb(index),
            "vmxor.mm" => ma(index) != mb(index),
            "vmor.mm" => ma(index) || mb(index),
            "vmnor.mm" => !(ma(index) || mb(index)),
            "vmorn.mm" => ma(index) || !mb(index),
            "vmxnor.mm" => ma(index) == mb(index),
            "vmsbf.m" if active(index) => first.is_none_or(|first| index < first),
            "vmsif.m" if active(index) => first.is_none_or(|first| index <= first),
            "vmsof.m" if active(index) => first == Some(index),
            "vmadc.vvm" | "vmadc.vv" => ua + ub + carry >= 1 << n,
            "vmsbc.vvm" | "vmsbc.vx" => ua - ub - carry < 0,
            _ => continue,
        };
        put_mask_bit(&mut after, VD, index, bit);
    }
    after
}

/// Instructions of the table that no body executes. A list, so that a change is seen.
#[test]
fn the_unsupported_instructions_are_known() {
    let mut unsupported = Vec::new();
    let mut random = Random(0x5eed_0005);
    for opcode in Opcode::ALL {
        let row = opcode.row();
        let decodable = (0..1000).find_map(|_| {
            let word = row.match_bits | random.next() as u32 & !row.mask;
            decode(word)
                .filter(|inst| inst.opcode() == opcode)
                .map(|inst| (inst, word))
        });
        let (inst, word) = decodable.unwrap();
        let supported = [Sew::E16, Sew::E32, Sew::E64].iter().any(|&sew| {
            let vtype = VType::new(sew, Lmul::M1);
            let op = translate(Some(inst), word, 4, 0, vtype, Level::of_host()).op;
            let mut hart = Hart::new();
            hart.vtype = vtype;
            // No memory is mapped, so that every access faults.
            // SAFETY: the level is the host's.
            unsafe { (op.handler)(&mut hart, &mut env(false), &op) };
            let kind = match hart.stop {
                Stop::Fault { kind, .. } => Some(kind),
                _ => None,
            };
            !matches!(kind, Some(crate::fault::FaultKind::Unsupported { .. }))
        });
        if !supported {
            unsupported.push(opcode.mnemonic());
        }
    }
    // In kernels; outside CUDA it is executed.
    assert_eq!(unsupported, ["amocas.q"]);
}
