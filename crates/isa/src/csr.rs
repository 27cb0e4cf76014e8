//! Addresses and names of control and status registers.

use crate::abi;

macro_rules! csrs {
    ($($(#[$doc:meta])* $name:ident = $address:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: u16 = $address;)*

        /// Every standard register named here, by address and assembly name.
        const STANDARD: &[(u16, &str)] = &[$(($address, $text)),*];
    };
}

csrs! {
    /// Accrued floating-point exceptions (F).
    FFLAGS = 0x001 "fflags";
    /// Floating-point dynamic rounding mode (F).
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
    /// Machine status (Privileged, 3.1.6).
    MSTATUS = 0x300 "mstatus";
    /// Extensions of the hart (Privileged, 3.1.1).
    MISA = 0x301 "misa";
    /// Trap handler base address (Privileged, 3.1.7).
    MTVEC = 0x305 "mtvec";
    /// Scratch for the trap handler (Privileged, 3.1.13).
    MSCRATCH = 0x340 "mscratch";
    /// `pc` of the trapped instruction (Privileged, 3.1.14).
    MEPC = 0x341 "mepc";
    /// Cause of the trap (Privileged, 3.1.15).
    MCAUSE = 0x342 "mcause";
    /// Bad address or instruction (Privileged, 3.1.16).
    MTVAL = 0x343 "mtval";
    /// Number of the hart (Privileged, 3.1.5).
    MHARTID = 0xf14 "mhartid";
}

/// The assembly name of a CSR, or `None` if it has none here.
#[must_use]
pub fn name(address: u16) -> Option<&'static str> {
    let _ = abi::VLEN;
    STANDARD
        .iter()
        .find(|entry| entry.0 == address)
        .map(|entry| entry.1)
}
