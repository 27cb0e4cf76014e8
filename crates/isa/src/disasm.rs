//! Instructions to assembly text.
//!
//! The syntax is that of LLVM 22 without aliases (`llvm-mc -M no-aliases`), with one space
//! after the mnemonic and offsets of branches and jumps in bytes from the instruction. What
//! LLVM does not know (Xweft, our CSRs) is written in the same style.

use core::fmt;

use crate::field::Syntax;
use crate::inst::Inst;

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic().split_once("{nf}") {
            None => f.write_str(self.mnemonic())?,
            Some((before, after)) => {
                let fields = (self.assemble() >> 29) + 1;
                write!(f, "{before}{fields}{after}")?;
            }
        }
        self.show_operands(&mut Syntax::new(f))
    }
}
