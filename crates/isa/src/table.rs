//! The instruction table: every instruction of the chip, once.
//!
//! A row reads
//!
//! ```text
//! /// What it does (where it is specified).
//! VaddVv = "vadd.vv" [0x00000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
//! │         │         │            │              │   │                                │
//! │         │         │            │              │   └ field of the word              └ class
//! │         │         │            │              └ operand, in assembly order
//! │         │         │            └ mask: bits that are not operands
//! │         │         └ match: the word with all operand bits zero
//! │         └ mnemonic; `{nf}` is replaced by the number of fields of a segment
//! └ variant: the mnemonic in Pascal case, without dots
//! ```
//!
//! with `+ MaskV0` after the operands if assembly ends in one that has no bits of its own.
//! Operands are the names of [`field`](crate::field), which say where each lies, its range
//! and its syntax. From the rows follow [`Inst`](crate::Inst), decoding, encoding,
//! disassembly and operand iteration. A row that can also encode what a more specific row
//! encodes must come after it.
//!
//! Citations: RV32I, RV64I, M, A, F, ... are chapters of "The RISC-V Instruction Set Manual,
//! Volume I: Unprivileged Architecture" (20240411); `V n` is section n of its chapter on the
//! "V" extension; Privileged is Volume II. Zvdot4a8i is cited as riscv-opcodes names it (it
//! was Zvqdotq). Zvt is the draft "Zvt Family of Vector Matrix Extensions", 0.4 of
//! 2026-08-19. Xweft is ours: `docs/xweft.md`.
//!
//! Left out: quad precision, RV32-only instructions, hints other than `pause`, supervisor and
//! hypervisor instructions, cryptography, cache management.

/// Passes the instruction table to the macro `$callback`, as the rows that the source of
/// `table.rs` describes. Callers match
///
/// ```text
/// $(
///     $(#[$doc:meta])*
///     $variant:ident = $mnemonic:literal [$match_bits:literal / $mask:literal]
///     $({ $($operand:ident: $field:ident),* })? $(+ $implicit:ident)? $class:ident;
/// )*
/// ```
#[macro_export]
macro_rules! for_each_inst {
    ($callback:ident) => {
        $callback! {
            // RV32I and RV64I
            /// Load upper immediate (RV32I 2.4.1).
            Lui = "lui" [0x00000037 / 0x0000007f] { rd: Rd, imm: UpperImm } ScalarInt;
            /// Add upper immediate to `pc` (RV32I 2.4.1).
            Auipc = "auipc" [0x00000017 / 0x0000007f] { rd: Rd, imm: UpperImm } ScalarInt;
            /// Jump and link (RV32I 2.5.1).
            Jal = "jal" [0x0000006f / 0x0000007f] { rd: Rd, offset: JumpOffset } Branch;
            /// Jump and link to a register plus offset (RV32I 2.5.1).
            Jalr = "jalr" [0x00000067 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } Branch;
            /// Branch if equal (RV32I 2.5.2).
            Beq = "beq" [0x00000063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Branch if not equal (RV32I 2.5.2).
            Bne = "bne" [0x00001063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Branch if less, signed (RV32I 2.5.2).
            Blt = "blt" [0x00004063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Branch if greater or equal, signed (RV32I 2.5.2).
            Bge = "bge" [0x00005063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Branch if less, unsigned (RV32I 2.5.2).
            Bltu = "bltu" [0x00006063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Branch if greater or equal, unsigned (RV32I 2.5.2).
            Bgeu = "bgeu" [0x00007063 / 0x0000707f] { rs1: Rs1, rs2: Rs2, offset: BranchOffset } Branch;
            /// Load 8 bits, sign-extended (RV32I 2.6).
            Lb = "lb" [0x00000003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 16 bits, sign-extended (RV32I 2.6).
            Lh = "lh" [0x00001003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 32 bits, sign-extended (RV32I 2.6).
            Lw = "lw" [0x00002003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 64 bits (RV64I 4.3).
            Ld = "ld" [0x00003003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 8 bits, zero-extended (RV32I 2.6).
            Lbu = "lbu" [0x00004003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 16 bits, zero-extended (RV32I 2.6).
            Lhu = "lhu" [0x00005003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Load 32 bits, zero-extended (RV64I 4.3).
            Lwu = "lwu" [0x00006003 / 0x0000707f] { rd: Rd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Store 8 bits (RV32I 2.6).
            Sb = "sb" [0x00000023 / 0x0000707f] { rs2: Rs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// Store 16 bits (RV32I 2.6).
            Sh = "sh" [0x00001023 / 0x0000707f] { rs2: Rs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// Store 32 bits (RV32I 2.6).
            Sw = "sw" [0x00002023 / 0x0000707f] { rs2: Rs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// Store 64 bits (RV64I 4.3).
            Sd = "sd" [0x00003023 / 0x0000707f] { rs2: Rs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// Add immediate (RV32I 2.4.1).
            Addi = "addi" [0x00000013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Set if less than immediate, signed (RV32I 2.4.1).
            Slti = "slti" [0x00002013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Set if less than immediate, unsigned (RV32I 2.4.1).
            Sltiu = "sltiu" [0x00003013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Exclusive or with immediate (RV32I 2.4.1).
            Xori = "xori" [0x00004013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Or with immediate (RV32I 2.4.1).
            Ori = "ori" [0x00006013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// And with immediate (RV32I 2.4.1).
            Andi = "andi" [0x00007013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Shift left by immediate (RV64I 4.2.1).
            Slli = "slli" [0x00001013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Shift right logical by immediate (RV64I 4.2.1).
            Srli = "srli" [0x00005013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Shift right arithmetic by immediate (RV64I 4.2.1).
            Srai = "srai" [0x40005013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Add (RV32I 2.4.2).
            Add = "add" [0x00000033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Subtract (RV32I 2.4.2).
            Sub = "sub" [0x40000033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift left (RV32I 2.4.2).
            Sll = "sll" [0x00001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Set if less, signed (RV32I 2.4.2).
            Slt = "slt" [0x00002033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Set if less, unsigned (RV32I 2.4.2).
            Sltu = "sltu" [0x00003033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Exclusive or (RV32I 2.4.2).
            Xor = "xor" [0x00004033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift right logical (RV32I 2.4.2).
            Srl = "srl" [0x00005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift right arithmetic (RV32I 2.4.2).
            Sra = "sra" [0x40005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Or (RV32I 2.4.2).
            Or = "or" [0x00006033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// And (RV32I 2.4.2).
            And = "and" [0x00007033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Add immediate, 32-bit result sign-extended (RV64I 4.2.1).
            Addiw = "addiw" [0x0000001b / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Shift left by immediate, 32 bits (RV64I 4.2.1).
            Slliw = "slliw" [0x0000101b / 0xfe00707f] { rd: Rd, rs1: Rs1, shamt: Shamt5 } ScalarInt;
            /// Shift right logical by immediate, 32 bits (RV64I 4.2.1).
            Srliw = "srliw" [0x0000501b / 0xfe00707f] { rd: Rd, rs1: Rs1, shamt: Shamt5 } ScalarInt;
            /// Shift right arithmetic by immediate, 32 bits (RV64I 4.2.1).
            Sraiw = "sraiw" [0x4000501b / 0xfe00707f] { rd: Rd, rs1: Rs1, shamt: Shamt5 } ScalarInt;
            /// Add, 32 bits (RV64I 4.2.2).
            Addw = "addw" [0x0000003b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Subtract, 32 bits (RV64I 4.2.2).
            Subw = "subw" [0x4000003b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift left, 32 bits (RV64I 4.2.2).
            Sllw = "sllw" [0x0000103b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift right logical, 32 bits (RV64I 4.2.2).
            Srlw = "srlw" [0x0000503b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift right arithmetic, 32 bits (RV64I 4.2.2).
            Sraw = "sraw" [0x4000503b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Pause: a hint that the hart is spinning; refines `fence` (Zihintpause).
            Pause = "pause" [0x0100000f / 0xffffffff] CsrSystem;
            /// Order earlier accesses before later ones, as TSO does (RV32I 2.7).
            FenceTso = "fence.tso" [0x8330000f / 0xffffffff] CsrSystem;
            /// Order the accesses of one set before those of another (RV32I 2.7).
            Fence = "fence" [0x0000000f / 0xf00fffff] { pred: Pred, succ: Succ } CsrSystem;
            /// Call the execution environment (RV32I 2.8).
            Ecall = "ecall" [0x00000073 / 0xffffffff] CsrSystem;
            /// Break into the debugger (RV32I 2.8).
            Ebreak = "ebreak" [0x00100073 / 0xffffffff] CsrSystem;

            // Zifencei, Zicsr, and the machine-mode instructions of the privileged architecture
            /// Order instruction fetches after earlier stores (Zifencei).
            FenceI = "fence.i" [0x0000100f / 0xffffffff] CsrSystem;
            /// Write a CSR and read its old value (Zicsr, CSR Instructions).
            Csrrw = "csrrw" [0x00001073 / 0x0000707f] { rd: Rd, csr: Csr, rs1: Rs1 } CsrSystem;
            /// Set bits of a CSR and read its old value (Zicsr, CSR Instructions).
            Csrrs = "csrrs" [0x00002073 / 0x0000707f] { rd: Rd, csr: Csr, rs1: Rs1 } CsrSystem;
            /// Clear bits of a CSR and read its old value (Zicsr, CSR Instructions).
            Csrrc = "csrrc" [0x00003073 / 0x0000707f] { rd: Rd, csr: Csr, rs1: Rs1 } CsrSystem;
            /// Write a CSR with an immediate and read its old value (Zicsr, CSR Instructions).
            Csrrwi = "csrrwi" [0x00005073 / 0x0000707f] { rd: Rd, csr: Csr, uimm: Uimm5 } CsrSystem;
            /// Set bits of a CSR from an immediate and read its old value (Zicsr, CSR Instructions).
            Csrrsi = "csrrsi" [0x00006073 / 0x0000707f] { rd: Rd, csr: Csr, uimm: Uimm5 } CsrSystem;
            /// Clear bits of a CSR from an immediate and read its old value (Zicsr, CSR Instructions).
            Csrrci = "csrrci" [0x00007073 / 0x0000707f] { rd: Rd, csr: Csr, uimm: Uimm5 } CsrSystem;
            /// Return from a machine-mode trap (Privileged 3.3.2).
            Mret = "mret" [0x30200073 / 0xffffffff] CsrSystem;
            /// Wait for an interrupt (Privileged 3.3.3).
            Wfi = "wfi" [0x10500073 / 0xffffffff] CsrSystem;

            // Zawrs
            /// Wait on the reservation set (Zawrs).
            WrsNto = "wrs.nto" [0x00d00073 / 0xffffffff] CsrSystem;
            /// Wait on the reservation set for a short time (Zawrs).
            WrsSto = "wrs.sto" [0x01d00073 / 0xffffffff] CsrSystem;

            // M
            /// Multiply, low half (M, Multiplication Operations).
            Mul = "mul" [0x02000033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Multiply signed, high half (M, Multiplication Operations).
            Mulh = "mulh" [0x02001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Multiply signed by unsigned, high half (M, Multiplication Operations).
            Mulhsu = "mulhsu" [0x02002033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Multiply unsigned, high half (M, Multiplication Operations).
            Mulhu = "mulhu" [0x02003033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Divide, signed (M, Division Operations).
            Div = "div" [0x02004033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Divide, unsigned (M, Division Operations).
            Divu = "divu" [0x02005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Remainder, signed (M, Division Operations).
            Rem = "rem" [0x02006033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Remainder, unsigned (M, Division Operations).
            Remu = "remu" [0x02007033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Multiply, 32 bits (M, Multiplication Operations).
            Mulw = "mulw" [0x0200003b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Divide, signed, 32 bits (M, Division Operations).
            Divw = "divw" [0x0200403b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Divide, unsigned, 32 bits (M, Division Operations).
            Divuw = "divuw" [0x0200503b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Remainder, signed, 32 bits (M, Division Operations).
            Remw = "remw" [0x0200603b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;
            /// Remainder, unsigned, 32 bits (M, Division Operations).
            Remuw = "remuw" [0x0200703b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarMuldiv;

            // A (Zalrsc, Zaamo), with the narrow forms of Zabha and the compare-and-swap of Zacas
            /// Load 32 bits and reserve (A, Zalrsc).
            LrW = "lr.w" [0x1000202f / 0xf9f0707f] { order: AqRl, rd: Rd, rs1: Address } ScalarAtomic;
            /// Store 32 bits if still reserved (A, Zalrsc).
            ScW = "sc.w" [0x1800202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Load 64 bits and reserve (A, Zalrsc).
            LrD = "lr.d" [0x1000302f / 0xf9f0707f] { order: AqRl, rd: Rd, rs1: Address } ScalarAtomic;
            /// Store 64 bits if still reserved (A, Zalrsc).
            ScD = "sc.d" [0x1800302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic swap, 32 bits (A, Zaamo).
            AmoswapW = "amoswap.w" [0x0800202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic add, 32 bits (A, Zaamo).
            AmoaddW = "amoadd.w" [0x0000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic exclusive or, 32 bits (A, Zaamo).
            AmoxorW = "amoxor.w" [0x2000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic and, 32 bits (A, Zaamo).
            AmoandW = "amoand.w" [0x6000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic or, 32 bits (A, Zaamo).
            AmoorW = "amoor.w" [0x4000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, signed, 32 bits (A, Zaamo).
            AmominW = "amomin.w" [0x8000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, signed, 32 bits (A, Zaamo).
            AmomaxW = "amomax.w" [0xa000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, unsigned, 32 bits (A, Zaamo).
            AmominuW = "amominu.w" [0xc000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, unsigned, 32 bits (A, Zaamo).
            AmomaxuW = "amomaxu.w" [0xe000202f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic swap, 64 bits (A, Zaamo).
            AmoswapD = "amoswap.d" [0x0800302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic add, 64 bits (A, Zaamo).
            AmoaddD = "amoadd.d" [0x0000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic exclusive or, 64 bits (A, Zaamo).
            AmoxorD = "amoxor.d" [0x2000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic and, 64 bits (A, Zaamo).
            AmoandD = "amoand.d" [0x6000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic or, 64 bits (A, Zaamo).
            AmoorD = "amoor.d" [0x4000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, signed, 64 bits (A, Zaamo).
            AmominD = "amomin.d" [0x8000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, signed, 64 bits (A, Zaamo).
            AmomaxD = "amomax.d" [0xa000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, unsigned, 64 bits (A, Zaamo).
            AmominuD = "amominu.d" [0xc000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, unsigned, 64 bits (A, Zaamo).
            AmomaxuD = "amomaxu.d" [0xe000302f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic swap, 8 bits (Zabha).
            AmoswapB = "amoswap.b" [0x0800002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic add, 8 bits (Zabha).
            AmoaddB = "amoadd.b" [0x0000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic exclusive or, 8 bits (Zabha).
            AmoxorB = "amoxor.b" [0x2000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic and, 8 bits (Zabha).
            AmoandB = "amoand.b" [0x6000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic or, 8 bits (Zabha).
            AmoorB = "amoor.b" [0x4000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, signed, 8 bits (Zabha).
            AmominB = "amomin.b" [0x8000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, signed, 8 bits (Zabha).
            AmomaxB = "amomax.b" [0xa000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, unsigned, 8 bits (Zabha).
            AmominuB = "amominu.b" [0xc000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, unsigned, 8 bits (Zabha).
            AmomaxuB = "amomaxu.b" [0xe000002f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic swap, 16 bits (Zabha).
            AmoswapH = "amoswap.h" [0x0800102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic add, 16 bits (Zabha).
            AmoaddH = "amoadd.h" [0x0000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic exclusive or, 16 bits (Zabha).
            AmoxorH = "amoxor.h" [0x2000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic and, 16 bits (Zabha).
            AmoandH = "amoand.h" [0x6000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic or, 16 bits (Zabha).
            AmoorH = "amoor.h" [0x4000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, signed, 16 bits (Zabha).
            AmominH = "amomin.h" [0x8000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, signed, 16 bits (Zabha).
            AmomaxH = "amomax.h" [0xa000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic minimum, unsigned, 16 bits (Zabha).
            AmominuH = "amominu.h" [0xc000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic maximum, unsigned, 16 bits (Zabha).
            AmomaxuH = "amomaxu.h" [0xe000102f / 0xf800707f] { order: AqRl, rd: Rd, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic compare and swap, 32 bits (Zacas).
            AmocasW = "amocas.w" [0x2800202f / 0xf800707f] { order: AqRl, rd: RdRw, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic compare and swap, 64 bits (Zacas).
            AmocasD = "amocas.d" [0x2800302f / 0xf800707f] { order: AqRl, rd: RdRw, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic compare and swap, 8 bits (Zabha).
            AmocasB = "amocas.b" [0x2800002f / 0xf800707f] { order: AqRl, rd: RdRw, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic compare and swap, 16 bits (Zabha).
            AmocasH = "amocas.h" [0x2800102f / 0xf800707f] { order: AqRl, rd: RdRw, rs2: Rs2, rs1: Address } ScalarAtomic;
            /// Atomic compare and swap, 128 bits in register pairs (Zacas).
            AmocasQ = "amocas.q" [0x2800402f / 0xf800707f] { order: AqRl, rd: RdPair, rs2: Rs2Pair, rs1: Address } ScalarAtomic;

            // Zba
            /// Add with the low 32 bits of `rs1` zero-extended (Zba).
            AddUw = "add.uw" [0x0800003b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift `rs1` left by 1 and add (Zba).
            Sh1add = "sh1add" [0x20002033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift `rs1` left by 2 and add (Zba).
            Sh2add = "sh2add" [0x20004033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift `rs1` left by 3 and add (Zba).
            Sh3add = "sh3add" [0x20006033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift the zero-extended low 32 bits of `rs1` left by 1 and add (Zba).
            Sh1addUw = "sh1add.uw" [0x2000203b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift the zero-extended low 32 bits of `rs1` left by 2 and add (Zba).
            Sh2addUw = "sh2add.uw" [0x2000403b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift the zero-extended low 32 bits of `rs1` left by 3 and add (Zba).
            Sh3addUw = "sh3add.uw" [0x2000603b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Shift the zero-extended low 32 bits left by immediate (Zba).
            SlliUw = "slli.uw" [0x0800101b / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;

            // Zbb
            /// And with the complement of `rs2` (Zbb).
            Andn = "andn" [0x40007033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Or with the complement of `rs2` (Zbb).
            Orn = "orn" [0x40006033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Complement of exclusive or (Zbb).
            Xnor = "xnor" [0x40004033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Count leading zeros (Zbb).
            Clz = "clz" [0x60001013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Count leading zeros of the low 32 bits (Zbb).
            Clzw = "clzw" [0x6000101b / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Count trailing zeros (Zbb).
            Ctz = "ctz" [0x60101013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Count trailing zeros of the low 32 bits (Zbb).
            Ctzw = "ctzw" [0x6010101b / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Count ones (Zbb).
            Cpop = "cpop" [0x60201013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Count ones of the low 32 bits (Zbb).
            Cpopw = "cpopw" [0x6020101b / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Maximum, signed (Zbb).
            Max = "max" [0x0a006033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Maximum, unsigned (Zbb).
            Maxu = "maxu" [0x0a007033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Minimum, signed (Zbb).
            Min = "min" [0x0a004033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Minimum, unsigned (Zbb).
            Minu = "minu" [0x0a005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Sign-extend 8 bits (Zbb).
            SextB = "sext.b" [0x60401013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Sign-extend 16 bits (Zbb).
            SextH = "sext.h" [0x60501013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Zero-extend 16 bits (Zbb).
            ZextH = "zext.h" [0x0800403b / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Rotate left (Zbb).
            Rol = "rol" [0x60001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Rotate left, 32 bits (Zbb).
            Rolw = "rolw" [0x6000103b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Rotate right (Zbb).
            Ror = "ror" [0x60005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Rotate right by immediate (Zbb).
            Rori = "rori" [0x60005013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Rotate right by immediate, 32 bits (Zbb).
            Roriw = "roriw" [0x6000501b / 0xfe00707f] { rd: Rd, rs1: Rs1, shamt: Shamt5 } ScalarInt;
            /// Rotate right, 32 bits (Zbb).
            Rorw = "rorw" [0x6000503b / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Set each byte to all ones if any of its bits is set (Zbb).
            OrcB = "orc.b" [0x28705013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;
            /// Reverse the bytes (Zbb).
            Rev8 = "rev8" [0x6b805013 / 0xfff0707f] { rd: Rd, rs1: Rs1 } ScalarInt;

            // Zbs
            /// Clear one bit (Zbs).
            Bclr = "bclr" [0x48001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Clear one bit given by immediate (Zbs).
            Bclri = "bclri" [0x48001013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Extract one bit (Zbs).
            Bext = "bext" [0x48005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Extract one bit given by immediate (Zbs).
            Bexti = "bexti" [0x48005013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Invert one bit (Zbs).
            Binv = "binv" [0x68001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Invert one bit given by immediate (Zbs).
            Binvi = "binvi" [0x68001013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;
            /// Set one bit (Zbs).
            Bset = "bset" [0x28001033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Set one bit given by immediate (Zbs).
            Bseti = "bseti" [0x28001013 / 0xfc00707f] { rd: Rd, rs1: Rs1, shamt: Shamt6 } ScalarInt;

            // Zicond
            /// Zero if `rs2` is zero, else `rs1` (Zicond).
            CzeroEqz = "czero.eqz" [0x0e005033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Zero if `rs2` is not zero, else `rs1` (Zicond).
            CzeroNez = "czero.nez" [0x0e007033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;

            // F, D and Zfh; one group for each format
            /// Load a single (F, Load and Store Instructions).
            Flw = "flw" [0x00002007 / 0x0000707f] { rd: Fd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Store a single (F, Load and Store Instructions).
            Fsw = "fsw" [0x00002027 / 0x0000707f] { rs2: Fs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// `rs1 * rs2 + rs3`, fused, single (F, Computational Instructions).
            FmaddS = "fmadd.s" [0x00000043 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `rs1 * rs2 - rs3`, fused, single (F, Computational Instructions).
            FmsubS = "fmsub.s" [0x00000047 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) + rs3`, fused, single (F, Computational Instructions).
            FnmsubS = "fnmsub.s" [0x0000004b / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) - rs3`, fused, single (F, Computational Instructions).
            FnmaddS = "fnmadd.s" [0x0000004f / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// Add, single (F, Computational Instructions).
            FaddS = "fadd.s" [0x00000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Subtract, single (F, Computational Instructions).
            FsubS = "fsub.s" [0x08000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Multiply, single (F, Computational Instructions).
            FmulS = "fmul.s" [0x10000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Divide, single (F, Computational Instructions).
            FdivS = "fdiv.s" [0x18000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Square root, single (F, Computational Instructions).
            FsqrtS = "fsqrt.s" [0x58000053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// `rs1` with the sign of `rs2`, single (F, Conversion and Move Instructions).
            FsgnjS = "fsgnj.s" [0x20000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the opposite of the sign of `rs2`, single (F, Conversion and Move Instructions).
            FsgnjnS = "fsgnjn.s" [0x20001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the exclusive or of both signs, single (F, Conversion and Move Instructions).
            FsgnjxS = "fsgnjx.s" [0x20002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Minimum, single (F, Computational Instructions).
            FminS = "fmin.s" [0x28000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum, single (F, Computational Instructions).
            FmaxS = "fmax.s" [0x28001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Convert a single to a signed 32-bit integer (F, Conversion and Move Instructions).
            FcvtWS = "fcvt.w.s" [0xc0000053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a single to an unsigned 32-bit integer (F, Conversion and Move Instructions).
            FcvtWuS = "fcvt.wu.s" [0xc0100053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a single to a signed 64-bit integer (F, Conversion and Move Instructions).
            FcvtLS = "fcvt.l.s" [0xc0200053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a single to an unsigned 64-bit integer (F, Conversion and Move Instructions).
            FcvtLuS = "fcvt.lu.s" [0xc0300053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a signed 32-bit integer to a single (F, Conversion and Move Instructions).
            FcvtSW = "fcvt.s.w" [0xd0000053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert an unsigned 32-bit integer to a single (F, Conversion and Move Instructions).
            FcvtSWu = "fcvt.s.wu" [0xd0100053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert a signed 64-bit integer to a single (F, Conversion and Move Instructions).
            FcvtSL = "fcvt.s.l" [0xd0200053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert an unsigned 64-bit integer to a single (F, Conversion and Move Instructions).
            FcvtSLu = "fcvt.s.lu" [0xd0300053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Move the bits of a single to an integer register (F, Conversion and Move Instructions).
            FmvXW = "fmv.x.w" [0xe0000053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Move the bits of an integer register to a single (F, Conversion and Move Instructions).
            FmvWX = "fmv.w.x" [0xf0000053 / 0xfff0707f] { rd: Fd, rs1: Rs1 } ScalarFp;
            /// Set if equal; quiet, single (F, Compare Instructions).
            FeqS = "feq.s" [0xa0002053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less; signaling, single (F, Compare Instructions).
            FltS = "flt.s" [0xa0001053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; signaling, single (F, Compare Instructions).
            FleS = "fle.s" [0xa0000053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Class mask of a single (F, Classify Instruction).
            FclassS = "fclass.s" [0xe0001053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Load a double (D, Load and Store Instructions).
            Fld = "fld" [0x00003007 / 0x0000707f] { rd: Fd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Store a double (D, Load and Store Instructions).
            Fsd = "fsd" [0x00003027 / 0x0000707f] { rs2: Fs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// `rs1 * rs2 + rs3`, fused, double (D, Computational Instructions).
            FmaddD = "fmadd.d" [0x02000043 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `rs1 * rs2 - rs3`, fused, double (D, Computational Instructions).
            FmsubD = "fmsub.d" [0x02000047 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) + rs3`, fused, double (D, Computational Instructions).
            FnmsubD = "fnmsub.d" [0x0200004b / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) - rs3`, fused, double (D, Computational Instructions).
            FnmaddD = "fnmadd.d" [0x0200004f / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// Add, double (D, Computational Instructions).
            FaddD = "fadd.d" [0x02000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Subtract, double (D, Computational Instructions).
            FsubD = "fsub.d" [0x0a000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Multiply, double (D, Computational Instructions).
            FmulD = "fmul.d" [0x12000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Divide, double (D, Computational Instructions).
            FdivD = "fdiv.d" [0x1a000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Square root, double (D, Computational Instructions).
            FsqrtD = "fsqrt.d" [0x5a000053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// `rs1` with the sign of `rs2`, double (D, Conversion and Move Instructions).
            FsgnjD = "fsgnj.d" [0x22000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the opposite of the sign of `rs2`, double (D, Conversion and Move Instructions).
            FsgnjnD = "fsgnjn.d" [0x22001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the exclusive or of both signs, double (D, Conversion and Move Instructions).
            FsgnjxD = "fsgnjx.d" [0x22002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Minimum, double (D, Computational Instructions).
            FminD = "fmin.d" [0x2a000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum, double (D, Computational Instructions).
            FmaxD = "fmax.d" [0x2a001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Convert a double to a signed 32-bit integer (D, Conversion and Move Instructions).
            FcvtWD = "fcvt.w.d" [0xc2000053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a double to an unsigned 32-bit integer (D, Conversion and Move Instructions).
            FcvtWuD = "fcvt.wu.d" [0xc2100053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a double to a signed 64-bit integer (D, Conversion and Move Instructions).
            FcvtLD = "fcvt.l.d" [0xc2200053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a double to an unsigned 64-bit integer (D, Conversion and Move Instructions).
            FcvtLuD = "fcvt.lu.d" [0xc2300053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a signed 32-bit integer to a double (D, Conversion and Move Instructions).
            FcvtDW = "fcvt.d.w" [0xd2000053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: ExactRm } ScalarFp;
            /// Convert an unsigned 32-bit integer to a double (D, Conversion and Move Instructions).
            FcvtDWu = "fcvt.d.wu" [0xd2100053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: ExactRm } ScalarFp;
            /// Convert a signed 64-bit integer to a double (D, Conversion and Move Instructions).
            FcvtDL = "fcvt.d.l" [0xd2200053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert an unsigned 64-bit integer to a double (D, Conversion and Move Instructions).
            FcvtDLu = "fcvt.d.lu" [0xd2300053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Move the bits of a double to an integer register (D, Conversion and Move Instructions).
            FmvXD = "fmv.x.d" [0xe2000053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Move the bits of an integer register to a double (D, Conversion and Move Instructions).
            FmvDX = "fmv.d.x" [0xf2000053 / 0xfff0707f] { rd: Fd, rs1: Rs1 } ScalarFp;
            /// Set if equal; quiet, double (D, Compare Instructions).
            FeqD = "feq.d" [0xa2002053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less; signaling, double (D, Compare Instructions).
            FltD = "flt.d" [0xa2001053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; signaling, double (D, Compare Instructions).
            FleD = "fle.d" [0xa2000053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Class mask of a double (D, Classify Instruction).
            FclassD = "fclass.d" [0xe2001053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Load a half (Zfh, Load and Store Instructions).
            Flh = "flh" [0x00001007 / 0x0000707f] { rd: Fd, imm: Imm12, rs1: Base } ScalarLoad;
            /// Store a half (Zfh, Load and Store Instructions).
            Fsh = "fsh" [0x00001027 / 0x0000707f] { rs2: Fs2, imm: StoreImm12, rs1: Base } ScalarStore;
            /// `rs1 * rs2 + rs3`, fused, half (Zfh, Computational Instructions).
            FmaddH = "fmadd.h" [0x04000043 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `rs1 * rs2 - rs3`, fused, half (Zfh, Computational Instructions).
            FmsubH = "fmsub.h" [0x04000047 / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) + rs3`, fused, half (Zfh, Computational Instructions).
            FnmsubH = "fnmsub.h" [0x0400004b / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// `-(rs1 * rs2) - rs3`, fused, half (Zfh, Computational Instructions).
            FnmaddH = "fnmadd.h" [0x0400004f / 0x0600007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rs3: Fs3, rm: Rm } ScalarFp;
            /// Add, half (Zfh, Computational Instructions).
            FaddH = "fadd.h" [0x04000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Subtract, half (Zfh, Computational Instructions).
            FsubH = "fsub.h" [0x0c000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Multiply, half (Zfh, Computational Instructions).
            FmulH = "fmul.h" [0x14000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Divide, half (Zfh, Computational Instructions).
            FdivH = "fdiv.h" [0x1c000053 / 0xfe00007f] { rd: Fd, rs1: Fs1, rs2: Fs2, rm: Rm } ScalarFp;
            /// Square root, half (Zfh, Computational Instructions).
            FsqrtH = "fsqrt.h" [0x5c000053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// `rs1` with the sign of `rs2`, half (Zfh, Conversion and Move Instructions).
            FsgnjH = "fsgnj.h" [0x24000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the opposite of the sign of `rs2`, half (Zfh, Conversion and Move Instructions).
            FsgnjnH = "fsgnjn.h" [0x24001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// `rs1` with the exclusive or of both signs, half (Zfh, Conversion and Move Instructions).
            FsgnjxH = "fsgnjx.h" [0x24002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Minimum, half (Zfh, Computational Instructions).
            FminH = "fmin.h" [0x2c000053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum, half (Zfh, Computational Instructions).
            FmaxH = "fmax.h" [0x2c001053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Convert a half to a signed 32-bit integer (Zfh, Conversion and Move Instructions).
            FcvtWH = "fcvt.w.h" [0xc4000053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a half to an unsigned 32-bit integer (Zfh, Conversion and Move Instructions).
            FcvtWuH = "fcvt.wu.h" [0xc4100053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a half to a signed 64-bit integer (Zfh, Conversion and Move Instructions).
            FcvtLH = "fcvt.l.h" [0xc4200053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a half to an unsigned 64-bit integer (Zfh, Conversion and Move Instructions).
            FcvtLuH = "fcvt.lu.h" [0xc4300053 / 0xfff0007f] { rd: Rd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a signed 32-bit integer to a half (Zfh, Conversion and Move Instructions).
            FcvtHW = "fcvt.h.w" [0xd4000053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert an unsigned 32-bit integer to a half (Zfh, Conversion and Move Instructions).
            FcvtHWu = "fcvt.h.wu" [0xd4100053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert a signed 64-bit integer to a half (Zfh, Conversion and Move Instructions).
            FcvtHL = "fcvt.h.l" [0xd4200053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Convert an unsigned 64-bit integer to a half (Zfh, Conversion and Move Instructions).
            FcvtHLu = "fcvt.h.lu" [0xd4300053 / 0xfff0007f] { rd: Fd, rs1: Rs1, rm: Rm } ScalarFp;
            /// Move the bits of a half to an integer register (Zfh, Conversion and Move Instructions).
            FmvXH = "fmv.x.h" [0xe4000053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Move the bits of an integer register to a half (Zfh, Conversion and Move Instructions).
            FmvHX = "fmv.h.x" [0xf4000053 / 0xfff0707f] { rd: Fd, rs1: Rs1 } ScalarFp;
            /// Set if equal; quiet, half (Zfh, Compare Instructions).
            FeqH = "feq.h" [0xa4002053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less; signaling, half (Zfh, Compare Instructions).
            FltH = "flt.h" [0xa4001053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; signaling, half (Zfh, Compare Instructions).
            FleH = "fle.h" [0xa4000053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Class mask of a half (Zfh, Classify Instruction).
            FclassH = "fclass.h" [0xe4001053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } ScalarFp;
            /// Convert a double to a single (D, Conversion and Move Instructions).
            FcvtSD = "fcvt.s.d" [0x40100053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a single to a double (D, Conversion and Move Instructions).
            FcvtDS = "fcvt.d.s" [0x42000053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: ExactRm } ScalarFp;
            /// Convert a half to a single (Zfh, Conversion and Move Instructions).
            FcvtSH = "fcvt.s.h" [0x40200053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: ExactRm } ScalarFp;
            /// Convert a single to a half (Zfh, Conversion and Move Instructions).
            FcvtHS = "fcvt.h.s" [0x44000053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Convert a half to a double (Zfh, Conversion and Move Instructions).
            FcvtDH = "fcvt.d.h" [0x42200053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: ExactRm } ScalarFp;
            /// Convert a double to a half (Zfh, Conversion and Move Instructions).
            FcvtHD = "fcvt.h.d" [0x44100053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;

            // Zfa
            /// Load one of 32 constants, single (Zfa, Load-Immediate Instructions).
            FliS = "fli.s" [0xf0100053 / 0xfff0707f] { rd: Fd, constant: FliConstant } ScalarFp;
            /// Minimum that propagates NaN, single (Zfa, Minimum and Maximum Instructions).
            FminmS = "fminm.s" [0x28002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum that propagates NaN, single (Zfa, Minimum and Maximum Instructions).
            FmaxmS = "fmaxm.s" [0x28003053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Round to an integer, single (Zfa, Round-to-Integer Instructions).
            FroundS = "fround.s" [0x40400053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Round to an integer and raise inexact, single (Zfa, Round-to-Integer Instructions).
            FroundnxS = "froundnx.s" [0x40500053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Set if less; quiet, single (Zfa, Comparison Instructions).
            FltqS = "fltq.s" [0xa0005053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; quiet, single (Zfa, Comparison Instructions).
            FleqS = "fleq.s" [0xa0004053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Load one of 32 constants, double (Zfa, Load-Immediate Instructions).
            FliD = "fli.d" [0xf2100053 / 0xfff0707f] { rd: Fd, constant: FliConstant } ScalarFp;
            /// Minimum that propagates NaN, double (Zfa, Minimum and Maximum Instructions).
            FminmD = "fminm.d" [0x2a002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum that propagates NaN, double (Zfa, Minimum and Maximum Instructions).
            FmaxmD = "fmaxm.d" [0x2a003053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Round to an integer, double (Zfa, Round-to-Integer Instructions).
            FroundD = "fround.d" [0x42400053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Round to an integer and raise inexact, double (Zfa, Round-to-Integer Instructions).
            FroundnxD = "froundnx.d" [0x42500053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Set if less; quiet, double (Zfa, Comparison Instructions).
            FltqD = "fltq.d" [0xa2005053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; quiet, double (Zfa, Comparison Instructions).
            FleqD = "fleq.d" [0xa2004053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Load one of 32 constants, half (Zfa, Load-Immediate Instructions).
            FliH = "fli.h" [0xf4100053 / 0xfff0707f] { rd: Fd, constant: FliConstant } ScalarFp;
            /// Minimum that propagates NaN, half (Zfa, Minimum and Maximum Instructions).
            FminmH = "fminm.h" [0x2c002053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Maximum that propagates NaN, half (Zfa, Minimum and Maximum Instructions).
            FmaxmH = "fmaxm.h" [0x2c003053 / 0xfe00707f] { rd: Fd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Round to an integer, half (Zfa, Round-to-Integer Instructions).
            FroundH = "fround.h" [0x44400053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Round to an integer and raise inexact, half (Zfa, Round-to-Integer Instructions).
            FroundnxH = "froundnx.h" [0x44500053 / 0xfff0007f] { rd: Fd, rs1: Fs1, rm: Rm } ScalarFp;
            /// Set if less; quiet, half (Zfa, Comparison Instructions).
            FltqH = "fltq.h" [0xa4005053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Set if less or equal; quiet, half (Zfa, Comparison Instructions).
            FleqH = "fleq.h" [0xa4004053 / 0xfe00707f] { rd: Rd, rs1: Fs1, rs2: Fs2 } ScalarFp;
            /// Convert a double to a 32-bit integer modulo 2^32, towards zero (Zfa, Modular Convert-to-Integer Instruction).
            FcvtmodWD = "fcvtmod.w.d" [0xc2801053 / 0xfff0707f] { rd: Rd, rs1: Fs1 } + TowardsZero ScalarFp;

            // V: configuration
            /// Set `vl` and `vtype` for an application vector length (V 6.1).
            Vsetvli = "vsetvli" [0x00007057 / 0x8000707f] { rd: Rd, rs1: Rs1, vtype: VType11 } VectorConfig;
            /// Set `vl` and `vtype` for a constant vector length (V 6.1).
            Vsetivli = "vsetivli" [0xc0007057 / 0xc000707f] { rd: Rd, uimm: Uimm5, vtype: VType10 } VectorConfig;
            /// Set `vl` and `vtype` from registers (V 6.1).
            Vsetvl = "vsetvl" [0x80007057 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } VectorConfig;

            // V: loads and stores
            /// Load a mask of `vl` bits (V 7.4).
            VlmV = "vlm.v" [0x02b00007 / 0xfff0707f] { vd: Vd, rs1: Address } VectorLoad;
            /// Store a mask of `vl` bits (V 7.4).
            VsmV = "vsm.v" [0x02b00027 / 0xfff0707f] { vs3: Vs3, rs1: Address } VectorStore;
            /// Load contiguous 8-bit elements (V 7.4).
            Vle8V = "vle8.v" [0x00000007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 16-bit elements (V 7.4).
            Vle16V = "vle16.v" [0x00005007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 32-bit elements (V 7.4).
            Vle32V = "vle32.v" [0x00006007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 64-bit elements (V 7.4).
            Vle64V = "vle64.v" [0x00007007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Store contiguous 8-bit elements (V 7.4).
            Vse8V = "vse8.v" [0x00000027 / 0xfdf0707f] { vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous 16-bit elements (V 7.4).
            Vse16V = "vse16.v" [0x00005027 / 0xfdf0707f] { vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous 32-bit elements (V 7.4).
            Vse32V = "vse32.v" [0x00006027 / 0xfdf0707f] { vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous 64-bit elements (V 7.4).
            Vse64V = "vse64.v" [0x00007027 / 0xfdf0707f] { vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Load 8-bit elements at a byte stride (V 7.5).
            Vlse8V = "vlse8.v" [0x08000007 / 0xfc00707f] { vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load 16-bit elements at a byte stride (V 7.5).
            Vlse16V = "vlse16.v" [0x08005007 / 0xfc00707f] { vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load 32-bit elements at a byte stride (V 7.5).
            Vlse32V = "vlse32.v" [0x08006007 / 0xfc00707f] { vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load 64-bit elements at a byte stride (V 7.5).
            Vlse64V = "vlse64.v" [0x08007007 / 0xfc00707f] { vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Store 8-bit elements at a byte stride (V 7.5).
            Vsse8V = "vsse8.v" [0x08000027 / 0xfc00707f] { vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store 16-bit elements at a byte stride (V 7.5).
            Vsse16V = "vsse16.v" [0x08005027 / 0xfc00707f] { vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store 32-bit elements at a byte stride (V 7.5).
            Vsse32V = "vsse32.v" [0x08006027 / 0xfc00707f] { vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store 64-bit elements at a byte stride (V 7.5).
            Vsse64V = "vsse64.v" [0x08007027 / 0xfc00707f] { vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Load elements at 8-bit byte offsets, in any order (V 7.6).
            Vluxei8V = "vluxei8.v" [0x04000007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 16-bit byte offsets, in any order (V 7.6).
            Vluxei16V = "vluxei16.v" [0x04005007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 32-bit byte offsets, in any order (V 7.6).
            Vluxei32V = "vluxei32.v" [0x04006007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 64-bit byte offsets, in any order (V 7.6).
            Vluxei64V = "vluxei64.v" [0x04007007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Store elements at 8-bit byte offsets, in any order (V 7.6).
            Vsuxei8V = "vsuxei8.v" [0x04000027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 16-bit byte offsets, in any order (V 7.6).
            Vsuxei16V = "vsuxei16.v" [0x04005027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 32-bit byte offsets, in any order (V 7.6).
            Vsuxei32V = "vsuxei32.v" [0x04006027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 64-bit byte offsets, in any order (V 7.6).
            Vsuxei64V = "vsuxei64.v" [0x04007027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Load elements at 8-bit byte offsets, in element order (V 7.6).
            Vloxei8V = "vloxei8.v" [0x0c000007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 16-bit byte offsets, in element order (V 7.6).
            Vloxei16V = "vloxei16.v" [0x0c005007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 32-bit byte offsets, in element order (V 7.6).
            Vloxei32V = "vloxei32.v" [0x0c006007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load elements at 64-bit byte offsets, in element order (V 7.6).
            Vloxei64V = "vloxei64.v" [0x0c007007 / 0xfc00707f] { vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Store elements at 8-bit byte offsets, in element order (V 7.6).
            Vsoxei8V = "vsoxei8.v" [0x0c000027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 16-bit byte offsets, in element order (V 7.6).
            Vsoxei16V = "vsoxei16.v" [0x0c005027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 32-bit byte offsets, in element order (V 7.6).
            Vsoxei32V = "vsoxei32.v" [0x0c006027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store elements at 64-bit byte offsets, in element order (V 7.6).
            Vsoxei64V = "vsoxei64.v" [0x0c007027 / 0xfc00707f] { vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Load contiguous 8-bit elements, faulting only on the first (V 7.7).
            Vle8ffV = "vle8ff.v" [0x01000007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 16-bit elements, faulting only on the first (V 7.7).
            Vle16ffV = "vle16ff.v" [0x01005007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 32-bit elements, faulting only on the first (V 7.7).
            Vle32ffV = "vle32ff.v" [0x01006007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous 64-bit elements, faulting only on the first (V 7.7).
            Vle64ffV = "vle64ff.v" [0x01007007 / 0xfdf0707f] { vd: Vd, rs1: Address, vm: Vm } VectorLoad;

            // V: segment loads and stores. Each refines to the plain form above at one field
            /// Load contiguous segments of 8-bit fields (V 7.8.1).
            Vlsege8V = "vlseg{nf}e8.v" [0x00000007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 16-bit fields (V 7.8.1).
            Vlsege16V = "vlseg{nf}e16.v" [0x00005007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 32-bit fields (V 7.8.1).
            Vlsege32V = "vlseg{nf}e32.v" [0x00006007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 64-bit fields (V 7.8.1).
            Vlsege64V = "vlseg{nf}e64.v" [0x00007007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Store contiguous segments of 8-bit fields (V 7.8.1).
            Vssege8V = "vsseg{nf}e8.v" [0x00000027 / 0x1df0707f] { nf: Nf, vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous segments of 16-bit fields (V 7.8.1).
            Vssege16V = "vsseg{nf}e16.v" [0x00005027 / 0x1df0707f] { nf: Nf, vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous segments of 32-bit fields (V 7.8.1).
            Vssege32V = "vsseg{nf}e32.v" [0x00006027 / 0x1df0707f] { nf: Nf, vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Store contiguous segments of 64-bit fields (V 7.8.1).
            Vssege64V = "vsseg{nf}e64.v" [0x00007027 / 0x1df0707f] { nf: Nf, vs3: Vs3, rs1: Address, vm: Vm } VectorStore;
            /// Load contiguous segments of 8-bit fields, faulting only on the first (V 7.8.1).
            Vlsege8ffV = "vlseg{nf}e8ff.v" [0x01000007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 16-bit fields, faulting only on the first (V 7.8.1).
            Vlsege16ffV = "vlseg{nf}e16ff.v" [0x01005007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 32-bit fields, faulting only on the first (V 7.8.1).
            Vlsege32ffV = "vlseg{nf}e32ff.v" [0x01006007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load contiguous segments of 64-bit fields, faulting only on the first (V 7.8.1).
            Vlsege64ffV = "vlseg{nf}e64ff.v" [0x01007007 / 0x1df0707f] { nf: Nf, vd: Vd, rs1: Address, vm: Vm } VectorLoad;
            /// Load segments of 8-bit fields at a byte stride (V 7.8.2).
            Vlssege8V = "vlsseg{nf}e8.v" [0x08000007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load segments of 16-bit fields at a byte stride (V 7.8.2).
            Vlssege16V = "vlsseg{nf}e16.v" [0x08005007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load segments of 32-bit fields at a byte stride (V 7.8.2).
            Vlssege32V = "vlsseg{nf}e32.v" [0x08006007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Load segments of 64-bit fields at a byte stride (V 7.8.2).
            Vlssege64V = "vlsseg{nf}e64.v" [0x08007007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, rs2: Rs2, vm: Vm } VectorLoad;
            /// Store segments of 8-bit fields at a byte stride (V 7.8.2).
            Vsssege8V = "vssseg{nf}e8.v" [0x08000027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store segments of 16-bit fields at a byte stride (V 7.8.2).
            Vsssege16V = "vssseg{nf}e16.v" [0x08005027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store segments of 32-bit fields at a byte stride (V 7.8.2).
            Vsssege32V = "vssseg{nf}e32.v" [0x08006027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Store segments of 64-bit fields at a byte stride (V 7.8.2).
            Vsssege64V = "vssseg{nf}e64.v" [0x08007027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, rs2: Rs2, vm: Vm } VectorStore;
            /// Load segments at 8-bit byte offsets, in any order (V 7.8.3).
            Vluxsegei8V = "vluxseg{nf}ei8.v" [0x04000007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 16-bit byte offsets, in any order (V 7.8.3).
            Vluxsegei16V = "vluxseg{nf}ei16.v" [0x04005007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 32-bit byte offsets, in any order (V 7.8.3).
            Vluxsegei32V = "vluxseg{nf}ei32.v" [0x04006007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 64-bit byte offsets, in any order (V 7.8.3).
            Vluxsegei64V = "vluxseg{nf}ei64.v" [0x04007007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Store segments at 8-bit byte offsets, in any order (V 7.8.3).
            Vsuxsegei8V = "vsuxseg{nf}ei8.v" [0x04000027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 16-bit byte offsets, in any order (V 7.8.3).
            Vsuxsegei16V = "vsuxseg{nf}ei16.v" [0x04005027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 32-bit byte offsets, in any order (V 7.8.3).
            Vsuxsegei32V = "vsuxseg{nf}ei32.v" [0x04006027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 64-bit byte offsets, in any order (V 7.8.3).
            Vsuxsegei64V = "vsuxseg{nf}ei64.v" [0x04007027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Load segments at 8-bit byte offsets, in element order (V 7.8.3).
            Vloxsegei8V = "vloxseg{nf}ei8.v" [0x0c000007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 16-bit byte offsets, in element order (V 7.8.3).
            Vloxsegei16V = "vloxseg{nf}ei16.v" [0x0c005007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 32-bit byte offsets, in element order (V 7.8.3).
            Vloxsegei32V = "vloxseg{nf}ei32.v" [0x0c006007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Load segments at 64-bit byte offsets, in element order (V 7.8.3).
            Vloxsegei64V = "vloxseg{nf}ei64.v" [0x0c007007 / 0x1c00707f] { nf: Nf, vd: Vd, rs1: Address, vs2: Vs2, vm: Vm } VectorLoad;
            /// Store segments at 8-bit byte offsets, in element order (V 7.8.3).
            Vsoxsegei8V = "vsoxseg{nf}ei8.v" [0x0c000027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 16-bit byte offsets, in element order (V 7.8.3).
            Vsoxsegei16V = "vsoxseg{nf}ei16.v" [0x0c005027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 32-bit byte offsets, in element order (V 7.8.3).
            Vsoxsegei32V = "vsoxseg{nf}ei32.v" [0x0c006027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;
            /// Store segments at 64-bit byte offsets, in element order (V 7.8.3).
            Vsoxsegei64V = "vsoxseg{nf}ei64.v" [0x0c007027 / 0x1c00707f] { nf: Nf, vs3: Vs3, rs1: Address, vs2: Vs2, vm: Vm } VectorStore;

            // V: whole registers
            /// Load 1 whole register, a hint for 8-bit elements (V 7.9).
            Vl1re8V = "vl1re8.v" [0x02800007 / 0xfff0707f] { vd: Vd, rs1: Address } VectorLoad;
            /// Load 1 whole register, a hint for 16-bit elements (V 7.9).
            Vl1re16V = "vl1re16.v" [0x02805007 / 0xfff0707f] { vd: Vd, rs1: Address } VectorLoad;
            /// Load 1 whole register, a hint for 32-bit elements (V 7.9).
            Vl1re32V = "vl1re32.v" [0x02806007 / 0xfff0707f] { vd: Vd, rs1: Address } VectorLoad;
            /// Load 1 whole register, a hint for 64-bit elements (V 7.9).
            Vl1re64V = "vl1re64.v" [0x02807007 / 0xfff0707f] { vd: Vd, rs1: Address } VectorLoad;
            /// Load 2 whole registers, a hint for 8-bit elements (V 7.9).
            Vl2re8V = "vl2re8.v" [0x22800007 / 0xfff0707f] { vd: VdBy2, rs1: Address } VectorLoad;
            /// Load 2 whole registers, a hint for 16-bit elements (V 7.9).
            Vl2re16V = "vl2re16.v" [0x22805007 / 0xfff0707f] { vd: VdBy2, rs1: Address } VectorLoad;
            /// Load 2 whole registers, a hint for 32-bit elements (V 7.9).
            Vl2re32V = "vl2re32.v" [0x22806007 / 0xfff0707f] { vd: VdBy2, rs1: Address } VectorLoad;
            /// Load 2 whole registers, a hint for 64-bit elements (V 7.9).
            Vl2re64V = "vl2re64.v" [0x22807007 / 0xfff0707f] { vd: VdBy2, rs1: Address } VectorLoad;
            /// Load 4 whole registers, a hint for 8-bit elements (V 7.9).
            Vl4re8V = "vl4re8.v" [0x62800007 / 0xfff0707f] { vd: VdBy4, rs1: Address } VectorLoad;
            /// Load 4 whole registers, a hint for 16-bit elements (V 7.9).
            Vl4re16V = "vl4re16.v" [0x62805007 / 0xfff0707f] { vd: VdBy4, rs1: Address } VectorLoad;
            /// Load 4 whole registers, a hint for 32-bit elements (V 7.9).
            Vl4re32V = "vl4re32.v" [0x62806007 / 0xfff0707f] { vd: VdBy4, rs1: Address } VectorLoad;
            /// Load 4 whole registers, a hint for 64-bit elements (V 7.9).
            Vl4re64V = "vl4re64.v" [0x62807007 / 0xfff0707f] { vd: VdBy4, rs1: Address } VectorLoad;
            /// Load 8 whole registers, a hint for 8-bit elements (V 7.9).
            Vl8re8V = "vl8re8.v" [0xe2800007 / 0xfff0707f] { vd: VdBy8, rs1: Address } VectorLoad;
            /// Load 8 whole registers, a hint for 16-bit elements (V 7.9).
            Vl8re16V = "vl8re16.v" [0xe2805007 / 0xfff0707f] { vd: VdBy8, rs1: Address } VectorLoad;
            /// Load 8 whole registers, a hint for 32-bit elements (V 7.9).
            Vl8re32V = "vl8re32.v" [0xe2806007 / 0xfff0707f] { vd: VdBy8, rs1: Address } VectorLoad;
            /// Load 8 whole registers, a hint for 64-bit elements (V 7.9).
            Vl8re64V = "vl8re64.v" [0xe2807007 / 0xfff0707f] { vd: VdBy8, rs1: Address } VectorLoad;
            /// Store 1 whole register (V 7.9).
            Vs1rV = "vs1r.v" [0x02800027 / 0xfff0707f] { vs3: Vs3, rs1: Address } VectorStore;
            /// Store 2 whole registers (V 7.9).
            Vs2rV = "vs2r.v" [0x22800027 / 0xfff0707f] { vs3: Vs3By2, rs1: Address } VectorStore;
            /// Store 4 whole registers (V 7.9).
            Vs4rV = "vs4r.v" [0x62800027 / 0xfff0707f] { vs3: Vs3By4, rs1: Address } VectorStore;
            /// Store 8 whole registers (V 7.9).
            Vs8rV = "vs8r.v" [0xe2800027 / 0xfff0707f] { vs3: Vs3By8, rs1: Address } VectorStore;

            // V 11: integer arithmetic
            /// Add, vector-vector (V 11.1).
            VaddVv = "vadd.vv" [0x00000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Add, vector-scalar (V 11.1).
            VaddVx = "vadd.vx" [0x00004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Add, vector-immediate (V 11.1).
            VaddVi = "vadd.vi" [0x00003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Subtract, vector-vector (V 11.1).
            VsubVv = "vsub.vv" [0x08000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Subtract, vector-scalar (V 11.1).
            VsubVx = "vsub.vx" [0x08004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Subtract the vector from the other operand, vector-scalar (V 11.1).
            VrsubVx = "vrsub.vx" [0x0c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Subtract the vector from the other operand, vector-immediate (V 11.1).
            VrsubVi = "vrsub.vi" [0x0c003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Widening add, unsigned, vector-vector (V 11.2).
            VwadduVv = "vwaddu.vv" [0xc0002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Widening add, unsigned, vector-scalar (V 11.2).
            VwadduVx = "vwaddu.vx" [0xc0006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Widening add, signed, vector-vector (V 11.2).
            VwaddVv = "vwadd.vv" [0xc4002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Widening add, signed, vector-scalar (V 11.2).
            VwaddVx = "vwadd.vx" [0xc4006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Widening subtract, unsigned, vector-vector (V 11.2).
            VwsubuVv = "vwsubu.vv" [0xc8002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Widening subtract, unsigned, vector-scalar (V 11.2).
            VwsubuVx = "vwsubu.vx" [0xc8006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Widening subtract, signed, vector-vector (V 11.2).
            VwsubVv = "vwsub.vv" [0xcc002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Widening subtract, signed, vector-scalar (V 11.2).
            VwsubVx = "vwsub.vx" [0xcc006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Add to wide elements, unsigned, vector-vector (V 11.2).
            VwadduWv = "vwaddu.wv" [0xd0002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Add to wide elements, unsigned, vector-scalar (V 11.2).
            VwadduWx = "vwaddu.wx" [0xd0006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Add to wide elements, signed, vector-vector (V 11.2).
            VwaddWv = "vwadd.wv" [0xd4002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Add to wide elements, signed, vector-scalar (V 11.2).
            VwaddWx = "vwadd.wx" [0xd4006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Subtract from wide elements, unsigned, vector-vector (V 11.2).
            VwsubuWv = "vwsubu.wv" [0xd8002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Subtract from wide elements, unsigned, vector-scalar (V 11.2).
            VwsubuWx = "vwsubu.wx" [0xd8006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Subtract from wide elements, signed, vector-vector (V 11.2).
            VwsubWv = "vwsub.wv" [0xdc002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Subtract from wide elements, signed, vector-scalar (V 11.2).
            VwsubWx = "vwsub.wx" [0xdc006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Zero-extend elements of SEW/2 (V 11.3).
            VzextVf2 = "vzext.vf2" [0x48032057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Sign-extend elements of SEW/2 (V 11.3).
            VsextVf2 = "vsext.vf2" [0x4803a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Zero-extend elements of SEW/4 (V 11.3).
            VzextVf4 = "vzext.vf4" [0x48022057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Sign-extend elements of SEW/4 (V 11.3).
            VsextVf4 = "vsext.vf4" [0x4802a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Zero-extend elements of SEW/8 (V 11.3).
            VzextVf8 = "vzext.vf8" [0x48012057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Sign-extend elements of SEW/8 (V 11.3).
            VsextVf8 = "vsext.vf8" [0x4801a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Add with carry in `v0`, vector-vector (V 11.4).
            VadcVvm = "vadc.vvm" [0x40000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
            /// Add with carry in `v0`, vector-scalar (V 11.4).
            VadcVxm = "vadc.vxm" [0x40004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } + MaskV0 VectorInt;
            /// Add with carry in `v0`, vector-immediate (V 11.4).
            VadcVim = "vadc.vim" [0x40003057 / 0xfe00707f] { vd: Vd, vs2: Vs2, imm: VImm5 } + MaskV0 VectorInt;
            /// Carry out of add with carry, vector-vector (V 11.4).
            VmadcVvm = "vmadc.vvm" [0x44000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
            /// Carry out of add with carry, vector-scalar (V 11.4).
            VmadcVxm = "vmadc.vxm" [0x44004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } + MaskV0 VectorInt;
            /// Carry out of add with carry, vector-immediate (V 11.4).
            VmadcVim = "vmadc.vim" [0x44003057 / 0xfe00707f] { vd: Vd, vs2: Vs2, imm: VImm5 } + MaskV0 VectorInt;
            /// Carry out of add, vector-vector (V 11.4).
            VmadcVv = "vmadc.vv" [0x46000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorInt;
            /// Carry out of add, vector-scalar (V 11.4).
            VmadcVx = "vmadc.vx" [0x46004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } VectorInt;
            /// Carry out of add, vector-immediate (V 11.4).
            VmadcVi = "vmadc.vi" [0x46003057 / 0xfe00707f] { vd: Vd, vs2: Vs2, imm: VImm5 } VectorInt;
            /// Subtract with borrow in `v0`, vector-vector (V 11.4).
            VsbcVvm = "vsbc.vvm" [0x48000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
            /// Subtract with borrow in `v0`, vector-scalar (V 11.4).
            VsbcVxm = "vsbc.vxm" [0x48004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } + MaskV0 VectorInt;
            /// Borrow out of subtract with borrow, vector-vector (V 11.4).
            VmsbcVvm = "vmsbc.vvm" [0x4c000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
            /// Borrow out of subtract with borrow, vector-scalar (V 11.4).
            VmsbcVxm = "vmsbc.vxm" [0x4c004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } + MaskV0 VectorInt;
            /// Borrow out of subtract, vector-vector (V 11.4).
            VmsbcVv = "vmsbc.vv" [0x4e000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorInt;
            /// Borrow out of subtract, vector-scalar (V 11.4).
            VmsbcVx = "vmsbc.vx" [0x4e004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } VectorInt;
            /// And, vector-vector (V 11.5).
            VandVv = "vand.vv" [0x24000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// And, vector-scalar (V 11.5).
            VandVx = "vand.vx" [0x24004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// And, vector-immediate (V 11.5).
            VandVi = "vand.vi" [0x24003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Or, vector-vector (V 11.5).
            VorVv = "vor.vv" [0x28000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Or, vector-scalar (V 11.5).
            VorVx = "vor.vx" [0x28004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Or, vector-immediate (V 11.5).
            VorVi = "vor.vi" [0x28003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Exclusive or, vector-vector (V 11.5).
            VxorVv = "vxor.vv" [0x2c000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Exclusive or, vector-scalar (V 11.5).
            VxorVx = "vxor.vx" [0x2c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Exclusive or, vector-immediate (V 11.5).
            VxorVi = "vxor.vi" [0x2c003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Shift left, vector-vector (V 11.6).
            VsllVv = "vsll.vv" [0x94000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Shift left, vector-scalar (V 11.6).
            VsllVx = "vsll.vx" [0x94004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Shift left, vector-immediate (V 11.6).
            VsllVi = "vsll.vi" [0x94003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Shift right logical, vector-vector (V 11.6).
            VsrlVv = "vsrl.vv" [0xa0000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Shift right logical, vector-scalar (V 11.6).
            VsrlVx = "vsrl.vx" [0xa0004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Shift right logical, vector-immediate (V 11.6).
            VsrlVi = "vsrl.vi" [0xa0003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Shift right arithmetic, vector-vector (V 11.6).
            VsraVv = "vsra.vv" [0xa4000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Shift right arithmetic, vector-scalar (V 11.6).
            VsraVx = "vsra.vx" [0xa4004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Shift right arithmetic, vector-immediate (V 11.6).
            VsraVi = "vsra.vi" [0xa4003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Narrowing shift right logical, vector-vector (V 11.7).
            VnsrlWv = "vnsrl.wv" [0xb0000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Narrowing shift right logical, vector-scalar (V 11.7).
            VnsrlWx = "vnsrl.wx" [0xb0004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Narrowing shift right logical, vector-immediate (V 11.7).
            VnsrlWi = "vnsrl.wi" [0xb0003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Narrowing shift right arithmetic, vector-vector (V 11.7).
            VnsraWv = "vnsra.wv" [0xb4000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Narrowing shift right arithmetic, vector-scalar (V 11.7).
            VnsraWx = "vnsra.wx" [0xb4004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Narrowing shift right arithmetic, vector-immediate (V 11.7).
            VnsraWi = "vnsra.wi" [0xb4003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Set mask if equal, vector-vector (V 11.8).
            VmseqVv = "vmseq.vv" [0x60000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if equal, vector-scalar (V 11.8).
            VmseqVx = "vmseq.vx" [0x60004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if equal, vector-immediate (V 11.8).
            VmseqVi = "vmseq.vi" [0x60003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Set mask if not equal, vector-vector (V 11.8).
            VmsneVv = "vmsne.vv" [0x64000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if not equal, vector-scalar (V 11.8).
            VmsneVx = "vmsne.vx" [0x64004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if not equal, vector-immediate (V 11.8).
            VmsneVi = "vmsne.vi" [0x64003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Set mask if less, unsigned, vector-vector (V 11.8).
            VmsltuVv = "vmsltu.vv" [0x68000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if less, unsigned, vector-scalar (V 11.8).
            VmsltuVx = "vmsltu.vx" [0x68004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if less, signed, vector-vector (V 11.8).
            VmsltVv = "vmslt.vv" [0x6c000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if less, signed, vector-scalar (V 11.8).
            VmsltVx = "vmslt.vx" [0x6c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if less or equal, unsigned, vector-vector (V 11.8).
            VmsleuVv = "vmsleu.vv" [0x70000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if less or equal, unsigned, vector-scalar (V 11.8).
            VmsleuVx = "vmsleu.vx" [0x70004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if less or equal, unsigned, vector-immediate (V 11.8).
            VmsleuVi = "vmsleu.vi" [0x70003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Set mask if less or equal, signed, vector-vector (V 11.8).
            VmsleVv = "vmsle.vv" [0x74000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Set mask if less or equal, signed, vector-scalar (V 11.8).
            VmsleVx = "vmsle.vx" [0x74004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if less or equal, signed, vector-immediate (V 11.8).
            VmsleVi = "vmsle.vi" [0x74003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Set mask if greater, unsigned, vector-scalar (V 11.8).
            VmsgtuVx = "vmsgtu.vx" [0x78004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if greater, unsigned, vector-immediate (V 11.8).
            VmsgtuVi = "vmsgtu.vi" [0x78003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Set mask if greater, signed, vector-scalar (V 11.8).
            VmsgtVx = "vmsgt.vx" [0x7c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Set mask if greater, signed, vector-immediate (V 11.8).
            VmsgtVi = "vmsgt.vi" [0x7c003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Minimum, unsigned, vector-vector (V 11.9).
            VminuVv = "vminu.vv" [0x10000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Minimum, unsigned, vector-scalar (V 11.9).
            VminuVx = "vminu.vx" [0x10004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Minimum, signed, vector-vector (V 11.9).
            VminVv = "vmin.vv" [0x14000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Minimum, signed, vector-scalar (V 11.9).
            VminVx = "vmin.vx" [0x14004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Maximum, unsigned, vector-vector (V 11.9).
            VmaxuVv = "vmaxu.vv" [0x18000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Maximum, unsigned, vector-scalar (V 11.9).
            VmaxuVx = "vmaxu.vx" [0x18004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Maximum, signed, vector-vector (V 11.9).
            VmaxVv = "vmax.vv" [0x1c000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Maximum, signed, vector-scalar (V 11.9).
            VmaxVx = "vmax.vx" [0x1c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Multiply, low half, vector-vector (V 11.10).
            VmulVv = "vmul.vv" [0x94002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Multiply, low half, vector-scalar (V 11.10).
            VmulVx = "vmul.vx" [0x94006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Multiply signed, high half, vector-vector (V 11.10).
            VmulhVv = "vmulh.vv" [0x9c002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Multiply signed, high half, vector-scalar (V 11.10).
            VmulhVx = "vmulh.vx" [0x9c006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Multiply unsigned, high half, vector-vector (V 11.10).
            VmulhuVv = "vmulhu.vv" [0x90002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Multiply unsigned, high half, vector-scalar (V 11.10).
            VmulhuVx = "vmulhu.vx" [0x90006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Multiply signed `vs2` by unsigned, high half, vector-vector (V 11.10).
            VmulhsuVv = "vmulhsu.vv" [0x98002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Multiply signed `vs2` by unsigned, high half, vector-scalar (V 11.10).
            VmulhsuVx = "vmulhsu.vx" [0x98006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Divide, unsigned, vector-vector (V 11.11).
            VdivuVv = "vdivu.vv" [0x80002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Divide, unsigned, vector-scalar (V 11.11).
            VdivuVx = "vdivu.vx" [0x80006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Divide, signed, vector-vector (V 11.11).
            VdivVv = "vdiv.vv" [0x84002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Divide, signed, vector-scalar (V 11.11).
            VdivVx = "vdiv.vx" [0x84006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Remainder, unsigned, vector-vector (V 11.11).
            VremuVv = "vremu.vv" [0x88002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Remainder, unsigned, vector-scalar (V 11.11).
            VremuVx = "vremu.vx" [0x88006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Remainder, signed, vector-vector (V 11.11).
            VremVv = "vrem.vv" [0x8c002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Remainder, signed, vector-scalar (V 11.11).
            VremVx = "vrem.vx" [0x8c006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, signed, vector-vector (V 11.12).
            VwmulVv = "vwmul.vv" [0xec002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, signed, vector-scalar (V 11.12).
            VwmulVx = "vwmul.vx" [0xec006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, unsigned, vector-vector (V 11.12).
            VwmuluVv = "vwmulu.vv" [0xe0002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, unsigned, vector-scalar (V 11.12).
            VwmuluVx = "vwmulu.vx" [0xe0006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, signed `vs2` by unsigned, vector-vector (V 11.12).
            VwmulsuVv = "vwmulsu.vv" [0xe8002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Widening multiply, signed `vs2` by unsigned, vector-scalar (V 11.12).
            VwmulsuVx = "vwmulsu.vx" [0xe8006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// `vd + op1 * vs2`, vector-vector (V 11.13).
            VmaccVv = "vmacc.vv" [0xb4002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `vd + op1 * vs2`, vector-scalar (V 11.13).
            VmaccVx = "vmacc.vx" [0xb4006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `vd - op1 * vs2`, vector-vector (V 11.13).
            VnmsacVv = "vnmsac.vv" [0xbc002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `vd - op1 * vs2`, vector-scalar (V 11.13).
            VnmsacVx = "vnmsac.vx" [0xbc006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `op1 * vd + vs2`, vector-vector (V 11.13).
            VmaddVv = "vmadd.vv" [0xa4002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `op1 * vd + vs2`, vector-scalar (V 11.13).
            VmaddVx = "vmadd.vx" [0xa4006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `-(op1 * vd) + vs2`, vector-vector (V 11.13).
            VnmsubVv = "vnmsub.vv" [0xac002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// `-(op1 * vd) + vs2`, vector-scalar (V 11.13).
            VnmsubVx = "vnmsub.vx" [0xac006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, unsigned, vector-vector (V 11.14).
            VwmaccuVv = "vwmaccu.vv" [0xf0002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, unsigned, vector-scalar (V 11.14).
            VwmaccuVx = "vwmaccu.vx" [0xf0006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, signed, vector-vector (V 11.14).
            VwmaccVv = "vwmacc.vv" [0xf4002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, signed, vector-scalar (V 11.14).
            VwmaccVx = "vwmacc.vx" [0xf4006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, signed `op1` by unsigned `vs2`, vector-vector (V 11.14).
            VwmaccsuVv = "vwmaccsu.vv" [0xfc002057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, signed `op1` by unsigned `vs2`, vector-scalar (V 11.14).
            VwmaccsuVx = "vwmaccsu.vx" [0xfc006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Widening multiply-add, unsigned `rs1` by signed `vs2`, vector-scalar (V 11.14).
            VwmaccusVx = "vwmaccus.vx" [0xf8006057 / 0xfc00707f] { vd: VdRw, rs1: Rs1, vs2: Vs2, vm: Vm } VectorMuldiv;
            /// Select the second operand where `v0` is set, else `vs2`, vector-vector (V 11.15).
            VmergeVvm = "vmerge.vvm" [0x5c000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
            /// Select the second operand where `v0` is set, else `vs2`, vector-scalar (V 11.15).
            VmergeVxm = "vmerge.vxm" [0x5c004057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Rs1 } + MaskV0 VectorInt;
            /// Select the second operand where `v0` is set, else `vs2`, vector-immediate (V 11.15).
            VmergeVim = "vmerge.vim" [0x5c003057 / 0xfe00707f] { vd: Vd, vs2: Vs2, imm: VImm5 } + MaskV0 VectorInt;
            /// Copy a vector (V 11.16).
            VmvVV = "vmv.v.v" [0x5e000057 / 0xfff0707f] { vd: Vd, vs1: Vs1 } VectorInt;
            /// Splat an integer register (V 11.16).
            VmvVX = "vmv.v.x" [0x5e004057 / 0xfff0707f] { vd: Vd, rs1: Rs1 } VectorInt;
            /// Splat an immediate (V 11.16).
            VmvVI = "vmv.v.i" [0x5e003057 / 0xfff0707f] { vd: Vd, imm: VImm5 } VectorInt;

            // V 12: fixed-point arithmetic
            /// Saturating add, unsigned, vector-vector (V 12.1).
            VsadduVv = "vsaddu.vv" [0x80000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Saturating add, unsigned, vector-scalar (V 12.1).
            VsadduVx = "vsaddu.vx" [0x80004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Saturating add, unsigned, vector-immediate (V 12.1).
            VsadduVi = "vsaddu.vi" [0x80003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Saturating add, signed, vector-vector (V 12.1).
            VsaddVv = "vsadd.vv" [0x84000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Saturating add, signed, vector-scalar (V 12.1).
            VsaddVx = "vsadd.vx" [0x84004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Saturating add, signed, vector-immediate (V 12.1).
            VsaddVi = "vsadd.vi" [0x84003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, imm: VImm5, vm: Vm } VectorInt;
            /// Saturating subtract, unsigned, vector-vector (V 12.1).
            VssubuVv = "vssubu.vv" [0x88000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Saturating subtract, unsigned, vector-scalar (V 12.1).
            VssubuVx = "vssubu.vx" [0x88004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Saturating subtract, signed, vector-vector (V 12.1).
            VssubVv = "vssub.vv" [0x8c000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Saturating subtract, signed, vector-scalar (V 12.1).
            VssubVx = "vssub.vx" [0x8c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Averaging add, unsigned, vector-vector (V 12.2).
            VaadduVv = "vaaddu.vv" [0x20002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Averaging add, unsigned, vector-scalar (V 12.2).
            VaadduVx = "vaaddu.vx" [0x20006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Averaging add, signed, vector-vector (V 12.2).
            VaaddVv = "vaadd.vv" [0x24002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Averaging add, signed, vector-scalar (V 12.2).
            VaaddVx = "vaadd.vx" [0x24006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Averaging subtract, unsigned, vector-vector (V 12.2).
            VasubuVv = "vasubu.vv" [0x28002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Averaging subtract, unsigned, vector-scalar (V 12.2).
            VasubuVx = "vasubu.vx" [0x28006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Averaging subtract, signed, vector-vector (V 12.2).
            VasubVv = "vasub.vv" [0x2c002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Averaging subtract, signed, vector-scalar (V 12.2).
            VasubVx = "vasub.vx" [0x2c006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Fractional multiply with rounding and saturation, vector-vector (V 12.3).
            VsmulVv = "vsmul.vv" [0x9c000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Fractional multiply with rounding and saturation, vector-scalar (V 12.3).
            VsmulVx = "vsmul.vx" [0x9c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Rounding shift right logical, vector-vector (V 12.4).
            VssrlVv = "vssrl.vv" [0xa8000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Rounding shift right logical, vector-scalar (V 12.4).
            VssrlVx = "vssrl.vx" [0xa8004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Rounding shift right logical, vector-immediate (V 12.4).
            VssrlVi = "vssrl.vi" [0xa8003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Rounding shift right arithmetic, vector-vector (V 12.4).
            VssraVv = "vssra.vv" [0xac000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Rounding shift right arithmetic, vector-scalar (V 12.4).
            VssraVx = "vssra.vx" [0xac004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Rounding shift right arithmetic, vector-immediate (V 12.4).
            VssraVi = "vssra.vi" [0xac003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Narrowing clip, unsigned, vector-vector (V 12.5).
            VnclipuWv = "vnclipu.wv" [0xb8000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Narrowing clip, unsigned, vector-scalar (V 12.5).
            VnclipuWx = "vnclipu.wx" [0xb8004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Narrowing clip, unsigned, vector-immediate (V 12.5).
            VnclipuWi = "vnclipu.wi" [0xb8003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;
            /// Narrowing clip, signed, vector-vector (V 12.5).
            VnclipWv = "vnclip.wv" [0xbc000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Narrowing clip, signed, vector-scalar (V 12.5).
            VnclipWx = "vnclip.wx" [0xbc004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Narrowing clip, signed, vector-immediate (V 12.5).
            VnclipWi = "vnclip.wi" [0xbc003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;

            // V 13: floating point
            /// Add floats, vector-vector (V 13.2).
            VfaddVv = "vfadd.vv" [0x00001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Add floats, vector-scalar (V 13.2).
            VfaddVf = "vfadd.vf" [0x00005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Subtract floats, vector-vector (V 13.2).
            VfsubVv = "vfsub.vv" [0x08001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Subtract floats, vector-scalar (V 13.2).
            VfsubVf = "vfsub.vf" [0x08005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Subtract the vector from the scalar, floats, vector-scalar (V 13.2).
            VfrsubVf = "vfrsub.vf" [0x9c005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Widening add of floats, vector-vector (V 13.3).
            VfwaddVv = "vfwadd.vv" [0xc0001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Widening add of floats, vector-scalar (V 13.3).
            VfwaddVf = "vfwadd.vf" [0xc0005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Widening subtract of floats, vector-vector (V 13.3).
            VfwsubVv = "vfwsub.vv" [0xc8001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Widening subtract of floats, vector-scalar (V 13.3).
            VfwsubVf = "vfwsub.vf" [0xc8005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Add to wide floats, vector-vector (V 13.3).
            VfwaddWv = "vfwadd.wv" [0xd0001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Add to wide floats, vector-scalar (V 13.3).
            VfwaddWf = "vfwadd.wf" [0xd0005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Subtract from wide floats, vector-vector (V 13.3).
            VfwsubWv = "vfwsub.wv" [0xd8001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Subtract from wide floats, vector-scalar (V 13.3).
            VfwsubWf = "vfwsub.wf" [0xd8005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Multiply floats, vector-vector (V 13.4).
            VfmulVv = "vfmul.vv" [0x90001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Multiply floats, vector-scalar (V 13.4).
            VfmulVf = "vfmul.vf" [0x90005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Divide floats, vector-vector (V 13.4).
            VfdivVv = "vfdiv.vv" [0x80001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorSpecial;
            /// Divide floats, vector-scalar (V 13.4).
            VfdivVf = "vfdiv.vf" [0x80005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorSpecial;
            /// Divide the scalar by the vector, floats, vector-scalar (V 13.4).
            VfrdivVf = "vfrdiv.vf" [0x84005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorSpecial;
            /// Widening multiply of floats, vector-vector (V 13.5).
            VfwmulVv = "vfwmul.vv" [0xe0001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Widening multiply of floats, vector-scalar (V 13.5).
            VfwmulVf = "vfwmul.vf" [0xe0005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// `op1 * vs2 + vd`, fused, vector-vector (V 13.6).
            VfmaccVv = "vfmacc.vv" [0xb0001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vs2 + vd`, fused, vector-scalar (V 13.6).
            VfmaccVf = "vfmacc.vf" [0xb0005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vs2) - vd`, fused, vector-vector (V 13.6).
            VfnmaccVv = "vfnmacc.vv" [0xb4001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vs2) - vd`, fused, vector-scalar (V 13.6).
            VfnmaccVf = "vfnmacc.vf" [0xb4005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vs2 - vd`, fused, vector-vector (V 13.6).
            VfmsacVv = "vfmsac.vv" [0xb8001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vs2 - vd`, fused, vector-scalar (V 13.6).
            VfmsacVf = "vfmsac.vf" [0xb8005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vs2) + vd`, fused, vector-vector (V 13.6).
            VfnmsacVv = "vfnmsac.vv" [0xbc001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vs2) + vd`, fused, vector-scalar (V 13.6).
            VfnmsacVf = "vfnmsac.vf" [0xbc005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vd + vs2`, fused, vector-vector (V 13.6).
            VfmaddVv = "vfmadd.vv" [0xa0001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vd + vs2`, fused, vector-scalar (V 13.6).
            VfmaddVf = "vfmadd.vf" [0xa0005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vd) - vs2`, fused, vector-vector (V 13.6).
            VfnmaddVv = "vfnmadd.vv" [0xa4001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vd) - vs2`, fused, vector-scalar (V 13.6).
            VfnmaddVf = "vfnmadd.vf" [0xa4005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vd - vs2`, fused, vector-vector (V 13.6).
            VfmsubVv = "vfmsub.vv" [0xa8001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `op1 * vd - vs2`, fused, vector-scalar (V 13.6).
            VfmsubVf = "vfmsub.vf" [0xa8005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vd) + vs2`, fused, vector-vector (V 13.6).
            VfnmsubVv = "vfnmsub.vv" [0xac001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// `-(op1 * vd) + vs2`, fused, vector-scalar (V 13.6).
            VfnmsubVf = "vfnmsub.vf" [0xac005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `op1 * vs2 + vd`, fused, vector-vector (V 13.7).
            VfwmaccVv = "vfwmacc.vv" [0xf0001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `op1 * vs2 + vd`, fused, vector-scalar (V 13.7).
            VfwmaccVf = "vfwmacc.vf" [0xf0005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `-(op1 * vs2) - vd`, fused, vector-vector (V 13.7).
            VfwnmaccVv = "vfwnmacc.vv" [0xf4001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `-(op1 * vs2) - vd`, fused, vector-scalar (V 13.7).
            VfwnmaccVf = "vfwnmacc.vf" [0xf4005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `op1 * vs2 - vd`, fused, vector-vector (V 13.7).
            VfwmsacVv = "vfwmsac.vv" [0xf8001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `op1 * vs2 - vd`, fused, vector-scalar (V 13.7).
            VfwmsacVf = "vfwmsac.vf" [0xf8005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `-(op1 * vs2) + vd`, fused, vector-vector (V 13.7).
            VfwnmsacVv = "vfwnmsac.vv" [0xfc001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening `-(op1 * vs2) + vd`, fused, vector-scalar (V 13.7).
            VfwnmsacVf = "vfwnmsac.vf" [0xfc005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Square root (V 13.8).
            VfsqrtV = "vfsqrt.v" [0x4c001057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Reciprocal square root to 7 bits (V 13.9).
            Vfrsqrt7V = "vfrsqrt7.v" [0x4c021057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Reciprocal to 7 bits (V 13.10).
            Vfrec7V = "vfrec7.v" [0x4c029057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Minimum of floats, vector-vector (V 13.11).
            VfminVv = "vfmin.vv" [0x10001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Minimum of floats, vector-scalar (V 13.11).
            VfminVf = "vfmin.vf" [0x10005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Maximum of floats, vector-vector (V 13.11).
            VfmaxVv = "vfmax.vv" [0x18001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Maximum of floats, vector-scalar (V 13.11).
            VfmaxVf = "vfmax.vf" [0x18005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// `vs2` with the sign of the other, vector-vector (V 13.12).
            VfsgnjVv = "vfsgnj.vv" [0x20001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// `vs2` with the sign of the other, vector-scalar (V 13.12).
            VfsgnjVf = "vfsgnj.vf" [0x20005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// `vs2` with the opposite of the sign of the other, vector-vector (V 13.12).
            VfsgnjnVv = "vfsgnjn.vv" [0x24001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// `vs2` with the opposite of the sign of the other, vector-scalar (V 13.12).
            VfsgnjnVf = "vfsgnjn.vf" [0x24005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// `vs2` with the exclusive or of both signs, vector-vector (V 13.12).
            VfsgnjxVv = "vfsgnjx.vv" [0x28001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// `vs2` with the exclusive or of both signs, vector-scalar (V 13.12).
            VfsgnjxVf = "vfsgnjx.vf" [0x28005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are equal; quiet, vector-vector (V 13.13).
            VmfeqVv = "vmfeq.vv" [0x60001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Set mask if floats are equal; quiet, vector-scalar (V 13.13).
            VmfeqVf = "vmfeq.vf" [0x60005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are not equal; quiet, vector-vector (V 13.13).
            VmfneVv = "vmfne.vv" [0x70001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Set mask if floats are not equal; quiet, vector-scalar (V 13.13).
            VmfneVf = "vmfne.vf" [0x70005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are less; signaling, vector-vector (V 13.13).
            VmfltVv = "vmflt.vv" [0x6c001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Set mask if floats are less; signaling, vector-scalar (V 13.13).
            VmfltVf = "vmflt.vf" [0x6c005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are less or equal; signaling, vector-vector (V 13.13).
            VmfleVv = "vmfle.vv" [0x64001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorFp;
            /// Set mask if floats are less or equal; signaling, vector-scalar (V 13.13).
            VmfleVf = "vmfle.vf" [0x64005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are greater; signaling, vector-scalar (V 13.13).
            VmfgtVf = "vmfgt.vf" [0x74005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Set mask if floats are greater or equal; signaling, vector-scalar (V 13.13).
            VmfgeVf = "vmfge.vf" [0x7c005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorFp;
            /// Class mask of floats (V 13.14).
            VfclassV = "vfclass.v" [0x4c081057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Select the scalar where `v0` is set, else `vs2` (V 13.15).
            VfmergeVfm = "vfmerge.vfm" [0x5c005057 / 0xfe00707f] { vd: Vd, vs2: Vs2, rs1: Fs1 } + MaskV0 VectorFp;
            /// Splat a floating-point register (V 13.16).
            VfmvVF = "vfmv.v.f" [0x5e005057 / 0xfff0707f] { vd: Vd, rs1: Fs1 } VectorFp;
            /// Convert float to unsigned (V 13.17).
            VfcvtXuFV = "vfcvt.xu.f.v" [0x48001057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to signed (V 13.17).
            VfcvtXFV = "vfcvt.x.f.v" [0x48009057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to unsigned, towards zero (V 13.17).
            VfcvtRtzXuFV = "vfcvt.rtz.xu.f.v" [0x48031057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to signed, towards zero (V 13.17).
            VfcvtRtzXFV = "vfcvt.rtz.x.f.v" [0x48039057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert unsigned to float (V 13.17).
            VfcvtFXuV = "vfcvt.f.xu.v" [0x48011057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert signed to float (V 13.17).
            VfcvtFXV = "vfcvt.f.x.v" [0x48019057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to wide unsigned (V 13.18).
            VfwcvtXuFV = "vfwcvt.xu.f.v" [0x48041057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to wide signed (V 13.18).
            VfwcvtXFV = "vfwcvt.x.f.v" [0x48049057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to wide unsigned, towards zero (V 13.18).
            VfwcvtRtzXuFV = "vfwcvt.rtz.xu.f.v" [0x48071057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to wide signed, towards zero (V 13.18).
            VfwcvtRtzXFV = "vfwcvt.rtz.x.f.v" [0x48079057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert unsigned to wide float (V 13.18).
            VfwcvtFXuV = "vfwcvt.f.xu.v" [0x48051057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert signed to wide float (V 13.18).
            VfwcvtFXV = "vfwcvt.f.x.v" [0x48059057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert float to wide float (V 13.18).
            VfwcvtFFV = "vfwcvt.f.f.v" [0x48061057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to unsigned (V 13.19).
            VfncvtXuFW = "vfncvt.xu.f.w" [0x48081057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to signed (V 13.19).
            VfncvtXFW = "vfncvt.x.f.w" [0x48089057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to unsigned, towards zero (V 13.19).
            VfncvtRtzXuFW = "vfncvt.rtz.xu.f.w" [0x480b1057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to signed, towards zero (V 13.19).
            VfncvtRtzXFW = "vfncvt.rtz.x.f.w" [0x480b9057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide unsigned to float (V 13.19).
            VfncvtFXuW = "vfncvt.f.xu.w" [0x48091057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide signed to float (V 13.19).
            VfncvtFXW = "vfncvt.f.x.w" [0x48099057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to float (V 13.19).
            VfncvtFFW = "vfncvt.f.f.w" [0x480a1057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert wide float to float, rounding to odd (V 13.19).
            VfncvtRodFFW = "vfncvt.rod.f.f.w" [0x480a9057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;

            // Zvfbfmin and Zvfbfwma
            /// Convert BF16 to single (Zvfbfmin).
            Vfwcvtbf16FFV = "vfwcvtbf16.f.f.v" [0x48069057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Convert single to BF16 (Zvfbfmin).
            Vfncvtbf16FFW = "vfncvtbf16.f.f.w" [0x480e9057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening multiply-add of BF16 to single, fused, vector-vector (Zvfbfwma).
            Vfwmaccbf16Vv = "vfwmaccbf16.vv" [0xec001057 / 0xfc00707f] { vd: VdRw, vs1: Vs1, vs2: Vs2, vm: Vm } VectorFp;
            /// Widening multiply-add of BF16 to single, fused, vector-scalar (Zvfbfwma).
            Vfwmaccbf16Vf = "vfwmaccbf16.vf" [0xec005057 / 0xfc00707f] { vd: VdRw, rs1: Fs1, vs2: Vs2, vm: Vm } VectorFp;

            // V 14: reductions
            /// Sum of the elements and `vs1[0]` (V 14.1).
            VredsumVs = "vredsum.vs" [0x00002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// And of the elements and `vs1[0]` (V 14.1).
            VredandVs = "vredand.vs" [0x04002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Or of the elements and `vs1[0]` (V 14.1).
            VredorVs = "vredor.vs" [0x08002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Exclusive or of the elements and `vs1[0]` (V 14.1).
            VredxorVs = "vredxor.vs" [0x0c002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Minimum, unsigned of the elements and `vs1[0]` (V 14.1).
            VredminuVs = "vredminu.vs" [0x10002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Minimum, signed of the elements and `vs1[0]` (V 14.1).
            VredminVs = "vredmin.vs" [0x14002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Maximum, unsigned of the elements and `vs1[0]` (V 14.1).
            VredmaxuVs = "vredmaxu.vs" [0x18002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Maximum, signed of the elements and `vs1[0]` (V 14.1).
            VredmaxVs = "vredmax.vs" [0x1c002057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Widening sum, unsigned (V 14.2).
            VwredsumuVs = "vwredsumu.vs" [0xc0000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Widening sum, signed (V 14.2).
            VwredsumVs = "vwredsum.vs" [0xc4000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Sum of floats in element order (V 14.3).
            VfredosumVs = "vfredosum.vs" [0x0c001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Sum of floats in any order (V 14.3).
            VfredusumVs = "vfredusum.vs" [0x04001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Maximum of floats (V 14.3).
            VfredmaxVs = "vfredmax.vs" [0x1c001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Minimum of floats (V 14.3).
            VfredminVs = "vfredmin.vs" [0x14001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Widening sum of floats in element order (V 14.4).
            VfwredosumVs = "vfwredosum.vs" [0xcc001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;
            /// Widening sum of floats in any order (V 14.4).
            VfwredusumVs = "vfwredusum.vs" [0xc4001057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorReduce;

            // V 15: masks
            /// And of masks (V 15.1).
            VmandMm = "vmand.mm" [0x66002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Complement of and of masks (V 15.1).
            VmnandMm = "vmnand.mm" [0x76002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// `vs2` and not `vs1` of masks (V 15.1).
            VmandnMm = "vmandn.mm" [0x62002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Exclusive or of masks (V 15.1).
            VmxorMm = "vmxor.mm" [0x6e002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Or of masks (V 15.1).
            VmorMm = "vmor.mm" [0x6a002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Complement of or of masks (V 15.1).
            VmnorMm = "vmnor.mm" [0x7a002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// `vs2` or not `vs1` of masks (V 15.1).
            VmornMm = "vmorn.mm" [0x72002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Complement of exclusive or of masks (V 15.1).
            VmxnorMm = "vmxnor.mm" [0x7e002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorMask;
            /// Count the set bits of a mask (V 15.2).
            VcpopM = "vcpop.m" [0x40082057 / 0xfc0ff07f] { rd: Rd, vs2: Vs2, vm: Vm } VectorMask;
            /// Index of the first set bit of a mask, or -1 (V 15.3).
            VfirstM = "vfirst.m" [0x4008a057 / 0xfc0ff07f] { rd: Rd, vs2: Vs2, vm: Vm } VectorMask;
            /// Set the bits before the first set bit (V 15.4).
            VmsbfM = "vmsbf.m" [0x5000a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorMask;
            /// Set the bits up to the first set bit (V 15.5).
            VmsifM = "vmsif.m" [0x5001a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorMask;
            /// Set only the first set bit (V 15.6).
            VmsofM = "vmsof.m" [0x50012057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorMask;
            /// Number of set bits before each element (V 15.8).
            ViotaM = "viota.m" [0x50082057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorMask;
            /// Index of each element (V 15.9).
            VidV = "vid.v" [0x5008a057 / 0xfdfff07f] { vd: Vd, vm: Vm } VectorMask;

            // V 16: permutations
            /// Element 0, sign-extended, to an integer register (V 16.1).
            VmvXS = "vmv.x.s" [0x42002057 / 0xfe0ff07f] { rd: Rd, vs2: Vs2 } VectorPermute;
            /// An integer register to element 0 (V 16.1).
            VmvSX = "vmv.s.x" [0x42006057 / 0xfff0707f] { vd: Vd, rs1: Rs1 } VectorPermute;
            /// Element 0 to a floating-point register (V 16.2).
            VfmvFS = "vfmv.f.s" [0x42001057 / 0xfe0ff07f] { rd: Fd, vs2: Vs2 } VectorPermute;
            /// A floating-point register to element 0 (V 16.2).
            VfmvSF = "vfmv.s.f" [0x42005057 / 0xfff0707f] { vd: Vd, rs1: Fs1 } VectorPermute;
            /// Move elements up, keeping those below the offset, vector-scalar (V 16.3.1).
            VslideupVx = "vslideup.vx" [0x38004057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, rs1: Rs1, vm: Vm } VectorPermute;
            /// Move elements up, keeping those below the offset, vector-immediate (V 16.3.1).
            VslideupVi = "vslideup.vi" [0x38003057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorPermute;
            /// Move elements down, vector-scalar (V 16.3.2).
            VslidedownVx = "vslidedown.vx" [0x3c004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorPermute;
            /// Move elements down, vector-immediate (V 16.3.2).
            VslidedownVi = "vslidedown.vi" [0x3c003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorPermute;
            /// Move elements up by one and insert, vector-scalar (V 16.3.3).
            Vslide1upVx = "vslide1up.vx" [0x38006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorPermute;
            /// Move elements up by one and insert a float, vector-scalar (V 16.3.3).
            Vfslide1upVf = "vfslide1up.vf" [0x38005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorPermute;
            /// Move elements down by one and insert, vector-scalar (V 16.3.4).
            Vslide1downVx = "vslide1down.vx" [0x3c006057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorPermute;
            /// Move elements down by one and insert a float, vector-scalar (V 16.3.4).
            Vfslide1downVf = "vfslide1down.vf" [0x3c005057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Fs1, vm: Vm } VectorPermute;
            /// Gather elements by index, vector-vector (V 16.4).
            VrgatherVv = "vrgather.vv" [0x30000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorPermute;
            /// Gather elements by index, vector-scalar (V 16.4).
            VrgatherVx = "vrgather.vx" [0x30004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorPermute;
            /// Gather elements by index, vector-immediate (V 16.4).
            VrgatherVi = "vrgather.vi" [0x30003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorPermute;
            /// Gather elements by 16-bit index, vector-vector (V 16.4).
            Vrgatherei16Vv = "vrgatherei16.vv" [0x38000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorPermute;
            /// Pack the elements that a mask selects (V 16.5).
            VcompressVm = "vcompress.vm" [0x5e002057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } VectorPermute;
            /// Copy 1 whole register (V 16.6).
            Vmv1rV = "vmv1r.v" [0x9e003057 / 0xfe0ff07f] { vd: Vd, vs2: Vs2 } VectorPermute;
            /// Copy 2 whole registers (V 16.6).
            Vmv2rV = "vmv2r.v" [0x9e00b057 / 0xfe0ff07f] { vd: VdBy2, vs2: Vs2By2 } VectorPermute;
            /// Copy 4 whole registers (V 16.6).
            Vmv4rV = "vmv4r.v" [0x9e01b057 / 0xfe0ff07f] { vd: VdBy4, vs2: Vs2By4 } VectorPermute;
            /// Copy 8 whole registers (V 16.6).
            Vmv8rV = "vmv8r.v" [0x9e03b057 / 0xfe0ff07f] { vd: VdBy8, vs2: Vs2By8 } VectorPermute;

            // Zvbb
            /// And with the complement of the second operand, vector-vector (Zvbb).
            VandnVv = "vandn.vv" [0x04000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// And with the complement of the second operand, vector-scalar (Zvbb).
            VandnVx = "vandn.vx" [0x04004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Reverse the bits of each element (Zvbb).
            VbrevV = "vbrev.v" [0x48052057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Reverse the bits of each byte (Zvbb).
            Vbrev8V = "vbrev8.v" [0x48042057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Reverse the bytes of each element (Zvbb).
            Vrev8V = "vrev8.v" [0x4804a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Count leading zeros (Zvbb).
            VclzV = "vclz.v" [0x48062057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Count trailing zeros (Zvbb).
            VctzV = "vctz.v" [0x4806a057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Count ones (Zvbb).
            VcpopV = "vcpop.v" [0x48072057 / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorInt;
            /// Rotate left, vector-vector (Zvbb).
            VrolVv = "vrol.vv" [0x54000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Rotate left, vector-scalar (Zvbb).
            VrolVx = "vrol.vx" [0x54004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Rotate right, vector-vector (Zvbb).
            VrorVv = "vror.vv" [0x50000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Rotate right, vector-scalar (Zvbb).
            VrorVx = "vror.vx" [0x50004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Rotate right, vector-immediate (Zvbb).
            VrorVi = "vror.vi" [0x50003057 / 0xf800707f] { vd: Vd, vs2: Vs2, uimm: Rotate6, vm: Vm } VectorInt;
            /// Widening shift left, vector-vector (Zvbb).
            VwsllVv = "vwsll.vv" [0xd4000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Widening shift left, vector-scalar (Zvbb).
            VwsllVx = "vwsll.vx" [0xd4004057 / 0xfc00707f] { vd: Vd, vs2: Vs2, rs1: Rs1, vm: Vm } VectorInt;
            /// Widening shift left, vector-immediate (Zvbb).
            VwsllVi = "vwsll.vi" [0xd4003057 / 0xfc00707f] { vd: Vd, vs2: Vs2, uimm: Uimm5, vm: Vm } VectorInt;

            // Zvdot4a8i. LLVM 22 calls these `vqdot`
            /// Add the dot product of four bytes, signed by signed, vector-vector (Zvdot4a8i).
            Vdot4aVv = "vdot4a.vv" [0xb0002057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, signed by signed, vector-scalar (Zvdot4a8i).
            Vdot4aVx = "vdot4a.vx" [0xb0006057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, unsigned by unsigned, vector-vector (Zvdot4a8i).
            Vdot4auVv = "vdot4au.vv" [0xa0002057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, unsigned by unsigned, vector-scalar (Zvdot4a8i).
            Vdot4auVx = "vdot4au.vx" [0xa0006057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, signed `vs2` by unsigned, vector-vector (Zvdot4a8i).
            Vdot4asuVv = "vdot4asu.vv" [0xa8002057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, vs1: Vs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, signed `vs2` by unsigned, vector-scalar (Zvdot4a8i).
            Vdot4asuVx = "vdot4asu.vx" [0xa8006057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;
            /// Add the dot product of four bytes, unsigned `vs2` by signed, vector-scalar (Zvdot4a8i).
            Vdot4ausVx = "vdot4aus.vx" [0xb8006057 / 0xfc00707f] { vd: VdRw, vs2: Vs2, rs1: Rs1, vm: Vm } VectorMuldiv;

            // Zvt 0.4. LLVM 22 calls most of these `sf.*` (XSfmm)
            /// Set the length of rows of tiles, `tn`, which is `vl` (Zvt, Matrix Configuration).
            Msettn = "msettn" [0x88007057 / 0xfff0707f] { rd: Rd, rs1: Rs1 } VectorConfig;
            /// Set the number of rows of tiles, `tm` (Zvt, Matrix Configuration).
            Msettm = "msettm" [0x88107057 / 0xfff0707f] { rd: Rd, rs1: Rs1 } VectorConfig;
            /// Set the length of dot products, `tk` (Zvt, Matrix Configuration).
            Msettk = "msettk" [0x88207057 / 0xfff0707f] { rd: Rd, rs1: Rs1 } VectorConfig;
            /// Set `mtype` and `vtype` from registers (Zvt, Matrix Configuration).
            Msetmtype = "msetmtype" [0x84007057 / 0xfe007fff] { rs1: Rs1, rs2: Rs2 } VectorConfig;
            /// Set `mtype` and `vtype` (Zvt, Matrix Configuration).
            Msetmtypei = "msetmtypei" [0x88407057 / 0xee7e7fff] { mtype: MatrixTypeImm } VectorConfig;
            /// Load a row or column of a tile of 8-bit elements (Zvt, Load/Store Tile Subset).
            Vtle8 = "vtle8" [0x12007007 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorLoad;
            /// Load a row or column of a tile of 16-bit elements (Zvt, Load/Store Tile Subset).
            Vtle16 = "vtle16" [0x32007007 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorLoad;
            /// Load a row or column of a tile of 32-bit elements (Zvt, Load/Store Tile Subset).
            Vtle32 = "vtle32" [0x52007007 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorLoad;
            /// Load a row or column of a tile of 64-bit elements (Zvt, Load/Store Tile Subset).
            Vtle64 = "vtle64" [0x72007007 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorLoad;
            /// Store a row or column of a tile of 8-bit elements (Zvt, Load/Store Tile Subset).
            Vtse8 = "vtse8" [0x12007027 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorStore;
            /// Store a row or column of a tile of 16-bit elements (Zvt, Load/Store Tile Subset).
            Vtse16 = "vtse16" [0x32007027 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorStore;
            /// Store a row or column of a tile of 32-bit elements (Zvt, Load/Store Tile Subset).
            Vtse32 = "vtse32" [0x52007027 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorStore;
            /// Store a row or column of a tile of 64-bit elements (Zvt, Load/Store Tile Subset).
            Vtse64 = "vtse64" [0x72007027 / 0xfe007fff] { rs2: Rs2, rs1: Address } VectorStore;
            /// Move a row or column of a tile to a vector (Zvt, Move Tile Subset).
            VtmvVT = "vtmv.v.t" [0x43f06057 / 0xfff0707f] { vd: Vd, rs1: Rs1 } VectorPermute;
            /// Move a vector to a row or column of a tile (Zvt, Move Tile Subset).
            VtmvTV = "vtmv.t.v" [0x5e006057 / 0xfe007fff] { rs1: Rs1, vs2: Vs2 } VectorPermute;
            /// Zero a tile (Zvt, Matrix Tile-Zero Instruction).
            Vtzero = "vtzero" [0x43e06057 / 0xfffff0ff] { mtd: Tile4 } Matrix;
            /// Declare the contents of all tiles dead (Zvt, Context Discard).
            Vtdiscard = "vtdiscard" [0x43c06057 / 0xffffffff] Matrix;
            /// Multiply matrices of unsigned bytes by bytes (Zvt, Matrix Arithmetic).
            VtmmuTvv = "vtmmu.tvv" [0xf2000077 / 0xfe0073ff] { mtd: Tile2, vs2: Vs2, vs1: Vs1 } Matrix;
            /// Multiply matrices of signed bytes by bytes (Zvt, Matrix Arithmetic).
            VtmmsTvv = "vtmms.tvv" [0xf20000f7 / 0xfe0073ff] { mtd: Tile2, vs2: Vs2, vs1: Vs1 } Matrix;
            /// Multiply matrices of floats (Zvt, Matrix Arithmetic).
            VtfmmTvv = "vtfmm.tvv" [0xf2001077 / 0xfe0071ff] { mtd: Tile3, vs2: Vs2, vs1: Vs1 } Matrix;
            /// Multiply matrices of floats of the alternative format (Zvt, Matrix Arithmetic).
            VtfmmAltTvv = "vtfmm.alt.tvv" [0xf20010f7 / 0xfe0071ff] { mtd: Tile3, vs2: Vs2, vs1: Vs1 } Matrix;

            // Xweft (docs/xweft.md): custom-0
            /// Wait at a barrier until all its warps have arrived (Xweft 2.1).
            XwBarSync = "xw.bar.sync" [0x0000000b / 0xfe007fff] { rs1: Rs1, rs2: Rs2 } Barrier;
            /// Arrive at a barrier without waiting (Xweft 2.2).
            XwBarArrive = "xw.bar.arrive" [0x0200000b / 0xfe007fff] { rs1: Rs1, rs2: Rs2 } Barrier;
            /// Wait at a barrier and sum a population count over its warps (Xweft 2.3).
            XwBarPopc = "xw.bar.popc" [0x0000100b / 0x0600707f] { rd: Rd, rs1: Rs1, rs2: Rs2, rs3: Rs3 } Barrier;
            /// End the hart (Xweft 3.1).
            XwExit = "xw.exit" [0x0000200b / 0xffffffff] CsrSystem;
            /// End the launch with an error (Xweft 3.2).
            XwFault = "xw.fault" [0x0000300b / 0x000fffff] { code: Code12 } CsrSystem;

            // Xweft: custom-2
            /// Atomic swap on each addressed element (Xweft 4).
            XwVamoswapV = "xw.vamoswap.v" [0x0000005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic add on each addressed element (Xweft 4).
            XwVamoaddV = "xw.vamoadd.v" [0x0400005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic exclusive or on each addressed element (Xweft 4).
            XwVamoxorV = "xw.vamoxor.v" [0x0800005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic and on each addressed element (Xweft 4).
            XwVamoandV = "xw.vamoand.v" [0x0c00005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic or on each addressed element (Xweft 4).
            XwVamoorV = "xw.vamoor.v" [0x1000005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic minimum, signed on each addressed element (Xweft 4).
            XwVamominV = "xw.vamomin.v" [0x1400005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic maximum, signed on each addressed element (Xweft 4).
            XwVamomaxV = "xw.vamomax.v" [0x1800005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic minimum, unsigned on each addressed element (Xweft 4).
            XwVamominuV = "xw.vamominu.v" [0x1c00005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic maximum, unsigned on each addressed element (Xweft 4).
            XwVamomaxuV = "xw.vamomaxu.v" [0x2000005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic increment up to a bound, then 0 on each addressed element (Xweft 4).
            XwVamoincV = "xw.vamoinc.v" [0x2400005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic decrement down to 0, then the bound on each addressed element (Xweft 4).
            XwVamodecV = "xw.vamodec.v" [0x2800005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic compare and swap on each addressed element (Xweft 4).
            XwVamocasV = "xw.vamocas.v" [0x2c00005b / 0xfc00707f] { vd: VdRw, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic add of floats on each addressed element (Xweft 4).
            XwVamofaddV = "xw.vamofadd.v" [0x3000005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic add of BF16 on each addressed element (Xweft 4).
            XwVamofaddBf16V = "xw.vamofadd.bf16.v" [0x3400005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic add of pairs of halves on each addressed element (Xweft 4).
            XwVamofaddF16x2V = "xw.vamofadd.f16x2.v" [0x3800005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Atomic add of pairs of BF16 on each addressed element (Xweft 4).
            XwVamofaddBf16x2V = "xw.vamofadd.bf16x2.v" [0x3c00005b / 0xfc00707f] { vd: Vd, vs2: VAddress, vs1: Vs1, vm: Vm } VectorAtomic;
            /// Reciprocal, approximate (Xweft 5.1).
            XwVrcpV = "xw.vrcp.v" [0x0000105b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Reciprocal square root, approximate (Xweft 5.1).
            XwVrsqrtV = "xw.vrsqrt.v" [0x0000905b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Square root, approximate (Xweft 5.1).
            XwVsqrtV = "xw.vsqrt.v" [0x0001105b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Power of two, approximate (Xweft 5.1).
            XwVex2V = "xw.vex2.v" [0x0001905b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Base-2 logarithm, approximate (Xweft 5.1).
            XwVlg2V = "xw.vlg2.v" [0x0002105b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Sine, approximate (Xweft 5.1).
            XwVsinV = "xw.vsin.v" [0x0002905b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Cosine, approximate (Xweft 5.1).
            XwVcosV = "xw.vcos.v" [0x0003105b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Hyperbolic tangent, approximate (Xweft 5.1).
            XwVtanhV = "xw.vtanh.v" [0x0003905b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorSpecial;
            /// Flush subnormals to zero of the same sign (Xweft 5.2).
            XwVftzV = "xw.vftz.v" [0x0008105b / 0xfc0ff07f] { vd: Vd, vs2: Vs2, vm: Vm } VectorFp;

            // Xweft: custom-3
            /// Multiply matrices and add: D = A B + D, each in a register group (Xweft 7).
            XwMma = "xw.mma" [0x0000007b / 0x0000007f] { form: Mma, vd: VdRw, vs2: Vs2, vs1: Vs1 } Matrix;
        }
    };
}
