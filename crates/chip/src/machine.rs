//! Machine mode: the control and status registers of a hart outside CUDA, and its traps.
//!
//! A hart that runs an ELF file has the modes M and U of the privileged architecture
//! (20240411), and physical memory protection ([`crate::pmp`]). It has no supervisor mode, so
//! nothing is delegated; no triggers, and no source of interrupts, so `mip` is zero and `wfi` waits
//! for nothing. Floating-point and vector state that is on is reported as dirty.

use weft_isa::{Class, Inst, Opcode, Register, csr};

use crate::fault::FaultKind;
use crate::hart::Hart;
use crate::pmp::Protection;

/// Privilege mode, with its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    User = 0,
    Machine = 3,
}

/// Exception codes of `mcause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Cause {
    InstructionAccess = 1,
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadMisaligned = 4,
    LoadAccess = 5,
    StoreMisaligned = 6,
    StoreAccess = 7,
    UserCall = 8,
    MachineCall = 11,
}

const MIE: u64 = 1 << 3;
const MPIE: u64 = 1 << 7;
const VS_SHIFT: u32 = 9;
const MPP_SHIFT: u32 = 11;
const FS_SHIFT: u32 = 13;
/// State of the tiles (Zvt).
const MS_SHIFT: u32 = 29;
const MPRV: u64 = 1 << 17;
const TIMEOUT_WAIT: u64 = 1 << 21;
/// User mode has 64 bits.
const UXL: u64 = 2 << 32;
/// What MS says of tiles that hold nothing of value, and of others.
const TILES_INITIAL: u8 = 1;
const TILES_DIRTY: u8 = 3;
/// Some extension state is dirty.
const SD: u64 = 1 << 63;
/// A 64-bit hart with A, B, C, D, F, I, M, U and V.
const MISA: u64 = 2 << 62 | 0x30_112f;
/// Software, timer and external interrupts of machine mode.
const INTERRUPTS: u64 = 1 << 3 | 1 << 7 | 1 << 11;
/// Counters that `mcounteren` and `mcountinhibit` know: cycle, time, instret.
const COUNTERS: u64 = 7;

/// Registers of physical memory protection: those of configurations have even numbers.
const CONFIGURATIONS: u16 = csr::PMPCFG0;
const CONFIGURATIONS_LAST: u16 = CONFIGURATIONS + 14;
const ADDRESSES: u16 = csr::PMPADDR0;
const ADDRESSES_LAST: u16 = ADDRESSES + 63;

/// A counter that software can set and stop.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// What is added to the instructions retired, or the value itself while it is stopped.
    offset: u64,
    stopped: bool,
}

impl Counter {
    /// The value, when `retired` instructions have retired.
    fn value(self, retired: u64) -> u64 {
        if self.stopped {
            self.offset
        } else {
            self.offset.wrapping_add(retired)
        }
    }

    fn set(&mut self, value: u64, retired: u64) {
        self.offset = if self.stopped {
            value
        } else {
            value.wrapping_sub(retired)
        };
    }

    fn stop(&mut self, stopped: bool, retired: u64) {
        let value = self.value(retired);
        self.stopped = stopped;
        self.set(value, retired);
    }
}

/// What decides whether instructions are legal besides their encoding and `vtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Enabled {
    /// Floating-point state is on in `mstatus`.
    pub(crate) float: bool,
    /// Vector state is on in `mstatus`.
    pub(crate) vector: bool,
    /// Tile state is on in `mstatus`.
    pub(crate) matrix: bool,
    /// `frm` holds a rounding mode: otherwise no floating-point vector instruction is legal,
    /// even if it does not round (V 13).
    pub(crate) rounding: bool,
}

impl Enabled {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        float: true,
        vector: true,
        matrix: true,
        rounding: true,
    };

    /// Whether the instruction's registers are switched on.
    pub(crate) fn allow(self, inst: Inst) -> bool {
        let mut allowed = true;
        inst.for_each_register(|register, _| {
            allowed &= match register {
                Register::X(_) => true,
                Register::F(_) => self.float,
                Register::V(_) => self.vector,
            };
        });
        if uses_tiles(inst) {
            allowed &= self.vector && self.matrix;
        }
        match inst.class() {
            // Its registers are scalar ones.
            Class::VectorConfig => self.vector,
            Class::VectorFp
            | Class::VectorSpecial
            | Class::VectorReduce
            | Class::VectorPermute
            | Class::VectorInt
                if is_vector_float(inst) =>
            {
                allowed && self.float && self.rounding
            }
            _ => allowed,
        }
    }
}

/// Whether the instruction reads or writes tiles (Zvt). `mset*` do not.
fn uses_tiles(inst: Inst) -> bool {
    use Opcode as O;
    matches!(
        inst.opcode(),
        O::Vtle8
            | O::Vtle16
            | O::Vtle32
            | O::Vtle64
            | O::Vtse8
            | O::Vtse16
            | O::Vtse32
            | O::Vtse64
            | O::VtmvVT
            | O::VtmvTV
            | O::Vtzero
            | O::Vtdiscard
            | O::VtmmuTvv
            | O::VtmmsTvv
            | O::VtfmmTvv
            | O::VtfmmAltTvv
    )
}

/// Whether it computes with floating-point elements, or moves them as such.
fn is_vector_float(inst: Inst) -> bool {
    let mnemonic = inst.mnemonic();
    mnemonic.starts_with("vf") || mnemonic.starts_with("vmf")
}

/// What decides where accesses succeed: protection, and the modes of fetches and of other accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) protection: Protection,
    pub(crate) fetches: Mode,
    pub(crate) accesses: Mode,
}

/// Whether the register is one of physical memory protection.
pub(crate) fn is_protection(address: u16) -> bool {
    (CONFIGURATIONS..=ADDRESSES_LAST).contains(&address)
}

/// Machine-mode state of a hart.
#[derive(Clone, Debug)]
pub(crate) struct MachineState {
    pub(crate) mode: Mode,
    /// MIE, MPIE, MPP, MPRV and TW.
    status: u64,
    pub(crate) enabled: Enabled,
    /// MS while it is not off: 1 initial, 2 clean, 3 dirty.
    tiles: u8,
    pub(crate) mtvec: u64,
    mscratch: u64,
    mepc: u64,
    mcause: u64,
    mtval: u64,
    mie: u64,
    mcounteren: u64,
    menvcfg: u64,
    protection: Protection,
    cycles: Counter,
    instructions: Counter,
}

impl MachineState {
    /// After reset: machine mode, floating-point and vector state off.
    pub(crate) fn reset() -> Self {
        Self {
            mode: Mode::Machine,
            status: 0,
            enabled: Enabled {
                float: false,
                vector: false,
                matrix: false,
                rounding: true,
            },
            tiles: TILES_DIRTY,
            mtvec: 0,
            mscratch: 0,
            mepc: 0,
            mcause: 0,
            mtval: 0,
            mie: 0,
            mcounteren: 0,
            menvcfg: 0,
            protection: Protection::default(),
            cycles: Counter::default(),
            instructions: Counter::default(),
        }
    }

    /// As a program of an operating system finds it: user mode, everything on.
    pub(crate) fn user() -> Self {
        Self {
            mode: Mode::User,
            enabled: Enabled {
                float: true,
                vector: true,
                matrix: true,
                rounding: true,
            },
            mcounteren: COUNTERS,
            ..Self::reset()
        }
    }

    /// The value of a CSR, when `retired` instructions have retired before the one that reads;
    /// none if there is no such register or the mode may not read it.
    pub(crate) fn read(&self, address: u16, retired: u64) -> Option<u64> {
        if !self.permits(address) {
            return None;
        }
        Some(match address {
            csr::CYCLE | csr::TIME | csr::INSTRET => {
                let counter = address - csr::CYCLE;
                if self.mode == Mode::User && self.mcounteren >> counter & 1 == 0 {
                    return None;
                }
                match address {
                    csr::CYCLE => self.cycles.value(retired),
                    csr::TIME => retired,
                    _ => self.instructions.value(retired),
                }
            }
            csr::MSTATUS => self.mstatus(),
            csr::MISA => MISA,
            csr::MIE => self.mie,
            csr::MTVEC => self.mtvec,
            csr::MCOUNTEREN => self.mcounteren,
            csr::MENVCFG => self.menvcfg,
            csr::MCOUNTINHIBIT => {
                u64::from(self.cycles.stopped) | u64::from(self.instructions.stopped) << 2
            }
            csr::MSCRATCH => self.mscratch,
            csr::MEPC => self.mepc,
            csr::MCAUSE => self.mcause,
            csr::MTVAL => self.mtval,
            csr::MCYCLE => self.cycles.value(retired),
            csr::MINSTRET => self.instructions.value(retired),
            CONFIGURATIONS..=CONFIGURATIONS_LAST if address & 1 == 0 => self
                .protection
                .configuration(usize::from(address - CONFIGURATIONS)),
            ADDRESSES..=ADDRESSES_LAST => self.protection.address(usize::from(address - ADDRESSES)),
            _ if reads_zero(address) => 0,
            _ => return None,
        })
    }

    /// Sets a CSR that [`MachineState::read`] knows; false if it is read-only. `retired` counts
    /// the writing instruction, whose own count the written value replaces.
    pub(crate) fn write(&mut self, address: u16, value: u64, retired: u64) -> bool {
        if address >> 10 & 3 == 3 || self.read(address, retired).is_none() {
            return false;
        }
        match address {
            csr::MSTATUS => self.set_mstatus(value),
            csr::MIE => self.mie = value & INTERRUPTS,
            csr::MTVEC => self.mtvec = value & !2,
            csr::MCOUNTEREN => self.mcounteren = value & COUNTERS,
            csr::MENVCFG => self.menvcfg = value & 1,
            csr::MCOUNTINHIBIT => {
                self.cycles.stop(value & 1 != 0, retired);
                self.instructions.stop(value & 4 != 0, retired);
            }
            csr::MSCRATCH => self.mscratch = value,
            csr::MEPC => self.mepc = value & !1,
            csr::MCAUSE => self.mcause = value,
            csr::MTVAL => self.mtval = value,
            csr::MCYCLE => self.cycles.set(value, retired),
            csr::MINSTRET => self.instructions.set(value, retired),
            CONFIGURATIONS..=CONFIGURATIONS_LAST => {
                let number = usize::from(address - CONFIGURATIONS);
                self.protection.set_configuration(number, value);
            }
            ADDRESSES..=ADDRESSES_LAST => {
                self.protection
                    .set_address(usize::from(address - ADDRESSES), value);
            }
            // The others keep their only value.
            _ => {}
        }
        true
    }

    /// Whether the mode may access the register: by its address and by the extension's state.
    pub(crate) fn permits(&self, address: u16) -> bool {
        let enabled = match address {
            csr::FFLAGS | csr::FRM | csr::FCSR => self.enabled.float,
            csr::VSTART | csr::VXSAT | csr::VXRM | csr::VCSR => self.enabled.vector,
            csr::VL | csr::VTYPE | csr::VLENB | csr::MTYPE => self.enabled.vector,
            _ => true,
        };
        enabled && address >> 8 & 3 <= self.mode as u16
    }

    fn mstatus(&self) -> u64 {
        let state = |on: bool| if on { 3 } else { 0 };
        let Enabled {
            float,
            vector,
            matrix,
            rounding: _,
        } = self.enabled;
        let tiles = if matrix { u64::from(self.tiles) } else { 0 };
        let dirty = if float || vector || tiles == u64::from(TILES_DIRTY) {
            SD
        } else {
            0
        };
        let states = state(float) << FS_SHIFT | state(vector) << VS_SHIFT | tiles << MS_SHIFT;
        self.status | states | UXL | dirty
    }

    fn set_mstatus(&mut self, value: u64) {
        let previous = match value >> MPP_SHIFT & 3 {
            // No supervisor mode: the field keeps what it had.
            1 | 2 => self.status & 3 << MPP_SHIFT,
            mode => mode << MPP_SHIFT,
        };
        self.status = value & (MIE | MPIE | MPRV | TIMEOUT_WAIT) | previous;
        self.enabled = Enabled {
            float: value >> FS_SHIFT & 3 != 0,
            vector: value >> VS_SHIFT & 3 != 0,
            matrix: value >> MS_SHIFT & 3 != 0,
            rounding: true,
        };
        self.tiles = (value >> MS_SHIFT & 3) as u8;
    }

    /// Notes that tiles are used.
    pub(crate) fn touch_tiles(&mut self) {
        self.tiles = TILES_DIRTY;
    }

    /// Notes that tiles hold nothing of value.
    pub(crate) fn discard_tiles(&mut self) {
        self.tiles = TILES_INITIAL;
    }

    /// What decides where accesses succeed.
    pub(crate) fn view(&self) -> View {
        let (fetches, accesses) = self.modes();
        View {
            protection: self.protection.clone(),
            fetches,
            accesses,
        }
    }

    /// The modes as which instructions are fetched, and loads and stores executed.
    pub(crate) fn modes(&self) -> (Mode, Mode) {
        let previous = if self.status >> MPP_SHIFT & 3 == 3 {
            Mode::Machine
        } else {
            Mode::User
        };
        let modifies = self.mode == Mode::Machine && self.status & MPRV != 0;
        (self.mode, if modifies { previous } else { self.mode })
    }

    /// Whether this mode may wait for an interrupt without a limit.
    pub(crate) fn may_wait(&self) -> bool {
        self.mode == Mode::Machine || self.status & TIMEOUT_WAIT == 0
    }

    /// What `mret` does; gives the address to go on at, or none outside machine mode.
    pub(crate) fn return_from_trap(&mut self) -> Option<u64> {
        if self.mode != Mode::Machine {
            return None;
        }
        let enable = if self.status & MPIE != 0 { MIE } else { 0 };
        self.mode = if self.status >> MPP_SHIFT & 3 == 3 {
            Mode::Machine
        } else {
            Mode::User
        };
        let kept = if self.mode == Mode::Machine { MPRV } else { 0 };
        self.status = self.status & (TIMEOUT_WAIT | kept) | MPIE | enable;
        Some(self.mepc)
    }

    /// Takes a trap of the instruction at `pc`; gives the address of the handler.
    fn trap(&mut self, pc: u64, cause: Cause, value: u64) -> u64 {
        self.mepc = pc;
        self.mcause = cause as u64;
        self.mtval = value;
        let previous_enable = if self.status & MIE != 0 { MPIE } else { 0 };
        self.status =
            self.status & (MPRV | TIMEOUT_WAIT) | previous_enable | (self.mode as u64) << MPP_SHIFT;
        self.mode = Mode::Machine;
        self.mtvec & !3
    }
}

/// Registers that exist and are zero: identity, counters and events beyond the first three,
/// protection, triggers, interrupts pending.
fn reads_zero(address: u16) -> bool {
    matches!(
        address,
        csr::MIP
            | 0xf11..=0xf15
            | 0x323..=0x33f
            | 0xb03..=0xb1f
            | 0x7a0..=0x7a4
    )
}

impl Hart {
    /// What is legal now.
    pub(crate) fn enabled(&self) -> Enabled {
        let switched = self.machine.as_ref().map(|machine| machine.enabled);
        Enabled {
            rounding: self.frm <= 4,
            ..switched.unwrap_or(Enabled::ALL)
        }
    }

    /// Takes a trap if a handler is installed; false if there is none.
    pub(crate) fn take_trap(&mut self, pc: u64, cause: Cause, value: u64) -> bool {
        let Some(machine) = &mut self.machine else {
            return false;
        };
        if machine.mtvec == 0 {
            return false;
        }
        self.pc = machine.trap(pc, cause, value);
        self.reservation = None;
        true
    }
}

/// What a fault is as an exception, with `mtval`; none for faults that a program raises on
/// purpose. `word` is the instruction as it stands in memory.
pub(crate) fn exception(kind: &FaultKind, pc: u64, word: u32) -> Option<(Cause, u64)> {
    Some(match *kind {
        FaultKind::IllegalAddress { address, write, .. } => (access(write), address),
        FaultKind::StackOverflow { address } | FaultKind::LocalOverflow { address, .. } => {
            (Cause::LoadAccess, address)
        }
        FaultKind::Misaligned { address, write, .. } => {
            let cause = if write {
                Cause::StoreMisaligned
            } else {
                Cause::LoadMisaligned
            };
            (cause, address)
        }
        FaultKind::IllegalInstruction { .. } | FaultKind::Unsupported { .. } => {
            (Cause::IllegalInstruction, u64::from(word))
        }
        FaultKind::InstructionAddress => (Cause::InstructionAccess, pc),
        FaultKind::Code(_)
        | FaultKind::UnknownCode(_)
        | FaultKind::Breakpoint
        | FaultKind::BarrierDeadlock
        | FaultKind::InvalidLaunch(_) => return None,
    })
}

fn access(write: bool) -> Cause {
    if write {
        Cause::StoreAccess
    } else {
        Cause::LoadAccess
    }
}
