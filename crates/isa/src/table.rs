//! The instruction table.

/// Calls `$callback!` with every row of the instruction table.
#[macro_export]
macro_rules! for_each_inst {
    ($callback:ident) => {
        $callback! {
            /// Load upper immediate (RV32I 2.4.1).
            Lui = "lui" [0x00000037 / 0x0000007f] { rd: Rd, imm: UpperImm } ScalarInt;
            /// Jump and link (RV32I 2.5.1).
            Jal = "jal" [0x0000006f / 0x0000007f] { rd: Rd, offset: JumpOffset } Branch;
            /// Add immediate (RV32I 2.4.1).
            Addi = "addi" [0x00000013 / 0x0000707f] { rd: Rd, rs1: Rs1, imm: Imm12 } ScalarInt;
            /// Add (RV32I 2.4.2).
            Add = "add" [0x00000033 / 0xfe00707f] { rd: Rd, rs1: Rs1, rs2: Rs2 } ScalarInt;
            /// Service request (RV32I 2.8).
            Ecall = "ecall" [0x00000073 / 0xffffffff] CsrSystem;
            /// Add (V 11.1).
            VaddVv = "vadd.vv" [0x00000057 / 0xfc00707f] { vd: Vd, vs2: Vs2, vs1: Vs1, vm: Vm } VectorInt;
            /// Add with carry (V 11.4).
            VadcVvm = "vadc.vvm" [0x40000057 / 0xfe00707f] { vd: Vd, vs2: Vs2, vs1: Vs1 } + MaskV0 VectorInt;
        }
    };
}
