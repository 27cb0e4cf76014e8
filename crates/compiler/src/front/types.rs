//! PTX types as the IR sees them: how many bits, and how the bits are read.

use crate::ir::{FloatType, Type};
use weft_ptx::ast::ScalarType;

/// The type named by a modifier word such as `u32`.
pub(super) fn parse(word: &str) -> Option<ScalarType> {
    Some(match word {
        "b8" => ScalarType::B8,
        "b16" => ScalarType::B16,
        "b32" => ScalarType::B32,
        "b64" => ScalarType::B64,
        "b128" => ScalarType::B128,
        "u8" => ScalarType::U8,
        "u16" => ScalarType::U16,
        "u32" => ScalarType::U32,
        "u64" => ScalarType::U64,
        "s8" => ScalarType::S8,
        "s16" => ScalarType::S16,
        "s32" => ScalarType::S32,
        "s64" => ScalarType::S64,
        "f16" => ScalarType::F16,
        "f16x2" => ScalarType::F16x2,
        "bf16" => ScalarType::Bf16,
        "bf16x2" => ScalarType::Bf16x2,
        "f32" => ScalarType::F32,
        "f64" => ScalarType::F64,
        "pred" => ScalarType::Pred,
        _ => return None,
    })
}

/// Size in bits; opaque types count as the 64-bit handles they are.
pub(super) const fn bits(ty: ScalarType) -> u32 {
    match ty {
        ScalarType::Pred => 1,
        ScalarType::B8 | ScalarType::U8 | ScalarType::S8 => 8,
        ScalarType::B16
        | ScalarType::U16
        | ScalarType::S16
        | ScalarType::F16
        | ScalarType::Bf16 => 16,
        ScalarType::B32
        | ScalarType::U32
        | ScalarType::S32
        | ScalarType::F32
        | ScalarType::F16x2
        | ScalarType::Bf16x2 => 32,
        ScalarType::B64
        | ScalarType::U64
        | ScalarType::S64
        | ScalarType::F64
        | ScalarType::TexRef
        | ScalarType::SamplerRef
        | ScalarType::SurfRef => 64,
        ScalarType::B128 => 128,
    }
}

/// The IR type that holds it. 8-bit values are held zero-extended in 16 bits; `None` for
/// 128-bit values, which no IR value can hold.
pub(super) const fn ir(ty: ScalarType) -> Option<Type> {
    match bits(ty) {
        1 => Some(Type::Pred),
        8 | 16 => Some(Type::B16),
        32 => Some(Type::B32),
        64 => Some(Type::B64),
        _ => None,
    }
}

/// Whether it is `.s8` to `.s64`.
pub(super) const fn is_signed(ty: ScalarType) -> bool {
    matches!(
        ty,
        ScalarType::S8 | ScalarType::S16 | ScalarType::S32 | ScalarType::S64
    )
}

/// Whether it is a signed or unsigned integer type.
pub(super) const fn is_integer(ty: ScalarType) -> bool {
    is_signed(ty)
        || matches!(
            ty,
            ScalarType::U8 | ScalarType::U16 | ScalarType::U32 | ScalarType::U64
        )
}

/// The format of a scalar floating-point type.
pub(super) const fn float(ty: ScalarType) -> Option<FloatType> {
    match ty {
        ScalarType::F16 => Some(FloatType::F16),
        ScalarType::Bf16 => Some(FloatType::Bf16),
        ScalarType::F32 => Some(FloatType::F32),
        ScalarType::F64 => Some(FloatType::F64),
        _ => None,
    }
}

/// The format of the elements of a packed pair.
pub(super) const fn packed_float(ty: ScalarType) -> Option<FloatType> {
    match ty {
        ScalarType::F16x2 => Some(FloatType::F16),
        ScalarType::Bf16x2 => Some(FloatType::Bf16),
        _ => None,
    }
}
