//! The stack that a Linux program begins with: arguments, environment, auxiliary vector.

use super::Error;
use super::image::{Image, STACK_BYTES};

/// Types of auxiliary vector entries (`linux/auxvec.h`).
mod auxiliary {
    pub(super) const NULL: u64 = 0;
    pub(super) const PHDR: u64 = 3;
    pub(super) const PHENT: u64 = 4;
    pub(super) const PHNUM: u64 = 5;
    pub(super) const PAGESZ: u64 = 6;
    pub(super) const ENTRY: u64 = 9;
    pub(super) const UID: u64 = 11;
    pub(super) const EUID: u64 = 12;
    pub(super) const GID: u64 = 13;
    pub(super) const EGID: u64 = 14;
    pub(super) const HWCAP: u64 = 16;
    pub(super) const CLKTCK: u64 = 17;
    pub(super) const SECURE: u64 = 23;
    pub(super) const RANDOM: u64 = 25;
    pub(super) const EXECFN: u64 = 31;
}

/// Letters A, C, D, F, I, M and V of the ISA string, one bit each.
const HARDWARE: u64 = 0x20_112d;
/// User and group: not the superuser.
const IDENTITY: u64 = 1000;
/// What a program gets as random bytes: the same in every run.
const RANDOM_BYTES: [u8; 16] = *b"\x57\x65\x66\x74\x9e\x37\x79\xb9\x7f\x4a\x7c\x15\xf3\x9c\xc0\x60";

/// Builds the stack at the end of memory; gives the stack pointer.
pub(super) fn build(image: &mut Image, arguments: &[String]) -> Result<u64, Error> {
    let size: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
    if size as u64 > STACK_BYTES / 4 || arguments.len() as u64 > STACK_BYTES / 64 {
        return Err(Error::Arguments(size));
    }
    let mut at = image.ram.end() - 16;
    let mut put = |bytes: &[u8]| {
        at -= bytes.len() as u64;
        // Memory has the whole stack, and the strings take a quarter of it at most.
        let written = image.ram.write(at, bytes);
        debug_assert!(written);
        at
    };
    let mut pointers = Vec::new();
    for argument in arguments {
        put(&[0]);
        pointers.push(put(argument.as_bytes()));
    }
    let random = put(&RANDOM_BYTES);
    let strings = at;
    let name = pointers.first().copied().unwrap_or(random);

    let mut words = vec![pointers.len() as u64];
    words.extend(&pointers);
    words.push(0);
    // No environment.
    words.push(0);
    if let Some((address, bytes, count)) = image.headers {
        words.extend([
            auxiliary::PHDR,
            address,
            auxiliary::PHENT,
            bytes,
            auxiliary::PHNUM,
            count,
        ]);
    }
    words.extend([
        auxiliary::PAGESZ,
        4096,
        auxiliary::ENTRY,
        image.entry,
        auxiliary::UID,
        IDENTITY,
        auxiliary::EUID,
        IDENTITY,
        auxiliary::GID,
        IDENTITY,
        auxiliary::EGID,
        IDENTITY,
        auxiliary::HWCAP,
        HARDWARE,
        auxiliary::CLKTCK,
        100,
        auxiliary::SECURE,
        0,
        auxiliary::RANDOM,
        random,
        auxiliary::EXECFN,
        name,
        auxiliary::NULL,
        0,
    ]);
    let pointer = (strings - words.len() as u64 * 8) & !15;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let written = image.ram.write(pointer, &bytes);
    debug_assert!(written);
    Ok(pointer)
}
