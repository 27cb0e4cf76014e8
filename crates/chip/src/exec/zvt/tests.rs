//! Zvt against a reference that follows the text of the specification: tiles are one buffer of
//! bytes, read and written through its formula for punning, and every instruction is written out
//! once more in the plainest way.

use rustc_apfloat::ieee::{Double, Single};
use rustc_apfloat::{Float as _, Round, Status as Exceptions};
use weft_isa::abi::{SHARED_WINDOW, VLEN_BYTES};
use weft_isa::field::MatrixType as Requested;
use weft_isa::{Inst, Opcode, Sew, VType, X, decode};

use super::bulk::{Factor, accumulate, dot};
use super::{MatrixType, TE, Tiles, edge};
use crate::env::Env;
use crate::exec::{Level, differential, translate};
use crate::hart::{Hart, Stop};
use crate::machine::Enabled;

/// Bytes of shared memory that loads and stores go to.
const MEMORY_BYTES: usize = 512;

fn env(memory: &mut [u8; MEMORY_BYTES], tracks_flags: bool, matrix_contexts: u32) -> Env {
    let mut env = differential::env(tracks_flags);
    env.shared = memory.as_mut_ptr();
    env.shared_bytes = MEMORY_BYTES as u64;
    env.constants.matrix_contexts = matrix_contexts;
    env
}

/// Executes one instruction; false if it is illegal or faults.
fn execute(hart: &mut Hart, env: &mut Env, word: u32) -> bool {
    let translated = translate(decode(word), word, 4, 0, hart.vtype, Level::of_host());
    hart.stop = Stop::None;
    // SAFETY: the level is the host's.
    unsafe { (translated.op.handler)(hart, env, &translated.op) };
    matches!(hart.stop, Stop::None)
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

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }
}

/// The specification's `punning`, in bits of elements as it has them.
fn punning(tile: usize, row: usize, col: usize, tew: usize) -> usize {
    let (ptile, minor, major) = match tew {
        8 => (
            tile,
            (row % 4) * 4 + (col % 4),
            (row / 4) * (TE / 4) + (col / 4),
        ),
        16 => (
            tile + ((row & 2) >> 1),
            (row % 2) * 4 + (col % 2) * 2 + ((col / 2) % 2) * 8,
            (row / 4) * (TE / 4) + (col / 4),
        ),
        32 => (
            tile + 2 * (row / (TE / 2)) + ((col & 2) >> 1),
            (row % 2) * 8 + (col % 2) * 4,
            ((row / 2) % (TE / 4)) * (TE / 4) + (col / 4),
        ),
        _ => (
            tile + row / (TE / 4),
            (col % 2) * 8,
            (row % (TE / 4)) * (TE / 4) + (col / 2),
        ),
    };
    ptile * TE * TE + major * 16 + minor
}

fn tile_numbers(tew: Sew) -> std::iter::StepBy<std::ops::Range<u8>> {
    (0..16).step_by(match tew {
        Sew::E8 => 1,
        Sew::E16 | Sew::E64 => 2,
        Sew::E32 => 4,
    })
}

#[test]
fn tiles_of_all_widths_share_bytes_as_specified() {
    let mut random = Random(7);
    let mut tiles = Tiles::default();
    let mut buffer = [0u8; 16 * TE * TE];
    for tew in Sew::ALL {
        let bytes = tew.bytes();
        for tile in tile_numbers(tew) {
            for row in 0..edge(tew) {
                for col in 0..edge(tew) {
                    let value = random.next();
                    tiles.set(tew, tile, row, col, value);
                    let at = punning(usize::from(tile), row, col, tew.bits());
                    buffer[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
                }
            }
        }
        for seen in Sew::ALL {
            for tile in tile_numbers(seen) {
                for row in 0..edge(seen) {
                    for col in 0..edge(seen) {
                        let at = punning(usize::from(tile), row, col, seen.bits());
                        let mut value = [0; 8];
                        value[..seen.bytes()].copy_from_slice(&buffer[at..at + seen.bytes()]);
                        assert_eq!(
                            tiles.get(seen, tile, row, col),
                            u64::from_le_bytes(value),
                            "{tew} seen as {seen}: mt{tile}[{row}][{col}]"
                        );
                    }
                }
            }
        }
    }
}

/// The reference hart.
#[derive(Clone)]
struct Reference {
    tiles: Vec<u8>,
    v: [[u8; VLEN_BYTES]; 32],
    x: [u64; 32],
    memory: [u8; MEMORY_BYTES],
    vl: usize,
    vtype: VType,
    mtype: MatrixType,
    frm: u8,
    fflags: u8,
}

/// Why the reference refuses an instruction.
struct Illegal;

impl Reference {
    fn tile_get(&self, tile: u8, row: usize, col: usize, tew: usize) -> u64 {
        let at = punning(usize::from(tile), row, col, tew);
        let mut value = [0; 8];
        value[..tew / 8].copy_from_slice(&self.tiles[at..at + tew / 8]);
        u64::from_le_bytes(value)
    }

    fn tile_set(&mut self, tile: u8, row: usize, col: usize, tew: usize, value: u64) {
        let at = punning(usize::from(tile), row, col, tew);
        self.tiles[at..at + tew / 8].copy_from_slice(&value.to_le_bytes()[..tew / 8]);
    }

    fn element(&self, register: u8, i: usize, bits: usize) -> u64 {
        let at = i * bits / 8;
        let mut value = [0; 8];
        value[..bits / 8].copy_from_slice(&self.v[usize::from(register)][at..at + bits / 8]);
        u64::from_le_bytes(value)
    }

    fn set_element(&mut self, register: u8, i: usize, bits: usize, value: u64) {
        let (register, at) = (
            usize::from(register) + i * bits / 8 / VLEN_BYTES,
            i * bits / 8 % VLEN_BYTES,
        );
        self.v[register][at..at + bits / 8].copy_from_slice(&value.to_le_bytes()[..bits / 8]);
    }

    fn kmax(&self) -> usize {
        match self.vtype.sew {
            Sew::E8 => 4,
            Sew::E16 => 2,
            Sew::E32 | Sew::E64 => 1,
        }
    }

    fn ete(tew: usize) -> usize {
        if tew < 64 { TE } else { TE / 2 }
    }

    /// TEW of the configuration.
    fn tew(&self) -> Result<usize, Illegal> {
        match self.mtype.widen {
            0 => Err(Illegal),
            widen => Ok(self.vtype.sew.bits() << (widen - 1)),
        }
    }

    fn set_types(&mut self, mtype: u64, vtype: u64) {
        self.vl = 0;
        let widen = mtype & 3;
        let altfmt = vtype >> 8 & 1 == 1;
        self.vtype = VType::decode(vtype & !(1 << 8));
        let twiden = 1usize << widen.saturating_sub(1);
        let narrow = matches!(self.vtype.sew, Sew::E8 | Sew::E16);
        let tew = self.vtype.sew.bits() * twiden;
        if altfmt && (widen == 0 || !narrow) || widen != 0 && tew > 64 {
            self.vtype = VType::ILL;
        }
        self.mtype = MatrixType::default();
        if self.vtype.vill || widen == 0 {
            return;
        }
        self.vtype.altfmt = altfmt;
        (self.vtype.ma, self.vtype.ta) = (true, true);
        let eve = VLEN_BYTES * 8 / self.vtype.sew.bits();
        let ete = Self::ete(tew);
        let lmul = (8 / self.kmax()).min(8 / twiden).min(ete.div_ceil(eve));
        self.vtype.lmul = weft_isa::Lmul::from_log2(lmul.ilog2() as i8).expect("at most 8");
        self.mtype = MatrixType {
            tm: (mtype >> 10 & 0x3fff).min((lmul * eve).min(ete) as u64) as u16,
            tk: (mtype >> 5 & 7).min(self.kmax() as u64) as u8,
            widen: widen as u8,
        };
    }

    /// Positions of the elements of a row or column, up to `vl`.
    fn subset(&self, tss: u64, tew: usize) -> Result<Vec<(u8, usize, usize)>, Illegal> {
        let (pattern, index) = (tss >> 24 & 7, (tss & 0xff_ffff) as usize);
        let ete = Self::ete(tew);
        if self.vtype.vill || tss >> 31 != 0 || pattern > 1 || index >= ete {
            return Err(Illegal);
        }
        let step = [1, 2, 4, 2][(tew / 8).ilog2() as usize];
        let tile = (tss >> 27 & 15) as u8 / step * step;
        let place = |i| match pattern {
            0 => (tile, index, i),
            _ => (tile, i, index),
        };
        Ok((0..self.vl.min(ete)).map(place).collect())
    }

    /// C += A^T B with `product(c, a column, b column)`.
    fn multiply(
        &mut self,
        [mtd, vs2, vs1]: [u8; 3],
        widens: u8,
        mut product: impl FnMut(&mut Self, u64, &[u64], &[u64]) -> u64,
    ) -> Result<(), Illegal> {
        let tew = self.tew()?;
        let kmax = self.kmax();
        let spacing = (8 / kmax) as u8;
        let step = [1, 2, 4, 2][(tew / 8).ilog2() as usize];
        let misplaced = vs2 % 8 >= spacing || vs1 % 8 >= spacing;
        if self.mtype.widen != widens || misplaced || mtd % step != 0 {
            return Err(Illegal);
        }
        let sew = self.vtype.sew.bits();
        for m in 0..usize::from(self.mtype.tm) {
            for n in 0..self.vl.min(Self::ete(tew)) {
                let row = |register: u8, i: usize| -> Vec<u64> {
                    let rows = 0..self.mtype.tk;
                    rows.map(|k| self.element(register + k * spacing, i, sew))
                        .collect()
                };
                let (mut a, mut b) = (row(vs2, m), row(vs1, n));
                if a.is_empty() {
                    continue;
                }
                a.resize(kmax, 0);
                b.resize(kmax, 0);
                let c = self.tile_get(mtd, m, n, tew);
                let sum = product(self, c, &a, &b);
                self.tile_set(mtd, m, n, tew, sum);
            }
        }
        Ok(())
    }

    fn bytes(&mut self, operands: [u8; 3], a_signed: bool) -> Result<(), Illegal> {
        let b_signed = self.vtype.altfmt;
        let value = |bits: u64, signed: bool| {
            if signed {
                i64::from(bits as i8)
            } else {
                bits as i64
            }
        };
        self.multiply(operands, 3, |_, c, a, b| {
            let products = a.iter().zip(b);
            let sum: i64 = products
                .map(|(&a, &b)| value(a, a_signed) * value(b, b_signed))
                .sum();
            (c as i64 + sum) as u32 as u64
        })
    }

    fn floats(&mut self, operands: [u8; 3], alternative: bool) -> Result<(), Illegal> {
        let rounding = match self.frm {
            0 => Round::NearestTiesToEven,
            1 => Round::TowardZero,
            2 => Round::TowardNegative,
            3 => Round::TowardPositive,
            4 => Round::NearestTiesToAway,
            _ => return Err(Illegal),
        };
        let (fp8, e4m3, e5m2) = (4, Format::E4M3, Format::E5M2);
        match (self.vtype.sew, alternative, self.vtype.altfmt) {
            (Sew::E8, false, false) => self.narrow(operands, fp8, e4m3, e4m3),
            (Sew::E8, false, true) => self.narrow(operands, fp8, e4m3, e5m2),
            (Sew::E8, true, false) => self.narrow(operands, fp8, e5m2, e4m3),
            (Sew::E8, true, true) => self.narrow(operands, fp8, e5m2, e5m2),
            (Sew::E16, false, false) => self.narrow(operands, 2, Format::F16, Format::F16),
            (Sew::E16, true, true) => self.narrow(operands, 2, Format::BF16, Format::BF16),
            (Sew::E32, false, _) => self.multiply(operands, 1, |hart, c, a, b| {
                let single = |bits: u64| Single::from_bits(u128::from(bits));
                let product = single(a[0]).mul_r(single(b[0]), rounding);
                let sum = single(c).add_r(product.value, rounding);
                hart.raise(product.status | sum.status);
                canonical(sum.value.to_bits() as u64, sum.value.is_nan(), 0x7fc0_0000)
            }),
            (Sew::E64, false, _) => self.multiply(operands, 1, |hart, c, a, b| {
                let double = |bits: u64| Double::from_bits(u128::from(bits));
                let product = double(a[0]).mul_r(double(b[0]), rounding);
                let sum = double(c).add_r(product.value, rounding);
                hart.raise(product.status | sum.status);
                let nan = 0x7ff8_0000_0000_0000;
                canonical(sum.value.to_bits() as u64, sum.value.is_nan(), nan)
            }),
            _ => Err(Illegal),
        }
    }

    fn raise(&mut self, status: Exceptions) {
        if status.contains(Exceptions::INVALID_OP) {
            self.fflags |= 16;
        }
        if status.contains(Exceptions::OVERFLOW) {
            self.fflags |= 4;
        }
    }

    fn narrow(
        &mut self,
        operands: [u8; 3],
        kmax: usize,
        left: Format,
        right: Format,
    ) -> Result<(), Illegal> {
        let widen = if kmax == 4 { 3 } else { 2 };
        self.multiply(operands, widen, |hart, c, a, b| {
            let (dot, dot_flags) = reference_dot(left, right, a, b);
            let (sum, sum_flags) = reference_add(c as u32, dot);
            hart.fflags |= dot_flags | sum_flags;
            u64::from(sum)
        })
    }

    fn execute(&mut self, inst: Inst) -> Result<(), Illegal> {
        let x = |register: X| usize::from(register.number());
        match inst {
            Inst::Msettn { rd, rs1 } => {
                let most = match self.tew() {
                    Ok(tew) => Self::ete(tew),
                    Err(Illegal) => self.vtype.vlmax(),
                };
                self.vl = self.x[x(rs1)].min(most as u64) as usize;
                self.x[x(rd)] = self.vl as u64;
            }
            Inst::Msettm { rd, rs1 } => {
                let most = Self::ete(self.tew()?);
                self.mtype.tm = self.x[x(rs1)].min(most as u64) as u16;
                self.x[x(rd)] = u64::from(self.mtype.tm);
            }
            Inst::Msettk { rd, rs1 } => {
                self.tew()?;
                self.mtype.tk = self.x[x(rs1)].min(self.kmax() as u64) as u8;
                self.x[x(rd)] = u64::from(self.mtype.tk);
            }
            Inst::Msetmtype { rs1, rs2 } => self.set_types(self.x[x(rs1)], self.x[x(rs2)]),
            Inst::Msetmtypei { mtype } => self.set_types(mtype.mtype(), mtype.vtype()),
            Inst::Vtle8 { rs2, rs1 } => self.load(self.x[x(rs2)], self.x[x(rs1)], 8)?,
            Inst::Vtle16 { rs2, rs1 } => self.load(self.x[x(rs2)], self.x[x(rs1)], 16)?,
            Inst::Vtle32 { rs2, rs1 } => self.load(self.x[x(rs2)], self.x[x(rs1)], 32)?,
            Inst::Vtle64 { rs2, rs1 } => self.load(self.x[x(rs2)], self.x[x(rs1)], 64)?,
            Inst::Vtse8 { rs2, rs1 } => self.store(self.x[x(rs2)], self.x[x(rs1)], 8)?,
            Inst::Vtse16 { rs2, rs1 } => self.store(self.x[x(rs2)], self.x[x(rs1)], 16)?,
            Inst::Vtse32 { rs2, rs1 } => self.store(self.x[x(rs2)], self.x[x(rs1)], 32)?,
            Inst::Vtse64 { rs2, rs1 } => self.store(self.x[x(rs2)], self.x[x(rs1)], 64)?,
            Inst::VtmvVT { vd, rs1 } => {
                let sew = self.vtype.sew.bits();
                let places = self.subset(self.x[x(rs1)], sew)?;
                for (i, (tile, row, col)) in places.into_iter().enumerate() {
                    let value = self.tile_get(tile, row, col, sew);
                    self.set_element(vd.number(), i, sew, value);
                }
            }
            Inst::VtmvTV { rs1, vs2 } => {
                let sew = self.vtype.sew.bits();
                let places = self.subset(self.x[x(rs1)], sew)?;
                for (i, (tile, row, col)) in places.into_iter().enumerate() {
                    let value = self.element(vs2.number(), i, sew);
                    self.tile_set(tile, row, col, sew, value);
                }
            }
            Inst::Vtzero { mtd } => {
                let tew = self.tew()?;
                let step = [1, 2, 4, 2][(tew / 8).ilog2() as usize];
                if mtd.number() % step != 0 {
                    return Err(Illegal);
                }
                for m in 0..usize::from(self.mtype.tm) {
                    for n in 0..self.vl.min(Self::ete(tew)) {
                        self.tile_set(mtd.number(), m, n, tew, 0);
                    }
                }
            }
            Inst::VtmmuTvv { mtd, vs2, vs1 } | Inst::VtmmsTvv { mtd, vs2, vs1 } => {
                if self.vtype.sew != Sew::E8 {
                    return Err(Illegal);
                }
                let signed = inst.opcode() == Opcode::VtmmsTvv;
                self.bytes([mtd.number(), vs2.number(), vs1.number()], signed)?;
            }
            Inst::VtfmmTvv { mtd, vs2, vs1 } | Inst::VtfmmAltTvv { mtd, vs2, vs1 } => {
                let alternative = inst.opcode() == Opcode::VtfmmAltTvv;
                self.floats([mtd.number(), vs2.number(), vs1.number()], alternative)?;
            }
            _ => unreachable!("not chosen by these tests"),
        }
        self.x[0] = 0;
        Ok(())
    }

    fn load(&mut self, tss: u64, address: u64, tew: usize) -> Result<(), Illegal> {
        for (i, (tile, row, col)) in self.subset(tss, tew)?.into_iter().enumerate() {
            let at = (address - SHARED_WINDOW) as usize + i * tew / 8;
            let mut value = [0; 8];
            value[..tew / 8].copy_from_slice(&self.memory[at..at + tew / 8]);
            self.tile_set(tile, row, col, tew, u64::from_le_bytes(value));
        }
        Ok(())
    }

    fn store(&mut self, tss: u64, address: u64, tew: usize) -> Result<(), Illegal> {
        for (i, (tile, row, col)) in self.subset(tss, tew)?.into_iter().enumerate() {
            let at = (address - SHARED_WINDOW) as usize + i * tew / 8;
            let value = self.tile_get(tile, row, col, tew).to_le_bytes();
            self.memory[at..at + tew / 8].copy_from_slice(&value[..tew / 8]);
        }
        Ok(())
    }
}

fn canonical(bits: u64, is_nan: bool, nan: u64) -> u64 {
    if is_nan { nan } else { bits }
}

/// A format of factors: exponent and fraction bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Format {
    exponent: u32,
    fraction: u32,
    /// E4M3: no infinities, one NaN.
    finite: bool,
    signaling: bool,
}

impl Format {
    const F16: Self = Self::new(5, 10, false, true);
    const BF16: Self = Self::new(8, 7, false, true);
    const E5M2: Self = Self::new(5, 2, false, false);
    const E4M3: Self = Self::new(4, 3, true, false);

    const fn new(exponent: u32, fraction: u32, finite: bool, signaling: bool) -> Self {
        Self {
            exponent,
            fraction,
            finite,
            signaling,
        }
    }

    fn of_factor(self) -> Factor {
        match (self.exponent, self.fraction) {
            (5, 10) => Factor::F16,
            (8, 7) => Factor::BF16,
            (5, 2) => Factor::E5M2,
            _ => Factor::E4M3,
        }
    }

    fn bits(self) -> u32 {
        1 + self.exponent + self.fraction
    }

    /// The number as a double, exact; infinities and NaNs as such.
    fn value(self, bits: u64) -> f64 {
        let fraction = bits & ((1 << self.fraction) - 1);
        let field = bits >> self.fraction & ((1 << self.exponent) - 1);
        let bias = (1 << (self.exponent - 1)) - 1;
        let scale = |e: i32| 2f64.powi(e - bias - self.fraction as i32);
        let magnitude = if field == (1 << self.exponent) - 1 && !self.finite {
            if fraction == 0 {
                f64::INFINITY
            } else {
                f64::NAN
            }
        } else if self.finite && bits & 0x7f == 0x7f {
            f64::NAN
        } else if field == 0 {
            fraction as f64 * scale(1)
        } else {
            (fraction + (1 << self.fraction)) as f64 * scale(field as i32)
        };
        if bits >> (self.exponent + self.fraction) & 1 == 1 {
            -magnitude
        } else {
            magnitude
        }
    }

    fn is_signaling(self, bits: u64) -> bool {
        let quiet = bits >> (self.fraction - 1) & 1 == 1;
        self.signaling && self.value(bits).is_nan() && !quiet
    }

    /// The exponent field as RVBNA counts it.
    fn reference_exponent(self, bits: u64) -> i32 {
        ((bits >> self.fraction & ((1 << self.exponent) - 1)) as i32).max(1)
    }
}

/// `s + e`, which is exact, rounded to odd in binary32, with infinity for an overflow.
fn to_odd(s: f64, e: f64) -> (u32, u8) {
    if s == 0.0 {
        return (0, 0);
    }
    // The binary32 neighbour of s that is not larger in magnitude than s + e.
    let magnitude = s.abs();
    let rest = if s < 0.0 { -e } else { e };
    let sign = if s < 0.0 { 1u32 << 31 } else { 0 };
    if magnitude >= 2f64.powi(128) {
        // Cut off just below by the rest?
        if magnitude == 2f64.powi(128) && rest < 0.0 {
            return (sign | 0x7f7f_ffff, 0);
        }
        return (sign | 0x7f80_0000, 4);
    }
    let mut low = (magnitude as f32).min(f32::MAX).to_bits();
    let exceeds = |bits: u32| {
        let value = f64::from(f32::from_bits(bits));
        value > magnitude || value == magnitude && rest < 0.0
    };
    while exceeds(low) {
        low -= 1;
    }
    let exact = f64::from(f32::from_bits(low)) == magnitude && rest == 0.0;
    (sign | low | u32::from(!exact), 0)
}

/// RVBNA: real numbers in doubles. Products of these formats have at most 22 bits, and aligned
/// ones are multiples of a unit that leaves at most 28.
fn reference_dot(left: Format, right: Format, a: &[u64], b: &[u64]) -> (u32, u8) {
    let guard = a.len().ilog2() as i32;
    let products: Vec<f64> = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| left.value(a) * right.value(b))
        .collect();
    let signaling =
        a.iter().any(|&a| left.is_signaling(a)) || b.iter().any(|&b| right.is_signaling(b));
    let numbers =
        |&(i, _): &(usize, &f64)| !left.value(a[i]).is_nan() && !right.value(b[i]).is_nan();
    let invalid_product = products
        .iter()
        .enumerate()
        .filter(numbers)
        .any(|(_, p)| p.is_nan());
    let opposite = products.contains(&f64::INFINITY) && products.contains(&f64::NEG_INFINITY);
    if signaling || invalid_product || opposite {
        return (0x7fc0_0000, 16);
    }
    if products.iter().any(|product| product.is_nan()) {
        return (0x7fc0_0000, 0);
    }
    if let Some(infinity) = products.iter().find(|product| product.is_infinite()) {
        return ((*infinity as f32).to_bits(), 0);
    }
    let references = products.iter().enumerate().map(|(i, &product)| {
        if product == 0.0 {
            0
        } else {
            left.reference_exponent(a[i]) + right.reference_exponent(b[i])
        }
    });
    let largest = references.max().expect("there are products");
    let bias = |format: Format| (1 << (format.exponent - 1)) - 1;
    let unit = 2f64.powi(largest - bias(left) - bias(right) - 23 - guard);
    let aligned = products.iter().map(|&product| {
        let cut = (product.abs() / unit).trunc();
        // Rounded to odd: the last bit stands for everything below it.
        let odd = if cut * unit == product.abs() {
            cut
        } else {
            (cut as u64 | 1) as f64
        };
        if product < 0.0 { -odd } else { odd }
    });
    to_odd(aligned.sum::<f64>() * unit, 0.0)
}

fn reference_add(c: u32, x: u32) -> (u32, u8) {
    let (c, x) = (f32::from_bits(c), f32::from_bits(x));
    let signaling = |value: f32| value.is_nan() && value.to_bits() >> 22 & 1 == 0;
    let (p, q) = (f64::from(c), f64::from(x));
    let sum = p + q;
    if sum.is_nan() {
        let invalid = signaling(c) || signaling(x) || !c.is_nan() && !x.is_nan();
        return (0x7fc0_0000, if invalid { 16 } else { 0 });
    }
    if sum.is_infinite() {
        return ((sum as f32).to_bits(), 0);
    }
    if sum == 0.0 {
        return ((sum as f32).to_bits(), 0);
    }
    // What the double sum lost, exactly.
    let high = sum - p;
    let lost = (p - (sum - high)) + (q - high);
    to_odd(sum, lost)
}

/// Random bits of a format, with its corners often.
fn float_bits(random: &mut Random, format: Format) -> u64 {
    let all = random.next() & ((1 << format.bits()) - 1);
    let sign = all & 1 << (format.bits() - 1);
    let top = ((1u64 << format.exponent) - 1) << format.fraction;
    match random.below(8) {
        0 => sign,
        1 => sign | top,
        2 => sign | all & ((1 << format.fraction) - 1),
        3 => sign | (top - 1),
        // Near one, where products meet.
        4 | 5 => sign | ((all & ((4 << format.fraction) - 1)) + top / 4),
        _ => all,
    }
}

#[test]
fn dot_products_are_bulk_normalised() {
    let mut random = Random(11);
    let pairs = [
        (Format::F16, Format::F16),
        (Format::BF16, Format::BF16),
        (Format::E4M3, Format::E4M3),
        (Format::E4M3, Format::E5M2),
        (Format::E5M2, Format::E4M3),
        (Format::E5M2, Format::E5M2),
    ];
    for (left, right) in pairs {
        for _ in 0..20_000 {
            let a: [u64; 4] = std::array::from_fn(|_| float_bits(&mut random, left));
            let b: [u64; 4] = std::array::from_fn(|_| float_bits(&mut random, right));
            let words = |v: &[u64; 4]| v.map(|bits| bits as u16);
            let (found, expected) = if left.bits() == 16 {
                let two = |v: &[u64; 4]| [v[0] as u16, v[1] as u16];
                let found = dot(left.of_factor(), right.of_factor(), &two(&a), &two(&b));
                (found, reference_dot(left, right, &a[..2], &b[..2]))
            } else {
                let found = dot(left.of_factor(), right.of_factor(), &words(&a), &words(&b));
                (found, reference_dot(left, right, &a, &b))
            };
            assert_eq!(found, expected, "{left:?} {a:x?} {right:?} {b:x?}");
            let c = random.next() as u32;
            assert_eq!(
                accumulate(c, found.0),
                reference_add(c, found.0),
                "{c:08x} + {:08x}",
                found.0
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn host_bodies_of_bytes_are_the_portable_one() {
    if !(is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni"))
    {
        return;
    }
    let mut random = Random(13);
    for case in 0..400 {
        let signs = [case & 1 == 1, case & 2 == 2];
        let mut rows = [[0u32; TE]; TE];
        for word in rows.as_flattened_mut() {
            *word = random.next() as u32;
        }
        let mut word = || match random.below(4) {
            0 => 0x8080_8080,
            1 => 0xffff_ffff,
            _ => random.next() as u32,
        };
        let a: [u32; TE] = std::array::from_fn(|_| word());
        let b: [u32; TE] = std::array::from_fn(|_| word());
        let mut expected = rows;
        super::multiply::bytes(&mut expected, &a, &b, case % 33, signs);
        // SAFETY: the host has the features.
        unsafe { super::x86::vnni(&mut rows, &a, &b, case % 33, signs) };
        assert!(rows == expected, "signs {signs:?}");
    }
}

/// A random instruction, with registers that are often right for it.
fn random_inst(random: &mut Random, opcodes: &[Opcode]) -> u32 {
    loop {
        let opcode = opcodes[random.below(opcodes.len() as u64) as usize];
        let row = opcode.row();
        let mut word = row.match_bits | random.next() as u32 & !row.mask;
        if random.below(8) != 0 {
            // Operands that begin at v8, v16 or v24.
            word = word & !(0x3f << 19) | (word & 0x18 << 17);
            word &= !(7 << 15) | row.mask;
            word |= row.match_bits;
        }
        if decode(word).is_some_and(|inst| inst.opcode() == opcode) {
            return word;
        }
    }
}

#[test]
fn random_programs_are_those_of_the_reference() {
    let opcodes: Vec<Opcode> = Opcode::ALL
        .into_iter()
        .filter(|opcode| {
            let mnemonic = opcode.mnemonic();
            let is_zvt = mnemonic.starts_with("mset") || mnemonic.starts_with("vt");
            is_zvt && *opcode != Opcode::Vtdiscard
        })
        .collect();
    assert_eq!(opcodes.len(), 20);
    let mut random = Random(0x5eed);
    let mut executed = [0u32; 2];
    for program in 0..60 {
        let mut memory: [u8; MEMORY_BYTES] = std::array::from_fn(|_| random.next() as u8);
        let mut reference = Reference {
            tiles: vec![0; 16 * TE * TE],
            v: std::array::from_fn(|_| std::array::from_fn(|_| random.next() as u8)),
            x: [0; 32],
            memory,
            vl: 32,
            vtype: VType::new(Sew::E32, weft_isa::Lmul::M1),
            mtype: MatrixType::default(),
            frm: random.below(6) as u8,
            fflags: 0,
        };
        // Where nobody reads accrued exceptions, singles are not obliged to raise them.
        let tracks_flags = program % 2 == 0;
        let mut env = env(&mut memory, tracks_flags, 1);
        let mut hart = Hart::new();
        hart.frm = reference.frm;
        for register in 0..32 {
            let bytes = hart.vector_bytes(register, 1);
            bytes.copy_from_slice(&reference.v[usize::from(register)]);
        }
        for _ in 0..60 {
            // The unit is configured anew now and then, and registers hold what may make sense.
            let sews = [Sew::E8, Sew::E8, Sew::E16, Sew::E32, Sew::E64];
            let sew = sews[random.below(5) as usize];
            let widens = [3, 2, 1, 1][sew as usize];
            let widen = if random.below(4) == 0 {
                random.below(4) as u8
            } else {
                widens
            };
            let word = match random.below(4) {
                0 => {
                    let mtype = Requested::new(sew, random.below(3) == 0, widen);
                    Inst::Msetmtypei { mtype }.encode()
                }
                _ => random_inst(&mut random, &opcodes),
            };
            for register in 1..32 {
                let value = match random.below(6) {
                    // A row or column of a tile, seldom one that does not exist.
                    0 | 1 => {
                        random.below(17) << 27 | (random.below(20) / 9) << 24 | random.below(33)
                    }
                    2 => {
                        let bits = random.below(512);
                        bits & !4 | random.below(17) << 60
                    }
                    _ => random.below(40),
                };
                reference.x[register] = value;
            }
            let inst = decode(word).expect("an instruction");
            if inst.mnemonic().starts_with("vtle") || inst.mnemonic().starts_with("vtse") {
                // Eight aligned bytes in memory of which an ETE of the widest elements is left.
                let address = SHARED_WINDOW + 8 * random.below(32);
                reference.x[(word >> 15 & 31) as usize] = if word >> 15 & 31 == 0 {
                    continue;
                } else {
                    address
                };
                if word >> 15 & 31 == word >> 20 & 31 {
                    continue;
                }
            }
            hart.x = reference.x;
            let before = reference.clone();
            let legal = reference.execute(inst).is_ok();
            if !legal {
                reference = before;
            }
            let context = format!("program {program}: {inst}, {:?}", reference.vtype);
            assert_eq!(execute(&mut hart, &mut env, word), legal, "{context}");
            executed[usize::from(legal)] += 1;
            assert_eq!(hart.vl as usize, reference.vl, "vl, {context}");
            assert_eq!(hart.vtype, reference.vtype, "{context}");
            assert_eq!(hart.matrix.mtype, reference.mtype, "{context}");
            if tracks_flags {
                assert_eq!(hart.fflags, reference.fflags, "fflags, {context}");
            }
            assert_eq!(hart.x, reference.x, "{context}");
            // SAFETY: shared memory is the array, which nothing else uses meanwhile.
            let found = unsafe { env.shared.cast::<[u8; MEMORY_BYTES]>().read() };
            assert!(found == reference.memory, "memory, {context}");
            for register in 0..32u8 {
                let found = hart.vector_bytes(register, 1);
                let expected = &reference.v[usize::from(register)][..];
                assert!(found == expected, "v{register}, {context}");
            }
            let tiles = hart.matrix.tiles.get_or_insert_default();
            for at in 0..16 * TE * TE {
                let (tile, row, col) = (at / TE / TE, at / TE % TE, at % TE);
                let found = tiles.get(Sew::E8, tile as u8, row, col);
                let expected = reference.tile_get(tile as u8, row, col, 8);
                assert_eq!(found, expected, "mt{tile}[{row}][{col}], {context}");
            }
        }
    }
    let [refused, done] = executed;
    assert!(
        done > 1500 && refused > 200,
        "{done} executed, {refused} refused"
    );
}

#[test]
fn tiles_need_a_matrix_context() {
    let mut memory = [0; MEMORY_BYTES];
    let mut env = env(&mut memory, false, 4);
    let mut hart = Hart::new();
    let configure = Inst::Msetmtypei {
        mtype: Requested::new(Sew::E8, false, 3),
    };
    let zero = Inst::Vtzero {
        mtd: weft_isa::field::Tile::new(4),
    };
    for (warp, has_tiles) in [(3, true), (4, false)] {
        hart.warp = warp;
        assert!(execute(&mut hart, &mut env, configure.encode()));
        assert_eq!(execute(&mut hart, &mut env, zero.encode()), has_tiles);
    }
    let enabled = Enabled {
        float: true,
        vector: true,
        matrix: false,
        rounding: true,
    };
    assert!(enabled.allow(configure));
    assert!(!enabled.allow(zero));
}
