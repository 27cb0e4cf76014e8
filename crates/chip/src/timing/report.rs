//! What the model says of a launch.
#![expect(
    clippy::cast_precision_loss,
    reason = "counts as quotients for people, far below 2^53"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::core::CoreModel;
use super::launch::{CtaSpan, Work};
use super::stall::Stall;
use super::system::System;
use crate::chipfile::{ChipFile, SECTOR_BYTES};
use crate::observe::{Domain, Unit};

/// Most samples of a launch's timeline.
const SAMPLES_MAX: usize = 256;
/// Most instructions listed as hot.
const HOT_SPOTS_MAX: usize = 64;
/// A roof that is used to this share limits the launch.
const ROOF_SHARE: f64 = 0.6;
/// With fewer harts at work than this share, their lack limits the launch.
const OCCUPANCY_LOW: f64 = 0.1;

/// Joules by part of the chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// Cores with their vector units.
    pub cores: f64,
    /// Matrix units.
    pub matrix: f64,
    /// Scratchpads and first-level caches.
    pub scratchpad: f64,
    /// Second-level cache and network.
    pub l2_network: f64,
    /// Memory devices.
    pub dram: f64,
    /// Memory controllers and PHY.
    pub phy: f64,
    /// Link to the host.
    pub link: f64,
}

impl Energy {
    /// Domains with their names.
    #[must_use]
    pub fn domains(&self) -> [(&'static str, f64); 7] {
        [
            ("cores", self.cores),
            ("matrix", self.matrix),
            ("scratchpad", self.scratchpad),
            ("l2_network", self.l2_network),
            ("dram", self.dram),
            ("phy", self.phy),
            ("link", self.link),
        ]
    }

    /// The sum.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.domains().iter().map(|(_, joules)| joules).sum()
    }

    /// What the chip takes in so many seconds when it does nothing.
    #[must_use]
    pub fn idle(chip: &ChipFile, seconds: f64) -> Self {
        let power = &chip.static_power;
        Self {
            cores: power.cores.value * seconds,
            matrix: power.matrix.value * seconds,
            scratchpad: power.scratchpad.value * seconds,
            l2_network: power.l2.value * seconds,
            dram: power.dram.value * seconds,
            phy: power.phy.value * seconds,
            link: power.link.value * seconds,
        }
    }

    /// What a copy between host and device adds.
    #[must_use]
    pub fn of_copy(chip: &ChipFile, bytes: u64) -> Self {
        let bytes = bytes as f64;
        let energy = &chip.energy;
        let joules = |picojoules: f64| bytes * picojoules * 1e-12;
        Self {
            l2_network: joules(energy.network.value),
            dram: joules(energy.dram.value),
            phy: joules(energy.phy.value),
            link: joules(energy.link.value),
            ..Self::default()
        }
    }
}

impl std::ops::AddAssign for Energy {
    fn add_assign(&mut self, other: Self) {
        self.cores += other.cores;
        self.matrix += other.matrix;
        self.scratchpad += other.scratchpad;
        self.l2_network += other.l2_network;
        self.dram += other.dram;
        self.phy += other.phy;
        self.link += other.link;
    }
}

/// Share of each roof that a launch used, 0 to 1, launch overhead not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roofs {
    /// Bandwidth of device memory.
    pub dram: f64,
    /// Bandwidth of the second-level cache.
    pub l2: f64,
    /// Time of the memory units.
    pub memory_unit: f64,
    /// Bandwidth of the scratchpads.
    pub scratchpad: f64,
    /// Time of the vector units.
    pub vector: f64,
    /// Time of the special-function units.
    pub special: f64,
    /// Time of the matrix units.
    pub matrix: f64,
    /// Scalar issue.
    pub scalar: f64,
}

impl Roofs {
    /// Roofs with their names.
    #[must_use]
    pub fn all(&self) -> [(&'static str, f64); 8] {
        [
            ("dram", self.dram),
            ("l2", self.l2),
            ("memory_unit", self.memory_unit),
            ("scratchpad", self.scratchpad),
            ("vector", self.vector),
            ("special", self.special),
            ("matrix", self.matrix),
            ("scalar", self.scalar),
        ]
    }
}

/// What a launch is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiter {
    /// One of [`Roofs`], by name.
    Roof(&'static str),
    /// What harts wait for most, with no roof near.
    Latency(Stall),
    /// The overhead of launching.
    Launch,
    /// Cores without work: too few CTAs, or an uneven end.
    Occupancy,
}

impl Limiter {
    /// Name in reports.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Roof(roof) => roof.to_owned(),
            Self::Latency(stall) => format!("latency:{}", stall.name()),
            Self::Launch => "launch".to_owned(),
            Self::Occupancy => "occupancy".to_owned(),
        }
    }
}

/// An instruction, and how much of the launch it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotSpot {
    /// Its address.
    pub pc: u64,
    /// Times that a warp issued it.
    pub issued: u64,
    /// Hart-cycles spent waiting to issue it.
    pub stalled: u64,
}

/// A piece of a launch's time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Cycle at which it ends, counted from the start of the launch.
    pub end: u64,
    /// Bytes read from and written to memory devices.
    pub dram_bytes: u64,
    /// Energy, static power not included.
    pub joules: f64,
    /// Warp instructions issued.
    pub issued: u64,
}

/// Cycles that units were busy, of all cores together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitBusy {
    /// Scalar issue port.
    pub scalar: u64,
    /// Vector unit.
    pub vector: u64,
    /// Special functions and division.
    pub special: u64,
    /// Matrix unit.
    pub matrix: u64,
    /// Loads, stores and atomics.
    pub memory: u64,
}

/// What the model says of a launch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimingReport {
    /// Cycles from the first CTA to the last effect.
    pub cycles: u64,
    /// Clock in hertz.
    pub clock_hz: f64,
    /// Seconds before the first CTA.
    pub launch_seconds: f64,
    /// Joules, static power over [`TimingReport::seconds`] included.
    pub energy: Energy,
    /// Hart-cycles by reason, in the order of [`Stall::ALL`].
    pub stalls: [u64; Stall::ALL.len()],
    /// Hart-cycles in which a hart had a CTA.
    pub hart_cycles: u64,
    /// Most harts of the chip.
    pub harts: u64,
    /// Units.
    pub busy: UnitBusy,
    /// Warp instructions.
    pub issued: u64,
    /// Operations on data by vector units, two for a multiply-add.
    pub vector_operations: u64,
    /// Operations of matrix units, two for a multiply-accumulate.
    pub matrix_operations: u64,
    /// Bytes read from memory devices.
    pub dram_bytes_read: u64,
    /// Bytes written to memory devices.
    pub dram_bytes_written: u64,
    /// Rows opened in memory devices.
    pub dram_activates: u64,
    /// Bytes that cores read from the second level.
    pub l2_bytes_read: u64,
    /// Bytes that cores wrote to the second level.
    pub l2_bytes_written: u64,
    /// Bytes of reads that the second level had to ask memory for.
    pub l2_bytes_missed: u64,
    /// Bytes read through first-level caches.
    pub l1_bytes: u64,
    /// Bytes of these that had to be asked for.
    pub l1_bytes_missed: u64,
    /// Bytes read and written in scratchpads.
    pub scratchpad_bytes: u64,
    /// Cycles that scratchpads were busy.
    pub scratchpad_passes: u64,
    /// Cycles of these that bank conflicts added.
    pub scratchpad_conflicts: u64,
    /// Bytes to and from memory of the host.
    pub host_bytes: u64,
    /// Share of each roof.
    pub roofs: Roofs,
    /// What it is bound by.
    pub limiter: Limiter,
    /// Instructions by hart-cycles, the most first; at most 64.
    pub hot_spots: Vec<HotSpot>,
    /// Its time in at most 256 pieces.
    pub samples: Vec<Sample>,
    /// CTAs on cores; of large grids the first 4,096 to end.
    pub spans: Vec<CtaSpan>,
}

impl TimingReport {
    /// Seconds of the chip, launch overhead included.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.launch_seconds + self.cycles as f64 / self.clock_hz
    }

    /// Mean power in watts.
    #[must_use]
    pub fn watts(&self) -> f64 {
        self.energy.total() / self.seconds()
    }

    /// Share of harts that had a CTA.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        ratio(self.hart_cycles, self.harts * self.cycles)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Collects samples; pieces grow as the launch does.
pub(super) struct Timeline {
    samples: Vec<Sample>,
    /// Epochs of a piece.
    width: u32,
    epochs: u32,
    seen: Sample,
    before: Sample,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self {
            samples: Vec::new(),
            width: 1,
            epochs: 0,
            seen: Sample::default(),
            before: Sample::default(),
        }
    }

    /// Notes the state at cycle `now`.
    pub(super) fn add(&mut self, now: u64, chip: &ChipFile, cores: &[CoreModel], system: &System) {
        self.epochs += 1;
        if self.epochs < self.width {
            return;
        }
        self.epochs = 0;
        let dram = system.dram().counts;
        self.seen = Sample {
            end: now,
            dram_bytes: (dram.sectors_read + dram.sectors_written) * SECTOR_BYTES,
            joules: system.energy_by_part(chip).total()
                + cores.iter().map(|core| core.counts.energy_fj).sum::<u64>() as f64 * 1e-15,
            issued: cores.iter().map(|core| core.counts.issued).sum(),
        };
        self.samples.push(difference(&self.seen, &self.before));
        self.before = self.seen;
        if self.samples.len() == SAMPLES_MAX {
            self.width *= 2;
            let pairs = self.samples.chunks(2).map(|pair| Sample {
                end: pair[pair.len() - 1].end,
                dram_bytes: pair.iter().map(|s| s.dram_bytes).sum(),
                joules: pair.iter().map(|s| s.joules).sum(),
                issued: pair.iter().map(|s| s.issued).sum(),
            });
            self.samples = pairs.collect();
        }
    }

    /// The samples of a launch of so many cycles.
    pub(super) fn finish(mut self, cycles: u64) -> Vec<Sample> {
        for sample in &mut self.samples {
            sample.end = sample.end.min(cycles);
        }
        self.samples.dedup_by(|next, kept| {
            let same = next.end == kept.end;
            if same {
                kept.dram_bytes += next.dram_bytes;
                kept.joules += next.joules;
                kept.issued += next.issued;
            }
            same
        });
        self.samples
    }
}

fn difference(now: &Sample, before: &Sample) -> Sample {
    Sample {
        end: now.end,
        dram_bytes: now.dram_bytes - before.dram_bytes,
        joules: now.joules - before.joules,
        issued: now.issued - before.issued,
    }
}

/// Sums up a launch that took so many cycles.
pub(super) fn make(
    chip: &ChipFile,
    cores: &[CoreModel],
    system: &System,
    work: &Work<'_>,
    cycles: u64,
    samples: Vec<Sample>,
) -> TimingReport {
    let sum = |of: &dyn Fn(&CoreModel) -> u64| cores.iter().map(of).sum::<u64>();
    let busy_of = |unit: Unit| sum(&|core| core.counts.busy[unit as usize]);
    let busy = UnitBusy {
        scalar: busy_of(Unit::Scalar) + busy_of(Unit::Divider),
        vector: busy_of(Unit::Vector),
        special: busy_of(Unit::Special),
        matrix: busy_of(Unit::Matrix),
        memory: busy_of(Unit::Memory),
    };
    let mut stalls = [0; Stall::ALL.len()];
    for core in cores {
        for (total, cycles) in stalls.iter_mut().zip(core.counts.stalls) {
            *total += cycles;
        }
    }
    let counts = system.counts();
    let dram = system.dram().counts;
    let (mut vector_operations, mut matrix_operations) = (0, 0);
    let (mut core_fj, mut matrix_fj) = (0, 0);
    for (info, seen) in work.code.infos().iter().zip(&work.ops) {
        let operations = seen.issued * u64::from(info.operations);
        let femtojoules = seen.issued * info.energy_fj;
        match info.domain {
            Domain::Cores => {
                vector_operations += operations;
                core_fj += femtojoules;
            }
            Domain::Matrix => {
                matrix_operations += operations;
                matrix_fj += femtojoules;
            }
        }
    }
    let clock_hz = chip.clock_hz();
    let launch_seconds = chip.host.launch_overhead.value * 1e-6;
    let seconds = launch_seconds + cycles as f64 / clock_hz;
    let scratchpad_bytes = sum(&|core| core.counts.scratchpad_bytes);
    let l1_bytes = sum(&|core| core.counts.l1_sectors) * SECTOR_BYTES;
    let l1_bytes_missed = sum(&|core| core.counts.l1_sectors_missed) * SECTOR_BYTES;
    let table = &chip.energy;
    let shared = system.energy_by_part(chip);
    let mut energy = Energy::idle(chip, seconds);
    energy += Energy {
        cores: core_fj as f64 * 1e-15,
        matrix: matrix_fj as f64 * 1e-15,
        scratchpad: (scratchpad_bytes as f64 * table.scratchpad.value
            + (l1_bytes + l1_bytes_missed) as f64 * table.l1.value)
            * 1e-12,
        ..shared
    };
    let core_cycles = cycles * cores.len() as u64;
    let dram_bytes = (dram.sectors_read + dram.sectors_written) * SECTOR_BYTES;
    let exec_seconds = cycles as f64 / clock_hz;
    let slices = u64::from(chip.l2.slices.value);
    let roofs = Roofs {
        dram: if cycles == 0 {
            0.0
        } else {
            dram_bytes as f64 / exec_seconds / chip.memory_bytes_per_second()
        },
        l2: ratio(counts.slice_cycles, cycles * slices),
        memory_unit: ratio(busy.memory, core_cycles),
        scratchpad: ratio(sum(&|core| core.counts.scratchpad_passes), core_cycles),
        vector: ratio(busy.vector, core_cycles),
        special: ratio(busy.special, core_cycles),
        matrix: ratio(busy.matrix, core_cycles),
        scalar: ratio(busy.scalar, core_cycles),
    };
    let mut report = TimingReport {
        cycles,
        clock_hz,
        launch_seconds,
        energy,
        stalls,
        hart_cycles: sum(&|core| core.counts.hart_cycles),
        harts: cores.len() as u64 * u64::from(chip.cores.harts.value),
        busy,
        issued: sum(&|core| core.counts.issued),
        vector_operations,
        matrix_operations,
        dram_bytes_read: dram.sectors_read * SECTOR_BYTES,
        dram_bytes_written: dram.sectors_written * SECTOR_BYTES,
        dram_activates: dram.activates,
        l2_bytes_read: counts.l2_sectors_read * SECTOR_BYTES,
        l2_bytes_written: counts.l2_sectors_written * SECTOR_BYTES,
        l2_bytes_missed: counts.l2_sectors_missed * SECTOR_BYTES,
        l1_bytes,
        l1_bytes_missed,
        scratchpad_bytes,
        scratchpad_passes: sum(&|core| core.counts.scratchpad_passes),
        scratchpad_conflicts: sum(&|core| core.counts.scratchpad_conflicts),
        host_bytes: counts.host_bytes,
        roofs,
        limiter: Limiter::Launch,
        hot_spots: hot_spots(work),
        samples,
        spans: work.spans.clone(),
    };
    report.limiter = Limiter::of(
        launch_seconds / seconds,
        &report.roofs,
        &report.stalls,
        report.occupancy(),
    );
    report
}

impl Limiter {
    /// The nearest roof, or what keeps a launch from all of them.
    ///
    /// `launch_share` is the share of its time that passes before the first CTA, `stalls`
    /// hart-cycles in the order of [`Stall::ALL`], `occupancy` the share of harts with a CTA.
    #[must_use]
    pub fn of(
        launch_share: f64,
        roofs: &Roofs,
        stalls: &[u64; Stall::ALL.len()],
        occupancy: f64,
    ) -> Self {
        if launch_share > 0.5 {
            return Self::Launch;
        }
        let nearest = roofs.all().into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((name, share)) = nearest
            && share >= ROOF_SHARE
        {
            return Self::Roof(name);
        }
        let waits = Stall::ALL.iter().zip(stalls).skip(1);
        let longest = waits.max_by_key(|(_, cycles)| **cycles);
        match longest {
            Some((stall, _)) if occupancy >= OCCUPANCY_LOW => Self::Latency(*stall),
            _ => Self::Occupancy,
        }
    }
}

fn hot_spots(work: &Work<'_>) -> Vec<HotSpot> {
    let mut by_pc: BTreeMap<u64, HotSpot> = BTreeMap::new();
    for (info, seen) in work.code.infos().iter().zip(&work.ops) {
        if seen.issued == 0 {
            continue;
        }
        let spot = by_pc.entry(info.pc).or_insert(HotSpot {
            pc: info.pc,
            issued: 0,
            stalled: 0,
        });
        spot.issued += seen.issued;
        spot.stalled += seen.stalled;
    }
    let mut spots: Vec<HotSpot> = by_pc.into_values().collect();
    spots.sort_by_key(|spot| (std::cmp::Reverse(spot.issued + spot.stalled), spot.pc));
    spots.truncate(HOT_SPOTS_MAX);
    spots
}
