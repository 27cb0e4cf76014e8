//! Bare execution: a RISC-V ELF file on one hart with flat memory, without CUDA's surroundings.
//!
//! For trying code and for conformance suites. Two conventions are understood:
//!
//! - **HTIF**: the file has a symbol `tohost`. A store of `code << 1 | 1` there ends the run
//!   with `code`. `ecall` traps to `mtvec`, and machine-mode CSRs are plain storage, which is
//!   all that the environment of riscv-tests needs.
//! - **Minimal Linux**: otherwise `ecall` serves `write` to descriptors 1 and 2, `exit`,
//!   `exit_group` and `brk`; every other call is an error that names it.
//!
//! It promises that no file, however corrupt, does more than return an error. It does not run
//! dynamically linked or 32-bit files, modelled interrupts, paging, or code that changes
//! itself: instructions are those of the file.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of words, and error numbers of Linux"
)]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use object::LittleEndian;
use object::elf::{EM_RISCV, ET_EXEC, FileHeader64, PT_INTERP, PT_LOAD};
use object::read::elf::{FileHeader as _, ProgramHeader as _, Sym as _};
use weft_isa::{VType, X, csr};

use crate::block::Translation;
use crate::env::{Constants, Env};
use crate::exec::Level;
use crate::fault::FaultKind;
use crate::hart::{Hart, Stop};
use crate::mem::Intervals;
use crate::program::Program;
use crate::report::{ClassCounts, MemoryTraffic, Traffic};

/// Most bytes that the segments of a file may span.
const SPAN_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the stack, which is at the end of memory.
const STACK_BYTES: u64 = 1 << 20;
/// Instructions between two looks at `tohost`.
const SLICE: i64 = 1 << 16;
/// `mcause` of an `ecall` in user mode, the mode that riscv-tests run in.
const CAUSE_USER_ECALL: u64 = 8;

/// Settings of a run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Memory after the segments, for `brk`, in bytes.
    pub heap_bytes: u64,
    /// Instructions after which the run ends with an error.
    pub instructions_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heap_bytes: 64 << 20,
            instructions_max: u64::MAX,
        }
    }
}

/// What a finished run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What the program passed to `exit` or `tohost`; 0 is success.
    pub exit_code: u64,
    /// Retired instructions by class.
    pub instructions: ClassCounts,
    /// Bytes moved.
    pub memory: Traffic,
}

/// Why a file could not be run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not an ELF file that can be read.
    #[error("malformed ELF file: {part}: {reason}")]
    Malformed {
        /// Which part of the file.
        part: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An ELF file for something else.
    #[error("unsupported ELF file: {0}")]
    Unsupported(&'static str),
    /// A segment that does not fit into memory.
    #[error("segment {index}: {bytes} bytes at {address:#x} do not fit into memory")]
    Segment {
        /// Index in the program header table.
        index: usize,
        /// First byte.
        address: u64,
        /// Size in memory.
        bytes: u64,
    },
    /// The program did what cannot be done.
    #[error("{kind} (pc {pc:#x})")]
    Fault {
        /// What.
        kind: FaultKind,
        /// Address of the instruction.
        pc: u64,
    },
    /// A system call that is not served.
    #[error("unsupported system call {number} (pc {pc:#x})")]
    SystemCall {
        /// Register `a7`.
        number: u64,
        /// Address of the `ecall`.
        pc: u64,
    },
    /// A command to the host that is not served.
    #[error("unsupported tohost command {0:#x}")]
    HostCommand(u64),
    /// The limit of [`Options::instructions_max`] was reached.
    #[error("no end after {0} instructions")]
    Limit(u64),
    /// Output could not be written.
    #[error("failed to write the program's output: {0}")]
    Output(#[from] std::io::Error),
}

/// A file in memory.
struct Image {
    base: u64,
    /// Backing store in words, so that it is aligned.
    words: Vec<u64>,
    bytes: u64,
    entry: u64,
    /// End of the segments.
    end: u64,
    tohost: Option<u64>,
}

fn malformed(part: &'static str) -> impl Fn(object::Error) -> Error {
    move |error| Error::Malformed {
        part,
        reason: error.to_string(),
    }
}

impl Image {
    fn load(file: &[u8], options: &Options) -> Result<Self, Error> {
        let header = FileHeader64::<LittleEndian>::parse(file).map_err(malformed("header"))?;
        let endian = header.endian().map_err(malformed("header"))?;
        if header.e_machine(endian) != EM_RISCV {
            return Err(Error::Unsupported("not for RISC-V"));
        }
        if header.e_type(endian) != ET_EXEC {
            return Err(Error::Unsupported("not a statically linked executable"));
        }
        let segments = header
            .program_headers(endian, file)
            .map_err(malformed("program headers"))?;
        if segments
            .iter()
            .any(|segment| segment.p_type(endian) == PT_INTERP)
        {
            return Err(Error::Unsupported("dynamically linked"));
        }
        let loaded = || {
            let segments = segments.iter().enumerate();
            segments.filter(|(_, segment)| {
                segment.p_type(endian) == PT_LOAD && segment.p_memsz(endian) != 0
            })
        };
        let Some(base) = loaded().map(|(_, segment)| segment.p_vaddr(endian)).min() else {
            return Err(Error::Unsupported("nothing to load"));
        };
        let base = base & !0xfff;
        let mut end = base;
        for (index, segment) in loaded() {
            let (address, bytes) = (segment.p_vaddr(endian), segment.p_memsz(endian));
            let segment_end = address
                .checked_add(bytes)
                .filter(|end| end - base <= SPAN_BYTES_MAX);
            let fits = segment.p_filesz(endian) <= bytes;
            let Some(segment_end) = segment_end.filter(|_| fits) else {
                return Err(Error::Segment {
                    index,
                    address,
                    bytes,
                });
            };
            end = end.max(segment_end);
        }
        let heap_bytes = options.heap_bytes.min(SPAN_BYTES_MAX);
        let bytes = (end - base + heap_bytes + STACK_BYTES).next_multiple_of(4096);
        if base
            .checked_add(bytes)
            .is_none_or(|end| end > weft_isa::abi::SHARED_WINDOW)
        {
            return Err(Error::Segment {
                index: 0,
                address: base,
                bytes,
            });
        }
        let mut words = vec![0u64; (bytes / 8) as usize];
        for (index, segment) in loaded() {
            let (address, size) = (segment.p_vaddr(endian), segment.p_memsz(endian));
            let error = || Error::Segment {
                index,
                address,
                bytes: size,
            };
            let data = segment.data(endian, file).map_err(|()| error())?;
            store(&mut words, address - base, data);
        }
        let tohost = symbol(header, endian, file, b"tohost")
            .filter(|&address| address % 8 == 0 && address >= base && address < base + bytes);
        Ok(Self {
            base,
            words,
            bytes,
            entry: header.e_entry(endian),
            end,
            tohost,
        })
    }

    fn word(&self, address: u64) -> u64 {
        self.words[((address - self.base) / 8) as usize]
    }

    /// The bytes of a range, if it lies in memory.
    fn slice(&self, address: u64, bytes: u64) -> Option<Vec<u8>> {
        let offset = address.checked_sub(self.base)?;
        if bytes > self.bytes || offset > self.bytes - bytes {
            return None;
        }
        let byte = |index: u64| (self.words[(index / 8) as usize] >> (index % 8 * 8)) as u8;
        Some((offset..offset + bytes).map(byte).collect())
    }
}

/// Copies bytes into little-endian words.
fn store(words: &mut [u64], offset: u64, data: &[u8]) {
    for (index, &byte) in (offset..).zip(data) {
        let word = &mut words[(index / 8) as usize];
        let shift = index % 8 * 8;
        *word = *word & !(0xff << shift) | u64::from(byte) << shift;
    }
}

/// The value of a symbol; none if there is no readable symbol table.
fn symbol(
    header: &FileHeader64<LittleEndian>,
    endian: LittleEndian,
    file: &[u8],
    name: &[u8],
) -> Option<u64> {
    let sections = header.sections(endian, file).ok()?;
    let symbols = sections
        .symbols(endian, file, object::elf::SHT_SYMTAB)
        .ok()?;
    let found = symbols.iter().find(|symbol| {
        symbol
            .name(endian, symbols.strings())
            .is_ok_and(|candidate| candidate == name)
    })?;
    Some(found.st_value(endian))
}

/// Runs a file to its end. What the program writes to descriptors 1 and 2 goes to `output`.
///
/// # Errors
///
/// If the file is not a 64-bit little-endian static RISC-V executable, or the program faults,
/// asks for something unsupported, or does not end.
pub fn run(file: &[u8], options: &Options, output: &mut dyn Write) -> Result<Outcome, Error> {
    let mut image = Image::load(file, options)?;
    let code = image
        .slice(image.base, image.end - image.base)
        .unwrap_or_default();
    let program = Program::new(&code, image.base);
    let mut translation = Translation::new(Arc::clone(program.image()), Level::of_host());
    let memory = image.words.as_mut_ptr().cast();
    let mut env = Env {
        memory: None,
        intervals: Arc::new(Intervals::one_translated(image.base, image.bytes, memory)),
        shared: std::ptr::null_mut(),
        shared_bytes: 0,
        traffic: MemoryTraffic::default(),
        constants: Constants::default(),
        stop: Arc::new(AtomicBool::new(false)),
        tracks_flags: program.image().tracks_flags(),
        bare: true,
    };
    let mut hart = Hart::new();
    hart.pc = image.entry;
    hart.vtype = VType::ILL;
    hart.vl = 0;
    // No arguments, no environment, no auxiliary vector: zeros at the stack pointer.
    hart.set_x(X::SP.number(), image.base + image.bytes - 64);
    let mut machine = Machine {
        heap_end: image.end,
        instructions: 0,
    };
    let exit_code = machine.run(
        &image,
        &mut translation,
        &mut hart,
        &mut env,
        options,
        output,
    )?;
    let mut outcome = Outcome {
        exit_code,
        memory: env.traffic.global,
        ..Outcome::default()
    };
    translation.take_counts(&mut outcome.instructions);
    Ok(outcome)
}

struct Machine {
    /// What `brk` has reached.
    heap_end: u64,
    instructions: u64,
}

impl Machine {
    fn run(
        &mut self,
        image: &Image,
        code: &mut Translation,
        hart: &mut Hart,
        env: &mut Env,
        options: &Options,
        output: &mut dyn Write,
    ) -> Result<u64, Error> {
        loop {
            let left = code.run(hart, env, SLICE);
            self.instructions += (SLICE - left).unsigned_abs();
            if let Some(tohost) = image.tohost {
                match image.word(tohost) {
                    0 => {}
                    command if command & 1 == 1 => return Ok(command >> 1),
                    command => return Err(Error::HostCommand(command)),
                }
            }
            match std::mem::replace(&mut hart.stop, Stop::None) {
                Stop::None => {}
                Stop::Ecall if image.tohost.is_some() => trap(hart),
                Stop::Ecall => {
                    if let Some(exit_code) = self.system_call(image, hart, output)? {
                        return Ok(exit_code);
                    }
                }
                Stop::Exit => return Ok(0),
                Stop::Barrier(_) => {
                    let kind = FaultKind::BarrierDeadlock;
                    return Err(Error::Fault {
                        kind,
                        pc: hart.pc.wrapping_sub(4),
                    });
                }
                Stop::Fault { kind, pc, .. } => return Err(Error::Fault { kind, pc }),
            }
            if self.instructions >= options.instructions_max {
                return Err(Error::Limit(self.instructions));
            }
        }
    }

    /// Serves an `ecall` as Linux would; the exit code if it was the last.
    fn system_call(
        &mut self,
        image: &Image,
        hart: &mut Hart,
        output: &mut dyn Write,
    ) -> Result<Option<u64>, Error> {
        const BAD_DESCRIPTOR: i64 = -9;
        const BAD_ADDRESS: i64 = -14;
        let [a0, a1, a2] = [X::A0, X::A1, X::A2].map(|register| hart.x(register.number()));
        let number = hart.x(X::A7.number());
        let result = match number {
            64 if !matches!(a0, 1 | 2) => BAD_DESCRIPTOR as u64,
            64 => match image.slice(a1, a2) {
                Some(bytes) => {
                    output.write_all(&bytes)?;
                    a2
                }
                None => BAD_ADDRESS as u64,
            },
            93 | 94 => return Ok(Some(a0 & 0xff)),
            214 => {
                let limit = image.base + image.bytes - STACK_BYTES;
                if (image.end..=limit).contains(&a0) {
                    self.heap_end = a0;
                }
                self.heap_end
            }
            _ => {
                return Err(Error::SystemCall {
                    number,
                    pc: hart.pc.wrapping_sub(4),
                });
            }
        };
        hart.set_x(X::A0.number(), result);
        Ok(None)
    }
}

/// Takes the trap of an `ecall`: the instruction is before `pc`.
fn trap(hart: &mut Hart) {
    let pc = hart.pc.wrapping_sub(4);
    hart.set_machine_csr(csr::MEPC, pc);
    hart.set_machine_csr(csr::MCAUSE, CAUSE_USER_ECALL);
    hart.pc = hart.machine_csr(csr::MTVEC) & !3;
}

#[cfg(test)]
mod tests {
    use weft_isa::Inst;

    use super::*;

    const BASE: u64 = 0x8000_0000;

    /// An ELF file of one segment with this code, and no sections.
    fn elf(code: &[Inst], data: &[u8]) -> Vec<u8> {
        let mut body: Vec<u8> = code
            .iter()
            .flat_map(|inst| inst.encode().to_le_bytes())
            .collect();
        body.extend_from_slice(data);
        let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
        file.resize(16, 0);
        let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
        let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
        let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
        half(&mut file, 2);
        half(&mut file, 243);
        word(&mut file, 1);
        long(&mut file, BASE);
        long(&mut file, 64);
        long(&mut file, 0);
        word(&mut file, 0);
        for value in [64, 56, 1, 0, 0, 0] {
            half(&mut file, value);
        }
        word(&mut file, 1);
        word(&mut file, 7);
        for value in [
            120,
            BASE,
            BASE,
            body.len() as u64,
            body.len() as u64 + 64,
            4096,
        ] {
            long(&mut file, value);
        }
        file.extend(body);
        file
    }

    fn load(register: X, value: i32) -> Inst {
        Inst::Addi {
            rd: register,
            rs1: X::ZERO,
            imm: value,
        }
    }

    #[test]
    fn a_program_writes_and_exits() {
        let code = [
            load(X::A0, 1),
            Inst::Auipc { rd: X::A1, imm: 0 },
            Inst::Addi {
                rd: X::A1,
                rs1: X::A1,
                imm: 28,
            },
            load(X::A2, 6),
            load(X::A7, 64),
            Inst::Ecall,
            load(X::A7, 93),
            Inst::Ecall,
        ];
        let mut output = Vec::new();
        let outcome = run(&elf(&code, b"hello\n"), &Options::default(), &mut output).unwrap();
        assert_eq!(output, b"hello\n");
        assert_eq!((outcome.exit_code, outcome.instructions.total()), (6, 8));
    }

    #[test]
    fn what_is_not_served_is_named() {
        let run = |code: &[Inst]| {
            let options = Options {
                instructions_max: 1000,
                ..Options::default()
            };
            run(&elf(code, &[]), &options, &mut Vec::new()).unwrap_err()
        };
        let error = run(&[load(X::A7, 222), Inst::Ecall]);
        assert!(
            matches!(error, Error::SystemCall { number: 222, pc } if pc == BASE + 4),
            "{error}"
        );
        assert!(matches!(
            run(&[Inst::Jal {
                rd: X::ZERO,
                offset: 0
            }]),
            Error::Limit(_)
        ));
        let away = [Inst::Ld {
            rd: X::A0,
            imm: 0,
            rs1: X::ZERO,
        }];
        let illegal = FaultKind::IllegalAddress {
            address: 0,
            bytes: 8,
            write: false,
        };
        assert!(matches!(run(&away), Error::Fault { kind, pc: BASE } if kind == illegal));
    }

    #[test]
    fn corrupt_files_are_errors() {
        let good = elf(&[load(X::A7, 93), Inst::Ecall], &[]);
        let options = Options {
            heap_bytes: 0,
            instructions_max: 1000,
        };
        for length in 0..120 {
            assert!(
                run(&good[..length], &options, &mut Vec::new()).is_err(),
                "{length} bytes"
            );
        }
        for position in 0..120 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[position] = value;
                // An error or a run that ends: the test is that nothing worse happens.
                let _ = run(&bad, &options, &mut Vec::new());
            }
        }
    }
}
