//! Immediates of the instruction formats.

use weft_isa::Opcode;

use super::operands::Choice;

impl Choice {
    /// The immediate of the instruction's format. In a `.vi` form the register field is not a
    /// register, so that `x0` stands there.
    pub(super) fn set_immediate(&mut self) {
        let word = self.op.word;
        let signed = word as i32;
        let relative = |offset: i32| self.op.pc.wrapping_add(offset as i64 as u64) as i64;
        let upper = signed & !0xfff;
        self.op.imm = match word & 0x7f {
            0x13 | 0x1b | 0x03 | 0x67 => i64::from(signed >> 20),
            0x07 if !is_vector_memory(word) => i64::from(signed >> 20),
            0x27 if is_vector_memory(word) => 0,
            0x23 | 0x27 => i64::from(signed >> 25 << 5 | (word >> 7 & 31) as i32),
            0x63 => {
                let offset = signed >> 31 << 12
                    | ((word >> 7 & 1) << 11 | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1)
                        as i32;
                relative(offset)
            }
            0x6f => {
                let offset = signed >> 31 << 20
                    | (word & 0xff000 | (word >> 20 & 1) << 11 | (word >> 21 & 1023) << 1) as i32;
                relative(offset)
            }
            0x37 => i64::from(upper),
            0x17 => relative(upper),
            0x73 => i64::from(word >> 20),
            0x0b => i64::from(word >> 20),
            0x57 => match word >> 12 & 7 {
                3 => {
                    let field = i64::from(word >> 15 & 31);
                    self.op.rs1 = 0;
                    match self.opcode {
                        Opcode::VrorVi => field | i64::from(word >> 26 & 1) << 5,
                        opcode if has_unsigned_immediate(opcode) => field,
                        _ => (field ^ 16) - 16,
                    }
                }
                7 if word >> 31 == 0 => i64::from(word >> 20 & 0x7ff),
                7 if word >> 30 == 3 => i64::from(word >> 20 & 0x3ff),
                _ => 0,
            },
            0x7b => i64::from(word >> 25 << 3 | word >> 12 & 7),
            _ => 0,
        };
    }
}

/// Whether a load or store opcode is a vector one: by its width field.
pub(super) fn is_vector_memory(word: u32) -> bool {
    matches!(word >> 12 & 7, 0 | 5 | 6 | 7)
}

/// `.vi` forms whose immediate is not sign-extended.
fn has_unsigned_immediate(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::VsllVi
            | Opcode::VsrlVi
            | Opcode::VsraVi
            | Opcode::VnsrlWi
            | Opcode::VnsraWi
            | Opcode::VssrlVi
            | Opcode::VssraVi
            | Opcode::VnclipuWi
            | Opcode::VnclipWi
            | Opcode::VslideupVi
            | Opcode::VslidedownVi
            | Opcode::VrgatherVi
            | Opcode::VwsllVi
    )
}
