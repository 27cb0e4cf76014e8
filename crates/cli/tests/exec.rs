//! `weft exec` as a user sees it, on executables assembled here by hand.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::process::{Command, Output};

/// Where the only segment of a test program lies.
const BASE: u64 = 0x1_0000;

/// A static RISC-V executable with these instructions, then this text.
fn elf(code: &[u32], text: &[u8]) -> Vec<u8> {
    const HEADERS_BYTES: u64 = 64 + 56;
    let mut contents: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    contents.extend(text);
    let size = HEADERS_BYTES + contents.len() as u64;

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2_u16.to_le_bytes()); // ET_EXEC
    file.extend(243_u16.to_le_bytes()); // EM_RISCV
    file.extend(1_u32.to_le_bytes());
    file.extend((BASE + HEADERS_BYTES).to_le_bytes());
    file.extend(64_u64.to_le_bytes());
    file.extend([0; 8 + 4]);
    for half in [64_u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes()); // PT_LOAD
    file.extend(7_u32.to_le_bytes());
    for value in [0, BASE, BASE, size, size, 0x1000] {
        file.extend(value.to_le_bytes());
    }
    file.extend(contents);
    file
}

/// `addi rd, x0, imm`.
const fn li(rd: u32, imm: u32) -> u32 {
    imm << 20 | rd << 7 | 0x13
}

const A0: u32 = 10;
const A1: u32 = 11;
const A2: u32 = 12;
const A7: u32 = 17;
const ECALL: u32 = 0x73;
const EXIT: u32 = 93;
const WRITE: u32 = 64;

fn exec(file: &[u8], options: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("program.elf");
    fs::write(&path, file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command.arg("exec").args(options).arg(path);
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_exit_status_is_the_programs() {
    for status in [0, 7] {
        let file = elf(&[li(A0, status), li(A7, EXIT), ECALL], b"");
        let output = exec(&file, &[]);
        assert_eq!(
            output.status.code(),
            i32::try_from(status).ok(),
            "{}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn what_the_program_writes_is_on_stdout() {
    // auipc a1, 0: the text begins 8 instructions further on.
    let code = [
        A1 << 7 | 0x17,
        (8 * 4) << 20 | A1 << 15 | A1 << 7 | 0x13,
        li(A0, 1),
        li(A2, 6),
        li(A7, WRITE),
        ECALL,
        li(A7, EXIT),
        ECALL,
    ];
    let output = exec(&elf(&code, b"hello\n"), &["--count"]);
    assert_eq!(output.stdout, b"hello\n", "{}", stderr(&output));
    // `write` returned 6, which is still in a0.
    assert_eq!(output.status.code(), Some(6));
    assert!(
        stderr(&output).starts_with("8 instructions\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_fault_is_told_with_its_place() {
    let output = exec(&elf(&[0], b""), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.starts_with("error: failed to execute "), "{text}");
    assert!(text.contains("(pc 0x10078"), "{text}");
}

#[test]
fn a_program_without_end_can_be_limited() {
    // jal x0, 0
    let output = exec(&elf(&[0x6f], b""), &["--limit", "1000"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no end after 1000 instructions"));
}

#[test]
fn what_is_no_riscv_executable_is_refused() {
    for file in [&b""[..], b"#!/bin/sh\n", b"\x7fELF"] {
        let output = exec(file, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("ELF"), "{}", stderr(&output));
    }
    let host = fs::read(env!("CARGO_BIN_EXE_weft")).unwrap();
    assert!(stderr(&exec(&host, &[])).contains("unsupported ELF file"));
}
