//! What a debugger sees of a guest.

use weft_isa::VType;
use weft_isa::abi::VLEN_BYTES;

use super::Guest;

/// The registers of a hart that programs can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Integer registers.
    pub x: [u64; 32],
    /// Address of the next instruction.
    pub pc: u64,
    /// Floating-point registers, NaN-boxed.
    pub f: [u64; 32],
    /// Accrued exceptions.
    pub fflags: u8,
    /// Rounding mode.
    pub frm: u8,
    /// Vector registers.
    pub v: Box<[[u8; VLEN_BYTES]; 32]>,
    /// First element to execute.
    pub vstart: u16,
    /// Fixed-point rounding mode and saturation flag, as in the CSR `vcsr`.
    pub vcsr: u8,
    /// Vector length.
    pub vl: u16,
    /// Vector type, as in the CSR.
    pub vtype: u64,
}

impl Default for Registers {
    fn default() -> Self {
        Self {
            x: [0; 32],
            pc: 0,
            f: [0; 32],
            fflags: 0,
            frm: 0,
            v: Box::new([[0; VLEN_BYTES]; 32]),
            vstart: 0,
            vcsr: 0,
            vl: 0,
            vtype: 0,
        }
    }
}

impl Guest {
    /// Address of the next instruction.
    #[must_use]
    pub fn pc(&self) -> u64 {
        self.hart.pc
    }

    /// The registers as they are now.
    #[must_use]
    pub fn registers(&mut self) -> Registers {
        let hart = &mut self.hart;
        let mut registers = Registers {
            x: hart.x,
            pc: hart.pc,
            f: hart.f,
            fflags: hart.fflags,
            frm: hart.frm,
            vstart: hart.vstart as u16,
            vcsr: hart.vxrm << 1 | u8::from(hart.vxsat),
            vl: hart.vl as u16,
            vtype: hart.vtype.encode(),
            ..Registers::default()
        };
        for (number, bytes) in (0..).zip(registers.v.iter_mut()) {
            bytes.copy_from_slice(hart.vector_bytes(number, 1));
        }
        registers
    }

    /// Replaces the registers. `x0` stays zero, and `vl` stays within the vector type.
    pub fn set_registers(&mut self, registers: &Registers) {
        let hart = &mut self.hart;
        hart.x = registers.x;
        hart.x[0] = 0;
        hart.pc = registers.pc & !1;
        hart.f = registers.f;
        hart.fflags = registers.fflags & 31;
        hart.frm = registers.frm & 7;
        hart.vtype = VType::decode(registers.vtype);
        hart.vl = u32::from(registers.vl).min(hart.vtype.vlmax() as u32);
        hart.vstart = u32::from(registers.vstart) & 1023;
        hart.vxrm = registers.vcsr >> 1 & 3;
        hart.vxsat = registers.vcsr & 1 != 0;
        for (number, bytes) in (0..).zip(registers.v.iter()) {
            hart.vector_bytes(number, 1).copy_from_slice(bytes);
        }
    }

    /// Copies from memory; gives how many bytes from `address` on there are, up to the length.
    pub fn read_memory(&self, address: u64, to: &mut [u8]) -> usize {
        let available = self.ram.end().saturating_sub(address);
        let count = to.len().min(available as usize);
        if self.ram.read(address, &mut to[..count]) {
            count
        } else {
            0
        }
    }

    /// Copies into memory, instructions included; false if the bytes are not all in memory.
    #[must_use]
    pub fn write_memory(&mut self, address: u64, from: &[u8]) -> bool {
        let written = self.ram.write(address, from);
        self.refresh_code();
        written
    }
}
