//! What the linker hands back: PTX in a container of ours.
//!
//! Clients treat a linked image as opaque bytes, or look at its first four, so it begins like
//! an ELF file: a 64-byte ELF64 header for RISC-V without sections, `WEFTPTX1` in the entry
//! address field, and the length of the PTX text that follows in the next one.

use crate::error::Error;

/// Bytes in front of the PTX text.
const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"WEFTPTX1";
/// `e_machine` of RISC-V.
const EM_RISCV: u16 = 243;

/// Puts PTX text into a container.
pub(crate) fn encode(ptx: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    // ELF64, little-endian, version 1; type EXEC.
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16] = 2;
    bytes[18..20].copy_from_slice(&EM_RISCV.to_le_bytes());
    bytes[20] = 1;
    bytes[24..32].copy_from_slice(MAGIC);
    bytes[32..40].copy_from_slice(&(ptx.len() as u64).to_le_bytes());
    bytes.extend_from_slice(ptx);
    bytes
}

/// Size of the container that begins with `header` (at least [`HEADER_BYTES`] bytes), or
/// `None` if it is no container.
pub(crate) fn size(header: &[u8]) -> Option<usize> {
    let header = header.get(..HEADER_BYTES)?;
    if !header.starts_with(b"\x7fELF") || &header[24..32] != MAGIC {
        return None;
    }
    let length = u64::from_le_bytes(header[32..40].try_into().ok()?);
    usize::try_from(length).ok()?.checked_add(HEADER_BYTES)
}

/// The PTX text of a container.
pub(crate) fn decode(bytes: &[u8]) -> Result<&[u8], Error> {
    let size = size(bytes)
        .ok_or_else(|| Error::InvalidImage("an ELF file that is no linked module".to_owned()))?;
    bytes
        .get(HEADER_BYTES..size)
        .ok_or_else(|| Error::InvalidImage("a linked module that is cut off".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_damage_is_noticed() {
        let blob = encode(b".version 8.0");
        assert_eq!(size(&blob), Some(blob.len()));
        assert_eq!(decode(&blob).expect("sound"), b".version 8.0");
        assert!(decode(&blob[..blob.len() - 1]).is_err());
        assert!(decode(b"\x7fELF").is_err());
        assert_eq!(size(&[0; 64]), None);
    }
}
