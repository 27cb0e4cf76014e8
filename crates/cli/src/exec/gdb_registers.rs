//! The register file as gdb's remote protocol transfers it, and its description.

use std::fmt::Write as _;
use std::sync::LazyLock;

use gdbstub::arch::{Arch, Registers};
use weft_chip::exec_elf;

/// Bytes of a vector register.
const VECTOR_BYTES: usize = 128;
/// `fflags`, `frm`, `fcsr`, `vstart`, `vcsr`, `vl`, `vtype`, `vlenb`: 64 bits each.
const CONTROL: [&str; 8] = [
    "fflags", "frm", "fcsr", "vstart", "vcsr", "vl", "vtype", "vlenb",
];

/// RV64GCV with vector registers of 1024 bits.
pub(super) enum Architecture {}

impl Arch for Architecture {
    type Usize = u64;
    type Registers = GuestRegisters;
    type BreakpointKind = usize;
    type RegId = ();

    fn target_description_xml() -> Option<&'static str> {
        static DESCRIPTION: LazyLock<String> = LazyLock::new(description);
        Some(&DESCRIPTION)
    }
}

/// gdb's names of the integer registers.
const INTEGER: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];
const FLOAT: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// The target description, in the order of the transfer.
fn description() -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\
         <target version=\"1.0\"><architecture>riscv:rv64</architecture>\
         <feature name=\"org.gnu.gdb.riscv.cpu\">",
    );
    // Writing into a String does not fail.
    let mut number = 0;
    let mut register = |xml: &mut String, name: &str, bits: usize, kind: &str| {
        let _ = write!(
            xml,
            "<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\" regnum=\"{number}\"/>"
        );
        number += 1;
    };
    for name in INTEGER {
        let kind = match name {
            "sp" | "gp" | "tp" | "fp" => "data_ptr",
            "ra" => "code_ptr",
            _ => "int",
        };
        register(&mut xml, name, 64, kind);
    }
    register(&mut xml, "pc", 64, "code_ptr");
    xml += "</feature><feature name=\"org.gnu.gdb.riscv.fpu\">";
    for name in FLOAT {
        register(&mut xml, name, 64, "ieee_double");
    }
    for name in &CONTROL[..3] {
        register(&mut xml, name, 64, "int");
    }
    xml += "</feature><feature name=\"org.gnu.gdb.riscv.vector\">";
    let kinds = [
        ("b", "int8", 128),
        ("s", "int16", 64),
        ("w", "int32", 32),
        ("l", "int64", 16),
        ("f", "ieee_single", 32),
        ("d", "ieee_double", 16),
    ];
    for (name, kind, count) in kinds {
        let _ = write!(
            xml,
            "<vector id=\"v{name}\" type=\"{kind}\" count=\"{count}\"/>"
        );
    }
    xml += "<union id=\"riscv_vector\">";
    for (name, ..) in kinds {
        let _ = write!(xml, "<field name=\"{name}\" type=\"v{name}\"/>");
    }
    xml += "</union>";
    for index in 0..32 {
        register(
            &mut xml,
            &format!("v{index}"),
            8 * VECTOR_BYTES,
            "riscv_vector",
        );
    }
    for name in &CONTROL[3..] {
        register(&mut xml, name, 64, "int");
    }
    xml += "</feature></target>";
    xml
}

/// The registers of a guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct GuestRegisters {
    pub(super) registers: exec_elf::Registers,
    /// `fcsr` as gdb wrote it: a second view of `fflags` and `frm`.
    control: u8,
}

impl GuestRegisters {
    /// Lets `fcsr` count if that is the view which differs from the registers before.
    pub(super) fn settle(&mut self, before: &exec_elf::Registers) {
        if self.control != before.frm << 5 | before.fflags {
            self.registers.fflags = self.control & 31;
            self.registers.frm = self.control >> 5;
        }
    }
}

impl Registers for GuestRegisters {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.registers.pc
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        let registers = &self.registers;
        let mut write = |bytes: &[u8]| {
            for &byte in bytes {
                write_byte(Some(byte));
            }
        };
        for value in registers
            .x
            .iter()
            .chain([&registers.pc])
            .chain(&registers.f)
        {
            write(&value.to_le_bytes());
        }
        let (fflags, frm) = (u64::from(registers.fflags), u64::from(registers.frm));
        for value in [fflags, frm, frm << 5 | fflags] {
            write(&value.to_le_bytes());
        }
        for vector in registers.v.iter() {
            write(vector);
        }
        let control = [
            u64::from(registers.vstart),
            u64::from(registers.vcsr),
            u64::from(registers.vl),
            registers.vtype,
            VECTOR_BYTES as u64,
        ];
        for value in control {
            write(&value.to_le_bytes());
        }
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let registers = &mut self.registers;
        let mut rest = bytes;
        let mut word = || -> Result<u64, ()> {
            let (word, after) = rest.split_first_chunk::<8>().ok_or(())?;
            rest = after;
            Ok(u64::from_le_bytes(*word))
        };
        for value in &mut registers.x {
            *value = word()?;
        }
        registers.pc = word()?;
        for value in &mut registers.f {
            *value = word()?;
        }
        let (fflags, frm, fcsr) = (word()?, word()?, word()?);
        registers.fflags = fflags.to_le_bytes()[0] & 31;
        registers.frm = frm.to_le_bytes()[0] & 7;
        let control = fcsr.to_le_bytes()[0];
        for vector in registers.v.iter_mut() {
            for part in vector.as_chunks_mut::<8>().0 {
                *part = word()?.to_le_bytes();
            }
        }
        let half = |value: u64| u16::try_from(value).map_err(|_| ());
        registers.vstart = half(word()?)?;
        registers.vcsr = word()?.to_le_bytes()[0];
        registers.vl = half(word()?)?;
        registers.vtype = word()?;
        self.control = control;
        Ok(())
    }
}
