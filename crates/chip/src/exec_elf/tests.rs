//! The smallest files, assembled here.

use weft_isa::{Inst, X, csr};

use super::*;

const BASE: u64 = 0x8000_0000;

/// An ELF file of one segment with this code, and no sections.
fn elf(code: &[Inst], data: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = code
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    body.extend_from_slice(data);
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
    half(&mut file, 2);
    half(&mut file, 243);
    word(&mut file, 1);
    long(&mut file, BASE);
    long(&mut file, 64);
    long(&mut file, 0);
    word(&mut file, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        half(&mut file, value);
    }
    word(&mut file, 1);
    word(&mut file, 7);
    for value in [
        120,
        BASE,
        BASE,
        body.len() as u64,
        body.len() as u64 + 64,
        4096,
    ] {
        long(&mut file, value);
    }
    file.extend(body);
    file
}

/// Little memory, so that Miri can run these tests.
fn options() -> Options {
    Options {
        heap_bytes: 1 << 20,
        ..Options::default()
    }
}

/// Runs a file with nothing to read; gives what it wrote besides.
fn exec(file: &[u8], options: &Options) -> (Result<Outcome, Error>, String, Vec<String>) {
    let (mut output, mut notes) = (Vec::new(), Vec::new());
    let mut console = Console {
        input: &mut std::io::empty(),
        output: &mut output,
        errors: &mut std::io::sink(),
        notes: &mut |note| notes.push(note.to_owned()),
    };
    let outcome = run(file, options, &mut console);
    (outcome, String::from_utf8(output).unwrap(), notes)
}

fn load(register: X, value: i32) -> Inst {
    Inst::Addi {
        rd: register,
        rs1: X::ZERO,
        imm: value,
    }
}

/// Code that goes to user mode at the byte `user` of itself, with this configuration of entry 0,
/// which matches the whole address space. A trap ends the program with its cause.
fn protected(configuration: i32, user: i32, program: &[Inst]) -> Vec<u8> {
    let handler = 4 * 12;
    let mut code = vec![
        Inst::Auipc { rd: X::T0, imm: 0 },
        Inst::Addi {
            rd: X::T1,
            rs1: X::T0,
            imm: handler,
        },
        write(csr::MTVEC, X::T1),
        load(X::T1, -1),
        write(csr::PMPADDR0, X::T1),
        load(X::T1, configuration),
        write(csr::PMPCFG0, X::T1),
        Inst::Addi {
            rd: X::T1,
            rs1: X::T0,
            imm: user,
        },
        write(csr::MEPC, X::T1),
        load(X::A7, 93),
        Inst::Mret,
        // Nothing, so that the handler is where it is.
        load(X::T2, 0),
        // The handler.
        Inst::Csrrs {
            rd: X::A0,
            csr: csr::MCAUSE,
            rs1: X::ZERO,
        },
        write(csr::MTVEC, X::ZERO),
        Inst::Ecall,
    ];
    code.extend(program);
    elf(&code, &[])
}

fn write(csr: u16, rs1: X) -> Inst {
    Inst::Csrrw {
        rd: X::ZERO,
        csr,
        rs1,
    }
}

#[test]
fn user_mode_reaches_what_protection_permits() {
    let user = 4 * 15;
    let at = |inst| [inst, Inst::Ecall];
    let loads = at(Inst::Ld {
        rd: X::T2,
        rs1: X::T0,
        imm: 0,
    });
    let stores = at(Inst::Sd {
        rs2: X::T2,
        rs1: X::T0,
        imm: 1024,
    });
    // Read, write, execute: 1, 2, 4; a power of two of bytes: 24. Causes: 1 of a fetch, 5 of a load,
    // 7 of a store, 8 the call at the end.
    for (configuration, program, cause) in [
        (0, loads, 1),
        (24 + 3, loads, 1),
        (24 + 4, loads, 5),
        (24 + 5, loads, 8),
        (24 + 5, stores, 7),
        (24 + 7, stores, 8),
    ] {
        for engine in Engine::available() {
            let options = Options {
                engine,
                ..options()
            };
            let (outcome, _, _) = exec(&protected(configuration, user, &program), &options);
            assert_eq!(
                outcome.unwrap().exit_code,
                cause,
                "{configuration} {engine}"
            );
        }
    }
}

#[test]
fn a_program_writes_and_exits() {
    let code = [
        load(X::A0, 1),
        Inst::Auipc { rd: X::A1, imm: 0 },
        Inst::Addi {
            rd: X::A1,
            rs1: X::A1,
            imm: 28,
        },
        load(X::A2, 6),
        load(X::A7, 64),
        Inst::Ecall,
        load(X::A7, 93),
        Inst::Ecall,
    ];
    let (outcome, output, _) = exec(&elf(&code, b"hello\n"), &options());
    let outcome = outcome.unwrap();
    assert_eq!(output, "hello\n");
    assert_eq!((outcome.exit_code, outcome.instructions.total()), (6, 8));
}

#[test]
fn what_is_not_served_is_named() {
    let run = |code: &[Inst]| {
        let options = Options {
            instructions_max: 1000,
            ..options()
        };
        let (outcome, _, notes) = exec(&elf(code, &[]), &options);
        (outcome.unwrap_err(), notes)
    };
    let ask = load(X::A7, 999);
    let (_, notes) = run(&[ask, Inst::Ecall, ask, Inst::Ecall]);
    assert_eq!(notes, ["system call 999 is not served (ENOSYS)"]);
    let forever = Inst::Jal {
        rd: X::ZERO,
        offset: 0,
    };
    let limit = run(&[forever]).0;
    assert!(
        matches!(
            limit,
            Error::Limit {
                instructions: 1000,
                ..
            }
        ),
        "{limit}"
    );
    let away = [Inst::Ld {
        rd: X::A0,
        imm: 0,
        rs1: X::ZERO,
    }];
    let illegal = FaultKind::IllegalAddress {
        address: 0,
        bytes: 8,
        write: false,
    };
    let fault = run(&away).0;
    assert!(
        matches!(&fault, Error::Fault { kind, location } if *kind == illegal && location.pc == BASE),
        "{fault}"
    );
    assert!(fault.to_string().ends_with(": ld a0, 0(zero))"), "{fault}");
}

#[test]
fn corrupt_files_are_errors() {
    let good = elf(&[load(X::A7, 93), Inst::Ecall], &[]);
    let options = Options {
        heap_bytes: 0,
        instructions_max: 1000,
        ..options()
    };
    for length in 0..120 {
        assert!(exec(&good[..length], &options).0.is_err(), "{length} bytes");
    }
    for position in 0..120 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[position] = value;
            // An error or a run that ends: the test is that nothing worse happens.
            let _ = exec(&bad, &options);
        }
    }
}
