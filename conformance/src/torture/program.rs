//! Random programs for bare machines.
//!
//! A program sets all registers and a range of memory to values drawn from its seed, executes
//! groups of random instructions, and leaves registers, CSRs, a digest of memory, and a digest
//! of the traps it took between the symbols `begin_signature` and `end_signature`. Its trap
//! handler notes cause, value and place, and goes on after the instruction. Instructions come
//! from the instruction table, operands from the seed: a part is illegal and must trap.
//!
//! A group is what must stay together, such as an address and the load that uses it. A program
//! of the first `n` groups of a seed is a prefix of the program of all.

use weft_isa::{
    Class, F, Inst, Lmul, Opcode, Register, Sew, V, VType, X, csr, decode, decode_compressed,
};

use super::image::{Segment, executable};
use super::random::Random;

const CODE: u64 = 0x8000_0000;
const DATA: u64 = 0x8020_0000;
/// Memory that loads and stores go to, in bytes.
const DATA_BYTES: u64 = 1 << 15;
/// What the trap handler keeps, then the signature.
const SAVE: u64 = 0x8030_0000;
const TOHOST: u64 = 0x8040_0000;
/// Values that registers begin with.
const POOL: u64 = 0x8050_0000;
/// Heap that the chip is given, in MiB: as little as there can be.
pub(super) const HEAP_MIB: u64 = 1;
/// Memory that the chip has then: the segments up to the end of the pool, the heap and 8 MiB of
/// stack. Spike is given as much, because accesses go to both sides of its end.
pub(super) const MEMORY_BYTES: u64 = 0x00e0_2000;

const SAVED_X29: i32 = 0;
const SAVED_X28: i32 = 8;
const TRAP_DIGEST: i32 = 16;
const TRAP_COUNT: i32 = 24;
const AT_X: i32 = 32;
const AT_F: i32 = AT_X + 32 * 8;
const AT_CSR: i32 = AT_F + 32 * 8;
const AT_MEMORY: i32 = AT_CSR + 6 * 8;
const AT_V: i32 = 1024;
/// CSRs in the signature. `fcsr` is left out of programs that must not look at `fflags`.
const DUMPED: [(u16, &str); 6] = [
    (csr::FCSR, "fcsr"),
    (csr::VCSR, "vcsr"),
    (csr::VSTART, "vstart"),
    (csr::VL, "vl"),
    (csr::VTYPE, "vtype"),
    (csr::FRM, "frm"),
];
/// Size of the signature.
const SIGNATURE_BYTES: u64 = 1024 + 4096;

/// What a word of the signature is.
pub(super) fn name_of_word(index: usize) -> String {
    let offset = i32::try_from(index * 8).unwrap_or(i32::MAX);
    match offset {
        TRAP_DIGEST => "digest of traps".to_owned(),
        TRAP_COUNT => "number of traps".to_owned(),
        AT_X..AT_F => format!("x{}", (offset - AT_X) / 8),
        AT_F..AT_CSR => format!("f{}", (offset - AT_F) / 8),
        AT_CSR..AT_MEMORY => DUMPED[((offset - AT_CSR) / 8) as usize].1.to_owned(),
        AT_MEMORY => "digest of memory".to_owned(),
        AT_V.. => format!(
            "v{} bytes {}..",
            (offset - AT_V) / 128,
            (offset - AT_V) % 128
        ),
        _ => "scratch".to_owned(),
    }
}

/// A random program.
pub(super) struct Program {
    seed: u64,
    /// Encodings: 16 bits or 32.
    groups: Vec<Vec<u32>>,
    looks_at_flags: bool,
}

impl Program {
    /// The program of a seed, with this many groups.
    pub(super) fn new(seed: u64, groups: usize) -> Self {
        let mut writer = Writer::new(seed);
        Self {
            seed,
            looks_at_flags: writer.looks_at_flags,
            groups: (0..groups).map(|_| writer.group()).collect(),
        }
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The encodings of all instructions.
    pub(super) fn words(&self) -> Vec<u32> {
        self.groups.concat()
    }

    /// The instructions of a group, as text.
    pub(super) fn describe(&self, group: usize) -> Vec<String> {
        let words = self.groups[group].iter();
        words
            .map(|&word| format!("{word:08x}  {}", text(word)))
            .collect()
    }

    /// The executable of the first `count` groups.
    pub(super) fn executable(&self, count: usize) -> Vec<u8> {
        let mut random = Random::new(self.seed ^ 0x5eed);
        let mut code = Code::default();
        code.prologue(&mut random);
        for group in &self.groups[..count.min(self.groups.len())] {
            for &word in group {
                code.raw(word);
            }
        }
        code.epilogue(self.looks_at_flags);
        assert!(
            code.bytes.len() as u64 <= DATA - CODE,
            "the code is too long"
        );

        let words = |count: u64, random: &mut Random, value: fn(&mut Random) -> u64| {
            (0..count)
                .flat_map(|_| value(random).to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let mut pool = words(32, &mut random, Random::integer);
        pool.extend(words(32, &mut random, Random::float_register));
        pool.extend(words(32 * 16, &mut random, Random::contents));
        let data = words(DATA_BYTES / 8, &mut random, Random::contents);
        let zeros = |bytes: u64| vec![0; bytes as usize];
        let segments = [
            (CODE, code.bytes),
            (DATA, data),
            (SAVE, zeros(SIGNATURE_BYTES)),
            (TOHOST, zeros(128)),
            (POOL, pool),
        ]
        .map(|(address, contents)| Segment { address, contents });
        executable(
            &segments,
            &[
                ("tohost", TOHOST),
                ("fromhost", TOHOST + 64),
                ("begin_signature", SAVE),
                ("end_signature", SAVE + SIGNATURE_BYTES),
            ],
        )
    }
}

fn text(word: u32) -> String {
    let inst = if word & 3 == 3 {
        decode(word)
    } else {
        decode_compressed(word as u16)
    };
    inst.map_or_else(
        || "no instruction of the table".to_owned(),
        |inst| inst.to_string(),
    )
}

/// Code from [`CODE`] on.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
}

impl Code {
    fn put(&mut self, inst: Inst) {
        self.raw(inst.encode());
    }

    /// An encoding of 16 bits or 32.
    fn raw(&mut self, word: u32) {
        let bytes = word.to_le_bytes();
        let length = if word & 3 == 3 { 4 } else { 2 };
        self.bytes.extend(&bytes[..length]);
    }

    fn address(&mut self, rd: X, target: u64) {
        for inst in address(CODE + self.bytes.len() as u64, rd, target) {
            self.put(inst);
        }
    }

    fn csr(&mut self, csr: u16, rs1: X) {
        self.put(Inst::Csrrw {
            rd: X::ZERO,
            csr,
            rs1,
        });
    }

    fn prologue(&mut self, random: &mut Random) {
        let [x1, x28, x29, x30] = [1, 28, 29, 30].map(x);
        // Over the handler.
        let handler_words = 28;
        self.put(Inst::Jal {
            rd: X::ZERO,
            offset: 4 * (handler_words + 1),
        });
        let handler = CODE + self.bytes.len() as u64;
        let begin = self.bytes.len();
        self.put(Inst::Csrrw {
            rd: x30,
            csr: csr::MSCRATCH,
            rs1: x30,
        });
        self.put(Inst::Sd {
            rs2: x29,
            imm: SAVED_X29,
            rs1: x30,
        });
        self.put(Inst::Sd {
            rs2: x28,
            imm: SAVED_X28,
            rs1: x30,
        });
        self.put(Inst::Ld {
            rd: x29,
            imm: TRAP_DIGEST,
            rs1: x30,
        });
        for source in [csr::MCAUSE, csr::MTVAL, csr::MEPC] {
            self.put(Inst::Rori {
                rd: x29,
                rs1: x29,
                shamt: 57,
            });
            self.put(Inst::Csrrs {
                rd: x28,
                csr: source,
                rs1: X::ZERO,
            });
            self.put(Inst::Xor {
                rd: x29,
                rs1: x29,
                rs2: x28,
            });
        }
        self.put(Inst::Sd {
            rs2: x29,
            imm: TRAP_DIGEST,
            rs1: x30,
        });
        self.put(Inst::Ld {
            rd: x29,
            imm: TRAP_COUNT,
            rs1: x30,
        });
        self.put(Inst::Addi {
            rd: x29,
            rs1: x29,
            imm: 1,
        });
        self.put(Inst::Sd {
            rs2: x29,
            imm: TRAP_COUNT,
            rs1: x30,
        });
        // mepc += 2 or 4; x28 is mepc.
        self.put(Inst::Lhu {
            rd: x29,
            imm: 0,
            rs1: x28,
        });
        self.put(Inst::Andi {
            rd: x29,
            rs1: x29,
            imm: 3,
        });
        self.put(Inst::Sltiu {
            rd: x29,
            rs1: x29,
            imm: 3,
        });
        self.put(Inst::Xori {
            rd: x29,
            rs1: x29,
            imm: 1,
        });
        self.put(Inst::Sh1add {
            rd: x28,
            rs1: x29,
            rs2: x28,
        });
        self.put(Inst::Addi {
            rd: x28,
            rs1: x28,
            imm: 2,
        });
        self.csr(csr::MEPC, x28);
        self.put(Inst::Ld {
            rd: x28,
            imm: SAVED_X28,
            rs1: x30,
        });
        self.put(Inst::Ld {
            rd: x29,
            imm: SAVED_X29,
            rs1: x30,
        });
        self.put(Inst::Csrrw {
            rd: x30,
            csr: csr::MSCRATCH,
            rs1: x30,
        });
        self.put(Inst::Mret);
        assert_eq!(
            self.bytes.len() - begin,
            4 * handler_words as usize,
            "length of the handler"
        );

        self.address(x1, handler);
        self.csr(csr::MTVEC, x1);
        self.address(x1, SAVE);
        self.csr(csr::MSCRATCH, x1);
        self.put(Inst::Lui {
            rd: x1,
            imm: 0x6000,
        });
        self.put(Inst::Addi {
            rd: x1,
            rs1: x1,
            imm: 0x600,
        });
        self.put(Inst::Csrrs {
            rd: X::ZERO,
            csr: csr::MSTATUS,
            rs1: x1,
        });
        self.put(Inst::Csrrwi {
            rd: X::ZERO,
            csr: csr::FRM,
            uimm: rounding(random),
        });
        self.put(Inst::Csrrwi {
            rd: X::ZERO,
            csr: csr::VXRM,
            uimm: random.below(4) as u8,
        });
        self.address(x1, POOL + 256);
        for index in 0..32 {
            let imm = i32::from(index) * 8;
            self.put(Inst::Fld {
                rd: F::new(index),
                imm,
                rs1: x1,
            });
        }
        self.put(Inst::Addi {
            rd: x1,
            rs1: x1,
            imm: 256,
        });
        for index in [0, 8, 16, 24] {
            let vd = V::new(index);
            self.put(Inst::Vl8re8V { vd, rs1: x1 });
            self.put(Inst::Addi {
                rd: x1,
                rs1: x1,
                imm: 1024,
            });
        }
        self.address(x(31), POOL);
        for index in 1..32 {
            self.put(Inst::Ld {
                rd: x(index),
                imm: i32::from(index) * 8,
                rs1: x(31),
            });
        }
    }

    fn epilogue(&mut self, looks_at_flags: bool) {
        let [x1, x2, x3, x29, x30] = [1, 2, 3, 29, 30].map(x);
        // A branch over the end of the body may skip these.
        for _ in 0..4 {
            self.put(Inst::Addi {
                rd: X::ZERO,
                rs1: X::ZERO,
                imm: 0,
            });
        }
        self.put(Inst::Csrrw {
            rd: x30,
            csr: csr::MSCRATCH,
            rs1: x30,
        });
        for index in 1..30 {
            self.put(Inst::Sd {
                rs2: x(index),
                imm: AT_X + i32::from(index) * 8,
                rs1: x30,
            });
        }
        self.put(Inst::Sd {
            rs2: x(31),
            imm: AT_X + 31 * 8,
            rs1: x30,
        });
        self.put(Inst::Csrrs {
            rd: x29,
            csr: csr::MSCRATCH,
            rs1: X::ZERO,
        });
        self.put(Inst::Sd {
            rs2: x29,
            imm: AT_X + 30 * 8,
            rs1: x30,
        });
        self.csr(csr::MSCRATCH, x30);
        for index in 0..32 {
            let rs2 = F::new(index);
            self.put(Inst::Fsd {
                rs2,
                imm: AT_F + i32::from(index) * 8,
                rs1: x30,
            });
        }
        for (index, (csr, _)) in (0..).zip(DUMPED) {
            if csr == csr::FCSR && !looks_at_flags {
                continue;
            }
            self.put(Inst::Csrrs {
                rd: x1,
                csr,
                rs1: X::ZERO,
            });
            self.put(Inst::Sd {
                rs2: x1,
                imm: AT_CSR + index * 8,
                rs1: x30,
            });
        }
        self.csr(csr::VSTART, X::ZERO);
        self.put(Inst::Addi {
            rd: x1,
            rs1: x30,
            imm: AT_V,
        });
        for index in [0, 8, 16, 24] {
            let vs3 = V::new(index);
            self.put(Inst::Vs8rV { vs3, rs1: x1 });
            self.put(Inst::Addi {
                rd: x1,
                rs1: x1,
                imm: 1024,
            });
        }
        // Memory: rotate and add.
        self.address(x1, DATA);
        self.address(x2, DATA + DATA_BYTES);
        self.put(Inst::Addi {
            rd: x3,
            rs1: X::ZERO,
            imm: 0,
        });
        self.put(Inst::Ld {
            rd: x29,
            imm: 0,
            rs1: x1,
        });
        self.put(Inst::Rori {
            rd: x3,
            rs1: x3,
            shamt: 51,
        });
        self.put(Inst::Add {
            rd: x3,
            rs1: x3,
            rs2: x29,
        });
        self.put(Inst::Addi {
            rd: x1,
            rs1: x1,
            imm: 8,
        });
        self.put(Inst::Bne {
            rs1: x1,
            rs2: x2,
            offset: -16,
        });
        self.put(Inst::Sd {
            rs2: x3,
            imm: AT_MEMORY,
            rs1: x30,
        });
        self.put(Inst::Addi {
            rd: x1,
            rs1: X::ZERO,
            imm: 1,
        });
        self.address(x2, TOHOST);
        self.put(Inst::Sd {
            rs2: x1,
            imm: 0,
            rs1: x2,
        });
        self.put(Inst::Jal {
            rd: X::ZERO,
            offset: 0,
        });
    }
}

/// `auipc` and `addi` that make an address at `pc`.
fn address(pc: u64, rd: X, target: u64) -> [Inst; 2] {
    let offset = target.wrapping_sub(pc) as i64;
    let low = (offset << 52 >> 52) as i32;
    let high = (offset - i64::from(low)) as i32;
    [
        Inst::Auipc { rd, imm: high },
        Inst::Addi {
            rd,
            rs1: rd,
            imm: low,
        },
    ]
}

fn x(number: u8) -> X {
    X::new(number)
}

/// A rounding mode: mostly to nearest even.
fn rounding(random: &mut Random) -> u8 {
    if random.chance(50) {
        0
    } else {
        random.below(5) as u8
    }
}

/// Chooses the instructions of a program.
struct Writer {
    random: Random,
    looks_at_flags: bool,
    /// The vector type that the program probably has.
    vtype: VType,
    scalar: Vec<Opcode>,
    float: Vec<Opcode>,
    vector: Vec<Opcode>,
    vector_memory: Vec<Opcode>,
    memory: Vec<Opcode>,
    atomic: Vec<Opcode>,
    branches: Vec<Opcode>,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let of = |classes: &[Class]| -> Vec<Opcode> {
            let rows = Opcode::ALL.iter().copied();
            rows.filter(|&opcode| classes.contains(&opcode.class()) && is_standard(opcode))
                .collect()
        };
        let looks_at_flags = random.chance(60);
        Self {
            looks_at_flags,
            vtype: VType::ILL,
            scalar: of(&[Class::ScalarInt, Class::ScalarMuldiv])
                .into_iter()
                // Code addresses differ with the length of the program.
                .filter(|&opcode| opcode != Opcode::Auipc)
                .collect(),
            float: of(&[Class::ScalarFp]),
            vector: of(&[
                Class::VectorInt,
                Class::VectorMuldiv,
                Class::VectorFp,
                Class::VectorSpecial,
                Class::VectorMask,
                Class::VectorPermute,
                Class::VectorReduce,
            ]),
            vector_memory: of(&[Class::VectorLoad, Class::VectorStore]),
            memory: of(&[Class::ScalarLoad, Class::ScalarStore]),
            atomic: of(&[Class::ScalarAtomic]),
            branches: of(&[Class::Branch])
                .into_iter()
                .filter(|&opcode| !matches!(opcode, Opcode::Jal | Opcode::Jalr))
                .collect(),
            random,
        }
    }

    fn group(&mut self) -> Vec<u32> {
        match self.random.below(100) {
            0..16 => vec![self.operation(Kind::Scalar)],
            16..19 => vec![self.compressed()],
            19..36 => vec![self.operation(Kind::Float)],
            36..48 => self.configuration(),
            48..78 => self.vector_operation(),
            78..86 => self.vector_access(),
            86..91 => self.access(),
            91..93 => self.atomic(),
            93..96 => self.csr_access(),
            96..98 => self.branch(),
            98 => vec![self.any_word()],
            _ => vec![self.random.pick(&[
                Inst::Ecall.encode(),
                Inst::Ebreak.encode(),
                Inst::FenceI.encode(),
                Inst::Pause.encode(),
                Inst::FenceTso.encode(),
            ])],
        }
    }

    /// A row of the table with random operands that decode.
    fn row(&mut self, opcode: Opcode) -> u32 {
        let row = opcode.row();
        loop {
            let word = row.match_bits | self.random.word() & !row.mask;
            if decode(word).is_some_and(|inst| inst.opcode() == opcode) {
                return word;
            }
        }
    }

    fn operation(&mut self, kind: Kind) -> u32 {
        let from = match kind {
            Kind::Scalar => &self.scalar,
            Kind::Float => &self.float,
        };
        let opcode = self.random.pick(from);
        let word = self.row(opcode);
        // Static rounding modes 5 and 6 are reserved: few of them.
        match kind {
            Kind::Float if self.random.chance(50) => with_dynamic_rounding(opcode, word),
            Kind::Float | Kind::Scalar => word,
        }
    }

    fn compressed(&mut self) -> u32 {
        loop {
            let half = self.random.word() as u16;
            let class = decode_compressed(half).map(Inst::class);
            if matches!(class, Some(Class::ScalarInt | Class::ScalarMuldiv)) {
                return u32::from(half);
            }
        }
    }

    /// Words with the opcode of arithmetic, most of which are reserved.
    fn any_word(&mut self) -> u32 {
        let major = self
            .random
            .pick(&[0x13, 0x1b, 0x33, 0x3b, 0x53, 0x57, 0x57, 0x57, 0x43]);
        let word = self.random.word() & !0x7f | major;
        match decode(word) {
            // Configuration with a random length would leave little to do.
            Some(inst) if inst.class() == Class::VectorConfig => self.operation(Kind::Scalar),
            _ => word,
        }
    }

    fn any_x(&mut self) -> X {
        x(self.random.below(32) as u8)
    }

    /// A register other than `x0`.
    fn some_x(&mut self) -> X {
        x(1 + self.random.below(31) as u8)
    }

    fn configuration(&mut self) -> Vec<u32> {
        let vtype = loop {
            let bits = if self.random.chance(4) {
                u64::from(self.random.word() & 0x7ff)
            } else {
                u64::from(self.random.word() & 0xff)
            };
            let vtype = VType::decode(bits);
            if !vtype.vill || self.random.chance(5) {
                break vtype;
            }
        };
        self.vtype = vtype;
        let immediate = if vtype.vill { 0x3f } else { vtype.immediate() };
        let register = self.some_x();
        let vlmax = u32::try_from(vtype.vlmax()).unwrap_or(0);
        let length = match self.random.below(6) {
            0 => vlmax,
            1 => self.random.below(4),
            2 => 2047,
            _ => self.random.below(vlmax + 2),
        };
        let length = Inst::Addi {
            rd: register,
            rs1: X::ZERO,
            imm: length as i32,
        };
        let rd = self.any_x();
        let mut group = match self.random.below(10) {
            0 => vec![Inst::Vsetivli {
                rd,
                uimm: self.random.below(32) as u8,
                vtype: immediate & 0x3ff,
            }],
            1 => {
                let other = self.some_x();
                let bits = Inst::Addi {
                    rd: other,
                    rs1: X::ZERO,
                    imm: i32::from(immediate),
                };
                vec![
                    length,
                    bits,
                    Inst::Vsetvl {
                        rd,
                        rs1: register,
                        rs2: other,
                    },
                ]
            }
            2 => vec![Inst::Vsetvli {
                rd,
                rs1: X::ZERO,
                vtype: immediate,
            }],
            3 => vec![Inst::Vsetvli {
                rd: X::ZERO,
                rs1: X::ZERO,
                vtype: immediate,
            }],
            _ => vec![
                length,
                Inst::Vsetvli {
                    rd,
                    rs1: register,
                    vtype: immediate,
                },
            ],
        };
        if self.random.chance(3) {
            group.reverse();
        }
        group.into_iter().map(Inst::encode).collect()
    }

    /// The word with vector registers that begin groups of the current type, mostly.
    fn aligned(&mut self, word: u32) -> u32 {
        let Some(inst) = decode(word).filter(|_| !self.random.chance(4)) else {
            return word;
        };
        let registers = match self.vtype.lmul {
            Lmul::M2 => 2,
            Lmul::M4 => 4,
            Lmul::M8 => 8,
            Lmul::M1 | Lmul::Mf2 | Lmul::Mf4 | Lmul::Mf8 => 1,
        };
        let wide = if self.random.chance(60) {
            2 * registers
        } else {
            registers
        }
        .min(8);
        let masked = masked(word);
        let mapped = inst.map_registers(|register| match register {
            Register::V(v) => {
                let mut number = v.number() & !(wide - 1);
                if masked && number == 0 {
                    number = wide;
                }
                Register::V(V::new(number))
            }
            Register::X(_) | Register::F(_) => register,
        });
        mapped.encode()
    }

    fn vector_operation(&mut self) -> Vec<u32> {
        let opcode = self.random.pick(&self.vector);
        let word = self.row(opcode);
        // Few masked instructions of those that can be.
        let word = if self.random.chance(35) {
            word
        } else {
            unmasked(opcode, word)
        };
        let mut word = self.aligned(word);
        if let Some(inst) = decode(word)
            && self.random.chance(40)
        {
            word = apart(inst, &mut self.random).encode();
        }
        let mut group = Vec::new();
        // Slides and gathers by a register reach something when it is small.
        let permutes = opcode.class() == Class::VectorPermute && word >> 12 & 7 == 4;
        if permutes && self.random.chance(80) {
            let small = Inst::Addi {
                rd: x((word >> 15 & 31) as u8),
                rs1: X::ZERO,
                imm: self.random.below(40) as i32,
            };
            group.push(small.encode());
        }
        group.push(word);
        group
    }

    /// Sets `register` to an address in the data with `room` bytes after it.
    fn base(&mut self, register: X, room: u64, alignment: u64, group: &mut Vec<u32>) {
        let limit = u32::try_from(DATA_BYTES - 2 * room).unwrap_or(1);
        let mut target = DATA + room + u64::from(self.random.below(limit));
        // Spike executes misaligned atomics, which the specification leaves out.
        if alignment > 8 || !self.random.chance(8) {
            target &= !(alignment - 1);
        }
        // Where the program is does not matter for these: 0x80200000 from a register.
        let high = ((target + 0x800) >> 12) as i64;
        let low = ((target as i64) << 52 >> 52) as i32;
        // lui sign-extends: clear the upper half with a shift pair.
        group.push(
            Inst::Lui {
                rd: register,
                imm: ((high << 12) as u32).cast_signed(),
            }
            .encode(),
        );
        group.push(
            Inst::Slli {
                rd: register,
                rs1: register,
                shamt: 32,
            }
            .encode(),
        );
        group.push(
            Inst::Srli {
                rd: register,
                rs1: register,
                shamt: 32,
            }
            .encode(),
        );
        group.push(
            Inst::Addi {
                rd: register,
                rs1: register,
                imm: low,
            }
            .encode(),
        );
    }

    fn access(&mut self) -> Vec<u32> {
        let opcode = self.random.pick(&self.memory);
        let mut word = self.row(opcode);
        let base = self.some_x();
        word = word & !(31 << 15) | u32::from(base.number()) << 15;
        let bytes = 1 << (word >> 12 & 3);
        let mut group = Vec::new();
        self.base(base, 4096, bytes, &mut group);
        if self.random.chance(90) {
            // The immediate keeps the alignment.
            let keep = !(bytes as u32 - 1);
            let mask = if opcode.class() == Class::ScalarLoad {
                keep << 20 | 0xf_ffff
            } else {
                !0x700 | keep << 7
            };
            word &= mask;
        }
        group.push(word);
        group
    }

    fn atomic(&mut self) -> Vec<u32> {
        let opcode = self.random.pick(&self.atomic);
        let mut word = self.row(opcode);
        let base = self.some_x();
        word = word & !(31 << 15) | u32::from(base.number()) << 15;
        let mut group = Vec::new();
        self.base(base, 64, 16, &mut group);
        let conditional = matches!(opcode, Opcode::ScW | Opcode::ScD);
        if conditional && self.random.chance(80) {
            let (reserve, rd) = (Opcode::LrW.row().match_bits, X::ZERO);
            let width = word & 0x7000;
            let reserve = reserve & !0x7000 | width | u32::from(base.number()) << 15;
            group.push(reserve | u32::from(rd.number()) << 7);
        }
        group.push(word);
        group
    }

    fn vector_access(&mut self) -> Vec<u32> {
        let opcode = self.random.pick(&self.vector_memory);
        let word = self.row(opcode);
        let word = if self.random.chance(35) {
            word
        } else {
            unmasked(opcode, word)
        };
        // Few segments, which seldom fit into eight registers.
        let fields = if self.random.chance(60) && opcode.mnemonic().contains("{nf}") {
            word >> 29 & 3
        } else {
            word >> 29
        };
        let word = word & !(7 << 29) | fields << 29;
        let word = if decode(word).is_some_and(|inst| inst.opcode() == opcode) {
            word
        } else {
            self.row(opcode)
        };
        let mut word = self.aligned(word);
        let base = self.some_x();
        word = word & !(31 << 15) | u32::from(base.number()) << 15;
        let mut group = Vec::new();
        let mode = word >> 26 & 3;
        // A segment of eight elements of eight bytes.
        self.base(base, 10240, 8, &mut group);
        if mode == 2 {
            let stride = self.some_x();
            word = word & !(31 << 20) | u32::from(stride.number()) << 20;
            if stride != base {
                let imm = (self.random.below(32) as i32 - 16) * 4;
                group.push(
                    Inst::Addi {
                        rd: stride,
                        rs1: X::ZERO,
                        imm,
                    }
                    .encode(),
                );
            }
        } else if mode & 1 == 1 {
            // Indices below 2 KiB and aligned, whatever the width.
            let index = V::new((word >> 20 & 31) as u8);
            let mask = self.some_x();
            if let Some(vtype) = self.type_of_width(word >> 12 & 7)
                && mask != base
            {
                let change = |vtype: VType| Inst::Vsetvli {
                    rd: X::ZERO,
                    rs1: X::ZERO,
                    vtype: vtype.immediate(),
                };
                let bits = Inst::Addi {
                    rd: mask,
                    rs1: X::ZERO,
                    imm: 0x7f8,
                };
                let keep = Inst::VandVx {
                    vd: index,
                    vs2: index,
                    rs1: mask,
                    vm: true,
                };
                let insts = [bits, change(vtype), keep, change(self.vtype)];
                group.extend(insts.map(Inst::encode));
            }
        }
        if self.random.chance(10) {
            let first = self.random.below(6) as u8;
            group.push(
                Inst::Csrrwi {
                    rd: X::ZERO,
                    csr: csr::VSTART,
                    uimm: first,
                }
                .encode(),
            );
        }
        group.push(word);
        // What a trap left there would make arithmetic illegal on some machines.
        group.push(
            Inst::Csrrwi {
                rd: X::ZERO,
                csr: csr::VSTART,
                uimm: 0,
            }
            .encode(),
        );
        group
    }

    /// The type with the element width of a load or store and as many elements as now.
    fn type_of_width(&self, width: u32) -> Option<VType> {
        if self.vtype.vill {
            return None;
        }
        let sew = match width {
            0 => Sew::E8,
            5 => Sew::E16,
            6 => Sew::E32,
            _ => Sew::E64,
        };
        let now = self.vtype.sew.log2_bytes().cast_signed();
        let log2 = self.vtype.lmul.log2() + sew.log2_bytes().cast_signed() - now;
        let vtype = VType {
            sew,
            lmul: Lmul::from_log2(log2)?,
            ..self.vtype
        };
        vtype.is_supported().then_some(vtype)
    }

    fn csr_access(&mut self) -> Vec<u32> {
        let mut registers = vec![
            csr::FRM,
            csr::VXSAT,
            csr::VXRM,
            csr::VCSR,
            csr::VL,
            csr::VTYPE,
            csr::VLENB,
        ];
        if self.looks_at_flags {
            registers.extend([csr::FFLAGS, csr::FCSR, csr::FFLAGS]);
        }
        let csr = self.random.pick(&registers);
        let (rd, rs1) = (self.any_x(), self.any_x());
        let uimm = self.random.below(32) as u8;
        let (rd, rs1, uimm) = match csr {
            // Values of frm above 4 make everything trap: seldom.
            csr::FRM | csr::FCSR if self.random.chance(90) => (rd, X::ZERO, uimm & 4),
            _ => (rd, rs1, uimm),
        };
        let inst = match self.random.below(6) {
            0 if csr == csr::FRM || csr == csr::FCSR => Inst::Csrrwi {
                rd,
                csr: csr::FRM,
                uimm: rounding(&mut self.random),
            },
            0 => Inst::Csrrw { rd, csr, rs1 },
            1 => Inst::Csrrs { rd, csr, rs1 },
            2 => Inst::Csrrc { rd, csr, rs1 },
            3 => Inst::Csrrwi { rd, csr, uimm },
            4 => Inst::Csrrsi { rd, csr, uimm: 0 },
            _ => Inst::Csrrci { rd, csr, uimm },
        };
        vec![inst.encode()]
    }

    /// A branch over one instruction.
    fn branch(&mut self) -> Vec<u32> {
        let opcode = self.random.pick(&self.branches);
        let registers = self.random.word() & (31 << 15 | 31 << 20);
        let row = opcode.row();
        // Offset 8.
        let branch = row.match_bits | registers & !row.mask | 8 << 7;
        let kind = if self.random.chance(50) {
            Kind::Scalar
        } else {
            Kind::Float
        };
        vec![branch, self.operation(kind)]
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Scalar,
    Float,
}

/// Not an instruction of the chip's own.
fn is_standard(opcode: Opcode) -> bool {
    !matches!(opcode.row().match_bits & 0x7f, 0x0b | 0x2b | 0x5b | 0x7b)
}

/// Whether a vector word has a mask operand that is used.
fn masked(word: u32) -> bool {
    word >> 25 & 1 == 0
}

/// The word with `vm` set, if that bit is an operand.
fn unmasked(opcode: Opcode, word: u32) -> u32 {
    if opcode.row().mask >> 25 & 1 == 0 {
        word | 1 << 25
    } else {
        word
    }
}

/// The word with the dynamic rounding mode, if it has one.
fn with_dynamic_rounding(opcode: Opcode, word: u32) -> u32 {
    if opcode.row().mask >> 12 & 7 == 0 {
        word | 7 << 12
    } else {
        word
    }
}

/// The instruction with destination and sources in different quarters of the register file.
fn apart(inst: Inst, random: &mut Random) -> Inst {
    let mut quarter = random.below(4) as u8;
    let mut first = true;
    inst.map_registers(|register| match register {
        Register::V(v) => {
            if !first {
                quarter = (quarter + 1) % 4;
            }
            first = false;
            let number = v.number() % 8 + 8 * quarter;
            Register::V(V::new(number))
        }
        Register::X(_) | Register::F(_) => register,
    })
}
