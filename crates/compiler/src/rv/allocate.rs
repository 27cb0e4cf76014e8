//! Register allocation: linear scan over live intervals in code order.
//!
//! An interval runs from the first access of a register to its last, over the whole of each
//! loop that it enters from before. The parameter of a loop header is free between its last
//! use and the copy at the end of the loop that writes it anew, so that the value computed
//! for the next round can have its register.
//!
//! A register for which there is no room lives in the stack frame: it is loaded into a fresh
//! register before each instruction that reads it and stored after each that writes it, and
//! allocation starts again. What lives across a call is treated so from the start. Constants
//! are made again instead.

use super::machine::{Kind, Machine, MachineInst, Reg, RegClass, Slot};
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
        let (assigned, spilled) = if crossing.is_empty() {
            scan(machine, &live, first_temporary)?
        } else {
            (Vec::new(), crossing)
        };
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
        let intervals = touches
            .iter()
            .map(|touches| interval(touches, &loops, &innermost, &line_end))
            .collect();
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

/// One pass over the intervals: assignments, or what to put into memory.
fn scan(
    machine: &Machine,
    live: &Liveness,
    first_temporary: usize,
) -> Result<(Vec<Option<Reg>>, Vec<usize>), OutOfRegisters> {
    let mut order: Vec<usize> = (0..live.intervals.len())
        .filter(|&index| !live.intervals[index].ranges.is_empty())
        .collect();
    order.sort_by_key(|&index| (live.intervals[index].start(), index));
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
    let choices = [RegClass::X, RegClass::F, RegClass::V, RegClass::V2].map(candidates);
    let mut assigned: Vec<Option<Reg>> = vec![None; live.intervals.len()];
    // Intervals that hold or will hold each physical register.
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); 96];
    let mut spilled = Vec::new();
    for index in order {
        let interval = &live.intervals[index];
        let class = machine.classes[index];
        let units = |reg: Reg| {
            let first = reg.unit();
            first..first + if class == RegClass::V2 { 2 } else { 1 }
        };
        for list in &mut holders {
            list.retain(|&other| live.intervals[other].end() > interval.start());
        }
        let conflicts = |holders: &[Vec<usize>], reg: Reg| -> Option<Vec<usize>> {
            let mut found = Vec::new();
            for unit in units(reg) {
                if live
                    .fixed
                    .get(&Reg::from_unit(unit))
                    .is_some_and(|ranges| interval.overlaps(ranges))
                {
                    return None;
                }
                for &other in &holders[unit] {
                    if live.intervals[other].overlaps(&interval.ranges) && !found.contains(&other) {
                        found.push(other);
                    }
                }
            }
            Some(found)
        };
        let all = &choices[class as usize];
        let hinted = hints[index]
            .iter()
            .filter_map(|&hint| match hint.virtual_index() {
                Some(other) => assigned[other],
                None => Some(hint),
            });
        let free = hinted
            .filter(|reg| all.contains(reg))
            .chain(all.iter().copied())
            .find(|&reg| conflicts(&holders, reg).is_some_and(|found| found.is_empty()));
        let chosen = match free {
            Some(reg) => reg,
            None => {
                // Cheapest to take from, unless the interval itself is cheaper to spill.
                let temporary = |index: usize| index >= first_temporary;
                let mut best: Option<(f64, Reg, Vec<usize>)> = None;
                for &reg in all {
                    let Some(found) = conflicts(&holders, reg) else {
                        continue;
                    };
                    if found.iter().any(|&other| temporary(other)) {
                        continue;
                    }
                    let cost = found
                        .iter()
                        .map(|&other| live.intervals[other].cost())
                        .sum();
                    if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                        best = Some((cost, reg, found));
                    }
                }
                match best {
                    Some((cost, reg, found)) if temporary(index) || cost < interval.cost() => {
                        for &other in &found {
                            assigned[other] = None;
                            spilled.push(other);
                        }
                        for list in &mut holders {
                            list.retain(|other| !found.contains(other));
                        }
                        reg
                    }
                    _ if temporary(index) => return Err(OutOfRegisters),
                    _ => {
                        spilled.push(index);
                        continue;
                    }
                }
            }
        };
        assigned[index] = Some(chosen);
        for unit in units(chosen) {
            holders[unit].push(index);
        }
    }
    spilled.sort_unstable();
    Ok((assigned, spilled))
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
    let mut content: Vec<Option<Reg>> = vec![None; 96];
    // For each open loop: registers read in it that it had not written before.
    let mut open: Vec<(Vec<Reg>, Vec<Reg>)> = Vec::new();
    let units = |reg: Reg| {
        let physical = reg
            .virtual_index()
            .and_then(|index| assigned[index])
            .unwrap_or(reg);
        let first = physical.unit();
        first..first + usize::from(machine.class(reg) == RegClass::V2) + 1
    };
    for (at, inst) in machine.code.iter().enumerate() {
        if inst.kind == Kind::LoopBegin {
            open.push((Vec::new(), Vec::new()));
        }
        let mut touched = Vec::new();
        inst.for_each_register(|reg, access| touched.push((reg, access)));
        for &(reg, access) in &touched {
            if reg.virtual_index().is_none() || access == Access::Write {
                continue;
            }
            for unit in units(reg) {
                assert_eq!(
                    content[unit],
                    Some(reg),
                    "instruction {at} reads {reg:?} from unit {unit}: {inst:?}"
                );
            }
            for (read, written) in &mut open {
                if !written.contains(&reg) && !read.contains(&reg) {
                    read.push(reg);
                }
            }
        }
        for &(reg, access) in &touched {
            if reg.virtual_index().is_none() || access == Access::Read {
                continue;
            }
            for unit in units(reg) {
                content[unit] = Some(reg);
            }
            for (_, written) in &mut open {
                written.push(reg);
            }
        }
        if inst.is_call() {
            content.fill(None);
        }
        if inst.kind == Kind::LoopEnd
            && let Some((read, _)) = open.pop()
        {
            for reg in read {
                for unit in units(reg) {
                    assert_eq!(
                        content[unit],
                        Some(reg),
                        "the loop that ends at {at} loses {reg:?} in unit {unit}"
                    );
                }
            }
        }
    }
}
