//! Module variables: what the driver allocates and fills when it loads a module.

use crate::{Error, ErrorKind};
use weft_ptx::ast::{
    Directive, Immediate, Initializer, Linkage, Module, ScalarType, StateSpace, Statement, Variable,
};

/// A `.global` or `.const` variable of a module, of module scope or of a function's scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleVariable {
    /// Name. A variable of function scope is `function::name`, where a second one of the
    /// same name in that function has `.1` appended, and so on.
    pub name: String,
    /// Linking directive.
    pub linkage: Linkage,
    /// [`StateSpace::Global`] or [`StateSpace::Const`].
    pub space: StateSpace,
    /// Alignment in bytes: a power of two.
    pub align: u32,
    /// Size in bytes; 0 for an `extern` array without a size.
    pub bytes: u64,
    /// First bytes; the rest of the variable is zero.
    pub init: Vec<u8>,
    /// Addresses to be added into `init`.
    pub relocations: Vec<Relocation>,
    /// `.attribute(.managed)`: the host may access it.
    pub managed: bool,
}

/// A place in a variable's initial value that holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Byte offset in the variable.
    pub offset: u64,
    /// Variable or function whose address is meant.
    pub symbol: String,
    /// Bytes added to the address.
    pub addend: i64,
    /// Which bytes of the address are stored.
    pub kind: RelocationKind,
}

/// Which bytes of an address a [`Relocation`] stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelocationKind {
    /// The low bytes of the address, as many as given (1, 2, 4 or 8).
    Address(u8),
    /// One byte: the address shifted right by so many bits (PTX `mask()`).
    Byte(u8),
}

/// All variables of a module that need memory, in order of appearance.
///
/// # Errors
///
/// All declarations that cannot be laid out.
pub fn module_variables(module: &Module<'_>) -> Result<Vec<ModuleVariable>, Vec<Error>> {
    let mut variables = Vec::new();
    let mut errors = Vec::new();
    let mut add = |name: String, variable: &Variable<'_>| {
        if !matches!(variable.space, StateSpace::Global | StateSpace::Const) {
            return;
        }
        match lay_out(name, variable) {
            Ok(variable) => variables.push(variable),
            Err(error) => errors.push(error),
        }
    };
    for directive in &module.directives {
        match directive {
            Directive::Variable(variable) => add(variable.name.to_owned(), variable),
            Directive::Function(function) => {
                let mut statics = Vec::new();
                collect_statics(function.body.as_deref().unwrap_or_default(), &mut statics);
                let names = static_names(function.name, &statics);
                for (name, variable) in names.into_iter().zip(statics) {
                    add(name, variable);
                }
            }
            Directive::Alias { .. } | Directive::Pragma { .. } => {}
        }
    }
    if errors.is_empty() {
        Ok(variables)
    } else {
        Err(errors)
    }
}

/// Names of the function-scope variables of a function, in order of appearance.
pub(super) fn static_names(function: &str, statics: &[&Variable<'_>]) -> Vec<String> {
    let occurrence = |index: usize| {
        let name = statics[index].name;
        statics[..index]
            .iter()
            .filter(|earlier| earlier.name == name)
            .count()
    };
    (0..statics.len())
        .map(|index| match occurrence(index) {
            0 => format!("{function}::{}", statics[index].name),
            n => format!("{function}::{}.{n}", statics[index].name),
        })
        .collect()
}

/// The `.global` and `.const` declarations in a body, in order of appearance.
pub(super) fn collect_statics<'t, 'a>(
    body: &'t [Statement<'a>],
    statics: &mut Vec<&'t Variable<'a>>,
) {
    for statement in body {
        match statement {
            Statement::Variable(variable)
                if matches!(variable.space, StateSpace::Global | StateSpace::Const) =>
            {
                statics.push(variable);
            }
            Statement::Block(inner) => collect_statics(inner, statics),
            Statement::Variable(_)
            | Statement::Label { .. }
            | Statement::Instruction(_)
            | Statement::BranchTargets { .. }
            | Statement::CallTargets { .. }
            | Statement::CallPrototype { .. }
            | Statement::Location { .. }
            | Statement::Pragma { .. } => {}
        }
    }
}

/// Size of an element of a memory variable in bytes; `None` for types that have no place in
/// memory (predicates, opaque types).
pub(super) const fn element_bytes(ty: ScalarType) -> Option<u32> {
    match ty {
        ScalarType::B8 | ScalarType::U8 | ScalarType::S8 => Some(1),
        ScalarType::B16
        | ScalarType::U16
        | ScalarType::S16
        | ScalarType::F16
        | ScalarType::Bf16 => Some(2),
        ScalarType::B32
        | ScalarType::U32
        | ScalarType::S32
        | ScalarType::F32
        | ScalarType::F16x2
        | ScalarType::Bf16x2 => Some(4),
        ScalarType::B64 | ScalarType::U64 | ScalarType::S64 | ScalarType::F64 => Some(8),
        ScalarType::B128 => Some(16),
        ScalarType::Pred | ScalarType::TexRef | ScalarType::SamplerRef | ScalarType::SurfRef => {
            None
        }
    }
}

/// Size and alignment of a memory variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Size in bytes; 0 for an unsized array without an initialiser.
    pub(super) bytes: u64,
    /// Alignment in bytes: a power of two.
    pub(super) align: u32,
}

/// Size and alignment of a declaration that occupies memory (PTX ISA sections 5.1, 5.4).
pub(super) fn layout(variable: &Variable<'_>) -> Result<Layout, ErrorKind> {
    let invalid = |reason: &str| ErrorKind::Declaration {
        name: variable.name.to_owned(),
        reason: reason.to_owned(),
    };
    let Some(element) = element_bytes(variable.ty) else {
        return Err(ErrorKind::Unsupported {
            feature: format!("variable `{}` of type {:?}", variable.name, variable.ty),
        });
    };
    let scalar = u64::from(element) * u64::from(variable.vector.max(1));
    let natural = u32::try_from(scalar.next_power_of_two())
        .unwrap_or(16)
        .min(128);
    let align = variable.align.unwrap_or(natural);
    if !align.is_power_of_two() || align > 1 << 20 {
        return Err(invalid("the alignment is not a power of two up to 2^20"));
    }
    let mut bytes = scalar;
    for (depth, dim) in variable.dims.iter().enumerate() {
        let extent = match (dim, depth, &variable.init) {
            (Some(extent), ..) => *extent,
            (None, 0, Some(Initializer::List(elements))) => elements.len() as u64,
            (None, 0, None) => 0,
            (None, ..) => return Err(invalid("only the first dimension may have no size")),
        };
        bytes = bytes
            .checked_mul(extent)
            .filter(|&bytes| bytes <= 1 << 40)
            .ok_or_else(|| invalid("the size exceeds 2^40 bytes"))?;
    }
    Ok(Layout { bytes, align })
}

fn lay_out(name: String, variable: &Variable<'_>) -> Result<ModuleVariable, Error> {
    let located = |kind| Error {
        function: name.clone(),
        line: 0,
        span: variable.span,
        kind,
    };
    let Layout { bytes, align } = layout(variable).map_err(located)?;
    let mut image = Image::default();
    if let Some(init) = &variable.init {
        let shape = Shape {
            name: variable.name,
            ty: variable.ty,
            // A vector initialises like an innermost dimension.
            dims: variable
                .dims
                .iter()
                .map(|dim| dim.unwrap_or(u64::MAX))
                .chain((variable.vector > 1).then_some(u64::from(variable.vector)))
                .collect(),
            element: u64::from(element_bytes(variable.ty).unwrap_or(1)),
        };
        image.place(&shape, 0, 0, init).map_err(located)?;
        if image.bytes.len() as u64 > bytes {
            return Err(located(ErrorKind::Declaration {
                name: variable.name.to_owned(),
                reason: "the initialiser is longer than the variable".to_owned(),
            }));
        }
    }
    Ok(ModuleVariable {
        linkage: variable.linkage,
        space: variable.space,
        align,
        bytes,
        init: image.bytes,
        relocations: image.relocations,
        managed: variable
            .attributes
            .iter()
            .any(|word| word.trim_start_matches('.') == "managed"),
        name,
    })
}

/// What an initialiser fills.
struct Shape<'a> {
    name: &'a str,
    ty: ScalarType,
    dims: Vec<u64>,
    element: u64,
}

impl Shape<'_> {
    /// Bytes of one element of the dimension at `depth`.
    fn stride(&self, depth: usize) -> u64 {
        let inner = self.dims.get(depth + 1..).unwrap_or_default();
        inner
            .iter()
            .fold(self.element, |bytes, &extent| bytes.saturating_mul(extent))
    }
}

#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
    relocations: Vec<Relocation>,
}

impl Image {
    fn place(
        &mut self,
        shape: &Shape<'_>,
        depth: usize,
        offset: u64,
        init: &Initializer<'_>,
    ) -> Result<(), ErrorKind> {
        let invalid = |reason: &str| ErrorKind::Declaration {
            name: shape.name.to_owned(),
            reason: reason.to_owned(),
        };
        let width = u8::try_from(shape.element).unwrap_or(16);
        match init {
            Initializer::List(elements) => {
                let Some(&extent) = shape.dims.get(depth) else {
                    return Err(invalid(
                        "the initialiser is nested deeper than the dimensions",
                    ));
                };
                if elements.len() as u64 > extent {
                    return Err(invalid("the initialiser has too many elements"));
                }
                let mut at = offset;
                // PTX allows the elements of inner dimensions to be written flat.
                let flat = elements.iter().all(|e| !matches!(e, Initializer::List(_)));
                let stride = if flat {
                    shape.element
                } else {
                    shape.stride(depth)
                };
                for element in elements {
                    self.place(shape, depth + 1, at, element)?;
                    at = at.saturating_add(stride);
                }
                Ok(())
            }
            Initializer::Immediate(immediate) => {
                let bits = scalar_bits(shape.ty, *immediate)
                    .ok_or_else(|| invalid("the initialiser does not fit the type"))?;
                self.write(offset, &bits.to_le_bytes()[..usize::from(width)])
                    .ok_or_else(|| invalid("the initialiser is too long"))
            }
            Initializer::Symbol {
                name,
                offset: addend,
                ..
            } => {
                if !matches!(width, 1 | 2 | 4 | 8) {
                    return Err(invalid("an address does not fit the type"));
                }
                self.relocations.push(Relocation {
                    offset,
                    symbol: (*name).to_owned(),
                    addend: *addend,
                    kind: RelocationKind::Address(width),
                });
                self.write(offset, &[0; 8][..usize::from(width)])
                    .ok_or_else(|| invalid("the initialiser is too long"))
            }
            Initializer::Mask {
                mask,
                name,
                offset: addend,
                ..
            } => {
                let shift = u8::try_from(mask.trailing_zeros()).unwrap_or(64);
                if width != 1 || mask.checked_shr(u32::from(shift)) != Some(0xff) || shift % 8 != 0
                {
                    return Err(invalid("mask() must select one byte of an address"));
                }
                self.relocations.push(Relocation {
                    offset,
                    symbol: (*name).to_owned(),
                    addend: *addend,
                    kind: RelocationKind::Byte(shift),
                });
                self.write(offset, &[0])
                    .ok_or_else(|| invalid("the initialiser is too long"))
            }
            Initializer::Property(property, _) => Err(invalid(&format!(
                "initial properties such as `{property}` are not supported"
            ))),
        }
    }

    /// Writes bytes at an offset, which may be past the present end. `None` when the image
    /// would exceed what a module can sensibly hold.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Option<()> {
        let start = usize::try_from(offset)
            .ok()
            .filter(|&start| start < 1 << 32)?;
        let end = start + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(bytes);
        Some(())
    }
}

/// Bits of a number as an element of the type; `None` when it cannot be one.
pub(super) fn scalar_bits(ty: ScalarType, immediate: Immediate) -> Option<u128> {
    let float = |immediate| match immediate {
        Immediate::Integer(bits, true) => bits as f64,
        Immediate::Integer(bits, false) => bits.cast_signed() as f64,
        Immediate::F32(bits) => f64::from(f32::from_bits(bits)),
        Immediate::F64(bits) => f64::from_bits(bits),
    };
    match (ty, immediate) {
        (ScalarType::F32, Immediate::F32(bits)) => Some(u128::from(bits)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "PTX rounds a double literal to single"
        )]
        (ScalarType::F32, _) => Some(u128::from((float(immediate) as f32).to_bits())),
        (ScalarType::F64, _) => Some(u128::from(float(immediate).to_bits())),
        (ScalarType::B128, Immediate::Integer(bits, _)) => Some(u128::from(bits)),
        (_, Immediate::Integer(bits, _)) => Some(u128::from(bits)),
        (ScalarType::B32, Immediate::F32(bits)) => Some(u128::from(bits)),
        (ScalarType::B64, Immediate::F64(bits)) => Some(u128::from(bits)),
        (_, Immediate::F32(_) | Immediate::F64(_)) => None,
    }
}
