//! An ELF file in guest memory, and its symbols.

use std::ptr;

use object::LittleEndian;
use object::elf::{
    EM_RISCV, ET_EXEC, FileHeader64, PT_INTERP, PT_LOAD, PT_PHDR, STT_FILE, STT_SECTION,
};
use object::read::elf::{FileHeader as _, ProgramHeader as _, Sym as _};

use super::{Error, Options};

/// Most bytes that the segments of a file may span, and that its heap may have.
const SPAN_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the stack, which is at the end of memory.
pub(super) const STACK_BYTES: u64 = 8 << 20;

/// Guest memory: one range of addresses, backed by host memory that is committed when touched.
pub(super) struct Ram {
    base: u64,
    bytes: u64,
    /// Into `_words`. All accesses go through it: the guest's too.
    host: *mut u8,
    _words: Vec<u64>,
}

impl Ram {
    fn new(base: u64, bytes: u64) -> Self {
        let mut words = vec![0u64; (bytes / 8) as usize];
        Self {
            base,
            bytes,
            host: words.as_mut_ptr().cast(),
            _words: words,
        }
    }

    /// First address.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Address after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.base + self.bytes
    }

    /// The host address of [`Ram::base`].
    pub(super) fn host(&self) -> *mut u8 {
        self.host
    }

    /// Where a range lies on the host, if it is in memory.
    fn at(&self, address: u64, bytes: u64) -> Option<*mut u8> {
        let offset = address.checked_sub(self.base)?;
        let inside = bytes <= self.bytes && offset <= self.bytes - bytes;
        inside.then(|| self.host.wrapping_add(offset as usize))
    }

    /// Copies out; false if the range is not in memory.
    #[must_use]
    pub(super) fn read(&self, address: u64, to: &mut [u8]) -> bool {
        let Some(from) = self.at(address, to.len() as u64) else {
            return false;
        };
        // SAFETY: the range is inside the buffer, which no reference points into.
        unsafe { ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
        true
    }

    /// Copies in; false if the range is not in memory.
    #[must_use]
    pub(super) fn write(&mut self, address: u64, from: &[u8]) -> bool {
        let Some(to) = self.at(address, from.len() as u64) else {
            return false;
        };
        // SAFETY: as in `read`.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
        true
    }

    /// A range of bytes, if it is in memory.
    pub(super) fn bytes(&self, address: u64, bytes: u64) -> Option<Vec<u8>> {
        self.at(address, bytes)?;
        let mut copy = vec![0; bytes as usize];
        self.read(address, &mut copy).then_some(copy)
    }

    /// The 64-bit word at an address.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)
            .then_some(u64::from_le_bytes(bytes))
    }

    /// Sets the 64-bit word at an address; false if it is not in memory.
    #[must_use]
    pub(super) fn set_word(&mut self, address: u64, value: u64) -> bool {
        self.write(address, &value.to_le_bytes())
    }

    /// The bytes from an address to the first zero, if that is found within `limit` bytes.
    pub(super) fn string(&self, address: u64, limit: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut byte = [0];
        for at in address..address.saturating_add(limit) {
            if !self.read(at, &mut byte) {
                return None;
            }
            if byte[0] == 0 {
                return Some(text);
            }
            text.push(byte[0]);
        }
        None
    }
}

/// A function or object of the file.
struct Symbol {
    address: u64,
    bytes: u64,
    name: String,
}

/// Symbols by address.
#[derive(Default)]
pub(super) struct Symbols(Vec<Symbol>);

impl Symbols {
    /// Symbols of a file; none if it has no readable table.
    fn of(header: &FileHeader64<LittleEndian>, endian: LittleEndian, file: &[u8]) -> Self {
        let table = || {
            let sections = header.sections(endian, file).ok()?;
            let symbols = sections
                .symbols(endian, file, object::elf::SHT_SYMTAB)
                .ok()?;
            let mut all = Vec::new();
            for symbol in symbols.iter() {
                let name = symbol.name(endian, symbols.strings()).unwrap_or_default();
                // `$x` and its like mark code and data for disassemblers.
                let marks = name.is_empty() || name.starts_with(b"$") || name.starts_with(b".L");
                let defined = symbol.st_shndx(endian) != object::elf::SHN_UNDEF;
                if marks || !defined || matches!(symbol.st_type(), STT_FILE | STT_SECTION) {
                    continue;
                }
                all.push(Symbol {
                    address: symbol.st_value(endian),
                    bytes: symbol.st_size(endian),
                    name: String::from_utf8_lossy(name).into_owned(),
                });
            }
            Some(all)
        };
        let mut all = table().unwrap_or_default();
        all.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
        Self(all)
    }

    /// The address of a symbol.
    pub(super) fn address(&self, name: &str) -> Option<u64> {
        let found = self.0.iter().find(|symbol| symbol.name == name)?;
        Some(found.address)
    }

    /// The symbol that an address is in, and the distance from its beginning: the last one that
    /// begins at or before it, unless that has a size and ends before.
    pub(super) fn at(&self, address: u64) -> Option<String> {
        let after = self.0.partition_point(|symbol| symbol.address <= address);
        let symbol = &self.0[after.checked_sub(1)?];
        let offset = address - symbol.address;
        if symbol.bytes != 0 && offset >= symbol.bytes {
            return None;
        }
        Some(match offset {
            0 => symbol.name.clone(),
            _ => format!("{}+{offset:#x}", symbol.name),
        })
    }
}

/// A file in memory.
pub(super) struct Image {
    pub(super) ram: Ram,
    pub(super) entry: u64,
    /// Address after the segments.
    pub(super) end: u64,
    pub(super) symbols: Symbols,
    /// Where the program headers are in memory, the size of one and how many there are.
    pub(super) headers: Option<(u64, u64, u64)>,
}

fn malformed(part: &'static str) -> impl Fn(object::Error) -> Error {
    move |error| Error::Malformed {
        part,
        reason: error.to_string(),
    }
}

impl Image {
    /// Puts the segments of a file into memory, with the heap and the stack after them.
    pub(super) fn load(file: &[u8], options: &Options) -> Result<Self, Error> {
        let header = FileHeader64::<LittleEndian>::parse(file).map_err(malformed("header"))?;
        let endian = header.endian().map_err(malformed("header"))?;
        if header.e_machine(endian) != EM_RISCV {
            return Err(Error::Unsupported("not for RISC-V"));
        }
        if header.e_type(endian) != ET_EXEC {
            return Err(Error::Unsupported("not a statically linked executable"));
        }
        let segments = header
            .program_headers(endian, file)
            .map_err(malformed("program headers"))?;
        if segments
            .iter()
            .any(|segment| segment.p_type(endian) == PT_INTERP)
        {
            return Err(Error::Unsupported("dynamically linked"));
        }
        let loaded = || {
            let segments = segments.iter().enumerate();
            segments.filter(|(_, segment)| {
                segment.p_type(endian) == PT_LOAD && segment.p_memsz(endian) != 0
            })
        };
        let Some(base) = loaded().map(|(_, segment)| segment.p_vaddr(endian)).min() else {
            return Err(Error::Unsupported("nothing to load"));
        };
        let base = base & !0xfff;
        let mut end = base;
        for (index, segment) in loaded() {
            let (address, bytes) = (segment.p_vaddr(endian), segment.p_memsz(endian));
            let segment_end = address
                .checked_add(bytes)
                .filter(|end| end - base <= SPAN_BYTES_MAX);
            let fits = segment.p_filesz(endian) <= bytes;
            let Some(segment_end) = segment_end.filter(|_| fits) else {
                return Err(Error::Segment {
                    index,
                    address,
                    bytes,
                });
            };
            end = end.max(segment_end);
        }
        let heap_bytes = options.heap_bytes.min(SPAN_BYTES_MAX);
        let bytes = (end - base + heap_bytes + STACK_BYTES).next_multiple_of(4096);
        if base
            .checked_add(bytes)
            .is_none_or(|end| end > weft_isa::abi::SHARED_WINDOW)
        {
            return Err(Error::Segment {
                index: 0,
                address: base,
                bytes,
            });
        }
        let mut ram = Ram::new(base, bytes);
        let mut headers = None;
        let table = header.e_phoff(endian);
        let shape = (segments.len() as u64, size_of_val(segments) as u64);
        for (index, segment) in segments.iter().enumerate() {
            let (address, offset) = (segment.p_vaddr(endian), segment.p_offset(endian));
            let size = segment.p_filesz(endian);
            match segment.p_type(endian) {
                PT_PHDR => headers = Some(address),
                PT_LOAD if segment.p_memsz(endian) != 0 => {
                    let error = Error::Segment {
                        index,
                        address,
                        bytes: segment.p_memsz(endian),
                    };
                    let Ok(data) = segment.data(endian, file) else {
                        return Err(error);
                    };
                    if !ram.write(address, data) {
                        return Err(error);
                    }
                    let covers = table >= offset && table - offset <= size.saturating_sub(shape.1);
                    if headers.is_none() && covers {
                        headers = Some(address + (table - offset));
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            ram,
            entry: header.e_entry(endian),
            end,
            symbols: Symbols::of(header, endian, file),
            headers: headers.map(|at| (at, shape.1 / shape.0.max(1), shape.0)),
        })
    }
}
