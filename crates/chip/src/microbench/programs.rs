//! The programs, as instructions.

use weft_isa::abi::{self, SHARED_WINDOW};
use weft_isa::matrix::{Factors, Fp8, MatrixForm, Sums};
use weft_isa::{Inst, Lmul, Sew, V, VType, X};

/// Register that holds the parameter of a kernel.
pub(super) const PARAMETER: X = X::A0;

pub(super) const fn x(number: u8) -> X {
    X::new(number)
}

pub(super) const fn v(number: u8) -> V {
    V::new(number)
}

fn form(factors: Factors, sums: Sums, k: u32) -> MatrixForm {
    MatrixForm::new(factors, sums, 16, k).expect("a form of the manual")
}

pub(super) fn int8() -> MatrixForm {
    let factors = Factors::Int8 {
        a_signed: true,
        b_signed: true,
    };
    form(factors, Sums::S32 { saturate: false }, 32)
}

pub(super) fn int4() -> MatrixForm {
    let factors = Factors::Int4 {
        a_signed: true,
        b_signed: true,
    };
    form(factors, Sums::S32 { saturate: false }, 64)
}

pub(super) fn fp8() -> MatrixForm {
    let factors = Factors::Fp8 {
        a: Fp8::E4m3,
        b: Fp8::E4m3,
    };
    form(factors, Sums::F32, 32)
}

pub(super) fn fp16() -> MatrixForm {
    form(Factors::F16, Sums::F32, 16)
}

pub(super) fn bf16() -> MatrixForm {
    form(Factors::Bf16, Sums::F32, 16)
}

pub(super) fn tf32() -> MatrixForm {
    form(Factors::Tf32, Sums::F32, 8)
}

/// `vsetvli` to full registers of this width.
pub(super) fn width(sew: Sew) -> Inst {
    Inst::Vsetvli {
        rd: x(31),
        rs1: X::ZERO,
        vtype: VType::new(sew, Lmul::M1).immediate(),
    }
}

fn add_immediate(register: X, by: i32) -> Inst {
    Inst::Addi {
        rd: register,
        rs1: register,
        imm: by,
    }
}

fn shift(register: X, by: u8) -> Inst {
    Inst::Slli {
        rd: register,
        rs1: register,
        shamt: by,
    }
}

pub(super) fn csr(register: X, csr: u16) -> Inst {
    Inst::Csrrs {
        rd: register,
        csr,
        rs1: X::ZERO,
    }
}

/// `before`, then `body` `times` over in a loop, then the end of the hart. `x30` counts.
pub(super) fn looped(before: &[Inst], body: &[Inst], times: i32) -> Vec<Inst> {
    let mut program = before.to_vec();
    program.push(Inst::Addi {
        rd: x(30),
        rs1: X::ZERO,
        imm: times,
    });
    program.extend_from_slice(body);
    program.push(add_immediate(x(30), -1));
    let back = i32::try_from(body.len() + 1).expect("a loop of few instructions") * -4;
    program.push(Inst::Bne {
        rs1: x(30),
        rs2: X::ZERO,
        offset: back,
    });
    program.push(Inst::XwExit);
    program
}

/// Independent multiplications, many times over.
pub(super) fn matrix(form: MatrixForm) -> Vec<Inst> {
    let multiply = |d: u8| Inst::XwMma {
        form,
        vd: v(d),
        vs2: v(4),
        vs1: v(8),
    };
    let body: Vec<Inst> = [12, 16, 20, 24]
        .iter()
        .cycle()
        .take(16)
        .map(|&d| multiply(d))
        .collect();
    looped(&[], &body, 100)
}

/// Independent multiply-additions of floats, of 32 bits or packed 16.
pub(super) fn multiply_add(packed: bool) -> Vec<Inst> {
    let body: Vec<Inst> = (8..24)
        .map(|d| Inst::VfmaccVv {
            vd: v(d),
            vs1: v(2),
            vs2: v(4),
            vm: true,
        })
        .collect();
    looped(
        &[width(if packed { Sew::E16 } else { Sew::E32 })],
        &body,
        100,
    )
}

/// Independent exponentials.
pub(super) fn special() -> Vec<Inst> {
    let body: Vec<Inst> = (8..24)
        .map(|d| Inst::XwVex2V {
            vd: v(d),
            vs2: v(2),
            vm: true,
        })
        .collect();
    looped(&[], &body, 50)
}

/// Lines that a warp of [`stream`] visits.
pub(super) const STREAM_LINES: u64 = 16;
/// Warps of its CTAs, as a power of two.
pub(super) const STREAM_WARPS_LOG2: u8 = 3;

/// Each warp visits 16 lines that are `1 << stride_log2` lines apart; warps follow each other.
/// Writes go to memory `PARAMETER + (1 << 30)` on when it also reads.
pub(super) fn stream(stride_log2: u8, reads: bool, writes: bool) -> Vec<Inst> {
    let line = x(5);
    let target = x(7);
    let mut program = vec![
        csr(line, abi::csr::CTAID_X),
        csr(x(6), abi::csr::WARP),
        shift(line, STREAM_WARPS_LOG2),
        Inst::Add {
            rd: line,
            rs1: line,
            rs2: x(6),
        },
        shift(line, 11 + stride_log2),
        Inst::Add {
            rd: line,
            rs1: line,
            rs2: PARAMETER,
        },
        Inst::Addi {
            rd: target,
            rs1: X::ZERO,
            imm: 1,
        },
        shift(target, 30),
        Inst::Add {
            rd: target,
            rs1: target,
            rs2: line,
        },
        Inst::Addi {
            rd: x(8),
            rs1: X::ZERO,
            imm: 128,
        },
        shift(x(8), stride_log2),
    ];
    let step = |register: X| Inst::Add {
        rd: register,
        rs1: register,
        rs2: x(8),
    };
    for index in 0..u8::try_from(STREAM_LINES).expect("few lines") {
        if reads {
            program.push(Inst::Vle32V {
                vd: v(index + 1),
                rs1: line,
                vm: true,
            });
            program.push(step(line));
        }
    }
    for index in 0..u8::try_from(STREAM_LINES).expect("few lines") {
        if writes {
            program.push(Inst::Vse32V {
                vs3: v(index + 1),
                rs1: target,
                vm: true,
            });
            program.push(step(target));
        }
    }
    program.push(Inst::XwExit);
    program
}

/// Each lane reads words at scattered multiples of 32 bytes below `1 << log2_bytes`.
pub(super) fn random_sectors(log2_bytes: u8) -> Vec<Inst> {
    // index = (warp number * 32 + lane) * odd constant, high bits, as a multiple of 32.
    let before = [
        csr(x(5), abi::csr::CTAID_X),
        csr(x(6), abi::csr::WARP),
        shift(x(5), 3),
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(6),
        },
        shift(x(5), 5),
        Inst::VidV { vd: v(1), vm: true },
        Inst::VaddVx {
            vd: v(1),
            vs2: v(1),
            rs1: x(5),
            vm: true,
        },
        Inst::Lui {
            rd: x(7),
            imm: 0x1e37_7000,
        },
        add_immediate(x(7), 0x79b),
    ];
    let mut body = Vec::new();
    for d in 8..16 {
        body.push(Inst::VmulVx {
            vd: v(1),
            vs2: v(1),
            rs1: x(7),
            vm: true,
        });
        body.push(Inst::VsrlVi {
            vd: v(2),
            vs2: v(1),
            uimm: 31,
            vm: true,
        });
        body.push(Inst::VaddVv {
            vd: v(1),
            vs2: v(1),
            vs1: v(2),
            vm: true,
        });
        body.push(Inst::VsrlVi {
            vd: v(2),
            vs2: v(1),
            uimm: 32 - (log2_bytes - 5),
            vm: true,
        });
        body.push(Inst::VsllVi {
            vd: v(2),
            vs2: v(2),
            uimm: 5,
            vm: true,
        });
        body.push(Inst::Vluxei32V {
            vd: v(d),
            rs1: PARAMETER,
            vs2: v(2),
            vm: true,
        });
    }
    looped(&before, &body, 4)
}

/// Base of shared memory in `x5`.
fn shared_base() -> [Inst; 2] {
    const { assert!(SHARED_WINDOW == 1 << 56) };
    [
        Inst::Addi {
            rd: x(5),
            rs1: X::ZERO,
            imm: 1,
        },
        shift(x(5), 56),
    ]
}

/// Reads of 128 bytes from shared memory, 16 in a round.
pub(super) fn scratchpad_read(rounds: i32) -> Vec<Inst> {
    let body: Vec<Inst> = (8..24)
        .map(|d| Inst::Vle32V {
            vd: v(d),
            rs1: x(5),
            vm: true,
        })
        .collect();
    looped(&shared_base(), &body, rounds)
}

/// Reads of shared memory by lanes `stride` words apart, 16 in a round.
pub(super) fn scratchpad_stride(stride: u32, rounds: i32) -> Vec<Inst> {
    let mut before = shared_base().to_vec();
    before.push(Inst::Addi {
        rd: x(6),
        rs1: X::ZERO,
        imm: i32::try_from(stride * 4).expect("a short stride"),
    });
    let body: Vec<Inst> = (8..24)
        .map(|d| Inst::Vlse32V {
            vd: v(d),
            rs1: x(5),
            rs2: x(6),
            vm: true,
        })
        .collect();
    looped(&before, &body, rounds)
}

/// Loads of a word of shared memory that holds its own address, 16 in a round.
pub(super) fn scratchpad_chase(rounds: i32) -> Vec<Inst> {
    let mut before = shared_base().to_vec();
    before.push(Inst::Sd {
        rs2: x(5),
        imm: 0,
        rs1: x(5),
    });
    let load = Inst::Ld {
        rd: x(5),
        imm: 0,
        rs1: x(5),
    };
    looped(&before, &[load; 16], rounds)
}

/// Loads of the address that the load before gave.
pub(super) fn chase(steps: usize) -> Vec<Inst> {
    let load = Inst::Ld {
        rd: PARAMETER,
        imm: 0,
        rs1: PARAMETER,
    };
    let mut program = vec![load; steps];
    program.push(Inst::XwExit);
    program
}

/// Atomic additions of all lanes to words `stride` bytes apart; 0: to one word. Warps have
/// words of their own, unless there is only one.
pub(super) fn atomics(stride: i32) -> Vec<Inst> {
    let mut before = vec![
        csr(x(5), abi::csr::CTAID_X),
        csr(x(6), abi::csr::WARP),
        shift(x(5), 3),
        Inst::Add {
            rd: x(5),
            rs1: x(5),
            rs2: x(6),
        },
        shift(x(5), 7),
    ];
    if stride == 0 {
        before.push(Inst::Addi {
            rd: x(5),
            rs1: X::ZERO,
            imm: 0,
        });
    }
    before.push(Inst::Addi {
        rd: x(7),
        rs1: X::ZERO,
        imm: 32,
    });
    before.push(Inst::Vsetvli {
        rd: x(31),
        rs1: x(7),
        vtype: VType::new(Sew::E64, Lmul::M2).immediate(),
    });
    before.push(Inst::Add {
        rd: x(5),
        rs1: x(5),
        rs2: PARAMETER,
    });
    before.push(Inst::VidV { vd: v(2), vm: true });
    before.push(Inst::Addi {
        rd: x(6),
        rs1: X::ZERO,
        imm: stride,
    });
    before.push(Inst::VmulVx {
        vd: v(2),
        vs2: v(2),
        rs1: x(6),
        vm: true,
    });
    before.push(Inst::VaddVx {
        vd: v(2),
        vs2: v(2),
        rs1: x(5),
        vm: true,
    });
    before.push(Inst::Vsetvli {
        rd: x(31),
        rs1: x(7),
        vtype: VType::new(Sew::E32, Lmul::M1).immediate(),
    });
    let body: Vec<Inst> = (8..16)
        .map(|d| Inst::XwVamoaddV {
            vd: v(d),
            vs2: v(2),
            vs1: v(5),
            vm: true,
        })
        .collect();
    looped(&before, &body, 8)
}

/// Barriers of the whole CTA.
pub(super) fn barriers(rounds: i32) -> Vec<Inst> {
    let wait = Inst::XwBarSync {
        rs1: X::ZERO,
        rs2: X::ZERO,
    };
    looped(&[], &[wait; 8], rounds)
}

/// Nothing.
pub(super) fn nothing() -> Vec<Inst> {
    vec![Inst::XwExit]
}

/// Scalar work, long enough that all cores fill up.
pub(super) fn dwell() -> Vec<Inst> {
    let add = Inst::Add {
        rd: x(6),
        rs1: x(6),
        rs2: x(6),
    };
    looped(&[], &[add; 32], 16)
}
