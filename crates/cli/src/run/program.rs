//! A look at the program before it starts: what it holds that cannot run here.
//!
//! Only its file is read, and only warnings come of it. A script or an interpreter says nothing
//! about the CUDA it will use, so silence is no promise.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use weft_ptx::elf::{HostProgram, Runtime};
use weft_ptx::fatbin::Kind;

/// Something in a program that will not work, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Concern {
    /// What will not work.
    pub(super) message: String,
    /// What would.
    pub(super) hint: &'static str,
}

/// Looks at `program` as `PATH` would find it.
pub(super) fn concern(program: &OsStr) -> Option<Concern> {
    let path = find(program)?;
    let bytes = read_elf(&path)?;
    let host = HostProgram::parse(&bytes).ok()?;
    let kinds: Vec<Kind> = host
        .entries(&bytes)
        .ok()?
        .iter()
        .map(|entry| entry.kind)
        .collect();
    judge(&path, &host.runtime, &kinds)
}

/// What a program with this runtime and these entries in its fatbins cannot do.
fn judge(path: &Path, runtime: &Runtime, kinds: &[Kind]) -> Option<Concern> {
    let name = path.display();
    if *runtime == Runtime::Static {
        return Some(Concern {
            message: format!(
                "{name} carries Nvidia's CUDA runtime, which accepts only Nvidia's driver"
            ),
            hint: "relink the program with `nvcc -cudart shared`; its source does not change",
        });
    }
    if !kinds.is_empty() && !kinds.contains(&Kind::Ptx) {
        return Some(Concern {
            message: format!("{name} carries machine code for Nvidia GPUs only, and no PTX"),
            hint: "build it with PTX, as in `nvcc -gencode arch=compute_80,code=compute_80`",
        });
    }
    None
}

/// The file that `PATH` gives for a name without a slash, or the name itself.
fn find(program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return Some(path.to_path_buf());
    }
    let directories = env::var_os("PATH")?;
    env::split_paths(&directories)
        .map(|directory| directory.join(path))
        .find(|candidate| candidate.is_file())
}

/// The bytes of `path` if it is an ELF file.
fn read_elf(path: &Path) -> Option<Vec<u8>> {
    const MAGIC: [u8; 4] = *b"\x7fELF";
    let mut magic = [0; MAGIC.len()];
    File::open(path).ok()?.read_exact(&mut magic).ok()?;
    if magic != MAGIC {
        return None;
    }
    fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// An x86-64 executable with nothing but these sections.
    fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
        const HEADER_BYTES: usize = 64;
        let mut names = vec![0_u8];
        let mut contents: Vec<u8> = Vec::new();
        // The null section comes first, the table of names last.
        let mut headers = vec![0_u8; HEADER_BYTES];
        let mut add = |name: &str, kind: u32, bytes: &[u8], names: &mut Vec<u8>| {
            let name_offset = u32::try_from(names.len()).unwrap();
            names.extend(name.as_bytes());
            names.push(0);
            let bytes = if kind == 3 { names.as_slice() } else { bytes };
            let offset = (HEADER_BYTES + contents.len()) as u64;
            headers.extend(name_offset.to_le_bytes());
            headers.extend(kind.to_le_bytes());
            headers.extend([0; 16]);
            headers.extend(offset.to_le_bytes());
            headers.extend((bytes.len() as u64).to_le_bytes());
            headers.extend([0; 24]);
            contents.extend(bytes);
        };
        for (name, bytes) in sections {
            add(name, 1, bytes, &mut names);
        }
        add(".shstrtab", 3, &[], &mut names);
        let count = u16::try_from(sections.len() + 2).unwrap();

        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend(2_u16.to_le_bytes());
        file.extend(62_u16.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend([0; 16]);
        file.extend(((HEADER_BYTES + contents.len()) as u64).to_le_bytes());
        file.extend([0; 4]);
        for half in [64, 0, 0, 64, count, count - 1] {
            file.extend(half.to_le_bytes());
        }
        file.extend(contents);
        file.extend(headers);
        file
    }

    /// A fatbin with one entry of `kind`: 1 PTX, 2 machine code.
    fn fatbin(kind: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(0xBA55_ED50_u32.to_le_bytes());
        bytes.extend([1, 0, 16, 0]);
        bytes.extend((64_u64 + 8).to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend([1, 1, 64, 0, 0, 0]);
        bytes.extend(8_u64.to_le_bytes());
        bytes.extend([0; 48 - 8]);
        bytes.extend([0; 8]);
        bytes.extend(*b"contents");
        bytes
    }

    fn message(file: &[u8]) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        fs::write(&path, file).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        concern(path.as_os_str()).map(|concern| concern.message)
    }

    #[test]
    fn a_program_with_the_runtime_inside_is_told_to_relink() {
        let message = message(&elf(&[(".nv_fatbin", &fatbin(1))])).unwrap();
        assert!(
            message.contains("carries Nvidia's CUDA runtime"),
            "{message}"
        );
    }

    #[test]
    fn a_program_without_ptx_is_told_to_build_it() {
        let shared = Runtime::Shared("libcudart.so.13".to_owned());
        let judge = |kinds: &[Kind]| judge(Path::new("p"), &shared, kinds);
        assert!(judge(&[Kind::Elf]).unwrap().message.contains("no PTX"));
        assert_eq!(judge(&[Kind::Elf, Kind::Ptx]), None);
        assert_eq!(judge(&[]), None);
    }

    #[test]
    fn other_programs_are_no_concern() {
        assert_eq!(message(&elf(&[(".text", b"code")])), None);
        assert_eq!(message(b"#!/bin/sh\n"), None);
        assert_eq!(message(b""), None);
        assert_eq!(message(b"\x7fELF and no more"), None);
        assert_eq!(concern(OsStr::new("/no/such/program")), None);
    }

    #[test]
    fn names_without_a_slash_are_looked_up() {
        assert!(find(OsStr::new("sh")).unwrap().is_absolute());
        assert_eq!(find(OsStr::new("./sh")), Some(PathBuf::from("./sh")));
        assert_eq!(find(OsStr::new("no-such-program-anywhere")), None);
    }
}
