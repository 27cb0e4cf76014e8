//! What stands for the compiler of hot loops in builds without the feature `jit`: nothing is
//! compiled.

use weft_isa::VType;

use crate::env::Env;
use crate::exec::Op;
use crate::hart::Hart;
use crate::report::MemoryTraffic;

/// How often a block is begun before its loop is compiled: never.
pub(crate) const HEAT: Option<u32> = None;

/// See the feature `jit`.
pub(crate) type Entry =
    unsafe extern "C" fn(hart: *mut Hart, env: *mut Env, left: i64, last: *mut u32) -> i64;

/// A block as the compiler sees it.
#[expect(dead_code, reason = "nobody looks at it")]
pub(crate) struct Source<'a> {
    pub(crate) ops: &'a [Op],
    pub(crate) begin_vtype: VType,
    pub(crate) end: u64,
    pub(crate) vtype: VType,
    pub(crate) opaque: bool,
}

/// There is none.
pub(crate) enum Region {}

impl Region {
    pub(crate) fn compile<'a>(
        _: u32,
        _: impl Fn(u64, VType) -> Option<u32>,
        _: impl Fn(u32) -> Source<'a>,
    ) -> Option<Self> {
        None
    }

    pub(crate) fn entry(&self) -> Entry {
        match *self {}
    }

    pub(crate) fn take_runs(&self, _: &mut MemoryTraffic) -> impl Iterator<Item = (u32, u64)> {
        std::iter::empty()
    }
}
