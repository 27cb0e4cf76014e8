//! Textures and surfaces: PTX ISA sections 9.7.10 (`tex`, `tld4`, `txq`) and 9.7.11 (`suld`, `sust`, `sured`,
//! `suq`).
//!
//! An object is the address of a descriptor (`weft_isa::texture` has its layout). What an instruction does
//! with it is a device function of `texture.ptx`, which nvcc makes of `texture.cu`; it becomes a part of every
//! kernel with such an instruction, and the instruction a call of it.

use super::body::CallLayout;
use super::function::{Ins, Lowering};
use super::{memory, types};
use crate::ErrorKind;
use crate::ir::{
    AtomicOp, BinaryOp, FloatType, IntCompare, Op, Rounding, Space, Terminator, Type, Value, Width,
};
use std::sync::OnceLock;
use weft_isa::abi::FaultCode;
use weft_isa::texture::{flag, offset};
use weft_ptx::ast::{Directive, Function, Instruction, Module, Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

/// Names of the functions that instructions call.
const TEXTURE: &str = "__weft_texture";
const GRADIENT: &str = "__weft_texture_gradient";
const SURFACE: &str = "__weft_surface";

/// Bits of the word that tells the functions the form of the instruction, beside the number of axes.
mod form {
    pub(super) const LAYERED: u64 = 4;
    pub(super) const CUBE: u64 = 8;
    pub(super) const INTEGER_COORDINATES: u64 = 16;
    pub(super) const FLOAT_RESULT: u64 = 32;
    pub(super) const WITH_LEVEL: u64 = 64;
    pub(super) const WITH_GRADIENTS: u64 = 128;
    pub(super) const GATHER: u64 = 256;
    pub(super) const COMPONENT_SHIFT: u32 = 9;
}

/// The functions of the library.
pub(super) fn library() -> impl Iterator<Item = &'static Function<'static>> {
    static LIBRARY: OnceLock<Module<'static>> = OnceLock::new();
    let module = LIBRARY.get_or_init(|| {
        weft_ptx::parse(include_bytes!("texture.ptx")).expect("nvcc writes PTX that can be parsed")
    });
    module
        .directives
        .iter()
        .filter_map(|directive| match directive {
            Directive::Function(function) => Some(function),
            Directive::Variable(_) | Directive::Alias { .. } | Directive::Pragma { .. } => None,
        })
}

/// Whether a function is of the library.
pub(super) fn is_library(function: &Function<'_>) -> bool {
    function.name.starts_with("__weft_")
}

/// The functions of the library that the lowering of an instruction calls.
pub(super) fn functions_of(instruction: &Instruction<'_>) -> &'static [&'static str] {
    match instruction.opcode {
        "tex" => &[TEXTURE, GRADIENT],
        "tld4" => &[TEXTURE],
        "suld" | "sust" | "sured" => &[SURFACE],
        _ => &[],
    }
}

/// What the coordinates of an instruction are.
#[derive(Clone, Copy)]
struct Geometry {
    /// 1 to 3.
    axes: usize,
    layered: bool,
    cube: bool,
}

impl Geometry {
    fn take(ins: &mut Ins<'_, '_>) -> Lowered<Self> {
        let found = ins.modifiers.take_map(|word| {
            let (axes, layered, cube) = match word {
                "1d" => (1, false, false),
                "2d" => (2, false, false),
                "3d" => (3, false, false),
                "a1d" => (1, true, false),
                "a2d" => (2, true, false),
                "cube" => (2, false, true),
                "acube" => (2, true, true),
                _ => return None,
            };
            Some(Self {
                axes,
                layered,
                cube,
            })
        });
        found.ok_or_else(|| ins.unsupported())
    }

    /// Numbers that a place in it has without the layer: a direction has one more than a face.
    const fn coordinates(self) -> usize {
        self.axes + self.cube as usize
    }

    fn bits(self) -> u64 {
        let mut bits = self.axes as u64;
        if self.layered {
            bits |= form::LAYERED;
        }
        if self.cube {
            bits |= form::CUBE;
        }
        bits
    }
}

/// The object and the coordinates of an operand `[object, {layer, x, y, z}]`.
struct Place {
    object: Value,
    layer: Value,
    coordinates: [Value; 3],
}

fn place<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    geometry: Geometry,
    ty: ScalarType,
) -> Lowered<Place> {
    let Operand::TextureAddress {
        base,
        sampler: None,
        coordinates,
    } = operand
    else {
        return Err(ins.wrong_operand(
            operand,
            "[object, coordinates] without a sampler of its own",
        ));
    };
    let object = f.read(ins, &Operand::Name(base), ScalarType::U64)?;
    let elements = f.elements(ins, coordinates);
    let least = geometry.coordinates() + usize::from(geometry.layered);
    if elements.len() < least {
        return Err(ins.wrong_operand(operand, "as many coordinates as the geometry has"));
    }
    let zero = f.constant(Type::B32, 0);
    let (layer, elements) = match elements.split_first() {
        Some((layer, rest)) if geometry.layered => (f.read(ins, layer, ScalarType::U32)?, rest),
        _ => (zero, elements.as_slice()),
    };
    let mut found = [zero; 3];
    for (place, element) in found.iter_mut().zip(elements).take(geometry.coordinates()) {
        *place = f.read(ins, element, ty)?;
    }
    Ok(Place {
        object,
        layer,
        coordinates: found,
    })
}

/// Calls a function of the library; its result in words of the given type.
fn call(
    f: &mut Lowering<'_, '_, '_>,
    name: &str,
    arguments: &[Value],
    results: usize,
    result_type: Type,
) -> Lowered<Vec<Value>> {
    let missing = || ErrorKind::Unknown {
        what: "function",
        name: name.to_owned(),
    };
    let function = f.unit.declaration(name).ok_or_else(missing)?;
    let layout = CallLayout::new(&function.returns, &function.params)?;
    let id = f.unit.function(name)?.ok_or_else(missing)?;
    for (&argument, &(offset, _)) in arguments.iter().zip(&layout.params) {
        let ty = match f.ty(argument) {
            Type::B64 => ScalarType::B64,
            Type::Pred | Type::B16 | Type::B32 => ScalarType::B32,
        };
        f.store_passed(Op::OutgoingAddress(offset), ty, argument);
    }
    f.effect(Op::Call(id));
    let (ty, bytes) = match result_type {
        Type::B64 => (ScalarType::B64, 8),
        Type::Pred | Type::B16 | Type::B32 => (ScalarType::B32, 4),
    };
    let first = layout.returns.first().map_or(0, |&(offset, _)| offset);
    (0..)
        .step_by(bytes)
        .take(results)
        .map(|at: u32| {
            let address = Op::OutgoingAddress(first + at);
            f.load_passed(address, ty).ok_or_else(missing)
        })
        .collect()
}

/// `tex{.base|.level|.grad}.geometry.v4.type.type d, [object, coordinates]{, level | gradients}`
pub(super) fn tex<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let words = &mut ins.modifiers;
    words.take("base");
    let (level, gradients) = (words.take("level"), words.take("grad"));
    let geometry = Geometry::take(ins)?;
    if !ins.modifiers.take("v4") {
        return Err(ins.unsupported());
    }
    let (result, coordinate) = (ins.ty()?, ins.ty()?);
    let mut bits = geometry.bits();
    match result {
        ScalarType::F32 => bits |= form::FLOAT_RESULT,
        ScalarType::U32 | ScalarType::S32 => {}
        _ => return Err(ins.unsupported()),
    }
    match coordinate {
        ScalarType::F32 => {}
        ScalarType::S32 if !geometry.cube && !gradients => bits |= form::INTEGER_COORDINATES,
        _ => return Err(ins.unsupported()),
    }
    let operands = ins.ast.operands.as_slice();
    let (d, at, rest) = match operands {
        [d, at, rest @ ..] if rest.len() == usize::from(level) + 2 * usize::from(gradients) => {
            (d, at, rest)
        }
        _ => {
            return Err(
                ins.operand_count("as many as the form has; offsets and depths are unsupported")
            );
        }
    };
    let at = place(f, ins, at, geometry, coordinate)?;
    let lod = match rest {
        [level] => {
            bits |= form::WITH_LEVEL;
            let level = f.read(ins, level, coordinate)?;
            if coordinate == ScalarType::S32 {
                as_float(f, level)
            } else {
                level
            }
        }
        [along_x, along_y] => {
            bits |= form::WITH_GRADIENTS;
            if geometry.cube {
                return Err(ins.unsupported());
            }
            let mut arguments = vec![at.object, f.constant(Type::B32, geometry.axes as u64)];
            for gradient in [along_x, along_y] {
                let elements = f.elements(ins, gradient);
                for axis in 0..3 {
                    arguments.push(match elements.get(axis) {
                        Some(element) if axis < geometry.axes => {
                            f.read(ins, element, ScalarType::F32)?
                        }
                        _ => f.constant(Type::B32, 0),
                    });
                }
            }
            call(f, GRADIENT, &arguments, 1, Type::B32)?[0]
        }
        _ => f.constant(Type::B32, 0),
    };
    fetch(f, ins, d, &at, bits, lod, result)
}

/// `tld4.{r,g,b,a}.2d.v4.type.f32 d, [object, coordinates]`
pub(super) fn tld4<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let component = ins.modifiers.take_map(|word| match word {
        "r" => Some(0),
        "g" => Some(1),
        "b" => Some(2),
        "a" => Some(3),
        _ => None,
    });
    let geometry = Geometry::take(ins)?;
    let is_plane = geometry.axes == 2 && !geometry.cube;
    let (Some(component), true, true) = (component, is_plane, ins.modifiers.take("v4")) else {
        return Err(ins.unsupported());
    };
    let (result, coordinate) = (ins.ty()?, ins.ty()?);
    let mut bits = geometry.bits() | form::GATHER | component << form::COMPONENT_SHIFT;
    match result {
        ScalarType::F32 => bits |= form::FLOAT_RESULT,
        ScalarType::U32 | ScalarType::S32 => {}
        _ => return Err(ins.unsupported()),
    }
    if coordinate != ScalarType::F32 {
        return Err(ins.unsupported());
    }
    let [d, at] = ins.operands()?;
    let at = place(f, ins, at, geometry, coordinate)?;
    let lod = f.constant(Type::B32, 0);
    fetch(f, ins, d, &at, bits, lod, result)
}

fn fetch<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    d: &'t Operand<'a>,
    at: &Place,
    bits: u64,
    lod: Value,
    result: ScalarType,
) -> Lowered {
    // The second result would say whether the texels are resident.
    let targets = f.elements(ins, d);
    if targets.len() != 4 {
        return Err(ins.wrong_operand(d, "four registers"));
    }
    let [x, y, z] = at.coordinates;
    let bits = f.constant(Type::B32, bits);
    let arguments = [at.object, bits, x, y, z, at.layer, lod];
    let values = call(f, TEXTURE, &arguments, 4, Type::B32)?;
    for (target, value) in targets.iter().zip(values) {
        f.write(ins, target, result, value)?;
    }
    Ok(())
}

fn as_float(f: &mut Lowering<'_, '_, '_>, value: Value) -> Value {
    let op = Op::IntToFloat {
        to: FloatType::F32,
        signed: true,
        rounding: Rounding::Nearest,
        value,
    };
    f.emit(op, Type::B32)
}

/// `txq.query.b32 d, [object]` and `suq.query.b32 d, [object]`
pub(super) fn query<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    /// A field, and a bit of it or all of it.
    type Field = (u32, Option<u32>);
    let field: Option<Field> = ins.modifiers.take_map(|word| {
        Some(match word {
            "width" => (offset::WIDTH, None),
            "height" => (offset::HEIGHT, None),
            "depth" | "array_size" => (offset::DEPTH, None),
            "num_mipmap_levels" => (offset::LEVELS, None),
            "normalized_coords" => (offset::FLAGS, Some(flag::NORMALIZED_COORDINATES)),
            _ => return None,
        })
    });
    let (Some((at, bit)), ScalarType::B32) = (field, ins.ty()?) else {
        return Err(ins.unsupported());
    };
    let [d, object] = ins.operands()?;
    let object = f.memory_operand(ins, object, Space::Generic)?;
    let Some(at) = i32::try_from(at)
        .ok()
        .and_then(|at| object.offset.checked_add(at))
    else {
        return Err(ins.unsupported());
    };
    let op = Op::Load {
        space: object.space,
        width: Width::W32,
        signed: false,
        ty: Type::B32,
        address: object.address,
        offset: at,
        ordered: false,
    };
    let mut value = f.emit(op, Type::B32);
    if let Some(bit) = bit {
        let set = f.binary_with(BinaryOp::And, value, u64::from(bit));
        let (one, zero) = (f.constant(Type::B32, 1), f.constant(Type::B32, 0));
        let is_set = f.compare_with(IntCompare::NotEqual, set, 0);
        value = f.select(is_set, one, zero);
    }
    f.write(ins, d, ScalarType::B32, value)
}

/// What a surface instruction does with a place outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Trap,
    Clamp,
    Zero,
}

/// The modifiers that `suld.b` and `sust.b` share: geometry, length of the vector, type, what is outside.
fn take_surface(ins: &mut Ins<'_, '_>) -> Lowered<(Geometry, usize, ScalarType, Outside)> {
    if !ins.modifiers.take("b") {
        return Err(ins.unsupported());
    }
    let geometry = Geometry::take(ins)?;
    memory::take_cache_hints(ins);
    let length = ins.modifiers.take_map(memory::vector_length).unwrap_or(1);
    let outside = take_outside(ins);
    let ty = ins.ty()?;
    let is_bits = matches!(
        ty,
        ScalarType::B8 | ScalarType::B16 | ScalarType::B32 | ScalarType::B64
    );
    if geometry.cube || !is_bits || length > 4 {
        return Err(ins.unsupported());
    }
    Ok((geometry, length.into(), ty, outside))
}

fn take_outside(ins: &mut Ins<'_, '_>) -> Outside {
    let outside = ins.modifiers.take_map(|word| match word {
        "trap" => Some(Outside::Trap),
        "clamp" => Some(Outside::Clamp),
        "zero" => Some(Outside::Zero),
        _ => None,
    });
    outside.unwrap_or(Outside::Trap)
}

/// The address of what a surface instruction reads or writes, 0 for nothing.
fn surface_address<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    at: &'t Operand<'a>,
    geometry: Geometry,
    bytes: u64,
    outside: Outside,
) -> Lowered<Value> {
    let at = place(f, ins, at, geometry, ScalarType::S32)?;
    let [x, y, z] = at.coordinates;
    let bits = f.constant(Type::B32, geometry.bits());
    let bytes = f.constant(Type::B32, bytes);
    let clamp = f.constant(Type::B32, u64::from(outside == Outside::Clamp));
    let arguments = [at.object, bits, x, y, z, at.layer, bytes, clamp];
    let address = call(f, SURFACE, &arguments, 1, Type::B64)?[0];
    if outside == Outside::Trap {
        let nowhere = f.compare_with(IntCompare::Equal, address, 0);
        f.when(nowhere, |f| {
            f.end(Terminator::Fault(FaultCode::Trap));
            Ok(())
        })?;
    }
    Ok(address)
}

/// `suld.b.geometry{.vector}.type.{trap,clamp,zero} d, [object, coordinates]`
pub(super) fn suld<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let (geometry, length, ty, outside) = take_surface(ins)?;
    let [d, at] = ins.operands()?;
    let targets = f.elements(ins, d);
    let (Some(ir_type), true) = (types::ir(ty), targets.len() == length) else {
        return Err(ins.wrong_operand(d, "as many registers as the vector has elements"));
    };
    let element = types::bits(ty) / 8;
    let bytes = u64::from(element) * length as u64;
    let address = surface_address(f, ins, at, geometry, bytes, outside)?;
    let variables: Vec<_> = targets
        .iter()
        .map(|_| f.ssa.variables(ir_type, 1))
        .collect();
    let zero = f.constant(ir_type, 0);
    for &variable in &variables {
        f.write_variable(variable, zero);
    }
    let somewhere = f.compare_with(IntCompare::NotEqual, address, 0);
    f.when(somewhere, |f| {
        for (index, &variable) in (0..).zip(&variables) {
            let op = Op::Load {
                space: Space::Generic,
                width: width(element),
                signed: false,
                ty: ir_type,
                address,
                offset: index * element.cast_signed(),
                ordered: false,
            };
            let value = f.emit(op, ir_type);
            f.write_variable(variable, value);
        }
        Ok(())
    })?;
    for (target, &variable) in targets.iter().zip(&variables) {
        let value = f.read_variable(variable);
        f.write_wide(ins, target, ty, value)?;
    }
    Ok(())
}

/// `sust.b.geometry{.vector}.type.{trap,clamp,zero} [object, coordinates], value`
pub(super) fn sust<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let (geometry, length, ty, outside) = take_surface(ins)?;
    let [at, source] = ins.operands()?;
    let sources = f.elements(ins, source);
    if sources.len() != length {
        return Err(ins.wrong_operand(source, "as many registers as the vector has elements"));
    }
    let values = sources
        .iter()
        .map(|source| f.read_wide(ins, source, ty))
        .collect::<Lowered<Vec<_>>>()?;
    let element = types::bits(ty) / 8;
    let bytes = u64::from(element) * length as u64;
    let address = surface_address(f, ins, at, geometry, bytes, outside)?;
    let somewhere = f.compare_with(IntCompare::NotEqual, address, 0);
    f.when(somewhere, |f| {
        for (index, value) in (0..).zip(values) {
            f.effect(Op::Store {
                space: Space::Generic,
                width: width(element),
                address,
                offset: index * element.cast_signed(),
                value,
                ordered: false,
            });
        }
        Ok(())
    })
}

/// `sured.b.op.geometry.type.{trap,clamp,zero} [object, coordinates], value`
pub(super) fn sured<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    use ScalarType::{B32, S32, S64, U32, U64};
    if !ins.modifiers.take("b") {
        return Err(ins.unsupported());
    }
    let ty = ins.modifiers.last_type();
    let op = ins.modifiers.take_map(|word| {
        Some(match (word, ty?) {
            ("add", U32 | S32 | U64) => AtomicOp::Add,
            ("min", U32 | U64) => AtomicOp::MinUnsigned,
            ("min", S32 | S64) => AtomicOp::MinSigned,
            ("max", U32 | U64) => AtomicOp::MaxUnsigned,
            ("max", S32 | S64) => AtomicOp::MaxSigned,
            ("and", B32) => AtomicOp::And,
            ("or", B32) => AtomicOp::Or,
            _ => return None,
        })
    });
    let geometry = Geometry::take(ins)?;
    let outside = take_outside(ins);
    let ty = ins.ty()?;
    let (Some(op), Some(ir_type), false) = (op, types::ir(ty), geometry.cube) else {
        return Err(ins.unsupported());
    };
    let [at, operand] = ins.operands()?;
    let operand = f.read(ins, operand, ty)?;
    let bytes = types::bits(ty) / 8;
    let address = surface_address(f, ins, at, geometry, u64::from(bytes), outside)?;
    let somewhere = f.compare_with(IntCompare::NotEqual, address, 0);
    f.when(somewhere, |f| {
        let op = Op::Atomic {
            op,
            space: Space::Generic,
            width: width(bytes),
            address,
            offset: 0,
            operand,
            compare: None,
        };
        f.emit(op, ir_type);
        Ok(())
    })
}

const fn width(bytes: u32) -> Width {
    match bytes {
        1 => Width::W8,
        2 => Width::W16,
        4 => Width::W32,
        _ => Width::W64,
    }
}
