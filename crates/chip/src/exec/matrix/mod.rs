//! The matrix unit: `xw.mma` (Xweft 7).
//!
//! Fragments lie in register groups as the PTX manual draws them, which makes every row of A
//! and every column of B a run of 16 bytes per register: see [`Operands`]. There are portable
//! bodies for every form, which the optimiser vectorises for each [`Level`], and bodies in
//! host intrinsics for 8-bit and 4-bit integers, where the optimiser falls far short. All
//! give the same bits: integers are exact, and the order of floating-point additions is fixed.

mod float;
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod groups;
mod integer;
#[cfg(test)]
mod tests;
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod x86;
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod x86_float;

use weft_isa::MatrixForm;
use weft_isa::abi::VLEN_BYTES;
use weft_isa::matrix::{Factors, Sums};

use super::{Env, Flow, Handler, Hart, Level, Op, select};

/// Bytes of a row of A, or of a column of B, in one register.
const RUN_BYTES: usize = 16;
/// Most bytes of an operand: four registers.
const OPERAND_BYTES: usize = 4 * VLEN_BYTES;
/// Rows of a register: of A, C and D.
const REGISTER_ROWS: usize = 8;
/// Columns of B, C and D.
const COLUMNS: usize = 8;

/// The handler of a form. `op.imm` must hold the bits of the form.
pub(super) fn handler(form: MatrixForm, level: Level) -> Handler {
    match form.factors() {
        Factors::F64 => select::<float::Doubles>(level),
        Factors::F16 | Factors::Bf16 | Factors::Tf32 | Factors::Fp8 { .. } => {
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            if let Some(handler) = x86_float::handler(form, level) {
                return handler;
            }
            match form.k() {
                4 => select::<float::Singles<4>>(level),
                8 => select::<float::Singles<8>>(level),
                16 => select::<float::Singles<16>>(level),
                _ => select::<float::Singles<32>>(level),
            }
        }
        Factors::Int8 { .. } | Factors::Int4 { .. } => {
            #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
            if let Some(handler) = x86::handler(form, level) {
                return handler;
            }
            match form.k() {
                16 => select::<integer::Integers<16>>(level),
                32 => select::<integer::Integers<32>>(level),
                _ => select::<integer::Integers<64>>(level),
            }
        }
        Factors::Bits(_) => select::<integer::Bits>(level),
    }
}

/// Whether the groups of an instruction begin at multiples of their sizes.
pub(super) fn groups_are_aligned(form: MatrixForm, op: &Op) -> bool {
    let sizes = [form.d_registers(), form.a_registers(), form.b_registers()];
    [op.rd, op.rs2, op.rs1]
        .into_iter()
        .zip(sizes)
        .all(|(register, size)| u32::from(register).is_multiple_of(size))
}

fn form_of(op: &Op) -> MatrixForm {
    MatrixForm::from_bits(op.imm as u16).expect("the translator stored the bits of a form")
}

/// Register groups as they were before the instruction. Bytes beyond a group are zero.
///
/// Lane `4 g + t` of a register is bytes `16 g + 4 t..` of it. So, of operands with rows of 16
/// or 32 bytes, bytes `16 h..16 h + 16` of row `i` of A are those at
/// `128 (i / 8 + 2 h) + 16 (i % 8)`, and of column `j` of B those at `128 h + 16 j`.
#[repr(align(64))]
struct Operands {
    a: [u8; OPERAND_BYTES],
    b: [u8; 2 * VLEN_BYTES],
    d: [u8; OPERAND_BYTES],
}

impl Operands {
    #[inline(always)]
    fn read(hart: &mut Hart, op: &Op, form: MatrixForm) -> Self {
        let mut operands = Self {
            a: [0; OPERAND_BYTES],
            b: [0; 2 * VLEN_BYTES],
            d: [0; OPERAND_BYTES],
        };
        let a = hart.vector_bytes(op.rs2, form.a_registers() as usize);
        operands.a[..a.len()].copy_from_slice(a);
        let b = hart.vector_bytes(op.rs1, form.b_registers() as usize);
        operands.b[..b.len()].copy_from_slice(b);
        let d = hart.vector_bytes(op.rd, form.d_registers() as usize);
        operands.d[..d.len()].copy_from_slice(d);
        operands
    }

    /// Puts the first registers of `d` into the destination.
    #[inline(always)]
    fn write(&self, hart: &mut Hart, op: &Op, form: MatrixForm) {
        let d = hart.vector_bytes(op.rd, form.d_registers() as usize);
        let length = d.len();
        d.copy_from_slice(&self.d[..length]);
    }

    /// The 16 bytes of row `row` of A in its `half`.
    #[inline(always)]
    fn a_run(&self, row: usize, half: usize) -> &[u8; RUN_BYTES] {
        let at = VLEN_BYTES * (row / REGISTER_ROWS + 2 * half) + RUN_BYTES * (row % REGISTER_ROWS);
        self.a[at..at + RUN_BYTES].try_into().expect("16 bytes")
    }

    /// The 16 bytes of column `column` of B in its `half`.
    #[inline(always)]
    fn b_run(&self, column: usize, half: usize) -> &[u8; RUN_BYTES] {
        let at = VLEN_BYTES * half + RUN_BYTES * column;
        self.b[at..at + RUN_BYTES].try_into().expect("16 bytes")
    }

    /// Element of C of 32 bits.
    #[inline(always)]
    fn c32(&self, row: usize, column: usize) -> u32 {
        let at = offset32(row, column);
        u32::from_le_bytes(self.d[at..at + 4].try_into().expect("4 bytes"))
    }

    /// Replaces an element of D of 32 bits.
    #[inline(always)]
    fn set_d32(&mut self, row: usize, column: usize, bits: u32) {
        let at = offset32(row, column);
        self.d[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    }
}

/// Where an element of 32 bits of C or D lies: even and odd columns are in registers of their
/// own.
const fn offset32(row: usize, column: usize) -> usize {
    VLEN_BYTES * (row / REGISTER_ROWS * 2 + column % 2)
        + RUN_BYTES * (row % REGISTER_ROWS)
        + 4 * (column / 2)
}

/// Runs of 16 bytes in a row of A.
fn halves(form: MatrixForm) -> usize {
    (form.k() * form.factors().bits()) as usize / (8 * RUN_BYTES)
}

fn saturates(form: MatrixForm) -> bool {
    form.sums() == (Sums::S32 { saturate: true })
}

/// Executes a body on copies of the operands.
#[inline(always)]
fn execute(hart: &mut Hart, op: &Op, body: impl FnOnce(MatrixForm, &mut Operands)) -> Flow {
    let form = form_of(op);
    let mut operands = Operands::read(hart, op, form);
    body(form, &mut operands);
    operands.write(hart, op, form);
    hart.vstart = 0;
    Flow::Next
}
