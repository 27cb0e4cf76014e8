//! What an access to memory touches: lines and sectors of caches, passes over the scratchpad.
//!
//! Taken from the registers of the hart before the instruction executes. Lanes of a warp that
//! touch the same sector share one access to it.
#![expect(
    clippy::cast_possible_truncation,
    reason = "counts of lanes and lines of one instruction, and parts of words"
)]

use weft_isa::abi::{
    LANES, LOCAL_LANE_STRIDE, LOCAL_WINDOW, SHARED_WINDOW, STACK_WINDOW, VLEN_BYTES,
};
use weft_isa::{Class, Inst, VType};

use crate::chipfile::{LINE_BYTES, SECTOR_BYTES};
use crate::exec::Op;
use crate::hart::Hart;

/// How the addresses of an instruction follow from registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One datum at `x[rs1] + imm`.
    Scalar { bytes: u32 },
    /// Elements one after the other from `x[rs1]`; `fields` of them in a segment.
    Unit { bytes: u32, fields: u32 },
    /// `registers` whole registers.
    Whole { registers: u32 },
    /// A mask register.
    Mask,
    /// Elements `x[rs2]` bytes apart.
    Strided { bytes: u32, fields: u32 },
    /// Offsets from `x[rs1]` in `v[rs2]`, each of `index` bytes.
    Indexed { bytes: u32, index: u32, fields: u32 },
    /// Whole addresses in `v[rs2]`.
    Atomic { bytes: u32 },
}

impl Form {
    /// The form of an instruction that accesses memory.
    pub(super) fn of(inst: Inst, vtype: VType) -> Option<Self> {
        let word = inst.encode();
        let sew = vtype.sew.bytes() as u32;
        let width = word >> 12 & 7;
        let fields = (word >> 29 & 7) + 1;
        match inst.class() {
            Class::ScalarLoad | Class::ScalarStore | Class::ScalarAtomic => Some(Self::Scalar {
                bytes: 1 << (width & 3),
            }),
            Class::VectorAtomic => Some(Self::Atomic { bytes: sew }),
            Class::VectorLoad | Class::VectorStore => {
                let bytes = match width {
                    0 => 1,
                    5 => 2,
                    6 => 4,
                    _ => 8,
                };
                Some(match (word >> 26 & 3, word >> 20 & 31) {
                    (0, 8) => Self::Whole { registers: fields },
                    (0, 11) => Self::Mask,
                    (0, _) => Self::Unit { bytes, fields },
                    (2, _) => Self::Strided { bytes, fields },
                    _ => Self::Indexed {
                        bytes: sew,
                        index: bytes,
                        fields,
                    },
                })
            }
            _ => None,
        }
    }
}

/// Where a line lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Device memory; lines are counted from its beginning.
    Device,
    /// Local memory and stack of the hart.
    Private,
    /// Memory of the host.
    Host,
}

/// An access to sectors of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineAccess {
    pub(crate) space: Space,
    /// Address divided by [`LINE_BYTES`].
    pub(crate) line: u64,
    /// Sectors, one bit each.
    pub(crate) sectors: u8,
}

impl LineAccess {
    fn encode(self) -> u64 {
        self.line << 8 | (self.space as u64) << 4 | u64::from(self.sectors)
    }

    fn decode(word: u64) -> Self {
        Self {
            space: match word >> 4 & 3 {
                0 => Space::Device,
                1 => Space::Private,
                _ => Space::Host,
            },
            line: word >> 8,
            sectors: word as u8 & 15,
        }
    }
}

/// What one instruction accesses, as read back from a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accesses<'a> {
    words: &'a [u64],
}

impl<'a> Accesses<'a> {
    /// The accesses that begin at `words[0]`, and the number of words that they take.
    pub(crate) fn read(words: &'a [u64]) -> (Self, usize) {
        let lines = (words[0] & 0xffff) as usize;
        (
            Self {
                words: &words[..=lines],
            },
            lines + 1,
        )
    }

    /// Cycles that the scratchpad is busy; 0: not accessed.
    pub(crate) fn scratchpad_passes(self) -> u32 {
        (self.words[0] >> 16 & 0xffff) as u32
    }

    /// Bytes moved to or from the scratchpad.
    pub(crate) fn scratchpad_bytes(self) -> u32 {
        (self.words[0] >> 32 & 0xffff) as u32
    }

    /// Lanes that take part.
    pub(crate) fn lanes(self) -> u32 {
        (self.words[0] >> 48) as u32
    }

    /// Lines accessed.
    pub(crate) fn line_count(self) -> usize {
        self.words.len() - 1
    }

    pub(crate) fn lines(self) -> impl Iterator<Item = LineAccess> + 'a {
        self.words[1..].iter().map(|&word| LineAccess::decode(word))
    }
}

/// Words of the scratchpad that an instruction asks each bank for.
pub(super) struct Banks {
    /// How many.
    counts: [u8; LANES],
    /// Which, as far as `counts` says; what lies behind is of instructions before.
    words: [[u32; LANES]; LANES],
}

impl Banks {
    pub(super) const fn new() -> Self {
        Self {
            counts: [0; LANES],
            words: [[0; LANES]; LANES],
        }
    }
}

/// Collects the accesses of one instruction at the end of `words`.
struct Collector<'a> {
    words: &'a mut Vec<u64>,
    header: usize,
    /// Bounds of device memory.
    device: (u64, u64),
    bank_mask: u32,
    atomic: bool,
    lanes: u64,
    scratchpad_bytes: u64,
    /// The word of the scratchpad that was asked for last: lanes often share one.
    last_word: u32,
    banks: &'a mut Banks,
}

impl Collector<'_> {
    /// Adds the sectors of `bytes` bytes at a line-independent address of a space.
    #[inline]
    fn add_bytes(&mut self, space: Space, address: u64, bytes: u64) {
        let (mut at, end) = (address, address + bytes);
        while at < end {
            let line = at / LINE_BYTES;
            let line_end = (line + 1) * LINE_BYTES;
            let first = at % LINE_BYTES / SECTOR_BYTES;
            let last = (end.min(line_end) - 1) % LINE_BYTES / SECTOR_BYTES;
            let sectors = (0xfu8 << first) & (0xf >> (3 - last));
            self.add_line(LineAccess {
                space,
                line,
                sectors,
            });
            at = line_end;
        }
    }

    #[inline]
    fn add_line(&mut self, access: LineAccess) {
        let key = access.encode() & !0xf;
        let last = self.words.len() - 1;
        if last > self.header && self.words[last] & !0xf == key {
            self.words[last] |= u64::from(access.sectors);
            return;
        }
        let known = self.words[self.header + 1..]
            .iter_mut()
            .rev()
            .find(|word| **word & !0xf == key);
        match known {
            Some(word) => *word |= u64::from(access.sectors),
            None => self.words.push(access.encode()),
        }
    }

    /// Adds the element of a lane.
    #[inline]
    fn add_element(&mut self, address: u64, bytes: u64) {
        self.lanes += 1;
        if address < SHARED_WINDOW {
            let (base, end) = self.device;
            if (base..end).contains(&address) {
                self.add_bytes(Space::Device, address - base, bytes);
            } else {
                self.add_bytes(Space::Host, address & 0xffff_ffff, bytes);
            }
        } else if address < LOCAL_WINDOW {
            self.add_scratchpad(address - SHARED_WINDOW, bytes);
        } else if address < STACK_WINDOW {
            // Lanes are interleaved by words of 4 bytes.
            let lane = (address - LOCAL_WINDOW) / LOCAL_LANE_STRIDE;
            let offset = (address - LOCAL_WINDOW) % LOCAL_LANE_STRIDE;
            let mut word = offset / 4;
            while word * 4 < offset + bytes {
                self.add_bytes(Space::Private, word * LINE_BYTES + lane * 4, 4);
                word += 1;
            }
        } else {
            self.add_bytes(Space::Private, STACK_AREA + (address - STACK_WINDOW), bytes);
        }
    }

    #[inline]
    fn add_scratchpad(&mut self, offset: u64, bytes: u64) {
        self.scratchpad_bytes += bytes;
        let mut word = (offset / 4) as u32;
        let end = ((offset + bytes).div_ceil(4)) as u32;
        while word < end {
            // Lanes that read one word share it; atomics on it follow each other.
            if word != self.last_word || self.atomic {
                let bank = (word & self.bank_mask) as usize % LANES;
                let count = usize::from(self.banks.counts[bank]);
                let words = &mut self.banks.words[bank];
                if self.atomic || !words[..count].contains(&word) {
                    if count < LANES {
                        words[count] = word;
                    }
                    self.banks.counts[bank] = (count + 1).min(LANES) as u8;
                }
                self.last_word = word;
            }
            word += 1;
        }
    }

    fn finish(self, more_passes: u64) {
        let conflicts = if self.scratchpad_bytes > 0 {
            let most = self.banks.counts.iter().copied().max().unwrap_or(0);
            self.banks.counts = [0; LANES];
            most
        } else {
            0
        };
        let lines = (self.words.len() - self.header - 1) as u64;
        let passes = u64::from(conflicts) + more_passes;
        self.words[self.header] = lines.min(0xffff)
            | passes.min(0xffff) << 16
            | self.scratchpad_bytes.min(0xffff) << 32
            | self.lanes.min(0xffff) << 48;
    }
}

/// Offset of the stack in the private space of a hart, behind its local memory.
const STACK_AREA: u64 = 1 << 31;

/// What the probe must know of the chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    /// Bounds of device memory.
    pub(crate) device: (u64, u64),
    /// Banks of the scratchpad.
    pub(crate) banks: u32,
}

/// Appends what the instruction will access.
pub(super) fn record(
    form: Form,
    atomic: bool,
    op: &Op,
    hart: &Hart,
    surroundings: &Surroundings,
    banks: &mut Banks,
    words: &mut Vec<u64>,
) {
    let header = words.len();
    words.push(0);
    let mut collector = Collector {
        words,
        header,
        device: surroundings.device,
        bank_mask: surroundings.banks - 1,
        atomic,
        lanes: 0,
        scratchpad_bytes: 0,
        last_word: u32::MAX,
        banks,
    };
    let base = hart.x(op.rs1);
    let vl = hart.vl as usize;
    match form {
        Form::Scalar { bytes } => {
            let address = if atomic {
                base
            } else {
                base.wrapping_add_signed(op.imm)
            };
            collector.add_element(address, u64::from(bytes));
        }
        Form::Whole { registers } => {
            let bytes = u64::from(registers) * VLEN_BYTES as u64;
            return record_run(collector, base, bytes, bytes / 4);
        }
        Form::Mask => {
            return record_run(collector, base, vl.div_ceil(8) as u64, 1);
        }
        Form::Unit { bytes, fields } => {
            let element = u64::from(bytes) * u64::from(fields);
            if op.vm {
                return record_run(collector, base, element * vl as u64, vl as u64);
            }
            for lane in active(hart, op, vl) {
                collector.add_element(base.wrapping_add(lane as u64 * element), element);
            }
        }
        Form::Strided { bytes, fields } => {
            let element = u64::from(bytes) * u64::from(fields);
            let stride = hart.x(op.rs2);
            for lane in active(hart, op, vl) {
                let address = base.wrapping_add((lane as u64).wrapping_mul(stride));
                collector.add_element(address, element);
            }
        }
        Form::Indexed {
            bytes,
            index,
            fields,
        } => {
            let element = u64::from(bytes) * u64::from(fields);
            for lane in active(hart, op, vl) {
                let offset = match index {
                    1 => u64::from(hart.element::<u8>(op.rs2, lane)),
                    2 => u64::from(hart.element::<u16>(op.rs2, lane)),
                    4 => u64::from(hart.element::<u32>(op.rs2, lane)),
                    _ => hart.element::<u64>(op.rs2, lane),
                };
                collector.add_element(base.wrapping_add(offset), element);
            }
        }
        Form::Atomic { bytes } => {
            for lane in active(hart, op, vl) {
                let address = hart.element::<u64>(op.rs2, lane);
                collector.add_element(address, u64::from(bytes));
            }
        }
    }
    collector.finish(0);
}

/// A run of consecutive bytes. In the scratchpad it passes by rows of all banks.
fn record_run(mut collector: Collector<'_>, base: u64, bytes: u64, lanes: u64) {
    if (SHARED_WINDOW..LOCAL_WINDOW).contains(&base) {
        let row = (u64::from(collector.bank_mask) + 1) * 4;
        let first = (base - SHARED_WINDOW) / 4 * 4;
        let last = base - SHARED_WINDOW + bytes;
        collector.lanes = lanes;
        collector.scratchpad_bytes = bytes;
        collector.finish((last - first).div_ceil(row));
    } else {
        if bytes > 0 {
            collector.add_element(base, bytes);
        }
        collector.lanes = lanes;
        collector.finish(0);
    }
}

/// Elements that are not masked off.
fn active<'a>(hart: &'a Hart, op: &Op, vl: usize) -> impl Iterator<Item = usize> + 'a {
    let unmasked = op.vm;
    (0..vl)
        .filter(move |lane| unmasked || hart.mask_word(0, lane / LANES) >> (lane % LANES) & 1 == 1)
}
