//! The instruction set of the Weft chip: one table of instructions, from which encoding,
//! decoding and disassembly follow, and the kernel ABI.
//!
//! This is the only room that the compiler and the chip share. It promises that what one
//! encodes the other decodes to the same instruction and that both see the same [`abi`]. It
//! holds no execution semantics.
//!
//! ```
//! use weft_isa::{Inst, V, decode};
//!
//! let add = Inst::VaddVv { vd: V::new(8), vs2: V::new(9), vs1: V::new(10), vm: true };
//! assert_eq!(decode(add.encode()), Some(add));
//! ```
#![no_std]
#![forbid(unsafe_code)]

pub mod abi;
mod class;
mod compressed;
pub mod csr;
mod decode;
mod disasm;
mod encode;
pub mod field;
mod inst;
pub mod matrix;
pub mod reg;
mod table;
pub mod texture;
pub mod vtype;

pub use class::Class;
pub use compressed::decode_compressed;
pub use decode::{decode, instruction_length};
pub use encode::EncodeError;
pub use field::{MemoryOrder, RoundingMode};
pub use inst::{Inst, Opcode, Row};
pub use matrix::MatrixForm;
pub use reg::{Access, F, Register, V, X};
pub use vtype::{Lmul, Sew, VType};
