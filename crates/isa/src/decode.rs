//! Words to instructions.
//!
//! A 14-bit key (major opcode, funct3, bits 31:26) selects a short list of rows that can have
//! it; the lists are built from the table when the crate is compiled. Most keys have one row,
//! the longest are those of unary vector instructions, which share funct6.

use crate::inst::{Inst, ROWS};

const KEY_BITS: u32 = 14;
const KEYS: usize = 1 << KEY_BITS;

/// The key of a word, or of a mask over words: opcode in bits 4:0, funct3 in 7:5, bits 31:26
/// of the word in 13:8.
const fn key(word: u32) -> usize {
    ((word >> 2 & 31) | (word >> 12 & 7) << 5 | (word >> 26) << 8) as usize
}

/// The subset of the bits of `free` that follows `subset` when all of them are counted through;
/// 0 after the last.
const fn next_subset(subset: usize, free: usize) -> usize {
    subset.wrapping_sub(free) & free
}

/// Entries of all lists together.
const CANDIDATES_LEN: usize = {
    let mut len = 0;
    let mut row = 0;
    while row < ROWS.len() {
        let free = !key(ROWS[row].mask) & (KEYS - 1);
        len += 1 << free.count_ones();
        row += 1;
    }
    len
};

struct Index {
    /// Where the list of each key begins; the next entry is where it ends.
    starts: [u16; KEYS + 1],
    /// Row numbers, in table order within a list.
    candidates: [u16; CANDIDATES_LEN],
}

const _: () = assert!(CANDIDATES_LEN <= u16::MAX as usize && ROWS.len() <= u16::MAX as usize);

#[expect(clippy::cast_possible_truncation, reason = "asserted above")]
static INDEX: Index = {
    let mut starts = [0u16; KEYS + 1];
    let mut row = 0;
    while row < ROWS.len() {
        let fixed = key(ROWS[row].match_bits);
        let free = !key(ROWS[row].mask) & (KEYS - 1);
        let mut subset = 0;
        loop {
            starts[(fixed | subset) + 1] += 1;
            subset = next_subset(subset, free);
            if subset == 0 {
                break;
            }
        }
        row += 1;
    }
    let mut at = 0;
    while at < KEYS {
        starts[at + 1] += starts[at];
        at += 1;
    }
    let mut next = starts;
    let mut candidates = [0u16; CANDIDATES_LEN];
    let mut row = 0;
    while row < ROWS.len() {
        let fixed = key(ROWS[row].match_bits);
        let free = !key(ROWS[row].mask) & (KEYS - 1);
        let mut subset = 0;
        loop {
            let slot = &mut next[fixed | subset];
            candidates[*slot as usize] = row as u16;
            *slot += 1;
            subset = next_subset(subset, free);
            if subset == 0 {
                break;
            }
        }
        row += 1;
    }
    Index { starts, candidates }
};

/// The instruction in a 32-bit word, or `None` if the word is reserved, unknown or not a
/// 32-bit encoding.
///
/// For every word that decodes, `decode(word).encode() == word`. Reserved values of one operand
/// are rejected; what is reserved because of `vtype`, or because two vector operands overlap,
/// is for the hart to reject.
#[must_use]
pub fn decode(word: u32) -> Option<Inst> {
    // The length test of `instruction_length`: rows have 11 in the low two bits, which the key
    // does not cover, and the longer encodings have no rows.
    if word & 3 != 3 {
        return None;
    }
    let key = key(word);
    let list = usize::from(INDEX.starts[key])..usize::from(INDEX.starts[key + 1]);
    INDEX.candidates[list].iter().find_map(|&row| {
        let row = &ROWS[usize::from(row)];
        if word & row.mask == row.match_bits {
            Inst::with_operands_of(row.opcode, word)
        } else {
            None
        }
    })
}

/// Length in bytes of the instruction that begins with this halfword: 2 or 4. `None` for the
/// encodings reserved for longer instructions (Unprivileged ISA, 1.5).
#[must_use]
pub const fn instruction_length(half: u16) -> Option<usize> {
    if half & 3 != 3 {
        Some(2)
    } else if half & 0x1c != 0x1c {
        Some(4)
    } else {
        None
    }
}
