//! Compiling hot loops to host code.
//!
//! A *region* is a set of blocks that jump to each other. It becomes one host function: integer
//! registers live in host registers between its entry and its exits, integer instructions, jumps
//! and scalar memory accesses are host code, and everything else is a call of the same body that
//! the interpreter calls, but for integer instructions on whole warps, which are host code where
//! the host has AVX-512 ([`warp`]). Results, faults, counters and the points at which harts take
//! turns are those of the interpreter.
//!
//! Blocks that end the turn of a hart or touch CSRs are not part of regions.

mod emit;
mod host;
mod integer;
mod memory;
mod warp;

use std::cell::Cell;

use weft_isa::{Inst, VType, decode};

use crate::env::Env;
use crate::exec::Op;
use crate::exec::access::Counter;
use crate::hart::Hart;
use crate::report::MemoryTraffic;
use host::HostCode;
use memory::Scalar;

/// Runs a region from its first block on: until it is left, `left` instructions have been begun,
/// or an instruction stops the hart. Returns what is left and writes the number of the last block,
/// of those that the region was made of, to `last`.
pub(crate) type Entry =
    unsafe extern "C" fn(hart: *mut Hart, env: *mut Env, left: i64, last: *mut u32) -> i64;

/// How often a block is begun before its loop is compiled, which takes milliseconds. Builds with
/// debug assertions compile early, so that every test of the chip is one of compiled code too.
pub(crate) const HEAT: Option<u32> = Some(if cfg!(debug_assertions) { 4 } else { 20_000 });

/// Most blocks of a region.
const BLOCKS_MAX: usize = 64;

/// A block as the compiler sees it.
pub(crate) struct Source<'a> {
    pub(crate) ops: &'a [Op],
    /// The vector type at its beginning.
    pub(crate) begin_vtype: VType,
    /// Address after the last instruction.
    pub(crate) end: u64,
    /// The vector type at its end.
    pub(crate) vtype: VType,
    /// It ends with an instruction after which neither that nor the next address is known.
    pub(crate) opaque: bool,
}

/// Where control goes after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// To the address after the block.
    Next,
    /// To a fixed address.
    Jump(u64),
    /// To one address if taken, else to the one after the block.
    Branch(u64),
    /// To an address in a register.
    Indirect,
}

impl Source<'_> {
    /// Whether all instructions can be part of a region.
    pub(crate) fn is_fit(&self) -> bool {
        // Not: system, the custom instructions of the core, fences.
        let fit = |op: &Op| !matches!(op.word & 0x7f, 0x73 | 0x0b | 0x0f);
        !self.opaque
            && self
                .ops
                .iter()
                .all(|op| fit(op) && decode(op.word).is_some())
    }

    fn exit(&self) -> Exit {
        let Some(last) = self.ops.last() else {
            return Exit::Next;
        };
        match last.word & 0x7f {
            0x63 => Exit::Branch(last.imm.cast_unsigned()),
            0x6f => Exit::Jump(last.imm.cast_unsigned()),
            0x67 => Exit::Indirect,
            _ => Exit::Next,
        }
    }

    /// Addresses that control may go to, as far as they are known.
    fn successors(&self) -> impl Iterator<Item = u64> {
        let (first, second) = match self.exit() {
            Exit::Next => (Some(self.end), None),
            Exit::Jump(target) => (Some(target), None),
            Exit::Branch(target) => (Some(target), Some(self.end)),
            Exit::Indirect => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// What a region did since that was last taken. Host code adds to the cells, which stay where they
/// are.
struct Tally {
    /// The numbers of its blocks, and how often each was begun; of a single block, how many
    /// instructions it began.
    runs: Box<[(u32, Cell<u64>)]>,
    /// What a run counts for.
    run: u64,
    /// Bytes that each block's host code moves when it runs.
    moved: Box<[[u64; Counter::COUNT]]>,
    /// Bytes of that which were not moved, or which the interpreter's bodies counted.
    unmoved: Box<[Cell<u64>; Counter::COUNT]>,
}

impl Tally {
    fn new(blocks: &[(u32, Source<'_>)]) -> Self {
        let moved = |block: &Source<'_>| {
            let mut moved = [0; Counter::COUNT];
            for access in block.ops.iter().filter_map(Scalar::of) {
                let (counter, bytes) = access.counted();
                moved[counter.index()] += bytes;
            }
            moved
        };
        Self {
            runs: blocks
                .iter()
                .map(|(number, _)| (*number, Cell::new(0)))
                .collect(),
            run: match blocks {
                [(_, block)] => block.ops.len() as u64,
                _ => 1,
            },
            moved: blocks.iter().map(|(_, block)| moved(block)).collect(),
            unmoved: Box::new(std::array::from_fn(|_| Cell::new(0))),
        }
    }
}

/// A compiled region.
pub(crate) struct Region {
    code: HostCode,
    /// Functions that it calls.
    _warp_code: Option<HostCode>,
    tally: Tally,
}

impl Region {
    /// Compiles the region that begins with block `head`. `find` gives the number of the block at
    /// an address and vector type, if it has been decoded, and `source` a block by its number.
    ///
    /// None if `head` cannot be part of a region, or the host is not one that code can be made
    /// for.
    pub(crate) fn compile<'a>(
        head: u32,
        find: impl Fn(u64, VType) -> Option<u32>,
        source: impl Fn(u32) -> Source<'a>,
    ) -> Option<Self> {
        let mut blocks = Vec::new();
        let mut pending = vec![head];
        while let Some(number) = pending.pop() {
            let block = source(number);
            let known = blocks.iter().any(|(other, _)| *other == number);
            if known || blocks.len() == BLOCKS_MAX || !block.is_fit() {
                continue;
            }
            pending.extend(block.successors().filter_map(|pc| find(pc, block.vtype)));
            blocks.push((number, block));
        }
        if blocks.is_empty() {
            return None;
        }
        let tally = Tally::new(&blocks);
        let index = |pc, vtype| {
            let number = find(pc, vtype)?;
            blocks.iter().position(|(other, _)| *other == number)
        };
        let mut warp_code = Vec::new();
        let warp_runs: Vec<_> = blocks
            .iter()
            .map(|(_, block)| warp::Runs::of(block, &mut warp_code))
            .collect();
        let warp_code = if warp_code.is_empty() {
            None
        } else {
            Some(HostCode::new(&warp_code)?)
        };
        let functions = warp_code.as_ref().map_or(std::ptr::null(), HostCode::start);
        let code = emit::compile(&blocks, &tally, (functions, &warp_runs), index)?;
        Some(Self {
            code: HostCode::new(&code)?,
            _warp_code: warp_code,
            tally,
        })
    }

    /// The function.
    pub(crate) fn entry(&self) -> Entry {
        // SAFETY: the code was generated with this signature.
        unsafe { std::mem::transmute::<*const u8, Entry>(self.code.start()) }
    }

    /// Gives number and count of the blocks begun since the last call, and adds the bytes that they
    /// moved and nothing else has counted.
    pub(crate) fn take_runs(
        &self,
        traffic: &mut MemoryTraffic,
    ) -> impl Iterator<Item = (u32, u64)> {
        let Tally {
            runs,
            run,
            moved,
            unmoved,
        } = &self.tally;
        for counter in Counter::all() {
            let index = counter.index();
            let ran = runs.iter().zip(moved);
            let bytes: u64 = ran
                .map(|((_, runs), moved)| runs.get() * moved[index])
                .sum();
            *counter.of(traffic) += bytes - unmoved[index].take();
        }
        runs.iter()
            .map(move |(number, runs)| (*number, runs.take() / run))
    }
}

/// The instruction of an op of a region.
fn instruction(op: &Op) -> Inst {
    decode(op.word).expect("Source::is_fit has decoded it")
}
