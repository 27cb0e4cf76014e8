//! Compressed instructions (C) to the instructions they stand for.
//!
//! RV64C with the double-precision loads and stores (Zca and Zcd); C, "RVC Instruction Set
//! Listings". The chip executes compressed code, the compiler does not emit it, so there is
//! no encoder.

use crate::field::{move_bits, sign_extend};
use crate::inst::Inst;
use crate::reg::{F, X};

/// The base instruction that a 16-bit encoding of RV64C stands for, or `None` if it is
/// reserved or not a 16-bit encoding. Hints expand to the base instruction that has no effect.
#[must_use]
pub fn decode_compressed(half: u16) -> Option<Inst> {
    let word = u32::from(half);
    let funct3 = half >> 13;
    match (half & 3, funct3) {
        (0, _) => quadrant0(funct3, word),
        (1, _) => quadrant1(funct3, word),
        (2, _) => quadrant2(funct3, word),
        _ => None,
    }
}

/// Loads and stores with a base among `x8` to `x15`, and `c.addi4spn`.
fn quadrant0(funct3: u16, word: u32) -> Option<Inst> {
    let base = X::from_low_bits(8 + move_bits(word, 7, 3, 0));
    let x = X::from_low_bits(8 + move_bits(word, 2, 3, 0));
    let f = F::from_low_bits(8 + move_bits(word, 2, 3, 0));
    let words = sign_extend(
        move_bits(word, 10, 3, 3) | move_bits(word, 6, 1, 2) | move_bits(word, 5, 1, 6),
        12,
    );
    let doubles = sign_extend(move_bits(word, 10, 3, 3) | move_bits(word, 5, 2, 6), 12);
    Some(match funct3 {
        0 => {
            let imm = move_bits(word, 11, 2, 4)
                | move_bits(word, 7, 4, 6)
                | move_bits(word, 6, 1, 2)
                | move_bits(word, 5, 1, 3);
            if imm == 0 {
                return None;
            }
            Inst::Addi {
                rd: x,
                rs1: X::SP,
                imm: sign_extend(imm, 12),
            }
        }
        1 => Inst::Fld {
            rd: f,
            imm: doubles,
            rs1: base,
        },
        2 => Inst::Lw {
            rd: x,
            imm: words,
            rs1: base,
        },
        3 => Inst::Ld {
            rd: x,
            imm: doubles,
            rs1: base,
        },
        5 => Inst::Fsd {
            rs2: f,
            imm: doubles,
            rs1: base,
        },
        6 => Inst::Sw {
            rs2: x,
            imm: words,
            rs1: base,
        },
        7 => Inst::Sd {
            rs2: x,
            imm: doubles,
            rs1: base,
        },
        _ => return None,
    })
}

/// Immediates, arithmetic and branches.
fn quadrant1(funct3: u16, word: u32) -> Option<Inst> {
    let rd = X::from_low_bits(word >> 7);
    let short = X::from_low_bits(8 + move_bits(word, 7, 3, 0));
    let imm = sign_extend(move_bits(word, 12, 1, 5) | move_bits(word, 2, 5, 0), 6);
    Some(match funct3 {
        0 => Inst::Addi { rd, rs1: rd, imm },
        1 if rd == X::ZERO => return None,
        1 => Inst::Addiw { rd, rs1: rd, imm },
        2 => Inst::Addi {
            rd,
            rs1: X::ZERO,
            imm,
        },
        3 if imm == 0 => return None,
        3 if rd == X::SP => {
            let imm = move_bits(word, 12, 1, 9)
                | move_bits(word, 6, 1, 4)
                | move_bits(word, 5, 1, 6)
                | move_bits(word, 3, 2, 7)
                | move_bits(word, 2, 1, 5);
            Inst::Addi {
                rd,
                rs1: rd,
                imm: sign_extend(imm, 10),
            }
        }
        3 => Inst::Lui { rd, imm: imm << 12 },
        4 => return arithmetic(short, imm, word),
        5 => {
            let offset = move_bits(word, 12, 1, 11)
                | move_bits(word, 11, 1, 4)
                | move_bits(word, 9, 2, 8)
                | move_bits(word, 8, 1, 10)
                | move_bits(word, 7, 1, 6)
                | move_bits(word, 6, 1, 7)
                | move_bits(word, 3, 3, 1)
                | move_bits(word, 2, 1, 5);
            Inst::Jal {
                rd: X::ZERO,
                offset: sign_extend(offset, 12),
            }
        }
        _ => {
            let offset = move_bits(word, 12, 1, 8)
                | move_bits(word, 10, 2, 3)
                | move_bits(word, 5, 2, 6)
                | move_bits(word, 3, 2, 1)
                | move_bits(word, 2, 1, 5);
            let offset = sign_extend(offset, 9);
            if funct3 == 6 {
                Inst::Beq {
                    rs1: short,
                    rs2: X::ZERO,
                    offset,
                }
            } else {
                Inst::Bne {
                    rs1: short,
                    rs2: X::ZERO,
                    offset,
                }
            }
        }
    })
}

/// The arithmetic of quadrant 1 on `x8` to `x15`.
fn arithmetic(rd: X, imm: i32, word: u32) -> Option<Inst> {
    let rs1 = rd;
    let rs2 = X::from_low_bits(8 + move_bits(word, 2, 3, 0));
    Some(
        match (
            move_bits(word, 10, 2, 0),
            move_bits(word, 12, 1, 0),
            move_bits(word, 5, 2, 0),
        ) {
            (0, _, _) => Inst::Srli {
                rd,
                rs1,
                shamt: shift_amount(word),
            },
            (1, _, _) => Inst::Srai {
                rd,
                rs1,
                shamt: shift_amount(word),
            },
            (2, _, _) => Inst::Andi { rd, rs1, imm },
            (_, 0, 0) => Inst::Sub { rd, rs1, rs2 },
            (_, 0, 1) => Inst::Xor { rd, rs1, rs2 },
            (_, 0, 2) => Inst::Or { rd, rs1, rs2 },
            (_, 0, _) => Inst::And { rd, rs1, rs2 },
            (_, _, 0) => Inst::Subw { rd, rs1, rs2 },
            (_, _, 1) => Inst::Addw { rd, rs1, rs2 },
            _ => return None,
        },
    )
}

/// Stack-pointer-relative loads and stores, register moves and jumps.
fn quadrant2(funct3: u16, word: u32) -> Option<Inst> {
    let rd = X::from_low_bits(word >> 7);
    let rs2 = X::from_low_bits(word >> 2);
    let load_words = sign_extend(
        move_bits(word, 12, 1, 5) | move_bits(word, 4, 3, 2) | move_bits(word, 2, 2, 6),
        12,
    );
    let load_doubles = sign_extend(
        move_bits(word, 12, 1, 5) | move_bits(word, 5, 2, 3) | move_bits(word, 2, 3, 6),
        12,
    );
    let store_words = sign_extend(move_bits(word, 9, 4, 2) | move_bits(word, 7, 2, 6), 12);
    let store_doubles = sign_extend(move_bits(word, 10, 3, 3) | move_bits(word, 7, 3, 6), 12);
    let rs1 = X::SP;
    Some(match funct3 {
        0 => Inst::Slli {
            rd,
            rs1: rd,
            shamt: shift_amount(word),
        },
        1 => Inst::Fld {
            rd: F::from_low_bits(word >> 7),
            imm: load_doubles,
            rs1,
        },
        2 | 3 if rd == X::ZERO => return None,
        2 => Inst::Lw {
            rd,
            imm: load_words,
            rs1,
        },
        3 => Inst::Ld {
            rd,
            imm: load_doubles,
            rs1,
        },
        4 => match (move_bits(word, 12, 1, 0), rd, rs2) {
            (0, X::ZERO, X::ZERO) => return None,
            (0, rs1, X::ZERO) => Inst::Jalr {
                rd: X::ZERO,
                imm: 0,
                rs1,
            },
            (0, rd, rs2) => Inst::Add {
                rd,
                rs1: X::ZERO,
                rs2,
            },
            (_, X::ZERO, X::ZERO) => Inst::Ebreak,
            (_, rs1, X::ZERO) => Inst::Jalr {
                rd: X::RA,
                imm: 0,
                rs1,
            },
            (_, rd, rs2) => Inst::Add { rd, rs1: rd, rs2 },
        },
        5 => Inst::Fsd {
            rs2: F::from_low_bits(word >> 2),
            imm: store_doubles,
            rs1,
        },
        6 => Inst::Sw {
            rs2,
            imm: store_words,
            rs1,
        },
        _ => Inst::Sd {
            rs2,
            imm: store_doubles,
            rs1,
        },
    })
}

/// The six-bit shift amount of `c.slli`, `c.srli` and `c.srai`.
#[expect(clippy::cast_possible_truncation, reason = "six bits")]
const fn shift_amount(word: u32) -> u8 {
    (move_bits(word, 12, 1, 5) | move_bits(word, 2, 5, 0)) as u8
}
