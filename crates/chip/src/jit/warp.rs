//! Host code of integer vector instructions on the elements of a warp: 32 words, unmasked.
//!
//! A run of such instructions becomes one function in AVX-512, whose vectors are halves of
//! registers: it loads from the register file and stores to it, and checks nothing. The region
//! that calls it has looked whether `vl` and `vstart` are those of a warp. Encodings: Intel SDM
//! volume 2, 2.7 (EVEX). Only registers from `zmm16` on are used, after which `vzeroupper` is not
//! needed.

use weft_isa::abi::VLEN_BYTES;
use weft_isa::{Inst, Lmul, Sew, VType};

use super::{Source, instruction};
use crate::exec::Op;
use crate::hart::{Hart, VECTORS};

/// Bytes of a host vector.
const HALF_BYTES: usize = VLEN_BYTES / 2;

/// Instructions of a block that follow one another and have host code of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Index of the first in the block, and of the one after the last.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Where the function begins in the code of all runs.
    pub(super) offset: usize,
}

/// The runs of a block; their functions are added to `code`. None on hosts without AVX-512.
pub(super) fn runs(block: &Source<'_>, code: &mut Vec<u8>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    if !is_available() {
        return runs;
    }
    let mut vtype = block.begin_vtype;
    let mut open = false;
    for (index, op) in block.ops.iter().enumerate() {
        let lanes = is_of_warp(vtype).then(|| Lanes::of(op)).flatten();
        match (instruction(op), lanes) {
            (_, Some(lanes)) => {
                if !open {
                    runs.push(Run {
                        begin: index,
                        end: index,
                        offset: code.len(),
                    });
                }
                open = true;
                lanes.emit(code);
                if let Some(run) = runs.last_mut() {
                    run.end = index + 1;
                }
            }
            (inst, None) => {
                if open {
                    code.push(RETURN);
                }
                open = false;
                if matches!(inst, Inst::Vsetvli { .. } | Inst::Vsetivli { .. }) {
                    vtype = VType::decode(op.imm.cast_unsigned());
                }
            }
        }
    }
    if open {
        code.push(RETURN);
    }
    runs
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

    fn emit(self, code: &mut Vec<u8>) {
        for half in [0, HALF_BYTES] {
            let place = |operand| match operand {
                Operand::V(register) => Ok(Memory {
                    offset: vector(register, half),
                    broadcast: false,
                }),
                Operand::X(register) => Ok(Memory {
                    offset: std::mem::offset_of!(Hart, x) + 8 * usize::from(register & 31),
                    broadcast: true,
                }),
                Operand::Constant(value) => Err(value),
            };
            match (self.operation, place(self.second)) {
                (Operation::Move, second) => load(code, 0, second),
                (Operation::Binary(map, opcode), Ok(second)) => {
                    load(code, 0, place(self.first));
                    evex(
                        code,
                        map,
                        Prefix::P66,
                        opcode,
                        Reg::Z(0),
                        Some(0),
                        second.into(),
                    );
                }
                (Operation::Binary(map, opcode), Err(value)) => {
                    load(code, 0, place(self.first));
                    load(code, 1, Err(value));
                    evex(code, map, Prefix::P66, opcode, Reg::Z(0), Some(0), Rm::Z(1));
                }
                (Operation::Shift(digit), second) => {
                    load(code, 0, place(self.first));
                    let amount = second.err().unwrap_or_default();
                    evex(
                        code,
                        Map::M0f,
                        Prefix::P66,
                        0x72,
                        Reg::Digit(digit),
                        Some(0),
                        Rm::Z(0),
                    );
                    code.push(amount.to_le_bytes()[0] & 31);
                }
            }
            let to = Memory {
                offset: vector(self.to, half),
                broadcast: false,
            };
            evex(
                code,
                Map::M0f,
                Prefix::Pf3,
                0x7f,
                Reg::Z(0),
                None,
                to.into(),
            );
        }
    }
}

/// Offset of half a vector register in a hart.
fn vector(register: u8, half: usize) -> usize {
    VECTORS + VLEN_BYTES * usize::from(register & 31) + half
}

/// Brings an operand, or a constant, into a host register.
fn load(code: &mut Vec<u8>, to: u8, from: Result<Memory, i32>) {
    match from {
        Ok(memory) if memory.broadcast => {
            // A load that is a broadcast by itself has no bit for it.
            let rm = Rm::Memory(Memory {
                broadcast: false,
                ..memory
            });
            evex(code, Map::M0f38, Prefix::P66, 0x58, Reg::Z(to), None, rm);
        }
        Ok(memory) => evex(
            code,
            Map::M0f,
            Prefix::Pf3,
            0x6f,
            Reg::Z(to),
            None,
            memory.into(),
        ),
        Err(value) => {
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

/// What the field `reg` holds: `zmm16` and up, or a part of the opcode.
#[derive(Clone, Copy, Debug)]
enum Reg {
    Z(u8),
    Digit(u8),
}

/// A place in the hart, whose address is in `rdi`.
#[derive(Clone, Copy, Debug)]
struct Memory {
    offset: usize,
    broadcast: bool,
}

/// The operand that may be in memory: `zmm16` and up are numbered from 0.
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

/// An instruction on vectors of 512 bits. `source` is a register from `zmm16` on, for instructions
/// of three operands.
fn evex(
    code: &mut Vec<u8>,
    map: Map,
    prefix: Prefix,
    opcode: u8,
    reg: Reg,
    source: Option<u8>,
    rm: Rm,
) {
    // Bits that extend register numbers are stored inverted.
    let (reg, high) = match reg {
        Reg::Z(number) => (number, 0),
        Reg::Digit(digit) => (digit, 0x10),
    };
    let extension = if matches!(rm, Rm::Z(_)) { 0xa0 } else { 0xe0 };
    let (second, high_second) = source.map_or((0xf, 8), |source| (!source & 0xf, 0));
    let broadcast = matches!(rm, Rm::Memory(memory) if memory.broadcast);
    code.extend([
        0x62,
        extension | high | map as u8,
        second << 3 | 4 | prefix as u8,
        0x40 | u8::from(broadcast) << 4 | high_second,
        opcode,
    ]);
    match rm {
        Rm::Z(number) => code.push(0xc0 | reg << 3 | number),
        Rm::Eax => code.push(0xc0 | reg << 3),
        Rm::Memory(memory) => {
            // [rdi + disp32]
            code.push(0x87 | reg << 3);
            let offset = i32::try_from(memory.offset).expect("harts are small");
            code.extend(offset.to_le_bytes());
        }
    }
}
