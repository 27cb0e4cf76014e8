//! The table against itself: rows do not overlap, and decoding inverts encoding.

mod sample;

use sample::{Random, random_word};
use weft_isa::{Class, Inst, Opcode, Row, V, X, decode, instruction_length};

/// Whether some word matches both rows.
fn overlap(a: &Row, b: &Row) -> bool {
    (a.match_bits ^ b.match_bits) & a.mask & b.mask == 0
}

/// Rows that encode a special case of a later row. A segment access of one field is the plain
/// access, and `pause` is a fence that orders nothing.
fn refines(special: &Row, general: &Row) -> bool {
    let named = match general.mnemonic.split_once("seg{nf}") {
        Some((before, after)) => special.mnemonic == format!("{before}{after}"),
        None => special.opcode == Opcode::Pause && general.opcode == Opcode::Fence,
    };
    named && special.mask & general.mask == general.mask
}

#[test]
fn rows_do_not_overlap() {
    let mut refinements = 0;
    for (i, a) in Opcode::ALL.iter().map(|opcode| opcode.row()).enumerate() {
        let low = u16::try_from(a.match_bits & a.mask & 0xff).expect("eight bits");
        assert_eq!(instruction_length(low), Some(4), "{}", a.mnemonic);
        for b in Opcode::ALL[i + 1..].iter().map(|opcode| opcode.row()) {
            assert_ne!(a.mnemonic, b.mnemonic);
            if refines(a, b) {
                refinements += 1;
            } else {
                assert!(
                    !overlap(a, b),
                    "{} and {} share a word",
                    a.mnemonic,
                    b.mnemonic
                );
            }
        }
    }
    // Four element widths of vle, vse, vleff, vlse, vsse and the four indexed forms; pause.
    assert_eq!(refinements, 4 * 9 + 1);
}

#[test]
fn variants_are_mnemonics_in_pascal_case() {
    for opcode in Opcode::ALL {
        let mut expected = String::new();
        for part in opcode.mnemonic().replace("{nf}", "").split('.') {
            expected.extend(part[..1].chars().map(|c| c.to_ascii_uppercase()));
            expected.push_str(&part[1..]);
        }
        assert_eq!(format!("{opcode:?}"), expected);
    }
}

macro_rules! documentation {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident = $mnemonic:literal [$match_bits:literal / $mask:literal]
        $({ $($operand:ident: $field:ident),* })? $(+ $implicit:ident)? $class:ident;
    )*) => {
        [$(($mnemonic, concat!($($doc),*))),*]
    };
}

#[test]
fn every_row_cites_a_specification() {
    for (mnemonic, documentation) in weft_isa::for_each_inst!(documentation) {
        let citation = documentation
            .rsplit_once(" (")
            .and_then(|(_, end)| end.strip_suffix(")."));
        let book = citation.and_then(|citation| citation.split([' ', ',']).next());
        let known = matches!(
            book,
            Some(
                "RV32I"
                    | "RV64I"
                    | "Zihintpause"
                    | "Zifencei"
                    | "Zicsr"
                    | "Privileged"
                    | "Zawrs"
                    | "M"
                    | "A"
                    | "Zacas"
                    | "Zabha"
                    | "Zba"
                    | "Zbb"
                    | "Zbs"
                    | "Zicond"
                    | "F"
                    | "D"
                    | "Zfh"
                    | "Zfa"
                    | "V"
                    | "Zvfbfmin"
                    | "Zvfbfwma"
                    | "Zvbb"
                    | "Zvdot4a8i"
                    | "Zvt"
                    | "Xweft"
            )
        );
        assert!(known, "{mnemonic}: `{documentation}`");
    }
}

#[test]
fn classes_and_opcodes_are_indices() {
    for (i, opcode) in Opcode::ALL.into_iter().enumerate() {
        assert_eq!(opcode as usize, i);
    }
    for (i, class) in Class::ALL.into_iter().enumerate() {
        assert_eq!(class as usize, i);
    }
}

#[test]
fn every_row_decodes_to_itself() {
    let mut random = Random::new(0x5eed_0001);
    for opcode in Opcode::ALL {
        let mut decoded = 0;
        for _ in 0..2_000 {
            let word = random_word(opcode, &mut random);
            let Some(inst) = decode(word) else { continue };
            assert_eq!(inst.encode(), word, "{inst:?}");
            assert_eq!(inst.encode_checked(), Ok(word), "{inst:?}");
            if inst.opcode() == opcode {
                decoded += 1;
            } else {
                assert!(
                    refines(inst.opcode().row(), opcode.row()),
                    "{inst:?} from {opcode:?}"
                );
            }
        }
        // The others have reserved operands (`vmv8r.v` takes one in 64) or refine the row.
        assert!(decoded >= 10, "{opcode:?}: {decoded} of 2000 decode");
    }
}

#[test]
fn decoding_any_word_inverts() {
    let mut random = Random::new(0x5eed_0002);
    let mut decoded = 0;
    for _ in 0..4_000_000 {
        let word = random.next_u32() | 3;
        if let Some(inst) = decode(word) {
            decoded += 1;
            assert_eq!(inst.encode(), word, "{inst:?}");
            assert_eq!(
                word & inst.opcode().row().mask,
                inst.opcode().row().match_bits
            );
        }
    }
    assert!(decoded > 100_000, "{decoded} words decode");
}

#[test]
fn only_32_bit_encodings_decode() {
    assert_eq!(decode(0), None);
    assert_eq!(decode(u32::MAX), None);
    let mut random = Random::new(0x5eed_0003);
    for _ in 0..100_000 {
        let word = random.next_u32();
        let half = u16::try_from(word & 0xffff).expect("sixteen bits");
        if instruction_length(half) != Some(4) {
            assert_eq!(decode(word), None, "{word:#010x}");
        }
    }
}

#[test]
fn operands_out_of_range_are_named() {
    let (x, v, vm) = (X::A0, V::new(8), true);
    let addi = |imm| Inst::Addi { rd: x, rs1: x, imm };
    let sd = |imm| Inst::Sd {
        rs2: x,
        imm,
        rs1: x,
    };
    let beq = |offset| Inst::Beq {
        rs1: x,
        rs2: x,
        offset,
    };
    let jal = |offset| Inst::Jal { rd: x, offset };
    let lui = |imm| Inst::Lui { rd: x, imm };
    let slli = |shamt| Inst::Slli {
        rd: x,
        rs1: x,
        shamt,
    };
    let slliw = |shamt| Inst::Slliw {
        rd: x,
        rs1: x,
        shamt,
    };
    let csrrsi = |uimm| Inst::Csrrsi {
        rd: x,
        csr: 0,
        uimm,
    };
    let csrrs = |csr| Inst::Csrrs { rd: x, csr, rs1: x };
    let vadd = |imm| Inst::VaddVi {
        vd: v,
        vs2: v,
        imm,
        vm,
    };
    let vror = |uimm| Inst::VrorVi {
        vd: v,
        vs2: v,
        uimm,
        vm,
    };
    let vsetvli = |vtype| Inst::Vsetvli {
        rd: x,
        rs1: x,
        vtype,
    };
    let vlseg = |nf| Inst::Vlsege32V {
        nf,
        vd: v,
        rs1: x,
        vm,
    };
    let whole = |vd| Inst::Vl8re8V {
        vd: V::new(vd),
        rs1: x,
    };
    let fault = |code| Inst::XwFault { code };

    let fit = [
        [addi(-2048), addi(2047)],
        [sd(-2048), sd(2047)],
        [beq(-4096), beq(4094)],
        [jal(-(1 << 20)), jal((1 << 20) - 2)],
        [lui(i32::MIN), lui(0x7fff_f000)],
        [slli(0), slli(63)],
        [slliw(0), slliw(31)],
        [csrrsi(0), csrrsi(31)],
        [csrrs(0), csrrs(4095)],
        [vadd(-16), vadd(15)],
        [vror(0), vror(63)],
        [vsetvli(0), vsetvli(0x7ff)],
        [vlseg(2), vlseg(8)],
        [whole(0), whole(24)],
        [fault(0), fault(4095)],
    ];
    for inst in fit.into_iter().flatten() {
        assert_eq!(inst.encode_checked().map(decode), Ok(Some(inst)));
    }

    let unfit = [
        ("imm", [addi(-2049), addi(2048)]),
        ("imm", [sd(-2049), sd(2048)]),
        ("offset", [beq(4096), beq(3)]),
        ("offset", [jal(1 << 20), jal(i32::MIN)]),
        ("imm", [lui(1), lui(-1)]),
        ("shamt", [slli(64), slli(255)]),
        ("shamt", [slliw(32), slliw(255)]),
        ("uimm", [csrrsi(32), csrrsi(255)]),
        ("csr", [csrrs(4096), csrrs(u16::MAX)]),
        ("imm", [vadd(-17), vadd(16)]),
        ("uimm", [vror(64), vror(255)]),
        ("vtype", [vsetvli(0x800), vsetvli(u16::MAX)]),
        ("nf", [vlseg(0), vlseg(9)]),
        ("vd", [whole(1), whole(31)]),
        ("code", [fault(4096), fault(u16::MAX)]),
    ];
    for (field, insts) in unfit {
        for inst in insts {
            let error = inst.encode_checked().expect_err("the operand does not fit");
            assert_eq!(
                (error.mnemonic, error.field),
                (inst.mnemonic(), field),
                "{inst:?}"
            );
        }
    }
    let message = beq(5000)
        .encode_checked()
        .expect_err("the offset does not fit")
        .to_string();
    assert_eq!(message, "encode `beq`: operand `offset` cannot be 5000");
    // One field is the plain load, whose row has the word.
    assert_eq!(
        vlseg(1).encode_checked().map_err(|error| error.value),
        Err(1)
    );
}

/// Words given with the draft of Zvt, and by assembling `.insn` forms of it with LLVM 22.
#[test]
fn examples_of_zvt_are_encoded() {
    for (word, text) in [
        (0x8805_f557, "msettn a0, a1"),
        (0x8815_f557, "msettm a0, a1"),
        (0x8825_f557, "msettk a0, a1"),
        (0x84c5_f057, "msetmtype a1, a2"),
        (0x9841_f057, "msetmtypei e8alt, w4"),
        (0x88c1_7057, "msetmtypei e16, w2"),
        (0x52a5_f007, "vtle32 a0, (a1)"),
        (0x43e0_6457, "vtzero mt4"),
        (0xf288_04f7, "vtmms.tvv mt4, v8, v16"),
        (0xf288_1477, "vtfmm.tvv mt4, v8, v16"),
        (0xf288_14f7, "vtfmm.alt.tvv mt4, v8, v16"),
    ] {
        let inst = decode(word).expect("an instruction of Zvt");
        assert_eq!(inst.to_string(), text, "{word:08x}");
        assert_eq!(inst.encode(), word, "{text}");
    }
}
