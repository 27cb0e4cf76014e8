//! Integer instructions on `x` registers, jumps and branches: RV64I, M, Zba, Zbb, Zbs, Zicond.

use super::{Env, Flow, Hart, Op};

/// Bodies of two operands: the name with registers, and optionally the name with an immediate
/// in place of `rs2`.
macro_rules! binary {
    ($($name:ident $(/ $immediate:ident)? ($a:ident, $b:ident) = $body:expr;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
            let ($a, $b) = (hart.x(op.rs1), hart.x(op.rs2));
            hart.set_x(op.rd, $body);
            Flow::Next
        }
        $(pub(super) fn $immediate(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
            let ($a, $b) = (hart.x(op.rs1), op.imm as u64);
            hart.set_x(op.rd, $body);
            Flow::Next
        })?
    )*};
}

/// Bodies of one operand.
macro_rules! unary {
    ($($name:ident ($a:ident) = $body:expr;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
            let $a = hart.x(op.rs1);
            hart.set_x(op.rd, $body);
            Flow::Next
        }
    )*};
}

/// Conditional branches to `imm`.
macro_rules! branch {
    ($($name:ident ($a:ident, $b:ident) = $taken:expr;)*) => {$(
        pub(super) fn $name(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
            let ($a, $b) = (hart.x(op.rs1), hart.x(op.rs2));
            if $taken {
                hart.pc = op.imm as u64;
            }
            Flow::Next
        }
    )*};
}

/// The sign-extended low 32 bits.
const fn word(value: u64) -> u64 {
    value as i32 as u64
}

binary! {
    add / addi (a, b) = a.wrapping_add(b);
    sub (a, b) = a.wrapping_sub(b);
    sll / slli (a, b) = a << (b & 63);
    slt / slti (a, b) = u64::from((a as i64) < b as i64);
    sltu / sltiu (a, b) = u64::from(a < b);
    xor / xori (a, b) = a ^ b;
    srl / srli (a, b) = a >> (b & 63);
    sra / srai (a, b) = (a as i64 >> (b & 63)) as u64;
    or / ori (a, b) = a | b;
    and / andi (a, b) = a & b;
    addw / addiw (a, b) = word(a.wrapping_add(b));
    subw (a, b) = word(a.wrapping_sub(b));
    sllw / slliw (a, b) = word(a << (b & 31));
    srlw / srliw (a, b) = word(u64::from(a as u32 >> (b & 31)));
    sraw / sraiw (a, b) = (a as i32 >> (b & 31)) as u64;

    mul (a, b) = a.wrapping_mul(b);
    mulh (a, b) = ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64;
    mulhsu (a, b) = (i128::from(a as i64).wrapping_mul(i128::from(b)) >> 64) as u64;
    mulhu (a, b) = ((u128::from(a) * u128::from(b)) >> 64) as u64;
    div (a, b) = if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 };
    divu (a, b) = a.checked_div(b).unwrap_or(u64::MAX);
    rem (a, b) = if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 };
    remu (a, b) = a.checked_rem(b).unwrap_or(a);
    mulw (a, b) = word(a.wrapping_mul(b));
    divw (a, b) = {
        if b as u32 == 0 { u64::MAX } else { (a as i32).wrapping_div(b as i32) as u64 }
    };
    divuw (a, b) = word(u64::from((a as u32).checked_div(b as u32).unwrap_or(u32::MAX)));
    remw (a, b) = {
        if b as u32 == 0 { word(a) } else { (a as i32).wrapping_rem(b as i32) as u64 }
    };
    remuw (a, b) = word(u64::from((a as u32).checked_rem(b as u32).unwrap_or(a as u32)));

    add_uw (a, b) = b.wrapping_add(u64::from(a as u32));
    sh1add (a, b) = b.wrapping_add(a << 1);
    sh2add (a, b) = b.wrapping_add(a << 2);
    sh3add (a, b) = b.wrapping_add(a << 3);
    sh1add_uw (a, b) = b.wrapping_add(u64::from(a as u32) << 1);
    sh2add_uw (a, b) = b.wrapping_add(u64::from(a as u32) << 2);
    sh3add_uw (a, b) = b.wrapping_add(u64::from(a as u32) << 3);

    andn (a, b) = a & !b;
    orn (a, b) = a | !b;
    xnor (a, b) = !(a ^ b);
    max (a, b) = (a as i64).max(b as i64) as u64;
    maxu (a, b) = a.max(b);
    min (a, b) = (a as i64).min(b as i64) as u64;
    minu (a, b) = a.min(b);
    rol (a, b) = a.rotate_left((b & 63) as u32);
    rolw (a, b) = word(u64::from((a as u32).rotate_left((b & 31) as u32)));
    ror / rori (a, b) = a.rotate_right((b & 63) as u32);
    rorw / roriw (a, b) = word(u64::from((a as u32).rotate_right((b & 31) as u32)));

    bclr / bclri (a, b) = a & !(1 << (b & 63));
    bext / bexti (a, b) = a >> (b & 63) & 1;
    binv / binvi (a, b) = a ^ 1 << (b & 63);
    bset / bseti (a, b) = a | 1 << (b & 63);

    czero_eqz (a, b) = if b == 0 { 0 } else { a };
    czero_nez (a, b) = if b != 0 { 0 } else { a };
}

unary! {
    clz (a) = u64::from(a.leading_zeros());
    clzw (a) = u64::from((a as u32).leading_zeros());
    ctz (a) = u64::from(a.trailing_zeros());
    ctzw (a) = u64::from((a as u32).trailing_zeros());
    cpop (a) = u64::from(a.count_ones());
    cpopw (a) = u64::from((a as u32).count_ones());
    sext_b (a) = a as i8 as u64;
    sext_h (a) = a as i16 as u64;
    zext_h (a) = u64::from(a as u16);
    orc_b (a) = u64::from_le_bytes(a.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 255 }));
    rev8 (a) = a.swap_bytes();
}

branch! {
    beq (a, b) = a == b;
    bne (a, b) = a != b;
    blt (a, b) = (a as i64) < b as i64;
    bge (a, b) = a as i64 >= b as i64;
    bltu (a, b) = a < b;
    bgeu (a, b) = a >= b;
}

/// `slli.uw`.
pub(super) fn slli_uw(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    let a = u64::from(hart.x(op.rs1) as u32);
    hart.set_x(op.rd, a << (op.imm & 63));
    Flow::Next
}

/// `lui`, and `auipc` with the sum as its immediate.
pub(super) fn load_immediate(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    hart.set_x(op.rd, op.imm as u64);
    Flow::Next
}

/// `jal`, to `imm`.
pub(super) fn jal(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    hart.set_x(op.rd, op.next_pc());
    hart.pc = op.imm as u64;
    Flow::Next
}

/// `jalr`.
pub(super) fn jalr(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
    hart.pc = hart.x(op.rs1).wrapping_add(op.imm as u64) & !1;
    hart.set_x(op.rd, op.next_pc());
    Flow::Next
}
