//! Launches of small programs: results, reports, barriers and faults.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use weft_chip::{Access, Chip, ChipConfig, Fault, FaultKind, Launch, LaunchReport, Program};
use weft_isa::abi::{self, CODE_WINDOW, FaultCode, LOCAL_WINDOW, SHARED_WINDOW, STACK_WINDOW};
use weft_isa::{Class, Inst, Sew, V, VType, X};

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

fn code(program: &[Inst]) -> Vec<u8> {
    program
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect()
}

fn chip() -> Chip {
    let config = ChipConfig::default();
    Chip::new(config).unwrap()
}

fn launch_of(program: &[Inst], grid: [u32; 3], block: [u32; 3], params: u64) -> Launch {
    Launch {
        program: Program::at_window(&code(program)),
        entry: CODE_WINDOW,
        grid,
        block,
        shared_static_bytes: 0,
        shared_dynamic_bytes: 1024,
        local_bytes_per_lane: 64,
        stack_bytes_per_hart: 4096,
        params,
        symbols: 0,
        grid_id: 1,
    }
}

fn run(chip: &Chip, program: &[Inst], params: u64) -> Result<LaunchReport, Fault> {
    chip.launch(&launch_of(program, [1, 1, 1], [32, 1, 1], params))
}

fn fault_of(program: &[Inst]) -> Fault {
    run(&chip(), program, 0).unwrap_err()
}

fn e32() -> u16 {
    VType::new(Sew::E32, weft_isa::Lmul::M1).immediate()
}

/// `csrr rd, csr`.
fn read(rd: u8, csr: u16) -> Inst {
    Inst::Csrrs {
        rd: x(rd),
        csr,
        rs1: X::ZERO,
    }
}

#[test]
fn every_warp_of_every_cta_computes_its_part() {
    let chip = chip();
    let memory = chip.memory();
    let base = memory.base() + (1 << 20);
    let (ctas, warps) = (37u32, 3u32);
    let count = (ctas * warps * 32) as usize;
    memory
        .map(base, count as u64 * 4, Access::ReadWrite)
        .unwrap();
    let input: Vec<u8> = (0..ctas * warps * 32)
        .flat_map(|i| (i as f32).to_le_bytes())
        .collect();
    memory.write(base, &input).unwrap();
    // y[i] = y[i] * y[i] + y[i], index = (cta * warps + warp) * 32 + lane.
    let program = [
        read(5, abi::csr::CTAID_X),
        read(6, abi::csr::WARPS),
        read(7, abi::csr::WARP),
        Inst::Mul {
            rd: x(5),
            rs1: x(5),
            rs2: x(6),
        },
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(7),
        },
        Inst::Slli {
            rd: x(5),
            rs1: x(5),
            shamt: 7,
        },
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(10),
        },
        Inst::Vle32V {
            vd: v(1),
            rs1: x(5),
            vm: true,
        },
        Inst::VmvVV {
            vd: v(2),
            vs1: v(1),
        },
        Inst::VfmaccVv {
            vd: v(2),
            vs1: v(1),
            vs2: v(1),
            vm: true,
        },
        Inst::Vse32V {
            vs3: v(2),
            rs1: x(5),
            vm: true,
        },
        Inst::XwExit,
    ];
    let launch = launch_of(&program, [ctas, 1, 1], [32 * warps, 1, 1], base);
    let report = chip.launch(&launch).unwrap();
    let mut output = vec![0; count * 4];
    memory.read(base, &mut output).unwrap();
    for (i, bytes) in output.chunks_exact(4).enumerate() {
        let value = f32::from_le_bytes(bytes.try_into().unwrap());
        let x = i as f32;
        assert_eq!(value, x.mul_add(x, x), "element {i}");
    }
    let launched = u64::from(ctas * warps);
    assert_eq!((report.ctas, report.warps), (u64::from(ctas), launched));
    assert_eq!(report.instructions.total(), launched * program.len() as u64);
    assert_eq!(report.instructions[Class::VectorLoad], launched);
    assert_eq!(report.memory.global.bytes_read, launched * 128);
    assert_eq!(report.memory.global.bytes_written, launched * 128);
    let again = chip.launch(&launch).unwrap();
    assert_eq!(again.instructions, report.instructions);
}

#[test]
fn a_partial_warp_has_fewer_lanes() {
    let chip = chip();
    let base = chip.memory().base();
    chip.memory().map(base, 128, Access::ReadWrite).unwrap();
    let program = [
        read(5, abi::csr::LANES),
        read(6, abi::csr::WARP),
        Inst::Slli {
            rd: x(6),
            rs1: x(6),
            shamt: 3,
        },
        Inst::Add {
            rd: x(6),
            rs1: x(6),
            rs2: x(10),
        },
        Inst::Sd {
            rs2: x(5),
            imm: 0,
            rs1: x(6),
        },
        Inst::XwExit,
    ];
    chip.launch(&launch_of(&program, [1, 1, 1], [10, 7, 1], base))
        .unwrap();
    let mut bytes = [0; 24];
    chip.memory().read(base, &mut bytes).unwrap();
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|b| u64::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(words, [u64::MAX, u64::MAX, 0x3f]);
}

#[test]
fn barriers_order_warps_through_shared_memory() {
    let chip = chip();
    let base = chip.memory().base();
    chip.memory().map(base, 4096, Access::ReadWrite).unwrap();
    // Each warp stores its index + 1 to shared memory, waits, and stores the sum of all and
    // the reduced count of the low ones of its index.
    let program = [
        read(5, abi::csr::WARP),
        Inst::Addi {
            rd: x(6),
            rs1: X::ZERO,
            imm: 1,
        },
        Inst::Slli {
            rd: x(7),
            rs1: x(6),
            shamt: 56,
        },
        Inst::Slli {
            rd: x(28),
            rs1: x(5),
            shamt: 3,
        },
        Inst::Add {
            rd: x(29),
            rs1: x(7),
            rs2: x(28),
        },
        Inst::Addi {
            rd: x(30),
            rs1: x(5),
            imm: 1,
        },
        Inst::Sd {
            rs2: x(30),
            imm: 0,
            rs1: x(29),
        },
        Inst::XwBarSync {
            rs1: X::ZERO,
            rs2: X::ZERO,
        },
        Inst::Addi {
            rd: x(31),
            rs1: X::ZERO,
            imm: 0,
        },
        read(9, abi::csr::WARPS),
        // Loop over warps.
        Inst::Ld {
            rd: x(8),
            imm: 0,
            rs1: x(7),
        },
        Inst::Add {
            rd: x(31),
            rs1: x(31),
            rs2: x(8),
        },
        Inst::Addi {
            rd: x(7),
            rs1: x(7),
            imm: 8,
        },
        Inst::Addi {
            rd: x(9),
            rs1: x(9),
            imm: -1,
        },
        Inst::Bne {
            rs1: x(9),
            rs2: X::ZERO,
            offset: -16,
        },
        Inst::XwBarPopc {
            rd: x(8),
            rs1: x(6),
            rs2: X::ZERO,
            rs3: x(5),
        },
        Inst::Add {
            rd: x(31),
            rs1: x(31),
            rs2: x(8),
        },
        Inst::Add {
            rd: x(28),
            rs1: x(28),
            rs2: x(10),
        },
        Inst::Sd {
            rs2: x(31),
            imm: 0,
            rs1: x(28),
        },
        Inst::XwExit,
    ];
    chip.launch(&launch_of(&program, [1, 1, 1], [1024, 1, 1], base))
        .unwrap();
    let mut bytes = [0; 256];
    chip.memory().read(base, &mut bytes).unwrap();
    let ones: u32 = (0..32u32).map(u32::count_ones).sum();
    for word in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(word.try_into().unwrap());
        assert_eq!(word, 33 * 16 + u64::from(ones));
    }
}

#[test]
fn exited_warps_do_not_hold_a_barrier() {
    let chip = chip();
    // Odd warps exit at once, even ones wait for the rest.
    let program = [
        read(5, abi::csr::WARP),
        Inst::Andi {
            rd: x(5),
            rs1: x(5),
            imm: 1,
        },
        Inst::Bne {
            rs1: x(5),
            rs2: X::ZERO,
            offset: 8,
        },
        Inst::XwBarSync {
            rs1: X::ZERO,
            rs2: X::ZERO,
        },
        Inst::XwExit,
    ];
    let report = chip
        .launch(&launch_of(&program, [4, 1, 1], [256, 1, 1], 0))
        .unwrap();
    assert_eq!(report.warps, 32);
}

#[test]
fn a_barrier_that_none_can_complete_is_a_deadlock() {
    let program = [
        Inst::Addi {
            rd: x(5),
            rs1: X::ZERO,
            imm: 2,
        },
        Inst::XwBarSync {
            rs1: X::ZERO,
            rs2: x(5),
        },
        Inst::XwExit,
    ];
    let fault = fault_of(&program);
    assert_eq!(fault.kind, FaultKind::BarrierDeadlock);
    assert_eq!(fault.pc, CODE_WINDOW + 4);
}

#[test]
fn a_spinning_warp_does_not_starve_the_one_it_waits_for() {
    let chip = chip();
    // Warp 0 spins on shared memory until warp 1 stores there.
    let program = [
        Inst::Addi {
            rd: x(6),
            rs1: X::ZERO,
            imm: 1,
        },
        Inst::Slli {
            rd: x(6),
            rs1: x(6),
            shamt: 56,
        },
        read(5, abi::csr::WARP),
        Inst::Bne {
            rs1: x(5),
            rs2: X::ZERO,
            offset: 16,
        },
        Inst::Lw {
            rd: x(7),
            imm: 0,
            rs1: x(6),
        },
        Inst::Beq {
            rs1: x(7),
            rs2: X::ZERO,
            offset: -4,
        },
        Inst::XwExit,
        Inst::Sw {
            rs2: x(5),
            imm: 0,
            rs1: x(6),
        },
        Inst::XwExit,
    ];
    chip.launch(&launch_of(&program, [1, 1, 1], [64, 1, 1], 0))
        .unwrap();
}

#[test]
fn accesses_outside_allocations_fault_with_their_lane() {
    let chip = chip();
    let base = chip.memory().base() + 4096;
    chip.memory().map(base, 120, Access::ReadWrite).unwrap();
    let program = [
        Inst::Vle32V {
            vd: v(1),
            rs1: x(10),
            vm: true,
        },
        Inst::XwExit,
    ];
    let fault = run(&chip, &program, base).unwrap_err();
    let address = base + 120;
    assert_eq!(
        fault.kind,
        FaultKind::IllegalAddress {
            address,
            bytes: 4,
            write: false
        }
    );
    assert_eq!(
        (fault.lane, fault.pc, fault.warp),
        (Some(30), CODE_WINDOW, 0)
    );
    assert!(fault.to_string().contains("lane 30"), "{fault}");
    // The chip stays usable, and the lanes inside are fine.
    let masked = [
        Inst::Addi {
            rd: x(5),
            rs1: X::ZERO,
            imm: -1,
        },
        Inst::Srli {
            rd: x(5),
            rs1: x(5),
            shamt: 34,
        },
        Inst::VmvSX {
            vd: v(0),
            rs1: x(5),
        },
        Inst::Vle32V {
            vd: v(1),
            rs1: x(10),
            vm: false,
        },
        Inst::XwExit,
    ];
    run(&chip, &masked, base).unwrap();
    chip.memory().unmap(base).unwrap();
    assert!(
        run(&chip, &masked, base).is_err(),
        "freed memory is inaccessible"
    );
}

#[test]
fn misaligned_and_read_only_accesses_fault() {
    let chip = chip();
    let base = chip.memory().base();
    chip.memory().map(base, 4096, Access::ReadOnly).unwrap();
    let store = [
        Inst::Sw {
            rs2: X::ZERO,
            imm: 0,
            rs1: x(10),
        },
        Inst::XwExit,
    ];
    let kind = run(&chip, &store, base).unwrap_err().kind;
    assert_eq!(
        kind,
        FaultKind::IllegalAddress {
            address: base,
            bytes: 4,
            write: true
        }
    );
    let kind = run(&chip, &store, base + 2).unwrap_err().kind;
    assert_eq!(
        kind,
        FaultKind::Misaligned {
            address: base + 2,
            bytes: 4,
            write: true
        }
    );
    let load = [
        Inst::Vle32V {
            vd: v(1),
            rs1: x(10),
            vm: true,
        },
        Inst::XwExit,
    ];
    run(&chip, &load, base).unwrap();
    let fault = run(&chip, &load, base + 1).unwrap_err();
    assert_eq!(
        fault.kind,
        FaultKind::Misaligned {
            address: base + 1,
            bytes: 4,
            write: false
        }
    );
    assert_eq!(fault.lane, Some(0));
}

#[test]
fn windows_have_limits() {
    let at = |high: u64, imm: i32| {
        vec![
            Inst::Addi {
                rd: x(5),
                rs1: X::ZERO,
                imm: i32::try_from(high >> 56).unwrap(),
            },
            Inst::Slli {
                rd: x(5),
                rs1: x(5),
                shamt: 56,
            },
            Inst::Sd {
                rs2: X::ZERO,
                imm,
                rs1: x(5),
            },
            Inst::XwExit,
        ]
    };
    let chip = chip();
    run(&chip, &at(SHARED_WINDOW, 1016), 0).unwrap();
    run(&chip, &at(LOCAL_WINDOW, 56), 0).unwrap();
    run(&chip, &at(STACK_WINDOW, 2040), 0).unwrap();
    let kind = |program: &[Inst]| run(&chip, program, 0).unwrap_err().kind;
    let address = SHARED_WINDOW + 1024;
    assert_eq!(
        kind(&at(SHARED_WINDOW, 1024)),
        FaultKind::IllegalAddress {
            address,
            bytes: 8,
            write: true
        }
    );
    let address = LOCAL_WINDOW + 64;
    assert_eq!(
        kind(&at(LOCAL_WINDOW, 64)),
        FaultKind::LocalOverflow { address, limit: 64 }
    );
    let address = STACK_WINDOW - 8;
    assert_eq!(
        kind(&at(STACK_WINDOW, -8)),
        FaultKind::StackOverflow { address }
    );
}

#[test]
fn kernels_can_raise_faults() {
    let raise = |code: u16| fault_of(&[Inst::XwFault { code }]).kind;
    assert_eq!(
        raise(FaultCode::Assert as u16),
        FaultKind::Code(FaultCode::Assert)
    );
    assert_eq!(raise(77), FaultKind::UnknownCode(77));
    let away = [Inst::Jal {
        rd: X::ZERO,
        offset: 64,
    }];
    assert_eq!(fault_of(&away).kind, FaultKind::InstructionAddress);
    let word = Program::at_window(&[0xff; 8]);
    let launch = Launch {
        program: word,
        ..launch_of(&[], [1, 1, 1], [1, 1, 1], 0)
    };
    let kind = chip().launch(&launch).unwrap_err().kind;
    assert!(
        matches!(kind, FaultKind::IllegalInstruction { word: u32::MAX, .. }),
        "{kind}"
    );
    let launch = launch_of(&[Inst::XwExit], [1, 1, 1], [2048, 1, 1], 0);
    assert!(matches!(
        chip().launch(&launch).unwrap_err().kind,
        FaultKind::InvalidLaunch(_)
    ));
}

#[test]
fn one_fault_stops_a_grid_that_would_run_for_ever() {
    // CTA 5 faults, all others spin.
    let program = [
        read(5, abi::csr::CTAID_X),
        Inst::Addi {
            rd: x(6),
            rs1: X::ZERO,
            imm: 5,
        },
        Inst::Bne {
            rs1: x(5),
            rs2: x(6),
            offset: 8,
        },
        Inst::XwFault { code: 1 },
        Inst::Jal {
            rd: X::ZERO,
            offset: 0,
        },
    ];
    let fault = chip()
        .launch(&launch_of(&program, [64, 1, 1], [32, 1, 1], 0))
        .unwrap_err();
    assert_eq!(
        (fault.kind, fault.cta),
        (FaultKind::Code(FaultCode::Trap), [5, 0, 0])
    );
}

#[test]
fn the_first_fault_of_the_grid_is_reported_however_late_it_is() {
    // CTA i of 64 spins for (64 - i) * 1024 turns, then faults, but CTAs 0 and 1 exit.
    let program = [
        read(5, abi::csr::CTAID_X),
        Inst::Addi {
            rd: x(6),
            rs1: X::ZERO,
            imm: 64,
        },
        Inst::Sub {
            rd: x(6),
            rs1: x(6),
            rs2: x(5),
        },
        Inst::Slli {
            rd: x(6),
            rs1: x(6),
            shamt: 10,
        },
        Inst::Addi {
            rd: x(6),
            rs1: x(6),
            imm: -1,
        },
        Inst::Bne {
            rs1: x(6),
            rs2: X::ZERO,
            offset: -4,
        },
        Inst::Sltiu {
            rd: x(6),
            rs1: x(5),
            imm: 2,
        },
        Inst::Bne {
            rs1: x(6),
            rs2: X::ZERO,
            offset: 8,
        },
        Inst::XwFault { code: 1 },
        Inst::XwExit,
    ];
    for host_threads in [1, 2, 5] {
        let mut config = ChipConfig::default();
        config.host_threads = Some(host_threads);
        let chip = Chip::new(config).unwrap();
        for _ in 0..4 {
            let launch = launch_of(&program, [64, 1, 1], [64, 1, 1], 0);
            assert_eq!(chip.launch(&launch).unwrap_err().cta, [2, 0, 0]);
        }
    }
}

#[test]
fn atomics_of_all_cores_add_up() {
    let chip = chip();
    let base = chip.memory().base();
    chip.memory().map(base, 64, Access::ReadWrite).unwrap();
    // Every lane adds 1 to one word: addresses are 64-bit elements, a pair of registers.
    let e64 = VType::new(Sew::E64, weft_isa::Lmul::M2).immediate();
    let program = [
        Inst::Vsetvli {
            rd: X::ZERO,
            rs1: X::ZERO,
            vtype: e64,
        },
        Inst::VmvVX {
            vd: v(2),
            rs1: x(10),
        },
        Inst::Vsetvli {
            rd: X::ZERO,
            rs1: X::ZERO,
            vtype: e32(),
        },
        Inst::VmvVI { vd: v(4), imm: 1 },
        Inst::XwVamoaddV {
            vd: v(5),
            vs2: v(2),
            vs1: v(4),
            vm: true,
        },
        Inst::XwExit,
    ];
    let report = chip
        .launch(&launch_of(&program, [100, 1, 1], [128, 1, 1], base))
        .unwrap();
    let mut bytes = [0; 4];
    chip.memory().read(base, &mut bytes).unwrap();
    assert_eq!(u32::from_le_bytes(bytes), 100 * 128);
    assert_eq!(report.instructions[Class::VectorAtomic], 400);
}
