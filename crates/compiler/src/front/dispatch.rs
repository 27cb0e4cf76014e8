//! Which opcode is translated by what: the list of the instructions the compiler knows.

use super::function::{Ins, Lowering};
use super::{
    async_copy, atomics, compare, control, convert, data, find_set, float, int, logic,
    matrix_memory, mbarrier, memory, mma, texture, video, video_simd, warp, wmma,
};
use crate::ErrorKind;

/// How an instruction is kept from taking effect in threads whose guard is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guarding {
    /// It is computed everywhere; each register it writes keeps its old value where the guard
    /// is false.
    Select,
    /// It is branched around.
    Branch,
}

type Lower =
    for<'c, 't, 'a> fn(&mut Lowering<'c, 't, 'a>, &mut Ins<'t, 'a>) -> Result<(), ErrorKind>;

/// How an opcode is translated.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) guarding: Guarding,
    pub(super) lower: Lower,
}

/// The entry of an opcode the compiler knows.
pub(super) fn find(opcode: &str) -> Option<Entry> {
    use Guarding::{Branch, Select};
    let (guarding, lower): (Guarding, Lower) = match opcode {
        // 9.7.1 to 9.7.5: arithmetic
        "add" => (Select, |f, i| by_type(f, i, float::add, int::add)),
        "sub" => (Select, |f, i| by_type(f, i, float::sub, int::sub)),
        "mul" => (Select, |f, i| by_type(f, i, float::mul, int::mul)),
        "mad" => (Select, |f, i| by_type(f, i, float::fma, int::mad)),
        "div" => (Select, |f, i| by_type(f, i, float::div, int::div)),
        "min" => (Select, |f, i| by_type(f, i, float::min, int::min)),
        "max" => (Select, |f, i| by_type(f, i, float::max, int::max)),
        "abs" => (Select, |f, i| by_type(f, i, float::abs, int::abs)),
        "neg" => (Select, |f, i| by_type(f, i, float::neg, int::neg)),
        "rem" => (Select, int::rem),
        "mul24" => (Select, int::mul24),
        "mad24" => (Select, int::mad24),
        "sad" => (Select, int::sad),
        "addc" => (Select, int::addc),
        "subc" => (Select, int::subc),
        "madc" => (Select, int::madc),
        "popc" => (Select, int::popc),
        "clz" => (Select, int::clz),
        "bfind" => (Select, int::bfind),
        "fns" => (Select, find_set::fns),
        "dp4a" => (Select, int::dp4a),
        "dp2a" => (Select, int::dp2a),
        "fma" => (Select, float::fma),
        "rcp" => (Select, float::rcp),
        "sqrt" => (Select, float::sqrt),
        "rsqrt" => (Select, float::rsqrt),
        "sin" => (Select, float::sin),
        "cos" => (Select, float::cos),
        "lg2" => (Select, float::lg2),
        "ex2" => (Select, float::ex2),
        "tanh" => (Select, float::tanh),
        "copysign" => (Select, float::copysign),
        "testp" => (Select, float::testp),
        // 9.7.6, 9.7.7: comparison and selection
        "setp" => (Select, compare::setp),
        "set" => (Select, compare::set),
        "selp" => (Select, compare::selp),
        "slct" => (Select, compare::slct),
        // 9.7.8: logic and shifts, with the bit fields of 9.7.1
        "and" => (Select, logic::and),
        "or" => (Select, logic::or),
        "xor" => (Select, logic::xor),
        "not" => (Select, logic::not),
        "cnot" => (Select, logic::cnot),
        "lop3" => (Select, logic::lop3),
        "shl" => (Select, logic::shl),
        "shr" => (Select, logic::shr),
        "shf" => (Select, logic::shf),
        "bfe" => (Select, logic::bfe),
        "bfi" => (Select, logic::bfi),
        "brev" => (Select, logic::brev),
        "bmsk" => (Select, logic::bmsk),
        "szext" => (Select, logic::szext),
        "prmt" => (Select, logic::prmt),
        // 9.7.9: data movement
        "mov" => (Select, data::mov),
        "cvt" => (Select, convert::cvt),
        "cvta" => (Select, data::cvta),
        "isspacep" => (Select, data::isspacep),
        "ld" | "ldu" => (Branch, memory::ld),
        "st" => (Branch, memory::st),
        "prefetch" | "prefetchu" | "discard" | "applypriority" => (Branch, memory::prefetch),
        "createpolicy" => (Select, memory::createpolicy),
        "cp" => (Branch, async_copy::cp),
        "shfl" => (Branch, warp::shfl),
        // 9.7.10, 9.7.11: textures and surfaces
        "tex" => (Branch, texture::tex),
        "tld4" => (Branch, texture::tld4),
        "txq" | "suq" => (Branch, texture::query),
        "suld" => (Branch, texture::suld),
        "sust" => (Branch, texture::sust),
        "sured" => (Branch, texture::sured),
        // 9.7.13: control flow
        "bra" => (Branch, control::bra),
        "brx" => (Branch, control::brx),
        "call" => (Branch, control::call),
        "ret" => (Branch, control::ret),
        "exit" => (Branch, control::exit),
        "trap" | "brkpt" => (Branch, control::trap),
        // 9.7.14: synchronisation
        "bar" | "barrier" => (Branch, warp::bar),
        "membar" | "fence" => (Branch, memory::fence),
        "atom" => (Branch, atomics::atom),
        "red" => (Branch, atomics::red),
        "vote" => (Branch, warp::vote),
        "match" => (Branch, warp::match_sync),
        "redux" => (Branch, warp::redux),
        "activemask" => (Branch, warp::activemask),
        "mma" => (Branch, mma::mma),
        "wmma" => (Branch, wmma::wmma),
        "ldmatrix" => (Branch, matrix_memory::ldmatrix),
        "stmatrix" => (Branch, matrix_memory::stmatrix),
        "movmatrix" => (Branch, matrix_memory::movmatrix),
        "elect" => (Branch, warp::elect),
        "mbarrier" => (Branch, mbarrier::mbarrier),
        // 9.7.19: video
        "vadd" | "vsub" | "vabsdiff" | "vmin" | "vmax" => (Select, video::arithmetic),
        "vshl" | "vshr" => (Select, video::shift),
        "vset" => (Select, video::set),
        "vmad" => (Select, video::mad),
        "vadd2" | "vsub2" | "vavrg2" | "vabsdiff2" | "vmin2" | "vmax2" | "vadd4" | "vsub4"
        | "vavrg4" | "vabsdiff4" | "vmin4" | "vmax4" => (Select, video_simd::arithmetic),
        "vset2" | "vset4" => (Select, video_simd::set),
        // Nothing, by definition
        "nanosleep" | "pmevent" | "griddepcontrol" | "setmaxnreg" => (Select, control::nothing),
        _ => return None,
    };
    Some(Entry { guarding, lower })
}

fn by_type<'c, 't, 'a>(
    f: &mut Lowering<'c, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
    float: Lower,
    int: Lower,
) -> Result<(), ErrorKind> {
    if float::is_float(ins) {
        float(f, ins)
    } else {
        int(f, ins)
    }
}
