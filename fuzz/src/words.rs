//! Changes to a text by whole words, so that it mostly stays well-formed and what comes after
//! the parser has something to do.

use weft_ptx::fuzz::Random;

/// Numbers at the ends of ranges.
const EDGES: &[&str] = &[
    "0",
    "1",
    "-1",
    "31",
    "32",
    "33",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "0x7fffffffffffffff",
    "0f7fc00000",
    "0f7f800000",
    "0d8000000000000000",
];

/// Changes one to six words of a text: removes, doubles, swaps them, takes one from `other`, or
/// puts a number at the end of a range where a number was.
pub(crate) fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let donors = split(other);
    let mut words: Vec<&[u8]> = split(input);
    for _ in 0..=random.below(6) {
        if words.is_empty() {
            break;
        }
        let at = random.below(words.len());
        match random.below(6) {
            0 => {
                words.remove(at);
            }
            1 => words.insert(at, words[at]),
            2 => {
                let with = random.below(words.len());
                words.swap(at, with);
            }
            3 if !donors.is_empty() => words[at] = donors[random.below(donors.len())],
            4 => words.truncate(at.max(words.len() / 2)),
            _ => {
                // From here on, the first word that is a number.
                let is_number = |word: &&[u8]| word[0].is_ascii_digit();
                if let Some(next) = words[at..].iter().position(is_number) {
                    words[at + next] = EDGES[random.below(EDGES.len())].as_bytes();
                }
            }
        }
    }
    words.concat()
}

/// Cuts between runs of name characters, runs of white space, and single other characters;
/// the pieces together are the input.
fn split(input: &[u8]) -> Vec<&[u8]> {
    const fn kind(byte: u8) -> u8 {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | b'%' => 0,
            b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => 2,
        }
    }
    input
        .chunk_by(|&a, &b| kind(a) == kind(b) && kind(a) != 2)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_whole() {
        let text = b"add.s32 \t%r1, %r2, -1;\n";
        let pieces = split(text);
        assert_eq!(pieces.concat(), text);
        assert_eq!(pieces[..4], [&b"add"[..], b".", b"s32", b" \t"]);
    }

    #[test]
    fn mutations_take_any_input() {
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            for input in [&b""[..], b";", b"a b", b"12 34"] {
                mutate(input, input, &mut random);
            }
        }
    }
}
