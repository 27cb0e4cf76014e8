//! Fatbins: containers of PTX and machine code for several architectures.
//!
//! The layout is that of files written by nvcc 12 and 13, all fields little-endian:
//!
//! | fatbin header | | entry header | |
//! |---|---|---|---|
//! | +0 u32 | magic [`MAGIC`] | +0 u16 | kind: 1 PTX, 2 ELF |
//! | +4 u16 | version 1 | +4 u32 | size of this header, 64 or more |
//! | +6 u16 | header size 16 | +8 u64 | size of the payload behind it, padding included |
//! | +8 u64 | size of all entries | +16 u32 | compressed size, 0 if raw |
//! | | | +24 u16, +26 u16 | minor and major version |
//! | | | +28 u32 | architecture, such as 80 |
//! | | | +40 u64 | flags: 0x2000 LZ4 block, 0x8000 zstd frame |
//! | | | +56 u64 | size when expanded, 0 if raw |
//!
//! Every size is checked against the bytes there are, and nothing is allocated on the word of a
//! header alone. Machine code is listed and never looked into.

use std::{borrow::Cow, fmt, io::Read as _};

use crate::error::{ContainerCause, ContainerError};

/// First four bytes of a fatbin, little-endian.
pub const MAGIC: u32 = 0xba55_ed50;

/// First four bytes of the 24-byte wrapper that points at a fatbin in a program's memory:
/// magic, u32 version (1; 2 for programs linked in parts), u64 pointer to the fatbin, and u64
/// pointer to a file name or table.
pub const WRAPPER_MAGIC: u32 = 0x4662_43b1;

/// Bytes of the fatbin header.
pub const HEADER_SIZE: usize = 16;

/// Bytes an entry may have when expanded: a program's whole PTX is tens of megabytes.
pub const EXPANDED_SIZE_MAX: u64 = 1 << 29;

/// Bytes of an entry header that have a meaning here.
const ENTRY_HEADER_SIZE: usize = 64;

/// Most that an LZ4 block expands: each further length byte stands for 255 bytes.
const LZ4_RATIO_MAX: u64 = 256;

const FLAG_LZ4: u64 = 0x2000;
const FLAG_ZSTD: u64 = 0x8000;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PTX text.
    Ptx,
    /// An ELF file of machine code.
    Elf,
    /// Something else, by its number.
    Other(u16),
}

/// How an entry is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// One LZ4 block.
    Lz4,
    /// A zstd frame.
    Zstd,
}

/// One entry of a fatbin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Offset of its header, by the count [`entries`] was given.
    pub offset: u64,
    /// What it holds.
    pub kind: Kind,
    /// Architecture, such as 80 for `sm_80`. Whether it is `sm_90` or `sm_90a` only the contents
    /// tell.
    pub arch: u32,
    /// Version of the contents, major first: of the PTX language for PTX.
    pub version: (u16, u16),
    /// How `payload` is stored.
    pub compression: Compression,
    /// The stored bytes, without padding if compressed.
    pub payload: &'a [u8],
    /// Size of the contents when expanded.
    pub expanded_size: u64,
}

/// Size of a whole fatbin from its first [`HEADER_SIZE`] bytes, for callers that are handed a
/// pointer only.
///
/// # Errors
/// [`ContainerCause::Truncated`], [`ContainerCause::BadMagic`], [`ContainerCause::BadField`]:
/// the bytes are no fatbin header of a known version.
pub fn size(header: &[u8]) -> Result<u64, ContainerError> {
    let at_start = |cause| ContainerError::new(0, cause);
    let Some(header) = header.first_chunk::<HEADER_SIZE>() else {
        return Err(at_start(truncated(
            "fatbin header",
            HEADER_SIZE as u64,
            header.len(),
        )));
    };
    let magic = u32_at(header, 0);
    if magic != MAGIC {
        return Err(at_start(ContainerCause::BadMagic {
            what: "fatbin",
            found: magic,
        }));
    }
    let version = u16_at(header, 4);
    if version != 1 {
        return Err(at_start(ContainerCause::BadField {
            what: "fatbin version",
            found: version.into(),
        }));
    }
    let header_size = u16_at(header, 6);
    if usize::from(header_size) != HEADER_SIZE {
        let what = "fatbin header size";
        return Err(at_start(ContainerCause::BadField {
            what,
            found: header_size.into(),
        }));
    }
    u64_at(header, 8)
        .checked_add(HEADER_SIZE as u64)
        .ok_or_else(|| {
            at_start(ContainerCause::BadField {
                what: "fatbin size",
                found: u64::MAX,
            })
        })
}

/// The entries of the fatbin that `bytes` begin with; bytes behind it are ignored.
///
/// # Errors
/// The first header that is cut off or not understood, by its offset in `bytes` plus
/// `base_offset`.
pub fn entries(bytes: &[u8], base_offset: u64) -> Result<Vec<Entry<'_>>, ContainerError> {
    let located =
        |error: ContainerError| ContainerError::new(base_offset + error.offset, error.cause);
    let size = size(bytes).map_err(located)?;
    let Some(fatbin) = usize::try_from(size)
        .ok()
        .and_then(|size| bytes.get(..size))
    else {
        return Err(ContainerError::new(
            base_offset,
            truncated("fatbin", size, bytes.len()),
        ));
    };
    let mut entries = Vec::new();
    let mut at = HEADER_SIZE;
    while at < fatbin.len() {
        let (entry, length) = entry(&fatbin[at..], base_offset + at as u64)?;
        entries.push(entry);
        at += length;
    }
    Ok(entries)
}

/// The entry `bytes` begin with, and its length with header and padding.
fn entry(bytes: &[u8], offset: u64) -> Result<(Entry<'_>, usize), ContainerError> {
    let fail = |cause| Err(ContainerError::new(offset, cause));
    let Some(header) = bytes.first_chunk::<ENTRY_HEADER_SIZE>() else {
        return fail(truncated(
            "entry header",
            ENTRY_HEADER_SIZE as u64,
            bytes.len(),
        ));
    };
    let header_size = u32_at(header, 4);
    let payload_size = u64_at(header, 8);
    if (header_size as usize) < ENTRY_HEADER_SIZE {
        return fail(ContainerCause::BadField {
            what: "entry header size",
            found: header_size.into(),
        });
    }
    let length = u64::from(header_size).saturating_add(payload_size);
    let whole = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(..length));
    let Some(whole) = whole else {
        return fail(truncated("entry", length, bytes.len()));
    };
    let payload = &whole[header_size as usize..];
    let compressed_size = u32_at(header, 16);
    let flags = u64_at(header, 40);
    let compression = match (compressed_size, flags & (FLAG_LZ4 | FLAG_ZSTD)) {
        (0, _) => Compression::None,
        (_, FLAG_LZ4) => Compression::Lz4,
        (_, FLAG_ZSTD) => Compression::Zstd,
        _ => return fail(ContainerCause::UnknownCompression(flags)),
    };
    let (payload, expanded_size) = if compression == Compression::None {
        (payload, payload_size)
    } else {
        let Some(stored) = payload.get(..compressed_size as usize) else {
            return fail(truncated(
                "compressed entry",
                compressed_size.into(),
                payload.len(),
            ));
        };
        (stored, u64_at(header, 56))
    };
    let kind = match u16_at(header, 0) {
        1 => Kind::Ptx,
        2 => Kind::Elf,
        other => Kind::Other(other),
    };
    let entry = Entry {
        offset,
        kind,
        arch: u32_at(header, 28),
        version: (u16_at(header, 26), u16_at(header, 24)),
        compression,
        payload,
        expanded_size,
    };
    Ok((entry, whole.len()))
}

impl<'a> Entry<'a> {
    /// The contents, expanded if need be. PTX comes without the NULs that pad it.
    ///
    /// # Errors
    /// [`ContainerCause::TooLarge`], [`ContainerCause::Decompression`] and
    /// [`ContainerCause::SizeMismatch`].
    pub fn contents(&self) -> Result<Cow<'a, [u8]>, ContainerError> {
        let mut contents = match self.compression {
            Compression::None => Cow::Borrowed(self.payload),
            Compression::Lz4 => Cow::Owned(self.expand_lz4()?),
            Compression::Zstd => Cow::Owned(self.expand_zstd()?),
        };
        if self.kind == Kind::Ptx {
            let text = contents
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |last| last + 1);
            match &mut contents {
                Cow::Borrowed(bytes) => *bytes = &bytes[..text],
                Cow::Owned(bytes) => bytes.truncate(text),
            }
        }
        Ok(contents)
    }

    fn fail<T>(&self, cause: ContainerCause) -> Result<T, ContainerError> {
        Err(ContainerError::new(self.offset, cause))
    }

    /// The expanded size if it is one to allocate for.
    fn expanded_size(&self, max: u64) -> Result<usize, ContainerError> {
        match usize::try_from(self.expanded_size) {
            Ok(size) if self.expanded_size <= max => Ok(size),
            _ => self.fail(ContainerCause::TooLarge {
                size: self.expanded_size,
                max,
            }),
        }
    }

    fn expand_lz4(&self) -> Result<Vec<u8>, ContainerError> {
        let ratio_max = (self.payload.len() as u64).saturating_mul(LZ4_RATIO_MAX);
        let mut expanded = vec![0; self.expanded_size(EXPANDED_SIZE_MAX.min(ratio_max))?];
        match lz4_flex::block::decompress_into(self.payload, &mut expanded) {
            Ok(length) if length == expanded.len() => Ok(expanded),
            Ok(length) => self.size_mismatch(length as u64),
            Err(error) => self.undecodable("LZ4", &error),
        }
    }

    fn expand_zstd(&self) -> Result<Vec<u8>, ContainerError> {
        let size = self.expanded_size(EXPANDED_SIZE_MAX)?;
        let decoder = match ruzstd::decoding::StreamingDecoder::new(self.payload) {
            Ok(decoder) => decoder,
            Err(error) => return self.undecodable("zstd", &error),
        };
        // The vector grows with what is decoded, not with what the header says.
        let mut expanded = Vec::new();
        if let Err(error) = decoder
            .take(self.expanded_size + 1)
            .read_to_end(&mut expanded)
        {
            return self.undecodable("zstd", &error);
        }
        if expanded.len() == size {
            Ok(expanded)
        } else {
            self.size_mismatch(expanded.len() as u64)
        }
    }

    fn size_mismatch<T>(&self, found: u64) -> Result<T, ContainerError> {
        self.fail(ContainerCause::SizeMismatch {
            declared: self.expanded_size,
            found,
        })
    }

    fn undecodable<T>(
        &self,
        method: &'static str,
        error: &dyn fmt::Display,
    ) -> Result<T, ContainerError> {
        self.fail(ContainerCause::Decompression {
            method,
            reason: error.to_string(),
        })
    }
}

/// Chooses the PTX to compile for a device: of the highest architecture that is not above the
/// device's compute capability (as in `sm_89`). PTX for one architecture only (`sm_90a`,
/// `sm_100f`) is passed over, because this device is none of them.
///
/// # Errors
/// [`ContainerCause::NoPtx`] says what the entries hold instead; and the errors of
/// [`Entry::contents`].
pub fn select_ptx<'a>(
    entries: &[Entry<'a>],
    capability: u32,
) -> Result<Cow<'a, [u8]>, ContainerError> {
    let mut candidates: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Ptx && entry.arch <= capability)
        .collect();
    // Stable: of entries for the same architecture, the first is taken.
    candidates.sort_by_key(|entry| std::cmp::Reverse(entry.arch));
    for entry in candidates {
        let contents = entry.contents()?;
        if specific_target(&contents).is_none() {
            return Ok(contents);
        }
    }
    let offset = entries.first().map_or(0, |entry| entry.offset);
    Err(ContainerError::new(
        offset,
        ContainerCause::NoPtx {
            capability,
            found: describe(entries),
        },
    ))
}

/// What entries hold, in words, such as `machine code for sm_75, PTX for sm_90a`.
#[must_use]
pub fn describe(entries: &[Entry<'_>]) -> String {
    let mut parts = Vec::new();
    for entry in entries {
        let part = match entry.kind {
            Kind::Elf => format!("machine code for sm_{}", entry.arch),
            Kind::Other(kind) => format!("an entry of kind {kind} for sm_{}", entry.arch),
            Kind::Ptx => {
                let contents = entry.contents().unwrap_or_default();
                let suffix = specific_target(&contents).map_or("", |letter| letter);
                format!("PTX for sm_{}{suffix}", entry.arch)
            }
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        "the fatbin is empty".to_owned()
    } else {
        format!("there is {}", parts.join(", "))
    }
}

/// `a` or `f` if a PTX text's `.target` says that it is for one architecture or family only.
fn specific_target(ptx: &[u8]) -> Option<&'static str> {
    let module = crate::parse::target(ptx);
    module.iter().find_map(|word| {
        match word
            .strip_prefix("sm_")?
            .trim_start_matches(|c: char| c.is_ascii_digit())
        {
            "a" => Some("a"),
            "f" => Some("f"),
            _ => None,
        }
    })
}

const fn truncated(what: &'static str, needed: u64, available: usize) -> ContainerCause {
    ContainerCause::Truncated {
        what,
        needed,
        available: available as u64,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
