//! Passes from IR to better IR.
//!
//! In order, twice, because the second round sees what the first has cleared away:
//!
//! 1. [`value_numbering`]: one walk over the blocks in which every instruction is simplified by
//!    the rules of [`simplify`] and replaced by an earlier one that computes the same.
//! 2. [`control_flow`]: branches on constants become jumps; unreachable blocks go; block
//!    parameters with one possible value go; a block with one successor that has no other
//!    predecessor takes it in.
//! 3. [`dead_code`]: pure instructions and parameters that nothing needs go.
//!
//! Every pass is deterministic and takes time about proportional to the size of the function.
//! None moves, duplicates or removes an instruction that is not pure, except that code control
//! cannot reach goes.

mod control_flow;
mod dead_code;
mod simplify;
mod value_numbering;

use crate::ir::Unit;

/// Optimises every function of a unit.
pub fn optimise(unit: &mut Unit) {
    for index in 0..unit.functions.len() {
        let function = &mut unit.functions[index];
        for _ in 0..2 {
            value_numbering::run(function);
            control_flow::run(function);
            dead_code::run(function);
        }
    }
    if cfg!(debug_assertions)
        && let Err(errors) = crate::verify::verify(unit)
    {
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("optimising made ill-formed IR:\n{}", text.join("\n"));
    }
}
