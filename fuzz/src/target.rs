//! The targets: what is fed, and what must hold.
//!
//! What must hold is mostly library code of the crate in question, which panics when it does
//! not; the functions here make the input.

use weft_compiler::fuzz::{check_compile, check_image};
use weft_isa::{decode, decode_compressed};
use weft_ptx::fuzz::{self, Random};

use crate::corpus::Corpus;
use crate::guest;
use crate::words;

/// Something to fuzz.
pub(crate) struct Target {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// Runs one case; `Err` says what did not hold.
    pub(crate) run: fn(&Corpus, &mut Random) -> Result<(), String>,
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "decode",
        run: run_decode,
    },
    Target {
        name: "ptx",
        run: run_ptx,
    },
    Target {
        name: "container",
        run: run_container,
    },
    Target {
        name: "compile",
        run: run_compile,
    },
    Target {
        name: "checkpoint",
        run: run_checkpoint,
    },
    Target {
        name: "image",
        run: run_image,
    },
    Target {
        name: "exec",
        run: run_exec,
    },
];

/// A word that decodes encodes to itself, and prints.
fn run_decode(_: &Corpus, random: &mut Random) -> Result<(), String> {
    // Many words a case: one is too cheap to be worth a case.
    for _ in 0..4096 {
        let [low, high] = [random.bits(), random.bits()].map(u64::to_le_bytes);
        // The two low bits set: the length of a 32-bit instruction.
        let word = u32::from_le_bytes([low[0] | 3, low[1], low[2], low[3]]);
        if let Some(inst) = decode(word) {
            let again = inst.encode();
            if again != word {
                return Err(format!("{word:#010x} is `{inst}`, which is {again:#010x}"));
            }
        }
        let half = u16::from_le_bytes([high[0], high[1]]);
        if let Some(inst) = decode_compressed(half) {
            let expanded = inst.encode();
            if decode(expanded) != Some(inst) {
                return Err(format!("{half:#06x} expands to `{inst}`, {expanded:#010x}"));
            }
        }
    }
    Ok(())
}

/// PTX text: see [`fuzz::check_ptx`].
fn run_ptx(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    fuzz::check_ptx(&fuzz::mutate(random, &corpus.ptx));
    fuzz::check_ptx(&mutated_words(corpus, random));
    Ok(())
}

/// Fatbins, module images and host programs: see [`fuzz::check_fatbin`] and [`fuzz::check_image`].
fn run_container(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    let bytes = fuzz::mutate(random, &corpus.containers);
    fuzz::check_fatbin(&bytes);
    fuzz::check_image(&bytes);
    Ok(())
}

/// Safetensors and GGUF files: every tensor of one that opens can be read.
fn run_checkpoint(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, samples) in [
        ("weights.safetensors", &corpus.safetensors),
        ("weights.gguf", &corpus.gguf),
    ] {
        let path = folder.path().join(name);
        let bytes = fuzz::mutate(random, samples);
        std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
        match weft_engine::weights::read_all(&path) {
            Ok(_) | Err(weft_engine::Error::Format { .. }) => {}
            // A file that opens describes only bytes that it has.
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Ok(())
}

/// PTX text: see [`check_compile`].
fn run_compile(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    check_compile(&mutated_words(corpus, random));
    Ok(())
}

/// Compiled kernels: see [`check_image`].
fn run_image(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    check_image(&fuzz::mutate(random, &corpus.images));
    Ok(())
}

/// RISC-V programs, damaged or with random code: see [`guest::check`].
fn run_exec(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    guest::check(&fuzz::mutate(random, &corpus.guests))?;
    guest::check(&guest::elf(&guest::random_code(random)))
}

fn mutated_words(corpus: &Corpus, random: &mut Random) -> Vec<u8> {
    let text = &corpus.ptx[random.below(corpus.ptx.len())];
    let other = &corpus.ptx[random.below(corpus.ptx.len())];
    words::mutate(text, other, random)
}
