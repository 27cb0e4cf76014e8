//! Tile storage, and moving rows and columns of tiles.

use weft_isa::Sew;

use super::{TE, edge, tile_step, tiles};
use crate::exec::mem::aligned;
use crate::exec::{Env, Flow, Hart, Op, illegal};

/// The tiles of a hart: 16 TE^2 bytes.
///
/// The words are those of the four tiles of 32-bit elements, row by row. Tiles of other widths
/// share the bytes as the specification's figure "Tile Punning" says: [`place`].
#[repr(align(64))]
pub(super) struct Tiles {
    rows: [[u32; TE]; 4 * TE],
}

impl Default for Tiles {
    fn default() -> Self {
        Self {
            rows: [[0; TE]; 4 * TE],
        }
    }
}

/// Where an element lies.
struct Place {
    row: usize,
    /// Word of the row; a 64-bit element has the next one too.
    word: usize,
    /// Lowest bit of the word.
    shift: u32,
}

/// Where element (`row`, `column`) of a tile of this width lies: its place in the specification's
/// linear buffer, seen as a tile of 32-bit elements.
fn place(tew: Sew, tile: u8, row: usize, column: usize) -> Place {
    let tile = usize::from(tile);
    // The buffer is sixteen parts of TE^2 bytes, each of TE^2 / 16 units of 16 bytes.
    let (part, unit, byte) = match tew {
        Sew::E8 => (
            tile,
            row / 4 * (TE / 4) + column / 4,
            row % 4 * 4 + column % 4,
        ),
        Sew::E16 => (
            tile + row / 2 % 2,
            row / 4 * (TE / 4) + column / 4,
            row % 2 * 4 + column % 2 * 2 + column / 2 % 2 * 8,
        ),
        Sew::E32 => {
            return Place {
                row: tile / 4 * TE + row,
                word: column,
                shift: 0,
            };
        }
        Sew::E64 => (
            tile + row / (TE / 4),
            row % (TE / 4) * (TE / 4) + column / 2,
            column % 2 * 8,
        ),
    };
    Place {
        row: part / 4 * TE + part / 2 % 2 * (TE / 2) + unit / (TE / 4) * 2 + byte / 8,
        word: unit % (TE / 4) * 4 + part % 2 * 2 + byte / 4 % 2,
        shift: (byte % 4 * 8) as u32,
    }
}

impl Tiles {
    /// The rows of a tile of 32-bit elements.
    pub(super) fn rows32(&mut self, tile: u8) -> &mut [[u32; TE]; TE] {
        let (rows, _) = self.rows.as_chunks_mut::<TE>();
        &mut rows[usize::from(tile) / 4]
    }

    /// An element of a tile.
    pub(super) fn get(&self, tew: Sew, tile: u8, row: usize, column: usize) -> u64 {
        let place = place(tew, tile, row, column);
        let words = &self.rows[place.row];
        let low = u64::from(words[place.word]);
        match tew {
            Sew::E8 => low >> place.shift & 0xff,
            Sew::E16 => low >> place.shift & 0xffff,
            Sew::E32 => low,
            Sew::E64 => low | u64::from(words[place.word + 1]) << 32,
        }
    }

    /// Sets an element of a tile; excess bits of the value are dropped.
    pub(super) fn set(&mut self, tew: Sew, tile: u8, row: usize, column: usize, value: u64) {
        let place = place(tew, tile, row, column);
        let words = &mut self.rows[place.row];
        let mask = match tew {
            Sew::E8 => 0xff,
            Sew::E16 => 0xffff,
            Sew::E32 | Sew::E64 => u32::MAX,
        };
        let word = &mut words[place.word];
        *word = *word & !(mask << place.shift) | (value as u32 & mask) << place.shift;
        if tew == Sew::E64 {
            words[place.word + 1] = (value >> 32) as u32;
        }
    }
}

/// A row or a column of a tile (Zvt, Tile Subset Specifier).
#[derive(Clone, Copy)]
struct Subset {
    tew: Sew,
    tile: u8,
    is_column: bool,
    index: usize,
}

impl Subset {
    /// What a register names; none where the specification reserves it.
    fn new(bits: u64, tew: Sew) -> Option<Self> {
        let index = (bits & 0xff_ffff) as usize;
        let pattern = bits >> 24 & 7;
        if bits >> 31 != 0 || pattern > 1 || index >= edge(tew) {
            return None;
        }
        Some(Self {
            tew,
            tile: (bits >> 27) as u8 & 15 & !(tile_step(tew) - 1),
            is_column: pattern == 1,
            index,
        })
    }

    fn at(self, i: usize) -> (usize, usize) {
        if self.is_column {
            (i, self.index)
        } else {
            (self.index, i)
        }
    }

    fn get(self, tiles: &Tiles, i: usize) -> u64 {
        let (row, column) = self.at(i);
        tiles.get(self.tew, self.tile, row, column)
    }

    fn set(self, tiles: &mut Tiles, i: usize, value: u64) {
        let (row, column) = self.at(i);
        tiles.set(self.tew, self.tile, row, column, value);
    }
}

/// The subset in register `rs`, and the elements to be moved; none, and the hart has stopped, if
/// that is illegal.
fn subset(hart: &mut Hart, op: &Op, rs: u8, tew: Sew) -> Option<(Subset, std::ops::Range<usize>)> {
    if hart.vtype.vill {
        illegal(hart, op, "vtype is illegal");
        return None;
    }
    let Some(subset) = Subset::new(hart.x(rs), tew) else {
        illegal(hart, op, "no such row or column of a tile");
        return None;
    };
    let end = (hart.vl as usize).min(edge(tew));
    Some((subset, hart.vstart as usize..end))
}

/// `vtle*`: `imm` is the base-2 logarithm of the element's bytes. Elements before one that faults
/// are loaded, and `vstart` names that one.
pub(super) fn load(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    transfer::<false>(hart, env, op)
}

/// `vtse*`: the same.
pub(super) fn store(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    transfer::<true>(hart, env, op)
}

fn transfer<const STORE: bool>(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let tew = Sew::ALL[op.imm as usize & 3];
    let Some((subset, elements)) = subset(hart, op, op.rs2, tew) else {
        return Flow::Leave;
    };
    if tiles(hart, env, op).is_none() {
        return Flow::Leave;
    }
    let bytes = tew.bytes();
    let base = hart.x(op.rs1);
    for i in elements {
        let address = base.wrapping_add((i * bytes) as u64);
        let Some(place) = aligned(hart, env, op, address, bytes as u64, STORE) else {
            hart.vstart = i as u32;
            return Flow::Leave;
        };
        let Some(tiles) = tiles(hart, env, op) else {
            return Flow::Leave;
        };
        if STORE {
            let value = subset.get(tiles, i).to_le_bytes();
            // SAFETY: `bytes`, at most eight, are accessible for writing (see crate::mem on races).
            unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), place.pointer, bytes) };
        } else {
            let mut value = [0; 8];
            // SAFETY: `bytes`, at most eight, are accessible (see crate::mem on races).
            unsafe { std::ptr::copy_nonoverlapping(place.pointer, value.as_mut_ptr(), bytes) };
            subset.set(tiles, i, u64::from_le_bytes(value));
        }
    }
    hart.vstart = 0;
    Flow::Next
}

/// Whether a group of LMUL registers can begin at a register.
fn is_group(hart: &Hart, register: u8) -> bool {
    usize::from(register).is_multiple_of(hart.vtype.lmul.registers())
}

fn not_a_group(hart: &mut Hart, op: &Op) -> Flow {
    illegal(
        hart,
        op,
        "register is not the first of a group of this size",
    )
}

/// `vtmv.v.t`
pub(super) fn move_to_vector(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let tew = hart.vtype.sew;
    let Some((subset, elements)) = subset(hart, op, op.rs1, tew) else {
        return Flow::Leave;
    };
    if !is_group(hart, op.rd) {
        return not_a_group(hart, op);
    }
    for i in elements {
        let Some(tiles) = tiles(hart, env, op) else {
            return Flow::Leave;
        };
        let value = subset.get(tiles, i);
        match tew {
            Sew::E8 => hart.set_element(op.rd, i, value as u8),
            Sew::E16 => hart.set_element(op.rd, i, value as u16),
            Sew::E32 => hart.set_element(op.rd, i, value as u32),
            Sew::E64 => hart.set_element(op.rd, i, value),
        }
    }
    hart.vstart = 0;
    Flow::Next
}

/// `vtmv.t.v`
pub(super) fn move_to_tile(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let tew = hart.vtype.sew;
    let Some((subset, elements)) = subset(hart, op, op.rs1, tew) else {
        return Flow::Leave;
    };
    if !is_group(hart, op.rs2) {
        return not_a_group(hart, op);
    }
    for i in elements {
        let value = match tew {
            Sew::E8 => u64::from(hart.element::<u8>(op.rs2, i)),
            Sew::E16 => u64::from(hart.element::<u16>(op.rs2, i)),
            Sew::E32 => u64::from(hart.element::<u32>(op.rs2, i)),
            Sew::E64 => hart.element::<u64>(op.rs2, i),
        };
        let Some(tiles) = tiles(hart, env, op) else {
            return Flow::Leave;
        };
        subset.set(tiles, i, value);
    }
    hart.vstart = 0;
    Flow::Next
}

/// `vtzero`: `imm` is the tile.
pub(super) fn zero(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let mtype = hart.matrix.mtype;
    let Some(tew) = mtype.tew(hart.vtype.sew) else {
        return illegal(hart, op, "the matrix unit is not configured");
    };
    let tile = op.imm as u8;
    if !tile.is_multiple_of(tile_step(tew)) {
        return illegal(hart, op, "no such tile of elements of this width");
    }
    let columns = (hart.vl as usize).min(edge(tew));
    let Some(tiles) = tiles(hart, env, op) else {
        return Flow::Leave;
    };
    for row in 0..usize::from(mtype.tm) {
        for column in 0..columns {
            tiles.set(tew, tile, row, column, 0);
        }
    }
    hart.vstart = 0;
    Flow::Next
}

/// `vtdiscard`: tiles hold nothing of value; here they become zero, so that programs which read
/// them behave the same every time.
pub(super) fn discard(hart: &mut Hart, env: &mut Env, op: &Op) -> Flow {
    let Some(tiles) = tiles(hart, env, op) else {
        return Flow::Leave;
    };
    *tiles = Tiles::default();
    if let Some(machine) = &mut hart.machine {
        machine.discard_tiles();
    }
    Flow::Next
}
