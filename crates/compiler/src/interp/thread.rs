//! One thread: its call stack, and what each instruction does to it and to memory.

use super::eval::{evaluate, mask};
use super::memory::{self, DeviceMemory};
use super::{Cta, Fault, float};
use crate::ir::{
    AtomicOp, BarrierKind, Block, Edge, FloatBinaryOp, FloatType, FunctionId, Inst, Op, Rounding,
    Space, Special, Terminator, Unit, Value, Width,
};
use weft_isa::abi::{
    CODE_WINDOW, FUNCTION_ENTRY_BYTES, FaultCode, LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW,
    SHARED_WINDOW, SHARED_WINDOW_BYTES, STACK_WINDOW, grid_workspace_offset,
};

/// The address of the workspace of a grid that has none.
static NOT_COOPERATIVE: [u8; 8] = [0; 8];

/// Generic address at which the interpreter puts the kernel parameter block.
const PARAM_BASE: u64 = 1 << 48;
/// The most local memory a thread may use: what CUDA allows.
const LOCAL_BYTES_MAX: u64 = 512 << 10;

/// Threads of a warp.
const WARP_THREADS: u32 = 32;
const _: () = assert!(WARP_THREADS as usize == LANES);

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It can execute its next instruction.
    Running,
    /// Its next instruction is a warp instruction.
    AtWarp,
    /// Its next instruction is a CTA barrier that it waits at.
    AtBarrier(BarrierAt),
    /// It has ended.
    Exited,
}

/// A barrier that a thread waits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BarrierAt {
    /// Number.
    pub(super) id: usize,
    /// Participating threads; `None` for the whole CTA.
    pub(super) threads: Option<u32>,
    /// Predicate of a counting barrier.
    pub(super) pred: bool,
}

/// An activation of a function.
#[derive(Debug)]
struct Frame {
    function: FunctionId,
    block: Block,
    /// Index of the next instruction in the block.
    next: usize,
    values: Vec<u64>,
    /// Local-space offset of the frame.
    base: u64,
}

/// A thread.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) state: State,
    /// Linear index in the CTA.
    index: u32,
    frames: Vec<Frame>,
    local: Vec<u8>,
    steps: u64,
}

impl Thread {
    pub(super) fn new(unit: &Unit, index: u32) -> Self {
        let mut this = Self {
            state: State::Running,
            index,
            frames: Vec::new(),
            local: Vec::new(),
            steps: 0,
        };
        this.enter(unit, FunctionId(0), 0);
        this
    }

    fn enter(&mut self, unit: &Unit, function: FunctionId, base: u64) {
        let values = unit.functions[function.index()].value_types.len();
        self.frames.push(Frame {
            function,
            block: Block(0),
            next: 0,
            values: vec![0; values],
            base,
        });
    }

    fn frame(&self) -> &Frame {
        self.frames
            .last()
            .expect("a thread that has not exited has a frame")
    }

    fn frame_mut(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("a thread that has not exited has a frame")
    }

    /// Lane in its warp.
    pub(super) const fn lane(&self) -> u32 {
        self.index % WARP_THREADS
    }

    /// Function and PTX line of the next instruction.
    pub(super) fn place(&self, unit: &Unit) -> (String, u32) {
        let Some(frame) = self.frames.last() else {
            return (String::new(), 0);
        };
        let function = &unit.functions[frame.function.index()];
        let insts = &function.block(frame.block).insts;
        let inst = insts.get(frame.next).or(insts.last());
        let line = inst.map_or(0, |&inst| function.inst(inst).location.ptx_line);
        (function.name.clone(), line)
    }

    /// The next instruction, with what identifies it among the threads of a warp: threads
    /// exchange values only when they are at the same one.
    pub(super) fn next_inst(&self) -> (FunctionId, Block, usize) {
        let frame = self.frame();
        (frame.function, frame.block, frame.next)
    }

    /// What the next instruction is.
    pub(super) fn next_op<'u>(&self, unit: &'u Unit) -> &'u Op {
        let frame = self.frame();
        let function = &unit.functions[frame.function.index()];
        &function
            .inst(function.block(frame.block).insts[frame.next])
            .op
    }

    /// Bits of a value of the current function.
    pub(super) fn get(&self, value: Value) -> u64 {
        self.frame().values[value.index()]
    }

    /// Completes the next instruction with its results.
    pub(super) fn complete(&mut self, unit: &Unit, results: &[u64]) {
        let frame = self.frame_mut();
        let function = &unit.functions[frame.function.index()];
        let inst = function.inst(function.block(frame.block).insts[frame.next]);
        for (value, &bits) in inst.results.iter().zip(results) {
            frame.values[value.index()] = bits;
        }
        frame.next += 1;
        self.state = State::Running;
    }

    /// The barrier it waits at.
    pub(super) const fn barrier(&self) -> Option<BarrierAt> {
        match self.state {
            State::AtBarrier(at) => Some(at),
            State::Running | State::AtWarp | State::Exited => None,
        }
    }

    /// Goes on after a barrier.
    pub(super) fn pass_barrier(&mut self, unit: &Unit, count: u64) {
        self.complete(unit, &[count]);
    }

    fn follow(&mut self, unit: &Unit, edge: &Edge) {
        let frame = self.frame_mut();
        let params = &unit.functions[frame.function.index()]
            .block(edge.block)
            .params;
        let args: Vec<u64> = edge
            .args
            .iter()
            .map(|arg| frame.values[arg.index()])
            .collect();
        for (param, bits) in params.iter().zip(args) {
            frame.values[param.index()] = bits;
        }
        frame.block = edge.block;
        frame.next = 0;
    }
}

/// An address in the space it belongs to.
enum Place {
    Device(u64),
    Shared(u64),
    Local(u64),
    Param(u64),
}

impl Cta<'_> {
    /// Executes the next instruction of a running thread, or finds that it waits.
    pub(super) fn step(&mut self, index: usize, device: &mut DeviceMemory) -> Result<(), Fault> {
        let unit = self.unit;
        self.threads[index].steps += 1;
        let frame = self.threads[index].frame();
        let function = &unit.functions[frame.function.index()];
        let block = function.block(frame.block);
        match block.insts.get(frame.next) {
            None => self.leave_block(index, &block.terminator),
            Some(&inst) => {
                let data = function.inst(inst);
                let thread = &self.threads[index];
                if let Some(results) = evaluate(
                    &data.op,
                    |value| function.ty(value),
                    |value| thread.get(value),
                ) {
                    self.threads[index].complete(unit, &results);
                    return Ok(());
                }
                self.execute(index, inst, device)
            }
        }
    }

    fn leave_block(&mut self, index: usize, terminator: &Terminator) -> Result<(), Fault> {
        let unit = self.unit;
        let thread = &mut self.threads[index];
        match terminator {
            Terminator::Jump(edge) => thread.follow(unit, edge),
            Terminator::Branch {
                condition,
                then,
                otherwise,
            } => {
                let taken = if thread.get(*condition) != 0 {
                    then
                } else {
                    otherwise
                };
                thread.follow(unit, taken);
            }
            Terminator::Switch { index, targets } => {
                let target = usize::try_from(thread.get(*index)).ok();
                match target.and_then(|target| targets.get(target)) {
                    Some(edge) => thread.follow(unit, edge),
                    None => return Err(Fault::Code(FaultCode::BadTarget)),
                }
            }
            Terminator::Return => {
                thread.frames.pop();
                if thread.frames.is_empty() {
                    thread.state = State::Exited;
                }
            }
            Terminator::Exit => thread.state = State::Exited,
            Terminator::Fault(code) => return Err(Fault::Code(*code)),
        }
        Ok(())
    }

    /// Executes an instruction that is not a function of its operands alone.
    fn execute(
        &mut self,
        index: usize,
        inst: Inst,
        device: &mut DeviceMemory,
    ) -> Result<(), Fault> {
        let unit = self.unit;
        let frame = self.threads[index].frame();
        let (base, function) = (frame.base, frame.function);
        let frame_bytes = u64::from(unit.functions[function.index()].local_bytes);
        let get = |value: Value| self.threads[index].get(value);
        let result = match unit.functions[function.index()].inst(inst).op {
            Op::Approx(op, a) => float::approximate(op, get(a)),
            Op::ReadSpecial(special) => self.special(index, special),
            Op::Affine { base, stride, wrap } => {
                let lane = u64::from(self.threads[index].lane());
                let amount = match wrap {
                    Some(wrap) if lane >= get(wrap.from) => wrap.amount,
                    _ => 0,
                };
                let steps = lane.wrapping_mul(stride.cast_unsigned());
                let sum = get(base)
                    .wrapping_add(steps)
                    .wrapping_add(amount.cast_unsigned());
                mask(unit.functions[function.index()].ty(base).bits(), sum)
            }
            Op::SymbolAddress(symbol) => self.launch.symbols[symbol.index()],
            Op::FunctionAddress(function) => {
                let mut table = unit.addressable.iter();
                let entry = table.position(|&entry| entry == Some(function));
                CODE_WINDOW + entry.unwrap_or(usize::MAX) as u64 * FUNCTION_ENTRY_BYTES
            }
            Op::FrameAddress(offset) => base + u64::from(offset),
            Op::OutgoingAddress(offset) => base + frame_bytes + u64::from(offset),
            Op::ToGeneric(space, value) => self.to_generic(index, space, get(value)),
            Op::FromGeneric(space, value) => {
                get(value).wrapping_sub(self.to_generic(index, space, 0))
            }
            Op::IsSpace(space, value) => u64::from(self.is_space(space, get(value))),
            Op::Load {
                space,
                width,
                signed,
                ty,
                address,
                offset,
                ..
            } => {
                let place = self.place(index, space, get(address), offset, width)?;
                let bits = memory::load(self.bytes(index, device, place, width)?);
                let wide = super::eval::extend(bits, width.bytes() * 8, signed);
                mask(ty.bits(), wide)
            }
            Op::Store {
                space,
                width,
                address,
                offset,
                value,
                ..
            } => {
                let value = get(value);
                let place = self.place(index, space, get(address), offset, width)?;
                memory::store(self.bytes(index, device, place, width)?, value);
                0
            }
            Op::Atomic {
                op,
                space,
                width,
                address,
                offset,
                operand,
                compare,
            } => {
                let (operand, compare) = (get(operand), compare.map(get));
                let place = self.place(index, space, get(address), offset, width)?;
                let bytes = self.bytes(index, device, place, width)?;
                let old = memory::load(bytes);
                memory::store(bytes, atomic(op, width, old, operand, compare));
                old
            }
            // All accesses happen in order here.
            Op::Fence => 0,
            Op::Shuffle { .. }
            | Op::Vote(..)
            | Op::Match { .. }
            | Op::Reduce(..)
            | Op::ActiveMask
            | Op::WarpBarrier(_)
            | Op::FullWarp
            | Op::MultiplyMatrices(..) => {
                self.threads[index].state = State::AtWarp;
                return Ok(());
            }
            Op::Barrier {
                kind,
                id,
                threads,
                pred,
            } => {
                let id = usize::try_from(get(id)).unwrap_or(usize::MAX);
                let at = BarrierAt {
                    id,
                    threads: threads.map(|threads| u32::try_from(get(threads)).unwrap_or(u32::MAX)),
                    pred: pred.is_some_and(|pred| get(pred) != 0),
                };
                if id >= self.arrived.len() {
                    return Err(Fault::Code(FaultCode::BadTarget));
                }
                if kind == BarrierKind::Arrive {
                    self.arrived[id] += 1;
                    0
                } else {
                    self.threads[index].state = State::AtBarrier(at);
                    return Ok(());
                }
            }
            Op::Call(callee) => return self.call(index, callee, base + frame_bytes),
            Op::CallIndirect(address) => {
                let distance = get(address).wrapping_sub(CODE_WINDOW);
                let entry = usize::try_from(distance / FUNCTION_ENTRY_BYTES).ok();
                let callee = entry
                    .filter(|_| distance.is_multiple_of(FUNCTION_ENTRY_BYTES))
                    .and_then(|entry| *unit.addressable.get(entry)?);
                let Some(callee) = callee else {
                    return Err(Fault::Code(FaultCode::BadTarget));
                };
                return self.call(index, callee, base + frame_bytes);
            }
            Op::CallEnvironment(service) => return Err(Fault::Environment(service)),
            ref op => unreachable!("{op:?} is evaluated"),
        };
        self.threads[index].complete(unit, &[result]);
        Ok(())
    }

    fn call(&mut self, index: usize, callee: FunctionId, base: u64) -> Result<(), Fault> {
        let end = base + u64::from(self.unit.functions[callee.index()].local_bytes);
        if end > LOCAL_BYTES_MAX || self.threads[index].frames.len() > 4096 {
            return Err(Fault::OutOfBounds {
                address: LOCAL_WINDOW + base,
                bytes: 16,
            });
        }
        self.threads[index].frame_mut().next += 1;
        self.threads[index].enter(self.unit, callee, base);
        Ok(())
    }

    fn special(&self, index: usize, special: Special) -> u64 {
        let [width, height, _] = self.launch.block;
        let thread = &self.threads[index];
        let linear = thread.index;
        let axis =
            |of: [u32; 3], axis: u8| u64::from(of.get(usize::from(axis)).copied().unwrap_or(0));
        let lane_bit = 1_u32 << thread.lane();
        let shared_total = self.unit.shared_dynamic_offset + self.launch.shared_dynamic_bytes;
        match special {
            Special::ThreadId(a) | Special::FirstThreadId(a) => {
                let lane = match special {
                    Special::FirstThreadId(_) => thread.lane(),
                    _ => 0,
                };
                let linear = linear - lane;
                let rows = linear / width;
                axis([linear % width, rows % height, rows / height], a)
            }
            Special::CtaSize(a) => axis(self.launch.block, a),
            Special::CtaId(a) => axis(self.index, a),
            Special::GridSize(a) => axis(self.launch.grid, a),
            Special::Lane => thread.lane().into(),
            Special::Warp => (linear as usize / LANES) as u64,
            Special::WarpsPerCta => self.threads.len().div_ceil(LANES) as u64,
            Special::LaneMaskEqual => lane_bit.into(),
            Special::LaneMaskLess => (lane_bit - 1).into(),
            Special::LaneMaskLessEqual => (lane_bit | (lane_bit - 1)).into(),
            Special::LaneMaskGreater => (!(lane_bit | (lane_bit - 1))).into(),
            Special::LaneMaskGreaterEqual => (!(lane_bit - 1)).into(),
            Special::Core => 0,
            Special::Cores | Special::Grid => 1,
            Special::SharedDynamicBytes => self.launch.shared_dynamic_bytes.into(),
            Special::SharedTotalBytes => shared_total.into(),
            Special::Clock => mask(32, thread.steps),
            Special::Clock64 | Special::GlobalTimer => thread.steps,
        }
    }

    fn to_generic(&self, index: usize, space: Space, offset: u64) -> u64 {
        let lane = u64::from(self.threads[index].lane());
        let window = match space {
            Space::Generic | Space::Global | Space::Const => 0,
            Space::Shared => SHARED_WINDOW,
            Space::Local => LOCAL_WINDOW + lane * LOCAL_LANE_STRIDE,
            Space::Param => PARAM_BASE,
        };
        window.wrapping_add(offset)
    }

    fn is_space(&self, space: Space, address: u64) -> bool {
        let in_param =
            (PARAM_BASE..PARAM_BASE + u64::from(self.unit.param_bytes)).contains(&address);
        match space {
            Space::Generic => true,
            // Constants are in global memory.
            Space::Global | Space::Const => address < SHARED_WINDOW && !in_param,
            Space::Shared => {
                (SHARED_WINDOW..SHARED_WINDOW + SHARED_WINDOW_BYTES).contains(&address)
            }
            Space::Local => (LOCAL_WINDOW..STACK_WINDOW).contains(&address),
            Space::Param => in_param,
        }
    }

    /// Where an access goes, with its alignment checked.
    fn place(
        &self,
        index: usize,
        space: Space,
        address: u64,
        offset: i32,
        width: Width,
    ) -> Result<Place, Fault> {
        let at = address.wrapping_add_signed(offset.into());
        let bytes = width.bytes();
        let generic = self.to_generic(index, space, at);
        if !at.is_multiple_of(bytes.into()) {
            return Err(Fault::Misaligned {
                address: generic,
                bytes,
            });
        }
        Ok(match space {
            Space::Shared => Place::Shared(at % SHARED_WINDOW_BYTES),
            Space::Local => Place::Local(at),
            Space::Param => Place::Param(at),
            Space::Generic | Space::Global | Space::Const => {
                let own = self.to_generic(index, Space::Local, 0);
                if (SHARED_WINDOW..SHARED_WINDOW + SHARED_WINDOW_BYTES).contains(&at) {
                    Place::Shared(at - SHARED_WINDOW)
                } else if (own..own + LOCAL_LANE_STRIDE).contains(&at) {
                    Place::Local(at - own)
                } else if self.is_space(Space::Param, at) {
                    Place::Param(at - PARAM_BASE)
                } else {
                    Place::Device(at)
                }
            }
        })
    }

    /// The bytes of an access.
    fn bytes<'b>(
        &'b mut self,
        index: usize,
        device: &'b mut DeviceMemory,
        place: Place,
        width: Width,
    ) -> Result<&'b mut [u8], Fault> {
        let bytes = width.bytes();
        let lane = u64::from(self.threads[index].lane());
        match place {
            Place::Device(address) => device.slice(address, bytes),
            Place::Shared(offset) => {
                let address = SHARED_WINDOW.wrapping_add(offset);
                let window = memory::window(&mut self.shared, offset, bytes);
                window.ok_or(Fault::OutOfBounds { address, bytes })
            }
            Place::Local(offset) => {
                let address = (LOCAL_WINDOW + lane * LOCAL_LANE_STRIDE).wrapping_add(offset);
                let local = &mut self.threads[index].local;
                let end = offset.saturating_add(bytes.into());
                if end <= LOCAL_BYTES_MAX && local.len() as u64 <= end {
                    local.resize(usize::try_from(end).unwrap_or(0), 0);
                }
                memory::window(local, offset, bytes).ok_or(Fault::OutOfBounds { address, bytes })
            }
            // Parameters are constants: a store lands in a copy that nobody sees.
            Place::Param(offset) => {
                let params = self.launch.params;
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(bytes as usize);
                // Behind the parameters: this launch is not cooperative.
                let behind = grid_workspace_offset(self.unit.param_bytes) as usize;
                let found = if start >= behind && end <= behind + 8 {
                    NOT_COOPERATIVE.get(..end - start)
                } else {
                    params.get(start..end)
                };
                let address = PARAM_BASE.wrapping_add(offset);
                let found = found.ok_or(Fault::OutOfBounds { address, bytes })?;
                self.param_copy[..found.len()].copy_from_slice(found);
                Ok(&mut self.param_copy[..found.len()])
            }
        }
    }
}

/// New content of memory after an atomic operation.
fn atomic(op: AtomicOp, width: Width, old: u64, operand: u64, compare: Option<u64>) -> u64 {
    let bits = width.bytes() * 8;
    let signed = |value| super::eval::extend(value, bits, true).cast_signed();
    match op {
        AtomicOp::Exchange => operand,
        AtomicOp::Add => mask(bits, old.wrapping_add(operand)),
        AtomicOp::And => old & operand,
        AtomicOp::Or => old | operand,
        AtomicOp::Xor => old ^ operand,
        AtomicOp::MinSigned => {
            if signed(old) <= signed(operand) {
                old
            } else {
                operand
            }
        }
        AtomicOp::MaxSigned => {
            if signed(old) >= signed(operand) {
                old
            } else {
                operand
            }
        }
        AtomicOp::MinUnsigned => old.min(operand),
        AtomicOp::MaxUnsigned => old.max(operand),
        AtomicOp::Increment => {
            if old >= operand {
                0
            } else {
                old + 1
            }
        }
        AtomicOp::Decrement => {
            if old == 0 || old > operand {
                operand
            } else {
                old - 1
            }
        }
        AtomicOp::CompareExchange => {
            if Some(old) == compare {
                operand
            } else {
                old
            }
        }
        AtomicOp::FloatAdd => {
            let ty = match width {
                Width::W8 | Width::W16 => FloatType::F16,
                Width::W32 => FloatType::F32,
                Width::W64 => FloatType::F64,
            };
            float::binary(FloatBinaryOp::Add, ty, Rounding::Nearest, old, operand)
        }
        AtomicOp::FloatAddBf16 => {
            let ty = FloatType::Bf16;
            float::binary(FloatBinaryOp::Add, ty, Rounding::Nearest, old, operand)
        }
        AtomicOp::FloatAddPair(ty) => {
            let sum = |shift: u32| {
                let (a, b) = (mask(16, old >> shift), mask(16, operand >> shift));
                float::binary(FloatBinaryOp::Add, ty, Rounding::Nearest, a, b) << shift
            };
            sum(0) | sum(16)
        }
    }
}
