# Calls `kernel` with ROUNDS and ends: with the system call `exit`, or on a bare machine (BARE)
# through `tohost`.

    .text
    .globl _start
_start:
#if defined(BARE)
    li      t0, 0x6600          # mstatus: floating point and vectors are on
    csrs    mstatus, t0
#endif
    li      a0, ROUNDS
    call    kernel
#if defined(BARE)
    li      t0, 1
    la      t1, tohost
    sd      t0, 0(t1)
1:  j       1b

    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost
tohost:
    .dword 0
    .balign 64
    .globl fromhost
fromhost:
    .dword 0
#else
    li      a0, 0
    li      a7, 93
    ecall
#endif
