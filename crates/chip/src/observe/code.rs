//! Decoded code for observed execution, and the loop that executes and records it.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "indices of blocks and lengths of blocks"
)]

use std::collections::HashMap;
use std::sync::Arc;

use weft_isa::VType;

use super::access::{self, Banks, Form, Surroundings};
use super::cost::{Costs, Kind, OpInfo};
use crate::block::fetch;
use crate::chipfile::ChipFile;
use crate::core::Runner;
use crate::env::Env;
use crate::exec::{Flow, Level, Op, Translated, translate};
use crate::fault::FaultKind;
use crate::hart::{Hart, Stop};
use crate::program::Image;

/// Most instructions of a block.
const BLOCK_LENGTH_MAX: usize = 64;

/// What must be recorded before an instruction executes.
#[derive(Clone, Copy)]
enum Probe {
    None,
    Memory { form: Form, atomic: bool },
    Barrier,
}

struct Block {
    ops: Box<[(Op, Probe)]>,
    /// Index of the first instruction's [`OpInfo`].
    first: u32,
    /// Address after the last instruction.
    end: u64,
    /// The successor seen last: address, vector type, block.
    next: Option<(u64, VType, u32)>,
}

/// The decoded form of a program, with what each instruction costs.
pub(crate) struct ObservedCode {
    image: Arc<Image>,
    level: Level,
    costs: Costs,
    surroundings: Surroundings,
    banks: Box<Banks>,
    blocks: Vec<Block>,
    index: HashMap<(u64, u64), u32>,
    infos: Vec<OpInfo>,
}

/// What a warp did and no model has looked at yet.
#[derive(Default)]
pub(crate) struct WarpRecord {
    blocks: Vec<u32>,
    next_block: usize,
    words: Vec<u64>,
    next_word: usize,
}

impl WarpRecord {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.words.clear();
        (self.next_block, self.next_word) = (0, 0);
    }

    /// The next block that the warp ran, if it is known already.
    pub(crate) fn take_block(&mut self) -> Option<u32> {
        let block = self.blocks.get(self.next_block).copied();
        match block {
            Some(_) => self.next_block += 1,
            None => {
                self.blocks.clear();
                self.words.drain(..self.next_word);
                (self.next_block, self.next_word) = (0, 0);
            }
        }
        block
    }

    /// Recorded words from the next on.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words[self.next_word..]
    }

    /// Passes over words that were used.
    pub(crate) fn skip_words(&mut self, count: usize) {
        self.next_word += count;
    }
}

impl ObservedCode {
    pub(crate) fn new(
        image: Arc<Image>,
        level: Level,
        chip: &ChipFile,
        device: (u64, u64),
    ) -> Self {
        Self {
            image,
            level,
            costs: Costs::new(chip),
            surroundings: Surroundings {
                device,
                banks: chip.scratchpad.banks.value,
            },
            banks: Box::new(Banks::new()),
            blocks: Vec::new(),
            index: HashMap::new(),
            infos: Vec::new(),
        }
    }

    /// Indices of the instructions of a block.
    pub(crate) fn block(&self, block: u32) -> (u32, u32) {
        let block = &self.blocks[block as usize];
        (block.first, block.first + block.ops.len() as u32)
    }

    /// What is known of every instruction reached so far.
    pub(crate) fn infos(&self) -> &[OpInfo] {
        &self.infos
    }

    /// The block at the hart's `pc`; the hart has stopped with a fault if there is none.
    fn enter(&mut self, hart: &mut Hart) -> Option<u32> {
        let key = (hart.pc, hart.vtype.encode());
        if let Some(&block) = self.index.get(&key) {
            return Some(block);
        }
        let block = self.decode_block(hart.pc, hart.vtype);
        if block.ops.is_empty() {
            hart.stop = Stop::Fault {
                kind: FaultKind::InstructionAddress,
                pc: hart.pc,
                lane: None,
            };
            return None;
        }
        let next = self.blocks.len() as u32;
        self.blocks.push(block);
        self.index.insert(key, next);
        Some(next)
    }

    fn decode_block(&mut self, begin: u64, mut vtype: VType) -> Block {
        let first = self.infos.len() as u32;
        let mut ops = Vec::new();
        let mut pc = begin;
        while ops.len() < BLOCK_LENGTH_MAX {
            let Some(word) = self.image.word(pc) else {
                break;
            };
            let (inst, word, bytes) = fetch(word);
            let Translated {
                op,
                ends_block,
                vtype: after,
                kept: _,
            } = translate(inst, word, bytes, pc, vtype, self.level);
            let info = OpInfo::new(inst, pc, vtype, &self.costs);
            let probe = match (info.kind, inst.and_then(|inst| Form::of(inst, vtype))) {
                (Kind::Barrier { .. }, _) => Probe::Barrier,
                (kind, Some(form)) => Probe::Memory {
                    form,
                    atomic: kind == Kind::Atomic,
                },
                _ => Probe::None,
            };
            pc = op.next_pc();
            ops.push((op, probe));
            self.infos.push(info);
            if ends_block {
                break;
            }
            vtype = after;
        }
        Block {
            ops: ops.into(),
            first,
            end: pc,
            next: None,
        }
    }
}

/// Executes the harts of one CTA and records each in its own record.
pub(crate) struct Observed<'a> {
    pub(crate) code: &'a mut ObservedCode,
    pub(crate) records: &'a mut [WarpRecord],
}

impl Runner for Observed<'_> {
    fn run(&mut self, hart: &mut Hart, env: &mut Env, budget: i64) -> i64 {
        let mut left = budget;
        hart.stop = Stop::None;
        let record = &mut self.records[hart.warp as usize];
        let Some(mut current) = self.code.enter(hart) else {
            return left;
        };
        loop {
            let block = &self.code.blocks[current as usize];
            let length = block.ops.len();
            record.blocks.push(current);
            hart.retired += length as u64;
            hart.pc = block.end;
            left -= length as i64;
            for (op, probe) in &block.ops {
                match *probe {
                    Probe::None => {}
                    Probe::Memory { form, atomic } => access::record(
                        form,
                        atomic,
                        op,
                        hart,
                        &self.code.surroundings,
                        &mut self.code.banks,
                        &mut record.words,
                    ),
                    Probe::Barrier => {
                        let warps = hart.x(op.rs2).min(u64::from(u32::MAX));
                        record.words.push(hart.x(op.rs1) & 0xff | warps << 8);
                    }
                }
                // SAFETY: the code was made for a level that the host has.
                if unsafe { (op.handler)(hart, env, op) } == Flow::Leave {
                    break;
                }
            }
            if left <= 0 || hart.stop != Stop::None {
                return left;
            }
            current = match block.next {
                Some((pc, vtype, next)) if pc == hart.pc && vtype == hart.vtype => next,
                _ => {
                    let Some(next) = self.code.enter(hart) else {
                        return left;
                    };
                    self.code.blocks[current as usize].next = Some((hart.pc, hart.vtype, next));
                    next
                }
            };
        }
    }
}
