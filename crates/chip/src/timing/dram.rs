//! Device memory: channels, banks, rows, and the controller that orders requests.
//!
//! Each channel has a queue of reads and one of writes. Rows are opened for the oldest request
//! of a bank as soon as the bank has nothing more to do in its open row; of the requests whose
//! rows are open, the one that can begin first goes first, the oldest among equals. Writes
//! wait until many have gathered or nothing is to be read, because turning the bus around
//! costs time. A request is for sectors of one line, which lie in one row.
//!
//! Modelled: row activation and precharge (tRCD, tRP, tRAS, tRTP, tWR), tRRD and tFAW, bursts
//! on the shared bus and in one bank group (tCCD_L), turnaround, refresh. Not modelled: the
//! command bus, power-down, ECC.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nanoseconds of chip files as ticks, and indices of banks"
)]

use std::collections::VecDeque;

use crate::chipfile::{ChipFile, LINE_BYTES};

/// Time in parts of a core cycle.
pub(super) type Ticks = u64;
/// Ticks of a cycle, as a power of two.
pub(super) const TICK_BITS: u32 = 16;

/// A request is served before requests of open rows when it has waited for this long.
const PATIENCE_NS: f64 = 2000.0;

/// Timing parameters in ticks.
struct Timing {
    burst: Ticks,
    cl: Ticks,
    rcd_read: Ticks,
    rcd_write: Ticks,
    rp: Ticks,
    ras: Ticks,
    ccd_long: Ticks,
    rrd: Ticks,
    faw: Ticks,
    write_to_read: Ticks,
    read_to_write: Ticks,
    write_to_precharge: Ticks,
    rtp: Ticks,
    refi: Ticks,
    rfc: Ticks,
    controller: Ticks,
    patience: Ticks,
}

/// What a channel is asked to do.
#[derive(Clone, Copy, Debug)]
struct Request {
    arrival: Ticks,
    bank: u16,
    row: u64,
    sectors: u8,
    token: u32,
}

#[derive(Clone, Copy, Default)]
struct Bank {
    row: Option<u64>,
    /// When a read or write of the open row may begin.
    column_ok: Ticks,
    /// When the open row may be closed.
    precharge_ok: Ticks,
    /// When a row may be opened in a closed bank.
    activate_ok: Ticks,
    /// The row that is to be opened next; the bank is closed then.
    wanted: Option<u64>,
    /// Requests of the queue in service that are for the open row.
    hits: u32,
}

/// A request that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// Number that the request was given.
    pub(super) token: u32,
    /// When its data have left the controller; for writes, when it left the queue.
    pub(super) at: Ticks,
}

/// Counts of what memory did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DramCounts {
    pub(crate) sectors_read: u64,
    pub(crate) sectors_written: u64,
    pub(crate) activates: u64,
    pub(crate) requests: u64,
    /// Ticks in which a data bus was carrying data, over all channels.
    pub(crate) bus_ticks: u64,
}

struct Channel {
    reads: VecDeque<Request>,
    writes: VecDeque<Request>,
    banks: Vec<Bank>,
    groups: Vec<Ticks>,
    /// The bus is free for the next burst of the present direction.
    bus_ok: Ticks,
    writing: bool,
    last_activates: [Ticks; 4],
    next_refresh: Ticks,
    refresh_bank: usize,
}

/// All channels.
pub(super) struct Dram {
    timing: Timing,
    channels: Vec<Channel>,
    banks_per_group: usize,
    lines_per_row: u64,
    refresh_all: bool,
    queue: usize,
    pub(super) counts: DramCounts,
    /// Requests in all queues.
    waiting: usize,
}

impl Dram {
    pub(super) fn new(chip: &ChipFile) -> Self {
        let memory = &chip.memory;
        let timing = &chip.memory_timing;
        let ticks =
            |ns: f64| (ns * 1e-9 * chip.clock_hz() * f64::from(1 << TICK_BITS)).round() as Ticks;
        let clock_ns = 2e3 / memory.data_rate.value;
        let burst_ns = f64::from(memory.burst.value) / memory.data_rate.value * 1e3;
        let banks = (memory.bank_groups.value * memory.banks.value) as usize;
        let channel = || Channel {
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            banks: vec![Bank::default(); banks],
            groups: vec![0; memory.bank_groups.value as usize],
            bus_ok: 0,
            writing: false,
            last_activates: [0; 4],
            next_refresh: 0,
            refresh_bank: 0,
        };
        let mut dram = Self {
            timing: Timing {
                burst: ticks(burst_ns),
                cl: ticks(timing.cl.value),
                rcd_read: ticks(timing.rcd_read.value),
                rcd_write: ticks(timing.rcd_write.value),
                rp: ticks(timing.rp.value),
                ras: ticks(timing.ras.value),
                ccd_long: ticks(timing.ccd_long.value),
                rrd: ticks(timing.rrd.value),
                faw: ticks(timing.faw.value),
                write_to_read: ticks(timing.wtr.value + timing.cwl.value),
                read_to_write: ticks(
                    (timing.cl.value - timing.cwl.value).max(0.0) + 2.0 * clock_ns,
                ),
                write_to_precharge: ticks(timing.cwl.value + timing.wr.value),
                rtp: ticks(timing.rtp.value),
                refi: ticks(timing.refi.value),
                rfc: ticks(timing.rfc.value),
                controller: ticks(memory.controller.value),
                patience: ticks(PATIENCE_NS),
            },
            channels: (0..memory.channels.value).map(|_| channel()).collect(),
            banks_per_group: memory.banks.value as usize,
            lines_per_row: u64::from(memory.page.value) / LINE_BYTES,
            refresh_all: timing.refresh_banks.value != 1,
            queue: memory.queue.value as usize,
            counts: DramCounts::default(),
            waiting: 0,
        };
        dram.begin();
        dram
    }

    /// Begins a launch at time 0, with closed rows. Refreshes of channels are spread out.
    pub(super) fn begin(&mut self) {
        let count = self.channels.len() as u64;
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.reads.clear();
            channel.writes.clear();
            channel.banks.fill(Bank::default());
            channel.groups.fill(0);
            channel.bus_ok = 0;
            channel.writing = false;
            channel.last_activates = [0; 4];
            channel.next_refresh = self.timing.refi * (index as u64 + 1) / count;
            channel.refresh_bank = 0;
        }
        self.counts = DramCounts::default();
        self.waiting = 0;
    }

    /// Whether any request waits.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    /// Where a line lies: channel, bank and row. Neighbouring lines are spread over channels,
    /// then over the bank groups, and fill a row of each before going on.
    fn place(&self, line: u64) -> (usize, usize, u64) {
        let channels = self.channels.len() as u64;
        let above = line / channels;
        // Strides that are multiples of the channels would meet in one of them.
        let fold = above ^ (above / channels) ^ (above >> 11);
        let channel = (line + fold) % channels;
        let banks = self.channels[0].banks.len() as u64;
        let groups = self.channels[0].groups.len() as u64;
        let group = above % groups;
        let in_group = above / groups;
        let row = in_group / self.lines_per_row;
        let per_group = banks / groups;
        let bank = (row ^ (row / per_group) ^ (row / (per_group * per_group))) % per_group;
        (
            channel as usize,
            (group * per_group + bank) as usize,
            row / per_group,
        )
    }

    /// Whether the queue of writes of the line's channel has room.
    pub(super) fn has_room_for_write(&self, line: u64) -> bool {
        self.channels[self.place(line).0].writes.len() < self.queue
    }

    /// Enters a request that reaches the controller at `arrival`.
    pub(super) fn enter(
        &mut self,
        line: u64,
        sectors: u8,
        write: bool,
        arrival: Ticks,
        token: u32,
    ) {
        let (channel, bank, row) = self.place(line);
        let request = Request {
            arrival,
            bank: bank as u16,
            row,
            sectors,
            token,
        };
        self.waiting += 1;
        let channel = &mut self.channels[channel];
        if channel.reads.is_empty() && channel.writes.is_empty() {
            // Nothing kept the refreshes that were due from being done.
            while channel.next_refresh <= arrival {
                channel.refresh(self.refresh_all, &self.timing);
            }
        }
        let in_service = channel.writing == write;
        if write {
            channel.writes.push_back(request);
        } else {
            channel.reads.push_back(request);
        }
        if in_service {
            let state = &mut channel.banks[bank];
            if state.row == Some(row) {
                state.hits += 1;
            } else if state.hits == 0 && state.wanted.is_none() {
                channel.want_row(bank, row, arrival, &self.timing);
            }
        }
    }

    /// Serves requests that can begin before `until`.
    pub(super) fn advance(&mut self, until: Ticks, served: &mut Vec<Served>) {
        if self.waiting == 0 {
            return;
        }
        let before = served.len();
        for channel in &mut self.channels {
            while channel.serve(
                until,
                &self.timing,
                (self.queue, self.banks_per_group, self.refresh_all),
                &mut self.counts,
                served,
            ) {}
        }
        self.waiting -= served.len() - before;
    }
}

impl Channel {
    /// Closes what is open in a bank, from `now` on, because `row` is wanted.
    fn want_row(&mut self, bank: usize, row: u64, now: Ticks, timing: &Timing) {
        let state = &mut self.banks[bank];
        if state.row.take().is_some() {
            state.activate_ok = state
                .activate_ok
                .max(now.max(state.precharge_ok) + timing.rp);
        }
        state.activate_ok = state.activate_ok.max(now);
        state.wanted = Some(row);
        state.hits = 0;
    }

    /// The bank whose wanted row can be opened first, and when.
    fn next_activate(&self, timing: &Timing) -> Option<(Ticks, usize)> {
        let wanting = self
            .banks
            .iter()
            .enumerate()
            .filter(|(_, bank)| bank.wanted.is_some());
        let (bank, state) = wanting.min_by_key(|(_, bank)| bank.activate_ok)?;
        // The last four activates, the oldest first.
        let window = (self.last_activates[0] + timing.faw).max(self.last_activates[3] + timing.rrd);
        Some((state.activate_ok.max(window), bank))
    }

    /// Opens the wanted row of a bank at `at`.
    fn activate(&mut self, bank: usize, at: Ticks, timing: &Timing, counts: &mut DramCounts) {
        self.last_activates.rotate_left(1);
        self.last_activates[3] = at;
        let state = &mut self.banks[bank];
        let Some(row) = state.wanted.take() else {
            return;
        };
        state.row = Some(row);
        state.column_ok = at
            + if self.writing {
                timing.rcd_write
            } else {
                timing.rcd_read
            };
        state.precharge_ok = at + timing.ras;
        let queue = if self.writing {
            &self.writes
        } else {
            &self.reads
        };
        let hits = |request: &&Request| usize::from(request.bank) == bank && request.row == row;
        state.hits = queue.iter().filter(hits).count() as u32;
        counts.activates += 1;
    }

    /// Wants rows for the queue in service, where banks have nothing to do in their open one.
    fn prepare_banks(&mut self, now: Ticks, timing: &Timing) {
        for bank in &mut self.banks {
            bank.hits = 0;
            bank.wanted = None;
        }
        let queue = if self.writing {
            &self.writes
        } else {
            &self.reads
        };
        for request in queue {
            let bank = &mut self.banks[usize::from(request.bank)];
            bank.hits += u32::from(bank.row == Some(request.row));
        }
        for bank in 0..self.banks.len() {
            self.want_next(bank, now, timing);
        }
    }

    /// Wants the row of the oldest request of a bank that has no request for its open row.
    fn want_next(&mut self, bank: usize, now: Ticks, timing: &Timing) {
        let state = &self.banks[bank];
        if state.hits > 0 || state.wanted.is_some() {
            return;
        }
        let queue = if self.writing {
            &self.writes
        } else {
            &self.reads
        };
        let next = queue
            .iter()
            .find(|request| usize::from(request.bank) == bank);
        if let Some(&Request { row, arrival, .. }) = next {
            self.want_row(bank, row, now.max(arrival), timing);
        }
    }

    fn refresh(&mut self, all: bool, timing: &Timing) {
        let now = self.next_refresh;
        self.next_refresh += timing.refi;
        let banks = if all {
            0..self.banks.len()
        } else {
            self.refresh_bank..self.refresh_bank + 1
        };
        self.refresh_bank = (self.refresh_bank + 1) % self.banks.len();
        for bank in banks {
            let state = &mut self.banks[bank];
            let begin = match state.row.take() {
                Some(_) => now.max(state.precharge_ok) + timing.rp,
                // A bank that waits to be opened is free before that.
                None if state.wanted.is_some() => now,
                None => now.max(state.activate_ok),
            };
            state.hits = 0;
            state.activate_ok = state.activate_ok.max(begin + timing.rfc);
            self.want_next(bank, now, timing);
        }
    }

    /// Serves one request, if one can begin before `until`.
    fn serve(
        &mut self,
        until: Ticks,
        timing: &Timing,
        (depth, banks_per_group, refresh_all): (usize, usize, bool),
        counts: &mut DramCounts,
        served: &mut Vec<Served>,
    ) -> bool {
        if self.reads.is_empty() && self.writes.is_empty() {
            return false;
        }
        let now = self.bus_ok;
        while self.next_refresh <= now {
            self.refresh(refresh_all, timing);
        }
        self.choose_direction(now, until, depth, timing);
        let queue = if self.writing {
            &self.writes
        } else {
            &self.reads
        };
        let begin_of = |request: &Request| {
            let bank = &self.banks[usize::from(request.bank)];
            let open = bank.row == Some(request.row);
            open.then(|| {
                let group = self.groups[usize::from(request.bank) / banks_per_group];
                request.arrival.max(bank.column_ok).max(group).max(now)
            })
        };
        let mut best: Option<(Ticks, usize)> = None;
        for (index, request) in queue.iter().enumerate() {
            // The controller looks at a part of the queue, if that has anything to do.
            if index >= depth && best.is_some() {
                break;
            }
            if let Some(begin) = begin_of(request)
                && best.is_none_or(|(first, _)| begin < first)
            {
                best = Some((begin, index));
                // Nothing can begin before the bus is free.
                if begin == now {
                    break;
                }
            }
        }
        // One that has waited for long gets its row at once.
        let oldest = queue.front().copied();
        if let Some(oldest) = oldest
            && oldest.arrival + timing.patience < now
            && begin_of(&oldest).is_none()
            && self.banks[usize::from(oldest.bank)].wanted != Some(oldest.row)
        {
            self.want_row(usize::from(oldest.bank), oldest.row, now, timing);
            return true;
        }
        let column = best.map_or(Ticks::MAX, |(begin, _)| begin);
        let activate = self.next_activate(timing);
        let first = activate.map_or(column, |(at, _)| at.min(column));
        if first >= until {
            return false;
        }
        if self.next_refresh <= first {
            self.refresh(refresh_all, timing);
            return true;
        }
        match (activate, best) {
            (Some((at, bank)), _) if at <= column => self.activate(bank, at, timing, counts),
            (_, Some((begin, index))) => {
                self.issue(index, begin, banks_per_group, timing, counts, served);
            }
            _ => return false,
        }
        true
    }

    fn choose_direction(&mut self, now: Ticks, until: Ticks, depth: usize, timing: &Timing) {
        let arrived = |queue: &VecDeque<Request>| queue.front().is_some_and(|r| r.arrival < until);
        let turn = if self.writing {
            self.writes.is_empty() || (self.writes.len() <= depth / 4 && arrived(&self.reads))
        } else {
            self.writes.len() >= depth * 3 / 4 || (!arrived(&self.reads) && arrived(&self.writes))
        };
        if !turn {
            return;
        }
        self.bus_ok += if self.writing {
            timing.write_to_read
        } else {
            timing.read_to_write
        };
        self.writing = !self.writing;
        self.prepare_banks(now, timing);
    }

    fn issue(
        &mut self,
        index: usize,
        begin: Ticks,
        banks_per_group: usize,
        timing: &Timing,
        counts: &mut DramCounts,
        served: &mut Vec<Served>,
    ) {
        let queue = if self.writing {
            &mut self.writes
        } else {
            &mut self.reads
        };
        let Some(request) = queue.remove(index) else {
            return;
        };
        let bursts = u64::from(request.sectors.count_ones()).max(1);
        let bank = usize::from(request.bank);
        // Bursts of one bank group leave gaps, which those of other groups fill: the bus is
        // taken for their sum, the group for as long as they take.
        let last = begin + (bursts - 1) * timing.ccd_long.max(timing.burst);
        self.bus_ok = begin + bursts * timing.burst;
        self.groups[bank / banks_per_group] = last + timing.ccd_long;
        let state = &mut self.banks[bank];
        state.hits = state.hits.saturating_sub(1);
        state.column_ok = state.column_ok.max(last + timing.ccd_long);
        let close = if self.writing {
            last + timing.burst + timing.write_to_precharge
        } else {
            last + timing.rtp
        };
        state.precharge_ok = state.precharge_ok.max(close);
        counts.requests += 1;
        counts.bus_ticks += bursts * timing.burst;
        let at = if self.writing {
            counts.sectors_written += bursts;
            begin
        } else {
            counts.sectors_read += bursts;
            last + timing.cl + timing.burst + timing.controller
        };
        served.push(Served {
            token: request.token,
            at,
        });
        self.want_next(bank, begin, timing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of peak bandwidth that reads of these (line, sectors) reach.
    fn efficiency(chip: &ChipFile, lines: impl Iterator<Item = (u64, u8)>) -> f64 {
        let mut dram = Dram::new(chip);
        let mut sectors = 0u64;
        for (line, mask) in lines {
            sectors += u64::from(mask.count_ones());
            dram.enter(line, mask, false, 0, 0);
        }
        let mut served = Vec::new();
        dram.advance(Ticks::MAX, &mut served);
        let end = served.iter().map(|s| s.at).max().unwrap() - dram.timing.controller;
        let seconds = end as f64 / f64::from(1 << TICK_BITS) / chip.clock_hz();
        sectors as f64 * 32.0 / seconds / chip.memory_bytes_per_second()
    }

    fn random(count: u64) -> impl Iterator<Item = (u64, u8)> {
        let mut state = 1u64;
        (0..count).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 36, 1 << (state >> 34 & 3))
        })
    }

    #[test]
    fn streaming_reaches_nine_tenths() {
        for name in ChipFile::built_in_names() {
            let chip = ChipFile::built_in(name).unwrap();
            let share = efficiency(&chip, (0..60_000).map(|line| (line, 15)));
            assert!((0.86..=0.98).contains(&share), "{name}: {share}");
        }
    }

    #[test]
    fn random_sectors_are_bound_by_the_activate_window() {
        for name in ["w1", "w1-hbm2"] {
            let chip = ChipFile::built_in(name).unwrap();
            let share = efficiency(&chip, random(60_000));
            let burst_ns = f64::from(chip.memory.burst.value) / chip.memory.data_rate.value * 1e3;
            let cap = 4.0 * burst_ns / chip.memory_timing.faw.value;
            assert!(share <= cap * 1.001, "{name}: {share} above {cap}");
            assert!(share >= cap * 0.6, "{name}: {share} far below {cap}");
        }
    }

    #[test]
    fn an_idle_read_takes_activation_latency_and_burst() {
        let chip = ChipFile::w1();
        let mut dram = Dram::new(&chip);
        // Between two refreshes of the channel.
        let start = dram.timing.refi / 2;
        dram.enter(0, 1, false, start, 7);
        let mut served = Vec::new();
        dram.advance(Ticks::MAX, &mut served);
        let ns = (served[0].at - start) as f64 / f64::from(1 << TICK_BITS) / chip.clock_hz() * 1e9;
        let timing = &chip.memory_timing;
        let expected = timing.rcd_read.value + timing.cl.value + 2.0 + chip.memory.controller.value;
        assert!((ns - expected).abs() < 0.1, "{ns} against {expected}");
        assert_eq!(served[0].token, 7);
    }

    #[test]
    fn every_request_is_served_once() {
        let chip = ChipFile::w1();
        let mut dram = Dram::new(&chip);
        for (token, (line, sectors)) in random(5000).enumerate() {
            dram.enter(
                line,
                sectors,
                token % 3 == 0,
                token as u64 * 40_000,
                token as u32,
            );
        }
        let mut served = Vec::new();
        let mut until = 0;
        while !dram.is_idle() {
            until += 10_000_000;
            dram.advance(until, &mut served);
        }
        let mut tokens: Vec<u32> = served.iter().map(|s| s.token).collect();
        tokens.sort_unstable();
        assert!(tokens.iter().copied().eq(0..5000));
    }
}
