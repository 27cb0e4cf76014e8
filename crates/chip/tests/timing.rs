//! The timing model on small programs whose cycles can be worked out by hand.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::sync::Arc;

use weft_chip::{Access, Chip, ChipConfig, ChipFile, Launch, Program, TimingReport};
use weft_isa::abi::{self, CODE_WINDOW, SHARED_WINDOW};
use weft_isa::{Inst, V, X};

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

const MEMORY_BYTES: u64 = 1 << 30;

fn chip_of(file: &ChipFile) -> Chip {
    let mut config = ChipConfig::of(file);
    config.memory_bytes = MEMORY_BYTES;
    config.host_threads = Some(1);
    let chip = Chip::new(config).unwrap();
    chip.set_timing(Some(Arc::new(file.clone()))).unwrap();
    chip
}

fn launch_of(program: &[Inst], ctas: u32, warps: u32, params: u64) -> Launch {
    let code: Vec<u8> = program
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    Launch {
        program: Program::at_window(&code),
        entry: CODE_WINDOW,
        grid: [ctas, 1, 1],
        block: [32 * warps, 1, 1],
        shared_static_bytes: 4096,
        shared_dynamic_bytes: 0,
        local_bytes_per_lane: 0,
        stack_bytes_per_hart: 4096,
        params,
        symbols: 0,
        grid_id: 1,
    }
}

fn time(chip: &Chip, program: &[Inst], ctas: u32, warps: u32, params: u64) -> TimingReport {
    let report = chip
        .launch(&launch_of(program, ctas, warps, params))
        .unwrap();
    *report.timing.unwrap()
}

/// Cycles of one warp on W1.
fn cycles(program: &[Inst]) -> u64 {
    time(&chip_of(&ChipFile::w1()), program, 1, 1, 0).cycles
}

fn add(rd: u8, rs: u8) -> Inst {
    Inst::Add {
        rd: x(rd),
        rs1: x(rs),
        rs2: x(rs),
    }
}

fn repeat(body: &[Inst], times: usize) -> Vec<Inst> {
    let mut program: Vec<Inst> = Vec::new();
    for _ in 0..times {
        program.extend_from_slice(body);
    }
    program.push(Inst::XwExit);
    program
}

#[test]
fn dependent_instructions_are_their_latency_apart() {
    let w1 = ChipFile::w1();
    let vadd = Inst::VaddVv {
        vd: v(1),
        vs2: v(1),
        vs1: v(1),
        vm: true,
    };
    let vfma = Inst::VfmaccVv {
        vd: v(1),
        vs1: v(1),
        vs2: v(1),
        vm: true,
    };
    for (inst, latency) in [
        (add(5, 5), w1.latency.scalar.value),
        (vadd, w1.latency.vector_int.value),
        (vfma, w1.latency.vector_float.value),
    ] {
        let long = cycles(&repeat(&[inst], 60));
        let short = cycles(&repeat(&[inst], 10));
        assert_eq!(long - short, 50 * u64::from(latency), "{inst:?}");
    }
}

#[test]
fn independent_instructions_issue_every_cycle() {
    let program: Vec<Inst> = (5..30).map(|register| add(register, 0)).collect();
    let long = cycles(&repeat(&program, 4));
    let short = cycles(&repeat(&program, 1));
    assert_eq!(long - short, 75);
}

#[test]
fn harts_hide_the_latency_of_each_other() {
    // A chain of vector additions: 4 cycles apart in one warp, a cycle apart over many.
    let vadd = Inst::VaddVv {
        vd: v(1),
        vs2: v(1),
        vs1: v(1),
        vm: true,
    };
    let chip = chip_of(&ChipFile::w1());
    let program = repeat(&[vadd], 400);
    let one = time(&chip, &program, 1, 1, 0).cycles;
    let four = time(&chip, &program, 1, 4, 0).cycles;
    let eight = time(&chip, &program, 1, 8, 0).cycles;
    assert!(four < one + 20, "{four} against {one}");
    assert!(
        (2 * one - 50..2 * one + 50).contains(&eight),
        "{eight} against {one}"
    );
}

#[test]
fn the_scratchpad_serves_conflicts_one_after_the_other() {
    // Each lane stores at lane * stride words; passes follow from the banks.
    let chip = chip_of(&ChipFile::w1());
    for (stride_log2, passes) in [(0u8, 1), (1, 2), (3, 8), (5, 32)] {
        let program = [
            Inst::VidV { vd: v(2), vm: true },
            Inst::VsllVi {
                vd: v(2),
                vs2: v(2),
                uimm: 2 + stride_log2,
                vm: true,
            },
            Inst::Addi {
                rd: x(5),
                rs1: X::ZERO,
                imm: 1,
            },
            Inst::Slli {
                rd: x(5),
                rs1: x(5),
                shamt: 56,
            },
            Inst::Vsuxei32V {
                vs3: v(1),
                rs1: x(5),
                vs2: v(2),
                vm: true,
            },
            Inst::XwExit,
        ];
        assert_eq!(SHARED_WINDOW, 1 << 56);
        let report = time(&chip, &program, 1, 1, 0);
        assert_eq!(
            report.scratchpad_passes,
            passes,
            "stride {}",
            1 << stride_log2
        );
        assert_eq!(report.scratchpad_conflicts, passes - 1);
    }
}

/// A ring of loads, each of the address that the one before loaded, over `lines` lines spread
/// evenly over `bytes` in shuffled order: cycles of a step. `warm`: what earlier launches left in
/// the second level is kept.
fn chase(bytes: u64, lines: u64, steps: usize, warm: bool) -> f64 {
    let chip = chip_of(&ChipFile::w1());
    let memory = chip.memory();
    let base = memory.base();
    memory.map(base, bytes, Access::ReadWrite).unwrap();
    let mut order: Vec<u64> = (0..lines).map(|line| line * (bytes / lines)).collect();
    let mut state = 1u64;
    for i in (1..order.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        order.swap(i, (state >> 33) as usize % i);
    }
    for (index, from) in order.iter().enumerate() {
        let to = base + order[(index + 1) % order.len()];
        memory.write(base + from, &to.to_le_bytes()).unwrap();
    }
    let step = Inst::Ld {
        rd: x(10),
        imm: 0,
        rs1: x(10),
    };
    let run = |steps| {
        if !warm {
            chip.empty_caches();
        }
        time(&chip, &repeat(&[step], steps), 1, 1, base).cycles
    };
    run(2 * steps);
    (run(2 * steps) - run(steps)) as f64 / steps as f64
}

#[test]
fn loads_take_the_latency_of_their_level() {
    let w1 = ChipFile::w1();
    let l1 = chase(16 << 10, 128, 500, true);
    assert_eq!(l1, f64::from(w1.l1.latency.value));
    let l2 = chase(1 << 20, 8192, 3000, true);
    assert!((l2 - f64::from(w1.l2.latency.value)).abs() < 8.0, "{l2}");
    let dram = chase(256 << 20, 4096, 1000, false);
    assert!((320.0..420.0).contains(&dram), "{dram}");
}

/// Reads `bytes` once, in CTAs of 8 warps that each read 128 bytes a time.
fn stream(file: &ChipFile, bytes: u64) -> TimingReport {
    let chip = chip_of(file);
    let memory = chip.memory();
    let base = memory.base();
    memory.map(base, bytes, Access::ReadWrite).unwrap();
    const LINES: u8 = 16;
    let csr = |rd, csr| Inst::Csrrs {
        rd: x(rd),
        csr,
        rs1: X::ZERO,
    };
    let mut program = vec![
        csr(5, abi::csr::CTAID_X),
        csr(6, abi::csr::WARP),
        Inst::Slli {
            rd: x(5),
            rs1: x(5),
            shamt: 3,
        },
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(6),
        },
        Inst::Slli {
            rd: x(5),
            rs1: x(5),
            shamt: 11,
        },
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(10),
        },
    ];
    for line in 0..LINES {
        program.push(Inst::Vle32V {
            vd: v(line + 1),
            rs1: x(5),
            vm: true,
        });
        program.push(Inst::Addi {
            rd: x(5),
            rs1: x(5),
            imm: 128,
        });
    }
    program.push(Inst::XwExit);
    let ctas = bytes / (8 * 128 * u64::from(LINES));
    time(&chip, &program, u32::try_from(ctas).unwrap(), 8, base)
}

#[test]
fn streaming_reads_reach_most_of_the_bandwidth_of_memory() {
    for name in ChipFile::built_in_names() {
        let file = ChipFile::built_in(name).unwrap();
        let bytes = 8 << 20;
        let report = stream(&file, bytes);
        assert_eq!(report.dram_bytes_read, bytes);
        let rate = bytes as f64 / (report.cycles as f64 / report.clock_hz);
        let share = rate / file.memory_bytes_per_second();
        assert!((0.85..=0.97).contains(&share), "{name}: {share}");
        assert_eq!(report.limiter.name(), "dram", "{name}");
    }
}

#[test]
fn reports_are_the_same_every_time() {
    let w1 = ChipFile::w1();
    assert_eq!(stream(&w1, 2 << 20), stream(&w1, 2 << 20));
}

#[test]
fn the_matrix_unit_reaches_its_rate() {
    use weft_isa::matrix::{Factors, MatrixForm, Sums};
    let w1 = ChipFile::w1();
    let int8 = Factors::Int8 {
        a_signed: true,
        b_signed: true,
    };
    let form = MatrixForm::new(int8, Sums::S32 { saturate: false }, 16, 32).unwrap();
    let mma = |d| Inst::XwMma {
        form,
        vd: v(d),
        vs2: v(4),
        vs1: v(8),
    };
    let program = repeat(&[mma(12), mma(16), mma(20), mma(24)], 200);
    let report = time(&chip_of(&w1), &program, 16, 8, 0);
    let seconds = report.cycles as f64 / report.clock_hz;
    let rate = report.matrix_operations as f64 / seconds;
    let share = rate / w1.int8_operations_per_second();
    assert!(share > 0.97 && share <= 1.0, "{share}");
    assert_eq!(report.matrix_operations, 16 * 8 * 800 * 8192);
    assert_eq!(report.limiter.name(), "matrix");
}

#[test]
fn a_barrier_releases_when_the_last_has_arrived() {
    // Warp 0 works for long before the barrier; the others wait for it.
    let branch = Inst::Bne {
        rs1: x(6),
        rs2: X::ZERO,
        offset: 4 * 101,
    };
    let mut program = vec![
        Inst::Csrrs {
            rd: x(6),
            csr: abi::csr::WARP,
            rs1: X::ZERO,
        },
        branch,
    ];
    program.extend(std::iter::repeat_n(add(5, 5), 100));
    program.push(Inst::XwBarSync {
        rs1: X::ZERO,
        rs2: X::ZERO,
    });
    program.push(Inst::XwExit);
    let report = time(&chip_of(&ChipFile::w1()), &program, 1, 4, 0);
    assert!((300..450).contains(&report.cycles), "{}", report.cycles);
    let barrier = report.stalls[weft_chip::timing::Stall::Barrier as usize];
    assert!((3 * 290..3 * 400).contains(&barrier), "{barrier}");
}

#[test]
fn results_do_not_depend_on_timing() {
    let file = ChipFile::w1();
    let run = |timed: bool| {
        let chip = chip_of(&file);
        if !timed {
            chip.set_timing(None).unwrap();
        }
        let memory = chip.memory();
        let base = memory.base();
        memory.map(base, 1 << 20, Access::ReadWrite).unwrap();
        let csr = |rd, csr| Inst::Csrrs {
            rd: x(rd),
            csr,
            rs1: X::ZERO,
        };
        let program = [
            csr(5, abi::csr::CTAID_X),
            csr(6, abi::csr::CORE),
            csr(7, abi::csr::WARP),
            Inst::Slli {
                rd: x(28),
                rs1: x(5),
                shamt: 3,
            },
            Inst::Add {
                rd: x(28),
                rs1: x(28),
                rs2: x(10),
            },
            Inst::Add {
                rd: x(6),
                rs1: x(6),
                rs2: x(7),
            },
            Inst::XwBarSync {
                rs1: X::ZERO,
                rs2: X::ZERO,
            },
            Inst::AmoaddD {
                order: weft_isa::MemoryOrder::Relaxed,
                rd: x(0),
                rs2: x(6),
                rs1: x(28),
            },
            Inst::XwExit,
        ];
        let report = chip.launch(&launch_of(&program, 100, 3, base)).unwrap();
        let mut bytes = vec![0; 800];
        memory.read(base, &mut bytes).unwrap();
        (bytes, report.instructions, report.memory, report.ctas)
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_fault_is_the_same_with_timing_and_leaves_the_model_usable() {
    let chip = chip_of(&ChipFile::w1());
    let load = Inst::Ld {
        rd: x(5),
        imm: 0,
        rs1: X::ZERO,
    };
    let fault = chip
        .launch(&launch_of(&[load, Inst::XwExit], 40, 2, 0))
        .unwrap_err();
    assert_eq!(fault.cta, [0, 0, 0]);
    assert!(time(&chip, &repeat(&[add(5, 5)], 3), 40, 2, 0).cycles > 0);
}

#[test]
fn another_chip_is_refused() {
    let mut config = ChipConfig::default();
    config.memory_bytes = 1 << 20;
    config.cores = 4;
    let chip = Chip::new(config).unwrap();
    assert!(chip.set_timing(Some(Arc::new(ChipFile::w1()))).is_err());
}

#[test]
fn energy_of_streaming_is_that_of_the_regime() {
    // Chip and memory in bandwidth-bound work: 32 W, 60 W the upper case.
    let report = stream(&ChipFile::w1(), 16 << 20);
    let seconds = report.cycles as f64 / report.clock_hz;
    let watts = report.energy.total() / report.seconds();
    assert!(seconds > 5.0 * report.launch_seconds);
    assert!((24.0..40.0).contains(&watts), "{watts}");
}
