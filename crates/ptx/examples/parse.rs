//! Parses PTX files and prints their errors: `cargo run -p weft-ptx --example parse -- FILE...`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{io, time::Instant};

fn main() -> io::Result<()> {
    for path in std::env::args().skip(1) {
        let source = std::fs::read(&path)?;
        let start = Instant::now();
        let (module, errors) = weft_ptx::parse_with_errors(&source);
        let elapsed = start.elapsed();
        print!("{}", weft_ptx::source::render_all(&path, &source, &errors));
        println!(
            "{path}: {} directives, {} errors, {} bytes in {elapsed:.1?}",
            module.directives.len(),
            errors.len(),
            source.len(),
        );
    }
    Ok(())
}
