//! Which crate of ours may depend on which, and which may hold `unsafe`.
//!
//! The table is the authority; ARCHITECTURE.md explains it. A crate that is not in the table
//! may not exist, so a new crate begins with a decision written down here.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What `cargo metadata --no-deps` says of the workspace, as far as it is used here.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
    /// Present when the dependency is a crate of this workspace.
    path: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: String,
}

/// What one crate may do.
struct Rule {
    name: &'static str,
    /// Crates of ours it may use.
    uses: &'static [&'static str],
    /// Crates of ours that its tests may use besides.
    tests_use: &'static [&'static str],
    /// Whether it may use crates from outside at all.
    outside: bool,
    /// Whether its roots must say `#![forbid(unsafe_code)]`.
    forbids_unsafe: bool,
}

/// Every crate of the workspace. Nobody uses `weft-cli` or `xtask`: they appear in no list.
const RULES: &[Rule] = &[
    Rule {
        name: "weft-isa",
        uses: &[],
        tests_use: &[],
        outside: false,
        forbids_unsafe: true,
    },
    Rule {
        name: "weft-chip",
        uses: &["weft-isa"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-ptx",
        uses: &[],
        // Itself, with the oracles of the fuzz targets.
        tests_use: &["weft-ptx"],
        outside: true,
        forbids_unsafe: true,
    },
    Rule {
        name: "weft-compiler",
        uses: &["weft-isa", "weft-ptx"],
        // Compiled file tests run on the chip; the compiler itself must not be able to.
        tests_use: &["weft-chip"],
        outside: true,
        forbids_unsafe: true,
    },
    Rule {
        name: "weft-driver",
        uses: &["weft-chip", "weft-compiler", "weft-isa", "weft-ptx"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-cuda",
        uses: &["weft-driver"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    // The runtime API finds the driver as any runtime does: by opening libcuda.so.1.
    Rule {
        name: "weft-cudart",
        uses: &[],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-cudart12",
        uses: &["weft-cudart"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-cudart13",
        uses: &["weft-cudart"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-engine",
        uses: &["weft-driver"],
        tests_use: &[],
        outside: true,
        // Calls a CUDA driver that is opened at run time.
        forbids_unsafe: false,
    },
    // All HTTP and async. It sees devices only as accelerators of the engine.
    Rule {
        name: "weft-server",
        uses: &["weft-engine", "weft-fleet"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: true,
    },
    Rule {
        name: "weft-cli",
        uses: &[
            "weft-chip",
            "weft-compiler",
            "weft-driver",
            "weft-engine",
            "weft-fleet",
            "weft-isa",
            "weft-ptx",
            "weft-server",
        ],
        tests_use: &[],
        outside: true,
        forbids_unsafe: true,
    },
    // Decisions about fleets are pure: nothing of ours, so no chip that executes.
    Rule {
        name: "weft-fleet",
        uses: &[],
        tests_use: &[],
        outside: true,
        forbids_unsafe: true,
    },
    Rule {
        name: "weft-conformance",
        uses: &["weft-driver", "weft-isa"],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    // Stands for a stranger's program: it reaches the chip through the C library alone.
    Rule {
        name: "weft-demo",
        uses: &[],
        tests_use: &[],
        outside: true,
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-benches",
        uses: &[
            "weft-chip",
            "weft-compiler",
            "weft-driver",
            "weft-fleet",
            "weft-ptx",
        ],
        tests_use: &[],
        outside: true,
        // The native baseline uses the host's vector instructions.
        forbids_unsafe: false,
    },
    Rule {
        name: "weft-fuzz",
        uses: &[
            "weft-chip",
            "weft-compiler",
            "weft-engine",
            "weft-isa",
            "weft-ptx",
        ],
        tests_use: &[],
        outside: true,
        forbids_unsafe: true,
    },
    Rule {
        name: "xtask",
        uses: &[],
        tests_use: &[],
        outside: true,
        forbids_unsafe: true,
    },
];

/// Parts of a crate name that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "base", "common", "helper", "helpers", "misc", "shared", "util", "utils",
];

/// Findings about the packages of the workspace, in no particular order.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        check_name(package, &mut findings);
        let Some(rule) = RULES.iter().find(|rule| rule.name == package.name) else {
            findings.push(format!(
                "{}: not in the table of crates (xtask/src/tidy/edges.rs)",
                package.name
            ));
            continue;
        };
        check_dependencies(package, rule, &mut findings);
        if rule.forbids_unsafe {
            check_forbids_unsafe(package, &mut findings);
        }
    }
    findings
}

fn check_name(package: &Package, findings: &mut Vec<String>) {
    for part in package.name.split(['-', '_']) {
        if EMPTY_NAMES.contains(&part) {
            findings.push(format!(
                "{}: a crate is named after its subject, not `{part}`",
                package.name
            ));
        }
    }
}

fn check_dependencies(package: &Package, rule: &Rule, findings: &mut Vec<String>) {
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev");
        if dependency.path.is_some() {
            let allowed = rule.uses.contains(&name) || in_tests && rule.tests_use.contains(&name);
            if !allowed {
                let what = if in_tests { "tests of " } else { "" };
                findings.push(format!("{what}{} may not depend on {name}", package.name));
            }
        } else if !rule.outside {
            findings.push(format!(
                "{} may not depend on any crate from outside, so not on {name}",
                package.name
            ));
        }
    }
}

fn check_forbids_unsafe(package: &Package, findings: &mut Vec<String>) {
    const SHIPPED: &[&str] = &["lib", "bin", "cdylib", "rlib", "staticlib", "dylib"];
    for target in &package.targets {
        if !target
            .kind
            .iter()
            .any(|kind| SHIPPED.contains(&kind.as_str()))
        {
            continue;
        }
        let path = Path::new(&target.src_path);
        match fs::read_to_string(path) {
            Ok(text) if text.contains("#![forbid(unsafe_code)]") => {}
            Ok(_) => findings.push(format!(
                "{}: {} does not say #![forbid(unsafe_code)]",
                package.name,
                path.display()
            )),
            Err(error) => findings.push(format!("{}: {error}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings_of(packages: &str) -> Vec<String> {
        let metadata = format!(r#"{{"packages": [{packages}]}}"#);
        check(&serde_json::from_str(&metadata).expect("a test writes valid metadata"))
    }

    fn package(name: &str, dependencies: &str) -> String {
        format!(r#"{{"name": "{name}", "dependencies": [{dependencies}], "targets": []}}"#)
    }

    fn ours(name: &str, kind: &str) -> String {
        format!(r#"{{"name": "{name}", "kind": {kind}, "path": "/x/{name}"}}"#)
    }

    #[test]
    fn an_allowed_edge_is_no_finding() {
        let good = package("weft-chip", &ours("weft-isa", "null"));
        assert_eq!(findings_of(&good), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_edge_is_found() {
        let bad = package("weft-isa", &ours("weft-chip", "null"));
        assert_eq!(
            findings_of(&bad),
            ["weft-isa may not depend on weft-chip".to_owned()]
        );
    }

    #[test]
    fn only_tests_of_the_compiler_reach_the_chip() {
        let tests = package("weft-compiler", &ours("weft-chip", r#""dev""#));
        assert_eq!(findings_of(&tests), Vec::<String>::new());
        let code = package("weft-compiler", &ours("weft-chip", "null"));
        assert_eq!(
            findings_of(&code),
            ["weft-compiler may not depend on weft-chip".to_owned()]
        );
        let build = package("weft-compiler", &ours("weft-chip", r#""build""#));
        assert_eq!(findings_of(&build).len(), 1);
    }

    #[test]
    fn the_instruction_set_uses_nothing_from_outside() {
        let bad = package(
            "weft-isa",
            r#"{"name": "libc", "kind": null, "path": null}"#,
        );
        assert_eq!(findings_of(&bad).len(), 1);
    }

    #[test]
    fn an_unknown_crate_and_an_empty_name_are_found() {
        assert_eq!(findings_of(&package("weft-spindle", "")).len(), 1);
        let findings = findings_of(&package("weft-common", ""));
        assert!(findings.iter().any(|finding| finding.contains("`common`")));
    }

    #[test]
    fn nobody_may_use_the_command() {
        for rule in RULES {
            assert!(!rule.uses.contains(&"weft-cli"), "{}", rule.name);
            assert!(!rule.uses.contains(&"xtask"), "{}", rule.name);
        }
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Repeatedly retire crates whose dependencies are all retired; a cycle never retires.
        let mut retired: Vec<&str> = Vec::new();
        while let Some(next) = RULES.iter().find(|rule| {
            !retired.contains(&rule.name) && rule.uses.iter().all(|used| retired.contains(used))
        }) {
            retired.push(next.name);
        }
        assert_eq!(retired.len(), RULES.len());
    }

    #[test]
    fn a_root_without_the_attribute_is_found() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cargo.rs");
        let bad = format!(
            r#"{{"name": "weft-isa", "dependencies": [],
                "targets": [{{"kind": ["lib"], "src_path": "{root}"}}]}}"#
        );
        assert_eq!(findings_of(&bad).len(), 1);
    }
}
