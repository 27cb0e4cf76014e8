//! Which tokens of which sequences the next step computes.
//!
//! Continuous batching: every step takes one token of each sequence that decodes and fills up
//! with chunks of prompts. Pure: no tensors, no clock, no randomness, so a trace of requests
//! replays exactly. When blocks run out, the sequence that ranks last is preempted: it gives up
//! its blocks, goes back to the head of its rank in the queue, and is computed again later, from
//! what the prefix cache still holds.

use crate::blocks::{BlockIndex, BlockPool, EMPTY_PREFIX, PrefixId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Number of a sequence; rises with arrival.
pub(crate) type SequenceId = u64;

/// Limits of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Positions of a block.
    pub(crate) block_tokens: usize,
    /// Blocks of the cache.
    pub(crate) blocks: u32,
    /// Most sequences that run at once.
    pub(crate) max_running: usize,
    /// Most tokens of a step; at least `max_running`.
    pub(crate) max_step_tokens: usize,
    /// Find prefixes of earlier sequences in the cache.
    pub(crate) reuse_prefixes: bool,
}

/// What to compute next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// By rank.
    pub(crate) items: Vec<StepItem>,
}

/// Consecutive tokens of one sequence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StepItem {
    pub(crate) sequence: SequenceId,
    /// Position of the first token.
    pub(crate) start: usize,
    pub(crate) tokens: Vec<u32>,
    /// Blocks of the sequence from position 0, at least up to the last token.
    pub(crate) blocks: Vec<BlockIndex>,
    /// The last token is the last known one: what follows it is wanted.
    pub(crate) completes: bool,
}

/// Counters for metrics; they only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) preemptions: u64,
    /// Prompt tokens looked for in the prefix cache, and found.
    pub(crate) prefix_queries: u64,
    pub(crate) prefix_hits: u64,
}

#[derive(Debug)]
struct Sequence {
    tokens: Vec<u32>,
    priority: i32,
    /// Tokens whose keys and values are in the cache.
    computed: usize,
    /// Tokens of the step that runs.
    in_step: usize,
    blocks: Vec<BlockIndex>,
    /// Full blocks published, and the name of the prefix they make.
    published: usize,
    prefix: PrefixId,
    /// Prompt tokens found in the cache when it was first admitted.
    cached: usize,
    admitted_before: bool,
    /// Not admitted before this sequence has computed its prompt: they share it.
    after: Option<SequenceId>,
    prompt_len: usize,
}

/// Order of service: higher priority, then earlier arrival.
type Rank = (Reverse<i32>, SequenceId);

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Scheduler {
    limits: Limits,
    pool: BlockPool,
    sequences: BTreeMap<SequenceId, Sequence>,
    waiting: BTreeSet<Rank>,
    running: BTreeSet<Rank>,
    counters: Counters,
}

impl Scheduler {
    pub(crate) fn new(limits: Limits) -> Self {
        assert!(limits.block_tokens > 0 && limits.max_running > 0);
        assert!(limits.max_step_tokens >= limits.max_running);
        Self {
            pool: BlockPool::new(limits.blocks),
            limits,
            sequences: BTreeMap::new(),
            waiting: BTreeSet::new(),
            running: BTreeSet::new(),
            counters: Counters::default(),
        }
    }

    /// Most tokens that a sequence can have: it must fit into the cache alone.
    pub(crate) fn max_tokens(&self) -> usize {
        self.pool.len() * self.limits.block_tokens
    }

    /// Queues a sequence. `after`: an earlier sequence with the same prompt, whose computation
    /// this one waits for.
    ///
    /// # Panics
    ///
    /// If the prompt is empty or does not fit into the cache.
    pub(crate) fn add(
        &mut self,
        id: SequenceId,
        prompt: Vec<u32>,
        priority: i32,
        after: Option<SequenceId>,
    ) {
        assert!(!prompt.is_empty() && prompt.len() <= self.max_tokens());
        let sequence = Sequence {
            prompt_len: prompt.len(),
            tokens: prompt,
            priority,
            computed: 0,
            in_step: 0,
            blocks: Vec::new(),
            published: 0,
            prefix: EMPTY_PREFIX,
            cached: 0,
            admitted_before: false,
            after,
        };
        self.waiting.insert((Reverse(priority), id));
        let previous = self.sequences.insert(id, sequence);
        assert!(previous.is_none(), "sequence {id} added twice");
    }

    /// Takes a sequence out, whatever its state. Not during a step.
    pub(crate) fn remove(&mut self, id: SequenceId) {
        if let Some(sequence) = self.sequences.remove(&id) {
            let rank = (Reverse(sequence.priority), id);
            self.waiting.remove(&rank);
            self.running.remove(&rank);
            self.pool.release(&sequence.blocks);
        }
    }

    /// Sequences that have not begun or were preempted.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Sequences that hold blocks.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Blocks in use, and all.
    pub(crate) fn blocks(&self) -> (usize, usize) {
        (self.pool.len() - self.pool.free(), self.pool.len())
    }

    pub(crate) const fn counters(&self) -> Counters {
        self.counters
    }

    /// Prompt tokens that were in the cache when the sequence was first admitted.
    pub(crate) fn cached_tokens(&self, id: SequenceId) -> usize {
        self.sequences
            .get(&id)
            .map_or(0, |sequence| sequence.cached)
    }

    /// Decides the next step, which ends with [`Self::complete`]. Empty if there is nothing to
    /// do.
    pub(crate) fn schedule(&mut self) -> Step {
        let mut step = Step::default();
        let mut budget = self.limits.max_step_tokens;
        let mut preempted = false;
        let ranks: Vec<Rank> = self.running.iter().copied().collect();
        // Sequences that decode come first: a prompt's chunk must not keep them waiting.
        let decodes = |this: &Self, rank: &Rank| {
            let sequence = &this.sequences[&rank.1];
            sequence.tokens.len() - sequence.computed == 1
        };
        let (decoding, prefilling): (Vec<Rank>, Vec<Rank>) =
            ranks.into_iter().partition(|rank| decodes(self, rank));
        for rank in decoding.into_iter().chain(prefilling) {
            if budget == 0 {
                break;
            }
            if !self.running.contains(&rank) {
                continue; // Preempted for one that ranks higher.
            }
            let sequence = &self.sequences[&rank.1];
            let count = (sequence.tokens.len() - sequence.computed).min(budget);
            while !self.reserve(rank.1, count) {
                preempted = true;
                let victim = self
                    .victim(&step)
                    .expect("one that runs is not in the step");
                self.preempt(victim);
                if victim == rank {
                    break;
                }
            }
            if self.running.contains(&rank) {
                budget -= count;
                step.items.push(self.item(rank.1, count));
            }
        }
        if !preempted {
            self.admit(&mut step, budget);
        }
        step
    }

    /// The running sequence that ranks last, of those not in the step already.
    fn victim(&self, step: &Step) -> Option<Rank> {
        let in_step = |rank: &Rank| step.items.iter().any(|item| item.sequence == rank.1);
        self.running
            .iter()
            .rev()
            .find(|rank| !in_step(rank))
            .copied()
    }

    fn preempt(&mut self, rank: Rank) {
        self.counters.preemptions += 1;
        self.running.remove(&rank);
        self.waiting.insert(rank);
        let sequence = self.sequence_mut(rank.1);
        sequence.computed = 0;
        sequence.published = 0;
        sequence.prefix = EMPTY_PREFIX;
        let blocks = std::mem::take(&mut sequence.blocks);
        self.pool.release(&blocks);
    }

    /// Begins waiting sequences as long as there is room.
    fn admit(&mut self, step: &mut Step, mut budget: usize) {
        let ranks: Vec<Rank> = self.waiting.iter().copied().collect();
        for rank in ranks {
            if budget == 0 || self.running.len() >= self.limits.max_running {
                break;
            }
            let id = rank.1;
            if self.waits_for_prompt(id) {
                continue;
            }
            let found = self.find_prefix(id);
            let sequence = &self.sequences[&id];
            let known = sequence.tokens.len();
            // Room for all its tokens: admitting one that is preempted at once helps nobody.
            let all = known.div_ceil(self.limits.block_tokens) - found.len();
            let from_free = found
                .iter()
                .filter(|(block, _)| self.pool.is_free(*block))
                .count();
            if all + from_free > self.pool.free() {
                break; // First come, first served: nobody overtakes.
            }
            self.take_prefix(id, &found);
            self.waiting.remove(&rank);
            self.running.insert(rank);
            let count = (known - self.sequences[&id].computed).min(budget);
            let reserved = self.reserve(id, count);
            assert!(reserved, "the blocks were counted");
            budget -= count;
            step.items.push(self.item(id, count));
        }
    }

    fn waits_for_prompt(&self, id: SequenceId) -> bool {
        let after = self.sequences[&id].after;
        after
            .and_then(|after| self.sequences.get(&after))
            .is_some_and(|leader| leader.computed < leader.prompt_len)
    }

    /// Published blocks that hold the beginning of the sequence. At least one token is left to
    /// compute: without it there would be no logits.
    fn find_prefix(&self, id: SequenceId) -> Vec<(BlockIndex, PrefixId)> {
        let tokens = &self.sequences[&id].tokens;
        self.published(&tokens[..tokens.len() - 1])
    }

    /// Published blocks that hold the beginning of `tokens`.
    fn published(&self, tokens: &[u32]) -> Vec<(BlockIndex, PrefixId)> {
        let mut found = Vec::new();
        if self.limits.reuse_prefixes {
            let mut prefix = EMPTY_PREFIX;
            for chunk in tokens.chunks_exact(self.limits.block_tokens) {
                let Some((block, name)) = self.pool.find(prefix, chunk) else {
                    break;
                };
                found.push((block, name));
                prefix = name;
            }
        }
        found
    }

    /// Blocks of the cache that hold the beginning of `tokens`, in order.
    pub(crate) fn cached_blocks(&self, tokens: &[u32]) -> Vec<BlockIndex> {
        let found = self.published(tokens);
        found.into_iter().map(|(block, _)| block).collect()
    }

    /// Puts blocks that were computed elsewhere into the cache: those of `tokens` from block
    /// `first` on, as far as there is room. `write` fills a block, given its index and the number
    /// of its content. Gives how many blocks of `tokens` the cache then holds. Not during a step.
    pub(crate) fn adopt<E>(
        &mut self,
        tokens: &[u32],
        first: usize,
        mut write: impl FnMut(BlockIndex, usize) -> Result<(), E>,
    ) -> Result<usize, E> {
        let found = self.published(tokens);
        if !self.limits.reuse_prefixes || found.len() < first {
            return Ok(found.len());
        }
        let mut prefix = found.last().map_or(EMPTY_PREFIX, |&(_, name)| name);
        // Held until the end: room for a block must not be made of the blocks before it.
        let mut held: Vec<BlockIndex> = found.into_iter().map(|(block, _)| block).collect();
        for &block in &held {
            self.pool.share(block);
        }
        let mut result = Ok(());
        let chunks = tokens.chunks_exact(self.limits.block_tokens).enumerate();
        for (index, chunk) in chunks.skip(held.len()) {
            let Some(block) = self.pool.take() else {
                break;
            };
            held.push(block);
            result = write(block, index);
            if result.is_err() {
                break;
            }
            prefix = self.pool.publish(block, prefix, chunk);
        }
        let count = held.len();
        self.pool.release(&held);
        result.map(|()| count)
    }

    fn take_prefix(&mut self, id: SequenceId, found: &[(BlockIndex, PrefixId)]) {
        for &(block, _) in found {
            self.pool.share(block);
        }
        let block_tokens = self.limits.block_tokens;
        let sequence = self.sequence_mut(id);
        sequence.blocks = found.iter().map(|&(block, _)| block).collect();
        sequence.published = found.len();
        sequence.prefix = found.last().map_or(EMPTY_PREFIX, |&(_, name)| name);
        sequence.computed = found.len() * block_tokens;
        if !std::mem::replace(&mut sequence.admitted_before, true) {
            sequence.cached = sequence.computed;
            let (queries, hits) = (sequence.prompt_len as u64, sequence.cached as u64);
            self.counters.prefix_queries += queries;
            self.counters.prefix_hits += hits;
        }
    }

    /// Gives the sequence blocks for `count` more tokens. Blocks it got before a failure stay
    /// with it.
    fn reserve(&mut self, id: SequenceId, count: usize) -> bool {
        let sequence = self.sequences.get_mut(&id).expect("a known sequence");
        let wanted = (sequence.computed + count).div_ceil(self.limits.block_tokens);
        while sequence.blocks.len() < wanted {
            let Some(block) = self.pool.take() else {
                return false;
            };
            sequence.blocks.push(block);
        }
        true
    }

    fn item(&mut self, id: SequenceId, count: usize) -> StepItem {
        let sequence = self.sequence_mut(id);
        sequence.in_step = count;
        let end = sequence.computed + count;
        StepItem {
            sequence: id,
            start: sequence.computed,
            tokens: sequence.tokens[sequence.computed..end].to_vec(),
            blocks: sequence.blocks.clone(),
            completes: end == sequence.tokens.len(),
        }
    }

    /// Records that a step was computed.
    pub(crate) fn complete(&mut self, step: &Step) {
        for item in &step.items {
            let block_tokens = self.limits.block_tokens;
            let sequence = self
                .sequences
                .get_mut(&item.sequence)
                .expect("no sequence is removed during a step");
            sequence.computed += sequence.in_step;
            sequence.in_step = 0;
            while (sequence.published + 1) * block_tokens <= sequence.computed {
                let from = sequence.published * block_tokens;
                let tokens = &sequence.tokens[from..from + block_tokens];
                let block = sequence.blocks[sequence.published];
                sequence.prefix = self.pool.publish(block, sequence.prefix, tokens);
                sequence.published += 1;
            }
        }
    }

    /// Adds the token that was chosen for a sequence whose item completed.
    ///
    /// # Panics
    ///
    /// If there is no such sequence or it has tokens not computed.
    pub(crate) fn append(&mut self, id: SequenceId, token: u32) {
        let sequence = self.sequence_mut(id);
        assert_eq!(sequence.computed, sequence.tokens.len());
        sequence.tokens.push(token);
    }

    fn sequence_mut(&mut self, id: SequenceId) -> &mut Sequence {
        self.sequences.get_mut(&id).expect("a known sequence")
    }
}

#[cfg(test)]
mod tests;
