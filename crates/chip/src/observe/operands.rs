//! Which registers an instruction reads and writes, register groups included.

use weft_isa::{Access, Class, Inst, Register, VType};

/// A set of registers of all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registers {
    /// Bit `i`: `x[i]`; bit `32 + i`: `f[i]`. `x0` is never in it.
    pub(crate) scalar: u64,
    /// Bit `i`: `v[i]`.
    pub(crate) vector: u32,
}

impl Registers {
    fn insert(&mut self, register: Register, count: u32) {
        match register {
            Register::X(x) => self.scalar |= (1 << x.number()) & !1,
            Register::F(f) => self.scalar |= 1 << (32 + f.number()),
            Register::V(v) => {
                let ones = u32::MAX.checked_shr(32 - count.min(32)).unwrap_or(0);
                self.vector |= ones << v.number();
            }
        }
    }
}

/// Registers that an instruction needs (sources and destinations: issue is in order, and a
/// destination must have been written by earlier instructions) and those that it writes.
pub(super) fn of(inst: Inst, vtype: VType) -> (Registers, Registers) {
    let (mut needs, mut writes) = (Registers::default(), Registers::default());
    let mut vector_operand = 0;
    inst.for_each_register(|register, access| {
        let count = match register {
            Register::V(_) => {
                vector_operand += 1;
                group(inst, vtype, vector_operand)
            }
            Register::X(_) | Register::F(_) => 1,
        };
        needs.insert(register, count);
        if access != Access::Read {
            writes.insert(register, count);
        }
    });
    (needs, writes)
}

/// Registers of a vector operand: the `index`-th one (from 1) in assembly order.
fn group(inst: Inst, vtype: VType, index: u32) -> u32 {
    let mnemonic = inst.mnemonic();
    let lmul = i32::from(vtype.lmul.log2());
    let registers = |log2: i32| 1 << log2.clamp(0, 3);
    let destination = index == 1;
    let whole = |prefix: &str| {
        let count = mnemonic
            .strip_prefix(prefix)?
            .chars()
            .next()?
            .to_digit(10)?;
        matches!(count, 1 | 2 | 4 | 8).then_some(count)
    };
    match inst.class() {
        Class::VectorMask => 1,
        Class::VectorLoad | Class::VectorStore => memory_group(inst.encode(), vtype, destination),
        // Addresses are the second operand, of 64 bits an element.
        Class::VectorAtomic if index == 2 => registers(lmul + 3 - sew_log2(vtype)),
        Class::VectorReduce if destination || index == 3 => 1,
        Class::VectorPermute => match whole("vmv") {
            Some(count) if mnemonic.ends_with("r.v") => count,
            _ if mnemonic.ends_with(".s") || mnemonic.contains(".s.") => 1,
            _ => registers(lmul),
        },
        Class::Matrix => matrix_group(inst, index),
        _ if destination && (mnemonic.starts_with("vms") || mnemonic.starts_with("vmf")) => 1,
        _ if mnemonic.starts_with("vw") || mnemonic.starts_with("vfw") => {
            let wide_source = index == 2 && mnemonic.contains(".w");
            registers(lmul + i32::from(destination || wide_source))
        }
        _ if mnemonic.starts_with("vn") || mnemonic.starts_with("vfn") => {
            registers(lmul + i32::from(index == 2))
        }
        _ => registers(lmul),
    }
}

/// Registers of an operand of a matrix instruction, as its form says: D, A, B.
fn matrix_group(inst: Inst, index: u32) -> u32 {
    match inst {
        Inst::XwMma { form, .. } => match index {
            1 => form.d_registers(),
            2 => form.a_registers(),
            _ => form.b_registers(),
        },
        _ => 1,
    }
}

fn sew_log2(vtype: VType) -> i32 {
    i32::from(vtype.sew.log2_bytes())
}

/// Registers of the data or index operand of a vector load or store word (V 7.2, 7.3).
fn memory_group(word: u32, vtype: VType, data: bool) -> u32 {
    let fields = word >> 29 & 7;
    let eew_log2 = match word >> 12 & 7 {
        0 => 0,
        5 => 1,
        6 => 2,
        _ => 3,
    };
    let lmul = i32::from(vtype.lmul.log2());
    let of_width = |log2: i32| 1u32 << (lmul + log2 - sew_log2(vtype)).clamp(0, 3);
    let indexed = word >> 26 & 1 == 1;
    match (indexed, data) {
        // Whole registers, then masks.
        (false, _) if word >> 26 & 3 == 0 && word >> 20 & 31 == 8 => fields + 1,
        (false, _) if word >> 26 & 3 == 0 && word >> 20 & 31 == 11 => 1,
        (false, _) => of_width(eew_log2) * (fields + 1),
        (true, true) => of_width(sew_log2(vtype)) * (fields + 1),
        (true, false) => of_width(eew_log2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_isa::{Lmul, Sew, V, X};

    fn v(number: u8) -> V {
        V::new(number)
    }

    #[test]
    fn groups_follow_the_vector_type() {
        let pair = VType::new(Sew::E64, Lmul::M2);
        let add = Inst::VaddVv {
            vd: v(8),
            vs2: v(10),
            vs1: v(12),
            vm: true,
        };
        let (needs, writes) = of(add, pair);
        assert_eq!((needs.vector, writes.vector), (0b11_1111 << 8, 0b11 << 8));
        let single = VType::new(Sew::E32, Lmul::M1);
        assert_eq!(of(add, single).0.vector, 1 << 8 | 1 << 10 | 1 << 12);
    }

    #[test]
    fn an_index_has_its_own_width() {
        let gather = Inst::Vluxei64V {
            vd: v(4),
            rs1: X::A0,
            vs2: v(8),
            vm: true,
        };
        let (needs, writes) = of(gather, VType::new(Sew::E32, Lmul::M1));
        assert_eq!(writes.vector, 1 << 4);
        assert_eq!(needs.vector, 1 << 4 | 0b11 << 8);
        assert_eq!(needs.scalar, 1 << 10);
    }

    #[test]
    fn x0_is_never_waited_for() {
        let nothing = Inst::Addi {
            rd: X::ZERO,
            rs1: X::ZERO,
            imm: 0,
        };
        let (needs, writes) = of(nothing, VType::new(Sew::E32, Lmul::M1));
        assert_eq!((needs.scalar, writes.scalar), (0, 0));
    }
}
