//! Compressed encodings against the listings of the C chapter, without outside tools.
//! `llvm.rs` compares all of them with LLVM.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use weft_isa::{decode, decode_compressed, instruction_length};

#[test]
fn every_half_expands_to_a_base_instruction_or_nothing() {
    let mut expanded = 0;
    for half in 0..=u16::MAX {
        let inst = decode_compressed(half);
        if instruction_length(half) != Some(2) {
            assert_eq!(inst, None, "{half:#06x} is not 16 bits long");
        }
        if let Some(inst) = inst {
            expanded += 1;
            assert_eq!(
                decode(inst.encode_checked().unwrap()),
                Some(inst),
                "{half:#06x}"
            );
        }
    }
    assert!(expanded > 40_000, "{expanded}");
}

#[test]
fn well_known_halves() {
    let cases = [
        (0x0001, "addi zero, zero, 0"),
        (0x8082, "jalr zero, 0(ra)"),
        (0x9002, "ebreak"),
        (0x1141, "addi sp, sp, -16"),
        (0xe406, "sd ra, 8(sp)"),
        (0x60a2, "ld ra, 8(sp)"),
        (0x852e, "add a0, zero, a1"),
        (0x4501, "addi a0, zero, 0"),
        (0xa001, "jal zero, 0"),
        (0x6141, "addi sp, sp, 16"),
    ];
    for (half, text) in cases {
        assert_eq!(
            decode_compressed(half).unwrap().to_string(),
            text,
            "{half:#06x}"
        );
    }
}

#[test]
fn reserved_halves() {
    // Zero; c.addi4spn and c.addi16sp of 0; c.lui of 0; c.addiw, c.lwsp and c.ldsp to x0;
    // c.jr x0; the unused arithmetic; quadrant 0, funct3 4.
    for half in [
        0x0000, 0x0004, 0x6101, 0x6501, 0x2005, 0x4002, 0x6002, 0x8002, 0x9c41, 0x8000,
    ] {
        assert_eq!(decode_compressed(half), None, "{half:#06x}");
    }
}
