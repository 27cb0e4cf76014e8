//! Blocks of decoded instructions, found by address and vector type, and chained.
//!
//! A block is straight-line code: it ends after a jump, a branch or an instruction after which
//! `vtype` is not known, or when it is long. Ops in it are specialised for the `vtype` that is
//! current where they stand, so blocks are keyed by address and `vtype` at entry. How often
//! each block ran gives the instruction mix of a launch without counting instructions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "lengths and halves of words"
)]

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use weft_isa::{Class, Inst, VType, decode, decode_compressed, instruction_length};

use crate::env::Env;
use crate::exec::reuse::Reuse;
use crate::exec::{Flow, Level, Op, Translated, translate};
use crate::fault::FaultKind;
use crate::hart::{Hart, Stop};
use crate::jit::{Entry, HEAT, Region, Source};
use crate::machine::Enabled;
use crate::program::Image;
use crate::report::{ClassCounts, MemoryTraffic};

/// Most instructions of a block.
const BLOCK_LENGTH_MAX: usize = 64;

/// Index of a block in its [`Translation`].
type BlockIndex = u32;

/// A remembered successor.
#[derive(Clone, Copy)]
struct Link {
    pc: u64,
    vtype: VType,
    block: BlockIndex,
}

struct Block {
    ops: Box<[Op]>,
    /// The vector type at its beginning.
    begin_vtype: VType,
    /// Address after the last instruction.
    end: u64,
    /// The vector type at its end.
    vtype: VType,
    /// It ends with an instruction after which neither that nor the next address is known.
    opaque: bool,
    /// Host code of the region that begins here.
    compiled: Option<Entry>,
    /// How often it may still be begun before that is made; below 0: never.
    cold: Cell<i64>,
    /// Instructions by class.
    classes: Box<[(Class, u32)]>,
    /// Times it was begun since the counts were last taken.
    runs: Cell<u64>,
    /// The two successors seen first or last.
    links: [Cell<Option<Link>>; 2],
}

/// How a program is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Host instructions that may be used.
    pub(crate) level: Level,
    /// Most instructions of a block; 1 makes every instruction a block of its own.
    pub(crate) block_length_max: usize,
    /// Extensions without which an instruction is illegal.
    pub(crate) enabled: Enabled,
    /// How often a block is begun before the loop that it is in is compiled to host code; 0 compiles
    /// every block when it is first seen, so that all execution is of compiled code.
    pub(crate) heat: Option<u32>,
}

impl Mode {
    /// As kernels run: everything on.
    pub(crate) fn of_kernels(level: Level) -> Self {
        Self {
            level,
            block_length_max: BLOCK_LENGTH_MAX,
            enabled: Enabled::ALL,
            heat: HEAT,
        }
    }
}

/// The decoded form of one program, for one host thread.
pub(crate) struct Translation {
    image: Arc<Image>,
    mode: Mode,
    blocks: Vec<Block>,
    index: HashMap<(u64, u64), BlockIndex>,
    regions: Vec<Region>,
    /// Instructions of blocks begun that a fault kept from being executed.
    unexecuted: ClassCounts,
}

impl Translation {
    pub(crate) fn new(image: Arc<Image>, mode: Mode) -> Self {
        Self {
            image,
            mode,
            blocks: Vec::new(),
            index: HashMap::new(),
            regions: Vec::new(),
            unexecuted: ClassCounts::default(),
        }
    }

    /// See [`Runner::run`].
    pub(crate) fn run(&mut self, hart: &mut Hart, env: &mut Env, budget: i64) -> i64 {
        let mut left = budget;
        hart.stop = Stop::None;
        let Some(mut current) = self.enter(hart) else {
            return left;
        };
        loop {
            let block = &self.blocks[current as usize];
            if let Some(entry) = block.compiled {
                // SAFETY: hart and env are what the code was made for; the ops that it refers to
                // belong to blocks of this translation.
                left = unsafe { entry(hart, env, left, &raw mut current) };
            } else {
                let length = block.ops.len();
                block.runs.set(block.runs.get() + 1);
                hart.retired += length as u64;
                hart.pc = block.end;
                left -= length as i64;
                for op in &block.ops {
                    // SAFETY: the translation was made for a level that the host has.
                    if unsafe { (op.handler)(hart, env, op) } == Flow::Leave {
                        break;
                    }
                }
                let cold = block.cold.get() - 1;
                block.cold.set(cold);
                if cold == 0 {
                    self.compile(current);
                }
            }
            if left <= 0 || hart.stop != Stop::None {
                if let Stop::Fault { pc, .. } | Stop::Refetch { pc } = hart.stop {
                    self.take_back(hart, current, pc);
                }
                return left;
            }
            let [first, second] = &self.blocks[current as usize].links;
            let matches = |link: &Link| link.pc == hart.pc && link.vtype == hart.vtype;
            current = match (first.get(), second.get()) {
                (Some(link), _) if matches(&link) => link.block,
                (_, Some(link)) if matches(&link) => link.block,
                _ => {
                    let Some(next) = self.enter(hart) else {
                        return left;
                    };
                    let block = &self.blocks[current as usize];
                    let link = Link {
                        pc: hart.pc,
                        vtype: hart.vtype,
                        block: next,
                    };
                    // The first link keeps what came first: of a loop, the way back.
                    let slot = usize::from(block.links[0].get().is_some());
                    block.links[slot].set(Some(link));
                    next
                }
            };
        }
    }

    /// Compiles the region that begins with a block, if it can be.
    #[cold]
    fn compile(&mut self, head: BlockIndex) {
        let find = |pc, vtype: VType| self.index.get(&(pc, vtype.encode())).copied();
        let source = |number: BlockIndex| {
            let block = &self.blocks[number as usize];
            Source {
                ops: &block.ops,
                begin_vtype: block.begin_vtype,
                end: block.end,
                vtype: block.vtype,
                opaque: block.opaque,
            }
        };
        if let Some(region) = Region::compile(head, find, source) {
            self.blocks[head as usize].compiled = Some(region.entry());
            self.regions.push(region);
        }
    }

    /// Uncounts the instruction at `pc`, which was not completed, and those after it in its
    /// block.
    #[cold]
    fn take_back(&mut self, hart: &mut Hart, block: BlockIndex, pc: u64) {
        let ops = &self.blocks[block as usize].ops;
        let first = ops.iter().position(|op| op.pc == pc).unwrap_or(ops.len());
        hart.retired -= (ops.len() - first) as u64;
        for op in &ops[first..] {
            // As they were counted: what is switched off is an illegal instruction, of no class.
            if let Some(inst) = decode(op.word).filter(|inst| self.mode.enabled.allow(*inst)) {
                self.unexecuted[inst.class()] += 1;
            }
        }
    }

    /// Adds the instructions executed since the last call to `counts`, and the bytes that were moved
    /// without the [`Env`] knowing to `traffic`.
    pub(crate) fn take_counts(&mut self, counts: &mut ClassCounts, traffic: &mut MemoryTraffic) {
        let unexecuted = std::mem::take(&mut self.unexecuted);
        for region in &self.regions {
            for (number, runs) in region.take_runs(traffic) {
                let block = &self.blocks[number as usize];
                block.runs.set(block.runs.get() + runs);
            }
        }
        for block in &self.blocks {
            let runs = block.runs.take();
            if runs != 0 {
                for &(class, count) in &block.classes {
                    counts[class] += runs * u64::from(count);
                }
            }
        }
        for (class, count) in unexecuted.iter() {
            counts[class] -= count;
        }
    }

    /// The block at the hart's `pc`; the hart has stopped with a fault if there is none.
    fn enter(&mut self, hart: &mut Hart) -> Option<BlockIndex> {
        let key = (hart.pc, hart.vtype.encode());
        if let Some(&block) = self.index.get(&key) {
            return Some(block);
        }
        let block = self.decode_block(hart.pc, hart.vtype);
        if block.ops.is_empty() {
            let kind = FaultKind::InstructionAddress;
            hart.stop = Stop::Fault {
                kind,
                pc: hart.pc,
                lane: None,
            };
            return None;
        }
        let next = BlockIndex::try_from(self.blocks.len()).ok()?;
        self.blocks.push(block);
        self.index.insert(key, next);
        if self.mode.heat == Some(0) {
            self.compile(next);
        }
        Some(next)
    }

    fn decode_block(&self, begin: u64, mut vtype: VType) -> Block {
        let begin_vtype = vtype;
        let mut ops = Vec::new();
        let mut counts = ClassCounts::default();
        let mut pc = begin;
        let mut reuse = Reuse::default();
        let mut opaque = false;
        while ops.len() < self.mode.block_length_max {
            let Some(word) = self.image.word(pc) else {
                break;
            };
            let (inst, word, bytes) = fetch(word);
            let inst = inst.filter(|inst| self.mode.enabled.allow(*inst));
            let Translated {
                mut op,
                ends_block,
                vtype: after,
                kept,
            } = translate(inst, word, bytes, pc, vtype, self.mode.level);
            pc = op.next_pc();
            if let Some(inst) = inst {
                counts[inst.class()] += 1;
                reuse.visit(inst, &mut op, kept, vtype);
            }
            ops.push(op);
            vtype = after;
            if ends_block {
                opaque = !is_jump(word);
                break;
            }
        }
        let classes = counts
            .iter()
            .filter(|&(_, count)| count != 0)
            .map(|(class, count)| (class, count as u32))
            .collect();
        Block {
            ops: ops.into(),
            begin_vtype,
            end: pc,
            vtype,
            opaque,
            compiled: None,
            cold: Cell::new(self.mode.heat.map_or(-1, i64::from)),
            classes,
            runs: Cell::new(0),
            links: [Cell::new(None), Cell::new(None)],
        }
    }
}

/// Whether a word is a branch, `jal` or `jalr`.
fn is_jump(word: u32) -> bool {
    matches!(word & 0x7f, 0x63 | 0x67 | 0x6f)
}

/// The instruction that begins with these bits, the word that it came from, and its size.
/// A 16-bit instruction is given as the word of what it stands for.
pub(crate) fn fetch(word: u32) -> (Option<Inst>, u32, u8) {
    match instruction_length(word as u16) {
        Some(2) => {
            let inst = decode_compressed(word as u16);
            let expanded = inst.map(Inst::encode);
            (inst, expanded.unwrap_or(word & 0xffff), 2)
        }
        _ => (decode(word), word, 4),
    }
}
