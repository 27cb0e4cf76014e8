//! Vector integer arithmetic (V 11), Zvbb and Zvdot4a8i.
//!
//! In every body `a` is the element of `vs2`, `b` that of `vs1` or the scalar, `d` that of the
//! old `vd`.

use std::marker::PhantomData;

use weft_isa::abi::LANES;

use super::integer::{Int, Narrow};
use super::lanes::{
    body, for_each_chunk, map_v, map_vs, map_vsd, map_vv, map_vvd, merge_mask, scalar_x, test_vs,
    test_vv,
};
use super::{Env, Flow, Hart, Kernel, Op};
use crate::hart::Element;

/// Declares operations of one family: a zero-sized type each, with its body.
macro_rules! operations {
    ($trait:ident<$bound:ident> $signature:tt -> $result:ty;
     $($name:ident = $body:expr;)*) => {
        /// A family of bodies.
        pub(super) trait $trait: 'static {
            fn apply<T: $bound> $signature -> $result;
        }
        $(
            pub(super) enum $name {}
            impl $trait for $name {
                #[inline(always)]
                #[allow(unused_variables, reason = "not every body of the family reads all")]
                fn apply<T: $bound> $signature -> $result {
                    $body
                }
            }
        )*
    };
}

operations! {
    Binary<Int>(a: T, b: T) -> T;
    Add = a.add(b);
    Sub = a.sub(b);
    ReverseSub = b.sub(a);
    And = a.and(b);
    Or = a.or(b);
    Xor = a.xor(b);
    Sll = a.sll(b);
    Srl = a.srl(b);
    Sra = a.sra(b);
    MinU = a.min_u(b);
    MinS = a.min_s(b);
    MaxU = a.max_u(b);
    MaxS = a.max_s(b);
    Mul = a.mul(b);
    MulhS = a.mulh_s(b);
    MulhU = a.mulh_u(b);
    MulhSU = a.mulh_su(b);
    DivU = a.div_u(b);
    DivS = a.div_s(b);
    RemU = a.rem_u(b);
    RemS = a.rem_s(b);
    Andn = a.and(b.not());
    Rol = a.rol(b);
    Ror = a.ror(b);
    // `vmv.v.*`: vs2 is v0 and not read.
    Move = b;
}

operations! {
    Compare<Int>(a: T, b: T) -> bool;
    Equal = a == b;
    NotEqual = a != b;
    LessU = a < b;
    LessS = a.lt_s(b);
    LessEqualU = a <= b;
    LessEqualS = !b.lt_s(a);
    GreaterU = a > b;
    GreaterS = b.lt_s(a);
}

operations! {
    Unary<Int>(a: T) -> T;
    BitReverse = a.brev();
    BitReverseBytes = a.brev8();
    ByteReverse = a.rev8();
    LeadingZeros = a.clz();
    TrailingZeros = a.ctz();
    PopCount = a.cpop();
}

operations! {
    MulAdd<Int>(a: T, b: T, d: T) -> T;
    Macc = d.add(a.mul(b));
    Nmsac = d.sub(a.mul(b));
    Madd = a.add(d.mul(b));
    Nmsub = a.sub(d.mul(b));
}

operations! {
    Widening<Narrow>(a: T, b: T) -> T::Wide;
    WaddU = a.zext().add(b.zext());
    WaddS = a.sext().add(b.sext());
    WsubU = a.zext().sub(b.zext());
    WsubS = a.sext().sub(b.sext());
    WmulU = a.zext().mul(b.zext());
    WmulS = a.sext().mul(b.sext());
    WmulSU = a.sext().mul(b.zext());
    Wsll = a.zext().sll(b.zext());
}

operations! {
    WideNarrow<Narrow>(a: T::Wide, b: T) -> T::Wide;
    AddWideU = a.add(b.zext());
    AddWideS = a.add(b.sext());
    SubWideU = a.sub(b.zext());
    SubWideS = a.sub(b.sext());
}

operations! {
    Narrowing<Narrow>(a: T::Wide, b: T) -> T;
    NarrowSrl = T::truncate(a.srl(b.zext()));
    NarrowSra = T::truncate(a.sra(b.zext()));
}

operations! {
    WideningMulAdd<Narrow>(a: T, b: T, d: T::Wide) -> T::Wide;
    WmaccU = d.add(a.zext().mul(b.zext()));
    WmaccS = d.add(a.sext().mul(b.sext()));
    // The first named operand is vs1 or the scalar: signed b times unsigned a.
    WmaccSU = d.add(b.sext().mul(a.zext()));
    WmaccUS = d.add(b.zext().mul(a.sext()));
}

/// Declares a kernel: a family's bodies applied in one operand form.
macro_rules! kernels {
    ($($name:ident<$family:ident, $bound:ident>(|$hart:ident, $op:ident| $walk:expr);)*) => {$(
        pub(super) struct $name<F, T>(PhantomData<(F, T)>);
        impl<F: $family, T: $bound> Kernel for $name<F, T> {
            #[inline(always)]
            fn run($hart: &mut Hart, _: &mut Env, $op: &Op) -> Flow {
                $walk
            }
        }
    )*};
}

kernels! {
    BinaryVv<Binary, Int>(|hart, op| map_vv(hart, op, F::apply::<T>));
    BinaryVx<Binary, Int>(|hart, op| map_vs(hart, op, scalar_x::<T>(hart, op), F::apply::<T>));
    CompareVv<Compare, Int>(|hart, op| test_vv(hart, op, F::apply::<T>));
    CompareVx<Compare, Int>(|hart, op| {
        test_vs(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
    UnaryV<Unary, Int>(|hart, op| map_v(hart, op, F::apply::<T>));
    MulAddVv<MulAdd, Int>(|hart, op| map_vvd(hart, op, F::apply::<T>));
    MulAddVx<MulAdd, Int>(|hart, op| {
        map_vsd(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
    WideningVv<Widening, Narrow>(|hart, op| map_vv(hart, op, F::apply::<T>));
    WideningVx<Widening, Narrow>(|hart, op| {
        map_vs(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
    WideNarrowVv<WideNarrow, Narrow>(|hart, op| map_vv(hart, op, F::apply::<T>));
    WideNarrowVx<WideNarrow, Narrow>(|hart, op| {
        map_vs(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
    NarrowingVv<Narrowing, Narrow>(|hart, op| map_vv(hart, op, F::apply::<T>));
    NarrowingVx<Narrowing, Narrow>(|hart, op| {
        map_vs(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
    WideningMulAddVv<WideningMulAdd, Narrow>(|hart, op| map_vvd(hart, op, F::apply::<T>));
    WideningMulAddVx<WideningMulAdd, Narrow>(|hart, op| {
        map_vsd(hart, op, scalar_x::<T>(hart, op), F::apply::<T>)
    });
}

/// `vzext` (`SIGNED` false) and `vsext` from `S` to `D`.
pub(super) struct Extend<S, D, const SIGNED: bool>(PhantomData<(S, D)>);

impl<S: Int, D: Int, const SIGNED: bool> Kernel for Extend<S, D, SIGNED> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        map_v(hart, op, |a: S| {
            if SIGNED {
                D::from_u64(a.to_i64() as u64)
            } else {
                D::from_u64(a.to_u64())
            }
        })
    }
}

/// `vmerge.v*m`: `v0` chooses between `vs1` or the scalar and `vs2`.
pub(super) struct Merge<T, const SCALAR: bool>(PhantomData<T>);

impl<T: Int, const SCALAR: bool> Kernel for Merge<T, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let scalar = if SCALAR {
            scalar_x::<T>(hart, op)
        } else {
            T::ZERO
        };
        merge(hart, op, |hart, chunk| {
            if SCALAR {
                [scalar; LANES]
            } else {
                hart.vector::<T>(op.rs1, chunk)
            }
        })
    }
}

/// `vd[i] = v0.bit[i] ? chosen[i] : vs2[i]`, for all elements of the body: `op.vm` is set.
#[inline(always)]
pub(super) fn merge<T: Element>(
    hart: &mut Hart,
    op: &Op,
    chosen: impl Fn(&Hart, usize) -> [T; LANES],
) -> Flow {
    for_each_chunk!(hart, op, |chunk, active| {
        let mask = hart.mask_word(0, chunk);
        let a = hart.vector::<T>(op.rs2, chunk);
        let b = chosen(hart, chunk);
        let mut result = [T::default(); LANES];
        for lane in 0..LANES {
            result[lane] = if mask & (1 << lane) != 0 {
                b[lane]
            } else {
                a[lane]
            };
        }
        hart.merge_vector(op.rd, chunk, &result, active);
    })
}

/// Which of the carry instructions.
pub(super) trait Carry: 'static {
    /// Subtracts.
    const SUBTRACT: bool;
    /// Gives the carry out as a mask instead of the result.
    const TO_MASK: bool;
}

macro_rules! carries {
    ($($name:ident($subtract:literal, $to_mask:literal);)*) => {$(
        pub(super) enum $name {}
        impl Carry for $name {
            const SUBTRACT: bool = $subtract;
            const TO_MASK: bool = $to_mask;
        }
    )*};
}

carries! {
    Adc(false, false);
    Madc(false, true);
    Sbc(true, false);
    Msbc(true, true);
}

/// `vadc`, `vmadc`, `vsbc`, `vmsbc`. The carry in is `v0` unless `vm` is set, when it is 0;
/// all elements of the body are written.
pub(super) struct CarryOp<C, T, const SCALAR: bool>(PhantomData<(C, T)>);

impl<C: Carry, T: Int, const SCALAR: bool> Kernel for CarryOp<C, T, SCALAR> {
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let scalar = scalar_x::<T>(hart, op);
        let chunks = (hart.vl as usize).div_ceil(LANES);
        for chunk in 0..chunks {
            let carries = if op.vm { 0 } else { hart.mask_word(0, chunk) };
            let a = hart.vector::<T>(op.rs2, chunk);
            let b = if SCALAR {
                [scalar; LANES]
            } else {
                hart.vector::<T>(op.rs1, chunk)
            };
            let mut result = [T::ZERO; LANES];
            let mut out = 0;
            for lane in 0..LANES {
                let carry = T::from_u64(u64::from(carries >> lane & 1));
                let (first, second) = if C::SUBTRACT {
                    (a[lane].sub(b[lane]), a[lane].sub(b[lane]).sub(carry))
                } else {
                    (a[lane].add(b[lane]), a[lane].add(b[lane]).add(carry))
                };
                let carried = if C::SUBTRACT {
                    first > a[lane] || second > first
                } else {
                    first < a[lane] || second < first
                };
                result[lane] = second;
                out |= u32::from(carried) << lane;
            }
            let written = body(hart, chunk);
            if C::TO_MASK {
                merge_mask(hart, op.rd, chunk, out, written);
            } else {
                hart.merge_vector(op.rd, chunk, &result, written);
            }
        }
        hart.vstart = 0;
        Flow::Next
    }
}

/// `vdot4a*`: products of four pairs of 8-bit parts added to each 32-bit element.
/// `A_SIGNED` is for `vs2`, `B_SIGNED` for `vs1` or the scalar.
pub(super) struct Dot4<const A_SIGNED: bool, const B_SIGNED: bool, const SCALAR: bool>;

impl<const A_SIGNED: bool, const B_SIGNED: bool, const SCALAR: bool> Kernel
    for Dot4<A_SIGNED, B_SIGNED, SCALAR>
{
    #[inline(always)]
    fn run(hart: &mut Hart, _: &mut Env, op: &Op) -> Flow {
        let part = |word: u32, index: u32, signed: bool| {
            let byte = (word >> (8 * index)) as u8;
            if signed {
                i32::from(byte as i8)
            } else {
                i32::from(byte)
            }
        };
        let dot = |a: u32, b: u32, d: u32| {
            let mut sum = d;
            for index in 0..4 {
                let product = part(a, index, A_SIGNED) * part(b, index, B_SIGNED);
                sum = sum.wrapping_add(product as u32);
            }
            sum
        };
        if SCALAR {
            map_vsd(hart, op, scalar_x::<u32>(hart, op), dot)
        } else {
            map_vvd(hart, op, dot)
        }
    }
}
