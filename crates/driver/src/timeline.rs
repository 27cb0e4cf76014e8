//! When kernels and copies would have run: streams and engines of the chip in modelled time.
//!
//! Work is executed when it is submitted; this puts it where it would lie. Operations of a
//! stream follow each other. Kernels share one compute engine, copies have an engine for each
//! direction, so that copies and kernels of different streams overlap. The default stream waits
//! for all others and they for it. The host takes no time of its own; it waits where the
//! program does.
#![expect(clippy::cast_precision_loss, reason = "bytes in a quotient of times")]

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::thread::ThreadId;
use weft_chip::ChipFile;
use weft_chip::TimingReport;
use weft_chip::timing::{CtaSpan, Energy, Sample};

/// Most operations that are kept for a trace.
const OPERATIONS_MAX: usize = 100_000;
/// Most spans of CTAs and samples that are kept for a trace, over all launches.
const DETAILS_MAX: usize = 400_000;

/// The default stream.
pub const DEFAULT_STREAM: u64 = 0;

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// A kernel.
    Kernel,
    /// A copy from host to device.
    CopyToDevice,
    /// A copy from device to host.
    CopyToHost,
    /// A copy or fill within device memory.
    CopyOnDevice,
}

/// An operation in modelled time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// What it is.
    pub kind: OperationKind,
    /// Name of the kernel, or a word for the copy.
    pub name: String,
    /// Stream; 0: the default one.
    pub stream: u64,
    /// Start in seconds, launch overhead included.
    pub begin: f64,
    /// End in seconds.
    pub end: f64,
    /// Bytes of a copy.
    pub bytes: u64,
    /// Start of the first CTA of a kernel.
    pub first_cta: f64,
    /// CTAs of a kernel on cores, in cycles from the first.
    #[serde(skip)]
    pub spans: Vec<CtaSpan>,
    /// Bandwidth and energy over a kernel.
    #[serde(skip)]
    pub samples: Vec<Sample>,
    /// Joules, static power included.
    pub joules: f64,
}

/// Totals of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Elapsed {
    /// From the first submission to the end of the last operation.
    pub chip_seconds: f64,
    /// Kernels ran.
    pub kernel_seconds: f64,
    /// Copies between host and device ran.
    pub copy_seconds: f64,
    /// Energy, idle time included.
    pub joules: f64,
    /// Bytes copied between host and device.
    pub copied_bytes: u64,
}

impl Elapsed {
    /// Adds the time of another process with a chip of its own.
    pub fn add(&mut self, other: &Self) {
        self.chip_seconds += other.chip_seconds;
        self.kernel_seconds += other.kernel_seconds;
        self.copy_seconds += other.copy_seconds;
        self.joules += other.joules;
        self.copied_bytes += other.copied_bytes;
    }
}

/// Streams and engines in modelled time.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    host: f64,
    streams: BTreeMap<u64, f64>,
    compute: f64,
    to_device: f64,
    to_host: f64,
    /// Streams that threads have chosen for their next operation.
    chosen: HashMap<ThreadId, u64>,
    pub(crate) operations: Vec<Operation>,
    details: usize,
    kernel_seconds: f64,
    copy_seconds: f64,
    copied_bytes: u64,
    /// Of operations, without static power.
    active_joules: f64,
}

impl Timeline {
    /// The next operation of this thread goes to `stream`, and the host does not wait for it.
    pub(crate) fn choose(&mut self, stream: u64) {
        self.chosen.insert(std::thread::current().id(), stream);
    }

    fn take_choice(&mut self) -> (u64, bool) {
        match self.chosen.remove(&std::thread::current().id()) {
            Some(stream) => (stream, false),
            None => (DEFAULT_STREAM, true),
        }
    }

    /// When the next operation of a stream could begin, engines apart.
    fn ready(&self, stream: u64) -> f64 {
        let tail = |stream: u64| self.streams.get(&stream).copied().unwrap_or(0.0);
        let others = if stream == DEFAULT_STREAM {
            self.streams.values().copied().fold(0.0, f64::max)
        } else {
            tail(stream).max(tail(DEFAULT_STREAM))
        };
        self.host.max(others)
    }

    /// Modelled time at which everything submitted to a stream is done.
    pub(crate) fn tail(&mut self, stream: u64) -> f64 {
        self.take_choice();
        self.ready(stream)
    }

    pub(crate) fn kernel(&mut self, chip: &ChipFile, name: &str, report: &TimingReport) {
        let (stream, _) = self.take_choice();
        let begin = self.ready(stream).max(self.compute);
        let end = begin + report.seconds();
        self.compute = end;
        self.streams.insert(stream, end);
        self.kernel_seconds += end - begin;
        let idle = Energy::idle(chip, report.seconds()).total();
        self.active_joules += report.energy.total() - idle;
        let detailed = self.details + report.spans.len() + report.samples.len() <= DETAILS_MAX;
        if detailed {
            self.details += report.spans.len() + report.samples.len();
        }
        self.keep(|| Operation {
            kind: OperationKind::Kernel,
            name: name.to_owned(),
            stream,
            begin,
            end,
            bytes: 0,
            first_cta: begin + report.launch_seconds,
            spans: if detailed {
                report.spans.clone()
            } else {
                Vec::new()
            },
            samples: if detailed {
                report.samples.clone()
            } else {
                Vec::new()
            },
            joules: report.energy.total(),
        });
    }

    pub(crate) fn copy(&mut self, chip: &ChipFile, kind: OperationKind, bytes: u64) {
        let (stream, waits) = self.take_choice();
        let mut begin = self.ready(stream);
        let gigabytes = match kind {
            OperationKind::CopyToDevice => {
                begin = begin.max(self.to_device);
                chip.host.link.value
            }
            OperationKind::CopyToHost => {
                begin = begin.max(self.to_host);
                chip.host.link.value
            }
            // Every byte is read and written.
            OperationKind::CopyOnDevice | OperationKind::Kernel => {
                begin = begin.max(self.compute);
                chip.memory_bytes_per_second() / 2e9
            }
        };
        let seconds = chip.host.copy_overhead.value * 1e-6 + bytes as f64 / (gigabytes * 1e9);
        let end = begin + seconds;
        let name = match kind {
            OperationKind::CopyToDevice => {
                self.to_device = end;
                "host to device"
            }
            OperationKind::CopyToHost => {
                self.to_host = end;
                "device to host"
            }
            OperationKind::CopyOnDevice | OperationKind::Kernel => {
                self.compute = end;
                "device to device"
            }
        };
        self.streams.insert(stream, end);
        if waits {
            self.host = end;
        }
        self.copy_seconds += seconds;
        self.copied_bytes += bytes;
        let active = Energy::of_copy(chip, bytes).total();
        self.active_joules += active;
        self.keep(|| Operation {
            kind,
            name: name.to_owned(),
            stream,
            begin,
            end,
            bytes,
            first_cta: begin,
            spans: Vec::new(),
            samples: Vec::new(),
            joules: active + Energy::idle(chip, seconds).total(),
        });
    }

    fn keep(&mut self, operation: impl FnOnce() -> Operation) {
        if self.operations.len() < OPERATIONS_MAX {
            self.operations.push(operation());
        }
    }

    /// The host waits for a stream, or for all of them.
    pub(crate) fn wait(&mut self, stream: Option<u64>) {
        self.take_choice();
        self.host = match stream {
            Some(stream) => self.ready(stream),
            None => self.ready(DEFAULT_STREAM),
        };
    }

    /// The host waits until `time`.
    pub(crate) fn wait_until(&mut self, time: f64) {
        self.host = self.host.max(time);
    }

    /// A stream waits until `time`.
    pub(crate) fn hold(&mut self, stream: u64, time: f64) {
        self.take_choice();
        let tail = self.ready(stream).max(time);
        self.streams.insert(stream, tail);
    }

    pub(crate) fn elapsed(&self, chip: &ChipFile) -> Elapsed {
        let chip_seconds = self.ready(DEFAULT_STREAM);
        Elapsed {
            chip_seconds,
            kernel_seconds: self.kernel_seconds,
            copy_seconds: self.copy_seconds,
            joules: self.active_joules + Energy::idle(chip, chip_seconds).total(),
            copied_bytes: self.copied_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1 << 20;

    fn copy_seconds(chip: &ChipFile, bytes: u64) -> f64 {
        chip.host.copy_overhead.value * 1e-6 + bytes as f64 / (chip.host.link.value * 1e9)
    }

    #[test]
    fn copies_of_two_streams_and_directions_overlap() {
        let chip = ChipFile::w1();
        let mut timeline = Timeline::default();
        timeline.choose(7);
        timeline.copy(&chip, OperationKind::CopyToDevice, MEGABYTE);
        timeline.choose(8);
        timeline.copy(&chip, OperationKind::CopyToHost, MEGABYTE);
        let one = copy_seconds(&chip, MEGABYTE);
        assert!((timeline.elapsed(&chip).chip_seconds - one).abs() < 1e-12);
        // The same direction shares its engine, whatever the stream.
        timeline.choose(9);
        timeline.copy(&chip, OperationKind::CopyToDevice, MEGABYTE);
        assert!((timeline.elapsed(&chip).chip_seconds - 2.0 * one).abs() < 1e-12);
    }

    #[test]
    fn the_default_stream_waits_for_all_and_the_host_for_it() {
        let chip = ChipFile::w1();
        let mut timeline = Timeline::default();
        timeline.choose(7);
        timeline.copy(&chip, OperationKind::CopyToDevice, MEGABYTE);
        timeline.copy(&chip, OperationKind::CopyToHost, MEGABYTE);
        let both = 2.0 * copy_seconds(&chip, MEGABYTE);
        assert!((timeline.host - both).abs() < 1e-12);
    }

    #[test]
    fn a_stream_waits_for_an_event_of_another() {
        let chip = ChipFile::w1();
        let mut timeline = Timeline::default();
        timeline.choose(1);
        timeline.copy(&chip, OperationKind::CopyToDevice, MEGABYTE);
        let event = timeline.tail(1);
        timeline.hold(2, event);
        timeline.choose(2);
        timeline.copy(&chip, OperationKind::CopyToHost, MEGABYTE);
        assert!(timeline.operations[1].begin >= timeline.operations[0].end);
    }
}
