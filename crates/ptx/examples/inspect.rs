//! Says what PTX files, fatbins and host programs hold, and parses every PTX in them:
//! `cargo run -p weft-ptx --example inspect -- FILE...`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, time::Instant};

use weft_ptx::{
    elf::{self, HostProgram, Image},
    fatbin::{self, Entry},
    parse_with_errors,
    source::render_all,
};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        match elf::classify(&bytes) {
            Ok(Image::Ptx) => parse(&path, &bytes),
            Ok(Image::Fatbin) => list(&path, &fatbin::entries(&bytes, 0)?)?,
            Ok(Image::OtherElf(_)) => {
                let program = HostProgram::parse(&bytes)?;
                println!(
                    "{path}: needs {:?}, runtime {:?}",
                    program.needed, program.runtime
                );
                list(&path, &program.entries(&bytes)?)?;
            }
            Ok(image @ (Image::FatbinWrapper | Image::MachineCode)) => {
                println!("{path}: {image:?}")
            }
            Err(error) => println!("{path}: {error}"),
        }
    }
    Ok(())
}

fn list(path: &str, entries: &[Entry<'_>]) -> Result<(), Box<dyn Error>> {
    for entry in entries {
        let Entry {
            offset,
            kind,
            arch,
            version,
            compression,
            payload,
            ..
        } = entry;
        let contents = entry.contents()?;
        println!(
            "{path}+0x{offset:x}: {kind:?} sm_{arch} {}.{}, {compression:?} {} -> {} bytes",
            version.0,
            version.1,
            payload.len(),
            contents.len(),
        );
        if *kind == fatbin::Kind::Ptx {
            parse(&format!("{path}+0x{offset:x}"), &contents);
        }
    }
    Ok(())
}

fn parse(name: &str, source: &[u8]) {
    let start = Instant::now();
    let (module, errors) = parse_with_errors(source);
    let elapsed = start.elapsed();
    print!("{}", render_all(name, source, &errors));
    println!(
        "{name}: target {:?}, {} directives, {} errors, {} bytes in {elapsed:.1?}",
        module.target,
        module.directives.len(),
        errors.len(),
        source.len(),
    );
}
