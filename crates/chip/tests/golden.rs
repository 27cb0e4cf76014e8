//! Random programs whose final state Spike has told: `golden/README.md` says how they were made.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use weft_chip::Engine;
use weft_chip::exec_elf::{Console, Guest, Options};

/// Heap of the chip with which it has as much memory as Spike had.
const HEAP_BYTES: u64 = 1 << 20;
/// More than any of the programs executes.
const INSTRUCTIONS_MAX: u64 = 10_000_000;

/// The words of the signature that a program leaves.
fn signature(file: &[u8], engine: Engine) -> Vec<u64> {
    let options = Options {
        heap_bytes: HEAP_BYTES,
        instructions_max: INSTRUCTIONS_MAX,
        engine,
        ..Options::default()
    };
    let mut guest = Guest::load(file, &options).unwrap();
    let mut console = Console {
        input: &mut std::io::empty(),
        output: &mut std::io::sink(),
        errors: &mut std::io::sink(),
        notes: &mut |_| {},
    };
    assert_eq!(guest.run(&mut console).unwrap().exit_code, 0);
    guest.signature().unwrap()
}

#[test]
fn programs_leave_the_state_that_they_leave_on_spike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut programs: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "elf"))
        .collect();
    programs.sort();
    assert!(programs.len() >= 6, "{programs:?}");
    for program in programs {
        let file = fs::read(&program).unwrap();
        let text = fs::read_to_string(program.with_extension("signature")).unwrap();
        let expected: Vec<u64> = text
            .lines()
            .map(|line| u64::from_str_radix(line, 16).unwrap())
            .collect();
        for engine in Engine::available() {
            let found = signature(&file, engine);
            let differs = expected.iter().zip(&found).position(|(a, b)| a != b);
            let name = program.display();
            assert_eq!(differs, None, "first word that differs, {name}, {engine}");
            assert_eq!(found.len(), expected.len(), "{name}, {engine}");
        }
    }
}
