//! The instruction type, derived from the table.

use crate::class::Class;
use crate::field::{self, Field, Implicit};
use crate::reg::{Access, Register};

/// What the table says of an instruction apart from its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which instruction.
    pub opcode: Opcode,
    /// Assembly mnemonic; `{nf}` stands for the number of fields of a segment.
    pub mnemonic: &'static str,
    /// The word with all operand bits zero.
    pub match_bits: u32,
    /// Bits of the word that are not operands.
    pub mask: u32,
    /// Its class.
    pub class: Class,
}

macro_rules! define_inst {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $mnemonic:literal [$match_bits:literal / $mask:literal]
        $({ $($field:ident: $slot:ident),* })? $(+ $implicit:ident)? $class:ident;
    )*) => {
        /// One instruction with its operands. Variants are the mnemonics in Pascal case
        /// without dots: `vadd.vv` is `VaddVv`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Inst {
            $(
                $(#[$doc])*
                $variant $({
                    $(
                        #[doc = concat!("See [`", stringify!($slot), "`](field::", stringify!($slot), ").")]
                        $field: <field::$slot as Field>::Value,
                    )*
                })?,
            )*
        }

        /// An instruction without its operands: the index of its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Opcode {
            $($(#[$doc])* $variant,)*
        }

        impl Opcode {
            /// Every instruction in table order: `ALL[o as usize] == o`.
            pub const ALL: [Self; ROWS.len()] = {
                let mut all = [ROWS[0].opcode; ROWS.len()];
                let mut i = 0;
                while i < all.len() {
                    all[i] = ROWS[i].opcode;
                    i += 1;
                }
                all
            };
        }

        /// The table.
        pub(crate) const ROWS: &[Row] = &[$(
            Row {
                opcode: Opcode::$variant,
                mnemonic: $mnemonic,
                match_bits: $match_bits,
                mask: $mask,
                class: Class::$class,
            },
        )*];

        /// Bits of the word that each row's operands occupy: their union, and whether no two
        /// of them share a bit.
        const OPERAND_BITS: &[(u32, bool)] = &[$({
            #[allow(unused_mut, reason = "rows without operands change nothing")]
            let mut union = (0u32, true);
            $($(
                union.1 &= union.0 & <field::$slot as Field>::MASK == 0;
                union.0 |= <field::$slot as Field>::MASK;
            )*)?
            union
        },)*];

        impl Inst {
            /// Which instruction it is.
            #[must_use]
            pub const fn opcode(self) -> Opcode {
                match self {
                    $(Self::$variant { .. } => Opcode::$variant,)*
                }
            }

            /// The operands of a word that is known to match the row of `opcode`; `None` if
            /// one of them is reserved.
            pub(crate) fn with_operands_of(opcode: Opcode, word: u32) -> Option<Self> {
                match opcode {
                    $(Opcode::$variant => Some(Self::$variant $({
                        $($field: field::$slot::extract(word)?,)*
                    })?),)*
                }
            }

            /// The word, with operands that do not fit cut off.
            pub(crate) fn assemble(self) -> u32 {
                match self {
                    $(Self::$variant $({ $($field),* })? =>
                        $match_bits $($(| field::$slot::insert($field))*)?,)*
                }
            }

            /// Name and value of the first operand that its field cannot hold.
            pub(crate) fn unfit_operand(self) -> Option<(&'static str, i64)> {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(
                            if !field::$slot::holds($field) {
                                return Some((stringify!($field), field::Operand::number($field)));
                            }
                        )*)?
                        None
                    })*
                }
            }

            /// Writes the operands in assembly syntax.
            pub(crate) fn show_operands(
                self,
                syntax: &mut field::Syntax<'_, '_>,
            ) -> core::fmt::Result {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(field::$slot::show($field, syntax)?;)*)?
                        $(<field::$implicit as Implicit>::show(syntax)?;)?
                        Ok(())
                    })*
                }
            }

            /// Calls `visit` for each register operand, in assembly order, with what the
            /// instruction does to it. `x0` is reported like any other, and so is `v0` of a
            /// masked instruction. A vector operand is reported as the first register of its
            /// group; CSRs, `vl` and `vtype` are not reported.
            pub fn for_each_register(self, mut visit: impl FnMut(Register, Access)) {
                let visit = &mut visit;
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(field::$slot::register($field, visit);)*)?
                        $(<field::$implicit as Implicit>::register(visit);)?
                    })*
                }
            }

            /// The instruction with each register operand replaced by what `map` gives for it.
            /// Operands come in assembly order; `v0` as the mask and the pairs of `amocas.q`
            /// are not asked for and stay as they are.
            ///
            /// # Panics
            ///
            /// If `map` answers with a register of another file.
            #[must_use]
            pub fn map_registers(self, mut map: impl FnMut(Register) -> Register) -> Self {
                let map = &mut map;
                match self {
                    $(Self::$variant $({ $($field),* })? => Self::$variant $({
                        $($field: field::$slot::map_register($field, map),)*
                    })?,)*
                }
            }
        }
    };
}

crate::for_each_inst!(define_inst);

impl Opcode {
    /// The instruction's row.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Assembly mnemonic; `{nf}` stands for the number of fields of a segment.
    #[must_use]
    pub const fn mnemonic(self) -> &'static str {
        self.row().mnemonic
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> Class {
        self.row().class
    }
}

impl Inst {
    /// Assembly mnemonic; `{nf}` stands for the number of fields of a segment.
    #[must_use]
    pub const fn mnemonic(self) -> &'static str {
        self.opcode().mnemonic()
    }

    /// What part of the chip the instruction keeps busy.
    #[must_use]
    pub const fn class(self) -> Class {
        self.opcode().class()
    }
}

// A decoded block is an array of these.
const _: () = assert!(size_of::<Inst>() <= 16);

// Operands and mask must share the word out between them, and the match lie in the mask.
const _: () = {
    let mut i = 0;
    while i < ROWS.len() {
        let (operands, disjoint) = OPERAND_BITS[i];
        assert!(disjoint, "two operands share a bit");
        assert!(
            operands == !ROWS[i].mask,
            "mask and operands do not make up the word"
        );
        assert!(ROWS[i].match_bits & operands == 0, "match has operand bits");
        i += 1;
    }
};
