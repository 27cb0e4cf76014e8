//! Metrics of the engine and of its device, read when they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use weft_engine::EngineHandle;

/// Reads an engine's metrics at each scrape.
#[derive(Debug)]
pub(crate) struct EngineCollector {
    engine: EngineHandle,
}

impl EngineCollector {
    /// Reads this engine.
    pub(crate) fn new(engine: EngineHandle) -> Self {
        Self { engine }
    }
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let metrics = self.engine.metrics();
        let gauges = [
            (
                "vllm:num_requests_waiting",
                "Answers that wait",
                count(metrics.waiting),
            ),
            (
                "vllm:num_requests_running",
                "Answers in the running batch",
                count(metrics.running),
            ),
            (
                "vllm:kv_cache_usage_perc",
                "Used part of the KV cache, 0 to 1",
                metrics.kv_usage(),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counters = [
            (
                "vllm:prefix_cache_queries",
                "Prompt tokens looked up in the prefix cache",
                metrics.prefix_queries,
            ),
            (
                "vllm:prefix_cache_hits",
                "Prompt tokens found in the prefix cache",
                metrics.prefix_hits,
            ),
            (
                "vllm:num_preemptions",
                "Answers preempted for want of cache blocks",
                metrics.preemptions,
            ),
            ("weft:engine_steps", "Steps of the engine", metrics.steps),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        let device = metrics.device;
        let launches = ConstCounter::new(device.launches);
        launches.encode(encoder.encode_descriptor(
            "weft:device_launches",
            "Kernel launches on the device",
            None,
            launches.metric_type(),
        )?)?;
        let modelled = [
            (
                "weft:chip_seconds",
                "Modelled time of the chip, copies and launches included",
                device.seconds,
            ),
            (
                "weft:chip_kernel_seconds",
                "Modelled time of the chip in kernels",
                device.kernel_seconds,
            ),
            (
                "weft:chip_joules",
                "Modelled energy of the chip",
                device.joules,
            ),
        ];
        for (name, help, value) in modelled {
            // A device without a timing or energy model has no such metric.
            let Some(value) = value else {
                continue;
            };
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        let config = Info::new(vec![
            ("block_size", metrics.kv_block_tokens.to_string()),
            ("num_gpu_blocks", metrics.kv_blocks.to_string()),
            ("device", self.engine.device_name().to_owned()),
        ]);
        let help = "Shape of the KV cache";
        config.encode(encoder.encode_descriptor(
            "vllm:cache_config",
            help,
            None,
            config.metric_type(),
        )?)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^52"
)]
fn count(value: usize) -> f64 {
    value as f64
}
