//! The table against LLVM: what `llvm-mc-22` disassembles and assembles for each row.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod llvm_mc;
mod sample;

use std::collections::BTreeSet;

use llvm_mc::{llvm_is_present, run};
use sample::{Random, random_word};
use weft_isa::{Inst, Opcode, X, csr, decode, decode_compressed};

/// Words tried for each row.
const SAMPLES: usize = 64;

/// Line numbers of the input that a disassembler run rejected, and the instructions it printed
/// for the others, with single spaces.
fn answers(output: &str, errors: &str) -> (BTreeSet<usize>, Vec<String>) {
    let rejected = errors
        .lines()
        .filter_map(|line| {
            line.strip_prefix("<stdin>:")?
                .split(':')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    let instructions = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('.'))
        .map(|line| line.replace('\t', " "))
        .collect();
    (rejected, instructions)
}

/// Instructions that LLVM does not know: our own, and those of the draft Zvt that its
/// forerunner XSfmm has not (`examples_of_zvt_are_encoded` in `table.rs` has words of these).
fn is_unknown_to_llvm(opcode: Opcode) -> bool {
    let mnemonic = opcode.mnemonic();
    mnemonic.starts_with("xw.") || mnemonic.starts_with("mset") || mnemonic == "vtfmm.alt.tvv"
}

/// What LLVM 22 calls the same thing.
fn as_llvm_writes(text: &str) -> String {
    match text {
        "pause" => "fence w, 0".to_owned(),
        "vtdiscard" => "sf.vtdiscard".to_owned(),
        _ => match text.split_once(' ') {
            Some((mnemonic, operands)) => format!("{} {operands}", llvm_mnemonic(mnemonic)),
            None => text.to_owned(),
        },
    }
}

/// Zvt is bit for bit SiFive's XSfmm where both have an instruction, under other names.
fn llvm_mnemonic(mnemonic: &str) -> String {
    match mnemonic {
        "vtmmu.tvv" => "sf.mm.u.u".to_owned(),
        "vtmms.tvv" => "sf.mm.u.s".to_owned(),
        "vtfmm.tvv" => "sf.mm.f.f".to_owned(),
        "vtzero" => "sf.vtzero.t".to_owned(),
        _ if mnemonic.starts_with("vtmv.") => format!("sf.{mnemonic}"),
        _ if mnemonic.starts_with("vtle") => mnemonic.replace("vtle", "sf.vlte"),
        _ if mnemonic.starts_with("vtse") => mnemonic.replace("vtse", "sf.vste"),
        _ => mnemonic.replace("vdot4a", "vqdot"),
    }
}

/// Instructions of each row that LLVM knows, without repetition.
fn samples() -> Vec<Inst> {
    let mut random = Random::new(0x5eed_0010);
    let mut words = BTreeSet::new();
    let mut insts = Vec::new();
    for opcode in Opcode::ALL
        .into_iter()
        .filter(|&opcode| !is_unknown_to_llvm(opcode))
    {
        // Reserved operands, and the rows that have few words, are why there are more tries.
        let candidates = (0..64 * SAMPLES).filter_map(|_| decode(random_word(opcode, &mut random)));
        insts.extend(
            candidates
                .filter(|&inst| has_shared_csr_name(inst) && words.insert(inst.encode()))
                .take(SAMPLES),
        );
    }
    insts
}

/// False for CSRs that have a name only here or only in LLVM; `csr_names_are_llvms` is about
/// names.
fn has_shared_csr_name(inst: Inst) -> bool {
    use Inst::{Csrrc, Csrrci, Csrrs, Csrrsi, Csrrw, Csrrwi};
    match inst {
        Csrrw { csr, .. } | Csrrs { csr, .. } | Csrrc { csr, .. } => is_standard(csr),
        Csrrwi { csr, .. } | Csrrsi { csr, .. } | Csrrci { csr, .. } => is_standard(csr),
        _ => true,
    }
}

fn is_standard(address: u16) -> bool {
    csr::name(address).is_some_and(|name| !name.starts_with("xw.") && address != csr::MTYPE)
}

fn bytes_of(word: u32) -> String {
    word.to_le_bytes()
        .map(|byte| format!("{byte:#04x}"))
        .join(" ")
}

#[test]
fn disassembly_is_llvms() {
    if !llvm_is_present("disassembly_is_llvms") {
        return;
    }
    let insts = samples();
    let input: String = insts
        .iter()
        .map(|inst| bytes_of(inst.encode()) + "\n")
        .collect();
    let (output, errors) = run(&["-disassemble", "-M", "no-aliases"], &input);
    let (rejected, lines) = answers(&output, &errors);
    let mut lines = lines.into_iter();
    let mut failures = Vec::new();
    for (i, inst) in insts.iter().enumerate() {
        let ours = as_llvm_writes(&inst.to_string());
        if rejected.contains(&(i + 1)) {
            failures.push(format!(
                "{:08x}: we say `{ours}`, LLVM rejects it",
                inst.encode()
            ));
            continue;
        }
        let theirs = lines.next().expect("a line for each accepted word");
        if ours != theirs {
            failures.push(format!(
                "{:08x}: we say `{ours}`, LLVM `{theirs}`",
                inst.encode()
            ));
        }
    }
    assert_eq!(lines.next(), None, "LLVM printed more than it was asked");
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        insts.len(),
        failures.join("\n")
    );
}

#[test]
fn assembly_is_llvms() {
    if !llvm_is_present("assembly_is_llvms") {
        return;
    }
    let insts = samples();
    let input: String = insts
        .iter()
        .map(|inst| as_llvm_writes(&inst.to_string()) + "\n")
        .collect();
    let (output, errors) = run(&["-show-encoding", "-M", "no-aliases"], &input);
    // LLVM refuses to assemble what V reserves for some `vtype`: a destination that overlaps a
    // source of another width, or the mask. It must not refuse anything else.
    let mut rejected = BTreeSet::new();
    let mut failures = Vec::new();
    for line in errors
        .lines()
        .filter_map(|line| line.strip_prefix("<stdin>:"))
    {
        let mut parts = line.splitn(3, ':');
        let number: usize = parts.next().unwrap().parse().unwrap();
        let message = parts.nth(1).unwrap();
        if message.starts_with(" warning:") {
            continue;
        }
        rejected.insert(number);
        let overlap = "the destination vector register group cannot ";
        if !message.contains(overlap) {
            failures.push(format!("`{}`: {message}", insts[number - 1]));
        }
    }
    let mut lines = output
        .lines()
        .filter_map(|line| line.split_once("encoding: ["));
    let mut rows = BTreeSet::new();
    for (i, inst) in insts.iter().enumerate() {
        if rejected.contains(&(i + 1)) {
            continue;
        }
        rows.insert(inst.opcode());
        let (_, theirs) = lines.next().expect("an encoding for each accepted line");
        let ours = inst
            .encode()
            .to_le_bytes()
            .map(|byte| format!("{byte:#04x}"))
            .join(",");
        if theirs.trim_end_matches(']') != ours {
            failures.push(format!("`{inst}`: we encode {ours}, LLVM {theirs}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        insts.len(),
        failures.join("\n")
    );
    let known = Opcode::ALL
        .into_iter()
        .filter(|&opcode| !is_unknown_to_llvm(opcode))
        .count();
    assert_eq!(rows.len(), known, "rows of which LLVM assembled something");
}

#[test]
fn csr_names_are_llvms() {
    if !llvm_is_present("csr_names_are_llvms") {
        return;
    }
    let addresses: Vec<u16> = (0..4096).filter(|&csr| is_standard(csr)).collect();
    let insts = addresses.iter().map(|&csr| Inst::Csrrs {
        rd: X::A0,
        csr,
        rs1: X::ZERO,
    });
    let input: String = insts.map(|inst| bytes_of(inst.encode()) + "\n").collect();
    let (output, _) = run(&["-disassemble", "-M", "no-aliases"], &input);
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| line.contains("csrrs"))
        .collect();
    assert_eq!(lines.len(), addresses.len());
    for (&csr, line) in addresses.iter().zip(lines) {
        let theirs = line.split(", ").nth(1).unwrap();
        assert_eq!(csr::name(csr), Some(theirs));
        assert_eq!(csr::address(theirs), Some(csr));
    }
}

/// What the C chapter's instruction listings say this instruction expands to. `None` for the one
/// that is defined to be illegal.
fn expansion(text: &str) -> Option<String> {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let (first, rest) = operands.split_once(", ").unwrap_or((operands, ""));
    let base = mnemonic
        .strip_prefix("c.")
        .expect("a compressed instruction");
    Some(match base {
        "lw" | "ld" | "fld" | "sw" | "sd" | "fsd" | "lui" => format!("{base} {operands}"),
        "lwsp" | "ldsp" | "fldsp" | "swsp" | "sdsp" | "fsdsp" => {
            format!("{} {operands}", base.trim_end_matches("sp"))
        }
        "addi4spn" => format!("addi {operands}"),
        "addi16sp" => format!("addi sp, {operands}"),
        "nop" if operands.is_empty() => "addi zero, zero, 0".to_owned(),
        "nop" => format!("addi zero, zero, {operands}"),
        "li" => format!("addi {first}, zero, {rest}"),
        "mv" => format!("add {first}, zero, {rest}"),
        "addi" | "addiw" | "slli" | "srli" | "srai" | "andi" | "add" | "addw" | "sub" | "subw"
        | "xor" | "or" | "and" => format!("{base} {first}, {first}, {rest}"),
        "slli64" | "srli64" | "srai64" => {
            format!("{} {first}, {first}, 0", base.trim_end_matches("64"))
        }
        "j" => format!("jal zero, {operands}"),
        "jr" => format!("jalr zero, 0({operands})"),
        "jalr" => format!("jalr ra, 0({operands})"),
        "beqz" => format!("beq {first}, zero, {rest}"),
        "bnez" => format!("bne {first}, zero, {rest}"),
        "ebreak" => base.to_owned(),
        "unimp" => return None,
        _ => panic!("`{text}` is not in RV64C"),
    })
}

#[test]
fn compressed_expansion_is_llvms() {
    if !llvm_is_present("compressed_expansion_is_llvms") {
        return;
    }
    let halves: Vec<u16> = (0..=u16::MAX).filter(|half| half & 3 != 3).collect();
    let input: String = halves
        .iter()
        .map(|half| {
            half.to_le_bytes()
                .map(|byte| format!("{byte:#04x}"))
                .join(" ")
                + "\n"
        })
        .collect();
    let (output, errors) = run(&["-disassemble", "-M", "no-aliases", "-mattr=+c"], &input);
    let (rejected, lines) = answers(&output, &errors);
    let mut lines = lines.into_iter();
    let mut failures = Vec::new();
    for (i, &half) in halves.iter().enumerate() {
        let ours = decode_compressed(half).map(|inst| inst.to_string());
        let theirs = if rejected.contains(&(i + 1)) {
            None
        } else {
            expansion(&lines.next().expect("a line for each accepted half"))
        };
        if ours != theirs {
            failures.push(format!("{half:04x}: we say {ours:?}, LLVM {theirs:?}"));
        }
    }
    assert_eq!(lines.next(), None, "LLVM printed more than it was asked");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
