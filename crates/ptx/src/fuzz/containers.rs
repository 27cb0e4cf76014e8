//! Fatbins and ELF files made by hand, field by field: what the tests of their readers read, and
//! what fuzzing them starts from.

/// PTX of the entries that are compressed.
pub const TEXT: &str = "\
.version 8.0
.target sm_80
.address_size 64

.visible .entry store(.param .u64 p)
{
    .reg .b64 %rd<3>;
    .reg .b32 %r<3>;
    ld.param.u64 %rd1, [p];
    cvta.to.global.u64 %rd2, %rd1;
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    st.global.u32 [%rd2], %r1;
    st.global.u32 [%rd2+4], %r2;
    ret;
}
";

/// [`TEXT`] as the reference zstd compresses it.
const ZSTD: &str = "\
    28b52ffd603d00bd0500c2491f19607903fc0d4b63645594c4a6298a88a4a336eba60870288701f083ccb71fc94040cf\
    d7f8d3c672be91b1462de2a8a2442b8ae9737c6d82b067092363591d08e3208d7440e2a5da7977177a50c03651325e2b\
    7ac43868a75f97f3bf9ab72b69d6a9318489b2ddcd1ad5da2e655c22abee37e5f11916bcec4567f5d63817203046b4d8\
    0346102e146f280ab40c980c6c55c17e67620116510d58f5be71ec72b12251ff28d1818b1cb88a00c00967830d980208\
    78";

/// [`TEXT`] as the reference LZ4 compresses it.
const LZ4: &str = "\
    f85a2e76657273696f6e20382e300a2e74617267657420736d5f38300a2e616464726573735f73697a652036340a0a2e\
    76697369626c65202e656e7472792073746f7265282e706172616d202e7536342070290a7b0a202020202e726567202e\
    623634202572643c333e3b16005533322025721500226c644200222e752e0062312c205b705d1c00e4637674612e746f\
    2e676c6f62616c220021322c2800022300516d6f762e7552009c312c20257469642e781900003000366374611b002573\
    745200403332205b5300105d54001f311f0006212b34210012322100707265743b0a7d0a";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
            .expect("a digit")
    };
    hex.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// An entry of a fatbin before it is laid out.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 1 for PTX, 2 for machine code.
    pub kind: u16,
    /// Architecture, such as 80.
    pub arch: u32,
    /// Flags, which name the compression.
    pub flags: u64,
    /// Size the header says it has.
    pub header_size: u32,
    /// The stored bytes.
    pub payload: Vec<u8>,
    /// Bytes behind the payload that count as part of it.
    pub padding: usize,
    /// Size of the payload that the header says, 0 if raw.
    pub compressed_size: u32,
    /// Size of the contents that the header says, 0 if raw.
    pub expanded_size: u64,
}

impl Entry {
    /// Uncompressed PTX, with the NUL and the padding that nvcc adds.
    #[must_use]
    pub fn raw(arch: u32, text: &str) -> Self {
        Self {
            kind: 1,
            arch,
            flags: 0x11,
            header_size: 64,
            payload: text.as_bytes().to_vec(),
            padding: 8 - text.len() % 8,
            compressed_size: 0,
            expanded_size: 0,
        }
    }

    /// [`TEXT`] compressed by LZ4.
    #[must_use]
    pub fn lz4(arch: u32) -> Self {
        Self::compressed(arch, 0x2011, LZ4)
    }

    /// [`TEXT`] compressed by zstd.
    #[must_use]
    pub fn zstd(arch: u32) -> Self {
        Self::compressed(arch, 0x8011, ZSTD)
    }

    fn compressed(arch: u32, flags: u64, hex: &str) -> Self {
        let payload = bytes_of(hex);
        let compressed_size = u32::try_from(payload.len()).expect("small");
        let expanded_size = TEXT.len() as u64;
        // A longer header, as entries with options have.
        Self {
            flags,
            header_size: 72,
            padding: 5,
            compressed_size,
            expanded_size,
            payload,
            ..Self::raw(arch, "")
        }
    }

    /// Machine code of no particular meaning.
    #[must_use]
    pub fn machine_code(arch: u32) -> Self {
        Self {
            kind: 2,
            ..Self::raw(arch, "\x7fELF not really")
        }
    }
}

/// Lays a fatbin out.
#[must_use]
pub fn fatbin(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        let mut header = vec![0; entry.header_size.max(64) as usize];
        let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
        put(0, &entry.kind.to_le_bytes());
        put(2, &0x0101_u16.to_le_bytes());
        put(4, &entry.header_size.to_le_bytes());
        put(
            8,
            &((entry.payload.len() + entry.padding) as u64).to_le_bytes(),
        );
        put(16, &entry.compressed_size.to_le_bytes());
        put(24, &0_u16.to_le_bytes());
        put(26, &8_u16.to_le_bytes());
        put(28, &entry.arch.to_le_bytes());
        put(40, &entry.flags.to_le_bytes());
        put(56, &entry.expanded_size.to_le_bytes());
        body.extend(header);
        body.extend(&entry.payload);
        body.extend(vec![0; entry.padding]);
    }
    let mut fatbin = 0xba55_ed50_u32.to_le_bytes().to_vec();
    fatbin.extend([1, 0, 16, 0]);
    fatbin.extend((body.len() as u64).to_le_bytes());
    fatbin.extend(body);
    fatbin
}

/// Lays a 64-bit ELF file out that needs `libraries` and may have a section of fatbins.
///
/// # Panics
/// If the libraries' names take more than 4 GiB.
#[must_use]
pub fn elf(machine: u16, libraries: &[&str], fatbin_section: Option<&[u8]>) -> Vec<u8> {
    const HEADER_SIZE: usize = 64;
    let mut strings = vec![0];
    let mut dynamic = Vec::new();
    for library in libraries {
        let entry = [1, strings.len() as u64]; // DT_NEEDED
        dynamic.extend(entry.map(u64::to_le_bytes).concat());
        strings.extend(library.as_bytes());
        strings.push(0);
    }
    dynamic.extend([0; 16]); // DT_NULL
    let names = b"\0.dynstr\0.dynamic\0.nv_fatbin\0.shstrtab\0";
    // Name, type, contents, link, entry size.
    let mut sections: Vec<(u32, u32, &[u8], u32, u64)> = vec![
        (0, 0, &[], 0, 0),
        (1, 3, &strings, 0, 0),
        (9, 6, &dynamic, 1, 16),
    ];
    if let Some(contents) = fatbin_section {
        sections.push((18, 1, contents, 0, 0));
    }
    sections.push((29, 3, names, 0, 0));
    let mut contents = Vec::new();
    let mut headers = Vec::new();
    for (name, kind, bytes, link, entry_size) in &sections {
        let offset = if *kind == 0 {
            0
        } else {
            (HEADER_SIZE + contents.len()) as u64
        };
        headers.extend(name.to_le_bytes());
        headers.extend(kind.to_le_bytes());
        headers.extend(
            [0, 0, offset, bytes.len() as u64]
                .map(u64::to_le_bytes)
                .concat(),
        );
        headers.extend(link.to_le_bytes());
        headers.extend(0_u32.to_le_bytes());
        headers.extend([8, *entry_size].map(u64::to_le_bytes).concat());
        contents.extend(*bytes);
        contents.resize(contents.len().next_multiple_of(8), 0);
    }
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([3, machine].map(u16::to_le_bytes).concat());
    file.extend(1_u32.to_le_bytes());
    file.extend(
        [0, 0, (HEADER_SIZE + contents.len()) as u64]
            .map(u64::to_le_bytes)
            .concat(),
    );
    file.extend(0_u32.to_le_bytes());
    let count = u16::try_from(sections.len()).expect("few");
    file.extend(
        [64, 56, 0, 64, count, count - 1]
            .map(u16::to_le_bytes)
            .concat(),
    );
    file.extend(contents);
    file.extend(headers);
    file
}
