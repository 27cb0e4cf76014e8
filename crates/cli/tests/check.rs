//! `weft check` on files made here.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";
const GOOD: &str = ".visible .entry good() { ret; }\n";
const LACKING: &str = "
.visible .entry lacking() {
    .reg .b64 %rd<2>;
    tensormap.cp_fenceproxy [%rd0], [%rd0], 128;
    ret;
}
";

/// Exit status and JSON of a check.
fn check(path: &Path) -> (i32, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(["check", "--json"])
        .arg(&json)
        .arg(path)
        .output()
        .unwrap();
    let text = fs::read(&json).unwrap_or_else(|_| b"null".to_vec());
    let report = serde_json::from_slice(&text).unwrap();
    (output.status.code().unwrap(), report)
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.ptx");
    fs::write(&path, format!("{HEAD}{GOOD}{LACKING}")).unwrap();
    let (status, report) = check(&path);
    assert_eq!(status, 1);
    let file = &report["files"][0];
    assert_eq!(file["verdict"], "partly");
    assert_eq!(file["kernels"], 2);
    let failure = &file["failures"][0];
    assert_eq!(failure["kernel"], "lacking");
    assert_eq!(failure["line"], 8);
    let instruction = failure["instruction"].as_str().unwrap();
    assert!(instruction.starts_with("tensormap"), "{instruction}");
    assert_eq!(report["instructions"][instruction], 1);
}

#[test]
fn a_folder_is_complete_when_all_its_kernels_compile() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.ptx"), format!("{HEAD}{GOOD}")).unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    let (status, report) = check(folder.path());
    assert_eq!(status, 0, "{report}");
    assert_eq!(report["files"].as_array().unwrap().len(), 1);
    assert_eq!(report["files"][0]["verdict"], "runs");
}

#[test]
fn a_path_that_is_not_there_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (status, report) = check(&folder.path().join("absent"));
    assert_eq!(status, 2);
    assert!(report.is_null());
}
