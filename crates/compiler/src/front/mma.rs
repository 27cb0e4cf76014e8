//! `mma.sync`: PTX ISA section 9.7.15.5.

use super::function::{Ins, Lowering};
use crate::ErrorKind;
use crate::ir::{Fragments, Op, Type, Value};
use weft_isa::MatrixForm;
use weft_isa::matrix::{BitOp, Factors, Fp8, Sums};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// A shape word: rows of A, columns of B, columns of A.
pub(super) fn shape(word: &str) -> Option<[u32; 3]> {
    let (m, rest) = word.strip_prefix('m')?.split_once('n')?;
    let (n, k) = rest.split_once('k')?;
    Some([m.parse().ok()?, n.parse().ok()?, k.parse().ok()?])
}

/// A word that says what elements are.
pub(super) fn element_type(word: &str) -> Option<&str> {
    matches!(
        word,
        "f16"
            | "bf16"
            | "tf32"
            | "f32"
            | "f64"
            | "e4m3"
            | "e5m2"
            | "s8"
            | "u8"
            | "s4"
            | "u4"
            | "b1"
            | "s32"
    )
    .then_some(word)
}

/// The elements of A and B from their type words and the operation of single bits.
pub(super) fn factors(a: &str, b: &str, bits: Option<BitOp>) -> Option<Factors> {
    let fp8 = |word: &str| match word {
        "e4m3" => Some(Fp8::E4m3),
        "e5m2" => Some(Fp8::E5m2),
        _ => None,
    };
    let signed = |word: &str, width: &str| match word.split_at_checked(1)? {
        ("s", bits) if bits == width => Some(true),
        ("u", bits) if bits == width => Some(false),
        _ => None,
    };
    match (a, b, bits) {
        ("f16", "f16", None) => Some(Factors::F16),
        ("bf16", "bf16", None) => Some(Factors::Bf16),
        ("tf32", "tf32", None) => Some(Factors::Tf32),
        ("f64", "f64", None) => Some(Factors::F64),
        ("b1", "b1", Some(op)) => Some(Factors::Bits(op)),
        (_, _, Some(_)) => None,
        _ => {
            if let (Some(a), Some(b)) = (fp8(a), fp8(b)) {
                return Some(Factors::Fp8 { a, b });
            }
            if let (Some(a_signed), Some(b_signed)) = (signed(a, "8"), signed(b, "8")) {
                return Some(Factors::Int8 { a_signed, b_signed });
            }
            let (a_signed, b_signed) = (signed(a, "4")?, signed(b, "4")?);
            Some(Factors::Int4 { a_signed, b_signed })
        }
    }
}

/// The elements of C and D from their type word.
pub(super) fn sums(word: &str, saturate: bool) -> Option<Sums> {
    match (word, saturate) {
        ("f32", false) => Some(Sums::F32),
        ("f16", false) => Some(Sums::F16),
        ("f64", false) => Some(Sums::F64),
        ("s32", saturate) => Some(Sums::S32 { saturate }),
        _ => None,
    }
}

/// Takes `.xor.popc` or `.and.popc`.
pub(super) fn take_bit_op(ins: &mut Ins<'_, '_>) -> Option<BitOp> {
    let op = ins.modifiers.take_map(|word| match word {
        "xor" => Some(BitOp::Xor),
        "and" => Some(BitOp::And),
        _ => None,
    });
    // Left over, and so refused, if there is no operation.
    op.filter(|_| ins.modifiers.take("popc"))
}

/// The values of a fragment: so many registers of the type.
pub(super) fn read_fragment<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    count: usize,
    ty: ScalarType,
) -> Lowered<Vec<Value>> {
    let elements = f.elements(ins, operand);
    if elements.len() != count {
        return Err(ins.wrong_operand(operand, &format!("{count} registers")));
    }
    elements
        .iter()
        .map(|element| f.read(ins, element, ty))
        .collect()
}

/// Writes the values of a fragment.
pub(super) fn write_fragment<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    ty: ScalarType,
    values: &[Value],
) -> Lowered {
    let elements = f.elements(ins, operand);
    if elements.len() != values.len() {
        return Err(ins.wrong_operand(operand, &format!("{} registers", values.len())));
    }
    for (element, &value) in elements.iter().zip(values) {
        f.write(ins, element, ty, value)?;
    }
    Ok(())
}

impl Lowering<'_, '_, '_> {
    /// A product of matrices: the fragment of D.
    pub(super) fn multiply_matrices(
        &mut self,
        form: MatrixForm,
        a: Vec<Value>,
        b: Vec<Value>,
        c: Vec<Value>,
    ) -> Vec<Value> {
        let types: Vec<Type> = c.iter().map(|&value| self.ty(value)).collect();
        let op = Op::MultiplyMatrices(form, Box::new(Fragments { a, b, c }));
        self.emit_all(op, &types)
    }
}

/// `mma.sync.aligned`
pub(super) fn mma<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    if !ins.modifiers.take("sync") || !ins.modifiers.take("aligned") {
        return Err(ins.wrong_modifiers(".sync.aligned is missing"));
    }
    let Some([m, 8, k]) = ins.modifiers.take_map(shape) else {
        return Err(ins.unsupported());
    };
    if !ins.modifiers.take("row") || !ins.modifiers.take("col") {
        return Err(ins.unsupported());
    }
    let saturate = ins.modifiers.take("satfinite");
    let types: [Option<&str>; 4] = std::array::from_fn(|_| ins.modifiers.take_map(element_type));
    let bits = take_bit_op(ins);
    let [Some(d), Some(a), Some(b), Some(c)] = types else {
        return Err(ins.wrong_modifiers("the types of D, A, B and C are missing"));
    };
    let form = (d == c)
        .then(|| MatrixForm::new(factors(a, b, bits)?, sums(d, saturate)?, m, k))
        .flatten();
    let Some(form) = form else {
        return Err(ins.unsupported());
    };
    let (ty, each) = if form.sums() == Sums::F64 {
        (ScalarType::F64, 2)
    } else {
        (ScalarType::B32, 1)
    };
    let counts = [form.a_registers(), form.b_registers(), form.d_registers()];
    let [a_count, b_count, d_count] = counts.map(|count| (count / each) as usize);
    let [d, a, b, c] = ins.operands()?;
    let a = read_fragment(f, ins, a, a_count, ty)?;
    let b = read_fragment(f, ins, b, b_count, ty)?;
    let c = read_fragment(f, ins, c, d_count, ty)?;
    let results = f.multiply_matrices(form, a, b, c);
    write_fragment(f, ins, d, ty, &results)
}
