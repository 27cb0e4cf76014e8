//! `weft compile` as a user sees it.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A PTX file of the examples.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/ptx")
        .join(name)
}

/// `weft compile FILE OPTIONS`.
fn compile(file: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command.arg("compile").arg(file).args(options);
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `compile` says of this PTX text, which it must refuse.
fn refusal(text: &[u8], options: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kernel.ptx");
    fs::write(&file, text).unwrap();
    let output = compile(&file, options);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    stderr(&output).replace(file.to_str().unwrap(), "kernel.ptx")
}

#[test]
fn the_intermediate_representation_is_shown() {
    let output = compile(&example("vector_add.ptx"), &["--emit", "ir"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("vector_add") && text.contains("FloatBinary(Add, F32"),
        "{text}"
    );
}

#[test]
fn errors_are_shown_with_line_and_caret() {
    let text = fs::read_to_string(example("vector_add.ptx")).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("add.f32"))
        .unwrap()
        + 1;
    let unknown = refusal(text.replace("add.f32", "adb.f32").as_bytes(), &[]);
    assert!(
        unknown.starts_with("error: unknown instruction adb.f32 (not in PTX ISA "),
        "{unknown}"
    );
    assert!(
        unknown.contains(&format!("--> kernel.ptx:{line}:2\n")),
        "{unknown}"
    );
    assert!(unknown.contains(" ^^^^"), "{unknown}");
    assert!(
        unknown.ends_with("error: failed to compile kernel.ptx: 1 error\n"),
        "{unknown}"
    );

    let syntax = refusal(
        text.replacen("ret;", "ret", 1).as_bytes(),
        &["--emit", "ir"],
    );
    assert!(syntax.starts_with("error: expected"), "{syntax}");
    assert!(syntax.contains("--> kernel.ptx:"), "{syntax}");
}

#[test]
fn what_is_not_ptx_is_told_in_a_line() {
    assert!(refusal(b"\x7fELF\0\0", &[]).starts_with("error: kernel.ptx is not PTX text\n"));
    assert!(refusal(b"", &[]).contains("`.version` directive is missing"));
    let empty = b".version 9.0\n.target sm_80\n.address_size 64\n";
    assert_eq!(refusal(empty, &[]), "error: kernel.ptx has no kernel\n");
}

#[test]
fn an_unknown_kernel_is_told_with_those_there_are() {
    let output = compile(&example("vector_add.ptx"), &["--kernel", "subtract"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("has no kernel `subtract`"), "{text}");
    assert!(text.contains("\n\nhint: kernels of"), "{text}");
    assert!(text.ends_with(": vector_add\n"), "{text}");
}

#[test]
fn an_absent_file_is_named() {
    let output = compile(Path::new("no-such-file.ptx"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: failed to read no-such-file.ptx: No such file"));
}

#[test]
fn output_can_go_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kernel.txt");
    let options = ["--emit", "ir", "-o", file.to_str().unwrap()];
    let output = compile(&example("mandelbrot.ptx"), &options);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), "");
    assert!(fs::read_to_string(file).unwrap().contains("mandelbrot"));
    let nowhere = ["--emit", "ir", "-o", "/no/such/directory/kernel.txt"];
    let output = compile(&example("mandelbrot.ptx"), &nowhere);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("failed to write /no/such/directory/kernel.txt"));
}
