//! The matrix extension Zvt 0.4 with TE = 32: tiles of 32 x 32 elements, and instructions that
//! multiply vectors into them.
//!
//! C += A^T B, where A and B are vectors of short rows and C stays in a tile. The names `tm`,
//! `tn`, `tk`, TEW, ETE and KMAX are those of the specification. The same multipliers serve
//! `xw.mma`, whose operands are all in vector registers.
//!
//! A hart has tiles if it has a matrix context: of a kernel's harts the first few of a core
//! (see [`crate::ChipConfig::matrix_contexts`]), of a bare program's hart while `mstatus.MS` is
//! not off. Without one, instructions that touch tiles are illegal; `mset*` are not.
//!
//! Not here: `altfmt` outside a configured matrix unit. `vset{i}vl{i}` refuses it.

mod bulk;
mod config;
mod multiply;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod x86;

use weft_isa::{Opcode, Sew};

use tile::Tiles;

use super::{Env, Handler, Hart, Level, Op, illegal, select};

/// TE: rows and columns of a tile whose elements have at most 32 bits.
const TE: usize = 32;

/// The CSR `mtype`: how the matrix unit is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MatrixType {
    /// Rows of A's transpose and of C, at most TE.
    pub(crate) tm: u16,
    /// Length of the dot products, at most KMAX.
    pub(crate) tk: u8,
    /// 0: not configured. Otherwise TEW is SEW times `1 << (widen - 1)`.
    pub(crate) widen: u8,
}

impl MatrixType {
    /// The fields in a value for the CSR; other bits are ignored.
    fn from_bits(bits: u64) -> Self {
        Self {
            tm: (bits >> 10) as u16 & 0x3fff,
            tk: (bits >> 5) as u8 & 7,
            widen: bits as u8 & 3,
        }
    }

    /// The value of the CSR.
    pub(crate) fn bits(self) -> u64 {
        u64::from(self.tm) << 10 | u64::from(self.tk) << 5 | u64::from(self.widen)
    }

    /// TEW for inputs of this width: none if not configured or wider than 64 bits.
    fn tew(self, sew: Sew) -> Option<Sew> {
        Sew::from_bits(sew.bits() << self.widen >> 1).filter(|_| self.widen != 0)
    }
}

/// Matrix state of a hart.
#[derive(Default)]
pub(crate) struct MatrixState {
    pub(crate) mtype: MatrixType,
    /// Made when the hart first touches a tile.
    tiles: Option<Box<Tiles>>,
}

impl MatrixState {
    /// The state at the begin of a program: not configured, tiles zero.
    pub(crate) fn clear(&mut self) {
        self.mtype = MatrixType::default();
        if let Some(tiles) = &mut self.tiles {
            **tiles = Tiles::default();
        }
    }
}

/// ETE: rows and columns of a tile.
const fn edge(tew: Sew) -> usize {
    match tew {
        Sew::E8 | Sew::E16 | Sew::E32 => TE,
        Sew::E64 => TE / 2,
    }
}

/// By how much the numbers of neighbouring tiles differ.
const fn tile_step(tew: Sew) -> u8 {
    match tew {
        Sew::E8 => 1,
        Sew::E16 | Sew::E64 => 2,
        Sew::E32 => 4,
    }
}

/// KMAX: the longest dot products of inputs of this width.
const fn dot_length_max(sew: Sew) -> usize {
    match sew {
        Sew::E8 => 4,
        Sew::E16 => 2,
        Sew::E32 | Sew::E64 => 1,
    }
}

/// The tiles of the hart, which its instruction may change; none, and the hart has stopped, if
/// it has no matrix context. Bare programs are kept from getting here by `mstatus.MS`.
fn tiles<'a>(hart: &'a mut Hart, env: &Env, op: &Op) -> Option<&'a mut Tiles> {
    if !env.bare && hart.warp >= env.constants.matrix_contexts {
        illegal(hart, op, "this hart has no matrix context");
        return None;
    }
    if let Some(machine) = &mut hart.machine {
        machine.touch_tiles();
    }
    Some(hart.matrix.tiles.get_or_insert_default())
}

/// The handler of an instruction of Zvt, with its immediate put into `op`; none for others.
pub(super) fn handler(opcode: Opcode, op: &mut Op, sew: Sew, level: Level) -> Option<Handler> {
    use Opcode as O;
    Some(match opcode {
        O::Msettn => config::set_tn,
        O::Msettm => config::set_tm,
        O::Msettk => config::set_tk,
        O::Msetmtype => config::set_type,
        O::Msetmtypei => {
            op.imm = config::immediate(op.word);
            config::set_type_immediate
        }
        O::Vtle8 | O::Vtle16 | O::Vtle32 | O::Vtle64 => {
            op.imm = i64::from(op.word >> 29);
            tile::load
        }
        O::Vtse8 | O::Vtse16 | O::Vtse32 | O::Vtse64 => {
            op.imm = i64::from(op.word >> 29);
            tile::store
        }
        O::VtmvVT => tile::move_to_vector,
        O::VtmvTV => tile::move_to_tile,
        O::Vtzero => {
            op.imm = tile_number(op.word);
            tile::zero
        }
        O::Vtdiscard => tile::discard,
        O::VtmmuTvv | O::VtmmsTvv => {
            op.imm = tile_number(op.word);
            multiply::integers(opcode == O::VtmmsTvv, level)
        }
        O::VtfmmTvv | O::VtfmmAltTvv => {
            op.imm = tile_number(op.word) & !1;
            match (opcode == O::VtfmmAltTvv, sew) {
                (false, Sew::E32 | Sew::E64) => select::<multiply::Wide>(level),
                (false, _) => select::<multiply::Narrow<false>>(level),
                (true, _) => select::<multiply::Narrow<true>>(level),
            }
        }
        _ => return None,
    })
}

fn tile_number(word: u32) -> i64 {
    i64::from(word >> 8 & 15)
}
