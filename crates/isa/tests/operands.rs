//! Register operands as reported against the assembly text, and what is done to them.

mod sample;

use sample::{Random, random_word};
use weft_isa::{Access, F, Inst, Opcode, Register, RoundingMode, V, X, decode};

fn reported(inst: Inst) -> Vec<(String, Access)> {
    let mut all = Vec::new();
    inst.for_each_register(|register, access| all.push((register.to_string(), access)));
    all
}

/// The words of an operand list that are register names.
fn registers_in(text: &str) -> Vec<String> {
    let names: Vec<String> = X::all()
        .map(|x| x.to_string())
        .chain(F::all().map(|f| f.to_string()))
        .chain(V::all().map(|v| v.to_string()))
        .collect();
    let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
    operands
        .split([',', ' ', '(', ')'])
        .map(|word| word.trim_end_matches(".t"))
        .filter(|word| names.iter().any(|name| name == word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn reported_registers_are_those_of_the_text() {
    let mut random = Random::new(0x5eed_0020);
    for opcode in Opcode::ALL {
        // Its operands stand for two registers each.
        if opcode == Opcode::AmocasQ {
            continue;
        }
        for inst in (0..64).filter_map(|_| decode(random_word(opcode, &mut random))) {
            let text = inst.to_string();
            let names: Vec<String> = reported(inst).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, registers_in(&text), "{text}");
        }
    }
}

#[test]
fn accesses() {
    use Access::{Read, ReadWrite, Write};
    let vm = false;
    let cases: [(Inst, &[(&str, Access)]); 7] = [
        (
            Inst::FmaddS {
                rd: F::FA0,
                rs1: F::FA1,
                rs2: F::FA2,
                rs3: F::FA3,
                rm: RoundingMode::Dyn,
            },
            &[("fa0", Write), ("fa1", Read), ("fa2", Read), ("fa3", Read)],
        ),
        (
            Inst::Sd {
                rs2: X::A0,
                imm: 8,
                rs1: X::SP,
            },
            &[("a0", Read), ("sp", Read)],
        ),
        (
            Inst::VmaccVv {
                vd: V::new(8),
                vs1: V::new(9),
                vs2: V::new(10),
                vm,
            },
            &[("v8", ReadWrite), ("v9", Read), ("v10", Read), ("v0", Read)],
        ),
        (
            Inst::Vse32V {
                vs3: V::new(8),
                rs1: X::A0,
                vm: true,
            },
            &[("v8", Read), ("a0", Read)],
        ),
        (
            Inst::VmergeVim {
                vd: V::new(8),
                vs2: V::new(9),
                imm: 1,
            },
            &[("v8", Write), ("v9", Read), ("v0", Read)],
        ),
        (
            Inst::XwVamocasV {
                vd: V::new(8),
                vs2: V::new(16),
                vs1: V::new(9),
                vm: true,
            },
            &[("v8", ReadWrite), ("v16", Read), ("v9", Read)],
        ),
        (Inst::Ecall, &[]),
    ];
    for (inst, expected) in cases {
        let expected: Vec<(String, Access)> = expected
            .iter()
            .map(|&(name, access)| (name.to_owned(), access))
            .collect();
        assert_eq!(reported(inst), expected, "{inst}");
    }
}

#[test]
fn a_pair_is_two_registers() {
    let word = Inst::AmocasQ {
        order: weft_isa::MemoryOrder::Relaxed,
        rd: X::A0,
        rs2: X::A2,
        rs1: X::A4,
    };
    let mut registers = Vec::new();
    word.for_each_register(|register, _| registers.push(register));
    assert_eq!(
        registers,
        [X::A0, X::A1, X::A2, X::A3, X::A4].map(Register::X)
    );
    let odd = Inst::AmocasQ {
        order: weft_isa::MemoryOrder::Relaxed,
        rd: X::A1,
        rs2: X::A2,
        rs1: X::A4,
    };
    assert_eq!(odd.encode_checked().map_err(|error| error.field), Err("rd"));
}

/// Replacing every register by the fourth after it changes exactly the reported operands.
#[test]
fn mapped_registers_are_the_reported_ones() {
    let fourth = |register| match register {
        Register::X(x) => Register::X(X::new((x.number() + 4) % 32)),
        Register::F(f) => Register::F(F::new((f.number() + 4) % 32)),
        Register::V(v) => Register::V(V::new((v.number() + 4) % 32)),
    };
    let mut random = Random::new(0x5eed_0021);
    for opcode in Opcode::ALL {
        if opcode == Opcode::AmocasQ {
            continue;
        }
        for inst in (0..16).filter_map(|_| decode(random_word(opcode, &mut random))) {
            let mut expected = Vec::new();
            inst.for_each_register(|register, _| expected.push(fourth(register)));
            let carries = [".vvm", ".vxm", ".vim", ".vfm"];
            if inst.to_string().ends_with("v0.t")
                || carries.iter().any(|form| inst.mnemonic().ends_with(form))
            {
                // The mask is the last operand, and no choice of the program's.
                expected.pop();
                expected.push(Register::V(V::V0));
            }
            let mut mapped = Vec::new();
            inst.map_registers(fourth)
                .for_each_register(|register, _| mapped.push(register));
            assert_eq!(mapped, expected, "{inst}");
            assert_eq!(inst.map_registers(|register| register), inst);
        }
    }
}
