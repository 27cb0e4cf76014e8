//! RISC-V ELF files for `weft exec`: small ones that are right, to be mutated, and ones whose code
//! is random.

use weft_chip::exec_elf::{self, Console, Engine, Options};
use weft_isa::Opcode;
use weft_ptx::fuzz::Random;

/// Where the segment is loaded: `auipc` reaches all of it.
const BASE: u64 = 0x8000_0000;
/// Bytes of the segment after its code, for loads and stores.
const DATA_BYTES: u64 = 4096;
/// Instructions after which a run is given up.
const INSTRUCTIONS_MAX: u64 = 20_000;
/// Instructions of random code.
const CODE_LENGTH: usize = 64;

/// An executable file of one segment with this code, which is entered at its begin.
pub(crate) fn elf(code: &[u32]) -> Vec<u8> {
    const HEADER_BYTES: u64 = 64 + 56;
    let body: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let length = body.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    file.resize(16, 0);
    // ET_EXEC, EM_RISCV.
    file.extend([2, 0, 243, 0, 1, 0, 0, 0]);
    for value in [BASE, 64, 0] {
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    for value in [64u16, 56, 1, 0, 0, 0] {
        file.extend(value.to_le_bytes());
    }
    // PT_LOAD, readable, writable and executable.
    file.extend([1, 0, 0, 0, 7, 0, 0, 0]);
    for value in [HEADER_BYTES, BASE, BASE, length, length + DATA_BYTES, 4096] {
        file.extend(value.to_le_bytes());
    }
    file.extend(body);
    file
}

/// Code that counts down, stores, and ends with the system call `exit`.
pub(crate) fn program() -> Vec<u8> {
    elf(&[
        0x0640_0293, // li t0, 100
        0x0000_0317, // auipc t1, 0
        0x4053_3023, // sd t0, 0x400(t1)
        0xfff2_8293, // addi t0, t0, -1
        0xfe02_9ae3, // bnez t0, -12
        0x0000_0513, // li a0, 0
        0x05d0_0893, // li a7, 93
        0x0000_0073, // ecall
    ])
}

/// Random instructions of the table, with a word of anything now and then.
pub(crate) fn random_code(random: &mut Random) -> Vec<u32> {
    let words = (0..CODE_LENGTH).map(|_| {
        let [low, high] = [random.bits(), random.bits()].map(u64::to_le_bytes);
        let word = u32::from_le_bytes([low[0], low[1], high[0], high[1]]);
        if random.below(16) == 0 {
            return word;
        }
        let row = Opcode::ALL[random.below(Opcode::ALL.len())].row();
        row.match_bits | word & !row.mask
    });
    words.collect()
}

/// Runs a file in blocks and one instruction at a time.
///
/// # Errors
///
/// If both end and differ in their outcome, their error or their output. What is given up ends at
/// the next end of a block.
pub(crate) fn check(file: &[u8]) -> Result<(), String> {
    let [blocks, steps] = [Engine::best(), Engine::Step].map(|engine| run(file, engine));
    let (Some(blocks), Some(steps)) = (blocks, steps) else {
        return Ok(());
    };
    if blocks == steps {
        return Ok(());
    }
    Err(format!(
        "in blocks {blocks:?}, one by one {steps:?}, code {:x?}",
        file.get(120..).unwrap_or_default()
    ))
}

/// Result and output; none if the run was given up.
fn run(file: &[u8], engine: Engine) -> Option<(Result<u64, String>, Vec<u8>)> {
    let options = Options {
        heap_bytes: 1 << 20,
        instructions_max: INSTRUCTIONS_MAX,
        engine,
        ..Options::default()
    };
    let mut output = Vec::new();
    let mut console = Console {
        input: &mut std::io::empty(),
        output: &mut output,
        errors: &mut std::io::sink(),
        notes: &mut |_| {},
    };
    let result = match exec_elf::run(file, &options, &mut console) {
        Ok(outcome) => Ok(outcome.exit_code),
        Err(exec_elf::Error::Limit { .. }) => return None,
        Err(error) => Err(error.to_string()),
    };
    Some((result, output))
}
