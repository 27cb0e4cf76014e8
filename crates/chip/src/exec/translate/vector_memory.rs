//! Vector loads and stores (V 7).

use super::super::vec_mem::{
    self, FaultFirst, Indexed, Move, MoveKept, MoveWhole, Strided, Unit, UnitMove, segment,
};
use super::super::{Handler, select, select_cold, select_wide};
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
use super::super::{Level, indexed::IndexedWhole};
use super::operands::{Choice, Group, Problem};

impl Choice {
    /// The handler of a word that [`is_vector_memory`](super::immediate::is_vector_memory).
    pub(super) fn vector_memory(&mut self) -> Option<Handler> {
        let word = self.op.word;
        let store = word & 0x7f == 0x27;
        let fields = (word >> 29) as u8 + 1;
        let width_log2 = match word >> 12 & 7 {
            0 => 0,
            5 => 1,
            6 => 2,
            _ => 3,
        };
        let mode = word >> 26 & 3;
        let submode = word >> 20 & 31;
        if mode == 0 && submode == 8 {
            // Whole registers: no vtype. The count is in the field of segment fields.
            if !self.op.rd.is_multiple_of(fields) {
                self.problem = Some(Problem::Group);
            }
            self.op.imm = i64::from(fields);
            self.op.rs3 = 1 << width_log2;
            return Some(if store {
                vec_mem::store_registers
            } else {
                vec_mem::load_registers
            });
        }
        if self.vtype.vill {
            self.problem = Some(Problem::Type);
            return None;
        }
        if mode == 0 && submode == 11 {
            return Some(if store {
                vec_mem::store_mask
            } else {
                vec_mem::load_mask
            });
        }
        let indexed = mode & 1 == 1;
        let sew_log2 = self.vtype.sew.log2_bytes() as i8;
        let lmul = self.vtype.lmul.log2();
        let (data_log2, data_lmul) = if indexed {
            (sew_log2, lmul)
        } else {
            (width_log2, width_log2 - sew_log2 + lmul)
        };
        let registers = self.group_at(self.op.rd, data_lmul);
        if fields * registers > 8 || self.op.rd + fields * registers > 32 {
            self.problem = Some(Problem::Group);
        }
        let index_lmul = width_log2 - sew_log2 + lmul;
        if indexed {
            self.group_at(self.op.rs2, index_lmul);
        }
        if !store && self.problem.is_none() {
            let index = Group::new(self.op.rs2, index_lmul);
            let clobbered = (0..fields).any(|field| {
                let data = Group::new(self.op.rd + field * registers, data_lmul);
                data.clobbers(index) || fields > 1 && data.meets(index)
            });
            if !self.op.vm && self.op.rd == 0 || indexed && clobbered {
                self.problem = Some(Problem::Overlap);
            }
        }
        self.op.imm = segment(fields, registers);
        self.op.rs3 = 1 << data_log2;
        let level = self.level;
        macro_rules! by_data {
            ($select:ident: $($kernel:ty),*) => {
                match data_log2 {
                    0 => {
                        type T = u8;
                        $select::<$($kernel),*>(level)
                    }
                    1 => {
                        type T = u16;
                        $select::<$($kernel),*>(level)
                    }
                    2 => {
                        type T = u32;
                        $select::<$($kernel),*>(level)
                    }
                    _ => {
                        type T = u64;
                        $select::<$($kernel),*>(level)
                    }
                }
            };
        }
        macro_rules! by_fields {
            ($addressing:ty, $store:literal) => {
                if fields == 1 {
                    by_data!(select_wide:
                        Move<$addressing, T, $store>, MoveWhole<$addressing, T, $store>)
                } else {
                    by_data!(select: Move<$addressing, T, $store>)
                }
            };
        }
        macro_rules! by_index {
            ($store:literal) => {{
                #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
                if fields == 1 && width_log2 == 2 && level == Level::V4 {
                    return Some(by_data!(select_wide:
                        Move<Indexed<u32>, T, $store>, IndexedWhole<T, $store>));
                }
                if fields == 1 {
                    self.kept = Some(by_data!(select_wide:
                        MoveKept<T, $store, false>, MoveKept<T, $store, true>));
                }
                match width_log2 {
                    0 => by_fields!(Indexed<u8>, $store),
                    1 => by_fields!(Indexed<u16>, $store),
                    2 => by_fields!(Indexed<u32>, $store),
                    _ => by_fields!(Indexed<u64>, $store),
                }
            }};
        }
        Some(match (mode, store) {
            (0, false) if submode == 16 => match data_log2 {
                0 => select_cold::<FaultFirst<u8>>(),
                1 => select_cold::<FaultFirst<u16>>(),
                2 => select_cold::<FaultFirst<u32>>(),
                _ => select_cold::<FaultFirst<u64>>(),
            },
            (0, false) if fields == 1 => {
                by_data!(select_wide: UnitMove<T, false, false>, UnitMove<T, false, true>)
            }
            (0, true) if fields == 1 => {
                by_data!(select_wide: UnitMove<T, true, false>, UnitMove<T, true, true>)
            }
            (0, false) => by_data!(select: Move<Unit, T, false>),
            (0, true) => by_data!(select: Move<Unit, T, true>),
            (2, false) => by_fields!(Strided, false),
            (2, true) => by_fields!(Strided, true),
            (_, false) => by_index!(false),
            (_, true) => by_index!(true),
        })
    }
}
