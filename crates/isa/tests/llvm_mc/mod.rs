//! Running `llvm-mc`, the oracle of encodings and syntax.
//!
//! Tests that use it need LLVM 22 (`llvm-mc-22`, or the program that the environment variable
//! `LLVM_MC` names). Without it they say so on standard error and pass, except where `CI` is
//! set.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Every extension of the table that LLVM knows.
const ATTRIBUTES: &str = "-mattr=+m,+a,+f,+d,+v,+zvl1024b,+zba,+zbb,+zbs,+zicond,+zfh,+zvfh,\
    +zvbb,+zfa,+zvfbfmin,+zvfbfwma,+zacas,+zabha,+zawrs,+zihintpause,+experimental-zvqdotq,\
    +xsfmmbase,+xsfmm32a8i,+xsfmm32a16f,+xsfmm32a32f";

/// Runs `llvm-mc` with this input; standard output and standard error.
pub(crate) fn run(arguments: &[&str], input: &str) -> (String, String) {
    let mut child = Command::new(program())
        .args(["-triple=riscv64", ATTRIBUTES])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

fn program() -> String {
    std::env::var("LLVM_MC").unwrap_or_else(|_| "llvm-mc-22".to_owned())
}

/// Whether LLVM 22 is there. If not, says so where it cannot be missed.
pub(crate) fn llvm_is_present(test: &str) -> bool {
    let version = Command::new(program()).arg("--version").output();
    let reason = match version {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("LLVM version 22.") => {
            return true;
        }
        Ok(_) => format!("`{}` is not LLVM 22", program()),
        Err(error) => format!("cannot run `{}`: {error}", program()),
    };
    assert!(
        std::env::var_os("CI").is_none(),
        "{test} must not be skipped here: {reason}"
    );
    // Not `eprintln!`, which the test harness would keep to itself.
    let message = format!("SKIPPED {test}: {reason}; install the package llvm-22\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    false
}
