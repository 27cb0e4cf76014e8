//! Random indexed loads and stores in one block, against the same instructions in a block each:
//! what instructions of a block share must not be seen.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]
#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use weft_chip::{Access, Chip, ChipConfig, Launch, Program};
use weft_isa::abi::CODE_WINDOW;
use weft_isa::{Inst, V, X};

const DATA_BYTES: u64 = 2048;
/// Tables of 32 offsets, in words and then in double words.
const TABLES: u64 = 6;
const TABLES_AT: u64 = DATA_BYTES;
const WIDE_TABLES_AT: u64 = TABLES_AT + TABLES * 128;
const OUTPUT_AT: u64 = WIDE_TABLES_AT + TABLES * 256;
const TOTAL_BYTES: u64 = OUTPUT_AT + 8 * 128;
const LENGTH: usize = 40;
const PROGRAMS: u64 = 300;

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % limit) as u8
    }
}

/// Offset of a lane in a table: a row, rows and places of half the lanes, one place, others.
fn offset(table: u64, lane: u64) -> u64 {
    4 * match table {
        0 => lane + 3,
        1 => lane % 16 + 20 * (1 - lane / 16),
        2 => 7 + 9 * (lane / 16),
        3 => 11,
        4 => lane * 13 % 32,
        _ => lane * 29 % 37,
    }
}

fn data() -> Vec<u8> {
    let words = (0..DATA_BYTES / 4).map(|word| (word * 0x0101 + 7) as u32);
    let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    for table in 0..TABLES {
        bytes.extend((0..32).flat_map(|lane| (offset(table, lane) as u32).to_le_bytes()));
    }
    for table in 0..TABLES {
        bytes.extend((0..32).flat_map(|lane| offset(table, lane).to_le_bytes()));
    }
    bytes.resize(TOTAL_BYTES as usize, 0);
    bytes
}

/// Puts the address of a byte of the data into `rd`.
fn address(rd: u8, at: u64) -> [Inst; 2] {
    let (high, low) = (at / 1024, at % 1024);
    let step = |rs1, imm| Inst::Addi {
        rd: x(rd),
        rs1,
        imm,
    };
    assert!(high < 8);
    [
        step(x(10), i32::try_from(low).unwrap()),
        // x20 to x26 hold 1 to 7 times 1024.
        match high {
            0 => step(x(rd), 0),
            _ => Inst::Add {
                rd: x(rd),
                rs1: x(rd),
                rs2: x(19 + high as u8),
            },
        },
    ]
}

fn instruction(random: &mut Random) -> Vec<Inst> {
    let rs1 = x(5 + random.below(2));
    let vm = random.below(2) == 0;
    let data = v(8 + random.below(8));
    let narrow = v(4 + random.below(4));
    let wide = v(24 + 2 * random.below(2));
    let table = u64::from(random.below(TABLES));
    vec![match random.below(14) {
        0..=3 => Inst::Vluxei32V {
            vd: data,
            rs1,
            vs2: narrow,
            vm,
        },
        4 | 5 => Inst::Vluxei64V {
            vd: data,
            rs1,
            vs2: wide,
            vm,
        },
        6 => Inst::Vsuxei32V {
            vs3: data,
            rs1,
            vs2: narrow,
            vm,
        },
        7 => Inst::Vsuxei64V {
            vs3: data,
            rs1,
            vs2: wide,
            vm,
        },
        8 => {
            let [first, second] = address(7, TABLES_AT + table * 128);
            let load = Inst::Vle32V {
                vd: narrow,
                rs1: x(7),
                vm,
            };
            return vec![first, second, load];
        }
        9 => {
            let [first, second] = address(7, WIDE_TABLES_AT + table * 256);
            let load = Inst::Vl2re64V {
                vd: wide,
                rs1: x(7),
            };
            return vec![first, second, load];
        }
        10 => Inst::Vmv1rV {
            vd: narrow,
            vs2: v(4 + random.below(4)),
        },
        11 => Inst::VmvSX {
            vd: v(0),
            rs1: [X::ZERO, x(12), x(13)][usize::from(random.below(3))],
        },
        12 => Inst::VaddVv {
            vd: data,
            vs2: v(8 + random.below(8)),
            vs1: narrow,
            vm,
        },
        _ => Inst::VmvVV {
            vd: narrow,
            vs1: v(4 + random.below(4)),
        },
    }]
}

fn program(body: &[Inst]) -> Vec<Inst> {
    let mut program = vec![
        Inst::Addi {
            rd: x(12),
            rs1: X::ZERO,
            imm: 0x5a3,
        },
        Inst::Addi {
            rd: x(13),
            rs1: X::ZERO,
            imm: -1,
        },
        Inst::Addi {
            rd: x(20),
            rs1: X::ZERO,
            imm: 1024,
        },
    ];
    program.extend((2..8).map(|times| Inst::Add {
        rd: x(19 + times),
        rs1: x(18 + times),
        rs2: x(20),
    }));
    program.extend(address(5, 0));
    program.extend(address(6, 64));
    for (register, table) in (4..8).zip(0..) {
        program.extend(address(7, TABLES_AT + table * 128));
        program.push(Inst::Vle32V {
            vd: v(register),
            rs1: x(7),
            vm: true,
        });
    }
    for (register, table) in [(24, 1), (26, 4)] {
        program.extend(address(7, WIDE_TABLES_AT + table * 256));
        program.push(Inst::Vl2re64V {
            vd: v(register),
            rs1: x(7),
        });
    }
    program.extend_from_slice(body);
    for (register, place) in (8..16).zip(0..) {
        program.extend(address(7, OUTPUT_AT + place * 128));
        program.push(Inst::Vse32V {
            vs3: v(register),
            rs1: x(7),
            vm: true,
        });
    }
    program.push(Inst::XwExit);
    program
}

/// Memory after the program.
fn run(chip: &Chip, program: &[Inst]) -> Vec<u8> {
    let code: Vec<u8> = program
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    let base = chip.memory().base();
    chip.memory().write(base, &data()).unwrap();
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
    let mut memory = vec![0; TOTAL_BYTES as usize];
    chip.memory().read(base, &mut memory).unwrap();
    memory
}

#[test]
fn instructions_of_a_block_agree_with_blocks_of_one() {
    let chip = Chip::new(ChipConfig::default()).unwrap();
    let base = chip.memory().base();
    chip.memory()
        .map(base, TOTAL_BYTES, Access::ReadWrite)
        .unwrap();
    for seed in 0..PROGRAMS {
        let mut random = Random(seed);
        let body: Vec<Inst> = (0..LENGTH).flat_map(|_| instruction(&mut random)).collect();
        let jump = Inst::Jal {
            rd: X::ZERO,
            offset: 4,
        };
        let apart: Vec<Inst> = body.iter().flat_map(|&inst| [inst, jump]).collect();
        let whole = run(&chip, &program(&body));
        let apart = run(&chip, &program(&apart));
        let differs = whole.iter().zip(&apart).position(|(a, b)| a != b);
        assert_eq!(differs, None, "first different byte, seed {seed}: {body:?}");
    }
}
