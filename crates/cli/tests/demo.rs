//! The whole path: the demo program under `weft run`, on the libraries that are shipped.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Builds what lies beside `weft` when it is shipped, in the profile of this test.
fn build_companions(weft: &Path) {
    let directory = weft.parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "weft-cuda", "--package", "weft-demo"]);
    cargo.arg("--target-dir").arg(directory.parent().unwrap());
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
}

#[test]
fn a_cuda_program_gets_right_answers_and_a_report() {
    let weft = Path::new(env!("CARGO_BIN_EXE_weft"));
    build_companions(weft);
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.json");
    let output = Command::new(weft)
        .args(["run", "--report"])
        .arg(&report)
        .arg("--")
        .arg(weft.with_file_name("weft-demo"))
        .env("XDG_CACHE_HOME", directory.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    assert_eq!(stderr, "");
    assert_eq!(stdout.matches("right: all").count(), 3, "{stdout}");

    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let kernels = report["kernels"].as_array().unwrap();
    let names: Vec<&str> = kernels
        .iter()
        .map(|k| k["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mandelbrot", "matmul_tiled", "vector_add"]);
    let add = &kernels[2];
    // 1,000,003 threads in blocks of 256: 3,907 CTAs of 8 warps. Two floats read by each
    // thread and one written; the kernel's parameters are read besides.
    assert_eq!(add["ctas"], 3907);
    assert_eq!(add["warps"], 3907 * 8);
    assert_eq!(add["bytes_written"], 4 * 1_000_003);
    assert!(add["bytes_read"].as_u64().unwrap() >= 8 * 1_000_003);
}

#[test]
fn a_newer_target_is_refused_by_an_older_device() {
    let weft = Path::new(env!("CARGO_BIN_EXE_weft"));
    build_companions(weft);
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(weft)
        .args(["run", "--cc", "7.5", "--"])
        .arg(weft.with_file_name("weft-demo"))
        .env("XDG_CACHE_HOME", directory.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cuModuleLoadData failed with"), "{stderr}");
    assert!(
        stderr.contains("warning: no kernel was launched"),
        "{stderr}"
    );
}

#[test]
fn counts_are_the_same_for_any_number_of_host_threads() {
    let weft = Path::new(env!("CARGO_BIN_EXE_weft"));
    build_companions(weft);
    let directory = tempfile::tempdir().unwrap();
    let report = |threads: &str| {
        let path = directory.path().join(format!("report-{threads}.json"));
        let status = Command::new(weft)
            .args(["run", "--report"])
            .arg(&path)
            .arg("--")
            .arg(weft.with_file_name("weft-demo"))
            .env("XDG_CACHE_HOME", directory.path())
            .env("WEFT_THREADS", threads)
            .output()
            .unwrap()
            .status;
        assert!(status.success(), "{threads} threads");
        let mut report: serde_json::Value =
            serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for kernel in report["kernels"].as_array_mut().unwrap() {
            // The one field that is the host's.
            assert!(
                kernel
                    .as_object_mut()
                    .unwrap()
                    .remove("host_seconds")
                    .is_some()
            );
        }
        report
    };
    let alone = report("1");
    assert_eq!(report("2"), alone);
    assert_eq!(report("5"), alone);
}
