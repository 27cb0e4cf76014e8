//! A device: one chip, its memory, its compile cache and its report.

use crate::advice::Advices;
use crate::allocator::Allocator;
use crate::attributes;
use crate::cache::Cache;
use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::graph::{Captures, GraphMemory};
use crate::memory::Allocations;
use crate::pool::Pools;
use crate::report::Report;
use crate::stream::{Stream, StreamKind};
use crate::timeline::{Elapsed, OperationKind, Timeline};
use crate::virtual_memory::VirtualMemory;
use crate::work::HostCalls;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weft_chip::{Chip, ChipFile, TimingReport};

/// One chip. Contexts, modules and the rest hang off it. See the crate documentation.
#[derive(Debug)]
pub struct Device {
    pub(crate) chip: Chip,
    pub(crate) config: Config,
    pub(crate) cache: Cache,
    pub(crate) allocator: Mutex<Allocator>,
    pub(crate) allocations: Mutex<Allocations>,
    report: Mutex<Report>,
    /// Chip file of the timing model while that is on, and the timeline of what it timed.
    timing: Mutex<Timing>,
    last_id: AtomicU64,
    primary: Mutex<Primary>,
    /// Streams that keep work back.
    kept: Mutex<Vec<Arc<Stream>>>,
    /// Default streams by context.
    defaults: Mutex<BTreeMap<u64, Arc<Stream>>>,
    pub(crate) pools: Pools,
    pub(crate) host_calls: HostCalls,
    pub(crate) advices: Advices,
    pub(crate) virtual_memory: VirtualMemory,
    pub(crate) captures: Captures,
    pub(crate) graph_memory: GraphMemory,
}

/// What is known of time while launches are timed.
#[derive(Debug, Default)]
struct Timing {
    chip: Option<Arc<ChipFile>>,
    timeline: Timeline,
}

/// The primary context and how often it is retained.
#[derive(Debug, Default)]
struct Primary {
    context: Option<Arc<Context>>,
    retained: u32,
    flags: u32,
}

impl Device {
    /// Sets up a chip.
    ///
    /// # Errors
    ///
    /// If the host cannot reserve the device's memory region.
    pub fn new(config: Config) -> Result<Arc<Self>, Error> {
        let chip =
            Chip::new(config.chip.clone()).map_err(|error| Error::Chip(error.to_string()))?;
        let memory = chip.memory();
        let allocator = Allocator::new(memory.base(), memory.len());
        let timing = config.timing.clone();
        let device = Arc::new(Self {
            allocator: Mutex::new(allocator),
            allocations: Mutex::default(),
            report: Mutex::new(Report::new(&config)),
            timing: Mutex::default(),
            cache: Cache::new(config.cache.clone()),
            last_id: AtomicU64::new(0),
            primary: Mutex::default(),
            kept: Mutex::default(),
            defaults: Mutex::default(),
            pools: Pools::default(),
            host_calls: HostCalls::default(),
            advices: Advices::default(),
            virtual_memory: VirtualMemory::default(),
            captures: Captures::default(),
            graph_memory: GraphMemory::default(),
            chip,
            config,
        });
        if timing.is_some() {
            device.set_timing(timing)?;
        }
        Ok(device)
    }

    /// Name as `nvidia-smi` would print it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("Weft {}", self.config.chip.name)
    }

    /// 16 bytes that identify the device, the same in every process.
    #[must_use]
    pub const fn uuid(&self) -> [u8; 16] {
        *b"weft-w1-device-0"
    }

    /// PCI address as CUDA prints it.
    #[must_use]
    pub const fn pci_bus_id(&self) -> &'static str {
        "0000:01:00.0"
    }

    /// Memory in bytes.
    #[must_use]
    pub fn total_memory(&self) -> u64 {
        self.chip.memory().len()
    }

    /// Memory not allocated, in bytes.
    #[must_use]
    pub fn free_memory(&self) -> u64 {
        let allocated_apart = self.virtual_memory.physical_bytes();
        lock(&self.allocator)
            .free_bytes()
            .saturating_sub(allocated_apart)
    }

    /// Value of a device attribute by its `CU_DEVICE_ATTRIBUTE_*` number.
    #[must_use]
    pub fn attribute(&self, number: i32) -> Option<i32> {
        attributes::attribute(&self.config, number)
    }

    /// Configuration in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Shared memory that a CTA can opt in to, in bytes.
    #[must_use]
    pub const fn max_shared_bytes_optin(&self) -> u32 {
        attributes::max_shared_bytes_optin(self.config.chip.shared_bytes_per_core)
    }

    /// A copy of what has run so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = lock(&self.report).clone();
        report.elapsed = self.elapsed();
        report
    }

    pub(crate) fn report_mut(&self) -> MutexGuard<'_, Report> {
        lock(&self.report)
    }

    /// Switches timing on with the chip of a file, or off. The file must describe a chip with
    /// the cores and scratchpads of this device. Modelled time begins at 0, caches empty.
    ///
    /// # Errors
    ///
    /// If it describes another chip.
    pub fn set_timing(&self, file: Option<Arc<ChipFile>>) -> Result<(), Error> {
        self.chip
            .set_timing(file.clone())
            .map_err(|error| Error::Chip(error.to_string()))?;
        let mut timing = lock(&self.timing);
        timing.timeline = Timeline::default();
        timing.chip = file;
        Ok(())
    }

    /// The chip file by which launches are timed, if they are.
    #[must_use]
    pub fn timing(&self) -> Option<Arc<ChipFile>> {
        lock(&self.timing).chip.clone()
    }

    /// Empties the caches of the timing model.
    pub fn empty_caches(&self) {
        self.chip.empty_caches();
    }

    /// Modelled time so far, if launches are timed.
    #[must_use]
    pub fn elapsed(&self) -> Option<Elapsed> {
        let timing = lock(&self.timing);
        let chip = timing.chip.as_ref()?;
        Some(timing.timeline.elapsed(chip))
    }

    /// The next operation that this thread submits goes to `stream`, and the host does not wait
    /// for it. Without this call it goes to the default stream, and a copy makes the host wait.
    /// Matters to modelled time only.
    pub fn choose_stream(&self, stream: u64) {
        self.timed(|_, timeline| timeline.choose(stream));
    }

    /// The host waits for a stream, or for all: matters to modelled time only.
    pub fn wait_for_stream(&self, stream: Option<u64>) {
        self.timed(|_, timeline| timeline.wait(stream));
    }

    /// The host waits until a modelled time, as [`Device::stream_time`] gave it.
    pub fn wait_until(&self, time: f64) {
        self.timed(|_, timeline| timeline.wait_until(time));
    }

    /// A stream waits until a modelled time, as [`Device::stream_time`] gave it.
    pub fn hold_stream(&self, stream: u64, time: f64) {
        self.timed(|_, timeline| timeline.hold(stream, time));
    }

    /// Modelled time in seconds at which what a stream was given so far is done; `None` while
    /// launches are not timed.
    #[must_use]
    pub fn stream_time(&self, stream: u64) -> Option<f64> {
        let mut timing = lock(&self.timing);
        timing.chip.as_ref()?;
        Some(timing.timeline.tail(stream))
    }

    pub(crate) fn note_copy(&self, kind: OperationKind, bytes: u64) {
        self.timed(|chip, timeline| timeline.copy(chip, kind, bytes));
    }

    pub(crate) fn note_kernel(&self, name: &str, report: &TimingReport) {
        self.timed(|chip, timeline| timeline.kernel(chip, name, report));
    }

    fn timed(&self, act: impl FnOnce(&ChipFile, &mut Timeline)) {
        let mut timing = lock(&self.timing);
        let Timing { chip, timeline } = &mut *timing;
        if let Some(chip) = chip {
            act(chip, timeline);
        }
    }

    /// Writes what was timed as a trace in the JSON form that Perfetto and chrome://tracing
    /// read: streams, copies, kernels, CTAs on cores, memory bandwidth and power.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn write_trace(&self, out: &mut dyn Write) -> io::Result<()> {
        let timing = lock(&self.timing);
        match &timing.chip {
            Some(chip) => crate::trace::write(chip, &timing.timeline.operations, out),
            None => Ok(()),
        }
    }

    /// A number that no other object of this device has.
    pub(crate) fn new_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The default stream of a context.
    ///
    /// # Errors
    ///
    /// If the context is unusable.
    pub fn default_stream(&self, context: &Arc<Context>) -> Result<Arc<Stream>, Error> {
        let mut defaults = lock(&self.defaults);
        if let Some(stream) = defaults
            .get(&context.id())
            .filter(|stream| !stream.is_stale())
        {
            context.usable()?;
            return Ok(Arc::clone(stream));
        }
        let stream = Stream::default_of(context, StreamKind::Legacy)?;
        defaults.insert(context.id(), Arc::clone(&stream));
        Ok(stream)
    }

    /// Forgets the default stream of a context that ends.
    pub(crate) fn forget_streams_of(&self, context: u64) {
        self.captures.invalidate_of(context);
        // What goes may own the last handle of something that takes these locks, so it goes later.
        let gone = lock(&self.defaults).remove(&context);
        let idle: Vec<_> = lock(&self.kept)
            .extract_if(.., |stream| stream.context().id() == context)
            .collect();
        drop((gone, idle));
    }

    /// Goes on with work that streams keep back.
    pub fn progress(&self) {
        let streams = lock(&self.kept).clone();
        if streams.is_empty() {
            return;
        }
        // What one stream does may be what another waits for.
        for _ in 0..streams.len() {
            for stream in &streams {
                stream.progress();
            }
        }
        let idle: Vec<_> = lock(&self.kept)
            .extract_if(.., |stream| !stream.is_busy())
            .collect();
        drop(idle);
    }

    /// Notes that a stream keeps work back.
    pub(crate) fn keep_back(&self, stream: &Arc<Stream>) {
        let mut kept = lock(&self.kept);
        if !kept
            .iter()
            .any(|known| known.id() == stream.id() && Arc::ptr_eq(known, stream))
        {
            kept.push(Arc::clone(stream));
        }
    }

    /// Operations that what is submitted to `stream` now comes after.
    pub(crate) fn before(&self, stream: &Stream) -> Vec<(Arc<Stream>, u64)> {
        let kept = lock(&self.kept);
        let ordered = kept
            .iter()
            .filter_map(|other| Some((Arc::clone(other), other.comes_before(stream)?)));
        ordered.collect()
    }

    /// Whether a stream of the context keeps work back.
    pub(crate) fn is_busy(&self, context: u64) -> bool {
        let kept = lock(&self.kept);
        kept.iter()
            .any(|stream| stream.context().id() == context && stream.is_busy())
    }

    /// Retains the primary context, making it at first.
    pub fn retain_primary(self: &Arc<Self>) -> Arc<Context> {
        let mut primary = lock(&self.primary);
        primary.retained += 1;
        let flags = primary.flags;
        primary
            .context
            .get_or_insert_with(|| Context::new(self, flags))
            .clone()
    }

    /// Releases the primary context; the last release destroys it.
    ///
    /// # Errors
    ///
    /// If it is not retained.
    pub fn release_primary(&self) -> Result<(), Error> {
        let mut primary = lock(&self.primary);
        match primary.retained {
            0 => Err(Error::InvalidValue(
                "the primary context is not retained".to_owned(),
            )),
            1 => {
                primary.retained = 0;
                destroy(primary.context.take());
                Ok(())
            }
            _ => {
                primary.retained -= 1;
                Ok(())
            }
        }
    }

    /// Destroys the primary context's allocations and error. It stays retained, and the same
    /// context is usable again.
    pub fn reset_primary(&self) {
        let primary = lock(&self.primary);
        if let Some(context) = &primary.context {
            context.reset();
        }
    }

    /// Flags that the primary context will have, and whether it exists.
    #[must_use]
    pub fn primary_state(&self) -> (u32, bool) {
        let primary = lock(&self.primary);
        (primary.flags, primary.context.is_some())
    }

    /// [`Context::id`] of the primary context, if it exists.
    #[must_use]
    pub fn primary_context_id(&self) -> Option<u64> {
        lock(&self.primary)
            .context
            .as_ref()
            .map(|context| context.id())
    }

    /// Sets the flags of the primary context.
    pub fn set_primary_flags(&self, flags: u32) {
        lock(&self.primary).flags = flags;
    }
}

fn destroy(context: Option<Arc<Context>>) {
    if let Some(context) = context {
        context.destroy();
    }
}

/// Locks a mutex whose data every operation leaves whole, so that a panic elsewhere in a
/// holder does not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
