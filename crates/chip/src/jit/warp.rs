//! Host code of integer vector instructions on the elements of a warp: 32 words, unmasked.
//!
//! A run of such instructions becomes one function in AVX-512, whose vectors are halves of
//! registers. No instruction crosses lanes, so the function does the first half of all of them and
//! then the second. In between, vector registers are in host registers: each is read from the
//! register file once and written to it once. The region that calls it has looked whether `vl` and
//! `vstart` are those of a warp. Encodings: Intel SDM volume 2, 2.7 (EVEX).

use std::mem::offset_of;

use weft_isa::abi::VLEN_BYTES;
use weft_isa::{Access, Inst, Lmul, Register, Sew, VType};

use super::{Exit, Source, instruction};
use crate::exec::Op;
use crate::hart::{Hart, VECTORS};

/// Bytes of a host vector.
const HALF_BYTES: usize = VLEN_BYTES / 2;

/// Vector registers that are in host registers at once.
const RESIDENT_MAX: usize = 30;
/// Host registers for operands that are not vector registers. Those from here on are also the ones
/// after whose use `vzeroupper` is not needed.
const TEMPORARY: [u8; 2] = [16, 17];

/// Functions for the instructions of a block.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// For instructions that follow one another.
    pub(super) straight: Vec<Run>,
    /// Of a block that goes back to itself and has nothing but such instructions and integer
    /// instructions: all of the former, as often as the function is told. Where it begins.
    pub(super) repeated: Option<usize>,
}

/// Instructions of a block that follow one another and have host code of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Index of the first in the block, and of the one after the last.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Where the function begins in the code of all runs.
    pub(super) offset: usize,
}

impl Runs {
    /// Those of a block; their functions are added to `code`. None on hosts without AVX-512.
    pub(super) fn of(block: &Source<'_>, code: &mut Vec<u8>) -> Self {
        if !is_available() {
            return Self::default();
        }
        let mut straight = Vec::new();
        let mut vtype = block.begin_vtype;
        let mut begin = 0;
        let mut open: Vec<Lanes> = Vec::new();
        let mut close = |begin, open: &mut Vec<Lanes>| {
            if !open.is_empty() {
                straight.push(Run {
                    begin,
                    end: begin + open.len(),
                    offset: code.len(),
                });
                Function::new(open).straight(code);
                open.clear();
            }
        };
        for (index, op) in block.ops.iter().enumerate() {
            if let Some(lanes) = is_of_warp(vtype).then(|| Lanes::of(op)).flatten() {
                open.push(lanes);
                if registers(&open).count() > RESIDENT_MAX {
                    open.pop();
                    close(begin, &mut open);
                    open.push(lanes);
                }
                if open.len() == 1 {
                    begin = index;
                }
                continue;
            }
            close(begin, &mut open);
            if let Inst::Vsetvli { .. } | Inst::Vsetivli { .. } = instruction(op) {
                vtype = VType::decode(op.imm.cast_unsigned());
            }
        }
        close(begin, &mut open);
        let repeated = repeated(block).map(|all| {
            let offset = code.len();
            Function::new(&all).repeated(code);
            offset
        });
        Self { straight, repeated }
    }
}

/// The vector instructions of a block for which a function that repeats them can stand.
fn repeated(block: &Source<'_>) -> Option<Vec<Lanes>> {
    let (last, ops) = block.ops.split_last()?;
    let first = block.ops.first()?;
    let again = block.exit() == Exit::Branch(first.pc) && block.vtype == block.begin_vtype;
    if !again || !is_of_warp(block.vtype) || Lanes::of(last).is_some() {
        return None;
    }
    let mut all = Vec::new();
    let mut written = 0u32;
    for op in ops {
        if is_scalar(op) {
            instruction(op).for_each_register(|register, access| {
                if let (Register::X(x), true) = (register, access != Access::Read) {
                    written |= 1 << x.number();
                }
            });
        } else {
            all.push(Lanes::of(op)?);
        }
    }
    // The vector part sees integer registers as they are after the last round.
    let changes = |operand| matches!(operand, Operand::X(x) if written & 1 << (x & 31) != 0);
    let constant = all
        .iter()
        .all(|lanes| !changes(lanes.first) && !changes(lanes.second));
    let fits = registers(&all).count() <= RESIDENT_MAX;
    (!all.is_empty() && constant && fits).then_some(all)
}

/// Whether an instruction works on integer registers only, without memory, jumps or faults.
pub(super) fn is_scalar(op: &Op) -> bool {
    matches!(op.word & 0x7f, 0x13 | 0x1b | 0x33 | 0x3b | 0x37 | 0x17)
}

/// The vector registers of instructions, in order of their numbers.
fn registers(all: &[Lanes]) -> impl Iterator<Item = u8> {
    let mut used = 0u32;
    for lanes in all {
        used |= 1 << (lanes.to & 31);
        for operand in [lanes.first, lanes.second] {
            if let Operand::V(register) = operand {
                used |= 1 << (register & 31);
            }
        }
    }
    (0..32).filter(move |register| used & 1 << register != 0)
}

/// Whether this host executes AVX-512, and functions are called as the code expects.
fn is_available() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        is_x86_feature_detected!("avx512f")
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    false
}

fn is_of_warp(vtype: VType) -> bool {
    !vtype.vill && !vtype.altfmt && vtype.sew == Sew::E32 && vtype.lmul == Lmul::M1
}

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
enum Operand {
    /// A vector register.
    V(u8),
    /// The low word of an integer register, for every lane.
    X(u8),
    /// A constant for every lane.
    Constant(i32),
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// The second operand.
    Move,
    /// An instruction of two operands: opcode map and opcode.
    Binary(Map, u8),
    /// A shift of the first operand by a constant: the digit in place of a register.
    Shift(u8),
}

/// An instruction that can be host code.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    to: u8,
    first: Operand,
    second: Operand,
    operation: Operation,
}

impl Lanes {
    fn of(op: &Op) -> Option<Self> {
        use Operand::{Constant, V, X};
        use Operation::{Binary, Move, Shift};
        let (vector, scalar) = (V(op.rs1), X(op.rs1));
        let constant = Constant(i32::try_from(op.imm).unwrap_or_default());
        let add = Binary(Map::M0f, 0xfe);
        let sub = Binary(Map::M0f, 0xfa);
        let and = Binary(Map::M0f, 0xdb);
        let or = Binary(Map::M0f, 0xeb);
        let xor = Binary(Map::M0f, 0xef);
        let min_signed = Binary(Map::M0f38, 0x39);
        let min_unsigned = Binary(Map::M0f38, 0x3b);
        let max_signed = Binary(Map::M0f38, 0x3d);
        let max_unsigned = Binary(Map::M0f38, 0x3f);
        let product = Binary(Map::M0f38, 0x40);
        let (operation, second, vm) = match instruction(op) {
            Inst::VmvVV { .. } => (Move, vector, true),
            Inst::VmvVX { .. } => (Move, scalar, true),
            Inst::VmvVI { .. } => (Move, constant, true),
            Inst::VaddVv { vm, .. } => (add, vector, vm),
            Inst::VaddVx { vm, .. } => (add, scalar, vm),
            Inst::VaddVi { vm, .. } => (add, constant, vm),
            Inst::VsubVv { vm, .. } => (sub, vector, vm),
            Inst::VsubVx { vm, .. } | Inst::VrsubVx { vm, .. } => (sub, scalar, vm),
            Inst::VrsubVi { vm, .. } => (sub, constant, vm),
            Inst::VandVv { vm, .. } => (and, vector, vm),
            Inst::VandVx { vm, .. } => (and, scalar, vm),
            Inst::VandVi { vm, .. } => (and, constant, vm),
            Inst::VorVv { vm, .. } => (or, vector, vm),
            Inst::VorVx { vm, .. } => (or, scalar, vm),
            Inst::VorVi { vm, .. } => (or, constant, vm),
            Inst::VxorVv { vm, .. } => (xor, vector, vm),
            Inst::VxorVx { vm, .. } => (xor, scalar, vm),
            Inst::VxorVi { vm, .. } => (xor, constant, vm),
            Inst::VminVv { vm, .. } => (min_signed, vector, vm),
            Inst::VminVx { vm, .. } => (min_signed, scalar, vm),
            Inst::VminuVv { vm, .. } => (min_unsigned, vector, vm),
            Inst::VminuVx { vm, .. } => (min_unsigned, scalar, vm),
            Inst::VmaxVv { vm, .. } => (max_signed, vector, vm),
            Inst::VmaxVx { vm, .. } => (max_signed, scalar, vm),
            Inst::VmaxuVv { vm, .. } => (max_unsigned, vector, vm),
            Inst::VmaxuVx { vm, .. } => (max_unsigned, scalar, vm),
            Inst::VmulVv { vm, .. } => (product, vector, vm),
            Inst::VmulVx { vm, .. } => (product, scalar, vm),
            Inst::VsllVi { vm, .. } => (Shift(6), constant, vm),
            Inst::VsrlVi { vm, .. } => (Shift(2), constant, vm),
            Inst::VsraVi { vm, .. } => (Shift(4), constant, vm),
            _ => return None,
        };
        let reversed = matches!(instruction(op), Inst::VrsubVx { .. } | Inst::VrsubVi { .. });
        let (first, second) = if reversed {
            (second, V(op.rs2))
        } else {
            (V(op.rs2), second)
        };
        vm.then_some(Self {
            to: op.rd,
            first,
            second,
            operation,
        })
    }
}

/// A function for instructions.
struct Function<'a> {
    all: &'a [Lanes],
    /// The host register of each vector register that they use.
    residents: [Option<u8>; 32],
}

impl<'a> Function<'a> {
    fn new(all: &'a [Lanes]) -> Self {
        let mut residents = [None; 32];
        let host = (18..32).chain(0..16);
        for (register, host) in registers(all).zip(host) {
            residents[usize::from(register)] = Some(host);
        }
        Self { all, residents }
    }

    /// The instructions once.
    fn straight(&self, code: &mut Vec<u8>) {
        for half in [0, HALF_BYTES] {
            let mut known = 0u32;
            for lanes in self.all {
                for operand in [lanes.first, lanes.second] {
                    if let Operand::V(register) = operand
                        && known & 1 << register == 0
                    {
                        self.load(code, register, half);
                        known |= 1 << register;
                    }
                }
                self.instruction(code, lanes);
                known |= 1 << lanes.to;
            }
            self.store(code, half);
        }
        self.end(code);
    }

    /// The instructions as often as `rsi` says, at least once.
    fn repeated(&self, code: &mut Vec<u8>) {
        for half in [0, HALF_BYTES] {
            for register in registers(self.all) {
                self.load(code, register, half);
            }
            // mov rcx, rsi
            code.extend([0x48, 0x89, 0xf1]);
            let begin = code.len();
            for lanes in self.all {
                self.instruction(code, lanes);
            }
            // dec rcx; jnz begin
            code.extend([0x48, 0xff, 0xc9, 0x0f, 0x85]);
            let distance = begin.wrapping_sub(code.len() + 4);
            code.extend(
                i32::try_from(distance.cast_signed())
                    .expect("a short loop")
                    .to_le_bytes(),
            );
            self.store(code, half);
        }
        self.end(code);
    }

    fn resident(&self, register: u8) -> u8 {
        self.residents[usize::from(register & 31)].expect("every register that is used has one")
    }

    fn load(&self, code: &mut Vec<u8>, register: u8, half: usize) {
        let from = Memory::half(register, half);
        let to = Reg::Z(self.resident(register));
        evex(code, Map::M0f, Prefix::Pf3, 0x6f, to, None, from.into());
    }

    /// Stores what the instructions have written.
    fn store(&self, code: &mut Vec<u8>, half: usize) {
        let mut written = 0u32;
        for lanes in self.all {
            written |= 1 << (lanes.to & 31);
        }
        for register in (0..32).filter(|register| written & 1 << register != 0) {
            let to = Memory::half(register, half);
            let from = Reg::Z(self.resident(register));
            evex(code, Map::M0f, Prefix::Pf3, 0x7f, from, None, to.into());
        }
    }

    fn end(&self, code: &mut Vec<u8>) {
        if self.residents.iter().flatten().any(|&host| host < 16) {
            // vzeroupper
            code.extend([0xc5, 0xf8, 0x77]);
        }
        code.push(RETURN);
    }

    fn instruction(&self, code: &mut Vec<u8>, lanes: &Lanes) {
        let to = Reg::Z(self.resident(lanes.to));
        let first = match lanes.operation {
            Operation::Move => None,
            Operation::Binary(..) | Operation::Shift(_) => {
                Some(self.in_register(code, lanes.first, TEMPORARY[0]))
            }
        };
        match lanes.operation {
            Operation::Move => match lanes.second {
                Operand::V(register) => {
                    let from = Rm::Z(self.resident(register));
                    evex(code, Map::M0f, Prefix::Pf3, 0x6f, to, None, from);
                }
                operand @ (Operand::X(_) | Operand::Constant(_)) => {
                    broadcast(code, self.resident(lanes.to), operand);
                }
            },
            Operation::Binary(map, opcode) => {
                let second = match lanes.second {
                    Operand::X(register) => Rm::Memory(Memory::word(register)),
                    operand @ (Operand::V(_) | Operand::Constant(_)) => {
                        Rm::Z(self.in_register(code, operand, TEMPORARY[1]))
                    }
                };
                evex(code, map, Prefix::P66, opcode, to, first, second);
            }
            Operation::Shift(digit) => {
                let from = Rm::Z(first.unwrap_or_default());
                let amount = match lanes.second {
                    Operand::Constant(amount) => amount.to_le_bytes()[0] & 31,
                    Operand::V(_) | Operand::X(_) => 0,
                };
                let to = Some(self.resident(lanes.to));
                evex(
                    code,
                    Map::M0f,
                    Prefix::P66,
                    0x72,
                    Reg::Digit(digit),
                    to,
                    from,
                );
                code.push(amount);
            }
        }
    }

    /// The host register that holds an operand; `spare` if it is not a vector register.
    fn in_register(&self, code: &mut Vec<u8>, operand: Operand, spare: u8) -> u8 {
        if let Operand::V(register) = operand {
            return self.resident(register);
        }
        broadcast(code, spare, operand);
        spare
    }
}

/// Brings a word into every lane of a host register.
fn broadcast(code: &mut Vec<u8>, to: u8, operand: Operand) {
    match operand {
        Operand::X(register) => {
            // A load that is a broadcast by itself has no bit for it.
            let rm = Rm::Memory(Memory {
                broadcast: false,
                ..Memory::word(register)
            });
            evex(code, Map::M0f38, Prefix::P66, 0x58, Reg::Z(to), None, rm);
        }
        Operand::Constant(value) => {
            // mov eax, value
            code.push(0xb8);
            code.extend(value.to_le_bytes());
            evex(
                code,
                Map::M0f38,
                Prefix::P66,
                0x7c,
                Reg::Z(to),
                None,
                Rm::Eax,
            );
        }
        Operand::V(_) => unreachable!("vector registers are in host registers"),
    }
}

const RETURN: u8 = 0xc3;

/// Opcode maps.
#[derive(Clone, Copy, Debug)]
enum Map {
    M0f = 1,
    M0f38 = 2,
}

#[derive(Clone, Copy, Debug)]
enum Prefix {
    P66 = 1,
    Pf3 = 2,
}

/// What the field `reg` holds: a host register, or a part of the opcode.
#[derive(Clone, Copy, Debug)]
enum Reg {
    Z(u8),
    Digit(u8),
}

/// A place in the hart, whose address is in `rdi`.
#[derive(Clone, Copy, Debug)]
struct Memory {
    offset: usize,
    /// A word for every lane.
    broadcast: bool,
    /// The unit in which short distances are.
    unit: usize,
}

impl Memory {
    /// Half a vector register.
    fn half(register: u8, half: usize) -> Self {
        Self {
            offset: VECTORS + VLEN_BYTES * usize::from(register & 31) + half,
            broadcast: false,
            unit: HALF_BYTES,
        }
    }

    /// The low word of an integer register.
    fn word(register: u8) -> Self {
        Self {
            offset: offset_of!(Hart, x) + 8 * usize::from(register & 31),
            broadcast: true,
            unit: 4,
        }
    }
}

/// The operand that may be in memory.
#[derive(Clone, Copy, Debug)]
enum Rm {
    Z(u8),
    Eax,
    Memory(Memory),
}

impl From<Memory> for Rm {
    fn from(memory: Memory) -> Self {
        Self::Memory(memory)
    }
}

/// An instruction on vectors of 512 bits. `source` is a register too, of instructions of three
/// operands.
fn evex(
    code: &mut Vec<u8>,
    map: Map,
    prefix: Prefix,
    opcode: u8,
    reg: Reg,
    source: Option<u8>,
    rm: Rm,
) {
    let (Reg::Z(reg) | Reg::Digit(reg)) = reg;
    let in_rm = match rm {
        Rm::Z(number) => number,
        // `eax` and `rdi`: below 8, as far as the prefix is concerned.
        Rm::Eax | Rm::Memory(_) => 0,
    };
    let source = source.unwrap_or_default();
    // Bits that extend register numbers are stored inverted.
    let bit = |number: u8, bit: u8, at: u8| (!number >> bit & 1) << at;
    let broadcast = matches!(rm, Rm::Memory(memory) if memory.broadcast);
    code.extend([
        0x62,
        bit(reg, 3, 7) | bit(in_rm, 4, 6) | bit(in_rm, 3, 5) | bit(reg, 4, 4) | map as u8,
        (!source & 0xf) << 3 | 4 | prefix as u8,
        0x40 | u8::from(broadcast) << 4 | bit(source, 4, 3),
        opcode,
    ]);
    let reg = (reg & 7) << 3;
    match rm {
        Rm::Z(number) => code.push(0xc0 | reg | number & 7),
        Rm::Eax => code.push(0xc0 | reg),
        Rm::Memory(Memory { offset, unit, .. }) => {
            let short = i8::try_from(offset / unit);
            if let (Ok(short), true) = (short, offset.is_multiple_of(unit)) {
                // [rdi + disp8 * unit]
                code.extend([0x47 | reg, short.to_le_bytes()[0]]);
            } else {
                // [rdi + disp32]
                code.push(0x87 | reg);
                let offset = i32::try_from(offset).expect("harts are small");
                code.extend(offset.to_le_bytes());
            }
        }
    }
}
