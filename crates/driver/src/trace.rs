//! Traces of modelled time, in the JSON form of the Trace Event Format that Perfetto and
//! chrome://tracing read.
//!
//! Times are microseconds of the chip. Streams and engines are tracks of slices; CTAs on each
//! core, memory bandwidth and power are counters.
#![expect(
    clippy::cast_precision_loss,
    reason = "cycles and bytes as numbers of a picture"
)]

use crate::timeline::{Operation, OperationKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};
use weft_chip::ChipFile;
use weft_chip::timing::Energy;

const STREAMS: u32 = 1;
const ENGINES: u32 = 2;
const CORES: u32 = 3;
const CHIP: u32 = 4;

/// Writes a trace of these operations.
pub(crate) fn write(
    chip: &ChipFile,
    operations: &[Operation],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut events = Events { out, first: true };
    events
        .out
        .write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    for (process, name) in [
        (STREAMS, "streams"),
        (ENGINES, "engines"),
        (CORES, "cores"),
        (CHIP, "chip"),
    ] {
        events.put(&json!({
            "ph": "M", "name": "process_name", "pid": process, "tid": 0,
            "args": {"name": format!("{}: {name}", chip.name)},
        }))?;
    }
    let streams: BTreeSet<u64> = operations
        .iter()
        .map(|operation| operation.stream)
        .collect();
    for stream in streams {
        let name = if stream == 0 {
            "default stream".to_owned()
        } else {
            format!("stream {stream}")
        };
        events.name_track(STREAMS, stream, &name)?;
    }
    for (track, name) in [(0, "compute"), (1, "copy to device"), (2, "copy to host")] {
        events.name_track(ENGINES, track, name)?;
    }
    for operation in operations {
        events.slice(STREAMS, operation.stream, operation)?;
        events.slice(ENGINES, engine(operation.kind), operation)?;
        if operation.kind == OperationKind::Kernel {
            counters(chip, operation, &mut events)?;
        }
    }
    events.out.write_all(b"\n]}\n")
}

fn engine(kind: OperationKind) -> u64 {
    match kind {
        OperationKind::Kernel | OperationKind::CopyOnDevice => 0,
        OperationKind::CopyToDevice => 1,
        OperationKind::CopyToHost => 2,
    }
}

fn microseconds(seconds: f64) -> f64 {
    // Picoseconds are enough, and keep the file small.
    (seconds * 1e12).round() / 1e6
}

/// The longest duration that, added to `begin`, does not go beyond `end`: viewers nest slices of
/// one track that overlap, be it by the last bit.
fn duration(begin: f64, end: f64) -> f64 {
    let mut duration = end - begin;
    while duration > 0.0 && begin + duration > end {
        duration = duration.next_down();
    }
    duration
}

/// CTAs on cores, bandwidth and power over a kernel.
fn counters(chip: &ChipFile, kernel: &Operation, events: &mut Events<'_>) -> io::Result<()> {
    let clock = chip.clock_hz();
    let at = |cycle: u64| kernel.first_cta + cycle as f64 / clock;
    let mut changes: Vec<(u64, u32, i64)> = Vec::with_capacity(kernel.spans.len() * 2);
    for span in &kernel.spans {
        changes.push((span.begin, span.core, 1));
        changes.push((span.end, span.core, -1));
    }
    changes.sort_unstable();
    let mut resident = vec![0i64; chip.cores.count.value as usize];
    for change in changes.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (cycle, core, _) = change[0];
        let Some(count) = resident.get_mut(core as usize) else {
            continue;
        };
        *count += change.iter().map(|(_, _, step)| step).sum::<i64>();
        events.counter(
            CORES,
            &format!("core {core:02} CTAs"),
            at(cycle),
            json!({"CTAs": *count}),
        )?;
    }
    let idle = Energy::idle(chip, 1.0).total();
    let mut begin = 0;
    for sample in &kernel.samples {
        let seconds = (sample.end - begin) as f64 / clock;
        if seconds > 0.0 {
            let gigabytes = sample.dram_bytes as f64 / seconds / 1e9;
            events.counter(
                CHIP,
                "DRAM bandwidth",
                at(begin),
                json!({"GB/s": rounded(gigabytes)}),
            )?;
            let watts = sample.joules / seconds + idle;
            events.counter(CHIP, "power", at(begin), json!({"W": rounded(watts)}))?;
            let rate = sample.issued as f64 / ((sample.end - begin) as f64);
            events.counter(
                CHIP,
                "instructions",
                at(begin),
                json!({"per cycle": rounded(rate)}),
            )?;
        }
        begin = sample.end;
    }
    events.counter(CHIP, "DRAM bandwidth", kernel.end, json!({"GB/s": 0}))?;
    events.counter(CHIP, "power", kernel.end, json!({"W": rounded(idle)}))?;
    events.counter(CHIP, "instructions", kernel.end, json!({"per cycle": 0}))
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The array of events.
struct Events<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl Events<'_> {
    fn put(&mut self, event: &Value) -> io::Result<()> {
        if !self.first {
            self.out.write_all(b",\n")?;
        }
        self.first = false;
        serde_json::to_writer(&mut *self.out, event)?;
        Ok(())
    }

    fn name_track(&mut self, process: u32, track: u64, name: &str) -> io::Result<()> {
        self.put(&json!({
            "ph": "M", "name": "thread_name", "pid": process, "tid": track,
            "args": {"name": name},
        }))
    }

    fn slice(&mut self, process: u32, track: u64, operation: &Operation) -> io::Result<()> {
        let mut arguments = json!({"joules": operation.joules});
        if operation.bytes > 0 {
            arguments["bytes"] = json!(operation.bytes);
        }
        self.put(&json!({
            "ph": "X", "name": operation.name, "pid": process, "tid": track,
            "ts": microseconds(operation.begin),
            "dur": duration(microseconds(operation.begin), microseconds(operation.end)),
            "args": arguments,
        }))
    }

    fn counter(&mut self, process: u32, name: &str, time: f64, values: Value) -> io::Result<()> {
        self.put(&json!({
            "ph": "C", "name": name, "pid": process, "tid": 0,
            "ts": microseconds(time), "args": values,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies of 74.727491 us one after the other: begin and length, each rounded by itself, add up
    /// to more than the next begin now and then.
    #[test]
    fn slices_that_follow_each_other_do_not_overlap() {
        let mut rounded_up = 0;
        for index in 0..1000 {
            let begin = microseconds(f64::from(index) * 74.727_491e-6);
            let end = microseconds(f64::from(index + 1) * 74.727_491e-6);
            rounded_up += u32::from(begin + microseconds(74.727_491e-6) > end);
            let duration = duration(begin, end);
            assert!(begin + duration <= end, "{begin} {end}");
            assert!(end - begin - duration < 1e-9, "{begin} {end}");
        }
        assert!(rounded_up > 0, "no such sum was tried");
    }
}
