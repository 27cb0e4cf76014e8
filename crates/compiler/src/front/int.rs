//! Integer arithmetic: PTX ISA sections 9.7.1 (integer) and 9.7.2 (extended precision).

use super::function::{Ins, Lowering};
use super::types;
use crate::ErrorKind;
use crate::ir::{BinaryOp, IntCompare, Op, ShiftOp, Type, UnaryOp, Value};
use weft_ptx::ast::ScalarType;

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Takes the type; it must be an integer type of 16, 32 or 64 bits.
fn int_type(ins: &mut Ins<'_, '_>) -> Lowered<ScalarType> {
    let ty = ins.ty()?;
    if types::is_integer(ty) && types::bits(ty) >= 16 {
        Ok(ty)
    } else {
        Err(ins.unsupported())
    }
}

/// One operation for signed and one for unsigned types.
fn by_sign(ty: ScalarType, signed: BinaryOp, unsigned: BinaryOp) -> BinaryOp {
    if types::is_signed(ty) {
        signed
    } else {
        unsigned
    }
}

/// `d, a, b`: all of one type.
fn two_operands<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    ty: ScalarType,
    op: BinaryOp,
) -> Lowered {
    let [d, a, b] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = f.binary(op, a, b);
    f.write(ins, d, ty, result)
}

/// `add{.sat}`, `add.cc`
pub(super) fn add<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    add_or_sub(f, ins, BinaryOp::Add, BinaryOp::AddSaturating)
}

/// `sub{.sat}`, `sub.cc`
pub(super) fn sub<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    add_or_sub(f, ins, BinaryOp::Sub, BinaryOp::SubSaturating)
}

fn add_or_sub<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    wrapping: BinaryOp,
    saturating: BinaryOp,
) -> Lowered {
    if ins.modifiers.take("cc") {
        // Nothing is carried, nothing is borrowed (see `with_carry`).
        let carry = f.constant(Type::Pred, u64::from(wrapping == BinaryOp::Sub));
        return carry_chain(f, ins, wrapping, carry, true);
    }
    let saturate = ins.modifiers.take("sat");
    let ty = int_type(ins)?;
    if saturate && ty != ScalarType::S32 {
        return Err(ins.wrong_modifiers(".sat is for .s32"));
    }
    two_operands(f, ins, ty, if saturate { saturating } else { wrapping })
}

/// `addc{.cc}`
pub(super) fn addc<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let sets = ins.modifiers.take("cc");
    let carry = f.read_variable(f.carry);
    carry_chain(f, ins, BinaryOp::Add, carry, sets)
}

/// `subc{.cc}`
pub(super) fn subc<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let sets = ins.modifiers.take("cc");
    let carry = f.read_variable(f.carry);
    carry_chain(f, ins, BinaryOp::Sub, carry, sets)
}

fn carry_chain<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: BinaryOp,
    carry: Value,
    sets_carry: bool,
) -> Lowered {
    let ty = carry_type(ins)?;
    let [d, a, b] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = with_carry(f, op == BinaryOp::Sub, a, b, carry, sets_carry);
    f.write(ins, d, ty, result)
}

fn carry_type(ins: &mut Ins<'_, '_>) -> Lowered<ScalarType> {
    let ty = ins.ty()?;
    if types::is_integer(ty) && types::bits(ty) >= 32 {
        Ok(ty)
    } else {
        Err(ins.unsupported())
    }
}

/// Sum or difference with the carry flag. A difference is the sum with the complement, as on
/// the hardware: the flag is true where nothing is borrowed. Programs can tell only when they mix
/// sums and differences in one chain.
fn with_carry(
    f: &mut Lowering<'_, '_, '_>,
    subtract: bool,
    a: Value,
    b: Value,
    carry: Value,
    sets_carry: bool,
) -> Value {
    let ty = f.ty(a);
    let op = if subtract {
        let borrow = f.unary(UnaryOp::Not, carry);
        Op::SubBorrow(a, b, borrow)
    } else {
        Op::AddCarry(a, b, carry)
    };
    let (result, mut carry) = f.emit_pair(op, [ty, Type::Pred]);
    if sets_carry {
        if subtract {
            carry = f.unary(UnaryOp::Not, carry);
        }
        f.write_variable(f.carry, carry);
    }
    result
}

/// Which part of a product an instruction wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Low,
    High,
    Wide,
}

fn take_part(ins: &mut Ins<'_, '_>) -> Lowered<Part> {
    let part = ins.modifiers.take_map(|word| match word {
        "lo" => Some(Part::Low),
        "hi" => Some(Part::High),
        "wide" => Some(Part::Wide),
        _ => None,
    });
    part.ok_or_else(|| ins.wrong_modifiers("one of .lo, .hi, .wide is missing"))
}

/// The type of a result of `mul.wide` or `mad.wide`.
fn wide_type(ins: &Ins<'_, '_>, ty: ScalarType) -> Lowered<ScalarType> {
    match ty {
        ScalarType::U16 => Ok(ScalarType::U32),
        ScalarType::S16 => Ok(ScalarType::S32),
        ScalarType::U32 => Ok(ScalarType::U64),
        ScalarType::S32 => Ok(ScalarType::S64),
        _ => Err(ins.wrong_modifiers(".wide is for 16- and 32-bit types")),
    }
}

fn product(f: &mut Lowering<'_, '_, '_>, ty: ScalarType, part: Part, a: Value, b: Value) -> Value {
    match part {
        Part::Low => f.binary(BinaryOp::Mul, a, b),
        Part::High => f.binary(
            by_sign(ty, BinaryOp::MulHighSigned, BinaryOp::MulHighUnsigned),
            a,
            b,
        ),
        Part::Wide => f.mul_wide(types::is_signed(ty), a, b),
    }
}

/// `mul.{lo,hi,wide}`
pub(super) fn mul<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let part = take_part(ins)?;
    let ty = int_type(ins)?;
    let result_type = if part == Part::Wide {
        wide_type(ins, ty)?
    } else {
        ty
    };
    let [d, a, b] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = product(f, ty, part, a, b);
    f.write(ins, d, result_type, result)
}

/// `mad.{lo,hi,wide}{.sat}`, `mad.{lo,hi}.cc`
pub(super) fn mad<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let part = take_part(ins)?;
    if ins.modifiers.take("cc") {
        let no_carry = f.constant(Type::Pred, 0);
        return mad_with_carry(f, ins, part, no_carry, true);
    }
    let saturate = ins.modifiers.take("sat");
    let ty = int_type(ins)?;
    if saturate && (ty != ScalarType::S32 || part != Part::High) {
        return Err(ins.wrong_modifiers(".sat is for .hi.s32"));
    }
    let result_type = if part == Part::Wide {
        wide_type(ins, ty)?
    } else {
        ty
    };
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, result_type)?;
    let product = product(f, ty, part, a, b);
    let add = if saturate {
        BinaryOp::AddSaturating
    } else {
        BinaryOp::Add
    };
    let result = f.binary(add, product, c);
    f.write(ins, d, result_type, result)
}

/// `madc.{lo,hi}{.cc}`
pub(super) fn madc<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let part = take_part(ins)?;
    let sets = ins.modifiers.take("cc");
    let carry = f.read_variable(f.carry);
    mad_with_carry(f, ins, part, carry, sets)
}

fn mad_with_carry<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    part: Part,
    carry: Value,
    sets_carry: bool,
) -> Lowered {
    let ty = carry_type(ins)?;
    if part == Part::Wide {
        return Err(ins.wrong_modifiers("a carry needs .lo or .hi"));
    }
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, ty)?;
    let product = product(f, ty, part, a, b);
    let result = with_carry(f, false, product, c, carry, sets_carry);
    f.write(ins, d, ty, result)
}

/// `mul24.{lo,hi}`
pub(super) fn mul24<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let part = take_part(ins)?;
    let ty = int_type(ins)?;
    let [d, a, b] = ins.operands()?;
    let result = product24(f, ins, ty, part, a, b)?;
    f.write(ins, d, ty, result)
}

/// `mad24.{lo,hi}{.sat}`
pub(super) fn mad24<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let part = take_part(ins)?;
    let saturate = ins.modifiers.take("sat");
    let ty = int_type(ins)?;
    if saturate && (ty != ScalarType::S32 || part != Part::High) {
        return Err(ins.wrong_modifiers(".sat is for .hi.s32"));
    }
    let [d, a, b, c] = ins.operands()?;
    let c = f.read(ins, c, ty)?;
    let product = product24(f, ins, ty, part, a, b)?;
    let add = if saturate {
        BinaryOp::AddSaturating
    } else {
        BinaryOp::Add
    };
    let result = f.binary(add, product, c);
    f.write(ins, d, ty, result)
}

/// The low 32 bits, or bits 16 to 47, of the product of the low 24 bits.
fn product24<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    ty: ScalarType,
    part: Part,
    a: &weft_ptx::ast::Operand<'a>,
    b: &weft_ptx::ast::Operand<'a>,
) -> Lowered<Value> {
    if types::bits(ty) != 32 {
        return Err(ins.unsupported());
    }
    let signed = types::is_signed(ty);
    let mut factor = |operand| -> Lowered<Value> {
        let value = f.read(ins, operand, ty)?;
        let high = f.shift_by(ShiftOp::Left, value, 8);
        let op = if signed {
            ShiftOp::RightArithmetic
        } else {
            ShiftOp::RightLogical
        };
        Ok(f.shift_by(op, high, 8))
    };
    let a = factor(a)?;
    let b = factor(b)?;
    match part {
        Part::Low => Ok(f.binary(BinaryOp::Mul, a, b)),
        Part::High => {
            let wide = f.mul_wide(signed, a, b);
            let shifted = f.shift_by(ShiftOp::RightLogical, wide, 16);
            Ok(f.emit(Op::Truncate(Type::B32, shifted), Type::B32))
        }
        Part::Wide => Err(ins.unsupported()),
    }
}

/// `sad`: `c + |a - b|`
pub(super) fn sad<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = int_type(ins)?;
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let c = f.read(ins, c, ty)?;
    let larger = f.binary(
        by_sign(ty, BinaryOp::MaxSigned, BinaryOp::MaxUnsigned),
        a,
        b,
    );
    let smaller = f.binary(
        by_sign(ty, BinaryOp::MinSigned, BinaryOp::MinUnsigned),
        a,
        b,
    );
    let difference = f.binary(BinaryOp::Sub, larger, smaller);
    let result = f.binary(BinaryOp::Add, c, difference);
    f.write(ins, d, ty, result)
}

/// `div`
pub(super) fn div<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = int_type(ins)?;
    two_operands(
        f,
        ins,
        ty,
        by_sign(ty, BinaryOp::DivSigned, BinaryOp::DivUnsigned),
    )
}

/// `rem`
pub(super) fn rem<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let ty = int_type(ins)?;
    two_operands(
        f,
        ins,
        ty,
        by_sign(ty, BinaryOp::RemSigned, BinaryOp::RemUnsigned),
    )
}

/// `min{.relu}`
pub(super) fn min<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    min_or_max(f, ins, BinaryOp::MinSigned, BinaryOp::MinUnsigned)
}

/// `max{.relu}`
pub(super) fn max<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    min_or_max(f, ins, BinaryOp::MaxSigned, BinaryOp::MaxUnsigned)
}

fn min_or_max<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    signed: BinaryOp,
    unsigned: BinaryOp,
) -> Lowered {
    let relu = ins.modifiers.take("relu");
    let ty = int_type(ins)?;
    if !relu {
        return two_operands(f, ins, ty, by_sign(ty, signed, unsigned));
    }
    if ty != ScalarType::S32 {
        return Err(ins.wrong_modifiers(".relu is for .s32"));
    }
    let [d, a, b] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let b = f.read(ins, b, ty)?;
    let result = f.binary(signed, a, b);
    let result = f.binary_with(BinaryOp::MaxSigned, result, 0);
    f.write(ins, d, ty, result)
}

/// `abs`
pub(super) fn abs<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    one_signed_operand(f, ins, UnaryOp::Abs)
}

/// `neg`
pub(super) fn neg<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    one_signed_operand(f, ins, UnaryOp::Neg)
}

fn one_signed_operand<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    op: UnaryOp,
) -> Lowered {
    let ty = int_type(ins)?;
    if !types::is_signed(ty) {
        return Err(ins.wrong_modifiers("the type must be signed"));
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let result = f.unary(op, a);
    f.write(ins, d, ty, result)
}

/// `popc`, `clz`: the result is always 32 bits wide.
fn count<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>, op: UnaryOp) -> Lowered {
    let ty = ins.ty()?;
    if !matches!(ty, ScalarType::B32 | ScalarType::B64) {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let a = f.read(ins, a, ty)?;
    let result = f.unary(op, a);
    f.write(ins, d, ScalarType::U32, result)
}

/// `popc`
pub(super) fn popc<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    count(f, ins, UnaryOp::PopCount)
}

/// `clz`
pub(super) fn clz<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    count(f, ins, UnaryOp::LeadingZeros)
}

/// `bfind{.shiftamt}`
pub(super) fn bfind<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let shift_amount = ins.modifiers.take("shiftamt");
    let ty = int_type(ins)?;
    let width = types::bits(ty);
    if width < 32 {
        return Err(ins.unsupported());
    }
    let [d, a] = ins.operands()?;
    let mut a = f.read(ins, a, ty)?;
    if types::is_signed(ty) {
        // The highest bit that differs from the sign.
        let sign = f.shift_by(ShiftOp::RightArithmetic, a, width - 1);
        a = f.binary(BinaryOp::Xor, a, sign);
    }
    let zeros = f.unary(UnaryOp::LeadingZeros, a);
    let result = if shift_amount {
        let none = f.compare_with(IntCompare::Equal, a, 0);
        let all_ones = f.constant(Type::B32, u64::MAX);
        f.select(none, all_ones, zeros)
    } else {
        let top = f.constant(Type::B32, u64::from(width - 1));
        f.binary(BinaryOp::Sub, top, zeros)
    };
    f.write(ins, d, ScalarType::U32, result)
}

/// `dp4a.atype.btype`: sum of four products of bytes, added to `c`.
pub(super) fn dp4a<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    dot_product(f, ins, 8, 0)
}

/// `dp2a.{lo,hi}.atype.btype`: sum of the products of two halves with two bytes, added to `c`.
pub(super) fn dp2a<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let first_byte = match take_part(ins)? {
        Part::Low => 0,
        Part::High => 2,
        Part::Wide => return Err(ins.unsupported()),
    };
    dot_product(f, ins, 16, first_byte)
}

fn dot_product<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    a_bits: u32,
    b_first_byte: u32,
) -> Lowered {
    let (a_type, b_type) = (ins.ty()?, ins.ty()?);
    for ty in [a_type, b_type] {
        if !matches!(ty, ScalarType::U32 | ScalarType::S32) {
            return Err(ins.unsupported());
        }
    }
    let either_signed = types::is_signed(a_type) || types::is_signed(b_type);
    let sum_type = if either_signed {
        ScalarType::S32
    } else {
        ScalarType::U32
    };
    let [d, a, b, c] = ins.operands()?;
    let a = f.read(ins, a, a_type)?;
    let b = f.read(ins, b, b_type)?;
    let mut sum = f.read(ins, c, sum_type)?;
    for index in 0..32 / a_bits {
        let x = f.field(a, index * a_bits, a_bits, types::is_signed(a_type));
        let y = f.field(b, (b_first_byte + index) * 8, 8, types::is_signed(b_type));
        let product = f.binary(BinaryOp::Mul, x, y);
        sum = f.binary(BinaryOp::Add, sum, product);
    }
    f.write(ins, d, sum_type, sum)
}

impl Lowering<'_, '_, '_> {
    /// Bits `at .. at + bits` of a B32 value, extended to B32. `bits` is 8 or 16.
    pub(super) fn field(&mut self, value: Value, at: u32, bits: u32, signed: bool) -> Value {
        let value = self.shift_by(ShiftOp::RightLogical, value, at);
        let from = if bits == 8 { 8 } else { 16 };
        self.emit(
            Op::Extend {
                signed,
                from,
                to: Type::B32,
                value,
            },
            Type::B32,
        )
    }
}
