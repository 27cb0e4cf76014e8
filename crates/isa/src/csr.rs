//! Addresses and assembly names of control and status registers.
//!
//! The registers of the chip's own are in [`abi::csr`](crate::abi::csr); this module names
//! them too. Having a name here says nothing of whether a hart implements the register.

use crate::abi::csr as own;

macro_rules! registers {
    ($($(#[$doc:meta])* $name:ident = $address:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: u16 = $address;)*

        /// Address and assembly name of every standard register above.
        const STANDARD: &[(u16, &str)] = &[$(($address, $text)),*];
    };
}

registers! {
    /// Accrued floating-point exceptions (F).
    FFLAGS = 0x001 "fflags";
    /// Dynamic rounding mode (F).
    FRM = 0x002 "frm";
    /// `frm` and `fflags` (F).
    FCSR = 0x003 "fcsr";
    /// First element to be executed (V 3.7).
    VSTART = 0x008 "vstart";
    /// Fixed-point saturation flag (V 3.9).
    VXSAT = 0x009 "vxsat";
    /// Fixed-point rounding mode (V 3.8).
    VXRM = 0x00a "vxrm";
    /// `vxrm` and `vxsat` (V 3.10).
    VCSR = 0x00f "vcsr";
    /// Cycles of the hart's clock (Zicntr).
    CYCLE = 0xc00 "cycle";
    /// Real time in ticks (Zicntr).
    TIME = 0xc01 "time";
    /// Retired instructions (Zicntr).
    INSTRET = 0xc02 "instret";
    /// Vector length (V 3.5).
    VL = 0xc20 "vl";
    /// Vector type (V 3.4).
    VTYPE = 0xc21 "vtype";
    /// Bytes of a vector register (V 3.6).
    VLENB = 0xc22 "vlenb";
    /// Configuration of the matrix unit (Zvt).
    MTYPE = 0xc23 "mtype";
    /// Supervisor status (Privileged, Supervisor CSRs).
    SSTATUS = 0x100 "sstatus";
    /// Supervisor interrupt enable (Privileged, Supervisor CSRs).
    SIE = 0x104 "sie";
    /// Supervisor trap handler (Privileged, Supervisor CSRs).
    STVEC = 0x105 "stvec";
    /// Counters readable in user mode (Privileged, Supervisor CSRs).
    SCOUNTEREN = 0x106 "scounteren";
    /// Supervisor scratch (Privileged, Supervisor CSRs).
    SSCRATCH = 0x140 "sscratch";
    /// Supervisor trap program counter (Privileged, Supervisor CSRs).
    SEPC = 0x141 "sepc";
    /// Supervisor trap cause (Privileged, Supervisor CSRs).
    SCAUSE = 0x142 "scause";
    /// Supervisor trap value (Privileged, Supervisor CSRs).
    STVAL = 0x143 "stval";
    /// Supervisor interrupts pending (Privileged, Supervisor CSRs).
    SIP = 0x144 "sip";
    /// Address translation (Privileged, Supervisor CSRs).
    SATP = 0x180 "satp";
    /// Machine status (Privileged, Machine-Level CSRs).
    MSTATUS = 0x300 "mstatus";
    /// Extensions of the hart (Privileged, Machine-Level CSRs).
    MISA = 0x301 "misa";
    /// Exceptions delegated to supervisor mode (Privileged, Machine-Level CSRs).
    MEDELEG = 0x302 "medeleg";
    /// Interrupts delegated to supervisor mode (Privileged, Machine-Level CSRs).
    MIDELEG = 0x303 "mideleg";
    /// Machine interrupt enable (Privileged, Machine-Level CSRs).
    MIE = 0x304 "mie";
    /// Machine trap handler (Privileged, Machine-Level CSRs).
    MTVEC = 0x305 "mtvec";
    /// Counters readable in lower modes (Privileged, Machine-Level CSRs).
    MCOUNTEREN = 0x306 "mcounteren";
    /// Environment of user mode (Privileged, Machine-Level CSRs).
    MENVCFG = 0x30a "menvcfg";
    /// Counters that stand still (Privileged, Machine-Level CSRs).
    MCOUNTINHIBIT = 0x320 "mcountinhibit";
    /// Machine scratch (Privileged, Machine-Level CSRs).
    MSCRATCH = 0x340 "mscratch";
    /// `pc` of the trapped instruction (Privileged, Machine-Level CSRs).
    MEPC = 0x341 "mepc";
    /// Cause of the trap (Privileged, Machine-Level CSRs).
    MCAUSE = 0x342 "mcause";
    /// Faulting address or instruction (Privileged, Machine-Level CSRs).
    MTVAL = 0x343 "mtval";
    /// Machine interrupts pending (Privileged, Machine-Level CSRs).
    MIP = 0x344 "mip";
    /// Configuration of physical memory protection (Privileged, Physical Memory Protection).
    PMPCFG0 = 0x3a0 "pmpcfg0";
    /// First address of physical memory protection (Privileged, Physical Memory Protection).
    PMPADDR0 = 0x3b0 "pmpaddr0";
    /// Status of non-maskable interrupts (Smrnmi).
    MNSTATUS = 0x744 "mnstatus";
    /// Cycles, writable (Privileged, Machine-Level CSRs).
    MCYCLE = 0xb00 "mcycle";
    /// Retired instructions, writable (Privileged, Machine-Level CSRs).
    MINSTRET = 0xb02 "minstret";
    /// JEDEC number of the vendor (Privileged, Machine-Level CSRs).
    MVENDORID = 0xf11 "mvendorid";
    /// Number of the architecture (Privileged, Machine-Level CSRs).
    MARCHID = 0xf12 "marchid";
    /// Version of the implementation (Privileged, Machine-Level CSRs).
    MIMPID = 0xf13 "mimpid";
    /// Number of the hart (Privileged, Machine-Level CSRs).
    MHARTID = 0xf14 "mhartid";
    /// Address of the configuration structure (Privileged, Machine-Level CSRs).
    MCONFIGPTR = 0xf15 "mconfigptr";
}

/// Address and assembly name of the chip's own registers.
const OWN: &[(u16, &str)] = &[
    (own::WARP, "xw.warp"),
    (own::WARPS, "xw.warps"),
    (own::LANES, "xw.lanes"),
    (own::CTAID_X, "xw.ctaid.x"),
    (own::CTAID_Y, "xw.ctaid.y"),
    (own::CTAID_Z, "xw.ctaid.z"),
    (own::NTID_X, "xw.ntid.x"),
    (own::NTID_Y, "xw.ntid.y"),
    (own::NTID_Z, "xw.ntid.z"),
    (own::NCTAID_X, "xw.nctaid.x"),
    (own::NCTAID_Y, "xw.nctaid.y"),
    (own::NCTAID_Z, "xw.nctaid.z"),
    (own::CORE, "xw.core"),
    (own::CORES, "xw.cores"),
    (own::GRID, "xw.grid"),
    (own::SHARED_DYNAMIC_BYTES, "xw.shared.dynamic"),
    (own::SHARED_TOTAL_BYTES, "xw.shared.total"),
    (own::GLOBALTIMER, "xw.globaltimer"),
];

/// The assembly name of the CSR at this address, or `None` if it has none here.
#[must_use]
pub fn name(address: u16) -> Option<&'static str> {
    let mut all = STANDARD.iter().chain(OWN);
    all.find(|register| register.0 == address)
        .map(|register| register.1)
}

/// The address of the CSR with this assembly name.
#[must_use]
pub fn address(name: &str) -> Option<u16> {
    let mut all = STANDARD.iter().chain(OWN);
    all.find(|register| register.1 == name)
        .map(|register| register.0)
}
