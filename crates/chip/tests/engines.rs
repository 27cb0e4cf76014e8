//! Random programs in every engine: memory, counts and faults are the same.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]
#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use weft_chip::{Access, Chip, ChipConfig, Engine, Launch, Program};
use weft_isa::abi::CODE_WINDOW;
use weft_isa::{Inst, Lmul, Opcode, Register, Sew, V, VType, X, decode};

const DATA_BYTES: u64 = 4096;
const OUTPUT_BYTES: u64 = 4096;
const PROGRAMS: u64 = 60;
const ROUNDS: i32 = 40;

const fn x(number: u8) -> X {
    X::new(number)
}

const fn v(number: u8) -> V {
    V::new(number)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A register that programs may write.
    fn x(&mut self) -> X {
        x(5 + self.below(8) as u8)
    }
}

/// Integer instructions without jumps, loads and stores.
fn integer_opcodes() -> Vec<Opcode> {
    let majors = [0x13, 0x1b, 0x33, 0x3b, 0x37, 0x17];
    let all = Opcode::ALL.iter().copied();
    all.filter(|opcode| majors.contains(&(opcode.row().match_bits & 0x7f)))
        .collect()
}

fn integer(random: &mut Random, opcodes: &[Opcode]) -> Inst {
    loop {
        let row = opcodes[random.below(opcodes.len() as u64) as usize].row();
        let word = row.match_bits | random.next() as u32 & !row.mask;
        if let Some(inst) = decode(word) {
            return inst.map_registers(|register| match register {
                // x0 now and then.
                Register::X(_) if random.below(16) == 0 => Register::X(X::ZERO),
                Register::X(_) => Register::X(random.x()),
                other => other,
            });
        }
    }
}

/// Puts an address inside the data into x17: of a word, seldom of any byte.
fn address(random: &mut Random) -> Vec<Inst> {
    let imm = if random.below(200) == 0 { 0x7ff } else { 0x7f8 };
    vec![
        Inst::Andi {
            rd: x(17),
            rs1: random.x(),
            imm,
        },
        Inst::Add {
            rd: x(17),
            rs1: x(17),
            rs2: x(20),
        },
    ]
}

fn memory(random: &mut Random) -> Vec<Inst> {
    let (rd, rs2, rs1) = (random.x(), random.x(), x(17));
    let imm = 8 * random.below(8) as i32;
    let (fd, vd) = (weft_isa::F::new(1), v(8));
    let mut code = address(random);
    code.push(match random.below(17) {
        0 => Inst::Lb { rd, imm, rs1 },
        1 => Inst::Lbu { rd, imm, rs1 },
        2 => Inst::Lh { rd, imm, rs1 },
        3 => Inst::Lhu { rd, imm, rs1 },
        4 => Inst::Lw { rd, imm, rs1 },
        5 => Inst::Lwu { rd, imm, rs1 },
        6 => Inst::Ld { rd, imm, rs1 },
        7 => Inst::Sb { rs2, imm, rs1 },
        8 => Inst::Sh { rs2, imm, rs1 },
        9 => Inst::Sw { rs2, imm, rs1 },
        10 => Inst::Sd { rs2, imm, rs1 },
        11 => Inst::Flw { rd: fd, imm, rs1 },
        12 => Inst::Fld { rd: fd, imm, rs1 },
        13 => Inst::Fsw { rs2: fd, imm, rs1 },
        14 => Inst::Fsd { rs2: fd, imm, rs1 },
        15 => Inst::Vle32V { vd, rs1, vm: true },
        _ => Inst::Vse32V {
            vs3: vd,
            rs1,
            vm: true,
        },
    });
    code
}

/// Vector integer instructions whose operands are all of one width.
fn vector_opcodes() -> Vec<Opcode> {
    let names = [
        "vadd.", "vsub.", "vrsub.", "vand.", "vor.", "vxor.", "vmin.", "vminu.", "vmax.", "vmaxu.",
        "vmul.", "vmulh.", "vmacc.", "vsll.", "vsrl.", "vsra.", "vmv.v.", "vmerge.", "vmseq.",
    ];
    let all = Opcode::ALL.iter().copied();
    all.filter(|opcode| {
        let mnemonic = opcode.row().mnemonic;
        names.iter().any(|name| mnemonic.starts_with(name))
    })
    .collect()
}

/// Several of them, for compiled code takes them together, on registers 0 and 8 to 10; masked now
/// and then.
fn vector(random: &mut Random, opcodes: &[Opcode]) -> Vec<Inst> {
    if random.below(8) == 0 {
        return vec![Inst::VmvXS {
            rd: random.x(),
            vs2: v(8),
        }];
    }
    const UNMASKED: u32 = 1 << 25;
    let count = 1 + random.below(3);
    let one = |random: &mut Random| loop {
        let row = opcodes[random.below(opcodes.len() as u64) as usize].row();
        let mut word = row.match_bits | random.next() as u32 & !row.mask;
        if row.mask & UNMASKED == 0 && random.below(4) != 0 {
            word |= UNMASKED;
        }
        let Some(inst) = decode(word) else { continue };
        let masked = word & UNMASKED == 0;
        return inst.map_registers(|register| match register {
            Register::X(_) if random.below(16) == 0 => Register::X(X::ZERO),
            Register::X(_) => Register::X(random.x()),
            // The destination of a masked instruction may not be the mask.
            Register::V(_) if !masked && random.below(8) == 0 => Register::V(v(0)),
            Register::V(_) => Register::V(v(8 + random.below(3) as u8)),
            other @ Register::F(_) => other,
        });
    };
    (0..count).map(|_| one(random)).collect()
}

/// A branch over the instructions that follow it.
fn branch(random: &mut Random, over: usize) -> Inst {
    let (rs1, rs2) = (random.x(), random.x());
    let offset = 4 * (i32::try_from(over).unwrap() + 1);
    match random.below(6) {
        0 => Inst::Beq { rs1, rs2, offset },
        1 => Inst::Bne { rs1, rs2, offset },
        2 => Inst::Blt { rs1, rs2, offset },
        3 => Inst::Bge { rs1, rs2, offset },
        4 => Inst::Bltu { rs1, rs2, offset },
        _ => Inst::Bgeu { rs1, rs2, offset },
    }
}

fn program(seed: u64, opcodes: &[Opcode], vectors: &[Opcode]) -> Vec<Inst> {
    let random = &mut Random(seed);
    let mut body = Vec::new();
    for _ in 0..12 {
        let mut piece = Vec::new();
        for _ in 0..random.below(6) {
            match random.below(6) {
                0 | 1 => piece.extend(memory(random)),
                2 => piece.extend(vector(random, vectors)),
                _ => piece.push(integer(random, opcodes)),
            }
        }
        if random.below(2) == 0 {
            body.push(branch(random, piece.len()));
        }
        body.extend(piece);
    }
    let mut code = vec![
        Inst::Addi {
            rd: x(20),
            rs1: x(10),
            imm: 0,
        },
        Inst::Addi {
            rd: x(21),
            rs1: X::ZERO,
            imm: ROUNDS,
        },
    ];
    code.extend((5..13).map(|register| Inst::Ld {
        rd: x(register),
        imm: 8 * i32::from(register),
        rs1: x(20),
    }));
    if random.below(4) == 0 {
        code.push(Inst::Vsetivli {
            rd: X::ZERO,
            uimm: 20,
            vtype: VType::new(Sew::E32, Lmul::M1).immediate(),
        });
    }
    let length = i32::try_from(body.len()).unwrap() * 4;
    code.extend(body);
    code.push(Inst::Addi {
        rd: x(21),
        rs1: x(21),
        imm: -1,
    });
    code.push(Inst::Bne {
        rs1: x(21),
        rs2: X::ZERO,
        offset: -length - 4,
    });
    code.push(Inst::Lui {
        rd: x(22),
        imm: DATA_BYTES as i32,
    });
    code.push(Inst::Add {
        rd: x(22),
        rs1: x(22),
        rs2: x(20),
    });
    code.extend((5..13).map(|register| Inst::Sd {
        rs2: x(register),
        imm: 8 * i32::from(register),
        rs1: x(22),
    }));
    code.push(Inst::Addi {
        rd: x(22),
        rs1: x(22),
        imm: 1024,
    });
    code.push(Inst::Vse32V {
        vs3: v(8),
        rs1: x(22),
        vm: true,
    });
    for register in 8..11 {
        code.push(Inst::Addi {
            rd: x(22),
            rs1: x(22),
            imm: 1024,
        });
        code.push(Inst::Vse32V {
            vs3: v(register),
            rs1: x(22),
            vm: true,
        });
    }
    code.push(Inst::XwExit);
    code
}

/// What an engine made of a program: its counts or its fault, and memory.
fn run(chip: &Chip, program: &[Inst]) -> (String, Vec<u8>) {
    let code: Vec<u8> = program
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    let base = chip.memory().base();
    let mut random = Random(7);
    let data: Vec<u8> = (0..DATA_BYTES).map(|_| random.next() as u8).collect();
    chip.memory().write(base, &data).unwrap();
    chip.memory()
        .fill(base + DATA_BYTES, OUTPUT_BYTES, &[0])
        .unwrap();
    let launch = Launch {
        program: Program::at_window(&code),
        entry: CODE_WINDOW,
        grid: [1, 1, 1],
        block: [64, 1, 1],
        shared_static_bytes: 0,
        shared_dynamic_bytes: 0,
        local_bytes_per_lane: 0,
        stack_bytes_per_hart: 0,
        params: base,
        symbols: 0,
        grid_id: 0,
    };
    let outcome = match chip.launch(&launch) {
        Ok(mut report) => {
            report.host_seconds = 0.0;
            report.to_string()
        }
        Err(error) => relative(&error.to_string(), base),
    };
    let mut memory = vec![0; (DATA_BYTES + OUTPUT_BYTES) as usize];
    chip.memory().read(base, &mut memory).unwrap();
    (outcome, memory)
}

/// A message with addresses in the data as distances: chips have different ones.
fn relative(message: &str, base: u64) -> String {
    let word = |word: &str| {
        let digits = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let value = digits
            .strip_prefix("0x")
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        match value.and_then(|value| value.checked_sub(base)) {
            Some(distance) if distance < 1 << 20 => format!("base+{distance}"),
            _ => word.to_owned(),
        }
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn engines_agree() {
    let engines = Engine::available();
    let (opcodes, vectors) = (integer_opcodes(), vector_opcodes());
    let mut config = ChipConfig::default();
    config.cores = 1;
    config.memory_bytes = 1 << 20;
    config.engine = engines[0];
    let chips: Vec<_> = engines
        .iter()
        .map(|&engine| {
            let mut config = config.clone();
            config.engine = engine;
            let chip = Chip::new(config).unwrap();
            let base = chip.memory().base();
            let bytes = DATA_BYTES + OUTPUT_BYTES;
            chip.memory().map(base, bytes, Access::ReadWrite).unwrap();
            chip
        })
        .collect();
    for seed in 0..PROGRAMS {
        let program = program(seed, &opcodes, &vectors);
        let (expected, memory) = run(&chips[0], &program);
        for (engine, chip) in engines.iter().zip(&chips).skip(1) {
            let (actual, other) = run(chip, &program);
            assert_eq!(actual, expected, "seed {seed}, {engine}");
            let differs = memory.iter().zip(&other).position(|(a, b)| a != b);
            assert_eq!(differs, None, "first different byte, seed {seed}, {engine}");
        }
    }
}
