//! The targets: what is fed, and what must hold.

use weft_isa::{decode, decode_compressed};

use crate::corpus::Corpus;
use crate::mutate;
use crate::random::Random;

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
];

/// A word that decodes encodes to itself, and prints.
fn run_decode(_: &Corpus, random: &mut Random) -> Result<(), String> {
    // Many words a case: one is too cheap to be worth a case.
    for _ in 0..4096 {
        let [low, high] = [random.bits(), random.bits()].map(|bits| bits.to_le_bytes());
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

/// PTX text parses or gives errors that lie inside it.
fn run_ptx(corpus: &Corpus, random: &mut Random) -> Result<(), String> {
    let text = ptx_text(corpus, random);
    if let Err(errors) = weft_ptx::parse(&text) {
        if errors.is_empty() {
            return Err("failed without an error".to_owned());
        }
        for error in &errors {
            let end = usize::try_from(error.span.end).unwrap_or(usize::MAX);
            if error.span.start > error.span.end || end > text.len() {
                return Err(format!("`{error}` ends at {end} of {} bytes", text.len()));
            }
        }
        if weft_ptx::source::render_all("fuzz.ptx", &text, &errors).is_empty() {
            return Err("errors are shown as nothing".to_owned());
        }
    }
    Ok(())
}

/// A mutated PTX text.
fn ptx_text(corpus: &Corpus, random: &mut Random) -> Vec<u8> {
    let text = random.pick(&corpus.ptx);
    if random.below(4) == 0 {
        mutate::bytes(text, random)
    } else {
        let other = random.pick(&corpus.ptx);
        mutate::words(text, other, random)
    }
}
