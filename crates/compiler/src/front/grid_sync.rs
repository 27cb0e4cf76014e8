//! Cooperative grids: the workspace that `%envreg1` and `%envreg2` tell of, and the functions of Nvidia's
//! device runtime that wait for the whole grid (`cuda_device_runtime_api.h`).
//!
//! `weft_isa::abi` says where the workspace is. Its barrier word works as the headers of CUDA's cooperative
//! groups use it, so that both ways of waiting may be mixed: every CTA adds 1 when it arrives, the first
//! CTA what is left to 2^31, and the phase is over when the highest bit has changed.

use super::body::CallLayout;
use super::function::Lowering;
use crate::ErrorKind;
use crate::ir::{
    AtomicOp, BarrierKind, BinaryOp, IntCompare, Op, Space, Special, Type, Value, Width,
};
use weft_isa::abi::{GRID_BARRIER_OFFSET, grid_workspace_offset};
use weft_ptx::ast::ScalarType;

/// `cudaCGScopeGrid`.
const SCOPE_GRID: u64 = 1;
/// `cudaErrorInvalidValue`.
const INVALID_VALUE: u64 = 1;
const HIGHEST: u64 = 1 << 31;

/// Generic address of the workspace of a cooperative launch; 0 in any other.
pub(super) fn workspace(f: &mut Lowering<'_, '_, '_>) -> Value {
    let offset = grid_workspace_offset(f.unit.param_bytes());
    let address = f.constant(Type::B64, u64::from(offset));
    let op = Op::Load {
        space: Space::Param,
        width: Width::W64,
        signed: false,
        ty: Type::B64,
        address,
        offset: 0,
        ordered: false,
    };
    f.emit(op, Type::B64)
}

/// A function of the device runtime that is translated in place. `Ok(false)`: the name is not one.
pub(super) fn call(
    f: &mut Lowering<'_, '_, '_>,
    name: &str,
    layout: &CallLayout,
) -> Result<bool, ErrorKind> {
    let sizes = |places: &[(u32, u32)]| places.iter().map(|&(_, bytes)| bytes).collect::<Vec<_>>();
    let (params, returns) = (sizes(&layout.params), sizes(&layout.returns));
    match name {
        "cudaCGGetIntrinsicHandle" if params == [4] && returns == [8] => {
            let scope = argument(f, layout, 0, ScalarType::U32);
            let workspace = workspace(f);
            let none = f.constant(Type::B64, 0);
            let grid = f.compare_with(IntCompare::Equal, scope, SCOPE_GRID);
            let handle = f.select(grid, workspace, none);
            give(f, layout, ScalarType::U64, handle);
        }
        "cudaCGSynchronize" if params == [8, 4] && returns == [4] => {
            let handle = argument(f, layout, 0, ScalarType::U64);
            let present = f.compare_with(IntCompare::NotEqual, handle, 0);
            f.when(present, |f| {
                synchronize(f, handle);
                Ok(())
            })?;
            let (success, invalid) = (
                f.constant(Type::B32, 0),
                f.constant(Type::B32, INVALID_VALUE),
            );
            let result = f.select(present, success, invalid);
            give(f, layout, ScalarType::U32, result);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn argument(
    f: &mut Lowering<'_, '_, '_>,
    layout: &CallLayout,
    index: usize,
    ty: ScalarType,
) -> Value {
    let (offset, _) = layout.params[index];
    f.load_passed(Op::OutgoingAddress(offset), ty)
        .unwrap_or_else(|| f.constant(Type::B64, 0))
}

fn give(f: &mut Lowering<'_, '_, '_>, layout: &CallLayout, ty: ScalarType, value: Value) {
    let (offset, _) = layout.returns[0];
    f.store_passed(Op::OutgoingAddress(offset), ty, value);
}

/// Waits until all threads of the grid have come here.
fn synchronize(f: &mut Lowering<'_, '_, '_>, workspace: Value) {
    barrier(f);
    let thread = axes(f, Special::ThreadId, BinaryOp::Or);
    let first_thread = f.compare_with(IntCompare::Equal, thread, 0);
    let waited = f.when(first_thread, |f| {
        let cta = axes(f, Special::CtaId, BinaryOp::Or);
        let first_cta = f.compare_with(IntCompare::Equal, cta, 0);
        let count = axes(f, Special::GridSize, BinaryOp::Mul);
        let all = f.constant(Type::B32, HIGHEST + 1);
        let rest = f.binary(BinaryOp::Sub, all, count);
        let one = f.constant(Type::B32, 1);
        let arriving = f.select(first_cta, rest, one);
        f.effect(Op::Fence);
        let op = Op::Atomic {
            op: AtomicOp::Add,
            space: Space::Generic,
            width: Width::W32,
            address: workspace,
            offset: GRID_BARRIER_OFFSET,
            operand: arriving,
            compare: None,
        };
        let before = f.emit(op, Type::B32);
        f.until(|f| {
            let op = Op::Load {
                space: Space::Generic,
                width: Width::W32,
                signed: false,
                ty: Type::B32,
                address: workspace,
                offset: GRID_BARRIER_OFFSET,
                ordered: true,
            };
            let now = f.emit(op, Type::B32);
            let changed = f.binary(BinaryOp::Xor, before, now);
            let changed = f.binary_with(BinaryOp::And, changed, HIGHEST);
            f.compare_with(IntCompare::NotEqual, changed, 0)
        });
        f.effect(Op::Fence);
        Ok(())
    });
    debug_assert!(waited.is_ok(), "nothing inside fails");
    barrier(f);
}

fn barrier(f: &mut Lowering<'_, '_, '_>) {
    let id = f.constant(Type::B32, 0);
    f.effect(Op::Barrier {
        kind: BarrierKind::Sync,
        id,
        threads: None,
        pred: None,
    });
}

/// The three axes of a register, combined.
fn axes(f: &mut Lowering<'_, '_, '_>, register: fn(u8) -> Special, combine: BinaryOp) -> Value {
    let mut all = f.emit(Op::ReadSpecial(register(0)), Type::B32);
    for axis in 1..3 {
        let next = f.emit(Op::ReadSpecial(register(axis)), Type::B32);
        all = f.binary(combine, all, next);
    }
    all
}
