//! Which instructions of the chip a suite contains: the page `docs/profile.md`.
//!
//! The code of every executable of a suite is decoded with the instruction table. That an
//! instruction occurs in a suite is not that it is tested well there, but one that occurs in none
//! is tested by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _, SectionFlags};
use weft_isa::{Opcode, decode, decode_compressed, instruction_length};

use crate::elf::executables;
use crate::torture::random_words;

/// The table, whose comments say in which extension each instruction is.
const TABLE: &str = include_str!("../../crates/isa/src/table.rs");
/// Random programs that are decoded, with seeds from 1 on.
const PROGRAMS: u64 = 100;
const GROUPS: usize = 1000;
/// Extensions that are not RISC-V's own, or drafts: tested against models in this tree.
const OWN: [&str; 2] = ["Xweft", "Zvt"];

/// A suite: its name and the folder of its executables.
#[derive(Clone, Debug)]
pub struct Suite {
    name: String,
    dir: PathBuf,
}

impl std::str::FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, dir) = text.split_once('=').ok_or("NAME=DIR is expected")?;
        Ok(Self {
            name: name.to_owned(),
            dir: dir.into(),
        })
    }
}

/// Writes the page.
///
/// # Errors
/// When a folder cannot be read or holds no executable, or the page cannot be written.
pub fn run(suites: &[Suite], page: &Path) -> Result<()> {
    let mut columns = Vec::new();
    for suite in suites {
        let files = executables(&suite.dir)?;
        ensure!(
            !files.is_empty(),
            "no executable in {}",
            suite.dir.display()
        );
        let mut found = BTreeSet::new();
        for file in &files {
            contents(file, &mut found)
                .with_context(|| format!("failed to read {}", file.display()))?;
        }
        let what = format!("{} executables", files.len());
        columns.push((suite.name.clone(), what, found));
    }
    let mut found = BTreeSet::new();
    for seed in 1..=PROGRAMS {
        for word in random_words(seed, GROUPS) {
            note(word, &mut found);
        }
    }
    let what = format!("{PROGRAMS} programs");
    columns.push(("random programs against Spike".to_owned(), what, found));
    let text = text(&extensions()?, &columns);
    fs::write(page, text).with_context(|| format!("failed to write {}", page.display()))
}

/// Opcodes by extension.
fn extensions() -> Result<BTreeMap<&'static str, Vec<Opcode>>> {
    let mut by_mnemonic = BTreeMap::new();
    let mut extension = None;
    for line in TABLE.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            let citation = doc.rsplit_once('(').map(|(_, citation)| citation);
            let name = citation.and_then(|citation| citation.split([' ', ',', ')']).next());
            extension = name.or(extension);
        } else if let Some((_, row)) = line.split_once(" = \"") {
            let mnemonic = row.split('"').next().unwrap_or_default();
            by_mnemonic.insert(mnemonic, extension.take());
        }
    }
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for opcode in Opcode::ALL.iter().copied() {
        let mnemonic = opcode.row().mnemonic;
        let Some(Some(extension)) = by_mnemonic.get(mnemonic).copied() else {
            bail!("the table does not say which extension {mnemonic} is in");
        };
        all.entry(extension).or_default().push(opcode);
    }
    Ok(all)
}

/// Adds the instructions in the code of an executable.
fn contents(file: &Path, found: &mut BTreeSet<&'static str>) -> Result<()> {
    /// `SHF_EXECINSTR`
    const EXECUTABLE: u64 = 4;
    let bytes = fs::read(file)?;
    let elf = ElfFile64::<Endianness>::parse(&*bytes)?;
    for section in elf.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        if sh_flags.0 & EXECUTABLE == 0 {
            continue;
        }
        let mut code = section.data()?;
        while let Some((low, rest)) = code.split_first_chunk::<2>() {
            let low = u16::from_le_bytes(*low);
            if instruction_length(low) == Some(2) {
                note(u32::from(low), found);
                code = rest;
            } else if let Some((high, rest)) = rest.split_first_chunk::<2>() {
                note(
                    u32::from(low) | u32::from(u16::from_le_bytes(*high)) << 16,
                    found,
                );
                code = rest;
            } else {
                break;
            }
        }
    }
    Ok(())
}

/// Adds the instruction that a word is, if it is one.
fn note(word: u32, found: &mut BTreeSet<&'static str>) {
    let half = (word & 0xffff) as u16;
    let inst = match instruction_length(half) {
        Some(2) => decode_compressed(half),
        _ => decode(word),
    };
    found.extend(inst.map(|inst| inst.opcode().row().mnemonic));
}

type Column = (String, String, BTreeSet<&'static str>);

fn text(extensions: &BTreeMap<&str, Vec<Opcode>>, columns: &[Column]) -> String {
    let mut text = String::from(
        "# The profile, and who else tests it\n\n\
         Written by `cargo xtask conformance profile`; do not edit.\n\n\
         Each row is an extension with the number of its instructions in the table of `weft-isa`, and how\n\
         many of them occur in the code of suites that others wrote, or are compared with Spike. Compressed\n\
         instructions count as what they stand for. LLVM 22 besides assembles and disassembles every row\n\
         but those of Xweft as the table does (`crates/isa/tests/llvm.rs`). Xweft is ours and Zvt a draft\n\
         that no simulator of the suites has: models in this tree judge them. Constants among the code are\n\
         decoded as if they were code, so small counts need not be instructions that are executed.\n\n",
    );
    let names = columns
        .iter()
        .map(|(name, what, _)| format!(" {name} ({what}) |"));
    let _ = writeln!(
        text,
        "| extension | instructions |{}",
        names.collect::<String>()
    );
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(columns.len()));
    let mut untested = Vec::new();
    for (extension, opcodes) in extensions {
        let mnemonics: BTreeSet<_> = opcodes.iter().map(|op| op.row().mnemonic).collect();
        let _ = write!(text, "| {extension} | {} |", mnemonics.len());
        for (_, _, found) in columns {
            let count = mnemonics.intersection(found).count();
            let _ = match count {
                0 => write!(text, " - |"),
                count if count == mnemonics.len() => write!(text, " all |"),
                count => write!(text, " {count} |"),
            };
        }
        text.push('\n');
        if !OWN.contains(extension) {
            let in_none =
                |name: &&&str| columns.iter().all(|(_, _, found)| !found.contains(**name));
            untested.extend(mnemonics.iter().filter(in_none).copied());
        }
    }
    text.push('\n');
    if untested.is_empty() {
        text.push_str("Every instruction but those of Xweft and Zvt occurs in one of them.\n");
    } else {
        let _ = writeln!(text, "In none of them: `{}`.", untested.join("`, `"));
    }
    text
}
