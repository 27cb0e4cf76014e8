//! The state of translating a kernel and what it reaches: functions, symbols, shared memory.
//!
//! What a kernel reaches is found first, by the names its instructions mention, so that the
//! ids of functions and the offsets of shared variables are known before any instruction is
//! translated.

use super::addressable::{self, AddressableFunctions};
use super::function::Lowering;
use super::variables::{self, Layout};
use super::{body, special, texture};
use crate::error::Lines;
use crate::ir::{FunctionId, Space, SymbolId, Unit};
use crate::{Error, ErrorKind};
use std::collections::HashMap;
use weft_ptx::ast::{
    self, Address, Directive, Linkage, Module, Operand, Span, StateSpace, Statement,
};

/// Where a variable begins in its space.
#[derive(Clone, Copy, Debug)]
pub(super) enum MemoryBase {
    /// A fixed offset.
    Offset(u32),
    /// An offset in the frame.
    Frame(u32),
    /// An offset in the frame of the function called next.
    Outgoing(u32),
    /// The address of a module symbol.
    Symbol(SymbolId),
}

/// A unit being put together.
pub(super) struct UnitLowering<'t, 'a> {
    /// Lines of the text.
    pub(super) lines: Lines,
    functions: HashMap<&'a str, &'t ast::Function<'a>>,
    variables: HashMap<&'a str, &'t ast::Variable<'a>>,
    aliases: HashMap<&'a str, &'a str>,
    function_ids: HashMap<&'a str, FunctionId>,
    /// Functions with bodies, in order of their ids.
    reached: Vec<&'t ast::Function<'a>>,
    /// Whether anything that is reached calls through an address.
    calls_indirectly: bool,
    /// Whether anything that is reached takes the address of a function.
    takes_addresses: bool,
    symbol_ids: HashMap<String, SymbolId>,
    /// Offsets of the shared variables that are reached, by the place of their declaration.
    shared: HashMap<*const ast::Variable<'a>, u32>,
    /// Whether a register that tells of the reserved shared memory is read.
    reads_reserved_shared: bool,
    /// Offset of the reserved shared memory, if there is any.
    reserved_shared: Option<u32>,
    unit: Unit,
}

/// Translates a kernel and what it reaches.
pub(super) fn lower(module: &Module<'_>, source: &[u8], kernel: &str) -> Result<Unit, Vec<Error>> {
    let mut this = UnitLowering::new(module, source);
    let entry = this.functions.get(kernel).copied();
    let Some(entry) = entry.filter(|entry| entry.is_entry && entry.body.is_some()) else {
        return Err(vec![Error {
            function: kernel.to_owned(),
            line: 0,
            span: Span::default(),
            kind: ErrorKind::Unknown {
                what: "kernel",
                name: kernel.to_owned(),
            },
        }]);
    };
    let mut errors = Vec::new();
    if let Err(error) = this.describe_kernel(entry) {
        errors.push(error);
    }
    if let Err(error) = this.reach(module, entry) {
        errors.push(error);
    }
    for index in 0..this.reached.len() {
        let function = this.reached[index];
        match Lowering::run(&mut this, function) {
            Ok(lowered) => this.unit.functions.push(lowered),
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    this.unit.files = module
        .files
        .iter()
        .map(|&(index, name)| (index, name.to_owned()))
        .collect();
    if cfg!(debug_assertions)
        && let Err(errors) = crate::verify::verify(&this.unit)
    {
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!(
            "lowering `{kernel}` made ill-formed IR:\n{}",
            text.join("\n")
        );
    }
    Ok(this.unit)
}

impl<'t, 'a> UnitLowering<'t, 'a> {
    fn new(module: &'t Module<'a>, source: &[u8]) -> Self {
        let mut this = Self {
            lines: Lines::new(source),
            functions: HashMap::new(),
            variables: HashMap::new(),
            aliases: HashMap::new(),
            function_ids: HashMap::new(),
            reached: Vec::new(),
            calls_indirectly: false,
            takes_addresses: false,
            symbol_ids: HashMap::new(),
            shared: HashMap::new(),
            reads_reserved_shared: false,
            reserved_shared: None,
            unit: Unit::default(),
        };
        for directive in &module.directives {
            match directive {
                Directive::Variable(variable) => {
                    // A definition counts more than an `extern` declaration of the same name.
                    let known = this.variables.entry(variable.name).or_insert(variable);
                    if known.linkage == Linkage::Extern {
                        *known = variable;
                    }
                }
                Directive::Function(function) => {
                    let known = this.functions.entry(function.name).or_insert(function);
                    if known.body.is_none() {
                        *known = function;
                    }
                }
                Directive::Alias { name, aliasee, .. } => {
                    this.aliases.insert(name, aliasee);
                }
                Directive::Pragma { .. } => {}
            }
        }
        this
    }

    /// The function a name stands for, through aliases.
    pub(super) fn declaration(&self, name: &str) -> Option<&'t ast::Function<'a>> {
        let name = self.aliases.get(name).copied().unwrap_or(name);
        self.functions.get(name).copied()
    }

    /// Id of a function, if the name is one.
    ///
    /// # Errors
    ///
    /// The function has no body.
    pub(super) fn function(&self, name: &str) -> Result<Option<FunctionId>, ErrorKind> {
        let Some(declaration) = self.declaration(name) else {
            return Ok(None);
        };
        match self.function_ids.get(declaration.name) {
            Some(&id) => Ok(Some(id)),
            None => Err(ErrorKind::ExternCall {
                name: name.to_owned(),
            }),
        }
    }

    /// Id of a function whose address may be taken, if the name is a function.
    ///
    /// # Errors
    ///
    /// The function has no body, or is a kernel.
    pub(super) fn addressable(&self, name: &str) -> Result<Option<FunctionId>, ErrorKind> {
        let function = self.function(name)?;
        if let Some(function) = function
            && !self.unit.addressable.contains(&Some(function))
        {
            return Err(ErrorKind::Unsupported {
                feature: format!("address of the kernel `{name}`"),
            });
        }
        Ok(function)
    }

    /// Where a variable of module scope is, if the name is one.
    pub(super) fn module_variable(
        &mut self,
        name: &str,
    ) -> Result<Option<(Space, MemoryBase)>, ErrorKind> {
        let Some(&variable) = self.variables.get(name) else {
            return Ok(None);
        };
        Ok(Some(match variable.space {
            StateSpace::Shared => (
                Space::Shared,
                MemoryBase::Offset(self.shared_offset(variable)?),
            ),
            StateSpace::Global | StateSpace::Const => {
                (Space::Global, MemoryBase::Symbol(self.symbol(name)))
            }
            StateSpace::Reg | StateSpace::Local | StateSpace::Param | StateSpace::Tex => {
                return Err(ErrorKind::Unsupported {
                    feature: format!("module variable `{name}` of space {:?}", variable.space),
                });
            }
        }))
    }

    /// Slot of a symbol, new at the first use.
    pub(super) fn symbol(&mut self, name: &str) -> SymbolId {
        if let Some(&id) = self.symbol_ids.get(name) {
            return id;
        }
        let id = SymbolId(u32::try_from(self.unit.symbols.len()).unwrap_or(u32::MAX));
        self.unit.symbols.push(name.to_owned());
        self.symbol_ids.insert(name.to_owned(), id);
        id
    }

    /// Offset of a `.shared` variable.
    pub(super) fn shared_offset(&self, variable: &ast::Variable<'a>) -> Result<u32, ErrorKind> {
        self.shared
            .get(&std::ptr::from_ref(variable))
            .copied()
            .ok_or_else(|| ErrorKind::Unsupported {
                feature: format!("shared variable `{}`", variable.name),
            })
    }

    /// Offset of the shared memory reserved for system software, if the kernel uses it.
    pub(super) const fn reserved_shared(&self) -> Option<u32> {
        self.reserved_shared
    }

    /// Size of the kernel's parameters in bytes.
    pub(super) const fn param_bytes(&self) -> u32 {
        self.unit.param_bytes
    }

    /// Offset of a kernel parameter in the parameter block.
    pub(super) fn kernel_param(&self, index: usize) -> u32 {
        self.unit.params.get(index).map_or(0, |&(offset, _)| offset)
    }

    fn describe_kernel(&mut self, entry: &ast::Function<'a>) -> Result<(), Error> {
        let mut end = 0_u32;
        for param in &entry.params {
            let located = |kind| self.located(entry.name, param.span, kind);
            let Layout { bytes, align } = variables::layout(param).map_err(located)?;
            let offset = end.next_multiple_of(align.min(1 << 16));
            let bytes = u32::try_from(bytes).ok().filter(|&bytes| bytes <= 1 << 16);
            let Some(bytes) = bytes.filter(|bytes| offset + bytes <= 1 << 16) else {
                return Err(located(ErrorKind::Declaration {
                    name: param.name.to_owned(),
                    reason: "kernel parameters exceed 65536 bytes".to_owned(),
                }));
            };
            self.unit.params.push((offset, bytes));
            end = offset + bytes;
        }
        self.unit.param_bytes = end;
        for (name, numbers) in &entry.tuning {
            let extent = |axis: usize| {
                let number = numbers.get(axis).copied().unwrap_or(1);
                u32::try_from(number).unwrap_or(u32::MAX)
            };
            let extents = [extent(0), extent(1), extent(2)];
            let product = extents
                .iter()
                .fold(1_u32, |all, &one| all.saturating_mul(one));
            match *name {
                "maxntid" => self.unit.max_threads_per_cta = Some(product),
                "reqntid" => {
                    self.unit.max_threads_per_cta = Some(product);
                    self.unit.required_cta = Some(extents);
                }
                // The others advise register allocation or scheduling.
                _ => {}
            }
        }
        Ok(())
    }

    fn located(&self, function: &str, span: Span, kind: ErrorKind) -> Error {
        Error {
            function: function.to_owned(),
            line: self.lines.line(span.start),
            span,
            kind,
        }
    }

    /// Finds what the kernel reaches, numbers functions, lays out shared memory.
    fn reach(&mut self, module: &Module<'a>, entry: &'t ast::Function<'a>) -> Result<(), Error> {
        let mut shared: Vec<&'t ast::Variable<'a>> = Vec::new();
        self.number(entry);
        let mut next = 0;
        let mut table = None;
        loop {
            while let Some(&function) = self.reached.get(next) {
                let body = function.body.as_deref().unwrap_or_default();
                self.reach_statements(body, &mut shared);
                next += 1;
            }
            // An indirect call may reach every function whose address the module takes.
            if !self.calls_indirectly || table.is_some() {
                break;
            }
            let addressable = AddressableFunctions::of(module);
            for name in addressable.names() {
                if let Some(function) = self.declaration(name) {
                    self.number(function);
                }
            }
            table = Some(addressable);
        }
        if self.takes_addresses && table.is_none() {
            table = Some(AddressableFunctions::of(module));
        }
        let names = table.iter().flat_map(AddressableFunctions::names);
        self.unit.addressable = names
            .map(|name| self.function_ids.get(name).copied())
            .collect();
        let mut end = 0_u32;
        let mut dynamic_align = 1;
        for &variable in &shared {
            let key = std::ptr::from_ref(variable);
            if self.shared.contains_key(&key) {
                continue;
            }
            let located = |kind| self.located(entry.name, variable.span, kind);
            let Layout { bytes, align } = variables::layout(variable).map_err(located)?;
            if bytes == 0 {
                dynamic_align = align.max(dynamic_align);
                continue;
            }
            let offset = end.checked_next_multiple_of(align);
            let placed = offset.zip(u32::try_from(bytes).ok());
            let Some((offset, after)) =
                placed.and_then(|(offset, bytes)| Some((offset, offset.checked_add(bytes)?)))
            else {
                return Err(located(ErrorKind::Declaration {
                    name: variable.name.to_owned(),
                    reason: "shared memory exceeds 2^32 bytes".to_owned(),
                }));
            };
            self.shared.insert(key, offset);
            self.unit
                .shared_variables
                .push((variable.name.to_owned(), offset, after - offset));
            end = after;
        }
        if self.reads_reserved_shared {
            let placed = end
                .checked_next_multiple_of(special::RESERVED_SHARED_ALIGN)
                .and_then(|offset| {
                    Some((offset, offset.checked_add(special::RESERVED_SHARED_BYTES)?))
                });
            let Some((offset, after)) = placed else {
                let reason = "shared memory exceeds 2^32 bytes".to_owned();
                let name = special::RESERVED_SHARED_NAME.to_owned();
                let kind = ErrorKind::Declaration { name, reason };
                return Err(self.located(entry.name, entry.span, kind));
            };
            self.reserved_shared = Some(offset);
            self.unit.shared_variables.push((
                special::RESERVED_SHARED_NAME.to_owned(),
                offset,
                special::RESERVED_SHARED_BYTES,
            ));
            end = after;
        }
        let dynamic = end.checked_next_multiple_of(dynamic_align).unwrap_or(end);
        for variable in shared {
            self.shared
                .entry(std::ptr::from_ref(variable))
                .or_insert(dynamic);
        }
        self.unit.shared_static_bytes = end;
        self.unit.shared_dynamic_offset = dynamic;
        Ok(())
    }

    fn number(&mut self, function: &'t ast::Function<'a>) {
        if function.body.is_some() && !self.function_ids.contains_key(function.name) {
            let id = FunctionId(u32::try_from(self.reached.len()).unwrap_or(u32::MAX));
            self.function_ids.insert(function.name, id);
            self.reached.push(function);
        }
    }

    /// Numbers a function that an instruction stands for.
    fn reach_library(&mut self, name: &str) {
        for function in texture::library() {
            let function: &'t ast::Function<'a> = function;
            self.functions.entry(function.name).or_insert(function);
            if function.name == name {
                self.number(function);
            }
        }
    }

    fn reach_statements(
        &mut self,
        statements: &'t [Statement<'a>],
        shared: &mut Vec<&'t ast::Variable<'a>>,
    ) {
        for statement in statements {
            match statement {
                Statement::Variable(variable) if variable.space == StateSpace::Shared => {
                    shared.push(variable);
                }
                Statement::Block(inner) => self.reach_statements(inner, shared),
                Statement::Instruction(instruction) => {
                    if instruction.opcode == "call"
                        && let Some(call) = body::call_operands(&instruction.operands)
                        && let Operand::Name(name) = call.target
                    {
                        match self.declaration(name) {
                            Some(function) => self.number(function),
                            None => self.calls_indirectly = true,
                        }
                    }
                    for name in texture::functions_of(instruction) {
                        self.reach_library(name);
                    }
                    for operand in addressable::values(instruction) {
                        self.reach_operand(operand, shared);
                    }
                }
                Statement::Variable(_)
                | Statement::Label { .. }
                | Statement::BranchTargets { .. }
                | Statement::CallTargets { .. }
                | Statement::CallPrototype { .. }
                | Statement::Location { .. }
                | Statement::Pragma { .. } => {}
            }
        }
    }

    fn reach_operand(&mut self, operand: &Operand<'a>, shared: &mut Vec<&'t ast::Variable<'a>>) {
        match operand {
            Operand::Name(name)
            | Operand::NameOffset(name, _)
            | Operand::Address(Address {
                base: Some(name), ..
            }) => {
                if special::tells_of_reserved_shared(name) {
                    self.reads_reserved_shared = true;
                } else if let Some(function) = self.declaration(name) {
                    self.takes_addresses = true;
                    self.number(function);
                } else if let Some(&variable) = self.variables.get(name)
                    && variable.space == StateSpace::Shared
                {
                    shared.push(variable);
                }
            }
            Operand::Vector(operands) | Operand::List(operands) => {
                for operand in operands {
                    self.reach_operand(operand, shared);
                }
            }
            Operand::Pair(first, second) => {
                self.reach_operand(first, shared);
                self.reach_operand(second, shared);
            }
            Operand::Not(inner) | Operand::Negated(inner) => self.reach_operand(inner, shared),
            Operand::Address(Address { base: None, .. })
            | Operand::Member(..)
            | Operand::Immediate(_)
            | Operand::Selector(..)
            | Operand::Element(..)
            | Operand::TextureAddress { .. }
            | Operand::Discard => {}
        }
    }
}
