//! What an instruction costs: the unit that executes it, for how long, and the energy.
//!
//! Everything here follows from the instruction and the vector type. Vector instructions are
//! taken to be of full length (`vl` = VLMAX), as those of compiled kernels are.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cycles and femtojoules of one instruction, bounded by the ranges of chip files"
)]

use weft_isa::abi::VLEN;
use weft_isa::matrix::Factors;
use weft_isa::{Class, Inst, Sew, VType};

use super::operands::{self, Registers};
use crate::chipfile::ChipFile;

/// Part of a core that executes an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Unit {
    /// Scalar pipeline, branches and CSRs: the scalar issue port.
    Scalar,
    /// Scalar divider, issued through the scalar port.
    Divider,
    /// Vector lanes.
    Vector,
    /// Special functions and division.
    Special,
    /// Matrix unit.
    Matrix,
    /// Loads, stores and atomics.
    Memory,
}

impl Unit {
    /// How many there are.
    pub(crate) const COUNT: usize = 6;

    /// Whether its instructions go through the scalar issue port.
    pub(crate) const fn is_scalar(self) -> bool {
        matches!(self, Self::Scalar | Self::Divider)
    }
}

/// What an instruction does besides computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// It may change the flow of control.
    Branch,
    /// It loads.
    Load,
    /// It stores.
    Store,
    /// It loads, changes and stores.
    Atomic,
    /// It arrives at a barrier.
    Barrier {
        /// And waits there.
        waits: bool,
    },
    /// It ends the hart.
    Exit,
}

/// Part of the chip that energy is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Domain {
    /// Cores with their vector units.
    Cores,
    /// Matrix units.
    Matrix,
}

/// What is known of an instruction before it executes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpInfo {
    pub(crate) pc: u64,
    pub(crate) class: Class,
    pub(crate) unit: Unit,
    pub(crate) kind: Kind,
    /// Cycles that the unit is busy. For memory, see the accesses.
    pub(crate) occupancy: u32,
    /// Cycles from issue to the result.
    pub(crate) latency: u32,
    pub(crate) needs: Registers,
    pub(crate) writes: Registers,
    /// Energy of an execution, without that of memory accesses.
    pub(crate) energy_fj: u64,
    pub(crate) domain: Domain,
    /// Operations on data: two for a multiply-add, one for each lane otherwise.
    pub(crate) operations: u32,
}

/// The numbers of a chip file that instructions depend on.
pub(super) struct Costs {
    chip: ChipFile,
}

impl Costs {
    pub(super) fn new(chip: &ChipFile) -> Self {
        Self { chip: chip.clone() }
    }
}

/// A timing: unit, occupancy and latency in cycles.
type Timing = (Unit, u32, u32);

impl OpInfo {
    pub(super) fn new(inst: Option<Inst>, pc: u64, vtype: VType, costs: &Costs) -> Self {
        let Some(inst) = inst else {
            // Executing it is a fault, which ends the launch.
            return Self {
                pc,
                class: Class::CsrSystem,
                unit: Unit::Scalar,
                kind: Kind::Plain,
                occupancy: 1,
                latency: 1,
                needs: Registers::default(),
                writes: Registers::default(),
                energy_fj: 0,
                domain: Domain::Cores,
                operations: 0,
            };
        };
        let class = inst.class();
        let (unit, occupancy, latency) = timing(inst, vtype, &costs.chip);
        let (needs, writes) = operands::of(inst, vtype);
        let (energy, domain) = energy(inst, vtype, &costs.chip);
        Self {
            pc,
            class,
            unit,
            kind: kind(inst),
            occupancy,
            latency,
            needs,
            writes,
            energy_fj: (energy * 1e3).round() as u64,
            domain,
            operations: operations(inst, vtype),
        }
    }
}

fn kind(inst: Inst) -> Kind {
    match inst.class() {
        Class::Branch => Kind::Branch,
        Class::ScalarLoad | Class::VectorLoad => Kind::Load,
        Class::ScalarStore | Class::VectorStore => Kind::Store,
        Class::ScalarAtomic | Class::VectorAtomic => Kind::Atomic,
        Class::Barrier => Kind::Barrier {
            waits: inst.mnemonic() != "xw.bar.arrive",
        },
        Class::CsrSystem if inst.mnemonic() == "xw.exit" => Kind::Exit,
        _ => Kind::Plain,
    }
}

/// Elements of a register group of the current type.
fn elements(vtype: VType) -> u32 {
    let bits = (VLEN as u32 * 8) >> (3 - vtype.lmul.log2());
    bits / vtype.sew.bits() as u32
}

/// Whether the destination is twice as wide as SEW.
fn widens(mnemonic: &str) -> bool {
    mnemonic.starts_with("vw") || mnemonic.starts_with("vfw")
}

/// Width in bits of the elements that a vector instruction computes with.
fn element_bits(inst: Inst, vtype: VType) -> u32 {
    let wide = widens(inst.mnemonic()) || inst.mnemonic().starts_with("vfn");
    (vtype.sew.bits() as u32) << u32::from(wide && vtype.sew != Sew::E64)
}

fn timing(inst: Inst, vtype: VType, chip: &ChipFile) -> Timing {
    let latency = &chip.latency;
    let mnemonic = inst.mnemonic();
    let count = elements(vtype);
    let bits = element_bits(inst, vtype);
    let lanes = chip.vector.lanes.value;
    // Lanes of 32 bits carry narrower elements packed, and 64-bit ones in two steps.
    let steps = (count * bits).div_ceil(lanes * 32).max(1);
    let vector = |latency: u32, occupancy: u32| (Unit::Vector, occupancy, latency + occupancy - 1);
    match inst.class() {
        Class::ScalarInt => (Unit::Scalar, 1, latency.scalar.value),
        Class::ScalarMuldiv if mnemonic.starts_with("mul") => {
            (Unit::Scalar, 1, latency.scalar_multiply.value)
        }
        Class::ScalarMuldiv => {
            let cycles = latency.scalar_divide.value;
            (Unit::Divider, cycles, cycles)
        }
        Class::ScalarFp if mnemonic.starts_with("fdiv") || mnemonic.starts_with("fsqrt") => {
            let cycles = latency.scalar_float_divide.value;
            (Unit::Divider, cycles, cycles)
        }
        Class::ScalarFp => (Unit::Scalar, 1, latency.scalar_float.value),
        Class::Branch => (Unit::Scalar, 1, latency.branch.value),
        Class::CsrSystem | Class::VectorConfig | Class::Barrier => {
            (Unit::Scalar, 1, latency.system.value)
        }
        Class::ScalarLoad | Class::ScalarStore | Class::ScalarAtomic => (Unit::Memory, 1, 1),
        Class::VectorLoad | Class::VectorStore | Class::VectorAtomic => (Unit::Memory, 1, 1),
        Class::VectorInt => vector(latency.vector_int.value, steps),
        Class::VectorMuldiv if mnemonic.contains("div") || mnemonic.contains("rem") => {
            let wide = if bits == 64 { 2 } else { 1 };
            let cycles = count.div_ceil(chip.vector.divide_lanes.value) * wide;
            (
                Unit::Special,
                cycles,
                latency.vector_special.value + cycles - 1,
            )
        }
        Class::VectorMuldiv if bits == 64 => {
            let slow = chip.vector.long_multiply_slowdown.value;
            vector(latency.vector_multiply.value, count.div_ceil(lanes) * slow)
        }
        Class::VectorMuldiv => vector(latency.vector_multiply.value, steps),
        Class::VectorFp if bits == 64 => {
            let slow = chip.vector.double_slowdown.value;
            vector(latency.vector_float.value, count.div_ceil(lanes) * slow)
        }
        Class::VectorFp => vector(latency.vector_float.value, steps),
        Class::VectorSpecial => {
            let slow = if bits == 64 {
                chip.vector.double_slowdown.value
            } else {
                1
            };
            let cycles = count.div_ceil(chip.vector.special_lanes.value) * slow;
            (
                Unit::Special,
                cycles,
                latency.vector_special.value + cycles - 1,
            )
        }
        Class::VectorMask => vector(latency.vector_mask.value, 1),
        Class::VectorPermute => vector(latency.vector_permute.value, steps),
        Class::VectorReduce => vector(latency.vector_reduce.value, steps),
        Class::Matrix => {
            let cycles = matrix_work(inst, chip).map_or(1, |(macs, rate, _)| macs.div_ceil(rate));
            (Unit::Matrix, cycles, latency.matrix.value + cycles - 1)
        }
    }
}

/// Multiply-accumulates of a matrix instruction, how many its unit does in a cycle, and the
/// picojoules of one.
fn matrix_work(inst: Inst, chip: &ChipFile) -> Option<(u32, u32, f64)> {
    let Inst::XwMma { form, .. } = inst else {
        return None;
    };
    let (rates, energy) = (&chip.matrix, &chip.energy);
    let (rate, picojoules) = match form.factors() {
        Factors::F16 | Factors::Bf16 => (rates.fp16.value, energy.mac_fp16.value),
        Factors::Tf32 => (rates.tf32.value, 2.0 * energy.mac_fp16.value),
        Factors::Fp8 { .. } => (rates.fp8.value, energy.mac_fp8.value),
        Factors::F64 => (rates.fp64.value, energy.mac_fp64.value),
        Factors::Int8 { .. } => (rates.int8.value, energy.mac_int8.value),
        Factors::Int4 { .. } => (rates.int4.value, energy.mac_int8.value / 2.0),
        Factors::Bits(_) => (rates.int1.value, energy.mac_int8.value / 8.0),
    };
    Some((matrix_macs(inst), rate, picojoules))
}

/// Picojoules of an execution.
fn energy(inst: Inst, vtype: VType, chip: &ChipFile) -> (f64, Domain) {
    let energy = &chip.energy;
    // 32-bit lanes' worth of work.
    let lanes = f64::from(elements(vtype) * element_bits(inst, vtype)) / 32.0;
    let picojoules = match inst.class() {
        Class::ScalarInt
        | Class::ScalarMuldiv
        | Class::ScalarFp
        | Class::Branch
        | Class::CsrSystem
        | Class::VectorConfig
        | Class::Barrier => energy.scalar.value,
        Class::ScalarLoad | Class::ScalarStore | Class::ScalarAtomic => energy.scalar.value,
        Class::VectorLoad | Class::VectorStore | Class::VectorAtomic => energy.vector.value,
        Class::VectorInt | Class::VectorPermute | Class::VectorReduce => {
            energy.vector.value + lanes * energy.lane_int.value
        }
        Class::VectorMuldiv => energy.vector.value + lanes * energy.lane_multiply.value,
        Class::VectorFp => energy.vector.value + lanes * energy.lane_float.value,
        Class::VectorSpecial => energy.vector.value + lanes * energy.lane_special.value,
        Class::VectorMask => energy.vector.value,
        Class::Matrix => {
            let macs =
                matrix_work(inst, chip).map_or(0.0, |(macs, _, each)| f64::from(macs) * each);
            return (energy.vector.value + macs, Domain::Matrix);
        }
    };
    (picojoules, Domain::Cores)
}

fn matrix_macs(inst: Inst) -> u32 {
    match inst {
        Inst::XwMma { form, .. } => form.macs(),
        _ => 0,
    }
}

/// Operations on data.
fn operations(inst: Inst, vtype: VType) -> u32 {
    let mnemonic = inst.mnemonic();
    let multiply_add = ["macc", "msac", "madd", "msub"]
        .iter()
        .any(|part| mnemonic.contains(part));
    match inst.class() {
        Class::VectorFp | Class::VectorInt | Class::VectorSpecial | Class::VectorReduce => {
            elements(vtype) << u32::from(multiply_add)
        }
        Class::VectorMuldiv if mnemonic.starts_with("vdot4a") => elements(vtype) * 8,
        Class::VectorMuldiv => elements(vtype) << u32::from(multiply_add),
        Class::Matrix => matrix_macs(inst) * 2,
        _ => 0,
    }
}
