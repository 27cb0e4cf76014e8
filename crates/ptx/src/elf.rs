//! What a module loader was handed, and what CUDA a host program contains.
//!
//! Nothing here looks into machine code. Host programs are ELF files of 64 bits, little-endian.

use std::ops::Range;

use object::{
    Endianness, Object as _, ObjectSection as _,
    elf::DT_NEEDED,
    read::elf::{Dyn as _, ElfFile64, FileHeader as _},
};

use crate::{
    error::{ContainerCause, ContainerError},
    fatbin::{self, Entry},
};

/// Bytes that [`classify`] needs to tell all formats apart.
pub const PREFIX_SIZE: usize = 20;

/// `e_machine` of a GPU's machine code.
const EM_CUDA: u16 = 190;

const ELF_MAGIC: &[u8] = b"\x7fELF";

/// Sections that hold fatbins, one after another.
const FATBIN_SECTIONS: [&str; 2] = [".nv_fatbin", "__nv_relfatbin"];

/// What the bytes given to a module loader are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// PTX text.
    Ptx,
    /// A wrapper that points at a fatbin in memory.
    FatbinWrapper,
    /// A fatbin.
    Fatbin,
    /// An ELF file of a GPU's machine code, which cannot be run here.
    MachineCode,
    /// An ELF file for another machine, by its number, such as a host program.
    OtherElf(u16),
}

/// Tells what bytes are by how they begin. Of a longer image, [`PREFIX_SIZE`] bytes are enough,
/// unless PTX begins with a comment or blanks: then the text is needed up to its first
/// directive.
///
/// # Errors
/// [`ContainerCause::UnknownFormat`], or [`ContainerCause::Truncated`] for an ELF file without
/// a header.
pub fn classify(bytes: &[u8]) -> Result<Image, ContainerError> {
    if let Some(&magic) = bytes.first_chunk::<4>() {
        match u32::from_le_bytes(magic) {
            fatbin::MAGIC => return Ok(Image::Fatbin),
            fatbin::WRAPPER_MAGIC => return Ok(Image::FatbinWrapper),
            _ => {}
        }
    }
    if bytes.starts_with(ELF_MAGIC) {
        let Some(header) = bytes.first_chunk::<PREFIX_SIZE>() else {
            let (needed, available) = (PREFIX_SIZE as u64, bytes.len() as u64);
            let cause = ContainerCause::Truncated {
                what: "ELF header",
                needed,
                available,
            };
            return Err(ContainerError::new(0, cause));
        };
        // `e_machine`; all files met here are little-endian.
        let machine = u16::from_le_bytes([header[18], header[19]]);
        return Ok(if machine == EM_CUDA {
            Image::MachineCode
        } else {
            Image::OtherElf(machine)
        });
    }
    if crate::parse::begins_module(bytes) {
        return Ok(Image::Ptx);
    }
    Err(ContainerError::new(0, ContainerCause::UnknownFormat))
}

/// How a host program gets at the CUDA runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// It has no CUDA code and needs no CUDA library; it may still load one while it runs.
    None,
    /// It needs this `libcudart.so`.
    Shared(String),
    /// It needs `libcuda.so` only.
    Driver,
    /// It has CUDA code and needs no CUDA library: the runtime must be inside it.
    Static,
}

/// What a host program says about its use of CUDA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProgram {
    /// Libraries it needs, in order.
    pub needed: Vec<String>,
    /// Ranges of the file that hold fatbins, in order.
    pub fatbins: Vec<Range<usize>>,
    /// How it gets at the CUDA runtime.
    pub runtime: Runtime,
}

impl HostProgram {
    /// Reads an executable or shared library.
    ///
    /// # Errors
    /// [`ContainerCause::MalformedElf`] if it is no ELF file of 64 bits or its tables are wrong;
    /// the errors of [`fatbin::size`] if what its section for fatbins holds is something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContainerError> {
        let malformed = |error: object::Error| {
            ContainerError::new(0, ContainerCause::MalformedElf(error.to_string()))
        };
        let file = ElfFile64::<Endianness>::parse(bytes).map_err(malformed)?;
        let needed = needed_libraries(&file, bytes).map_err(malformed)?;
        let mut fatbins = Vec::new();
        for section in file.sections() {
            if !section
                .name()
                .is_ok_and(|name| FATBIN_SECTIONS.contains(&name))
            {
                continue;
            }
            let Some((start, length)) = section.file_range() else {
                continue;
            };
            let range = usize::try_from(start)
                .ok()
                .zip(usize::try_from(start.saturating_add(length)).ok());
            let Some(contents) = range.and_then(|(start, end)| bytes.get(start..end)) else {
                let available = bytes.len() as u64;
                let cause = ContainerCause::Truncated {
                    what: "section of fatbins",
                    needed: length,
                    available,
                };
                return Err(ContainerError::new(start, cause));
            };
            find_fatbins(contents, start, &mut fatbins)?;
        }
        let library = |stem: &str| needed.iter().find(|name| name.starts_with(stem));
        let runtime = if let Some(name) = library("libcudart.so") {
            Runtime::Shared(name.clone())
        } else if library("libcuda.so").is_some() {
            Runtime::Driver
        } else if fatbins.is_empty() {
            Runtime::None
        } else {
            Runtime::Static
        };
        Ok(Self {
            needed,
            fatbins,
            runtime,
        })
    }

    /// The entries of all fatbins; `bytes` are those that were parsed.
    ///
    /// # Errors
    /// Those of [`fatbin::entries`].
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Entry<'a>>, ContainerError> {
        let mut all = Vec::new();
        for range in &self.fatbins {
            let fatbin = bytes.get(range.clone()).unwrap_or_default();
            all.extend(fatbin::entries(fatbin, range.start as u64)?);
        }
        Ok(all)
    }
}

/// Walks through fatbins that lie one after another, padding between them.
fn find_fatbins(
    section: &[u8],
    base: u64,
    fatbins: &mut Vec<Range<usize>>,
) -> Result<(), ContainerError> {
    let mut at = 0;
    loop {
        let rest = &section[at..];
        let Some(padding) = rest.iter().position(|&byte| byte != 0) else {
            return Ok(());
        };
        at += padding;
        let offset = base + at as u64;
        let rest = &section[at..];
        let size = fatbin::size(rest).map_err(|error| ContainerError::new(offset, error.cause))?;
        let Some(length) = usize::try_from(size)
            .ok()
            .filter(|&length| length <= rest.len())
        else {
            let available = rest.len() as u64;
            let cause = ContainerCause::Truncated {
                what: "fatbin",
                needed: size,
                available,
            };
            return Err(ContainerError::new(offset, cause));
        };
        // The section was found in the file, so its offsets fit.
        if let Ok(start) = usize::try_from(offset) {
            fatbins.push(start..start + length);
        }
        at += length;
    }
}

/// Names of the `DT_NEEDED` entries.
fn needed_libraries(file: &ElfFile64<'_, Endianness>, bytes: &[u8]) -> object::Result<Vec<String>> {
    let endian = file.endian();
    let header = file.elf_header();
    let sections = header.sections(endian, bytes)?;
    let mut names = Vec::new();
    if let Some((dynamic, link)) = sections.dynamic(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        for entry in dynamic {
            if entry.tag(endian) == DT_NEEDED {
                let name = entry.string(endian, strings)?;
                names.push(String::from_utf8_lossy(name).into_owned());
            }
        }
    }
    Ok(names)
}
