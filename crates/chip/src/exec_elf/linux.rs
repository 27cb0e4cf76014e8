//! System calls of Linux that single-threaded programs without files need.
//!
//! Numbers and layouts are those of `asm-generic/unistd.h` for 64-bit RISC-V. Descriptors 0, 1
//! and 2 are the console; there are no files. Memory comes from one range: `brk` grows from its
//! beginning, `mmap` from its end.

use std::collections::BTreeSet;

use super::image::{Image, Ram, STACK_BYTES};
use super::{Console, Error};

/// What a system call did.
pub(super) enum Served {
    /// It returns this.
    Result(u64),
    /// The program has ended with this code.
    Exit(u64),
    /// The program has sent itself this signal.
    Signal(u64),
}

/// Error numbers, negated as results are.
mod error {
    pub(super) const NO_ENTRY: i64 = -2;
    pub(super) const BAD_DESCRIPTOR: i64 = -9;
    pub(super) const AGAIN: i64 = -11;
    pub(super) const NO_MEMORY: i64 = -12;
    pub(super) const FAULT: i64 = -14;
    pub(super) const INVALID: i64 = -22;
    pub(super) const NO_TERMINAL: i64 = -25;
    pub(super) const NO_SEEK: i64 = -29;
    pub(super) const NO_SYSTEM_CALL: i64 = -38;
}

mod number {
    pub(super) const GETCWD: u64 = 17;
    pub(super) const FCNTL: u64 = 25;
    pub(super) const IOCTL: u64 = 29;
    pub(super) const FACCESSAT: u64 = 48;
    pub(super) const OPENAT: u64 = 56;
    pub(super) const CLOSE: u64 = 57;
    pub(super) const LSEEK: u64 = 62;
    pub(super) const READ: u64 = 63;
    pub(super) const WRITE: u64 = 64;
    pub(super) const READV: u64 = 65;
    pub(super) const WRITEV: u64 = 66;
    pub(super) const READLINKAT: u64 = 78;
    pub(super) const NEWFSTATAT: u64 = 79;
    pub(super) const FSTAT: u64 = 80;
    pub(super) const EXIT: u64 = 93;
    pub(super) const EXIT_GROUP: u64 = 94;
    pub(super) const SET_TID_ADDRESS: u64 = 96;
    pub(super) const FUTEX: u64 = 98;
    pub(super) const SET_ROBUST_LIST: u64 = 99;
    pub(super) const NANOSLEEP: u64 = 101;
    pub(super) const CLOCK_GETTIME: u64 = 113;
    pub(super) const CLOCK_GETRES: u64 = 114;
    pub(super) const CLOCK_NANOSLEEP: u64 = 115;
    pub(super) const SCHED_YIELD: u64 = 124;
    pub(super) const KILL: u64 = 129;
    pub(super) const TKILL: u64 = 130;
    pub(super) const TGKILL: u64 = 131;
    pub(super) const SIGALTSTACK: u64 = 132;
    pub(super) const RT_SIGACTION: u64 = 134;
    pub(super) const RT_SIGPROCMASK: u64 = 135;
    pub(super) const UNAME: u64 = 160;
    pub(super) const GETTIMEOFDAY: u64 = 169;
    pub(super) const GETPID: u64 = 172;
    pub(super) const GETPPID: u64 = 173;
    pub(super) const GETUID: u64 = 174;
    pub(super) const GETEUID: u64 = 175;
    pub(super) const GETGID: u64 = 176;
    pub(super) const GETEGID: u64 = 177;
    pub(super) const GETTID: u64 = 178;
    pub(super) const BRK: u64 = 214;
    pub(super) const MUNMAP: u64 = 215;
    pub(super) const MREMAP: u64 = 216;
    pub(super) const MMAP: u64 = 222;
    pub(super) const MPROTECT: u64 = 226;
    pub(super) const MADVISE: u64 = 233;
    pub(super) const PRLIMIT64: u64 = 261;
    pub(super) const GETRANDOM: u64 = 278;
    pub(super) const RSEQ: u64 = 293;
}

const PAGE_BYTES: u64 = 4096;
/// Process and thread.
const PROCESS: u64 = 1000;
/// User and group.
const IDENTITY: u64 = 1000;
/// Parts of a `readv` or `writev` that are looked at.
const PARTS_MAX: u64 = 1024;

/// The operating system's side of a program.
pub(super) struct Linux {
    heap_begin: u64,
    /// What `brk` has reached.
    heap_end: u64,
    /// Where the lowest mapping begins.
    mappings: u64,
    mappings_end: u64,
    name: Vec<u8>,
    random: u64,
    /// Numbers of calls that were refused and named.
    named: BTreeSet<u64>,
}

impl Linux {
    pub(super) fn new(image: &Image, arguments: &[String]) -> Self {
        let heap_begin = image.end.next_multiple_of(16);
        let mappings_end = (image.ram.end() - STACK_BYTES) & !(PAGE_BYTES - 1);
        Self {
            heap_begin,
            heap_end: heap_begin,
            mappings: mappings_end,
            mappings_end,
            name: absolute(arguments.first().map_or("", String::as_str)),
            random: 0x9e37_79b9_7f4a_7c15,
            named: BTreeSet::new(),
        }
    }

    /// Serves the call with this number. `now` is the time in nanoseconds.
    pub(super) fn serve(
        &mut self,
        ram: &mut Ram,
        console: &mut Console<'_>,
        number: u64,
        arguments: [u64; 6],
        now: u64,
    ) -> Result<Served, Error> {
        let [a0, a1, a2, a3, ..] = arguments;
        let result = match number {
            number::EXIT | number::EXIT_GROUP => return Ok(Served::Exit(a0 & 0xff)),
            number::KILL | number::TKILL if a1 != 0 => return Ok(Served::Signal(a1)),
            number::TGKILL if a2 != 0 => return Ok(Served::Signal(a2)),
            number::WRITE => write(ram, console, a0, a1, a2)?,
            number::READ => read(ram, console, a0, a1, a2)?,
            number::WRITEV | number::READV => {
                let mut total = 0;
                for part in 0..a2.min(PARTS_MAX) {
                    let at = a1.wrapping_add(part * 16);
                    let (Some(address), Some(bytes)) = (ram.word(at), ram.word(at.wrapping_add(8)))
                    else {
                        return Ok(Served::Result(error::FAULT as u64));
                    };
                    let done = if number == number::WRITEV {
                        write(ram, console, a0, address, bytes)?
                    } else {
                        read(ram, console, a0, address, bytes)?
                    };
                    if done < 0 {
                        total = if total == 0 { done } else { total };
                        break;
                    }
                    total += done;
                    if done as u64 != bytes {
                        break;
                    }
                }
                total
            }
            number::CLOSE | number::FCNTL if a0 <= 2 => 0,
            number::CLOSE | number::FCNTL => error::BAD_DESCRIPTOR,
            number::IOCTL => error::NO_TERMINAL,
            number::LSEEK if a0 <= 2 => error::NO_SEEK,
            number::LSEEK => error::BAD_DESCRIPTOR,
            number::OPENAT | number::FACCESSAT => error::NO_ENTRY,
            number::READLINKAT => match ram.string(a1, PAGE_BYTES).as_deref() {
                Some(b"/proc/self/exe") => {
                    let count = self.name.len().min(a3 as usize);
                    stored(ram.write(a2, &self.name[..count]), count as i64)
                }
                Some(_) => error::NO_ENTRY,
                None => error::FAULT,
            },
            number::GETCWD if a1 < 2 => error::INVALID,
            number::GETCWD => stored(ram.write(a0, b"/\0"), 2),
            number::FSTAT => status(ram, a0, a1),
            // With an empty path it means the descriptor.
            number::NEWFSTATAT => match ram.string(a1, PAGE_BYTES).as_deref() {
                Some(b"") => status(ram, a0, a2),
                Some(_) => error::NO_ENTRY,
                None => error::FAULT,
            },
            number::SET_TID_ADDRESS | number::GETPID | number::GETTID => PROCESS as i64,
            number::GETPPID => 1,
            number::GETUID | number::GETEUID | number::GETGID | number::GETEGID => IDENTITY as i64,
            // Nobody else could change the word or wake the thread.
            number::FUTEX if a1 & 0x7f == 0 => error::AGAIN,
            number::FUTEX
            | number::SET_ROBUST_LIST
            | number::NANOSLEEP
            | number::CLOCK_NANOSLEEP
            | number::SCHED_YIELD
            | number::KILL
            | number::TKILL
            | number::TGKILL
            | number::SIGALTSTACK
            | number::RT_SIGACTION
            | number::RT_SIGPROCMASK
            | number::MPROTECT
            | number::MADVISE => 0,
            number::CLOCK_GETTIME => time(ram, a1, now, 1),
            number::GETTIMEOFDAY => time(ram, a0, now, 1000),
            number::CLOCK_GETRES => {
                let done = a1 == 0 || ram.set_word(a1, 0) && ram.set_word(a1.wrapping_add(8), 1);
                stored(done, 0)
            }
            number::UNAME => stored(ram.write(a0, &names()), 0),
            number::BRK => self.brk(a0),
            number::MMAP => self.mmap(ram, a0, a1, a3),
            number::MUNMAP => self.munmap(a0, a1),
            number::MREMAP => error::NO_MEMORY,
            number::PRLIMIT64 => {
                let mut done = true;
                if a3 != 0 {
                    let limit = if a1 == 3 { STACK_BYTES } else { u64::MAX };
                    done = ram.set_word(a3, limit) && ram.set_word(a3.wrapping_add(8), limit);
                }
                stored(done, 0)
            }
            number::GETRANDOM => self.random(ram, a0, a1),
            // Asked for by every C library, which goes on without.
            number::RSEQ => error::NO_SYSTEM_CALL,
            _ => {
                if self.named.insert(number) {
                    (console.notes)(&format!("system call {number} is not served (ENOSYS)"));
                }
                error::NO_SYSTEM_CALL
            }
        };
        Ok(Served::Result(result as u64))
    }

    /// Moves the end of the heap, if that is possible; gives where it is.
    fn brk(&mut self, end: u64) -> i64 {
        if (self.heap_begin..=self.mappings).contains(&end) {
            self.heap_end = end;
        }
        self.heap_end as i64
    }

    /// Anonymous memory, zeroed; below what was mapped before, or where it was asked for.
    fn mmap(&mut self, ram: &mut Ram, address: u64, bytes: u64, flags: u64) -> i64 {
        const FIXED: u64 = 0x10;
        const ANONYMOUS: u64 = 0x20;
        if flags & ANONYMOUS == 0 {
            return error::BAD_DESCRIPTOR;
        }
        if bytes == 0 || bytes > self.mappings_end || !address.is_multiple_of(PAGE_BYTES) {
            return error::INVALID;
        }
        let bytes = bytes.next_multiple_of(PAGE_BYTES);
        let begin = if flags & FIXED != 0 {
            let lowest = self.heap_end.next_multiple_of(PAGE_BYTES);
            if address < lowest || address > self.mappings_end.saturating_sub(bytes) {
                return error::NO_MEMORY;
            }
            self.mappings = self.mappings.min(address);
            address
        } else {
            let begin = self.mappings.saturating_sub(bytes);
            if begin < self.heap_end {
                return error::NO_MEMORY;
            }
            self.mappings = begin;
            begin
        };
        // Below the lowest mapping so far memory may be old heap; above, an old mapping.
        let zeros = [0; PAGE_BYTES as usize];
        for page in (begin..begin + bytes).step_by(PAGE_BYTES as usize) {
            let is_zero = ram
                .bytes(page, PAGE_BYTES)
                .is_some_and(|old| old.iter().all(|&byte| byte == 0));
            if !is_zero && !ram.write(page, &zeros) {
                return error::NO_MEMORY;
            }
        }
        begin as i64
    }

    /// Gives back the lowest mapping; others stay until it goes.
    fn munmap(&mut self, address: u64, bytes: u64) -> i64 {
        if !address.is_multiple_of(PAGE_BYTES) || bytes == 0 {
            return error::INVALID;
        }
        if address == self.mappings {
            let end = address.saturating_add(bytes);
            self.mappings = end.next_multiple_of(PAGE_BYTES).min(self.mappings_end);
        }
        0
    }

    /// Bytes of xorshift64*, from a fixed seed.
    fn random(&mut self, ram: &mut Ram, address: u64, bytes: u64) -> i64 {
        let bytes = bytes.min(1 << 20);
        for offset in 0..bytes {
            self.random ^= self.random >> 12;
            self.random ^= self.random << 25;
            self.random ^= self.random >> 27;
            let byte = (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8;
            if !ram.write(address.wrapping_add(offset), &[byte]) {
                return error::FAULT;
            }
        }
        bytes as i64
    }
}

/// A path from the root, as that of a running program is.
fn absolute(name: &str) -> Vec<u8> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let root = if name.starts_with('/') { "" } else { "/" };
    format!("{root}{name}").into_bytes()
}

fn stored(done: bool, result: i64) -> i64 {
    if done { result } else { error::FAULT }
}

fn write(
    ram: &Ram,
    console: &mut Console<'_>,
    descriptor: u64,
    address: u64,
    bytes: u64,
) -> Result<i64, Error> {
    let output = match descriptor {
        1 => &mut console.output,
        2 => &mut console.errors,
        _ => return Ok(error::BAD_DESCRIPTOR),
    };
    let Some(text) = ram.bytes(address, bytes) else {
        return Ok(error::FAULT);
    };
    output.write_all(&text)?;
    Ok(bytes as i64)
}

fn read(
    ram: &mut Ram,
    console: &mut Console<'_>,
    descriptor: u64,
    address: u64,
    bytes: u64,
) -> Result<i64, Error> {
    if descriptor != 0 {
        return Ok(error::BAD_DESCRIPTOR);
    }
    let Some(mut buffer) = ram.bytes(address, bytes) else {
        return Ok(error::FAULT);
    };
    let count = console.input.read(&mut buffer)?;
    Ok(stored(ram.write(address, &buffer[..count]), count as i64))
}

/// `struct stat` of the console: a character device.
fn status(ram: &mut Ram, descriptor: u64, address: u64) -> i64 {
    if descriptor > 2 {
        return error::BAD_DESCRIPTOR;
    }
    let mut stat = [0; 128];
    // st_mode, st_nlink, st_rdev, st_blksize.
    stat[16..20].copy_from_slice(&0o020_620_u32.to_le_bytes());
    stat[20..24].copy_from_slice(&1_u32.to_le_bytes());
    stat[32..40].copy_from_slice(&0x8800_u64.to_le_bytes());
    stat[56..60].copy_from_slice(&1024_u32.to_le_bytes());
    stored(ram.write(address, &stat), 0)
}

/// Seconds, and the rest in units of `unit` nanoseconds.
fn time(ram: &mut Ram, address: u64, now: u64, unit: u64) -> i64 {
    const SECOND: u64 = 1_000_000_000;
    let done = ram.set_word(address, now / SECOND)
        && ram.set_word(address.wrapping_add(8), now % SECOND / unit);
    stored(done, 0)
}

/// `struct utsname`.
fn names() -> Vec<u8> {
    const FIELD_BYTES: usize = 65;
    let fields: [&[u8]; 6] = [b"Linux", b"weft", b"6.1.0", b"#1", b"riscv64", b""];
    let mut all = Vec::new();
    for field in fields {
        let begin = all.len();
        all.extend_from_slice(field);
        all.resize(begin + FIELD_BYTES, 0);
    }
    all
}
