//! Writing executables for bare machines.

/// Bytes at an address.
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) contents: Vec<u8>,
}

const HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const SECTION_HEADER_BYTES: u64 = 64;
const SYMBOL_BYTES: u64 = 24;

/// An ELF file with these segments, readable, writable and executable, and these symbols. The
/// entry is the first byte of the first segment.
pub(super) fn executable(segments: &[Segment], symbols: &[(&str, u64)]) -> Vec<u8> {
    let count = segments.len() as u64;
    let mut at = (HEADER_BYTES + count * PROGRAM_HEADER_BYTES).next_multiple_of(8);
    let mut offsets = Vec::new();
    for segment in segments {
        offsets.push(at);
        at += (segment.contents.len() as u64).next_multiple_of(8);
    }
    let symbols_at = at;
    // Spike finds the tables by their names, which are in the string table as well.
    let mut strings = b"\0.symtab\0.strtab\0".to_vec();
    let mut table = vec![0; SYMBOL_BYTES as usize];
    for (name, address) in symbols {
        table.extend(u32::try_from(strings.len()).unwrap_or(0).to_le_bytes());
        // A global without a type; absolute.
        table.extend([0x10, 0, 0xf1, 0xff]);
        table.extend(address.to_le_bytes());
        table.extend(8_u64.to_le_bytes());
        strings.extend(name.as_bytes());
        strings.push(0);
    }
    let strings_at = symbols_at + table.len() as u64;
    let sections_at = (strings_at + strings.len() as u64).next_multiple_of(8);

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2_u16.to_le_bytes()); // ET_EXEC
    file.extend(243_u16.to_le_bytes()); // EM_RISCV
    file.extend(1_u32.to_le_bytes());
    let entry = segments.first().map_or(0, |segment| segment.address);
    for word in [entry, HEADER_BYTES, sections_at] {
        file.extend(word.to_le_bytes());
    }
    // Double-precision float ABI, compressed instructions.
    file.extend(5_u32.to_le_bytes());
    let shape = [
        HEADER_BYTES,
        PROGRAM_HEADER_BYTES,
        count,
        SECTION_HEADER_BYTES,
        3,
        2,
    ];
    for half in shape {
        file.extend((half as u16).to_le_bytes());
    }
    for (segment, offset) in segments.iter().zip(&offsets) {
        file.extend(1_u32.to_le_bytes()); // PT_LOAD
        file.extend(7_u32.to_le_bytes());
        let size = segment.contents.len() as u64;
        for word in [*offset, segment.address, segment.address, size, size, 4096] {
            file.extend(word.to_le_bytes());
        }
    }
    for (segment, offset) in segments.iter().zip(&offsets) {
        file.resize(*offset as usize, 0);
        file.extend(&segment.contents);
    }
    file.resize(symbols_at as usize, 0);
    file.extend(&table);
    file.extend(&strings);
    file.resize(sections_at as usize, 0);
    file.resize(file.len() + SECTION_HEADER_BYTES as usize, 0);
    let symbol_table = [
        (1, 2),
        (0, 0),
        (symbols_at, table.len() as u64),
        (2 | 1 << 32, 0),
    ];
    let string_table = [(9, 3), (0, 0), (strings_at, strings.len() as u64), (0, 0)];
    for (section, entry_bytes) in [(symbol_table, SYMBOL_BYTES), (string_table, 0)] {
        let [(name, kind), (flags, address), (offset, size), (link, _)] = section;
        file.extend((name as u32).to_le_bytes());
        file.extend((kind as u32).to_le_bytes());
        for word in [flags, address, offset, size, link, 8, entry_bytes] {
            file.extend(u64::to_le_bytes(word));
        }
    }
    file
}
