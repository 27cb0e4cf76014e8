//! `docs/xweft.md` against the table and against LLVM's `.insn`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod llvm_mc;

use std::collections::BTreeSet;

use weft_isa::{Inst, MatrixForm, Opcode, V, csr, decode};

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
            .find(|opcode| match mnemonic.strip_prefix(opcode.mnemonic()) {
                Some(suffix) if *opcode == Opcode::XwMma => suffix.starts_with('.'),
                suffix => suffix == Some(""),
            })
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

/// The rows of the table of forms of `xw.mma`: assembly, registers of D, A and B, `.insn`.
fn forms() -> Vec<[&'static str; 3]> {
    rows("`xw.mma")
        .filter_map(|cells| <[_; 3]>::try_from(cells).ok())
        .collect()
}

#[test]
fn matrix_forms_are_those_of_the_table() {
    let documented: Vec<(String, &str)> = forms()
        .into_iter()
        .map(|[assembly, registers, _]| (assembly.to_owned(), registers))
        .collect();
    let ours: Vec<(String, String)> = MatrixForm::all()
        .map(|form| {
            let inst = Inst::XwMma {
                form,
                vd: V::new(8),
                vs2: V::new(16),
                vs1: V::new(24),
            };
            let (d, a, b) = (form.d_registers(), form.a_registers(), form.b_registers());
            (inst.to_string(), format!("{d}, {a}, {b}"))
        })
        .collect();
    assert_eq!(documented.len(), ours.len());
    for (documented, ours) in documented.iter().zip(&ours) {
        assert_eq!((&*documented.0, documented.1), (&*ours.0, &*ours.1));
    }
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
    let entries: Vec<(&str, &str)> = entries()
        .iter()
        .map(|entry| (entry.assembly, entry.insn))
        .chain(
            forms()
                .into_iter()
                .map(|[assembly, _, insn]| (assembly, insn)),
        )
        .collect();
    let input: String = entries
        .iter()
        .map(|(_, insn)| (*insn).to_owned() + "\n")
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
    for ((assembly, insn), word) in entries.into_iter().zip(words) {
        let inst = decode(word).unwrap_or_else(|| panic!("{insn}: {word:08x} is reserved"));
        assert_eq!(inst.to_string(), assembly, "{insn}");
    }
}
