//! `docs/xweft.md` against the table and against LLVM's `.insn`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod llvm_mc;

use std::collections::BTreeSet;

use weft_isa::{Opcode, csr, decode};

const MANUAL: &str = include_str!("../../../docs/xweft.md");

/// One row of the tables of section 1.
struct Entry {
    assembly: &'static str,
    match_bits: u32,
    mask: u32,
    insn: &'static str,
}

impl Entry {
    fn opcode(&self) -> Opcode {
        let mnemonic = self.assembly.split(' ').next().unwrap();
        Opcode::ALL
            .into_iter()
            .find(|opcode| opcode.mnemonic() == mnemonic)
            .unwrap_or_else(|| panic!("`{mnemonic}` is not in the table"))
    }
}

/// The cells of the rows of every Markdown table whose first cell starts with `prefix`.
fn rows(prefix: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let prefix = format!("| {prefix}");
    MANUAL
        .lines()
        .filter(move |line| line.starts_with(&prefix))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`'))
                .collect()
        })
}

fn number(text: &str) -> u32 {
    u32::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
}

fn entries() -> Vec<Entry> {
    rows("`xw.")
        .filter_map(|cells| match cells[..] {
            [assembly, match_bits, mask, insn] if insn.starts_with(".insn") => Some(Entry {
                assembly,
                match_bits: number(match_bits),
                mask: number(mask),
                insn,
            }),
            _ => None,
        })
        .collect()
}

#[test]
fn encodings_are_those_of_the_table() {
    let mut documented = BTreeSet::new();
    for entry in entries() {
        let row = entry.opcode().row();
        assert_eq!(
            entry.match_bits, row.match_bits,
            "match of {}",
            row.mnemonic
        );
        assert_eq!(entry.mask, row.mask, "mask of {}", row.mnemonic);
        assert!(
            documented.insert(row.opcode),
            "{} has two entries",
            row.mnemonic
        );
    }
    let ours = Opcode::ALL
        .into_iter()
        .filter(|opcode| opcode.mnemonic().starts_with("xw."));
    assert_eq!(documented, ours.collect());
}

#[test]
fn special_registers_are_those_of_the_abi() {
    let mut documented = BTreeSet::new();
    for cells in rows("0x") {
        let address = u16::try_from(number(cells[0])).unwrap();
        assert_eq!(csr::name(address), Some(cells[1]));
        documented.insert(address);
    }
    let ours = (0..4096).filter(|&csr| csr::name(csr).is_some_and(|name| name.starts_with("xw.")));
    assert_eq!(documented, ours.collect());
}

#[test]
fn insn_forms_assemble_to_the_instruction() {
    if !llvm_mc::llvm_is_present("insn_forms_assemble_to_the_instruction") {
        return;
    }
    let entries = entries();
    let input: String = entries
        .iter()
        .map(|entry| entry.insn.to_owned() + "\n")
        .collect();
    let (output, errors) = llvm_mc::run(&["-show-encoding"], &input);
    assert_eq!(errors, "");
    let words: Vec<u32> = output
        .lines()
        .filter_map(|line| line.split_once("encoding: [")?.1.strip_suffix(']'))
        .map(|bytes| {
            bytes
                .split(',')
                .rev()
                .fold(0, |word, byte| word << 8 | number(byte))
        })
        .collect();
    assert_eq!(words.len(), entries.len());
    for (entry, word) in entries.iter().zip(words) {
        let inst = decode(word).unwrap_or_else(|| panic!("{}: {word:08x} is reserved", entry.insn));
        assert_eq!(inst.to_string(), entry.assembly, "{}", entry.insn);
    }
}
