//! Host code of a region.

use std::cell::Cell;
use std::mem::offset_of;
use std::sync::OnceLock;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, Function, InstBuilder, MemFlagsData, SigRef, Signature, UserFuncName, Value,
    types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use weft_isa::abi::LANES;
use weft_isa::{Access, Inst, Register, VType};

use super::host::HostCode;
use super::memory::{Ranges, Scalar};
use super::{Exit, Source, Tally, instruction, warp};
use crate::env::Env;
use crate::exec::access::Counter;
use crate::exec::{Flow, Op};
use crate::hart::Hart;

/// The host code of a region, position-independent. `index` gives the position of the block at an
/// address and vector type.
pub(super) fn compile(
    blocks: &[(u32, Source<'_>)],
    tally: &Tally,
    (functions, warp_runs): (*const u8, &[warp::Runs]),
    index: impl Fn(u64, VType) -> Option<usize>,
) -> Option<Vec<u8>> {
    let isa = host()?;
    let mut signature = Signature::new(CallConv::triple_default(isa.triple()));
    let parameters = [types::I64; 4].map(AbiParam::new);
    signature.params.extend(parameters);
    signature.returns.push(AbiParam::new(types::I64));
    let mut context = Context::for_function(Function::with_name_signature(
        UserFuncName::default(),
        signature,
    ));
    let mut builder_context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let mut handler = Signature::new(CallConv::triple_default(isa.triple()));
    handler.params.extend([types::I64; 3].map(AbiParam::new));
    handler.returns.push(AbiParam::new(types::I8));
    let handler = builder.import_signature(handler);
    let preserving = builder.import_signature(signature_of_preserving());
    let mut function = Signature::new(CallConv::triple_default(isa.triple()));
    function.params.extend([types::I64; 2].map(AbiParam::new));
    let warp_code = WarpCode {
        functions,
        runs: warp_runs,
        signature: builder.import_signature(function),
    };
    let bodies = Bodies {
        handler,
        preserving,
        preserving_code: preserving_code()?,
    };
    let emitter = Emitter::new(builder, bodies, blocks, tally);
    emitter.emit(blocks, &warp_code, index, isa.frontend_config());
    let code = context.compile(isa.as_ref(), &mut ControlPlane::default());
    code.ok().map(|code| code.code_buffer().to_vec())
}

/// Executes an op for code that cannot call its handler, which has an ABI of Rust's choice.
///
/// # Safety
///
/// The pointers are those of a hart, its surroundings and an op, as the handler demands them.
unsafe extern "C" fn execute(hart: *mut Hart, env: *mut Env, op: *const Op) -> u8 {
    // SAFETY: as the caller promises; nothing else refers to the hart during the call.
    let hart = unsafe { &mut *hart };
    // SAFETY: as the caller promises; nothing else refers to the surroundings during the call.
    let env = unsafe { &mut *env };
    // SAFETY: as the caller promises; ops are not changed but for their cells.
    let op = unsafe { &*op };
    // SAFETY: translations are made for a level that the host has.
    let flow = unsafe { (op.handler)(hart, env, op) };
    flow as u8
}

/// As [`execute`]; whether the block goes on is in [`Hart::flow`].
///
/// # Safety
///
/// As for [`execute`].
unsafe extern "C" fn execute_aside(hart: *mut Hart, env: *mut Env, op: *const Op) {
    // SAFETY: as the caller promises.
    let flow = unsafe { execute(hart, env, op) };
    // SAFETY: as the caller promises; nothing else refers to the hart now.
    unsafe { (*hart).flow = flow };
}

/// The code generator for this host.
fn host() -> Option<OwnedTargetIsa> {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed").ok()?;
    flags
        .set(
            "enable_verifier",
            if cfg!(debug_assertions) {
                "true"
            } else {
                "false"
            },
        )
        .ok()?;
    let isa = cranelift_native::builder().ok()?;
    isa.finish(settings::Flags::new(flags)).ok()
}

/// Functions with this calling convention change no registers, and have no results.
fn signature_of_preserving() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.extend([types::I64; 3].map(AbiParam::new));
    signature
}

/// A function that calls [`execute_aside`] and changes no registers, so that those of the code around
/// a call that is hardly ever made stay where they are.
fn preserving_code() -> Option<*const u8> {
    static CODE: OnceLock<Option<HostCode>> = OnceLock::new();
    let make = || {
        let isa = host()?;
        let mut context = Context::for_function(Function::with_name_signature(
            UserFuncName::default(),
            signature_of_preserving(),
        ));
        let mut builder_context = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let mut signature = signature_of_preserving();
        signature.call_conv = CallConv::triple_default(isa.triple());
        let signature = b.import_signature(signature);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let arguments = b.block_params(entry).to_vec();
        let function = execute_aside as *const () as u64;
        let function = b.ins().iconst(types::I64, function.cast_signed());
        b.ins().call_indirect(signature, function, &arguments);
        b.ins().return_(&[]);
        b.seal_all_blocks();
        b.finalize(isa.frontend_config());
        let code = context.compile(isa.as_ref(), &mut ControlPlane::default());
        HostCode::new(code.ok()?.code_buffer())
    };
    CODE.get_or_init(make).as_ref().map(HostCode::start)
}

/// How bodies are called.
struct Bodies {
    handler: SigRef,
    preserving: SigRef,
    preserving_code: *const u8,
}

/// Where a body is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// On the way that is usually taken.
    Main,
    /// Aside from it.
    Aside,
    /// Aside from it, at an instruction that otherwise calls nothing.
    Preserving,
}

/// How the runs of the blocks of a region are counted.
enum Runs {
    /// There is one block: by the instructions spent.
    Spent,
    /// Since the region was entered.
    InRegisters(Vec<Variable>),
    InMemory,
}

/// Functions of runs of instructions of each block, which take the hart, and how often they are to
/// repeat what they do if they repeat anything.
struct WarpCode<'a> {
    functions: *const u8,
    runs: &'a [warp::Runs],
    signature: SigRef,
}

/// Most blocks of a region whose runs are counted in registers.
const COUNTED_IN_REGISTERS: usize = 8;

pub(super) const TRUSTED: MemFlagsData = MemFlagsData::trusted();

pub(super) struct Emitter<'a> {
    pub(super) b: FunctionBuilder<'a>,
    bodies: Bodies,
    /// Of each integer register that the region touches, but `x0`.
    registers: [Option<Variable>; 32],
    /// Registers that the region writes, as bits.
    pub(super) written: u32,
    pub(super) hart: Value,
    pub(super) env: Value,
    last: Value,
    left: Variable,
    /// What was left at the beginning.
    budget: Value,
    pub(super) ranges: Ranges,
    tally: &'a Tally,
    runs: Runs,
}

/// Parts of a block that instructions need to leave it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    number: u32,
    end: u64,
    ops: &'a [Op],
}

impl<'a> Place<'a> {
    /// The ops after this one.
    fn after(self, op: &Op) -> impl Iterator<Item = &'a Op> {
        let at = self.ops.iter().position(|other| other.pc == op.pc);
        self.ops.iter().skip(at.map_or(usize::MAX, |at| at + 1))
    }
}

impl<'a> Emitter<'a> {
    fn new(
        mut b: FunctionBuilder<'a>,
        bodies: Bodies,
        blocks: &[(u32, Source<'_>)],
        tally: &'a Tally,
    ) -> Self {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let [hart, env, budget, last] = *b.block_params(entry) else {
            unreachable!("the signature has four parameters")
        };
        let left = b.declare_var(types::I64);
        b.def_var(left, budget);
        let mut this = Self {
            b,
            bodies,
            registers: [None; 32],
            written: 0,
            hart,
            env,
            last,
            left,
            budget,
            ranges: Ranges::default(),
            tally,
            runs: Runs::InMemory,
        };
        if blocks.len() == 1 {
            this.runs = Runs::Spent;
        } else if blocks.len() <= COUNTED_IN_REGISTERS {
            let zero = this.constant(0);
            let counter = |_| {
                let runs = this.b.declare_var(types::I64);
                this.b.def_var(runs, zero);
                runs
            };
            this.runs = Runs::InRegisters(blocks.iter().map(counter).collect());
        }
        let ops = blocks.iter().flat_map(|(_, block)| block.ops);
        for op in ops {
            instruction(op).for_each_register(|register, access| this.touch(register, access));
        }
        for register in 1..32 {
            if let Some(variable) = this.registers[register] {
                let value = this.load_register(register);
                this.b.def_var(variable, value);
            }
        }
        this.load_ranges(blocks);
        this
    }

    fn touch(&mut self, register: Register, access: Access) {
        let Register::X(x) = register else { return };
        let number = usize::from(x.number());
        if number == 0 {
            return;
        }
        if self.registers[number].is_none() {
            self.registers[number] = Some(self.b.declare_var(types::I64));
        }
        if access != Access::Read {
            self.written |= 1 << number;
        }
    }

    fn emit(
        mut self,
        blocks: &[(u32, Source<'_>)],
        warp_code: &WarpCode<'_>,
        index: impl Fn(u64, VType) -> Option<usize>,
        config: cranelift_codegen::isa::TargetFrontendConfig,
    ) {
        let starts: Vec<Block> = blocks.iter().map(|_| self.b.create_block()).collect();
        self.b.ins().jump(starts[0], &[]);
        for (at, (number, block)) in blocks.iter().enumerate() {
            self.b.switch_to_block(starts[at]);
            let place = Place {
                number: *number,
                end: block.end,
                ops: block.ops,
            };
            let target = |pc| index(pc, block.vtype).map(|at| starts[at]);
            if let Some(offset) = warp_code.runs[at].repeated {
                self.repeat(at, place, (warp_code, offset), target(block.end));
            }
            self.block(at, place, warp_code);
            match block.exit() {
                Exit::Next => self.go(place, block.end, target(block.end)),
                Exit::Jump(pc) => self.go(place, pc, target(pc)),
                Exit::Branch(pc) => {
                    let op = &block.ops[block.ops.len() - 1];
                    let taken = self.condition(op);
                    let (yes, no) = (self.b.create_block(), self.b.create_block());
                    // What stays in the region is kept together.
                    match (target(pc), target(block.end)) {
                        (Some(_), None) => self.b.set_cold_block(no),
                        (None, Some(_)) => self.b.set_cold_block(yes),
                        (Some(_), Some(_)) | (None, None) => {}
                    }
                    self.b.ins().brif(taken, yes, &[], no, &[]);
                    self.b.switch_to_block(yes);
                    self.go(place, pc, target(pc));
                    self.b.switch_to_block(no);
                    self.go(place, block.end, target(block.end));
                }
                Exit::Indirect => {
                    let op = &block.ops[block.ops.len() - 1];
                    let base = self.x(op.rs1);
                    let sum = self.add(base, op.imm);
                    let even = self.constant(!1);
                    let pc = self.b.ins().band(sum, even);
                    let link = self.constant(op.next_pc());
                    self.set_x(op.rd, link);
                    self.set_pc(pc);
                    self.leave(place);
                }
            }
        }
        self.b.seal_all_blocks();
        self.b.finalize(config);
    }

    /// A block but for where it goes.
    fn block(&mut self, at: usize, place: Place<'_>, warp_code: &WarpCode<'_>) {
        self.begin(at, place.ops.len());
        let mut next = 0;
        for run in &warp_code.runs[at].straight {
            for op in &place.ops[next..run.begin] {
                self.op(op, place);
            }
            self.run(&place.ops[run.begin..run.end], place, warp_code, run.offset);
            next = run.end;
        }
        for op in &place.ops[next..] {
            self.op(op, place);
        }
    }

    /// A block that goes back to itself and has integer instructions only, on registers and on
    /// vectors, which do not see each other: first those on registers as often as the loop goes, then
    /// those on vectors as often, whose registers stay in host registers. Code that follows is for
    /// other values of `vl` and `vstart`.
    fn repeat(
        &mut self,
        at: usize,
        place: Place<'_>,
        (warp_code, function): (&WarpCode<'_>, usize),
        next: Option<Block>,
    ) {
        let [head, again, yes, no, other] = [(); 5].map(|()| self.b.create_block());
        self.store_operands(place.ops);
        let whole = self.is_whole();
        let times = self.b.declare_var(types::I64);
        let zero = self.constant(0);
        self.b.def_var(times, zero);
        self.b.set_cold_block(other);
        self.b.ins().brif(whole, head, &[], other, &[]);

        self.b.switch_to_block(head);
        self.begin(at, place.ops.len());
        let count = self.b.use_var(times);
        let count = self.add(count, 1);
        self.b.def_var(times, count);
        for op in place.ops {
            if warp::is_scalar(op) {
                self.op(op, place);
            }
        }
        let last = &place.ops[place.ops.len() - 1];
        let taken = self.condition(last);
        self.b.ins().brif(taken, again, &[], no, &[]);

        self.b.switch_to_block(again);
        let more = self.has_more();
        self.b.ins().brif(more, head, &[], yes, &[]);

        self.b.switch_to_block(yes);
        let count = self.b.use_var(times);
        self.call_warp(warp_code, function, count);
        self.store_pc(last.imm.cast_unsigned());
        self.leave(place);

        self.b.switch_to_block(no);
        let count = self.b.use_var(times);
        self.call_warp(warp_code, function, count);
        self.go(place, place.end, next);
        self.b.switch_to_block(other);
    }

    pub(super) fn constant(&mut self, value: u64) -> Value {
        self.b.ins().iconst(types::I64, value.cast_signed())
    }

    pub(super) fn add(&mut self, value: Value, constant: i64) -> Value {
        let constant = self.constant(constant.cast_unsigned());
        self.b.ins().iadd(value, constant)
    }

    /// Counts the block and takes its length from what is left.
    fn begin(&mut self, at: usize, length: usize) {
        match &self.runs {
            Runs::Spent => {}
            Runs::InRegisters(runs) => {
                let variable = runs[at];
                let count = self.b.use_var(variable);
                let count = self.add(count, 1);
                self.b.def_var(variable, count);
            }
            Runs::InMemory => {
                let one = self.constant(1);
                self.add_to(&self.tally.runs[at].1, one);
            }
        }
        let left = self.b.use_var(self.left);
        let left = self.add(left, -i64::try_from(length).expect("a short block"));
        self.b.def_var(self.left, left);
    }

    /// Adds to a count in memory.
    fn add_to(&mut self, cell: &Cell<u64>, value: Value) {
        let at = self.constant(std::ptr::from_ref(cell).expose_provenance() as u64);
        let count = self.b.ins().load(types::I64, TRUSTED, at, 0);
        let count = self.b.ins().iadd(count, value);
        self.b.ins().store(TRUSTED, count, at, 0);
    }

    /// Takes back bytes that the runs of the block count.
    pub(super) fn uncount(&mut self, counter: Counter, bytes: u64) {
        let bytes = self.constant(bytes);
        self.add_to(&self.tally.unmoved[counter.index()], bytes);
    }

    fn has_more(&mut self) -> Value {
        let left = self.b.use_var(self.left);
        let zero = self.constant(0);
        self.b.ins().icmp(IntCC::SignedGreaterThan, left, zero)
    }

    /// Goes on at `pc`, which is the block `target` if it is in the region.
    fn go(&mut self, place: Place<'_>, pc: u64, target: Option<Block>) {
        if let Some(target) = target {
            let out = self.b.create_block();
            self.b.set_cold_block(out);
            let more = self.has_more();
            self.b.ins().brif(more, target, &[], out, &[]);
            self.b.switch_to_block(out);
        }
        self.store_pc(pc);
        self.leave(place);
    }

    fn store_pc(&mut self, pc: u64) {
        let pc = self.constant(pc);
        self.set_pc(pc);
    }

    fn set_pc(&mut self, pc: Value) {
        let at = offset(offset_of!(Hart, pc));
        self.b.ins().store(TRUSTED, pc, self.hart, at);
    }

    /// Leaves the region for [`Hart::pc`].
    fn leave(&mut self, place: Place<'_>) {
        for register in 1..32 {
            if self.written & 1 << register != 0 {
                self.store_register(register);
            }
        }
        let left = self.b.use_var(self.left);
        let spent = self.b.ins().isub(self.budget, left);
        match &self.runs {
            Runs::Spent => self.add_to(&self.tally.runs[0].1, spent),
            Runs::InRegisters(runs) => {
                for (at, variable) in runs.clone().into_iter().enumerate() {
                    let count = self.b.use_var(variable);
                    self.add_to(&self.tally.runs[at].1, count);
                }
            }
            Runs::InMemory => {}
        }
        let at = offset(offset_of!(Hart, retired));
        let retired = self.b.ins().load(types::I64, TRUSTED, self.hart, at);
        let retired = self.b.ins().iadd(retired, spent);
        self.b.ins().store(TRUSTED, retired, self.hart, at);
        let number = self.b.ins().iconst(types::I32, i64::from(place.number));
        self.b.ins().store(TRUSTED, number, self.last, 0);
        self.b.ins().return_(&[left]);
    }

    pub(super) fn load_register(&mut self, register: usize) -> Value {
        let at = offset(offset_of!(Hart, x) + 8 * register);
        self.b.ins().load(types::I64, TRUSTED, self.hart, at)
    }

    pub(super) fn store_register(&mut self, register: usize) {
        if let Some(variable) = self.registers[register] {
            let value = self.b.use_var(variable);
            let at = offset(offset_of!(Hart, x) + 8 * register);
            self.b.ins().store(TRUSTED, value, self.hart, at);
        }
    }

    pub(super) fn x(&mut self, register: u8) -> Value {
        match self.registers[usize::from(register & 31)] {
            Some(variable) if register != 0 => self.b.use_var(variable),
            _ => self.constant(0),
        }
    }

    pub(super) fn set_x(&mut self, register: u8, value: Value) {
        if let Some(variable) = self.registers[usize::from(register & 31)] {
            self.b.def_var(variable, value);
        }
    }

    fn op(&mut self, op: &Op, place: Place<'_>) {
        let inst = instruction(op);
        if let Some(value) = self.integer(inst, op) {
            self.set_x(op.rd, value);
        } else if let Some(access) = Scalar::of(op) {
            self.access(access, op, place);
        } else if !matches!(op.word & 0x7f, 0x63 | 0x67) {
            // Branches and `jalr` are the end of the block.
            self.call(inst, op, place);
        }
    }

    /// Stores the registers that ops read and that have changed.
    fn store_operands(&mut self, ops: &[Op]) {
        for op in ops {
            instruction(op).for_each_register(|register, _| {
                if let Register::X(x) = register
                    && self.written & 1 << x.number() != 0
                {
                    self.store_register(usize::from(x.number()));
                }
            });
        }
    }

    /// Whether `vl` and `vstart` are those of a warp.
    fn is_whole(&mut self) -> Value {
        const {
            assert!(offset_of!(Hart, vstart) == offset_of!(Hart, vl) + 4);
            assert!(cfg!(target_endian = "little"));
        };
        let at = offset(offset_of!(Hart, vl));
        let found = self.b.ins().load(types::I64, TRUSTED, self.hart, at);
        let whole = self.constant(LANES as u64);
        self.b.ins().icmp(IntCC::Equal, found, whole)
    }

    fn call_warp(&mut self, warp_code: &WarpCode<'_>, offset: usize, times: Value) {
        let function = warp_code.functions.wrapping_add(offset);
        let function = self.constant(function.expose_provenance() as u64);
        self.b
            .ins()
            .call_indirect(warp_code.signature, function, &[self.hart, times]);
    }

    /// Instructions that a function executes if `vl` and `vstart` are those of a warp.
    fn run(&mut self, ops: &[Op], place: Place<'_>, warp_code: &WarpCode<'_>, function: usize) {
        self.store_operands(ops);
        let hit = self.is_whole();
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(hit, fast, &[], slow, &[]);

        self.b.switch_to_block(fast);
        let once = self.constant(1);
        self.call_warp(warp_code, function, once);
        self.b.ins().jump(done, &[]);

        self.b.switch_to_block(slow);
        for op in ops {
            self.call_body(op, place, Call::Aside);
        }
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
    }

    /// Has the interpreter's body execute an instruction.
    fn call(&mut self, inst: Inst, op: &Op, place: Place<'_>) {
        inst.for_each_register(|register, access| {
            let Register::X(x) = register else { return };
            let number = usize::from(x.number());
            if access != Access::Write && self.written & 1 << number != 0 {
                self.store_register(number);
            }
        });
        self.call_body(op, place, Call::Main);
        inst.for_each_register(|register, access| {
            let Register::X(x) = register else { return };
            let number = x.number();
            if access != Access::Read && number != 0 {
                let value = self.load_register(usize::from(number));
                self.set_x(number, value);
            }
        });
    }

    pub(super) fn call_body(&mut self, op: &Op, place: Place<'_>, call: Call) {
        // Those that set the vector type may leave the block without a fault, and say where to.
        let says_where = op.word & 0x707f == 0x7057;
        if says_where {
            self.store_pc(place.end);
        }
        let pointer = self.constant(std::ptr::from_ref(op).expose_provenance() as u64);
        let arguments = [self.hart, self.env, pointer];
        let flow = if call == Call::Preserving {
            let function = self.bodies.preserving_code.expose_provenance() as u64;
            let function = self.constant(function);
            let signature = self.bodies.preserving;
            self.b.ins().call_indirect(signature, function, &arguments);
            let at = offset(offset_of!(Hart, flow));
            self.b.ins().load(types::I8, TRUSTED, self.hart, at)
        } else {
            let function = self.constant(execute as *const () as u64);
            let signature = self.bodies.handler;
            let call = self.b.ins().call_indirect(signature, function, &arguments);
            self.b.inst_results(call)[0]
        };
        const { assert!(Flow::Next as u8 == 0 && Flow::Leave as u8 != 0) };
        let (out, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(out);
        if call != Call::Main {
            self.b.set_cold_block(on);
        }
        self.b.ins().brif(flow, out, &[], on, &[]);
        self.b.switch_to_block(out);
        for access in place.after(op).filter_map(Scalar::of) {
            let (counter, bytes) = access.counted();
            self.uncount(counter, bytes);
        }
        if !says_where {
            self.store_pc(place.end);
        }
        self.leave(place);
        self.b.switch_to_block(on);
    }
}

pub(super) fn offset(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("structures are small")
}
