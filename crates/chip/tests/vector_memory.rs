//! Vector loads and stores of every addressing mode, masked and not, against plain indexing.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use weft_chip::{Access, Chip, ChipConfig, Launch, Program};
use weft_isa::abi::CODE_WINDOW;
use weft_isa::{Inst, Lmul, Sew, V, VType, X};

const WORDS: usize = 256;
const MASK: u32 = 0xa5a5_0ff1;

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

/// Runs `body` with x5 = input, x6 = output, x7 = 12, v0 = [`MASK`], v4 = byte offsets that
/// permute the input, v6 (a pair) = the same with 64 bits, v8 = 0x1000 + index, at e32, m1.
/// Gives the output words, which are 7 where nothing was stored.
fn run(body: &[Inst]) -> Vec<u32> {
    let chip = Chip::new(ChipConfig::default()).unwrap();
    let base = chip.memory().base();
    let bytes = (WORDS * 4) as u64;
    chip.memory()
        .map(base, 3 * bytes, Access::ReadWrite)
        .unwrap();
    let words = |values: &mut dyn Iterator<Item = u32>| -> Vec<u8> {
        values.flat_map(u32::to_le_bytes).collect()
    };
    chip.memory()
        .write(base, &words(&mut (0..256).map(|i| i * 3)))
        .unwrap();
    chip.memory()
        .write(base + bytes, &words(&mut (0..256).map(|_| 7)))
        .unwrap();
    let offsets = (0..32).map(offset);
    chip.memory()
        .write(base + 2 * bytes, &words(&mut offsets.chain([MASK])))
        .unwrap();
    let e64 = VType::new(Sew::E64, Lmul::M2).immediate();
    let e32 = VType::new(Sew::E32, Lmul::M1).immediate();
    let mut program = vec![
        Inst::Addi {
            rd: x(5),
            rs1: x(10),
            imm: 0,
        },
        Inst::Addi {
            rd: x(6),
            rs1: x(5),
            imm: 1024,
        },
        Inst::Addi {
            rd: x(11),
            rs1: x(6),
            imm: 1024,
        },
        Inst::Addi {
            rd: x(7),
            rs1: X::ZERO,
            imm: 12,
        },
        Inst::Lw {
            rd: x(12),
            imm: 128,
            rs1: x(11),
        },
        Inst::VmvSX {
            vd: v(0),
            rs1: x(12),
        },
        Inst::Vle32V {
            vd: v(4),
            rs1: x(11),
            vm: true,
        },
        Inst::VidV { vd: v(8), vm: true },
        Inst::Lui {
            rd: x(12),
            imm: 0x1000,
        },
        Inst::VaddVx {
            vd: v(8),
            vs2: v(8),
            rs1: x(12),
            vm: true,
        },
        Inst::VmvVI { vd: v(12), imm: -1 },
        Inst::Vsetvli {
            rd: X::ZERO,
            rs1: X::ZERO,
            vtype: e64,
        },
        Inst::VzextVf2 {
            vd: v(6),
            vs2: v(4),
            vm: true,
        },
        Inst::Vsetvli {
            rd: X::ZERO,
            rs1: X::ZERO,
            vtype: e32,
        },
    ];
    program.extend_from_slice(body);
    program.push(Inst::XwExit);
    let code: Vec<u8> = program
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    let launch = Launch {
        program: Program::at_window(&code),
        entry: CODE_WINDOW,
        grid: [1, 1, 1],
        block: [32, 1, 1],
        shared_static_bytes: 0,
        shared_dynamic_bytes: 0,
        local_bytes_per_lane: 0,
        stack_bytes_per_hart: 0,
        params: base,
        symbols: 0,
        grid_id: 0,
    };
    chip.launch(&launch).unwrap();
    let mut output = vec![0; WORDS * 4];
    chip.memory().read(base + bytes, &mut output).unwrap();
    output
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// Byte offset of lane `lane`'s element: a permutation of the first 32 words.
fn offset(lane: u32) -> u32 {
    lane * 13 % 32 * 4
}

fn on(lane: u32) -> bool {
    MASK >> lane & 1 == 1
}

fn store() -> Inst {
    Inst::Vse32V {
        vs3: v(12),
        rs1: x(6),
        vm: true,
    }
}

/// A load into v12, which held ones, then a store of all of it.
fn loaded(load: Inst) -> Vec<u32> {
    run(&[load, store()])
}

fn assert_lanes(actual: &[u32], expected: impl Fn(u32) -> u32) {
    for (lane, &value) in (0..32).zip(actual) {
        assert_eq!(value, expected(lane), "lane {lane}");
    }
}

#[test]
fn strided_loads() {
    let load = |vm| {
        loaded(Inst::Vlse32V {
            vd: v(12),
            rs1: x(5),
            rs2: x(7),
            vm,
        })
    };
    assert_lanes(&load(true), |lane| lane * 9);
    assert_lanes(
        &load(false),
        |lane| if on(lane) { lane * 9 } else { u32::MAX },
    );
    let same = loaded(Inst::Vlse32V {
        vd: v(12),
        rs1: x(5),
        rs2: X::ZERO,
        vm: false,
    });
    assert_lanes(&same, |lane| if on(lane) { 0 } else { u32::MAX });
}

#[test]
fn indexed_loads_of_both_offset_widths() {
    let expected = |lane| offset(lane) / 4 * 3;
    let narrow = |vm| {
        loaded(Inst::Vluxei32V {
            vd: v(12),
            rs1: x(5),
            vs2: v(4),
            vm,
        })
    };
    assert_lanes(&narrow(true), expected);
    assert_lanes(&narrow(false), |lane| {
        if on(lane) { expected(lane) } else { u32::MAX }
    });
    let wide = |vm| {
        loaded(Inst::Vluxei64V {
            vd: v(12),
            rs1: x(5),
            vs2: v(6),
            vm,
        })
    };
    assert_lanes(&wide(true), expected);
    assert_lanes(&wide(false), |lane| {
        if on(lane) { expected(lane) } else { u32::MAX }
    });
}

#[test]
fn masked_unit_stride_accesses() {
    let load = loaded(Inst::Vle32V {
        vd: v(12),
        rs1: x(5),
        vm: false,
    });
    assert_lanes(&load, |lane| if on(lane) { lane * 3 } else { u32::MAX });
    let stored = run(&[Inst::Vse32V {
        vs3: v(8),
        rs1: x(6),
        vm: false,
    }]);
    assert_lanes(&stored, |lane| if on(lane) { 0x1000 + lane } else { 7 });
}

#[test]
fn strided_and_indexed_stores() {
    let stored = run(&[Inst::Vsse32V {
        vs3: v(8),
        rs1: x(6),
        rs2: x(7),
        vm: false,
    }]);
    for lane in 0..32 {
        let expected = if on(lane) { 0x1000 + lane } else { 7 };
        assert_eq!(stored[lane as usize * 3], expected, "lane {lane}");
    }
    for vm in [true, false] {
        let stored = run(&[Inst::Vsuxei32V {
            vs3: v(8),
            rs1: x(6),
            vs2: v(4),
            vm,
        }]);
        for lane in 0..32 {
            let expected = if vm || on(lane) { 0x1000 + lane } else { 7 };
            assert_eq!(stored[offset(lane) as usize / 4], expected, "lane {lane}");
        }
    }
}

#[test]
fn segments_interleave_registers() {
    let load = Inst::Vlsege32V {
        nf: 3,
        vd: v(12),
        rs1: x(5),
        vm: true,
    };
    for field in 0..3 {
        let store = Inst::Vse32V {
            vs3: v(12 + field),
            rs1: x(6),
            vm: true,
        };
        assert_lanes(&run(&[load, store]), |lane| {
            (lane * 3 + u32::from(field)) * 3
        });
    }
    let stored = run(&[
        load,
        Inst::Vssege32V {
            nf: 3,
            vs3: v(12),
            rs1: x(6),
            vm: true,
        },
    ]);
    for (index, &word) in (0..96).zip(&stored) {
        assert_eq!(word, index * 3, "word {index}");
    }
}

#[test]
fn whole_registers_and_masks() {
    let load = Inst::Vl2re32V {
        vd: v(12),
        rs1: x(5),
    };
    let stored = run(&[
        load,
        Inst::Vs2rV {
            vs3: v(12),
            rs1: x(6),
        },
    ]);
    for (index, &word) in (0..64).zip(&stored) {
        assert_eq!(word, index * 3, "word {index}");
    }
    let stored = run(&[Inst::VsmV {
        vs3: v(0),
        rs1: x(6),
    }]);
    assert_eq!(stored[..2], [MASK, 7]);
}

#[test]
fn an_inactive_lane_may_have_any_address() {
    // Offsets of inactive lanes are made wild; only active ones are looked at.
    let wild = [
        Inst::VmvVI { vd: v(9), imm: -1 },
        Inst::VmergeVvm {
            vd: v(9),
            vs2: v(9),
            vs1: v(4),
        },
        Inst::Vluxei32V {
            vd: v(12),
            rs1: x(5),
            vs2: v(9),
            vm: false,
        },
        store(),
    ];
    let expected = |lane| {
        if on(lane) {
            offset(lane) / 4 * 3
        } else {
            u32::MAX
        }
    };
    assert_lanes(&run(&wild), expected);
}
