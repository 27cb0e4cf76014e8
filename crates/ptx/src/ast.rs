//! The tree of a PTX module. Names borrow from the source text.
//!
//! Source: PTX ISA 9.x, chapters 4 (syntax), 5 (state spaces, types and variables), 6
//! (operands), 7 (functions), 11 (directives).

/// A half-open range of byte offsets into the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset one past the last byte.
    pub end: u32,
}

/// A PTX translation unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module<'a> {
    /// `.version major.minor`.
    pub version: (u8, u8),
    /// `.target` words in order, such as `sm_80`, `texmode_independent`, `debug`.
    pub target: Vec<&'a str>,
    /// `.address_size`: 32 or 64 (64 when absent).
    pub address_size: u8,
    /// Module-scope declarations in order.
    pub directives: Vec<Directive<'a>>,
    /// Source files by their index (`.file index "name"`).
    pub files: Vec<(u32, &'a str)>,
}

/// A module-scope declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Directive<'a> {
    /// A `.global`, `.const`, `.shared`, `.tex`, `.surf` or `.sampler` variable.
    Variable(Variable<'a>),
    /// An `.entry` or `.func`, with or without a body.
    Function(Function<'a>),
    /// `.alias name, aliasee;`
    Alias {
        /// Where it is written.
        span: Span,
        /// The new name.
        name: &'a str,
        /// The function it stands for.
        aliasee: &'a str,
    },
    /// `.pragma "text";` for the whole module.
    Pragma {
        /// Where it is written.
        span: Span,
        /// Its text, between the quotation marks.
        text: &'a str,
    },
}

/// Linking directive in front of a declaration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linkage {
    /// None: local to the module.
    #[default]
    Internal,
    /// `.visible`
    Visible,
    /// `.extern`
    Extern,
    /// `.weak`
    Weak,
    /// `.common`
    Common,
}

/// State space of a declaration (PTX ISA section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateSpace {
    /// `.reg`
    Reg,
    /// `.const`
    Const,
    /// `.global`
    Global,
    /// `.local`
    Local,
    /// `.param`
    Param,
    /// `.shared`
    Shared,
    /// `.tex` (deprecated)
    Tex,
}

/// Fundamental and opaque types (PTX ISA sections 5.2 and 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the PTX type names")]
pub enum ScalarType {
    B8,
    B16,
    B32,
    B64,
    B128,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    F16x2,
    Bf16,
    Bf16x2,
    F32,
    F64,
    Pred,
    TexRef,
    SamplerRef,
    SurfRef,
}

impl ScalarType {
    /// Size of a value in memory, in bytes. A predicate takes one; opaque types are handles of
    /// eight.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::B8 | Self::U8 | Self::S8 | Self::Pred => 1,
            Self::B16 | Self::U16 | Self::S16 | Self::F16 | Self::Bf16 => 2,
            Self::B32 | Self::U32 | Self::S32 | Self::F16x2 | Self::Bf16x2 | Self::F32 => 4,
            Self::B64 | Self::U64 | Self::S64 | Self::F64 => 8,
            Self::TexRef | Self::SamplerRef | Self::SurfRef => 8,
            Self::B128 => 16,
        }
    }
}

/// A variable, register, or parameter declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable<'a> {
    /// The whole declarator.
    pub span: Span,
    /// Linking directive.
    pub linkage: Linkage,
    /// State space.
    pub space: StateSpace,
    /// `.align n`, in bytes.
    pub align: Option<u32>,
    /// Element count of a `.v2`/`.v4`/`.v8` type; 1 for a scalar.
    pub vector: u8,
    /// Element type.
    pub ty: ScalarType,
    /// Name; for `.reg .b32 %r<10>` the stem `%r`.
    pub name: &'a str,
    /// Register count of the `name<count>` form: `name0 .. name(count-1)`.
    pub count: Option<u32>,
    /// Array dimensions, outermost first; `None` for an unsized `[]`.
    pub dims: Vec<Option<u64>>,
    /// Initialiser.
    pub init: Option<Initializer<'a>>,
    /// `.ptr` attribute of a kernel parameter: space (if given) and alignment.
    pub pointer: Option<(Option<StateSpace>, Option<u32>)>,
    /// `.attribute(...)` words without their dots, such as `managed`.
    pub attributes: Vec<&'a str>,
}

/// A variable's initial value.
#[derive(Clone, Debug, PartialEq)]
pub enum Initializer<'a> {
    /// A number.
    Immediate(Immediate),
    /// `{ ... }`, nested as the dimensions are.
    List(Vec<Self>),
    /// Address of a variable or function plus an offset in bytes; `generic(name)` sets `generic`.
    Symbol {
        /// Name of the variable or function.
        name: &'a str,
        /// Byte offset added.
        offset: i64,
        /// Written as `generic(name)`.
        generic: bool,
    },
    /// `name = value` of an opaque variable, such as `filter_mode = linear`.
    Property(&'a str, &'a str),
    /// `mask(symbol)`: one byte `0xff << shift` of an address, as the `mask()` operator gives.
    Mask {
        /// The 64-bit mask, such as `0xFF00`.
        mask: u64,
        /// Name of the variable or function.
        name: &'a str,
        /// Byte offset added.
        offset: i64,
        /// Written as `mask(generic(name))`.
        generic: bool,
    },
}

/// `.entry` or `.func`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function<'a> {
    /// The header, from linkage to the closing parenthesis of the parameters.
    pub span: Span,
    /// Linking directive.
    pub linkage: Linkage,
    /// True for `.entry`.
    pub is_entry: bool,
    /// Name.
    pub name: &'a str,
    /// Return parameters (`.func` only).
    pub returns: Vec<Variable<'a>>,
    /// Parameters.
    pub params: Vec<Variable<'a>>,
    /// `.attribute(...)` words, such as `unified(1, 2)`.
    pub attributes: Vec<&'a str>,
    /// Texts of the `.pragma` directives between the header and the body.
    pub pragmas: Vec<&'a str>,
    /// Performance-tuning directives such as `.maxntid 256, 1, 1` or `.noreturn`:
    /// name without the dot, and its numbers.
    pub tuning: Vec<(&'a str, Vec<u64>)>,
    /// Statements; `None` for a declaration.
    pub body: Option<Vec<Statement<'a>>>,
}

/// One statement of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// A declaration in `.reg`, `.local`, `.shared`, `.param`, ...
    Variable(Variable<'a>),
    /// `name:`
    Label {
        /// Where it is written.
        span: Span,
        /// Its name.
        name: &'a str,
    },
    /// An instruction.
    Instruction(Instruction<'a>),
    /// `{ ... }`: a scope of its own for names.
    Block(Vec<Self>),
    /// `name: .branchtargets l1, l2;`
    BranchTargets {
        /// Where it is written.
        span: Span,
        /// Label of the table.
        name: &'a str,
        /// Labels in order.
        targets: Vec<&'a str>,
    },
    /// `name: .calltargets f1, f2;`
    CallTargets {
        /// Where it is written.
        span: Span,
        /// Label of the list.
        name: &'a str,
        /// Functions that may be called.
        targets: Vec<&'a str>,
    },
    /// `name: .callprototype (ret) _ (params);`
    CallPrototype {
        /// Where it is written.
        span: Span,
        /// Label of the prototype.
        name: &'a str,
        /// Return parameters.
        returns: Vec<Variable<'a>>,
        /// Parameters.
        params: Vec<Variable<'a>>,
        /// Directives such as `.noreturn` and `.abi_preserve 3`, as in [`Function::tuning`].
        tuning: Vec<(&'a str, Vec<u64>)>,
    },
    /// `.loc file line column`
    Location {
        /// Index of the `.file`.
        file: u32,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
        /// `inlined_at`: file, line and column of the call this code was inlined into.
        inlined_at: Option<(u32, u32, u32)>,
    },
    /// `.pragma "text";`
    Pragma {
        /// Where it is written.
        span: Span,
        /// Its text.
        text: &'a str,
    },
}

/// `@p opcode.mod.mod operands;`
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction<'a> {
    /// The whole instruction without the semicolon.
    pub span: Span,
    /// `@p` or `@!p`.
    pub guard: Option<Guard<'a>>,
    /// First word, such as `add`.
    pub opcode: &'a str,
    /// Words after it without their dots, such as `["rn", "ftz", "f32"]`;
    /// `::`-qualified words are one word (`"shared::cta"`).
    pub modifiers: Vec<&'a str>,
    /// Operands in order.
    pub operands: Vec<Operand<'a>>,
}

/// Guard predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard<'a> {
    /// The predicate register.
    pub predicate: &'a str,
    /// Written as `@!p`.
    pub negated: bool,
}

/// An operand (PTX ISA chapter 6).
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<'a> {
    /// A register, variable, label, function or special register. Member selectors are kept
    /// apart for registers of vector type (`%v.x`); special registers are one word (`%tid.x`).
    Name(&'a str),
    /// `name.x` of a vector register: name and element index 0..4.
    Member(&'a str, u8),
    /// `name+offset` outside brackets (an address expression).
    NameOffset(&'a str, i64),
    /// A number.
    Immediate(Immediate),
    /// `[base]`, `[base+offset]`, `[imm]`.
    Address(Address<'a>),
    /// `{a, b, c, d}`.
    Vector(Vec<Self>),
    /// `d|p`: a second destination.
    Pair(Box<Self>, Box<Self>),
    /// `!p`.
    Not(Box<Self>),
    /// `-a` for a negated register operand.
    Negated(Box<Self>),
    /// `(a, b)`: arguments or results of a call.
    List(Vec<Self>),
    /// `name.b0`, `name.h1`, `name.b3210`: the bytes or half-words of a register that a video
    /// instruction reads or writes; the selector is kept without its dot.
    Selector(&'a str, &'a str),
    /// `name[index]`: an array element; the index is in elements, not bytes.
    Element(&'a str, Address<'a>),
    /// `[name, {x, y}]`, `[name, sampler, {x, y}]`: coordinates in a texture, surface or tensor.
    TextureAddress {
        /// The texture, surface or tensor map: a variable, or a register with its address.
        base: &'a str,
        /// The sampler, where it is given apart from the texture.
        sampler: Option<&'a str>,
        /// A vector or a single coordinate.
        coordinates: Box<Self>,
    },
    /// `_`: a discarded result.
    Discard,
}

/// A memory operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Address<'a> {
    /// Register or variable; `None` for an absolute address.
    pub base: Option<&'a str>,
    /// Byte offset added.
    pub offset: i64,
}

/// A number as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate {
    /// An integer constant expression, in 64-bit two's complement; true when written unsigned
    /// (`U` suffix).
    Integer(u64, bool),
    /// `0f3F800000`: bits of a single.
    F32(u32),
    /// `0d...` or a decimal floating-point number: bits of a double.
    F64(u64),
}

impl Module<'_> {
    /// Sets all spans to nothing, so that trees of differently laid out texts compare equal.
    pub fn clear_spans(&mut self) {
        for directive in &mut self.directives {
            match directive {
                Directive::Variable(variable) => variable.span = Span::default(),
                Directive::Alias { span, .. } | Directive::Pragma { span, .. } => {
                    *span = Span::default()
                }
                Directive::Function(function) => {
                    function.span = Span::default();
                    clear_variables(&mut function.returns);
                    clear_variables(&mut function.params);
                    clear_statements(function.body.as_deref_mut().unwrap_or_default());
                }
            }
        }
    }
}

fn clear_variables(variables: &mut [Variable<'_>]) {
    for variable in variables {
        variable.span = Span::default();
    }
}

fn clear_statements(statements: &mut [Statement<'_>]) {
    for statement in statements {
        match statement {
            Statement::Variable(variable) => variable.span = Span::default(),
            Statement::Instruction(instruction) => instruction.span = Span::default(),
            Statement::Block(block) => clear_statements(block),
            Statement::CallPrototype {
                span,
                returns,
                params,
                ..
            } => {
                *span = Span::default();
                clear_variables(returns);
                clear_variables(params);
            }
            Statement::Label { span, .. }
            | Statement::BranchTargets { span, .. }
            | Statement::CallTargets { span, .. }
            | Statement::Pragma { span, .. } => *span = Span::default(),
            Statement::Location { .. } => {}
        }
    }
}
