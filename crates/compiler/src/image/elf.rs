//! Images as ELF files: RISC-V ELF64 with `.text`, a symbol for each function, and a section
//! `.weft.meta` with everything else.
//!
//! The metadata begin with [`MAGIC`] and [`VERSION`]; a reader accepts exactly its own
//! version, because the file is a cache entry that can always be made again.

use super::{FunctionSymbol, Image, LineEntry};
use crate::ir::{LaunchShape, Location};
use object::read::elf::{ElfFile64, FileHeader as _};
use object::write::{Object, StandardSection, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, Object as _, ObjectSection as _, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope, elf,
};

/// First bytes of `.weft.meta`.
const MAGIC: [u8; 4] = *b"WEFT";
/// Version of the layout of `.weft.meta`.
const VERSION: u32 = 2;
/// Name of the metadata section.
const SECTION: &str = ".weft.meta";

/// Why a file is no image of this compiler version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Not a readable ELF file.
    #[error("read ELF: {0}")]
    Elf(String),
    /// An ELF file for another machine.
    #[error("not a RISC-V ELF64 file")]
    Machine,
    /// A section is missing.
    #[error("no section {0}")]
    Section(&'static str),
    /// Metadata of another version of the format.
    #[error("metadata version {found}, expected {VERSION}")]
    Version {
        /// What the file has.
        found: u32,
    },
    /// Metadata end too early, go on too long, or contradict the code.
    #[error("inconsistent metadata: {0}")]
    Inconsistent(&'static str),
    /// The image cannot be written.
    #[error("write ELF: {0}")]
    Write(String),
}

impl Image {
    /// The image as an ELF file. Equal images give equal bytes.
    ///
    /// # Errors
    ///
    /// [`ImageError::Write`] if the writer refuses a name or a size.
    pub fn to_elf(&self) -> Result<Vec<u8>, ImageError> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::Riscv64, Endianness::Little);
        let text = object.section_id(StandardSection::Text);
        object.append_section_data(text, &self.code, 4);
        let meta = object.add_section(Vec::new(), SECTION.into(), SectionKind::Metadata);
        object.append_section_data(meta, &self.metadata(), 8);
        for function in &self.functions {
            object.add_symbol(Symbol {
                name: function.name.clone().into_bytes(),
                value: function.offset,
                size: function.bytes,
                kind: SymbolKind::Text,
                scope: SymbolScope::Linkage,
                weak: false,
                section: SymbolSection::Section(text),
                flags: SymbolFlags::None,
            });
        }
        object
            .write()
            .map_err(|error| ImageError::Write(error.to_string()))
    }

    /// Reads what [`Image::to_elf`] wrote.
    ///
    /// # Errors
    ///
    /// Anything that this version of the compiler would not have written.
    pub fn from_elf(bytes: &[u8]) -> Result<Self, ImageError> {
        let file = ElfFile64::<Endianness>::parse(bytes)
            .map_err(|error| ImageError::Elf(error.to_string()))?;
        if file.elf_header().e_machine(file.endian()) != elf::EM_RISCV {
            return Err(ImageError::Machine);
        }
        let section = |name| {
            file.section_by_name(name)
                .and_then(|section| section.data().ok())
        };
        let code = section(".text").ok_or(ImageError::Section(".text"))?;
        let meta = section(SECTION).ok_or(ImageError::Section(SECTION))?;
        let mut image = read_metadata(meta)?;
        image.code = code.to_vec();
        image.check()?;
        Ok(image)
    }

    /// Whether the parts fit together.
    fn check(&self) -> Result<(), ImageError> {
        let bad = |what| Err(ImageError::Inconsistent(what));
        let size = self.code.len() as u64;
        if !size.is_multiple_of(4) {
            return bad("code size is no multiple of 4");
        }
        if !self.entry.is_multiple_of(4) || self.entry >= size {
            return bad("entry outside the code");
        }
        let mut end = 0;
        for function in &self.functions {
            let next = function.offset.checked_add(function.bytes);
            if function.offset < end || next.is_none_or(|next| next > size) {
                return bad("functions overlap or leave the code");
            }
            end = function.offset + function.bytes;
        }
        if !self.functions.iter().any(|f| f.offset == self.entry) {
            return bad("entry is no function");
        }
        if !self.lines.is_sorted_by(|a, b| a.offset < b.offset)
            || self.lines.last().is_some_and(|line| line.offset >= size)
        {
            return bad("line table out of order");
        }
        let inside = |&(offset, bytes): &(u32, u32)| {
            offset
                .checked_add(bytes)
                .is_some_and(|end| end <= self.param_bytes)
        };
        if !self.params.iter().all(inside) {
            return bad("parameter outside the block");
        }
        if !self.stack_bytes_per_hart.is_multiple_of(16)
            || !self.local_bytes_per_lane.is_multiple_of(16)
        {
            return bad("stack or local size is no multiple of 16");
        }
        Ok(())
    }

    fn metadata(&self) -> Vec<u8> {
        let mut out = Writer { bytes: Vec::new() };
        out.bytes.extend(MAGIC);
        out.u32(VERSION);
        out.text(&self.compiler_version);
        out.u64(self.entry);
        out.list(&self.functions, |out, function| {
            out.text(&function.name);
            out.u64(function.offset);
            out.u64(function.bytes);
            function.registers.iter().for_each(|&count| out.u32(count));
            out.u32(function.spills);
            out.u32(function.local_bytes);
            out.u32(function.stack_bytes);
        });
        out.list(&self.symbols, |out, name| out.text(name));
        out.u32(self.param_bytes);
        out.list(&self.params, |out, &(offset, bytes)| {
            out.u32(offset);
            out.u32(bytes);
        });
        out.u32(self.shared_static_bytes);
        out.u32(self.shared_dynamic_offset);
        out.list(&self.shared_variables, |out, (name, offset, bytes)| {
            out.text(name);
            out.u32(*offset);
            out.u32(*bytes);
        });
        out.u32(self.local_bytes_per_lane);
        out.u32(self.stack_bytes_per_hart);
        out.u32(u32::from(self.unbounded_calls));
        out.list(self.max_threads_per_cta.as_slice(), |out, &n| out.u32(n));
        out.list(self.required_cta.as_slice(), |out, axes| {
            axes.iter().for_each(|&n| out.u32(n));
        });
        out.u32(self.launch.code());
        out.list(&self.files, |out, (index, name)| {
            out.u32(*index);
            out.text(name);
        });
        out.list(&self.lines, |out, line| {
            out.u64(line.offset);
            out.u32(line.location.ptx_line);
            out.u32(line.location.file);
            out.u32(line.location.line);
        });
        out.bytes
    }
}

/// Little-endian numbers, and lists and texts with their length before them.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.u64(items.len() as u64);
        items.iter().for_each(|item| each(self, item));
    }
}

/// What is left of the metadata.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (first, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or(ImageError::Inconsistent("metadata end early"))?;
        self.bytes = rest;
        Ok(*first)
    }

    fn u32(&mut self) -> Result<u32, ImageError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ImageError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length, which cannot exceed the bytes that are left.
    fn len(&mut self) -> Result<usize, ImageError> {
        let len = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if len > self.bytes.len() {
            return Err(ImageError::Inconsistent("metadata end early"));
        }
        Ok(len)
    }

    fn text(&mut self) -> Result<String, ImageError> {
        let len = self.len()?;
        let (text, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        String::from_utf8(text.to_vec()).map_err(|_| ImageError::Inconsistent("name not UTF-8"))
    }

    fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, ImageError>,
    ) -> Result<Vec<T>, ImageError> {
        let len = self.len()?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(each(self)?);
        }
        Ok(items)
    }

    fn option<T>(
        &mut self,
        each: impl FnMut(&mut Self) -> Result<T, ImageError>,
    ) -> Result<Option<T>, ImageError> {
        let mut items = self.list(each)?;
        if items.len() > 1 {
            return Err(ImageError::Inconsistent("option with two values"));
        }
        Ok(items.pop())
    }
}

fn read_metadata(bytes: &[u8]) -> Result<Image, ImageError> {
    let mut from = Reader { bytes };
    if from.array()? != MAGIC {
        return Err(ImageError::Inconsistent("magic number"));
    }
    let found = from.u32()?;
    if found != VERSION {
        return Err(ImageError::Version { found });
    }
    let image = Image {
        code: Vec::new(),
        compiler_version: from.text()?,
        entry: from.u64()?,
        functions: from.list(|from| {
            Ok(FunctionSymbol {
                name: from.text()?,
                offset: from.u64()?,
                bytes: from.u64()?,
                registers: [from.u32()?, from.u32()?, from.u32()?],
                spills: from.u32()?,
                local_bytes: from.u32()?,
                stack_bytes: from.u32()?,
            })
        })?,
        symbols: from.list(Reader::text)?,
        param_bytes: from.u32()?,
        params: from.list(|from| Ok((from.u32()?, from.u32()?)))?,
        shared_static_bytes: from.u32()?,
        shared_dynamic_offset: from.u32()?,
        shared_variables: from.list(|from| Ok((from.text()?, from.u32()?, from.u32()?)))?,
        local_bytes_per_lane: from.u32()?,
        stack_bytes_per_hart: from.u32()?,
        unbounded_calls: from.u32()? != 0,
        max_threads_per_cta: from.option(Reader::u32)?,
        required_cta: from.option(|from| Ok([from.u32()?, from.u32()?, from.u32()?]))?,
        launch: LaunchShape::from_code(from.u32()?)
            .ok_or(ImageError::Inconsistent("unknown class of launches"))?,
        files: from.list(|from| Ok((from.u32()?, from.text()?)))?,
        lines: from.list(|from| {
            Ok(LineEntry {
                offset: from.u64()?,
                location: Location {
                    ptx_line: from.u32()?,
                    file: from.u32()?,
                    line: from.u32()?,
                },
            })
        })?,
    };
    if !from.bytes.is_empty() {
        return Err(ImageError::Inconsistent("bytes after the metadata"));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Image {
        Image {
            code: vec![0x13, 0, 0, 0, 0x13, 0, 0, 0],
            entry: 0,
            functions: vec![FunctionSymbol {
                name: "kernel".to_owned(),
                bytes: 8,
                ..FunctionSymbol::default()
            }],
            symbols: vec!["table".to_owned()],
            param_bytes: 12,
            params: vec![(0, 8), (8, 4)],
            required_cta: Some([32, 1, 1]),
            launch: LaunchShape::of(None, [32, 1, 1]),
            lines: vec![LineEntry {
                offset: 4,
                location: Location {
                    ptx_line: 7,
                    file: 0,
                    line: 0,
                },
            }],
            compiler_version: "test".to_owned(),
            ..Image::default()
        }
    }

    #[test]
    fn elf_round_trip_keeps_everything() {
        let image = sample();
        let elf = image.to_elf().unwrap();
        assert_eq!(Image::from_elf(&elf).unwrap(), image);
        assert_eq!(image.to_elf().unwrap(), elf);
    }

    #[test]
    fn damaged_files_are_rejected_or_read_without_panic() {
        let elf = sample().to_elf().unwrap();
        for len in 0..elf.len() {
            let _ = Image::from_elf(&elf[..len]);
        }
        for at in 0..elf.len() {
            for bit in 0..8 {
                let mut damaged = elf.clone();
                damaged[at] ^= 1 << bit;
                let _ = Image::from_elf(&damaged);
            }
        }
    }

    #[test]
    fn an_entry_outside_the_code_is_rejected() {
        let mut image = sample();
        image.entry = 8;
        let elf = image.to_elf().unwrap();
        assert!(matches!(
            Image::from_elf(&elf),
            Err(ImageError::Inconsistent(_))
        ));
    }
}
