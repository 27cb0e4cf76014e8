//! Semihosting: requests to the host by `ebreak` between two marker instructions.
//!
//! The operation is in `a0`, its parameter in `a1` (the address of a block of words for most),
//! the result in `a0`. Console, clock, command line and exit are served; files are not.
//! Source: RISC-V Semihosting 1.0, and the operations of Arm's "Semihosting for AArch32 and
//! AArch64".

use weft_isa::X;

use super::{Console, Error, Guest};

/// `slli x0, x0, 0x1f; ebreak; srai x0, x0, 7`, none of them compressed.
pub(super) const SEQUENCE: [u32; 3] = [0x01f0_1013, 0x0010_0073, 0x4070_5013];

const OPEN: u64 = 0x01;
const CLOSE: u64 = 0x02;
const WRITE_BYTE: u64 = 0x03;
const WRITE_STRING: u64 = 0x04;
const WRITE: u64 = 0x05;
const READ: u64 = 0x06;
const READ_BYTE: u64 = 0x07;
const IS_TERMINAL: u64 = 0x09;
const LENGTH: u64 = 0x0c;
const CLOCK: u64 = 0x10;
const TIME: u64 = 0x11;
const ERROR_NUMBER: u64 = 0x13;
const COMMAND_LINE: u64 = 0x15;
const HEAP_INFO: u64 = 0x16;
const EXIT: u64 = 0x18;
const EXIT_EXTENDED: u64 = 0x20;

/// Reason of an exit that is a normal end.
const APPLICATION_EXIT: u64 = 0x2_0026;
const FAILED: u64 = u64::MAX;
/// Longest text read from memory.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Handles of the console: its name opened for reading, writing and appending.
const HANDLES: std::ops::RangeInclusive<u64> = 1..=3;

/// Serves the request of the `ebreak` at `pc`; the exit code if it was the end.
pub(super) fn serve(
    guest: &mut Guest,
    console: &mut Console<'_>,
    pc: u64,
) -> Result<Option<u64>, Error> {
    let operation = guest.hart.x(X::A0.number());
    let parameter = guest.hart.x(X::A1.number());
    let word = |index: u64| guest.ram.word(parameter.wrapping_add(index * 8));
    let words = (
        word(0).unwrap_or(0),
        word(1).unwrap_or(0),
        word(2).unwrap_or(0),
    );
    let result = match operation {
        OPEN => match guest.ram.string(words.0, 8).as_deref() {
            // Modes: 0 to 3 read, 4 to 7 write, 8 to 11 append.
            Some(b":tt") => 1 + words.1.min(11) / 4,
            _ => FAILED,
        },
        CLOSE | ERROR_NUMBER => 0,
        WRITE_BYTE => {
            let mut byte = [0];
            if guest.ram.read(parameter, &mut byte) {
                console.output.write_all(&byte)?;
            }
            0
        }
        WRITE_STRING => {
            let text = guest.ram.string(parameter, TEXT_BYTES_MAX);
            console.output.write_all(&text.unwrap_or_default())?;
            0
        }
        // The result is the number of bytes not transferred.
        WRITE if HANDLES.contains(&words.0) => match guest.ram.bytes(words.1, words.2) {
            Some(bytes) if words.0 == *HANDLES.end() => {
                console.errors.write_all(&bytes)?;
                0
            }
            Some(bytes) => {
                console.output.write_all(&bytes)?;
                0
            }
            None => words.2,
        },
        WRITE => words.2,
        READ if words.0 == *HANDLES.start() => {
            let mut buffer = guest.ram.bytes(words.1, words.2).unwrap_or_default();
            let count = console.input.read(&mut buffer)?;
            let written = guest.ram.write(words.1, &buffer[..count]);
            words.2 - if written { count as u64 } else { 0 }
        }
        READ => words.2,
        READ_BYTE => {
            let mut byte = [0];
            match console.input.read(&mut byte)? {
                0 => FAILED,
                _ => u64::from(byte[0]),
            }
        }
        IS_TERMINAL => u64::from(HANDLES.contains(&words.0)),
        LENGTH => FAILED,
        // Hundredths of a second, at a nanosecond for each instruction.
        CLOCK => guest.hart.retired / 10_000_000,
        TIME => guest.hart.retired / 1_000_000_000,
        COMMAND_LINE => {
            let text = b"program\0";
            let fits = words.1 >= text.len() as u64
                && guest.ram.write(words.0, text)
                && guest.ram.set_word(parameter.wrapping_add(8), 7);
            if fits { 0 } else { FAILED }
        }
        HEAP_INFO => {
            // Zeros: the program knows better, from its linker script.
            for index in 0..4 {
                let at = words.0.wrapping_add(index * 8);
                if !guest.ram.set_word(at, 0) {
                    break;
                }
            }
            0
        }
        EXIT => return Ok(Some(u64::from(parameter != APPLICATION_EXIT))),
        EXIT_EXTENDED => {
            let code = if words.0 == APPLICATION_EXIT {
                words.1
            } else {
                1
            };
            return Ok(Some(code));
        }
        _ => {
            return Err(Error::HostRequest {
                interface: "semihosting",
                request: operation,
                location: guest.location(pc),
            });
        }
    };
    guest.hart.set_x(X::A0.number(), result);
    Ok(None)
}
