//! The host-target interface: two words of memory, `tohost` and `fromhost`.
//!
//! A command in `tohost` has a device in its top byte, an operation in the next and a payload
//! in the low 48 bits. Device 0 takes an exit code (odd payloads: `code << 1 | 1`) or the
//! address of a system call: its number and arguments in eight words, of which the first
//! receives the result. Device 1 is the console: operation 0 reads a byte, 1 writes one. An
//! answer goes to `fromhost`. Source: riscv-software-src/riscv-isa-sim, fesvr.
//!
//! The words are not part of the memory that the hart reaches by itself, so that a command is
//! seen when it is given.

use super::image::Image;
use super::linux::Served;
use super::{Console, Error, Guest};

const WORD_BYTES: u64 = 8;
const PAYLOAD: u64 = (1 << 48) - 1;

/// Where the two words are.
pub(super) struct Htif {
    tohost: Option<u64>,
    fromhost: Option<u64>,
}

impl Htif {
    /// The words of a file, if its symbols name aligned words in memory.
    pub(super) fn find(image: &Image) -> Self {
        let word = |name: &str| {
            let address = image.symbols.address(name)?;
            let usable = address % WORD_BYTES == 0 && image.ram.word(address).is_some();
            usable.then_some(address)
        };
        Self {
            tohost: word("tohost"),
            fromhost: word("fromhost"),
        }
    }

    /// Whether the file has `tohost`.
    pub(super) fn exists(&self) -> bool {
        self.tohost.is_some()
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        [self.tohost, self.fromhost].into_iter().flatten()
    }

    /// The ranges (first byte, size) from `begin` to `end` without the words, in order.
    pub(super) fn without_words(&self, mut begin: u64, end: u64) -> Vec<(u64, u64)> {
        let mut words: Vec<u64> = self.words().collect();
        words.sort_unstable();
        let mut ranges = Vec::new();
        for word in words {
            let (low, high) = (word.max(begin), (word + WORD_BYTES).min(end));
            if low < high {
                ranges.push((begin, low - begin));
                begin = high;
            }
        }
        ranges.push((begin, end - begin));
        ranges.retain(|range| range.1 != 0);
        ranges
    }

    /// Whether an access reaches one of the words.
    pub(super) fn touches(&self, address: u64, bytes: u64) -> bool {
        let end = address.saturating_add(bytes);
        self.words()
            .any(|word| address < word + WORD_BYTES && end > word)
    }

    /// Does what `tohost` says; the exit code if it was the end.
    pub(super) fn poll(
        &mut self,
        guest: &mut Guest,
        console: &mut Console<'_>,
        pc: u64,
    ) -> Result<Option<u64>, Error> {
        let Some(tohost) = self.tohost else {
            return Ok(None);
        };
        let Some(command) = guest.ram.word(tohost).filter(|&command| command != 0) else {
            return Ok(None);
        };
        let unsupported = |guest: &Guest| Error::HostRequest {
            interface: "tohost",
            request: command,
            location: guest.location(pc),
        };
        let payload = command & PAYLOAD;
        let answer = match command >> 48 {
            0 if payload & 1 == 1 => return Ok(Some(payload >> 1)),
            0 => {
                let words: Option<Vec<u64>> = (0..8)
                    .map(|index| guest.ram.word(payload.wrapping_add(index * WORD_BYTES)))
                    .collect();
                let Some(words) = words else {
                    return Err(unsupported(guest));
                };
                let mut arguments = [0; 6];
                arguments.copy_from_slice(&words[1..7]);
                match guest.system_call(console, words[0], arguments)? {
                    Served::Result(value) => {
                        if !guest.ram.set_word(payload, value) {
                            return Err(unsupported(guest));
                        }
                    }
                    Served::Exit(code) => return Ok(Some(code)),
                    Served::Signal(signal) => {
                        let location = guest.location(pc);
                        return Err(Error::Signal { signal, location });
                    }
                }
                Some(1)
            }
            0x100 => {
                let mut byte = [0];
                match console.input.read(&mut byte)? {
                    // At the end of input there is never an answer.
                    0 => None,
                    _ => Some(0x100 | u64::from(byte[0])),
                }
            }
            0x101 => {
                console.output.write_all(&[payload as u8])?;
                Some(0x100)
            }
            _ => return Err(unsupported(guest)),
        };
        let mut written = guest.ram.set_word(tohost, 0);
        if let (Some(fromhost), Some(answer)) = (self.fromhost, answer) {
            written &= guest.ram.set_word(fromhost, command & !PAYLOAD | answer);
        }
        if written {
            Ok(None)
        } else {
            Err(unsupported(guest))
        }
    }
}
