//! A core: harts that issue in turn, units that execute, scratchpad and first-level cache.
//!
//! Each hart issues its instructions in order, each as soon as its registers are ready and its
//! unit is free; units serve harts in the order in which these became ready. A cycle issues at
//! most one scalar instruction and one of the others. Loads do not block a hart until their
//! result is needed. Not modelled: instruction fetch, bank conflicts of register files.
#![expect(
    clippy::cast_possible_truncation,
    reason = "indices of harts, loads and CTAs of a core"
)]

use super::calendar::Calendar;
use super::l1::{L1, UNKNOWN};
use super::launch::{Cta, Work};
use super::stall::Stall;
use super::system::{Action, Request, Response};
use crate::chipfile::ChipFile;
use crate::fault::Fault;
use crate::observe::{Accesses, Kind, OpInfo, Registers, Space, Unit};

const HARTS: usize = 32;
const REGISTERS: usize = 96;
const STALLS: usize = Stall::ALL.len();

/// What a hart waits for, when that is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// Nothing: it has no CTA, or is in the calendar.
    No,
    /// A register that a load of unknown arrival writes.
    Load,
    /// Room for more lines under way.
    Room,
    /// A barrier.
    Barrier,
}

struct Hart {
    /// Slot of its CTA in [`CoreModel::ctas`].
    cta: u8,
    warp: u8,
    waiting: Waiting,
    /// Distinguishes what runs in this hart from what ran before.
    generation: u32,
    /// The next instruction, and the end of its block.
    op: u32,
    block_end: u32,
    /// When it could have issued if nothing had kept it.
    earliest: u64,
    /// What kept it, in the calendar.
    cause: u8,
    /// Registers that the next instruction needs.
    needs: Registers,
    /// Registers that may not be ready: bits as in [`crate::observe`]'s register sets.
    pending_scalar: u64,
    pending_vector: u32,
    ready: [u64; REGISTERS],
    causes: [u8; REGISTERS],
}

/// A load whose data have been asked for.
#[derive(Clone, Copy)]
struct Load {
    hart: u8,
    generation: u32,
    writes: Registers,
    /// Misses of unknown arrival.
    left: u32,
    at: u64,
    cause: u8,
}

#[derive(Clone, Copy, Default)]
struct Barrier {
    arrived: u32,
    expected: u32,
    /// Harts of the core that wait.
    waiting: u32,
    /// When the last arrived.
    time: u64,
}

/// A CTA on a core.
struct Resident {
    cta: Cta,
    /// Hart of each warp.
    harts: Vec<u8>,
    live: u32,
    barriers: [Barrier; 16],
    started: u64,
}

/// Counts of what a core did.
#[derive(Clone, Debug, Default)]
pub(super) struct CoreCounts {
    /// Hart-cycles by [`Stall`].
    pub(super) stalls: [u64; STALLS],
    /// Cycles that units were busy.
    pub(super) busy: [u64; Unit::COUNT],
    pub(super) issued: u64,
    pub(super) scratchpad_bytes: u64,
    pub(super) scratchpad_passes: u64,
    /// Passes that bank conflicts added.
    pub(super) scratchpad_conflicts: u64,
    pub(super) l1_sectors: u64,
    pub(super) l1_sectors_missed: u64,
    pub(super) l1_lines: u64,
    pub(super) sent_sectors: u64,
    /// Cycles that harts had a CTA, all together.
    pub(super) hart_cycles: u64,
    /// Energy of instructions, without that of accesses.
    pub(super) energy_fj: u64,
}

/// The timing model of a core.
pub(super) struct CoreModel {
    pub(super) index: u32,
    harts: Vec<Hart>,
    calendar: Calendar,
    free_harts: u32,
    free_scratchpad: u64,
    ctas: Vec<Option<Resident>>,
    units: [u64; Unit::COUNT],
    /// Cycles from `port_base` in which the port of vector, matrix and memory is taken.
    port: u64,
    port_base: u64,
    send_free: u64,
    l1: L1,
    loads: Vec<Load>,
    free_loads: Vec<u32>,
    /// Harts that wait for room.
    want_room: u32,
    /// When stores that have left were taken; in no order.
    stores_done: Vec<u64>,
    stores: u32,
    pub(super) requests: Vec<Request>,
    /// When the last hart exited.
    pub(super) finished: u64,
    pub(super) counts: CoreCounts,
    timing: Timing,
}

/// Latencies that do not depend on the instruction.
struct Timing {
    scratchpad: u64,
    l1: u64,
    cta_start: u64,
    barrier: u64,
    core_sectors: u64,
    scratchpad_row: u32,
}

impl CoreModel {
    pub(super) fn new(index: u32, chip: &ChipFile) -> Self {
        let hart = || Hart {
            cta: 0,
            warp: 0,
            waiting: Waiting::No,
            generation: 0,
            op: 0,
            block_end: 0,
            earliest: 0,
            cause: 0,
            needs: Registers::default(),
            pending_scalar: 0,
            pending_vector: 0,
            ready: [0; REGISTERS],
            causes: [0; REGISTERS],
        };
        Self {
            index,
            harts: (0..HARTS).map(|_| hart()).collect(),
            calendar: Calendar::new(),
            free_harts: u32::MAX,
            free_scratchpad: u64::from(chip.scratchpad.size.value) * 1024,
            ctas: (0..HARTS).map(|_| None).collect(),
            units: [0; Unit::COUNT],
            port: 0,
            port_base: 0,
            send_free: 0,
            l1: L1::new(chip),
            loads: Vec::new(),
            free_loads: Vec::new(),
            want_room: 0,
            stores_done: Vec::new(),
            stores: 0,
            requests: Vec::new(),
            finished: 0,
            counts: CoreCounts::default(),
            timing: Timing {
                scratchpad: u64::from(chip.scratchpad.latency.value),
                l1: u64::from(chip.l1.latency.value),
                cta_start: u64::from(chip.host.cta_start.value),
                barrier: u64::from(chip.latency.system.value),
                core_sectors: u64::from(chip.network.core_width.value / 32).max(1),
                scratchpad_row: chip.scratchpad.banks.value * 4,
            },
        }
    }

    /// Begins a launch at time 0, with a cold first-level cache.
    pub(super) fn begin(&mut self, chip: &ChipFile) {
        self.calendar.clear();
        self.free_harts = u32::MAX;
        self.free_scratchpad = u64::from(chip.scratchpad.size.value) * 1024;
        self.units = [0; Unit::COUNT];
        (self.port, self.port_base, self.send_free) = (0, 0, 0);
        self.l1.clear();
        self.loads.clear();
        self.free_loads.clear();
        self.want_room = 0;
        self.stores_done.clear();
        self.stores = 0;
        self.requests.clear();
        self.finished = 0;
        self.counts = CoreCounts::default();
        for slot in &mut self.ctas {
            *slot = None;
        }
        for hart in &mut self.harts {
            hart.waiting = Waiting::No;
            hart.generation = 0;
        }
    }

    /// Gives up its CTAs, whose launch has faulted.
    pub(super) fn abandon(&mut self) -> impl Iterator<Item = Cta> + '_ {
        self.ctas
            .iter_mut()
            .filter_map(Option::take)
            .map(|resident| resident.cta)
    }

    /// Whether a CTA of so many warps and bytes of scratchpad fits.
    pub(super) fn has_room(&self, warps: u32, scratchpad: u64) -> bool {
        self.free_harts.count_ones() >= warps && self.free_scratchpad >= scratchpad
    }

    /// Whether anything is still to come from what it asked for.
    pub(super) fn awaits(&self) -> bool {
        self.l1.outstanding > 0 || self.stores > 0
    }

    /// First cycle in which it has something to do.
    pub(super) fn next_time(&self) -> Option<u64> {
        self.calendar.next_time()
    }

    /// Whether it is not known yet when something that it asked for arrives.
    pub(super) fn awaits_answers(&self) -> bool {
        !self.requests.is_empty()
            || self.stores as usize > self.stores_done.len()
            || self.l1.awaits_answers()
    }

    /// When everything that it asked for has arrived, as far as that is known.
    pub(super) fn last_arrival(&self) -> u64 {
        let stores = self.stores_done.iter().copied().max().unwrap_or(0);
        self.l1.last_arrival().max(stores)
    }

    /// Puts a CTA on the core at `now`.
    pub(super) fn start(&mut self, cta: Cta, now: u64, work: &mut Work<'_>) -> Result<(), Fault> {
        let warps = work.warps();
        self.free_scratchpad -= work.scratchpad_bytes();
        let slot = self.ctas.iter().position(Option::is_none).unwrap_or(0);
        let mut harts = Vec::with_capacity(warps as usize);
        for warp in 0..warps {
            let index = self.free_harts.trailing_zeros() as usize;
            self.free_harts &= !(1 << index);
            harts.push(index as u8);
            let hart = &mut self.harts[index];
            hart.cta = slot as u8;
            hart.warp = warp as u8;
            hart.waiting = Waiting::No;
            hart.generation = hart.generation.wrapping_add(1);
            (hart.op, hart.block_end) = (0, 0);
            (hart.pending_scalar, hart.pending_vector) = (0, 0);
        }
        let started = now;
        self.ctas[slot] = Some(Resident {
            cta,
            harts: harts.clone(),
            live: warps,
            barriers: [Barrier::default(); 16],
            started,
        });
        for index in harts {
            let begin = now + self.timing.cta_start;
            self.counts.stalls[Stall::Start as usize] += self.timing.cta_start;
            self.prepare(usize::from(index), begin, work)?;
        }
        Ok(())
    }

    /// Runs until cycle `until`.
    pub(super) fn advance(&mut self, until: u64, work: &mut Work<'_>) -> Result<(), Fault> {
        while let Some((now, hart)) = self.calendar.pop(until) {
            self.issue(hart, now, work)?;
        }
        Ok(())
    }

    /// Takes what the shared parts answer.
    pub(super) fn answer(&mut self, response: &Response) {
        let Some(index) = response.miss else {
            self.stores_done.push(response.time);
            return;
        };
        let miss = &mut self.l1.misses[index as usize];
        miss.ready = response.time;
        miss.cause = response.cause;
        let waiters = std::mem::take(&mut miss.waiters);
        for &waiter in &waiters {
            let load = &mut self.loads[waiter as usize];
            load.left -= 1;
            if response.time >= load.at {
                (load.at, load.cause) = (response.time, response.cause);
            }
            if load.left == 0 {
                self.complete(waiter);
            }
        }
        self.l1.misses[index as usize].waiters = waiters;
    }

    /// After all answers of an epoch: frees what has arrived, and lets harts go on that waited
    /// for room.
    pub(super) fn resume(&mut self, now: u64) {
        if !self.awaits() {
            return;
        }
        self.retire(now);
        let mut waiting = std::mem::take(&mut self.want_room);
        while waiting != 0 {
            let index = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            self.harts[index].waiting = Waiting::No;
            self.harts[index].cause = Stall::MemoryQueue as u8;
            self.calendar.push(index, now);
        }
    }

    /// Frees places of what has arrived by `now`; gives the next known arrival.
    fn retire(&mut self, now: u64) -> Option<u64> {
        let misses = self.l1.retire(now);
        let before = self.stores_done.len();
        self.stores_done.retain(|&time| time > now);
        self.stores -= (before - self.stores_done.len()) as u32;
        let stores = self.stores_done.iter().copied().min();
        match (misses, stores) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// All of a load has been answered.
    fn complete(&mut self, number: u32) {
        let load = &self.loads[number as usize];
        self.free_loads.push(number);
        let index = usize::from(load.hart);
        let hart = &mut self.harts[index];
        if hart.generation != load.generation {
            return;
        }
        hart.set_ready(load.writes, load.at, load.cause);
        if hart.waiting == Waiting::Load && hart.when().is_some() {
            hart.waiting = Waiting::No;
            self.enter(index);
        }
    }

    /// Enters a hart in the calendar, if it is known when its registers are ready; otherwise
    /// it waits for a load.
    fn enter(&mut self, index: usize) {
        let hart = &mut self.harts[index];
        match hart.when() {
            Some((at, cause)) => {
                hart.cause = cause;
                let time = hart.earliest.max(at);
                self.calendar.push(index, time);
            }
            None => hart.waiting = Waiting::Load,
        }
    }

    /// Finds the next instruction of a hart, which could issue at `earliest` at the soonest,
    /// and when it can.
    fn prepare(&mut self, index: usize, earliest: u64, work: &mut Work<'_>) -> Result<(), Fault> {
        let hart = &mut self.harts[index];
        if hart.op == hart.block_end {
            let Some(resident) = &mut self.ctas[usize::from(hart.cta)] else {
                return Ok(());
            };
            let block = work.next_block(&mut resident.cta, usize::from(hart.warp))?;
            (hart.op, hart.block_end) = work.block(block);
        }
        hart.earliest = earliest;
        hart.needs = work.info(hart.op).needs;
        self.enter(index);
        Ok(())
    }

    /// Issues the next instruction of a hart, whose registers are ready at `now`.
    fn issue(&mut self, index: usize, now: u64, work: &mut Work<'_>) -> Result<(), Fault> {
        let hart = &self.harts[index];
        let op = hart.op;
        let info = *work.info(op);
        let waited = now - hart.earliest;
        if waited > 0 {
            self.counts.stalls[usize::from(hart.cause)] += waited;
            work.count_stall(op, waited);
        }
        let begin = self.reserve(&info, now);
        let mut occupancy = u64::from(info.occupancy);
        match info.kind {
            Kind::Load | Kind::Store | Kind::Atomic => {
                let slot = usize::from(self.harts[index].cta);
                let warp = usize::from(self.harts[index].warp);
                let Some(resident) = &mut self.ctas[slot] else {
                    return Ok(());
                };
                // Out of the core for as long as the core changes.
                let mut record = std::mem::take(&mut resident.cta.records[warp]);
                let (accesses, words) = Accesses::read(record.words());
                let passes = self.access(index, &info, accesses, begin);
                if passes.is_some() {
                    record.skip_words(words);
                }
                if let Some(resident) = &mut self.ctas[slot] {
                    resident.cta.records[warp] = record;
                }
                let Some(passes) = passes else {
                    self.wait_for_room(index, now);
                    return Ok(());
                };
                occupancy = passes;
            }
            Kind::Plain | Kind::Branch | Kind::Barrier { .. } | Kind::Exit => {
                let at = begin + u64::from(info.latency);
                self.harts[index].set_ready(info.writes, at, result_stall(info.unit) as u8);
            }
        }
        let kept = begin - now;
        if kept > 0 {
            self.counts.stalls[busy_stall(info.unit) as usize] += kept;
            work.count_stall(op, kept);
        }
        self.occupy(&info, begin, occupancy);
        self.counts.issued += 1;
        self.counts.stalls[Stall::Issued as usize] += 1;
        self.counts.energy_fj += info.energy_fj;
        work.count_issue(op);
        self.harts[index].op += 1;
        match info.kind {
            Kind::Branch => {
                let resolved = begin + u64::from(info.latency);
                self.counts.stalls[Stall::Branch as usize] += resolved - begin - 1;
                self.prepare(index, resolved, work)
            }
            Kind::Barrier { waits } => self.arrive(index, waits, begin, work),
            Kind::Exit => self.exit(index, begin, work),
            Kind::Plain | Kind::Load | Kind::Store | Kind::Atomic => {
                self.prepare(index, begin + 1, work)
            }
        }
    }

    /// First cycle from `now` on in which the unit and the issue port are free.
    #[inline]
    fn reserve(&mut self, info: &OpInfo, now: u64) -> u64 {
        if info.unit.is_scalar() {
            return now
                .max(self.units[Unit::Scalar as usize])
                .max(self.units[info.unit as usize]);
        }
        let mut begin = now.max(self.units[info.unit as usize]);
        if now > self.port_base {
            // Instructions come in order of the time at which they are ready.
            self.port = self
                .port
                .checked_shr((now - self.port_base).min(64) as u32)
                .unwrap_or(0);
            self.port_base = now;
        }
        let ahead = begin - self.port_base;
        if ahead < 64 {
            begin += u64::from((self.port >> ahead).trailing_ones());
        }
        begin
    }

    /// Takes the unit and the port.
    #[inline]
    fn occupy(&mut self, info: &OpInfo, begin: u64, occupancy: u64) {
        self.counts.busy[info.unit as usize] += occupancy;
        if info.unit.is_scalar() {
            self.units[Unit::Scalar as usize] = begin + 1;
            if info.unit == Unit::Divider {
                self.units[Unit::Divider as usize] = begin + occupancy;
            }
            return;
        }
        self.units[info.unit as usize] = begin + occupancy;
        let ahead = begin - self.port_base;
        if ahead < 64 {
            self.port |= 1 << ahead;
        }
    }

    /// Puts a hart off until lines that are under way have arrived.
    fn wait_for_room(&mut self, index: usize, now: u64) {
        let next = self.retire(now);
        let hart = &mut self.harts[index];
        hart.cause = Stall::MemoryQueue as u8;
        hart.earliest = now;
        match next {
            Some(time) => self.calendar.push(index, time),
            None => {
                hart.waiting = Waiting::Room;
                self.want_room |= 1 << index;
            }
        }
    }

    /// An access to memory that begins at `begin`. Gives the cycles that the memory unit is
    /// busy; `None`: it cannot begin, because too many lines are under way.
    fn access(
        &mut self,
        index: usize,
        info: &OpInfo,
        accesses: Accesses<'_>,
        begin: u64,
    ) -> Option<u64> {
        let lines = accesses.line_count() as u32;
        let under_way = self.l1.outstanding + self.stores;
        if lines > 0 && under_way > 0 && under_way + lines > self.l1.outstanding_max {
            self.retire(begin);
            let under_way = self.l1.outstanding + self.stores;
            if under_way > 0 && under_way + lines > self.l1.outstanding_max {
                return None;
            }
        }
        let passes = u64::from(accesses.scratchpad_passes());
        let mut result = Load {
            hart: index as u8,
            generation: self.harts[index].generation,
            writes: info.writes,
            left: 0,
            at: begin + 1,
            cause: Stall::L1 as u8,
        };
        if passes > 0 {
            let bytes = accesses.scratchpad_bytes();
            self.counts.scratchpad_bytes += u64::from(bytes);
            self.counts.scratchpad_passes += passes;
            let least = u64::from(bytes.div_ceil(self.timing.scratchpad_row).max(1));
            self.counts.scratchpad_conflicts += passes.saturating_sub(least);
            result.at = begin + passes - 1 + self.timing.scratchpad;
            result.cause = Stall::Scratchpad as u8;
        }
        let number = self.free_loads.pop().unwrap_or_else(|| {
            self.loads.push(result);
            self.loads.len() as u32 - 1
        });
        let lanes = accesses.lanes().div_ceil(lines.max(1));
        for (step, access) in accesses.lines().enumerate() {
            let time = begin + passes + step as u64;
            let line = match access.space {
                Space::Device | Space::Host => access.line,
                Space::Private => private_line(self.index, index, access.line),
            };
            let host = access.space == Space::Host;
            let sectors = access.sectors;
            let request = |time, action| Request {
                time,
                core: self.index,
                line,
                sectors,
                action,
            };
            match info.kind {
                Kind::Store => {
                    self.stores += 1;
                    let count = u64::from(sectors.count_ones());
                    self.counts.sent_sectors += count;
                    let send = count.div_ceil(self.timing.core_sectors);
                    self.send_free = self.send_free.max(time) + send;
                    let action = if host {
                        Action::HostStore
                    } else {
                        Action::Store
                    };
                    self.requests.push(request(self.send_free, action));
                }
                Kind::Atomic => {
                    let miss = self.l1.begin_miss(line, sectors, Some(number));
                    result.left += 1;
                    let action = if host {
                        Action::HostLoad(miss)
                    } else {
                        Action::Atomic { miss, lanes }
                    };
                    self.requests.push(request(time, action));
                }
                _ if host => {
                    let miss = self.l1.begin_miss(UNCACHED, sectors, Some(number));
                    result.left += 1;
                    self.requests.push(request(time, Action::HostLoad(miss)));
                }
                _ => {
                    let (found, missing) = self.l1.load(line, sectors, number);
                    self.counts.l1_lines += 1;
                    self.counts.l1_sectors += u64::from(sectors.count_ones());
                    self.counts.l1_sectors_missed += u64::from(missing.count_ones());
                    result.left += found.waits;
                    let hit = time + self.timing.l1;
                    if hit > result.at {
                        (result.at, result.cause) = (hit, Stall::L1 as u8);
                    }
                    if found.at > result.at {
                        (result.at, result.cause) = (found.at, found.cause);
                    }
                    if missing != 0 {
                        let miss = self.l1.begin_miss(line, missing, Some(number));
                        result.left += 1;
                        let request = Request {
                            sectors: missing,
                            ..request(time, Action::Load(miss))
                        };
                        self.requests.push(request);
                    }
                }
            }
        }
        let known = if result.left > 0 { UNKNOWN } else { result.at };
        if info.kind != Kind::Store {
            self.harts[index].set_ready(info.writes, known, result.cause);
        }
        if result.left == 0 {
            self.free_loads.push(number);
        } else {
            self.loads[number as usize] = result;
        }
        Some(passes + u64::from(lines))
    }

    fn arrive(
        &mut self,
        index: usize,
        waits: bool,
        now: u64,
        work: &mut Work<'_>,
    ) -> Result<(), Fault> {
        let slot = usize::from(self.harts[index].cta);
        let warp = usize::from(self.harts[index].warp);
        let Some(resident) = &mut self.ctas[slot] else {
            return Ok(());
        };
        let record = &mut resident.cta.records[warp];
        let word = record.words()[0];
        record.skip_words(1);
        let id = (word & 15) as usize;
        let barrier = &mut resident.barriers[id];
        barrier.arrived += 1;
        barrier.expected = (word >> 8) as u32;
        barrier.time = barrier.time.max(now);
        if waits {
            barrier.waiting |= 1 << index;
            self.harts[index].waiting = Waiting::Barrier;
            self.harts[index].earliest = now + 1;
        }
        self.complete_barrier(slot, id, now, work)?;
        if waits {
            Ok(())
        } else {
            self.prepare(index, now + 1, work)
        }
    }

    /// Lets the harts that wait at a barrier go on if all expected have arrived.
    fn complete_barrier(
        &mut self,
        slot: usize,
        id: usize,
        now: u64,
        work: &mut Work<'_>,
    ) -> Result<(), Fault> {
        let Some(resident) = &mut self.ctas[slot] else {
            return Ok(());
        };
        let barrier = resident.barriers[id];
        let expected = if barrier.expected == 0 {
            resident.live
        } else {
            barrier.expected
        };
        if barrier.arrived == 0 || barrier.arrived < expected {
            return Ok(());
        }
        resident.barriers[id] = Barrier::default();
        let release = barrier.time.max(now) + self.timing.barrier;
        let mut waiting = barrier.waiting;
        while waiting != 0 {
            let index = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            let hart = &mut self.harts[index];
            hart.waiting = Waiting::No;
            let waited = release.saturating_sub(hart.earliest);
            self.counts.stalls[Stall::Barrier as usize] += waited;
            work.count_stall(hart.op - 1, waited);
            self.prepare(index, release, work)?;
        }
        Ok(())
    }

    fn exit(&mut self, index: usize, now: u64, work: &mut Work<'_>) -> Result<(), Fault> {
        let slot = usize::from(self.harts[index].cta);
        let Some(resident) = &mut self.ctas[slot] else {
            return Ok(());
        };
        resident.live -= 1;
        self.harts[index].generation = self.harts[index].generation.wrapping_add(1);
        if resident.live > 0 {
            for id in 0..16 {
                self.complete_barrier(slot, id, now, work)?;
            }
            return Ok(());
        }
        let Some(resident) = self.ctas[slot].take() else {
            return Ok(());
        };
        for &hart in &resident.harts {
            self.free_harts |= 1 << hart;
        }
        self.free_scratchpad += work.scratchpad_bytes();
        self.finished = self.finished.max(now + 1);
        self.counts.hart_cycles += resident.harts.len() as u64 * (now + 1 - resident.started);
        work.finish(self.index, resident.cta, resident.started, now + 1);
        while self.has_room(work.warps(), work.scratchpad_bytes())
            && let Some(next) = work.next_cta()
        {
            self.start(next, now + 1, work)?;
        }
        Ok(())
    }
}

/// Line number that no cache line has: host memory is not cached.
const UNCACHED: u64 = u64::MAX - 1;
/// First line of local memories and stacks, above all of device memory.
const PRIVATE: u64 = 1 << 40;

/// Cores among which private lines are interleaved.
const CORES: u64 = 64;

/// Number of a line of a hart's local memory or stack. The same line of all harts is one stretch of
/// memory: harts are at the same place of their stacks mostly, and must not meet in one set of a
/// cache.
pub(super) fn private_line(core: u32, hart: usize, line: u64) -> u64 {
    PRIVATE + (line * CORES + u64::from(core)) * HARTS as u64 + hart as u64
}

impl Hart {
    /// Registers will be ready at `at`.
    #[inline]
    fn set_ready(&mut self, writes: Registers, at: u64, cause: u8) {
        self.pending_scalar |= writes.scalar;
        self.pending_vector |= writes.vector;
        let mut scalar = writes.scalar;
        while scalar != 0 {
            let register = scalar.trailing_zeros() as usize;
            scalar &= scalar - 1;
            (self.ready[register], self.causes[register]) = (at, cause);
        }
        let mut vector = writes.vector;
        while vector != 0 {
            let register = 64 + vector.trailing_zeros() as usize;
            vector &= vector - 1;
            (self.ready[register], self.causes[register]) = (at, cause);
        }
    }

    /// When the registers that the next instruction needs are ready, and what the last of them
    /// comes from; `None` if that is not known.
    #[inline]
    fn when(&mut self) -> Option<(u64, u8)> {
        let (mut at, mut cause) = (0, 0);
        let mut known = true;
        let mut scalar = self.needs.scalar & self.pending_scalar;
        while scalar != 0 {
            let register = scalar.trailing_zeros() as usize;
            scalar &= scalar - 1;
            let ready = self.ready[register];
            if ready <= self.earliest {
                self.pending_scalar &= !(1 << register);
            } else if ready > at {
                (at, cause) = (ready, self.causes[register]);
            }
            known &= ready != UNKNOWN;
        }
        let mut vector = self.needs.vector & self.pending_vector;
        while vector != 0 {
            let bit = vector.trailing_zeros() as usize;
            vector &= vector - 1;
            let ready = self.ready[64 + bit];
            if ready <= self.earliest {
                self.pending_vector &= !(1 << bit);
            } else if ready > at {
                (at, cause) = (ready, self.causes[64 + bit]);
            }
            known &= ready != UNKNOWN;
        }
        known.then_some((at, cause))
    }
}

/// Why a hart waits that needs a result of the unit.
const fn result_stall(unit: Unit) -> Stall {
    match unit {
        Unit::Scalar | Unit::Divider => Stall::Scalar,
        Unit::Vector => Stall::Vector,
        Unit::Special => Stall::Special,
        Unit::Matrix => Stall::Matrix,
        Unit::Memory => Stall::L1,
    }
}

/// Why a hart waits whose unit is taken.
const fn busy_stall(unit: Unit) -> Stall {
    match unit {
        Unit::Scalar | Unit::Divider => Stall::ScalarBusy,
        Unit::Vector => Stall::VectorBusy,
        Unit::Special => Stall::SpecialBusy,
        Unit::Matrix => Stall::MatrixBusy,
        Unit::Memory => Stall::MemoryBusy,
    }
}
