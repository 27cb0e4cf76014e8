//! Host code of a region.

use std::cell::Cell;
use std::mem::offset_of;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, Function, InstBuilder, MemFlagsData, SigRef, Signature, Type, UserFuncName,
    Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, ir};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use weft_isa::abi::LANES;
use weft_isa::{Access, Inst, Register, VType};

use super::{Exit, Source, instruction, warp};
use crate::env::Env;
use crate::exec::access::Recent;
use crate::exec::{Flow, Op};
use crate::hart::Hart;

/// The host code of a region, position-independent. `index` gives the position of the block at an
/// address and vector type.
pub(super) fn compile(
    blocks: &[(u32, Source<'_>)],
    runs: &[(u32, Cell<u64>)],
    (functions, warp_runs): (*const u8, &[Vec<warp::Run>]),
    index: impl Fn(u64, VType) -> Option<usize>,
) -> Option<Vec<u8>> {
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
    let isa = isa.finish(settings::Flags::new(flags)).ok()?;
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
    let mut function = Signature::new(CallConv::triple_default(isa.triple()));
    function.params.push(AbiParam::new(types::I64));
    let warp_code = WarpCode {
        functions,
        runs: warp_runs,
        signature: builder.import_signature(function),
    };
    Emitter::new(builder, handler, blocks).emit(
        blocks,
        runs,
        &warp_code,
        index,
        isa.frontend_config(),
    );
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

/// Functions of runs of instructions of each block, which take the hart.
struct WarpCode<'a> {
    functions: *const u8,
    runs: &'a [Vec<warp::Run>],
    signature: SigRef,
}

const TRUSTED: MemFlagsData = MemFlagsData::trusted();

struct Emitter<'a> {
    b: FunctionBuilder<'a>,
    handler: SigRef,
    /// Of each integer register that the region touches, but `x0`.
    registers: [Option<Variable>; 32],
    /// Registers that the region writes, as bits.
    written: u32,
    hart: Value,
    env: Value,
    last: Value,
    left: Variable,
    /// What was left at the beginning.
    budget: Value,
}

/// Parts of a block that instructions need to leave it.
#[derive(Clone, Copy)]
struct Place {
    number: u32,
    end: u64,
}

impl<'a> Emitter<'a> {
    fn new(mut b: FunctionBuilder<'a>, handler: SigRef, blocks: &[(u32, Source<'_>)]) -> Self {
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
            handler,
            registers: [None; 32],
            written: 0,
            hart,
            env,
            last,
            left,
            budget,
        };
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
        runs: &[(u32, Cell<u64>)],
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
            };
            self.begin(&runs[at].1, block.ops.len());
            let mut next = 0;
            for run in &warp_code.runs[at] {
                for op in &block.ops[next..run.begin] {
                    self.op(op, place);
                }
                self.run(&block.ops[run.begin..run.end], place, warp_code, run.offset);
                next = run.end;
            }
            for op in &block.ops[next..] {
                self.op(op, place);
            }
            let target = |pc| index(pc, block.vtype).map(|at| starts[at]);
            match block.exit() {
                Exit::Next => self.go(place, block.end, target(block.end)),
                Exit::Jump(pc) => self.go(place, pc, target(pc)),
                Exit::Branch(pc) => {
                    let op = &block.ops[block.ops.len() - 1];
                    let taken = self.condition(op);
                    let (yes, no) = (self.b.create_block(), self.b.create_block());
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
                    self.leave(place, pc);
                }
            }
        }
        self.b.seal_all_blocks();
        self.b.finalize(config);
    }

    fn constant(&mut self, value: u64) -> Value {
        self.b.ins().iconst(types::I64, value.cast_signed())
    }

    fn add(&mut self, value: Value, constant: i64) -> Value {
        let constant = self.constant(constant.cast_unsigned());
        self.b.ins().iadd(value, constant)
    }

    /// Counts the block and takes its length from what is left.
    fn begin(&mut self, runs: &Cell<u64>, length: usize) {
        let at = self.constant(std::ptr::from_ref(runs).expose_provenance() as u64);
        let count = self.b.ins().load(types::I64, TRUSTED, at, 0);
        let count = self.add(count, 1);
        self.b.ins().store(TRUSTED, count, at, 0);
        let left = self.b.use_var(self.left);
        let left = self.add(left, -i64::try_from(length).expect("a short block"));
        self.b.def_var(self.left, left);
    }

    /// Goes on at `pc`, which is the block `target` if it is in the region.
    fn go(&mut self, place: Place, pc: u64, target: Option<Block>) {
        if let Some(target) = target {
            let out = self.b.create_block();
            self.b.set_cold_block(out);
            let left = self.b.use_var(self.left);
            let zero = self.constant(0);
            let more = self.b.ins().icmp(IntCC::SignedGreaterThan, left, zero);
            self.b.ins().brif(more, target, &[], out, &[]);
            self.b.switch_to_block(out);
        }
        let pc = self.constant(pc);
        self.leave(place, pc);
    }

    /// Leaves the region.
    fn leave(&mut self, place: Place, pc: Value) {
        for register in 1..32 {
            if self.written & 1 << register != 0 {
                self.store_register(register);
            }
        }
        let left = self.b.use_var(self.left);
        let spent = self.b.ins().isub(self.budget, left);
        let at = offset(offset_of!(Hart, retired));
        let retired = self.b.ins().load(types::I64, TRUSTED, self.hart, at);
        let retired = self.b.ins().iadd(retired, spent);
        self.b.ins().store(TRUSTED, retired, self.hart, at);
        let at = offset(offset_of!(Hart, pc));
        self.b.ins().store(TRUSTED, pc, self.hart, at);
        let number = self.b.ins().iconst(types::I32, i64::from(place.number));
        self.b.ins().store(TRUSTED, number, self.last, 0);
        self.b.ins().return_(&[left]);
    }

    fn load_register(&mut self, register: usize) -> Value {
        let at = offset(offset_of!(Hart, x) + 8 * register);
        self.b.ins().load(types::I64, TRUSTED, self.hart, at)
    }

    fn store_register(&mut self, register: usize) {
        if let Some(variable) = self.registers[register] {
            let value = self.b.use_var(variable);
            let at = offset(offset_of!(Hart, x) + 8 * register);
            self.b.ins().store(TRUSTED, value, self.hart, at);
        }
    }

    fn x(&mut self, register: u8) -> Value {
        match self.registers[usize::from(register & 31)] {
            Some(variable) if register != 0 => self.b.use_var(variable),
            _ => self.constant(0),
        }
    }

    fn set_x(&mut self, register: u8, value: Value) {
        if let Some(variable) = self.registers[usize::from(register & 31)] {
            self.b.def_var(variable, value);
        }
    }

    fn op(&mut self, op: &Op, place: Place) {
        let inst = instruction(op);
        if let Some(value) = self.integer(inst, op) {
            self.set_x(op.rd, value);
            return;
        }
        match inst {
            // The end of the block.
            Inst::Beq { .. }
            | Inst::Bne { .. }
            | Inst::Blt { .. }
            | Inst::Bge { .. }
            | Inst::Bltu { .. }
            | Inst::Bgeu { .. }
            | Inst::Jalr { .. } => {}
            Inst::Lb { .. } => self.access(op, place, types::I8, Move::Load { signed: true }),
            Inst::Lh { .. } => self.access(op, place, types::I16, Move::Load { signed: true }),
            Inst::Lw { .. } => self.access(op, place, types::I32, Move::Load { signed: true }),
            Inst::Lbu { .. } => self.access(op, place, types::I8, Move::Load { signed: false }),
            Inst::Lhu { .. } => self.access(op, place, types::I16, Move::Load { signed: false }),
            Inst::Lwu { .. } => self.access(op, place, types::I32, Move::Load { signed: false }),
            Inst::Ld { .. } => self.access(op, place, types::I64, Move::Load { signed: false }),
            Inst::Flw { .. } => self.access(op, place, types::I32, Move::LoadFloat),
            Inst::Fld { .. } => self.access(op, place, types::I64, Move::LoadFloat),
            Inst::Sb { .. } => self.access(op, place, types::I8, Move::Store),
            Inst::Sh { .. } => self.access(op, place, types::I16, Move::Store),
            Inst::Sw { .. } => self.access(op, place, types::I32, Move::Store),
            Inst::Sd { .. } => self.access(op, place, types::I64, Move::Store),
            Inst::Fsw { .. } => self.access(op, place, types::I32, Move::StoreFloat),
            Inst::Fsd { .. } => self.access(op, place, types::I64, Move::StoreFloat),
            _ => self.call(inst, op, place),
        }
    }

    /// The result of an integer instruction that is host code.
    fn integer(&mut self, inst: Inst, op: &Op) -> Option<Value> {
        let (a, b) = (op.rs1, op.rs2);
        macro_rules! host {
            ($method:ident($($value:expr),*)) => {{
                let arguments = ($($value,)*);
                host!(@call $method arguments)
            }};
            (@call $method:ident $arguments:ident) => {{
                let (first, second) = $arguments;
                self.b.ins().$method(first, second)
            }};
        }
        let immediate = op.imm.cast_unsigned();
        Some(match inst {
            Inst::Lui { .. } | Inst::Auipc { .. } => self.constant(immediate),
            Inst::Jal { .. } => self.constant(op.next_pc()),
            Inst::Add { .. } => host!(iadd(self.x(a), self.x(b))),
            Inst::Addi { .. } => host!(iadd(self.x(a), self.constant(immediate))),
            Inst::Sub { .. } => host!(isub(self.x(a), self.x(b))),
            Inst::And { .. } => host!(band(self.x(a), self.x(b))),
            Inst::Andi { .. } => host!(band(self.x(a), self.constant(immediate))),
            Inst::Or { .. } => host!(bor(self.x(a), self.x(b))),
            Inst::Ori { .. } => host!(bor(self.x(a), self.constant(immediate))),
            Inst::Xor { .. } => host!(bxor(self.x(a), self.x(b))),
            Inst::Xori { .. } => host!(bxor(self.x(a), self.constant(immediate))),
            // Shifts of the host's code generator take the amount modulo the width too.
            Inst::Sll { .. } => host!(ishl(self.x(a), self.x(b))),
            Inst::Slli { .. } => host!(ishl(self.x(a), self.constant(immediate & 63))),
            Inst::Srl { .. } => host!(ushr(self.x(a), self.x(b))),
            Inst::Srli { .. } => host!(ushr(self.x(a), self.constant(immediate & 63))),
            Inst::Sra { .. } => host!(sshr(self.x(a), self.x(b))),
            Inst::Srai { .. } => host!(sshr(self.x(a), self.constant(immediate & 63))),
            Inst::Mul { .. } => host!(imul(self.x(a), self.x(b))),
            Inst::Mulh { .. } => host!(smulhi(self.x(a), self.x(b))),
            Inst::Mulhu { .. } => host!(umulhi(self.x(a), self.x(b))),
            Inst::Slt { .. } => {
                let (a, b) = (self.x(a), self.x(b));
                self.flag(IntCC::SignedLessThan, a, b)
            }
            Inst::Slti { .. } => {
                let (a, b) = (self.x(a), self.constant(immediate));
                self.flag(IntCC::SignedLessThan, a, b)
            }
            Inst::Sltu { .. } => {
                let (a, b) = (self.x(a), self.x(b));
                self.flag(IntCC::UnsignedLessThan, a, b)
            }
            Inst::Sltiu { .. } => {
                let (a, b) = (self.x(a), self.constant(immediate));
                self.flag(IntCC::UnsignedLessThan, a, b)
            }
            Inst::Addw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().iadd(a, b))
            }
            Inst::Addiw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().iadd(a, b))
            }
            Inst::Subw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().isub(a, b))
            }
            Inst::Mulw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().imul(a, b))
            }
            Inst::Sllw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().ishl(a, b))
            }
            Inst::Slliw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().ishl(a, b))
            }
            Inst::Srlw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().ushr(a, b))
            }
            Inst::Srliw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().ushr(a, b))
            }
            Inst::Sraw { .. } => {
                self.word(op, Word::Registers, |this, a, b| this.b.ins().sshr(a, b))
            }
            Inst::Sraiw { .. } => {
                self.word(op, Word::Immediate, |this, a, b| this.b.ins().sshr(a, b))
            }
            Inst::Sh1add { .. } => self.shifted_sum(op, 1, false),
            Inst::Sh2add { .. } => self.shifted_sum(op, 2, false),
            Inst::Sh3add { .. } => self.shifted_sum(op, 3, false),
            Inst::AddUw { .. } => self.shifted_sum(op, 0, true),
            Inst::Sh1addUw { .. } => self.shifted_sum(op, 1, true),
            Inst::Sh2addUw { .. } => self.shifted_sum(op, 2, true),
            Inst::Sh3addUw { .. } => self.shifted_sum(op, 3, true),
            Inst::Andn { .. } => host!(band_not(self.x(a), self.x(b))),
            Inst::Orn { .. } => host!(bor_not(self.x(a), self.x(b))),
            Inst::Min { .. } => host!(smin(self.x(a), self.x(b))),
            Inst::Max { .. } => host!(smax(self.x(a), self.x(b))),
            Inst::Minu { .. } => host!(umin(self.x(a), self.x(b))),
            Inst::Maxu { .. } => host!(umax(self.x(a), self.x(b))),
            _ => return None,
        })
    }

    fn flag(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let flag = self.b.ins().icmp(condition, a, b);
        self.b.ins().uextend(types::I64, flag)
    }

    /// An operation on the low words, sign-extended.
    fn word(
        &mut self,
        op: &Op,
        second: Word,
        operate: impl Fn(&mut Self, Value, Value) -> Value,
    ) -> Value {
        let a = self.x(op.rs1);
        let a = self.b.ins().ireduce(types::I32, a);
        let b = match second {
            Word::Registers => {
                let b = self.x(op.rs2);
                self.b.ins().ireduce(types::I32, b)
            }
            Word::Immediate => self.b.ins().iconst(types::I32, op.imm & 0xffff_ffff),
        };
        let result = operate(self, a, b);
        self.b.ins().sextend(types::I64, result)
    }

    fn shifted_sum(&mut self, op: &Op, shift: u64, of_word: bool) -> Value {
        let mut a = self.x(op.rs1);
        if of_word {
            let low = self.b.ins().ireduce(types::I32, a);
            a = self.b.ins().uextend(types::I64, low);
        }
        let shift = self.constant(shift);
        let a = self.b.ins().ishl(a, shift);
        let b = self.x(op.rs2);
        self.b.ins().iadd(a, b)
    }

    /// Whether the branch at the end of a block is taken.
    fn condition(&mut self, op: &Op) -> Value {
        let condition = match instruction(op) {
            Inst::Beq { .. } => IntCC::Equal,
            Inst::Bne { .. } => IntCC::NotEqual,
            Inst::Blt { .. } => IntCC::SignedLessThan,
            Inst::Bge { .. } => IntCC::SignedGreaterThanOrEqual,
            Inst::Bltu { .. } => IntCC::UnsignedLessThan,
            _ => IntCC::UnsignedGreaterThanOrEqual,
        };
        let (a, b) = (self.x(op.rs1), self.x(op.rs2));
        self.b.ins().icmp(condition, a, b)
    }

    /// Instructions that a function executes if `vl` and `vstart` are those of a warp.
    fn run(&mut self, ops: &[Op], place: Place, warp_code: &WarpCode<'_>, offset_of_run: usize) {
        for op in ops {
            instruction(op).for_each_register(|register, _| {
                if let Register::X(x) = register
                    && self.written & 1 << x.number() != 0
                {
                    self.store_register(usize::from(x.number()));
                }
            });
        }
        const {
            assert!(offset_of!(Hart, vstart) == offset_of!(Hart, vl) + 4);
            assert!(cfg!(target_endian = "little"));
        };
        let at = offset(offset_of!(Hart, vl));
        let found = self.b.ins().load(types::I64, TRUSTED, self.hart, at);
        let whole = self.constant(LANES as u64);
        let hit = self.b.ins().icmp(IntCC::Equal, found, whole);
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(hit, fast, &[], slow, &[]);

        self.b.switch_to_block(fast);
        let function = warp_code.functions.wrapping_add(offset_of_run);
        let function = self.constant(function.expose_provenance() as u64);
        self.b
            .ins()
            .call_indirect(warp_code.signature, function, &[self.hart]);
        self.b.ins().jump(done, &[]);

        self.b.switch_to_block(slow);
        for op in ops {
            self.call_body(op, place);
        }
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
    }

    /// Has the interpreter's body execute an instruction.
    fn call(&mut self, inst: Inst, op: &Op, place: Place) {
        inst.for_each_register(|register, access| {
            let Register::X(x) = register else { return };
            let number = usize::from(x.number());
            if access != Access::Write && self.written & 1 << number != 0 {
                self.store_register(number);
            }
        });
        self.call_body(op, place);
        inst.for_each_register(|register, access| {
            let Register::X(x) = register else { return };
            let number = x.number();
            if access != Access::Read && number != 0 {
                let value = self.load_register(usize::from(number));
                self.set_x(number, value);
            }
        });
    }

    fn call_body(&mut self, op: &Op, place: Place) {
        let function = self.constant(execute as *const () as u64);
        let pointer = self.constant(std::ptr::from_ref(op).expose_provenance() as u64);
        let arguments = [self.hart, self.env, pointer];
        let call = self
            .b
            .ins()
            .call_indirect(self.handler, function, &arguments);
        let flow = self.b.inst_results(call)[0];
        const { assert!(Flow::Next as u8 == 0 && Flow::Leave as u8 != 0) };
        let (out, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(out);
        self.b.ins().brif(flow, out, &[], on, &[]);
        self.b.switch_to_block(out);
        let end = self.constant(place.end);
        self.leave(place, end);
        self.b.switch_to_block(on);
    }

    /// A scalar load or store: host code if it hits the range that the instruction hit last when
    /// the region was compiled, otherwise the interpreter's body.
    fn access(&mut self, op: &Op, place: Place, ty: Type, movement: Move) {
        let bytes = ty.bytes();
        let write = matches!(movement, Move::Store | Move::StoreFloat);
        let range = Recent::range_offsets(op.cache.get(), write);
        let recent = offset_of!(Env, recent);
        let from_env = |this: &mut Self, at: usize| {
            let at = offset(recent + at);
            this.b.ins().load(types::I64, TRUSTED, this.env, at)
        };
        let base = self.x(op.rs1);
        let address = self.add(base, op.imm);
        let begin = from_env(self, range.begin);
        let distance = self.b.ins().isub(address, begin);
        let limit = from_env(self, range.limit);
        let mut hit = self.b.ins().icmp(IntCC::UnsignedLessThan, distance, limit);
        if bytes > 1 {
            let low = self.constant(u64::from(bytes - 1));
            let low = self.b.ins().band(address, low);
            let zero = self.constant(0);
            let aligned = self.b.ins().icmp(IntCC::Equal, low, zero);
            hit = self.b.ins().band(hit, aligned);
        }
        let [fast, slow, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(hit, fast, &[], slow, &[]);

        let result = matches!(movement, Move::Load { .. })
            .then(|| self.b.append_block_param(done, types::I64));
        self.b.switch_to_block(fast);
        let delta = from_env(self, range.delta);
        let at = self.b.ins().iadd(address, delta);
        let flags = MemFlagsData::new().with_notrap();
        let at_float = |register: u8| offset(offset_of!(Hart, f) + 8 * usize::from(register & 31));
        let mut arguments = Vec::new();
        match movement {
            Move::Load { signed } => {
                let value = self.b.ins().load(ty, flags, at, 0);
                let value = match (ty, signed) {
                    (types::I64, _) => value,
                    (_, true) => self.b.ins().sextend(types::I64, value),
                    (_, false) => self.b.ins().uextend(types::I64, value),
                };
                arguments.push(ir::BlockArg::Value(value));
            }
            Move::LoadFloat => {
                let mut value = self.b.ins().load(ty, flags, at, 0);
                if ty == types::I32 {
                    value = self.b.ins().uextend(types::I64, value);
                    let boxing = self.constant(!0 << 32);
                    value = self.b.ins().bor(value, boxing);
                }
                self.b
                    .ins()
                    .store(TRUSTED, value, self.hart, at_float(op.rd));
            }
            Move::Store => {
                let mut value = self.x(op.rs2);
                if ty != types::I64 {
                    value = self.b.ins().ireduce(ty, value);
                }
                self.b.ins().store(flags, value, at, 0);
            }
            Move::StoreFloat => {
                let value = self.b.ins().load(ty, TRUSTED, self.hart, at_float(op.rs2));
                self.b.ins().store(flags, value, at, 0);
            }
        }
        let counter = offset(range.space.counter_offset(write));
        let count = self.b.ins().load(types::I64, TRUSTED, self.env, counter);
        let count = self.add(count, i64::from(bytes));
        self.b.ins().store(TRUSTED, count, self.env, counter);
        self.b.ins().jump(done, &arguments);

        self.b.switch_to_block(slow);
        for register in [op.rs1, op.rs2] {
            let used = register == op.rs1 || movement == Move::Store;
            if used && self.written & 1 << register != 0 {
                self.store_register(usize::from(register));
            }
        }
        self.call_body(op, place);
        let mut arguments = Vec::new();
        if result.is_some() {
            let value = self.load_register(usize::from(op.rd));
            arguments.push(ir::BlockArg::Value(value));
        }
        self.b.ins().jump(done, &arguments);

        self.b.switch_to_block(done);
        if let Some(result) = result {
            self.set_x(op.rd, result);
        }
    }
}

/// Where the second operand of an instruction on words is.
#[derive(Clone, Copy)]
enum Word {
    Registers,
    Immediate,
}

/// What a scalar access does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    Load { signed: bool },
    LoadFloat,
    Store,
    StoreFloat,
}

fn offset(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("structures are small")
}
