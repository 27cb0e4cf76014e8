//! `weft run` as a user sees it: exit statuses, streams, signals, environment, reports.
//!
//! The programs here are shell scripts and no library is loaded: an empty file stands for it
//! beside a link to the command. `tests/demo.rs` runs kernels.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// An installed `weft` with a library beside it, and a place for its cache.
struct Installed {
    directory: TempDir,
}

impl Installed {
    fn new() -> Self {
        let installed = Self::without_library();
        fs::write(installed.path("libcuda.so"), b"").unwrap();
        installed
    }

    fn without_library() -> Self {
        // A link, not a copy: a file that is open for writing in any process, such as one that
        // another test has just forked, cannot be executed.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_weft"), directory.path().join("weft")).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `weft run ARGUMENTS`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("weft"));
        command.arg("run").args(arguments);
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `weft run OPTIONS -- sh -c SCRIPT`.
    fn script(&self, options: &[&str], script: &str) -> Output {
        self.run(&[options, &["--", "sh", "-c", script]].concat())
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A script that leaves a report of one launch, as the library does for each process.
fn reporting(kernel: &str) -> String {
    format!(
        r#"cat > "$WEFT_REPORT_DIR/report-{kernel}.json" <<END
{{"chip": {{"name": "W1"}}, "kernels": [{{"name": "{kernel}", "launches": 1, "ctas": 2, "warps": 8,
"instructions": {{"vector_int": 40}}, "bytes_read": 2048, "bytes_written": 1024,
"shared_bytes": 0, "host_seconds": 0.5}}], "launches": 1}}
END"#
    )
}

#[test]
fn the_exit_status_is_the_programs() {
    let weft = Installed::new();
    assert_eq!(weft.script(&[], "exit 0").status.code(), Some(0));
    assert_eq!(weft.script(&[], "exit 3").status.code(), Some(3));
    assert_eq!(
        weft.script(&[], "kill -KILL $$").status.code(),
        Some(128 + 9)
    );
}

#[test]
fn stdout_belongs_to_the_program() {
    let weft = Installed::new();
    let output = weft.script(
        &[],
        &format!("echo data; echo noise >&2; {}", reporting("add")),
    );
    assert_eq!(stdout(&output), "data\n");
    assert!(stderr(&output).starts_with("noise\n"));
}

#[test]
fn arguments_and_stdin_reach_the_program() {
    let weft = Installed::new();
    let output = weft.run(&["printf", "%s|", "--report", "a b", ""]);
    assert_eq!(stdout(&output), "--report|a b||");
    let mut child = weft
        .command(&["cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed").unwrap();
    assert_eq!(stdout(&child.wait_with_output().unwrap()), "typed");
}

#[test]
fn a_program_that_cannot_start_has_a_status_of_its_own() {
    let weft = Installed::new();
    let absent = weft.run(&["--", "./no-such-program"]);
    assert_eq!(absent.status.code(), Some(127));
    assert!(stderr(&absent).contains("failed to start ./no-such-program"));
    let text = weft.path("text");
    fs::write(&text, "no program").unwrap();
    let refused = weft.run(&["--", text.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(126));
}

#[test]
fn a_missing_library_is_told_with_a_hint() {
    let output = Installed::without_library().script(&[], "echo ran");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("error: found no libcuda.so"));
    assert!(stderr(&output).contains("\n\nhint: cargo build --release"));
}

#[test]
fn the_loader_finds_the_library_first() {
    let weft = Installed::new();
    let path = |before: Option<&str>| {
        let mut command = weft.command(&["sh", "-c", "printf %s \"$LD_LIBRARY_PATH\""]);
        if let Some(before) = before {
            command.env("LD_LIBRARY_PATH", before);
        }
        stdout(&command.output().unwrap())
    };
    let alone = path(None);
    let library = fs::canonicalize(Path::new(&alone).join("libcuda.so.1")).unwrap();
    assert_eq!(library, fs::canonicalize(weft.path("libcuda.so")).unwrap());
    assert_eq!(path(Some("/before")), format!("{alone}:/before"));
}

#[test]
fn options_reach_the_library_through_the_environment() {
    let weft = Installed::new();
    let show = "echo $WEFT_THREADS $WEFT_CC $WEFT_TRACE";
    let options = ["--engine-threads", "2", "--cc", "9.0", "--trace-calls"];
    assert_eq!(stdout(&weft.script(&options, show)), "2 9.0 1\n");
}

#[test]
fn bad_options_are_refused_before_anything_runs() {
    let weft = Installed::new();
    for options in [
        &["--cc", "89"][..],
        &["--engine-threads", "0"],
        &["--engine-threads", "many"],
        &["--no-such-option"],
    ] {
        let output = weft.script(options, "echo ran");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert_eq!(stdout(&output), "", "{options:?}");
    }
    assert_eq!(weft.run(&[]).status.code(), Some(2));
}

#[test]
fn a_signal_reaches_the_program() {
    let weft = Installed::new();
    let script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = weft
        .command(&["sh", "-c", script])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "caught\n");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn a_program_without_kernels_is_told_so() {
    let output = Installed::new().script(&[], "true");
    assert!(stderr(&output).contains("warning: no kernel was launched"));
}

#[test]
fn reports_of_all_processes_are_summed_up() {
    let weft = Installed::new();
    let both = format!("{}\n{}", reporting("add"), reporting("mul"));
    let text = stderr(&weft.script(&[], &both));
    for row in ["\nadd ", "\nmul ", "\ntotal "] {
        assert!(text.contains(row), "{row:?} in {text}");
    }
    assert!(text.contains("instructions: vector_int 100.0 %"), "{text}");
}

#[test]
fn a_report_can_be_kept_as_json() {
    let weft = Installed::new();
    let file = weft.path("report.json");
    let output = weft.script(&["--report", file.to_str().unwrap()], &reporting("add"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(report["chip"]["name"], "W1");
    assert_eq!(report["kernels"][0]["name"], "add");
    assert_eq!(report["kernels"][0]["instructions"]["vector_int"], 40);
}

#[test]
fn a_report_that_cannot_be_read_or_written_is_a_failure() {
    let weft = Installed::new();
    let broken = "echo '{' > $WEFT_REPORT_DIR/report-1.json";
    let output = weft.script(&[], broken);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("failed to read the report"));
    // The program's own failure comes first.
    let output = weft.script(&[], &format!("{broken}; exit 4"));
    assert_eq!(output.status.code(), Some(4));
    let output = weft.script(&["--report", "/no/such/directory/r.json"], "true");
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("/no/such/directory/r.json"));
}
