//! Traces of requests, replayed from seeds, against what must hold in every step.

use super::{Limits, Scheduler, SequenceId};
use std::collections::{BTreeMap, BTreeSet};

/// A linear congruential generator (Knuth, MMIX): test data only.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn below_usize(&mut self, limit: u64) -> usize {
        usize::try_from(self.below(limit)).expect("small")
    }
}

/// What the test knows of a sequence.
struct Model {
    tokens: Vec<u32>,
    prompt: usize,
    target: usize,
}

/// The keys and values of a device, as far as they matter: for each block and slot, the tokens of
/// the whole prefix that ends there.
type Cache = BTreeMap<(u32, usize), Vec<u32>>;

/// Replays one trace; gives the steps and the preemptions it took.
fn replay(seed: u64, limits: Limits) -> (usize, u64) {
    let mut random = Random(seed);
    let mut scheduler = Scheduler::new(limits);
    let mut open: BTreeMap<SequenceId, Model> = BTreeMap::new();
    let mut cache = Cache::new();
    let mut to_come = 40;
    let mut last = 0;
    let mut steps = 0;
    while to_come > 0 || !open.is_empty() {
        while to_come > 0 && random.below(3) == 0 {
            to_come -= 1;
            last += 1;
            // Few distinct tokens and lengths: prefixes meet often.
            let length = 1 + random.below_usize(scheduler.max_tokens() as u64 / 2);
            let kind = u32::try_from(random.below(2)).expect("small");
            let prompt: Vec<u32> = (0..).map(|i| kind + i).take(length).collect();
            let priority = i32::try_from(random.below(3)).expect("small");
            let after = open.keys().next_back().copied();
            let after = after.filter(|id| open[id].tokens == prompt);
            scheduler.add(last, prompt.clone(), priority, after);
            let target = length + 1 + random.below_usize(12);
            let model = Model {
                prompt: length,
                tokens: prompt,
                target: target.min(scheduler.max_tokens()),
            };
            open.insert(last, model);
        }
        if random.below(20) == 0
            && let Some(&id) = open.keys().next()
        {
            scheduler.remove(id);
            open.remove(&id);
        }
        let step = scheduler.schedule();
        assert!(
            !step.items.is_empty() || open.is_empty(),
            "seed {seed}: no progress"
        );
        let total: usize = step.items.iter().map(|item| item.tokens.len()).sum();
        assert!(
            total <= limits.max_step_tokens,
            "seed {seed}: {total} tokens"
        );
        assert!(scheduler.running() <= limits.max_running);
        let sequences: BTreeSet<_> = step.items.iter().map(|item| item.sequence).collect();
        assert_eq!(
            sequences.len(),
            step.items.len(),
            "seed {seed}: one item each"
        );
        for item in &step.items {
            let model = &open[&item.sequence];
            let end = item.start + item.tokens.len();
            assert_eq!(item.tokens, model.tokens[item.start..end]);
            assert_eq!(item.completes, end == model.tokens.len());
            for position in item.start..end {
                let at = (
                    item.blocks[position / limits.block_tokens],
                    position % limits.block_tokens,
                );
                cache.insert(at, model.tokens[..=position].to_vec());
            }
        }
        // Whatever the step wrote, every sequence of it still sees its own prefix: nobody wrote
        // into a block of another, and a reused block holds what it is said to hold.
        for item in &step.items {
            let model = &open[&item.sequence];
            for position in 0..item.start + item.tokens.len() {
                let at = (
                    item.blocks[position / limits.block_tokens],
                    position % limits.block_tokens,
                );
                assert_eq!(cache[&at], model.tokens[..=position], "seed {seed}");
            }
        }
        scheduler.complete(&step);
        for item in step.items.iter().filter(|item| item.completes) {
            let model = open.get_mut(&item.sequence).expect("open");
            if model.tokens.len() >= model.target {
                open.remove(&item.sequence);
                scheduler.remove(item.sequence);
            } else {
                let token = 1000 + u32::try_from(random.below(2)).expect("small");
                model.tokens.push(token);
                scheduler.append(item.sequence, token);
            }
        }
        assert!(
            open.values()
                .all(|model| model.prompt <= model.tokens.len())
        );
        steps += 1;
        assert!(steps < 100_000, "seed {seed}: it does not end");
    }
    assert_eq!((scheduler.running(), scheduler.waiting()), (0, 0));
    assert_eq!(scheduler.blocks().0, 0, "seed {seed}: blocks are lost");
    (steps, scheduler.counters().preemptions)
}

#[test]
fn every_trace_ends_and_no_sequence_sees_another() {
    let mut preemptions = 0;
    for seed in 0..60 {
        let limits = Limits {
            block_tokens: 1 + usize::try_from(seed % 5).expect("small"),
            blocks: 8 + u32::try_from(seed % 7).expect("small"),
            max_running: 1 + usize::try_from(seed % 4).expect("small"),
            max_step_tokens: 4 + usize::try_from(seed % 9).expect("small"),
            reuse_prefixes: seed % 3 != 0,
        };
        preemptions += replay(seed, limits).1;
    }
    assert!(preemptions > 50, "the traces must be tight: {preemptions}");
}

fn roomy() -> Limits {
    Limits {
        block_tokens: 4,
        blocks: 64,
        max_running: 8,
        max_step_tokens: 16,
        reuse_prefixes: true,
    }
}

#[test]
fn a_long_prompt_is_computed_in_chunks_beside_decoding() {
    let mut scheduler = Scheduler::new(roomy());
    scheduler.add(1, vec![7, 8], 0, None);
    let step = scheduler.schedule();
    scheduler.complete(&step);
    scheduler.append(1, 9);
    scheduler.add(2, (0..40).collect(), 0, None);
    let mut chunks = Vec::new();
    for _ in 0..3 {
        let step = scheduler.schedule();
        assert_eq!(step.items[0].sequence, 1, "decoding comes first");
        assert_eq!(step.items[0].tokens.len(), 1);
        chunks.push(step.items[1].tokens.len());
        scheduler.complete(&step);
        scheduler.append(1, 9);
    }
    assert_eq!(chunks, [15, 15, 10]);
}

#[test]
fn a_higher_priority_is_served_first() {
    let mut limits = roomy();
    limits.max_running = 1;
    let mut scheduler = Scheduler::new(limits);
    scheduler.add(1, vec![1], 0, None);
    scheduler.add(2, vec![2], 5, None);
    assert_eq!(scheduler.schedule().items[0].sequence, 2);
}

#[test]
fn adopted_blocks_are_found_and_make_room_again() {
    let mut scheduler = Scheduler::new(roomy());
    let tokens: Vec<u32> = (0..10).collect();
    let mut written = Vec::new();
    let held = scheduler.adopt(&tokens, 0, |block, index| {
        written.push((block, index));
        Ok::<_, ()>(())
    });
    assert_eq!(held, Ok(2), "only whole blocks");
    assert_eq!(
        written.iter().map(|each| each.1).collect::<Vec<_>>(),
        [0, 1]
    );
    let blocks: Vec<u32> = written.iter().map(|each| each.0).collect();
    assert_eq!(scheduler.cached_blocks(&tokens), blocks);
    assert_eq!(scheduler.blocks(), (0, 64), "nobody holds them");
    // One that fails is not found, those before it are.
    let longer: Vec<u32> = (0..16).collect();
    let failed = scheduler.adopt(
        &longer,
        2,
        |_, index| if index == 3 { Err(index) } else { Ok(()) },
    );
    assert_eq!(failed, Err(3));
    assert_eq!(scheduler.cached_blocks(&longer).len(), 3);
    assert_eq!(scheduler.blocks(), (0, 64));
    scheduler.add(1, longer, 0, None);
    assert_eq!(scheduler.schedule().items[0].start, 12);
}
