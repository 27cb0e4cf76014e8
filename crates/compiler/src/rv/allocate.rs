//! Register allocation: linear scan over live intervals in code order.
//!
//! An interval runs from the first access of a register to its last, over the whole of each
//! loop that it enters from before. The parameter of a loop header is free between its last
//! use and the copy at the end of the loop that writes it anew, so that the value computed
//! for the next round can have its register. A copy may share the register of what it was copied
//! from for as long as both hold the same value, so that the value computed for the next round
//! may also be read after the loop.
//!
//! A register for which there is no room lives in the stack frame: it is loaded into a fresh
//! register before each instruction that reads it and stored after each that writes it, and
//! allocation starts again. What lives across a call is treated so from the start. Constants
//! are made again instead.
//!
//! The members of a group get their registers together, and go to the stack frame together. A
//! register that is copied to or from a member gets the one that the member will have, if it
//! is free, so that most of those copies vanish.

use super::machine::{Group, Kind, Machine, MachineInst, Reg, RegClass, Slot};
use std::collections::BTreeMap;
use weft_isa::Access;

/// What allocation did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allocation {
    /// Registers that live in the stack frame.
    pub(crate) spills: u32,
    /// Registers used of the `x`, `f` and `v` files.
    pub(crate) registers: [u32; 3],
}

/// No assignment exists: one instruction needs more registers than there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRegisters;

/// Replaces virtual by physical registers.
pub(crate) fn allocate(machine: &mut Machine) -> Result<Allocation, OutOfRegisters> {
    let mut fixed_spills = 0;
    // Registers made for spill code live for one instruction and must get a register.
    let first_temporary = machine.classes.len();
    loop {
        let live = Liveness::new(machine);
        let crossing = live.across_calls();
        let (assigned, mut spilled) = if crossing.is_empty() {
            Scan::new(machine, &live, first_temporary).run()?
        } else {
            (Vec::new(), crossing)
        };
        spilled = spilled
            .into_iter()
            .flat_map(|index| machine.group_of(index).members())
            .collect();
        spilled.sort_unstable();
        spilled.dedup();
        if spilled.is_empty() {
            #[cfg(debug_assertions)]
            verify(machine, &assigned);
            let mut used = [0u32; 3];
            let map = |reg: Reg| match reg.virtual_index() {
                Some(index) => assigned[index].unwrap_or(Reg::ZERO),
                None => reg,
            };
            for inst in &mut machine.code {
                inst.map_registers(map);
                let pair = inst.pair;
                inst.for_each_register(|reg, _| {
                    if let Some((file, number)) = reg.file_and_number() {
                        used[file] |= 1 << number;
                        if pair {
                            used[file] |= 2 << number;
                        }
                    }
                });
            }
            return Ok(Allocation {
                spills: fixed_spills,
                registers: used.map(u32::count_ones),
            });
        }
        fixed_spills += u32::try_from(spilled.len()).unwrap_or(u32::MAX);
        spill(machine, &spilled);
    }
}

/// Half-open range of positions. Instruction `i` reads at `2 i` and writes at `2 i + 1`.
type Range = (usize, usize);

#[derive(Clone, Debug, Default)]
struct Interval {
    /// One or two ranges, in order; none if the register is not accessed.
    ranges: Vec<Range>,
    /// Accesses weighted by loop depth.
    weight: f64,
    /// Positions at which it is written.
    writes: Vec<usize>,
    /// Copies into it: position of the write, and from what.
    copies: Vec<(usize, usize)>,
}

impl Interval {
    fn start(&self) -> usize {
        self.ranges.first().map_or(0, |range| range.0)
    }

    fn end(&self) -> usize {
        self.ranges.last().map_or(0, |range| range.1)
    }

    fn overlaps(&self, other: &[Range]) -> bool {
        self.ranges
            .iter()
            .any(|a| other.iter().any(|b| a.0 < b.1 && b.0 < a.1))
    }

    /// Whether it may share a register with another interval: where both hold something, one
    /// began as a copy of the other and neither has been written since.
    fn agrees(&self, index: usize, other: &Self, other_index: usize) -> bool {
        let is_copy = |a: &Self, of: usize, b: &Self, start: usize, end: usize| {
            let unwritten = |at: &usize| *at <= start || *at >= end;
            a.copies.contains(&(start, of))
                && a.writes.iter().all(unwritten)
                && b.writes.iter().all(unwritten)
        };
        self.ranges.iter().all(|a| {
            other.ranges.iter().all(|b| {
                let (start, end) = (a.0.max(b.0), a.1.min(b.1));
                start >= end
                    || a.0 == start && is_copy(self, other_index, other, start, end)
                    || b.0 == start && is_copy(other, index, self, start, end)
            })
        })
    }

    /// Cost of keeping it in memory, for each position that it would free.
    fn cost(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a heuristic")]
        let length = (self.end() - self.start()) as f64;
        self.weight / length.max(1.0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Loop {
    begin: usize,
    end: usize,
    parent: Option<usize>,
}

#[derive(Debug)]
struct Liveness {
    intervals: Vec<Interval>,
    /// Ranges in which physical registers hold something.
    fixed: BTreeMap<Reg, Vec<Range>>,
    calls: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Touch {
    at: usize,
    access: Access,
    early: bool,
}

impl Liveness {
    fn new(machine: &Machine) -> Self {
        let mut touches: Vec<Vec<Touch>> = vec![Vec::new(); machine.classes.len()];
        let mut loops: Vec<Loop> = Vec::new();
        let mut innermost: Vec<Option<usize>> = Vec::with_capacity(machine.code.len());
        let mut open: Option<usize> = None;
        let mut fixed: BTreeMap<Reg, Vec<Range>> = BTreeMap::new();
        let mut calls = Vec::new();
        for (at, inst) in machine.code.iter().enumerate() {
            if inst.kind == Kind::LoopBegin {
                loops.push(Loop {
                    begin: at,
                    end: at,
                    parent: open,
                });
                open = Some(loops.len() - 1);
            }
            innermost.push(open);
            if inst.kind == Kind::LoopEnd
                && let Some(id) = open
            {
                loops[id].end = at;
                open = loops[id].parent;
            }
            inst.for_each_register(|reg, access| match reg.virtual_index() {
                Some(index) => touches[index].push(Touch {
                    at,
                    access,
                    early: inst.early,
                }),
                None => touch_fixed(&mut fixed, reg, access, at),
            });
            if inst.is_call() {
                calls.push(at);
                for reg in [Reg::A0, Reg::A1, Reg::A2] {
                    touch_fixed(&mut fixed, reg, Access::Read, at);
                }
                touch_fixed(&mut fixed, Reg::A0, Access::Write, at);
            }
            if inst.kind == Kind::Return {
                touch_fixed(&mut fixed, Reg::A0, Access::Read, at);
            }
        }
        // Where the straight line of code from each instruction ends.
        let mut line_end = vec![0; machine.code.len()];
        let mut next = machine.code.len();
        for (at, inst) in machine.code.iter().enumerate().rev() {
            if matches!(inst.kind, Kind::Jump(_) | Kind::Label(_) | Kind::LoopEnd) {
                next = at;
            }
            line_end[at] = next;
        }
        let mut intervals: Vec<Interval> = touches
            .iter()
            .map(|touches| interval(touches, &loops, &innermost, &line_end))
            .collect();
        for (interval, touches) in intervals.iter_mut().zip(&touches) {
            let writes = touches.iter().filter(|touch| touch.access != Access::Read);
            interval.writes = writes.map(|touch| 2 * touch.at + 1).collect();
        }
        for (at, inst) in machine.code.iter().enumerate() {
            let [to, from, ..] = inst.regs;
            if let (Kind::Copy, Some(to), Some(from)) =
                (inst.kind, to.virtual_index(), from.virtual_index())
            {
                intervals[to].copies.push((2 * at + 1, from));
            }
        }
        Self {
            intervals,
            fixed,
            calls,
        }
    }

    /// Registers that live across a call.
    fn across_calls(&self) -> Vec<usize> {
        let crosses = |interval: &Interval| {
            interval.ranges.iter().any(|&(start, end)| {
                let next = self.calls.partition_point(|&call| 2 * call < start);
                self.calls.get(next).is_some_and(|&call| 2 * call + 1 < end)
            })
        };
        (0..self.intervals.len())
            .filter(|&index| crosses(&self.intervals[index]))
            .collect()
    }
}

/// Physical registers are set up and consumed in straight-line code; the first read of one is
/// of what the function was entered with.
fn touch_fixed(fixed: &mut BTreeMap<Reg, Vec<Range>>, reg: Reg, access: Access, at: usize) {
    let ranges = fixed.entry(reg).or_default();
    if access != Access::Write {
        match ranges.last_mut() {
            Some(last) => last.1 = last.1.max(2 * at + 1),
            None => ranges.push((0, 2 * at + 1)),
        }
    }
    if access != Access::Read {
        ranges.push((2 * at + 1, 2 * at + 2));
    }
}

fn interval(
    touches: &[Touch],
    loops: &[Loop],
    innermost: &[Option<usize>],
    line_end: &[usize],
) -> Interval {
    let Some(first) = touches.first() else {
        return Interval::default();
    };
    let begin = |touch: &Touch| match touch.access {
        Access::Write if !touch.early => 2 * touch.at + 1,
        _ => 2 * touch.at,
    };
    let end = |touch: &Touch| match touch.access {
        Access::Read => 2 * touch.at + 1,
        Access::Write | Access::ReadWrite => 2 * touch.at + 2,
    };
    let ancestors =
        |at: usize| std::iter::successors(innermost[at], |&id: &usize| loops[id].parent);
    // End of the outermost loop around an access that begins after a position.
    let extended = |touch: &Touch, after: usize| {
        ancestors(touch.at)
            .take_while(|&id| loops[id].begin > after)
            .last()
            .map_or(end(touch), |id| 2 * loops[id].end + 2)
            .max(end(touch))
    };
    let weight = touches
        .iter()
        .map(|touch| 10f64.powi(i32::try_from(ancestors(touch.at).count().min(6)).unwrap_or(6)))
        .sum();
    let writes: Vec<&Touch> = touches
        .iter()
        .filter(|touch| touch.access == Access::Write)
        .collect();
    let plain = touches
        .iter()
        .all(|touch| touch.access != Access::ReadWrite);
    if let ([initial, again], true) = (&writes[..], plain)
        && initial.at == first.at
        && let Some(id) = innermost[again.at]
        && loops[id].begin > first.at
        && loops[id]
            .parent
            .is_none_or(|parent| loops[parent].begin <= first.at)
        // What reads it after it is written anew must do so on the way back.
        && touches.iter().all(|touch| touch.at <= line_end[again.at])
    {
        let last = touches
            .iter()
            .filter(|touch| {
                touch.at < again.at || (touch.at == again.at && touch.access == Access::Read)
            })
            .map(|touch| extended(touch, loops[id].begin))
            .max()
            .unwrap_or(0);
        if last <= begin(again) {
            return Interval {
                ranges: vec![(begin(first), last), (begin(again), 2 * loops[id].end + 2)],
                weight,
                ..Interval::default()
            };
        }
    }
    let last = touches
        .iter()
        .map(|touch| extended(touch, first.at))
        .max()
        .unwrap_or(0);
    Interval {
        ranges: vec![(begin(first), last)],
        weight,
        ..Interval::default()
    }
}

/// The registers of a class in order of preference, as first registers of what they hold.
fn candidates(class: RegClass) -> Vec<Reg> {
    let make = |file: u8, number: u8| Reg::of(file, number);
    match class {
        // Not zero, ra, sp, gp (for large offsets) and tp.
        RegClass::X => (5..32).map(|number| make(0, number)).collect(),
        RegClass::F => (0..32).map(|number| make(1, number)).collect(),
        // v0 holds masks. Pairs come from below, single registers from above.
        RegClass::V => (1..32).rev().map(|number| make(2, number)).collect(),
        RegClass::V2 => (1..16).map(|number| make(2, 2 * number)).collect(),
    }
}

/// Physical registers that one of a class takes.
const fn units(class: RegClass) -> usize {
    match class {
        RegClass::V2 => 2,
        RegClass::X | RegClass::F | RegClass::V => 1,
    }
}

/// The first registers that a group of vector registers can have, from below.
fn group_candidates(units: usize) -> Vec<Reg> {
    (1..32 / units)
        .map(|number| Reg::from_unit(Reg::V0.unit() + number * units))
        .collect()
}

/// One pass over the intervals.
struct Scan<'a> {
    machine: &'a Machine,
    live: &'a Liveness,
    first_temporary: usize,
    choices: [Vec<Reg>; 4],
    /// The other side of each copy.
    hints: Vec<Vec<Reg>>,
    assigned: Vec<Option<Reg>>,
    /// Intervals that hold or will hold each physical register.
    holders: Vec<Vec<usize>>,
    /// Where groups that have no registers yet had better begin, by first member.
    wished: BTreeMap<usize, Reg>,
    spilled: Vec<usize>,
}

impl<'a> Scan<'a> {
    fn new(machine: &'a Machine, live: &'a Liveness, first_temporary: usize) -> Self {
        let mut hints: Vec<Vec<Reg>> = vec![Vec::new(); live.intervals.len()];
        for inst in &machine.code {
            if inst.kind == Kind::Copy {
                let [to, from, ..] = inst.regs;
                for (a, b) in [(to, from), (from, to)] {
                    if let Some(index) = a.virtual_index() {
                        hints[index].push(b);
                    }
                }
            }
        }
        Self {
            machine,
            live,
            first_temporary,
            choices: [RegClass::X, RegClass::F, RegClass::V, RegClass::V2].map(candidates),
            hints,
            assigned: vec![None; live.intervals.len()],
            holders: vec![Vec::new(); 96],
            wished: BTreeMap::new(),
            spilled: Vec::new(),
        }
    }

    /// Assignments, or what to put into memory.
    fn run(mut self) -> Result<(Vec<Option<Reg>>, Vec<usize>), OutOfRegisters> {
        let mut order: Vec<usize> = (0..self.live.intervals.len())
            .filter(|&index| !self.live.intervals[index].ranges.is_empty())
            .collect();
        order.sort_by_key(|&index| (self.live.intervals[index].start(), index));
        for index in order {
            let group = self.machine.group_of(index);
            // With a group all its members have been dealt with.
            if group.count > 1
                && (self.assigned[index].is_some() || self.spilled.contains(&group.first))
            {
                continue;
            }
            let start = self.live.intervals[index].start();
            for list in &mut self.holders {
                list.retain(|&other| self.live.intervals[other].end() > start);
            }
            let chosen = self
                .preferred(group)
                .find(|&reg| self.is_free(group, reg))
                .or_else(|| {
                    let all = self.all(group);
                    all.into_iter().find(|&reg| self.is_free(group, reg))
                });
            match chosen {
                Some(reg) => self.assign(group, reg),
                None => self.make_room(group)?,
            }
        }
        Ok((self.assigned, self.spilled))
    }

    fn class(&self, group: Group) -> RegClass {
        self.machine.classes[group.first]
    }

    /// First registers that the group can have, in order of preference.
    fn all(&self, group: Group) -> Vec<Reg> {
        let class = self.class(group);
        if group.count == 1 {
            self.choices[class as usize].clone()
        } else {
            group_candidates(group.count * units(class))
        }
    }

    /// First registers with which copies vanish.
    fn preferred(&mut self, group: Group) -> impl Iterator<Item = Reg> + use<> {
        let width = units(self.class(group));
        let all = self.all(group);
        let mut found = Vec::new();
        for (position, index) in group.members().enumerate() {
            for hint in self.hints[index].clone() {
                let reg = match hint.virtual_index() {
                    Some(other) => self.assigned[other].or_else(|| self.wish(index, other)),
                    None => Some(hint),
                };
                found.extend(reg.and_then(|reg| {
                    let first = reg.unit().checked_sub(position * width)?;
                    Some(Reg::from_unit(first))
                }));
            }
        }
        found.extend(self.wished.get(&group.first));
        found.into_iter().filter(move |reg| all.contains(reg))
    }

    /// The register of a member of a group that has none yet, chosen for a register that it is
    /// copied to or from.
    fn wish(&mut self, index: usize, member: usize) -> Option<Reg> {
        let group = self.machine.group_of(member);
        if group.count == 1 {
            return None;
        }
        let first = match self.wished.get(&group.first) {
            Some(&first) => first,
            None => {
                // Free for what is copied, which is as long as is known.
                let hull = Group {
                    first: index,
                    count: 1,
                };
                let first = self.all(group).into_iter().find(|&first| {
                    let units = group.count * units(self.class(group));
                    (first.unit()..first.unit() + units)
                        .step_by(units / group.count)
                        .all(|unit| self.is_free(hull, Reg::from_unit(unit)))
                })?;
                self.wished.insert(group.first, first);
                first
            }
        };
        let width = units(self.class(group));
        Some(Reg::from_unit(
            first.unit() + (member - group.first) * width,
        ))
    }

    /// Intervals in the way of a group that begins at a register; `None` if a physical register
    /// is.
    fn conflicts(&self, group: Group, first: Reg) -> Option<Vec<usize>> {
        let width = units(self.class(group));
        let mut found = Vec::new();
        for (position, index) in group.members().enumerate() {
            let interval = &self.live.intervals[index];
            let unit = first.unit() + position * width;
            for unit in unit..unit + width {
                if self
                    .live
                    .fixed
                    .get(&Reg::from_unit(unit))
                    .is_some_and(|ranges| interval.overlaps(ranges))
                {
                    return None;
                }
                for &other in &self.holders[unit] {
                    let holder = &self.live.intervals[other];
                    if holder.overlaps(&interval.ranges)
                        && !interval.agrees(index, holder, other)
                        && !found.contains(&other)
                    {
                        found.push(other);
                    }
                }
            }
        }
        Some(found)
    }

    fn is_free(&self, group: Group, first: Reg) -> bool {
        self.conflicts(group, first)
            .is_some_and(|found| found.is_empty())
    }

    fn assign(&mut self, group: Group, first: Reg) {
        let width = units(self.class(group));
        for (position, index) in group.members().enumerate() {
            let unit = first.unit() + position * width;
            self.assigned[index] = Some(Reg::from_unit(unit));
            for unit in unit..unit + width {
                self.holders[unit].push(index);
            }
        }
    }

    fn cost(&self, group: Group) -> f64 {
        group
            .members()
            .map(|index| self.live.intervals[index].cost())
            .sum()
    }

    /// Takes registers from what costs least, unless the group itself costs less to spill.
    fn make_room(&mut self, group: Group) -> Result<(), OutOfRegisters> {
        let is_temporary = |index: usize| index >= self.first_temporary;
        let mut best: Option<(f64, Reg, Vec<Group>)> = None;
        for first in self.all(group) {
            let Some(found) = self.conflicts(group, first) else {
                continue;
            };
            if found.iter().any(|&other| is_temporary(other)) {
                continue;
            }
            let mut evicted: Vec<Group> = found
                .into_iter()
                .map(|other| self.machine.group_of(other))
                .collect();
            evicted.sort_by_key(|group| group.first);
            evicted.dedup();
            let cost = evicted.iter().map(|&group| self.cost(group)).sum();
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, first, evicted));
            }
        }
        match best {
            Some((cost, first, evicted))
                if is_temporary(group.first) || cost < self.cost(group) =>
            {
                for member in evicted.into_iter().flat_map(Group::members) {
                    self.assigned[member] = None;
                    self.spilled.push(member);
                    for list in &mut self.holders {
                        list.retain(|&other| other != member);
                    }
                }
                self.assign(group, first);
                Ok(())
            }
            _ if is_temporary(group.first) => Err(OutOfRegisters),
            _ => {
                self.spilled.extend(group.members());
                Ok(())
            }
        }
    }
}

/// Where a register lives that has no register.
#[derive(Clone, Copy, Debug)]
enum Place {
    Slot(Slot),
    Constant(i64),
}

/// Rewrites accesses of spilled registers.
fn spill(machine: &mut Machine, spilled: &[usize]) {
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    let mut written: BTreeMap<usize, Vec<Kind>> =
        spilled.iter().map(|&s| (s, Vec::new())).collect();
    for inst in &machine.code {
        inst.for_each_register(|reg, access| {
            if access != Access::Read
                && let Some(kinds) = reg
                    .virtual_index()
                    .and_then(|index| written.get_mut(&index))
            {
                kinds.push(inst.kind);
            }
        });
    }
    for (index, kinds) in written {
        let place = if let [Kind::Constant(value)] = kinds[..] {
            Place::Constant(value)
        } else {
            let bytes = match machine.classes[index] {
                RegClass::X | RegClass::F => 8,
                RegClass::V => 128,
                RegClass::V2 => 256,
            };
            machine.slots.push(bytes);
            let slot = u32::try_from(machine.slots.len() - 1).expect("slots are bounded by code");
            Place::Slot(Slot(slot))
        };
        places.insert(index, place);
    }
    let place_of = |reg: Reg| {
        let index = reg.virtual_index()?;
        places.get(&index).copied()
    };
    let mut code = Vec::with_capacity(machine.code.len() * 2);
    for mut inst in std::mem::take(&mut machine.code) {
        let location = inst.location;
        let pseudo = |machine: &Machine, kind: Kind, reg: Reg| MachineInst {
            location,
            pair: machine.class(reg) == RegClass::V2,
            ..MachineInst::new(kind, &[reg])
        };
        if inst.kind == Kind::Copy {
            let [to, from, ..] = inst.regs;
            match (place_of(to), place_of(from)) {
                (None, Some(Place::Slot(slot))) => {
                    code.push(pseudo(machine, Kind::Reload(slot), to));
                    continue;
                }
                (None, Some(Place::Constant(value))) => {
                    code.push(pseudo(machine, Kind::Constant(value), to));
                    continue;
                }
                (Some(Place::Slot(slot)), None) => {
                    code.push(pseudo(machine, Kind::Spill(slot), from));
                    continue;
                }
                _ => {}
            }
        }
        let mut fresh: Vec<(Reg, Reg, Place, bool, bool)> = Vec::new();
        for members in inst.matrix_groups() {
            if members.len() == 1 || fresh.iter().any(|entry| entry.0 == members[0]) {
                continue;
            }
            let places = members.iter().filter_map(|&member| place_of(member));
            let places: Vec<Place> = places.collect();
            if places.is_empty() {
                continue;
            }
            let group = machine.group(machine.class(members[0]), members.len());
            for ((member, temporary), place) in members.into_iter().zip(group).zip(places) {
                fresh.push((member, temporary, place, false, false));
            }
        }
        let mut named = Vec::new();
        inst.for_each_register(|reg, access| named.push((reg, access)));
        for (reg, access) in named {
            let Some(place) = place_of(reg) else { continue };
            let (reads, writes) = (access != Access::Write, access != Access::Read);
            match fresh.iter_mut().find(|entry| entry.0 == reg) {
                Some(entry) => {
                    entry.3 |= reads;
                    entry.4 |= writes;
                }
                None => {
                    let class = machine.class(reg);
                    fresh.push((reg, machine.reg(class), place, reads, writes));
                }
            }
        }
        if !fresh.is_empty()
            && (inst.kind == Kind::Undefined
                || matches!(
                    (inst.kind, fresh[0].2),
                    (Kind::Constant(_), Place::Constant(_))
                ))
        {
            continue;
        }
        for &(_, temporary, place, reads, _) in &fresh {
            if reads {
                let kind = match place {
                    Place::Slot(slot) => Kind::Reload(slot),
                    Place::Constant(value) => Kind::Constant(value),
                };
                code.push(pseudo(machine, kind, temporary));
            }
        }
        inst.map_registers(|reg| {
            fresh
                .iter()
                .find(|entry| entry.0 == reg)
                .map_or(reg, |entry| entry.1)
        });
        code.push(inst);
        for (_, temporary, place, _, writes) in fresh {
            if let (true, Place::Slot(slot)) = (writes, place) {
                code.push(pseudo(machine, Kind::Spill(slot), temporary));
            }
        }
    }
    machine.code = code;
}

/// Checks, independently of intervals, that every read finds the value that was written last:
/// along the code, and once more around each loop for what it reads before writing it.
#[cfg(debug_assertions)]
fn verify(machine: &Machine, assigned: &[Option<Reg>]) {
    use std::collections::BTreeSet;

    // A register may hold what several names stand for, after copies that are none.
    let mut content: Vec<Vec<Reg>> = vec![Vec::new(); 96];
    // For each open loop: registers read in it that it had not written before.
    let mut open: Vec<(BTreeSet<Reg>, BTreeSet<Reg>)> = Vec::new();
    let units = |reg: Reg| {
        let physical = reg
            .virtual_index()
            .and_then(|index| assigned[index])
            .unwrap_or(reg);
        let first = physical.unit();
        first..first + usize::from(machine.class(reg) == RegClass::V2) + 1
    };
    for (at, inst) in machine.code.iter().enumerate() {
        for members in inst.matrix_groups() {
            let place = |reg: Reg| reg.virtual_index().and_then(|index| assigned[index]);
            for pair in members.windows(2) {
                let distance = units(pair[0]).len();
                let [one, next] = [pair[0], pair[1]].map(|reg| place(reg).map_or(0, Reg::unit));
                assert_eq!(next, one + distance, "instruction {at}: {inst:?}");
            }
        }
        if inst.kind == Kind::LoopBegin {
            open.push((BTreeSet::new(), BTreeSet::new()));
        }
        let mut touched = Vec::new();
        inst.for_each_register(|reg, access| touched.push((reg, access)));
        for &(reg, access) in &touched {
            if reg.virtual_index().is_none() || access == Access::Write {
                continue;
            }
            for unit in units(reg) {
                assert!(
                    content[unit].contains(&reg),
                    "instruction {at} reads {reg:?} from unit {unit}: {inst:?}"
                );
            }
            for (read, written) in &mut open {
                if !written.contains(&reg) {
                    read.insert(reg);
                }
            }
        }
        for &(reg, access) in &touched {
            if reg.virtual_index().is_none() || access == Access::Read {
                continue;
            }
            let from = inst.regs[1];
            let is_none = inst.kind == Kind::Copy && units(reg) == units(from);
            for unit in units(reg) {
                if !is_none {
                    content[unit].clear();
                }
                content[unit].push(reg);
            }
            for (_, written) in &mut open {
                written.insert(reg);
            }
        }
        if inst.is_call() {
            content.fill(Vec::new());
        }
        if inst.kind == Kind::LoopEnd
            && let Some((read, _)) = open.pop()
        {
            for reg in read {
                for unit in units(reg) {
                    assert!(
                        content[unit].contains(&reg),
                        "the loop that ends at {at} loses {reg:?} in unit {unit}"
                    );
                }
            }
        }
    }
}
