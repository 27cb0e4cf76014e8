# Loops of `cargo xtask bench isa`. Each is `kernel` of its program: a0 is the number of rounds.
# Assembled once for each LOOP_ name. Arrays lie at `arena`, which is zero.

    .text
    .globl kernel

#if defined(LOOP_SCALAR)
# Twelve instructions a round: a multiplicative generator that scrambles a table of 2 KiB.
kernel:
    la      a1, arena
    li      t0, 1
    li      t1, 0
    li      t2, 1103515245
1:  mul     t0, t0, t2
    addi    t0, t0, 1013
    srli    t3, t0, 16
    andi    t3, t3, 0x7f8
    add     t3, t3, a1
    ld      t4, 0(t3)
    xor     t4, t4, t0
    sd      t4, 0(t3)
    slli    t5, t4, 3
    add     t1, t1, t5
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_SAXPY)
# y += a * x over 16384 floats a round, in strips of a whole register.
kernel:
    fcvt.s.w fa0, zero
1:  la      a1, arena
    li      a3, 16384
    slli    t1, a3, 2
    add     a2, a1, t1
2:  vsetvli t0, a3, e32, m1, ta, ma
    vle32.v v0, (a1)
    vle32.v v8, (a2)
    slli    t1, t0, 2
    add     a1, a1, t1
    vfmacc.vf v8, fa0, v0
    vse32.v v8, (a2)
    add     a2, a2, t1
    sub     a3, a3, t0
    bnez    a3, 2b
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_GEMM)
# Eight rows by a register of columns, 256 steps of k a round.
kernel:
    li      t0, 32
    vsetvli t0, t0, e32, m1, ta, ma
    .irp r, 8, 9, 10, 11, 12, 13, 14, 15
    vmv.v.i v\r, 0
    .endr
1:  la      a1, arena
    li      a3, 256
    li      t1, 8192
    add     a2, a1, t1
2:  vle32.v v0, (a2)
    flw     ft0, 0(a1)
    flw     ft1, 4(a1)
    flw     ft2, 8(a1)
    flw     ft3, 12(a1)
    flw     ft4, 16(a1)
    flw     ft5, 20(a1)
    flw     ft6, 24(a1)
    flw     ft7, 28(a1)
    vfmacc.vf v8, ft0, v0
    vfmacc.vf v9, ft1, v0
    vfmacc.vf v10, ft2, v0
    vfmacc.vf v11, ft3, v0
    vfmacc.vf v12, ft4, v0
    vfmacc.vf v13, ft5, v0
    vfmacc.vf v14, ft6, v0
    vfmacc.vf v15, ft7, v0
    addi    a1, a1, 32
    addi    a2, a2, 128
    addi    a3, a3, -1
    bnez    a3, 2b
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_INT)
# Eight integer instructions on 32 lanes a round.
kernel:
    li      t0, 32
    vsetvli t0, t0, e32, m1, ta, ma
1:  vadd.vv v8, v8, v16
    vadd.vv v9, v9, v17
    vadd.vv v10, v10, v18
    vadd.vv v11, v11, v19
    vxor.vv v12, v12, v20
    vmul.vv v13, v13, v21
    vadd.vv v14, v14, v22
    vadd.vv v15, v15, v23
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_GATHER)
# Two gathers of 32 words and a scatter a round, at offsets that differ from round to round.
kernel:
    la      a1, arena
    li      t0, 32
    vsetvli t0, t0, e32, m1, ta, ma
    vid.v   v8
    li      t1, 2654435761
    vmul.vx v8, v8, t1
    vmv.v.i v10, 0
    li      t2, 0x3ffc
1:  vand.vx v9, v8, t2
    vluxei32.v v12, (a1), v9
    vadd.vx v8, v8, t1
    vand.vx v11, v8, t2
    vluxei32.v v13, (a1), v11
    vadd.vv v10, v10, v12
    vadd.vv v10, v10, v13
    vsuxei32.v v10, (a1), v9
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_MATRIX_RVV)
# int8 by int8 into int32 with standard instructions: 256 multiply-adds a round.
kernel:
    li      t0, 128
1:  vsetvli zero, t0, e8, m1, ta, ma
    vwmul.vx v8, v4, t1
    vwmul.vx v10, v5, t1
    vsetvli zero, t0, e16, m2, ta, ma
    vwadd.wv v16, v16, v8
    vwadd.wv v20, v20, v10
    addi    a0, a0, -1
    bnez    a0, 1b
    ret

#elif defined(LOOP_MATRIX_XWEFT)
# Four xw.mma.m16n8k32.s32.s8.s8 a round: 16384 multiply-adds.
kernel:
    li      t0, 32
    vsetvli t0, t0, e32, m1, ta, ma
1:  .insn r 0x7b, 2, 0x63, x8, x24, x16
    .insn r 0x7b, 2, 0x63, x12, x26, x16
    .insn r 0x7b, 2, 0x63, x4, x24, x20
    .insn r 0x7b, 2, 0x63, x28, x26, x20
    addi    a0, a0, -1
    bnez    a0, 1b
    ret
#endif

    .bss
    .balign 4096
    .globl arena
arena:
    .space 1 << 18
