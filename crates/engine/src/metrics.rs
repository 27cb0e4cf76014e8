//! What an engine is doing and has done.

use crate::accelerator::DeviceCounters;

/// A snapshot. Counters rise for the life of the engine; gauges are as of the last step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Gauge: answers that wait, or were preempted.
    pub waiting: usize,
    /// Gauge: answers in the running batch.
    pub running: usize,
    /// Gauge: blocks of the KV cache that running answers hold.
    pub kv_blocks_used: usize,
    /// Blocks of the KV cache.
    pub kv_blocks: usize,
    /// Positions of a block.
    pub kv_block_tokens: usize,
    /// Counter: prompt tokens of the requests admitted.
    pub prompt_tokens: u64,
    /// Counter: tokens computed as prompts, after preemption once more.
    pub computed_prompt_tokens: u64,
    /// Counter: prompt tokens looked up in the prefix cache.
    pub prefix_queries: u64,
    /// Counter: prompt tokens found there.
    pub prefix_hits: u64,
    /// Counter: tokens generated.
    pub generated_tokens: u64,
    /// Counter: answers preempted for want of blocks.
    pub preemptions: u64,
    /// Counter: answers that ended with a stop token, stop string or constraint.
    pub finished_stop: u64,
    /// Counter: answers that ended at their length.
    pub finished_length: u64,
    /// Counter: answers that were cancelled.
    pub cancelled: u64,
    /// Counter: requests that failed.
    pub failed: u64,
    /// Counter: steps.
    pub steps: u64,
    /// Counters of the device.
    pub device: DeviceCounters,
}

impl Metrics {
    /// Used part of the KV cache, 0 to 1.
    #[must_use]
    pub fn kv_usage(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = self.kv_blocks_used as f64 / self.kv_blocks.max(1) as f64;
        ratio
    }
}
