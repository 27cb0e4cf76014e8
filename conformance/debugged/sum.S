# A program to be debugged: sums 5, 4, ... 1, stores the sum, adds it to the numbers of the lanes,
# and exits with it.
    .globl _start, turn, summed, done, result
    .text
    .option norvc
_start:
    li      a0, 5
    li      a1, 0
turn:
    add     a1, a1, a0
    addi    a0, a0, -1
    bnez    a0, turn
summed:
    la      a2, result
    sd      a1, 0(a2)
    li      t0, 32
    vsetvli t0, t0, e32, m1, ta, ma
    vid.v   v8
    vadd.vx v9, v8, a1
    fcvt.d.l fa0, a1
done:
    ld      a0, 0(a2)
    li      a7, 93
    ecall

    .bss
    .balign 8
result:
    .space  8
