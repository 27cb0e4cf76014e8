//! Bootstrap of a trace: other traces that could have been recorded instead of it.

use std::collections::HashMap;

use super::{Arrival, Trace};
use crate::random::Random;

/// Seconds by which a drawn request may move, to either side. Less than what makes the bursts of
/// minutes in recorded traces, more than the time between requests.
const SHIFT_S: f64 = 10.0;

impl Trace {
    /// A bootstrap sample: clusters of requests are drawn with replacement, as many as there
    /// are. Requests whose prompts share a prefix are one cluster, so that what a prefix cache
    /// can find stays as it was; where the trace knows no prefixes, each request is its own.
    ///
    /// A drawn cluster keeps its times, moved together by up to ten seconds, and every copy of it
    /// after the first has prefixes of its own, apart from those that most requests share.
    #[must_use]
    pub fn resampled(&self, seed: u64) -> Self {
        let clusters = self.clusters();
        let mut random = Random::new(seed ^ 0x5eed_0f7a_ce00_0001);
        let mut drawn = vec![0_u64; clusters.members.len()];
        let mut order: Vec<(Arrival, usize, u64)> = Vec::with_capacity(self.arrivals.len());
        let last_s = self.arrivals.last().map_or(0.0, |it| it.at_s);
        for _ in 0..clusters.members.len() {
            let which = random.below(clusters.members.len() as u64);
            let which = usize::try_from(which).unwrap_or(0);
            let shift_s = SHIFT_S * (2.0 * random.unit() - 1.0);
            for index in &clusters.members[which] {
                let mut arrival = self.arrivals[*index];
                arrival.at_s = (arrival.at_s + shift_s).clamp(0.0, last_s);
                order.push((arrival, *index, drawn[which]));
            }
            drawn[which] += 1;
        }
        order.sort_by(|left, right| left.0.at_s.total_cmp(&right.0.at_s));
        let mut sample = Self {
            arrivals: Vec::with_capacity(order.len()),
            blocks: Vec::new(),
            block_tokens: self.block_tokens,
        };
        for (arrival, index, copy) in order {
            let blocks = self.blocks_of(&self.arrivals[index]);
            let begin = u32::try_from(sample.blocks.len()).unwrap_or(u32::MAX);
            sample.blocks.extend(blocks.iter().map(|hash| {
                if copy == 0 || clusters.common(*hash, self.arrivals.len()) {
                    *hash
                } else {
                    Random::new(hash ^ copy.rotate_right(16)).bits()
                }
            }));
            sample.arrivals.push(Arrival {
                blocks_begin: begin,
                ..arrival
            });
        }
        sample
    }

    fn clusters(&self) -> Clusters {
        let mut uses: HashMap<u64, usize> = HashMap::new();
        for hash in &self.blocks {
            *uses.entry(*hash).or_default() += 1;
        }
        let mut clusters = Clusters {
            uses,
            members: Vec::new(),
        };
        let mut numbers: HashMap<u64, usize> = HashMap::new();
        for (index, arrival) in self.arrivals.iter().enumerate() {
            let mut blocks = self.blocks_of(arrival).iter();
            let own = blocks.find(|hash| !clusters.common(**hash, self.arrivals.len()));
            let next = clusters.members.len();
            let number = match own {
                Some(hash) => *numbers.entry(*hash).or_insert(next),
                None => next,
            };
            if number == next {
                clusters.members.push(Vec::new());
            }
            clusters.members[number].push(index);
        }
        clusters
    }
}

/// Requests by the first block of their prompts that most others do not have.
struct Clusters {
    /// How often each block is used. Never iterated.
    uses: HashMap<u64, usize>,
    /// Indices of requests.
    members: Vec<Vec<usize>>,
}

impl Clusters {
    /// Whether a block is in at least half of the prompts: a system prompt.
    fn common(&self, hash: u64, requests: usize) -> bool {
        self.uses
            .get(&hash)
            .is_some_and(|uses| 2 * uses >= requests)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Synthetic;
    use super::*;

    /// Tokens of prompts that an endless cache would find.
    fn found(trace: &Trace) -> f64 {
        let mut seen = std::collections::HashSet::new();
        let (mut hits, mut all) = (0, 0);
        for arrival in &trace.arrivals {
            let blocks = trace.blocks_of(arrival);
            hits += blocks.iter().take_while(|it| seen.contains(*it)).count();
            all += blocks.len();
            seen.extend(blocks.iter().copied());
        }
        f64::from(u32::try_from(hits).unwrap()) / f64::from(u32::try_from(all).unwrap())
    }

    #[test]
    fn a_sample_keeps_rate_lengths_order_and_what_caches_find() {
        let trace = Synthetic::mooncake_conversation(4000, 5.0, 3).trace();
        for seed in 0..4 {
            let sample = trace.resampled(seed);
            let near = |left: f64, right: f64, share: f64| {
                assert!((left / right - 1.0).abs() < share, "{left} {right}");
            };
            near(sample.arrivals.len() as f64, 4000.0, 0.2);
            near(sample.mean_tokens().0, trace.mean_tokens().0, 0.1);
            near(sample.mean_tokens().1, trace.mean_tokens().1, 0.1);
            near(found(&sample), found(&trace), 0.25);
            assert!(sample.seconds() <= trace.seconds());
            let ordered = |pair: &[Arrival]| pair[0].at_s <= pair[1].at_s;
            assert!(sample.arrivals.windows(2).all(ordered));
        }
    }

    #[test]
    fn seeds_differ_and_repeat() {
        let trace = Synthetic::azure_conversation(500, 5.0, 1).trace();
        assert_eq!(trace.resampled(1).arrivals, trace.resampled(1).arrivals);
        assert_ne!(trace.resampled(1).arrivals, trace.resampled(2).arrivals);
        // About 63 % of all clusters are in a sample.
        let sample = trace.resampled(1);
        let lengths = |of: &Trace| {
            let tokens = of.arrivals.iter().map(|it| it.prompt_tokens);
            tokens.collect::<std::collections::HashSet<_>>().len() as f64
        };
        let share = lengths(&sample) / lengths(&trace);
        assert!((0.55..0.75).contains(&share), "{share}");
    }
}
