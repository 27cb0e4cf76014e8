//! Declarations of a function: scopes, registers, the frame, and where call arguments go.

use super::function::Lowering;
use super::scope::{Entity, Item, Register, ScopeId};
use super::types;
use super::variables::{self, Layout};
use crate::ErrorKind;
use crate::ir::{IntCompare, Op, Space, Terminator, Type, Value, Width};
use weft_ptx::ast::{self, Operand, ScalarType, StateSpace, Statement, Variable};

/// Frames begin at multiples of this many bytes (`weft_isa::abi`).
const FRAME_ALIGN: u32 = 16;
/// The most registers a function may declare: a bound on what bad input can ask for.
const REGISTERS_MAX: u64 = 1 << 22;

/// The lane-local memory of a function.
#[derive(Debug, Default)]
pub(super) struct Frame {
    bytes: u32,
    /// Parameters declared in `.reg`: register and frame offset.
    params: Vec<(Register, u32)>,
    /// Return values declared in `.reg`: register and frame offset.
    returns: Vec<(Register, u32)>,
    /// Names given to variables of function scope (see `variables::static_names`), in order.
    statics: std::vec::IntoIter<String>,
}

impl Frame {
    fn allocate(&mut self, layout: Layout) -> Option<u32> {
        let offset = self.bytes.checked_next_multiple_of(layout.align)?;
        let bytes = u32::try_from(layout.bytes).ok()?;
        let end = offset.checked_add(bytes)?;
        // The window of a lane holds all frames of a call chain.
        (u64::from(end) < weft_isa::abi::LOCAL_LANE_STRIDE).then(|| {
            self.bytes = end;
            offset
        })
    }

    /// Size of the finished frame.
    pub(super) const fn finished_bytes(&self) -> u32 {
        self.bytes.next_multiple_of(FRAME_ALIGN)
    }
}

/// Offsets of parameters and return values in a callee's frame (`weft_isa::abi`).
#[derive(Clone, Debug, Default)]
pub(super) struct CallLayout {
    /// Offset and size of each parameter.
    pub(super) params: Vec<(u32, u32)>,
    /// Offset and size of each return value.
    pub(super) returns: Vec<(u32, u32)>,
    /// End of the last.
    bytes: u32,
}

impl CallLayout {
    /// Of a function or prototype.
    pub(super) fn new(
        returns: &[Variable<'_>],
        params: &[Variable<'_>],
    ) -> Result<Self, ErrorKind> {
        let mut frame = Frame::default();
        let mut place = |variable: &Variable<'_>| {
            let layout = parameter_layout(variable)?;
            let offset = (layout.align <= FRAME_ALIGN)
                .then(|| frame.allocate(layout))
                .flatten();
            let offset = offset.ok_or_else(|| ErrorKind::Unsupported {
                feature: format!("size or alignment of parameter `{}`", variable.name),
            })?;
            Ok((offset, frame.bytes - offset))
        };
        let params = params
            .iter()
            .map(&mut place)
            .collect::<Result<_, ErrorKind>>()?;
        let returns = returns
            .iter()
            .map(&mut place)
            .collect::<Result<_, ErrorKind>>()?;
        Ok(Self {
            params,
            returns,
            bytes: frame.bytes,
        })
    }
}

/// Size and alignment of a parameter or return value. A predicate is passed as a byte, 0 or 1.
fn parameter_layout(variable: &Variable<'_>) -> Result<Layout, ErrorKind> {
    if variable.space == StateSpace::Reg && variable.ty == ScalarType::Pred {
        let bytes = u64::from(variable.vector.max(1));
        return Ok(Layout { bytes, align: 1 });
    }
    variables::layout(variable)
}

/// Declares everything in the function's body and gives what is to be executed, in order.
pub(super) fn flatten<'t, 'a>(this: &mut Lowering<'_, 't, 'a>) -> Vec<Item<'t, 'a>> {
    let function = this.function;
    let body = function.body.as_deref().unwrap_or_default();
    let mut statics = Vec::new();
    variables::collect_statics(body, &mut statics);
    this.frame.statics = variables::static_names(function.name, &statics).into_iter();
    let scope = this.scopes.open(None);
    if let Err(kind) = declare_parameters(this, scope) {
        this.error(function.span, kind);
    }
    let mut items = Vec::new();
    flatten_block(this, body, scope, &mut items);
    count_references(this, &items);
    items
}

/// Counts the branches to each label, so that a label's block can be sealed with the last.
fn count_references<'t, 'a>(this: &mut Lowering<'_, 't, 'a>, items: &[Item<'t, 'a>]) {
    for item in items {
        let Item::Instruction(instruction, scope) = *item else {
            continue;
        };
        match (instruction.opcode, instruction.operands.as_slice()) {
            ("bra", [Operand::Name(label)]) => this.count_reference(scope, label),
            ("brx", [_, Operand::Name(list)]) => {
                if let Some(Entity::BranchTargets(labels)) = this.scopes.find(scope, list) {
                    for label in labels {
                        this.count_reference(scope, label);
                    }
                }
            }
            _ => {}
        }
    }
}

fn declare_parameters<'a>(
    this: &mut Lowering<'_, '_, 'a>,
    scope: ScopeId,
) -> Result<(), ErrorKind> {
    let function = this.function;
    if function.is_entry {
        for (index, param) in function.params.iter().enumerate() {
            let entity = Entity::KernelParam(this.unit.kernel_param(index));
            this.scopes.declare(scope, param.name, entity);
        }
        return Ok(());
    }
    let layout = CallLayout::new(&function.returns, &function.params)?;
    this.frame.bytes = layout.bytes;
    let params = function
        .params
        .iter()
        .zip(&layout.params)
        .map(|pair| (pair, true));
    let returns = function
        .returns
        .iter()
        .zip(&layout.returns)
        .map(|pair| (pair, false));
    for ((variable, &(offset, _)), is_param) in params.chain(returns) {
        if variable.space == StateSpace::Reg {
            let register = declare_register(this, scope, variable)?;
            let list = if is_param {
                &mut this.frame.params
            } else {
                &mut this.frame.returns
            };
            list.push((register, offset));
        } else {
            this.scopes
                .declare(scope, variable.name, Entity::Frame(offset));
        }
    }
    Ok(())
}

fn flatten_block<'t, 'a>(
    this: &mut Lowering<'_, 't, 'a>,
    statements: &'t [Statement<'a>],
    scope: ScopeId,
    items: &mut Vec<Item<'t, 'a>>,
) {
    declare_names(this, statements, scope);
    declare_call_variables(this, statements, scope);
    for statement in statements {
        match statement {
            Statement::Label { name, .. } => {
                if let Some(Entity::Label(block)) = this.scopes.find(scope, name) {
                    items.push(Item::Label(block));
                }
            }
            Statement::Instruction(instruction) => {
                items.push(Item::Instruction(instruction, scope));
            }
            Statement::Block(inner) => {
                let inner_scope = this.scopes.open(Some(scope));
                flatten_block(this, inner, inner_scope, items);
            }
            Statement::Location { file, line, .. } => items.push(Item::Location(*file, *line)),
            Statement::Variable(_)
            | Statement::BranchTargets { .. }
            | Statement::CallTargets { .. }
            | Statement::CallPrototype { .. }
            | Statement::Pragma { .. } => {}
        }
    }
}

fn declare_names<'t, 'a>(
    this: &mut Lowering<'_, 't, 'a>,
    statements: &'t [Statement<'a>],
    scope: ScopeId,
) {
    for statement in statements {
        let (span, name, entity) = match statement {
            Statement::Variable(variable) => {
                if let Err(kind) = declare_variable(this, scope, variable) {
                    this.error(variable.span, kind);
                }
                continue;
            }
            Statement::Label { span, name } => (*span, *name, Entity::Label(this.ssa.block())),
            Statement::BranchTargets {
                span,
                name,
                targets,
            } => (*span, *name, Entity::BranchTargets(targets)),
            Statement::CallTargets {
                span,
                name,
                targets,
            } => (*span, *name, Entity::CallTargets(targets)),
            Statement::CallPrototype {
                span,
                name,
                returns,
                params,
                ..
            } => (*span, *name, Entity::Prototype(returns, params)),
            Statement::Instruction(_)
            | Statement::Block(_)
            | Statement::Location { .. }
            | Statement::Pragma { .. } => continue,
        };
        if !this.scopes.declare(scope, name, entity) {
            this.error(
                span,
                ErrorKind::Duplicate {
                    name: name.to_owned(),
                },
            );
        }
    }
}

fn declare_variable<'a>(
    this: &mut Lowering<'_, '_, 'a>,
    scope: ScopeId,
    variable: &'_ Variable<'a>,
) -> Result<(), ErrorKind> {
    let entity = match variable.space {
        StateSpace::Reg => return declare_register(this, scope, variable).map(|_| ()),
        // Placed together with the call that uses it.
        StateSpace::Param => return Ok(()),
        StateSpace::Local => Entity::Frame(allocate(this, variable)?),
        StateSpace::Shared => Entity::Shared(this.unit.shared_offset(variable)?),
        StateSpace::Global | StateSpace::Const => {
            let name = this.frame.statics.next().unwrap_or_default();
            Entity::Symbol(this.unit.symbol(&name))
        }
        StateSpace::Tex => {
            return Err(ErrorKind::Unsupported {
                feature: format!("texture variable `{}`", variable.name),
            });
        }
    };
    if this.scopes.declare(scope, variable.name, entity) {
        Ok(())
    } else {
        Err(ErrorKind::Duplicate {
            name: variable.name.to_owned(),
        })
    }
}

fn allocate(this: &mut Lowering<'_, '_, '_>, variable: &Variable<'_>) -> Result<u32, ErrorKind> {
    let layout = variables::layout(variable)?;
    if layout.align > FRAME_ALIGN && !this.function.is_entry {
        return Err(ErrorKind::Unsupported {
            feature: format!(
                "alignment {} of local variable `{}`",
                layout.align, variable.name
            ),
        });
    }
    this.frame
        .allocate(layout)
        .ok_or_else(|| ErrorKind::Declaration {
            name: variable.name.to_owned(),
            reason: "local memory exceeds the window of a lane".to_owned(),
        })
}

fn declare_register<'a>(
    this: &mut Lowering<'_, '_, 'a>,
    scope: ScopeId,
    variable: &Variable<'a>,
) -> Result<Register, ErrorKind> {
    let Some(ty) = types::ir(variable.ty) else {
        return Err(ErrorKind::Unsupported {
            feature: format!("register `{}` of type {:?}", variable.name, variable.ty),
        });
    };
    let elements = variable.vector.max(1);
    let count = u64::from(variable.count.unwrap_or(1)) * u64::from(elements);
    if count + this.ssa.variable_count() as u64 > REGISTERS_MAX || !variable.dims.is_empty() {
        return Err(ErrorKind::Declaration {
            name: variable.name.to_owned(),
            reason: format!("a function may declare {REGISTERS_MAX} registers, and no arrays"),
        });
    }
    let first = this.ssa.variables(ty, usize::try_from(count).unwrap_or(0));
    let register = Register {
        ty: variable.ty,
        elements,
        first,
    };
    let new = match variable.count {
        Some(count) => this
            .scopes
            .declare_family(scope, variable.name, count, register),
        None => this
            .scopes
            .declare(scope, variable.name, Entity::Register(register)),
    };
    if new {
        Ok(register)
    } else {
        Err(ErrorKind::Duplicate {
            name: variable.name.to_owned(),
        })
    }
}

/// Places the `.param` variables of a block. If exactly one call is made in the block and none
/// in blocks inside it, its arguments are built and its results are read where the callee has
/// them; otherwise they have room of their own in the frame and are copied at the call.
fn declare_call_variables<'t, 'a>(
    this: &mut Lowering<'_, 't, 'a>,
    statements: &'t [Statement<'a>],
    scope: ScopeId,
) {
    let params = || {
        statements.iter().filter_map(|statement| match statement {
            Statement::Variable(variable) if variable.space == StateSpace::Param => Some(variable),
            _ => None,
        })
    };
    if params().next().is_none() {
        return;
    }
    let mut calls = Vec::new();
    collect_calls(statements, 0, &mut calls);
    let in_place = match calls.as_slice() {
        &[(call, 0)] => places(this, call, scope).unwrap_or_default(),
        _ => Vec::new(),
    };
    for variable in params() {
        let mut uses = in_place.iter().filter(|(name, ..)| *name == variable.name);
        let fits = |bytes| variables::layout(variable).is_ok_and(|own| own.bytes <= bytes);
        let entity = match (uses.next(), uses.next()) {
            (Some(&(_, offset, bytes)), None) if fits(u64::from(bytes)) => {
                Ok(Entity::Outgoing(offset))
            }
            _ => allocate(this, variable).map(Entity::Frame),
        };
        let declared = entity.and_then(|entity| {
            if this.scopes.declare(scope, variable.name, entity) {
                Ok(())
            } else {
                Err(ErrorKind::Duplicate {
                    name: variable.name.to_owned(),
                })
            }
        });
        if let Err(kind) = declared {
            this.error(variable.span, kind);
        }
    }
}

fn collect_calls<'t, 'a>(
    statements: &'t [Statement<'a>],
    depth: u32,
    calls: &mut Vec<(&'t ast::Instruction<'a>, u32)>,
) {
    for statement in statements {
        match statement {
            Statement::Instruction(instruction) if instruction.opcode == "call" => {
                calls.push((instruction, depth));
            }
            Statement::Block(inner) => collect_calls(inner, depth + 1, calls),
            Statement::Instruction(_)
            | Statement::Variable(_)
            | Statement::Label { .. }
            | Statement::BranchTargets { .. }
            | Statement::CallTargets { .. }
            | Statement::CallPrototype { .. }
            | Statement::Location { .. }
            | Statement::Pragma { .. } => {}
        }
    }
}

/// A call's operands by meaning.
pub(super) struct CallOperands<'t, 'a> {
    /// Function or register with its address.
    pub(super) target: &'t Operand<'a>,
    /// Where results go.
    pub(super) results: &'t [Operand<'a>],
    /// Arguments.
    pub(super) arguments: &'t [Operand<'a>],
    /// Name of the prototype or target list of an indirect call.
    pub(super) prototype: Option<&'a str>,
}

/// Tells a call's operands apart: `[(results),] target [, (arguments)] [, prototype]`.
pub(super) fn call_operands<'t, 'a>(operands: &'t [Operand<'a>]) -> Option<CallOperands<'t, 'a>> {
    let (results, rest): (&[Operand<'a>], _) = match operands {
        [Operand::List(results), rest @ ..] => (results, rest),
        rest => (&[], rest),
    };
    let (target, rest) = rest.split_first()?;
    let (arguments, rest): (&[Operand<'a>], _) = match rest {
        [Operand::List(arguments), rest @ ..] => (arguments, rest),
        rest => (&[], rest),
    };
    let prototype = match rest {
        [] => None,
        [Operand::Name(name)] => Some(*name),
        _ => return None,
    };
    Some(CallOperands {
        target,
        results,
        arguments,
        prototype,
    })
}

fn unknown_function(name: &str) -> ErrorKind {
    ErrorKind::Unknown {
        what: "function",
        name: name.to_owned(),
    }
}

/// Layout of the frame of what a call calls.
pub(super) fn call_layout<'a>(
    this: &Lowering<'_, '_, 'a>,
    call: &CallOperands<'_, 'a>,
    scope: ScopeId,
) -> Result<CallLayout, ErrorKind> {
    let Operand::Name(target) = call.target else {
        return Err(unknown_function("call target"));
    };
    if let Some(prototype) = call.prototype {
        return match this.scopes.find(scope, prototype) {
            Some(Entity::Prototype(returns, params)) => CallLayout::new(returns, params),
            // All functions of the list have the same parameters.
            Some(Entity::CallTargets(targets)) => {
                let function = targets.iter().find_map(|name| this.unit.declaration(name));
                function.map_or_else(
                    || Err(unknown_function(prototype)),
                    |function| CallLayout::new(&function.returns, &function.params),
                )
            }
            _ => Err(ErrorKind::Unknown {
                what: "prototype",
                name: prototype.to_owned(),
            }),
        };
    }
    let Some(function) = this.unit.declaration(target) else {
        return Err(unknown_function(target));
    };
    CallLayout::new(&function.returns, &function.params)
}

/// Names a call uses for arguments and results, with the place the callee has them.
fn places<'a>(
    this: &Lowering<'_, '_, 'a>,
    call: &ast::Instruction<'a>,
    scope: ScopeId,
) -> Option<Vec<(&'a str, u32, u32)>> {
    let operands = call_operands(&call.operands)?;
    let layout = call_layout(this, &operands, scope).ok()?;
    let arguments = operands.arguments.iter().zip(layout.params);
    let results = operands.results.iter().zip(layout.returns);
    let named = arguments
        .chain(results)
        .filter_map(|(operand, (offset, bytes))| match operand {
            Operand::Name(name) => Some((*name, offset, bytes)),
            _ => None,
        });
    Some(named.collect())
}

/// Width of a memory access of a scalar; `None` for predicates and 128 bits.
pub(super) const fn width(ty: ScalarType) -> Option<Width> {
    match types::bits(ty) {
        8 => Some(Width::W8),
        16 => Some(Width::W16),
        32 => Some(Width::W32),
        64 => Some(Width::W64),
        _ => None,
    }
}

/// Width of a scalar that is passed to or from a function.
pub(super) const fn passed_width(ty: ScalarType) -> Option<Width> {
    match ty {
        ScalarType::Pred => Some(Width::W8),
        _ => width(ty),
    }
}

impl Lowering<'_, '_, '_> {
    /// Reads the parameters that are declared as registers.
    pub(super) fn load_register_parameters(&mut self) {
        for (register, offset) in std::mem::take(&mut self.frame.params) {
            let mut offset = offset;
            for variable in register.variables() {
                if let Some(value) = self.load_passed(Op::FrameAddress(offset), register.ty) {
                    self.write_variable(variable, value);
                }
                offset += passed_width(register.ty).map_or(0, Width::bytes);
            }
        }
    }

    /// Writes the return values that are declared as registers, and returns.
    pub(super) fn return_from_function(&mut self) {
        for (register, offset) in self.frame.returns.clone() {
            let mut offset = offset;
            for variable in register.variables() {
                let value = self.read_variable(variable);
                self.store_passed(Op::FrameAddress(offset), register.ty, value);
                offset += passed_width(register.ty).map_or(0, Width::bytes);
            }
        }
        self.end(Terminator::Return);
    }

    /// Loads a scalar that is passed to or from a function; `None` for types that no register
    /// has.
    pub(super) fn load_passed(&mut self, address: Op, ty: ScalarType) -> Option<Value> {
        let width = passed_width(ty)?;
        let is_predicate = ty == ScalarType::Pred;
        let ty = if is_predicate {
            Type::B16
        } else {
            types::ir(ty)?
        };
        let address = self.emit(address, Type::B64);
        let load = Op::Load {
            space: Space::Local,
            width,
            signed: false,
            ty,
            address,
            offset: 0,
            ordered: false,
        };
        let value = self.emit(load, ty);
        Some(if is_predicate {
            self.compare_with(IntCompare::NotEqual, value, 0)
        } else {
            value
        })
    }

    /// Stores a scalar that is passed to or from a function.
    pub(super) fn store_passed(&mut self, address: Op, ty: ScalarType, value: Value) {
        let Some(width) = passed_width(ty) else {
            return;
        };
        let value = if ty == ScalarType::Pred {
            let (one, zero) = (self.constant(Type::B16, 1), self.constant(Type::B16, 0));
            self.select(value, one, zero)
        } else {
            value
        };
        let address = self.emit(address, Type::B64);
        self.effect(Op::Store {
            space: Space::Local,
            width,
            address,
            offset: 0,
            value,
            ordered: false,
        });
    }
}
