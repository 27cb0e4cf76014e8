//! What cores share: network, second-level cache, device memory, host link.
//!
//! Requests of all cores arrive in order of time, and responses are given with the time at
//! which they reach the core. A response never reaches a core earlier than the latency of the
//! second level after its request, which lets cores run that far ahead of each other without
//! any of them seeing an effect too late.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "indices of sets, slices and transactions; bytes as factors of energies"
)]

use super::dram::{Dram, Served, TICK_BITS, Ticks};
use super::link::Link;
use super::report::Energy;
use super::stall::Stall;
use crate::chipfile::{ChipFile, LINE_BYTES, SECTOR_BYTES};

/// What a core asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Sectors, for the miss of this number.
    Load(u32),
    /// To write sectors.
    Store,
    /// To change words of sectors; the result is for the miss of this number.
    Atomic { miss: u32, lanes: u32 },
    /// Sectors of host memory, for the miss of this number.
    HostLoad(u32),
    /// To write sectors of host memory.
    HostStore,
}

/// A request of a core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it leaves the core.
    pub(super) time: u64,
    pub(super) core: u32,
    pub(super) line: u64,
    pub(super) sectors: u8,
    pub(super) action: Action,
}

/// An answer to a core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response {
    pub(super) core: u32,
    /// The miss that is answered; none: a store was taken.
    pub(super) miss: Option<u32>,
    /// When it reaches the core.
    pub(super) time: u64,
    pub(super) cause: u8,
}

/// Counts of what the shared parts did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SystemCounts {
    pub(crate) l2_sectors_read: u64,
    pub(crate) l2_sectors_written: u64,
    pub(crate) l2_sectors_missed: u64,
    pub(crate) network_sectors: u64,
    pub(crate) atomics: u64,
    pub(crate) host_bytes: u64,
    /// Cycles that slices were busy, all together.
    pub(crate) slice_cycles: u64,
}

#[derive(Clone, Copy, Default)]
struct Line {
    /// Line number + 1; 0: empty.
    tag: u64,
    used: u32,
    valid: u8,
    dirty: u8,
    /// Sectors on their way from memory.
    pending: u8,
    /// The transaction that last asked for any.
    transaction: u32,
}

/// Who waits for sectors from memory.
#[derive(Clone, Copy)]
struct Waiter {
    core: u32,
    miss: Option<u32>,
    sectors: u8,
    /// Operations that the slice does when the data are there.
    atomics: u32,
}

/// Sectors on their way from memory, or to it.
struct Transaction {
    line: u64,
    sectors: u8,
    write: bool,
    waiters: Vec<Waiter>,
}

/// The shared parts of a chip.
pub(super) struct System {
    lines: Vec<Line>,
    sets_per_slice: u64,
    ways: usize,
    clock: u32,
    slices: Vec<u64>,
    /// Cycles at which slices are free.
    latency: u64,
    network: u64,
    slice_sectors: u64,
    core_sectors: u64,
    atomics_per_cycle: u64,
    /// Links from the network to the cores.
    links: Vec<Link>,
    dram: Dram,
    transactions: Vec<Transaction>,
    free: Vec<u32>,
    served: Vec<Served>,
    host_free: u64,
    host_latency: u64,
    host_bytes_per_cycle: f64,
    counts: SystemCounts,
}

impl System {
    pub(super) fn new(chip: &ChipFile) -> Self {
        let lines = u64::from(chip.l2.size.value) * 1024 / LINE_BYTES;
        let ways = u64::from(chip.l2.ways.value);
        let slices = u64::from(chip.l2.slices.value);
        Self {
            lines: vec![Line::default(); lines as usize],
            sets_per_slice: lines / ways / slices,
            ways: ways as usize,
            clock: 0,
            slices: vec![0; slices as usize],
            latency: u64::from(chip.l2.latency.value),
            network: u64::from(chip.network.latency.value),
            slice_sectors: (u64::from(chip.l2.slice_width.value) / SECTOR_BYTES).max(1),
            core_sectors: (u64::from(chip.network.core_width.value) / SECTOR_BYTES).max(1),
            atomics_per_cycle: u64::from(chip.l2.atomics.value),
            links: (0..chip.cores.count.value).map(|_| Link::new()).collect(),
            dram: Dram::new(chip),
            transactions: Vec::new(),
            free: Vec::new(),
            served: Vec::new(),
            host_free: 0,
            host_latency: cycles(chip.host.access.value * 1e-6 * chip.clock_hz()),
            host_bytes_per_cycle: chip.host.link.value * 1e9 / chip.clock_hz(),
            counts: SystemCounts::default(),
        }
    }

    /// Begins a launch at time 0. The second level keeps its contents.
    pub(super) fn begin(&mut self) {
        self.slices.fill(0);
        for link in &mut self.links {
            link.clear();
        }
        for line in &mut self.lines {
            // What a launch that faulted left under way has arrived since.
            line.pending = 0;
        }
        self.transactions.clear();
        self.free.clear();
        self.dram.begin();
        self.host_free = 0;
        self.counts = SystemCounts::default();
    }

    /// Forgets what the second level holds.
    pub(super) fn empty_cache(&mut self) {
        self.lines.fill(Line::default());
    }

    pub(super) fn counts(&self) -> SystemCounts {
        self.counts
    }

    /// Joules of what the shared parts did, static power not included.
    pub(super) fn energy_by_part(&self, chip: &ChipFile) -> Energy {
        let table = &chip.energy;
        let bytes = |sectors: u64| (sectors * SECTOR_BYTES) as f64;
        let dram = self.dram.counts;
        let memory = bytes(dram.sectors_read + dram.sectors_written);
        // What the second level asks memory for is written to it besides.
        let l2 = bytes(
            self.counts.l2_sectors_read
                + self.counts.l2_sectors_written
                + self.counts.l2_sectors_missed,
        );
        let picojoules = 1e-12;
        Energy {
            l2_network: (l2 * table.l2.value
                + bytes(self.counts.network_sectors) * table.network.value)
                * picojoules,
            dram: (memory * table.dram.value + dram.activates as f64 * table.dram_activate.value)
                * picojoules,
            phy: memory * table.phy.value * picojoules,
            link: self.counts.host_bytes as f64 * table.link.value * picojoules,
            ..Energy::default()
        }
    }

    pub(super) fn dram(&self) -> &Dram {
        &self.dram
    }

    /// Cycles by which cores may run ahead of each other.
    pub(super) fn lookahead(&self) -> u64 {
        self.latency
    }

    /// Whether nothing is under way in memory.
    pub(super) fn is_idle(&self) -> bool {
        self.dram.is_idle()
    }

    /// Takes the requests of cycles before `until`, ordered by time, and gives all responses
    /// that are decided by then.
    pub(super) fn advance(
        &mut self,
        requests: &[Request],
        until: u64,
        responses: &mut Vec<Response>,
    ) {
        for link in &mut self.links {
            link.forget(until.saturating_sub(self.latency));
        }
        for request in requests {
            match request.action {
                Action::HostLoad(miss) => self.host(request, Some(miss), responses),
                Action::HostStore => self.host(request, None, responses),
                Action::Load(miss) => self.access(request, Some(miss), 0, responses),
                Action::Store => self.access(request, None, 0, responses),
                Action::Atomic { miss, lanes } => {
                    self.access(request, Some(miss), lanes, responses);
                }
            }
        }
        // Requests of later cycles reach memory later still.
        let horizon = (until + self.network) << TICK_BITS;
        let mut served = std::mem::take(&mut self.served);
        self.dram.advance(horizon, &mut served);
        for done in served.drain(..) {
            self.finish(done, responses);
        }
        self.served = served;
    }

    fn host(&mut self, request: &Request, miss: Option<u32>, responses: &mut Vec<Response>) {
        let bytes = u64::from(request.sectors.count_ones()) * SECTOR_BYTES;
        self.counts.host_bytes += bytes;
        let begin = request.time.max(self.host_free);
        self.host_free = begin + cycles(bytes as f64 / self.host_bytes_per_cycle).max(1);
        let time = (begin + self.host_latency).max(request.time + self.latency);
        responses.push(Response {
            core: request.core,
            miss,
            time,
            cause: Stall::HostMemory as u8,
        });
    }

    fn slice_and_set(&self, line: u64) -> (usize, std::ops::Range<usize>) {
        let slices = self.slices.len() as u64;
        let folded = line ^ (line / slices) ^ (line >> 9) ^ (line >> 15);
        let slice = folded % slices;
        let above = line / slices;
        let set = (above ^ above >> 10) % self.sets_per_slice;
        let begin = (slice * self.sets_per_slice + set) as usize * self.ways;
        (slice as usize, begin..begin + self.ways)
    }

    /// A load, store or atomic at its slice.
    fn access(
        &mut self,
        request: &Request,
        miss: Option<u32>,
        atomics: u32,
        responses: &mut Vec<Response>,
    ) {
        let Request {
            line,
            sectors,
            core,
            ..
        } = *request;
        let store = miss.is_none();
        let count = u64::from(sectors.count_ones());
        let (slice, set) = self.slice_and_set(line);
        let occupied = count.div_ceil(self.slice_sectors)
            + u64::from(atomics).div_ceil(self.atomics_per_cycle);
        let arrival = request.time + self.network;
        let begin = arrival.max(self.slices[slice]);
        self.slices[slice] = begin + occupied;
        self.counts.slice_cycles += occupied;
        self.counts.atomics += u64::from(atomics);
        self.counts.network_sectors += count;
        if store || atomics > 0 {
            self.counts.l2_sectors_written += count;
        }
        if !store {
            self.counts.l2_sectors_read += count;
        }
        self.clock = self.clock.wrapping_add(1);
        let clock = self.clock;
        let hit = self.lines[set.clone()]
            .iter()
            .position(|entry| entry.tag == line + 1);
        let (index, full) = match hit {
            Some(way) => (set.start + way, None),
            None => self.replace(set, line, begin),
        };
        let entry = &mut self.lines[index];
        entry.used = clock;
        let mut missing = 0;
        if store {
            // Whole sectors are taken as written; bytes of others are merged in memory.
            entry.valid |= sectors;
            entry.dirty |= sectors;
        } else {
            missing = sectors & !entry.valid;
            entry.valid |= sectors;
            if atomics > 0 {
                entry.dirty |= sectors;
            }
        }
        let awaited = (sectors & entry.pending) | missing;
        entry.pending |= missing;
        if let (true, Some(token)) = (store, full) {
            // What it replaced waits for a place in a queue of memory, and it for that.
            let waiter = Waiter {
                core,
                miss,
                sectors,
                atomics,
            };
            self.transactions[token as usize].waiters.push(waiter);
            return;
        }
        if store || awaited == 0 {
            let waited = begin - arrival;
            let time = self.respond(
                core,
                request.time + self.latency + waited + occupied - 1,
                store,
                count,
            );
            responses.push(Response {
                core,
                miss,
                time,
                cause: Stall::L2 as u8,
            });
            return;
        }
        self.counts.l2_sectors_missed += u64::from(missing.count_ones());
        let waiter = Waiter {
            core,
            miss,
            sectors,
            atomics,
        };
        // The part that is under way already, or all of it, is waited for where it comes.
        if missing != 0 {
            let token = self.begin_transaction(line, missing, false);
            self.transactions[token as usize].waiters.push(waiter);
            self.lines[index].transaction = token;
            let arrival = (begin + occupied) << TICK_BITS;
            self.dram.enter(line, missing, false, arrival, token);
        } else {
            let brings = |transaction: &Transaction| {
                !transaction.write && transaction.line == line && transaction.sectors & awaited != 0
            };
            let last = self.lines[index].transaction as usize;
            let pending = match self.transactions.get(last) {
                Some(transaction) if brings(transaction) => Some(last),
                _ => self.transactions.iter().position(brings),
            };
            if let Some(pending) = pending {
                self.transactions[pending].waiters.push(waiter);
            } else {
                self.lines[index].pending = 0;
                let time = self.respond(
                    core,
                    request.time + self.latency + begin - arrival,
                    false,
                    count,
                );
                responses.push(Response {
                    core,
                    miss,
                    time,
                    cause: Stall::L2 as u8,
                });
            }
        }
    }

    /// When a response that could leave its slice in time to be at the core at `time` is there,
    /// given what else the link to the core carries.
    fn respond(&mut self, core: u32, time: u64, store: bool, sectors: u64) -> u64 {
        if store {
            return time;
        }
        let cycles = sectors.div_ceil(self.core_sectors);
        self.links[core as usize].book(time, cycles)
    }

    /// Puts a line in place of another; gives its index, and the transaction that writes what
    /// was there, if the queue that takes it is full.
    fn replace(
        &mut self,
        set: std::ops::Range<usize>,
        line: u64,
        now: u64,
    ) -> (usize, Option<u32>) {
        let clock = self.clock;
        let victim = set
            .clone()
            .min_by_key(|&index| {
                let entry = &self.lines[index];
                // Lines under way are put off: others in the set are older.
                let age = clock.wrapping_sub(entry.used);
                (entry.tag != 0, entry.pending != 0, u32::MAX - age)
            })
            .unwrap_or(set.start);
        let old = self.lines[victim];
        self.lines[victim] = Line {
            tag: line + 1,
            ..Line::default()
        };
        let mut full = None;
        if old.tag != 0 && old.dirty != 0 {
            let old_line = old.tag - 1;
            let has_room = self.dram.has_room_for_write(old_line);
            let token = self.begin_transaction(old_line, old.dirty, true);
            full = (!has_room).then_some(token);
            self.dram
                .enter(old_line, old.dirty, true, now << TICK_BITS, token);
        }
        (victim, full)
    }

    fn begin_transaction(&mut self, line: u64, sectors: u8, write: bool) -> u32 {
        let transaction = Transaction {
            line,
            sectors,
            write,
            waiters: Vec::new(),
        };
        match self.free.pop() {
            Some(token) => {
                let mut waiters = std::mem::take(&mut self.transactions[token as usize].waiters);
                waiters.clear();
                self.transactions[token as usize] = Transaction {
                    waiters,
                    ..transaction
                };
                token
            }
            None => {
                self.transactions.push(transaction);
                self.transactions.len() as u32 - 1
            }
        }
    }

    /// Memory has served a transaction.
    fn finish(&mut self, served: Served, responses: &mut Vec<Response>) {
        let Served { token, at } = served;
        self.free.push(token);
        let transaction = &mut self.transactions[token as usize];
        let (line, sectors, write) = (transaction.line, transaction.sectors, transaction.write);
        transaction.sectors = 0;
        let waiters = std::mem::take(&mut transaction.waiters);
        let (_, set) = self.slice_and_set(line);
        if !write
            && let Some(entry) = self.lines[set]
                .iter_mut()
                .find(|entry| entry.tag == line + 1)
        {
            entry.pending &= !sectors;
        }
        let filled = ceiling(at);
        for waiter in &waiters {
            // The rest of the way: as of a hit, from the slice to the core.
            let back = self.latency - self.network;
            let operations = u64::from(waiter.atomics).div_ceil(self.atomics_per_cycle);
            let ready = filled + back + operations;
            let count = u64::from(waiter.sectors.count_ones());
            let time = self.respond(waiter.core, ready, waiter.miss.is_none(), count);
            responses.push(Response {
                core: waiter.core,
                miss: waiter.miss,
                time,
                cause: Stall::Dram as u8,
            });
        }
        self.transactions[token as usize].waiters = waiters;
    }
}

fn ceiling(ticks: Ticks) -> u64 {
    ticks.div_ceil(1 << TICK_BITS)
}

/// Whole cycles, rounded up.
#[expect(
    clippy::cast_sign_loss,
    reason = "of what chip files have as not negative"
)]
fn cycles(exact: f64) -> u64 {
    exact.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::core::private_line;
    use std::collections::BTreeMap;

    #[test]
    fn stacks_of_all_harts_fit_into_the_second_level() {
        let chip = ChipFile::w1();
        let system = System::new(&chip);
        let mut sets: BTreeMap<usize, usize> = BTreeMap::new();
        for core in 0..chip.cores.count.value {
            for hart in 0..32 {
                // The top of a window of 64 KiB, and what lies below.
                for line in 504..512 {
                    let (_, set) = system.slice_and_set(private_line(core, hart, line));
                    *sets.entry(set.start).or_default() += 1;
                }
            }
        }
        let fullest = sets.values().max().copied();
        assert!(
            fullest <= Some(system.ways / 4),
            "{fullest:?} lines in a set"
        );
    }
}
