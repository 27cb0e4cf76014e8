//! Fatbins and ELF files: right ones are read, wrong ones give located errors.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use weft_ptx::{
    ContainerCause, ContainerError,
    elf::{HostProgram, Image, Runtime, classify},
    fatbin::{Compression, Kind, describe, entries, select_ptx, size},
    fuzz::{Entry, Random, TEXT, check_fatbin, check_image, elf, fatbin, mutate},
};

/// The cause of the error that reading a fatbin gives.
#[track_caller]
fn cause(bytes: &[u8]) -> ContainerCause {
    let read = entries(bytes, 0).and_then(|entries| {
        entries
            .iter()
            .try_for_each(|entry| entry.contents().map(drop))
    });
    read.unwrap_err().cause
}

#[test]
fn entries_are_read_whatever_their_compression() {
    let bytes = fatbin(&[
        Entry::machine_code(75),
        Entry::raw(80, TEXT),
        Entry::lz4(80),
        Entry::zstd(90),
    ]);
    assert_eq!(size(&bytes), Ok(bytes.len() as u64));
    let longer = [&bytes[..], b"what follows"].concat();
    let entries = entries(&longer, 0).unwrap();
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.kind, e.arch, e.version, e.compression))
        .collect();
    assert_eq!(
        seen,
        [
            (Kind::Elf, 75, (8, 0), Compression::None),
            (Kind::Ptx, 80, (8, 0), Compression::None),
            (Kind::Ptx, 80, (8, 0), Compression::Lz4),
            (Kind::Ptx, 90, (8, 0), Compression::Zstd),
        ]
    );
    for entry in &entries[1..] {
        assert_eq!(
            *entry.contents().unwrap(),
            *TEXT.as_bytes(),
            "{:?}",
            entry.compression
        );
    }
}

#[test]
fn every_cut_is_an_error() {
    let bytes = fatbin(&[Entry::lz4(80), Entry::zstd(90)]);
    for length in 0..bytes.len() {
        let what = cause(&bytes[..length]);
        assert!(
            matches!(what, ContainerCause::Truncated { .. }),
            "{length}: {what:?}"
        );
    }
    for length in 1..bytes.len() - 16 {
        // The header tells the truth about a shorter body.
        let mut short = bytes[..16 + length].to_vec();
        short[8..16].copy_from_slice(&(length as u64).to_le_bytes());
        if length != 72 + 228 + 5 {
            let what = cause(&short);
            assert!(
                matches!(what, ContainerCause::Truncated { .. }),
                "{length}: {what:?}"
            );
        }
    }
}

#[test]
fn wrong_headers_are_errors() {
    let good = fatbin(&[Entry::zstd(80)]);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        cause(&bytes)
    };
    assert_eq!(
        with(0, 0),
        ContainerCause::BadMagic {
            what: "fatbin",
            found: 0xba55_ed00
        }
    );
    assert_eq!(
        with(4, 2),
        ContainerCause::BadField {
            what: "fatbin version",
            found: 2
        }
    );
    assert_eq!(
        with(6, 24),
        ContainerCause::BadField {
            what: "fatbin header size",
            found: 24
        }
    );
    assert_eq!(
        with(16 + 4, 63),
        ContainerCause::BadField {
            what: "entry header size",
            found: 63
        }
    );
    assert_eq!(with(16 + 41, 0), ContainerCause::UnknownCompression(0x11));
    assert_eq!(
        with(16 + 41, 0xa0),
        ContainerCause::UnknownCompression(0xa011)
    );
    assert!(matches!(
        with(16 + 15, 0x80),
        ContainerCause::Truncated { what: "entry", .. }
    ));
    let bytes = fatbin(&[
        Entry::raw(80, TEXT),
        Entry {
            header_size: 8,
            ..Entry::zstd(90)
        },
    ]);
    let error = entries(&bytes, 0x1000);
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "entry header size is 8 (at offset 0x{:x})",
            0x1000 + 16 + 64 + TEXT.len().next_multiple_of(8)
        )
    );
}

#[test]
fn wrong_sizes_and_wrong_data_do_not_expand() {
    let declared = TEXT.len() as u64;
    for entry in [Entry::lz4, Entry::zstd] {
        let short = Entry {
            expanded_size: declared - 1,
            ..entry(80)
        };
        let what = cause(&fatbin(&[short]));
        assert!(
            matches!(
                what,
                ContainerCause::SizeMismatch { .. } | ContainerCause::Decompression { .. }
            ),
            "{what:?}"
        );
        let long = Entry {
            expanded_size: declared + 1,
            ..entry(80)
        };
        assert_eq!(
            cause(&fatbin(&[long])),
            ContainerCause::SizeMismatch {
                declared: declared + 1,
                found: declared
            }
        );
        let vast = cause(&fatbin(&[Entry {
            expanded_size: u64::MAX,
            ..entry(80)
        }]));
        assert!(
            matches!(vast, ContainerCause::TooLarge { size: u64::MAX, .. }),
            "{vast:?}"
        );
        let mut broken = entry(80);
        broken.payload.truncate(100);
        broken.compressed_size = 100;
        let what = cause(&fatbin(&[broken]));
        assert!(
            matches!(what, ContainerCause::Decompression { .. }),
            "{what:?}"
        );
    }
    // A zstd frame is expanded no further than the header says, however much it holds.
    let bomb = Entry {
        flags: 0x2011,
        ..Entry::zstd(80)
    };
    assert!(matches!(
        cause(&fatbin(&[bomb])),
        ContainerCause::Decompression { method: "LZ4", .. }
    ));
}

#[test]
fn the_highest_architecture_that_fits_is_chosen() {
    let text = |arch: &str| TEXT.replace("sm_80", arch);
    let bytes = fatbin(&[
        Entry::machine_code(89),
        Entry::raw(75, &text("sm_75")),
        Entry::raw(86, &text("sm_86")),
        Entry::raw(90, &text("sm_90a")),
        Entry::raw(100, &text("sm_100f")),
    ]);
    let entries = entries(&bytes, 0).unwrap();
    let chosen = |capability| {
        let ptx = select_ptx(&entries, capability).unwrap();
        weft_ptx::parse(&ptx).unwrap().target.concat()
    };
    assert_eq!(chosen(75), "sm_75");
    assert_eq!(chosen(80), "sm_75");
    assert_eq!(chosen(89), "sm_86");
    assert_eq!(chosen(90), "sm_86");
    assert_eq!(chosen(120), "sm_86");
    assert_eq!(
        select_ptx(&entries, 70).unwrap_err().to_string(),
        "no PTX for compute capability 7.0: there is machine code for sm_89, PTX for sm_75, PTX for sm_86, \
         PTX for sm_90a, PTX for sm_100f (at offset 0x10)"
    );
    assert_eq!(describe(&[]), "the fatbin is empty");
}

#[test]
fn images_are_told_apart() {
    let unknown = || Err(ContainerError::new(0, ContainerCause::UnknownFormat));
    assert_eq!(classify(TEXT.as_bytes()), Ok(Image::Ptx));
    assert_eq!(
        classify(b"\n\n//\n// Generated by hand\n/* */ .version 8.0\n\0"),
        Ok(Image::Ptx)
    );
    assert_eq!(classify(&fatbin(&[])), Ok(Image::Fatbin));
    assert_eq!(
        classify(b"\xb1\x43\x62\x46\x01\0\0\0"),
        Ok(Image::FatbinWrapper)
    );
    assert_eq!(classify(&elf(190, &[], None)), Ok(Image::MachineCode));
    assert_eq!(classify(&elf(62, &[], None)), Ok(Image::OtherElf(62)));
    assert_eq!(classify(b"int main() {}"), unknown());
    assert_eq!(classify(b""), unknown());
    assert_eq!(classify(b"\xff\xff\xff\xff .version"), unknown());
    assert!(matches!(
        classify(b"\x7fELF").unwrap_err().cause,
        ContainerCause::Truncated { .. }
    ));
}

#[test]
fn host_programs_say_how_they_use_cuda() {
    let runtime = |libraries: &[&str], section: Option<&[u8]>| {
        HostProgram::parse(&elf(62, libraries, section))
            .unwrap()
            .runtime
    };
    let section = fatbin(&[Entry::zstd(80)]);
    assert_eq!(runtime(&["libc.so.6"], None), Runtime::None);
    assert_eq!(runtime(&["libc.so.6"], Some(&section)), Runtime::Static);
    assert_eq!(runtime(&["libcuda.so.1"], Some(&section)), Runtime::Driver);
    let shared = Runtime::Shared("libcudart.so.13".to_owned());
    assert_eq!(
        runtime(&["libcudart.so.13", "libcuda.so.1"], Some(&section)),
        shared
    );
}

#[test]
fn fatbins_of_host_programs_are_found() {
    let first = fatbin(&[Entry::zstd(80), Entry::machine_code(80)]);
    let second = fatbin(&[Entry::raw(90, TEXT)]);
    let section = [&first[..], &[0; 24], &second, &[0; 8]].concat();
    let file = elf(62, &["libc.so.6", "libm.so.6"], Some(&section));
    let program = HostProgram::parse(&file).unwrap();
    assert_eq!(program.needed, ["libc.so.6", "libm.so.6"]);
    assert_eq!(program.fatbins.len(), 2);
    assert_eq!(file[program.fatbins[0].clone()], first);
    let entries = program.entries(&file).unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.arch).collect::<Vec<_>>(),
        [80, 80, 90]
    );
    assert_eq!(entries[0].offset, program.fatbins[0].start as u64 + 16);

    let file = elf(62, &[], Some(&section[..100]));
    let what = HostProgram::parse(&file).unwrap_err().cause;
    assert!(
        matches!(what, ContainerCause::Truncated { what: "fatbin", .. }),
        "{what:?}"
    );
    let what = HostProgram::parse(&elf(62, &[], Some(b"rubbish, and enough of it")))
        .unwrap_err()
        .cause;
    assert!(matches!(what, ContainerCause::BadMagic { .. }), "{what:?}");
    let what = HostProgram::parse(TEXT.as_bytes()).unwrap_err().cause;
    assert!(matches!(what, ContainerCause::MalformedElf(_)), "{what:?}");
}

#[test]
fn mutated_containers_do_not_break_the_readers() {
    const SEED: u64 = 0x6661_7462_696e;
    let whole = fatbin(&[
        Entry::machine_code(75),
        Entry::raw(80, TEXT),
        Entry::lz4(80),
        Entry::zstd(90),
    ]);
    let host = elf(62, &["libcudart.so.13"], Some(&whole));
    let samples = [
        whole,
        fatbin(&[Entry::zstd(80)]),
        fatbin(&[Entry::lz4(80)]),
        host,
    ];
    let mut random = Random::new(SEED);
    for number in 0..20_000 {
        let bytes = mutate(&mut random, &samples);
        let result = std::panic::catch_unwind(|| {
            check_fatbin(&bytes);
            check_image(&bytes);
        });
        assert!(result.is_ok(), "mutation {number} of seed {SEED:#x}");
    }
}
