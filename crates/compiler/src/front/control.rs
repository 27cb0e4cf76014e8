//! Branches, returns, calls: PTX ISA section 9.7.13.

use super::body::{self, CallLayout, CallOperands};
use super::function::{Ins, Lowering, edge, jump};
use super::grid_sync;
use super::scope::Entity;
use crate::ErrorKind;
use crate::ir::{Block, Op, Terminator, Width};
use weft_isa::abi::{FaultCode, Service};
use weft_ptx::ast::{Operand, ScalarType};

type Lowered<T = ()> = Result<T, ErrorKind>;

fn find_label(f: &Lowering<'_, '_, '_>, ins: &Ins<'_, '_>, name: &str) -> Lowered<Block> {
    match f.scopes.find(ins.scope, name) {
        Some(Entity::Label(block)) => Ok(block),
        _ => Err(ErrorKind::Unknown {
            what: "label",
            name: name.to_owned(),
        }),
    }
}

/// The target of a `bra`, whose modifiers and operands are checked here.
pub(super) fn branch_target<'t, 'a>(
    f: &Lowering<'_, 't, 'a>,
    ins: &mut Ins<'t, 'a>,
) -> Lowered<Block> {
    // Uniformity is found by analysis; the programmer's word for it changes nothing.
    ins.modifiers.take("uni");
    if !ins.modifiers.is_empty() {
        return Err(ins.unsupported());
    }
    let [Operand::Name(label)] = ins.operands()? else {
        return Err(ins.wrong_operand(&ins.ast.operands[0], "a label"));
    };
    find_label(f, ins, label)
}

/// `bra`
pub(super) fn bra<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let target = branch_target(f, ins)?;
    f.end(jump(target));
    f.refer(target);
    Ok(())
}

/// `brx.idx`
pub(super) fn brx<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take("uni");
    if !ins.modifiers.take("idx") {
        return Err(ins.unsupported());
    }
    let [index, list] = ins.operands()?;
    let index = f.read(ins, index, ScalarType::U32)?;
    let Operand::Name(name) = list else {
        return Err(ins.wrong_operand(list, "a .branchtargets label"));
    };
    let Some(Entity::BranchTargets(labels)) = f.scopes.find(ins.scope, name) else {
        let name = (*name).to_owned();
        return Err(ErrorKind::Unknown {
            what: "list of branch targets",
            name,
        });
    };
    let blocks = labels
        .iter()
        .map(|label| find_label(f, ins, label))
        .collect::<Lowered<Vec<_>>>()?;
    let targets = blocks.iter().map(|&block| edge(block)).collect();
    f.end(Terminator::Switch { index, targets });
    for block in blocks {
        f.refer(block);
    }
    Ok(())
}

/// `ret`
pub(super) fn ret<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take("uni");
    let [] = ins.operands()?;
    f.return_from_function();
    Ok(())
}

/// `exit`
pub(super) fn exit<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let [] = ins.operands()?;
    f.end(Terminator::Exit);
    Ok(())
}

/// `trap`, and `brkpt`: without a debugger attached a breakpoint ends the launch as a trap does.
pub(super) fn trap<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    let [] = ins.operands()?;
    f.end(Terminator::Fault(FaultCode::Trap));
    Ok(())
}

/// Instructions whose meaning allows doing nothing: `nanosleep` (sleeps for 0 to twice the time
/// given), `pmevent` (for a profiler), `griddepcontrol` (a grid launched without programmatic
/// dependence), `setmaxnreg` (register allocation advice).
pub(super) fn nothing<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take_all(|_| true);
    if ins.ast.opcode == "nanosleep" {
        let [time] = ins.operands()?;
        f.read(ins, time, ScalarType::U32)?;
    }
    Ok(())
}

/// `call`, direct and indirect.
pub(super) fn call<'t, 'a>(f: &mut Lowering<'_, 't, 'a>, ins: &mut Ins<'t, 'a>) -> Lowered {
    ins.modifiers.take("uni");
    let Some(call) = body::call_operands(&ins.ast.operands) else {
        return Err(ins.wrong_modifiers("a call is written (results), function, (arguments)"));
    };
    let Operand::Name(name) = call.target else {
        return Err(ins.wrong_operand(call.target, "a function or a register"));
    };
    let indirect = f.register(ins, call.target)?;
    let layout = body::call_layout(f, &call, ins.scope)?;
    if call.arguments.len() != layout.params.len() || call.results.len() != layout.returns.len() {
        return Err(ins.operand_count("as many arguments and results as declared"));
    }
    let declared_only = f
        .unit
        .declaration(name)
        .is_some_and(|declaration| declaration.body.is_none());
    if indirect.is_none() && declared_only {
        pass_arguments(f, ins, &call, &layout.params)?;
        if grid_sync::call(f, name, &layout)? {
            return take_results(f, ins, &call, &layout.returns);
        }
    }
    let op = match indirect {
        Some(_) => {
            let address = f.read(ins, call.target, ScalarType::U64)?;
            Op::CallIndirect(address)
        }
        None => match f.unit.declaration(name) {
            Some(declaration) if declaration.body.is_none() => {
                Op::CallEnvironment(service(declaration.name, &layout)?)
            }
            _ => match f.unit.function(name)? {
                Some(function) => Op::Call(function),
                None => {
                    return Err(ErrorKind::Unknown {
                        what: "function",
                        name: (*name).to_owned(),
                    });
                }
            },
        },
    };
    if !matches!(op, Op::CallEnvironment(_)) {
        pass_arguments(f, ins, &call, &layout.params)?;
    }
    let fails = op == Op::CallEnvironment(Service::AssertionFailed);
    f.effect(op);
    if fails {
        f.end(Terminator::Fault(FaultCode::Assert));
        return Ok(());
    }
    take_results(f, ins, &call, &layout.returns)
}

/// The service that stands for a function without a body: one that Nvidia's device runtime
/// provides (CUDA C++ Programming Guide, "Formatted Output", "Assertion", "Dynamic Global Memory
/// Allocation and Operations").
fn service(name: &str, layout: &CallLayout) -> Lowered<Service> {
    let service = match name {
        "vprintf" => Service::Print,
        "__assertfail" => Service::AssertionFailed,
        "malloc" => Service::Allocate,
        "free" => Service::Free,
        _ if name.starts_with("cuda") => {
            return Err(ErrorKind::Unsupported {
                feature: format!("function `{name}` of the device runtime"),
            });
        }
        _ => {
            return Err(ErrorKind::ExternCall {
                name: name.to_owned(),
            });
        }
    };
    let parameters = layout.params.iter().map(|&(_, bytes)| bytes);
    let results: u32 = layout.returns.iter().map(|&(_, bytes)| bytes).sum();
    if !parameters.eq(service.parameters().iter().copied()) || results != service.result() {
        return Err(ErrorKind::Declaration {
            name: name.to_owned(),
            reason: "it is a system function of other parameters or results".to_owned(),
        });
    }
    Ok(service)
}

fn pass_arguments<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    call: &CallOperands<'t, 'a>,
    places: &[(u32, u32)],
) -> Lowered {
    for (operand, &(offset, bytes)) in call.arguments.iter().zip(places) {
        match param_variable(f, ins, operand) {
            Some(Entity::Outgoing(_)) => {}
            Some(Entity::Frame(own)) => {
                f.copy_local(Op::FrameAddress(own), Op::OutgoingAddress(offset), bytes);
            }
            _ => {
                let mut at = offset;
                for element in f.elements(ins, operand) {
                    let (ty, width) = scalar(f, ins, operand, &element, bytes)?;
                    let value = f.read(ins, &element, ty)?;
                    f.store_passed(Op::OutgoingAddress(at), ty, value);
                    at += width.bytes();
                }
            }
        }
    }
    Ok(())
}

fn take_results<'t, 'a>(
    f: &mut Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    call: &CallOperands<'t, 'a>,
    places: &[(u32, u32)],
) -> Lowered {
    for (operand, &(offset, bytes)) in call.results.iter().zip(places) {
        match param_variable(f, ins, operand) {
            Some(Entity::Outgoing(_)) => {}
            Some(Entity::Frame(own)) => {
                f.copy_local(Op::OutgoingAddress(offset), Op::FrameAddress(own), bytes);
            }
            _ => {
                if matches!(operand, Operand::Discard | Operand::Name("_")) {
                    continue;
                }
                let mut at = offset;
                for element in f.elements(ins, operand) {
                    let (ty, width) = scalar(f, ins, operand, &element, bytes)?;
                    let Some(value) = f.load_passed(Op::OutgoingAddress(at), ty) else {
                        return Err(ins.unsupported());
                    };
                    f.write(ins, &element, ty, value)?;
                    at += width.bytes();
                }
            }
        }
    }
    Ok(())
}

/// The `.param` variable an operand of a call names, if it names one.
fn param_variable<'t, 'a>(
    f: &Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &Operand<'a>,
) -> Option<Entity<'t, 'a>> {
    let Operand::Name(name) = operand else {
        return None;
    };
    let entity = f.scopes.find(ins.scope, name);
    entity.filter(|entity| matches!(entity, Entity::Frame(_) | Entity::Outgoing(_)))
}

/// How an element of a register or constant is passed, where the whole takes `bytes`.
fn scalar<'t, 'a>(
    f: &Lowering<'_, 't, 'a>,
    ins: &Ins<'t, 'a>,
    operand: &'t Operand<'a>,
    element: &Operand<'a>,
    bytes: u32,
) -> Lowered<(ScalarType, Width)> {
    let count = u32::try_from(f.elements(ins, operand).len()).unwrap_or(u32::MAX);
    let ty = match f.register(ins, element)? {
        Some(register) => register.ty,
        None => match bytes / count.max(1) {
            1 => ScalarType::B8,
            2 => ScalarType::B16,
            4 => ScalarType::B32,
            _ => ScalarType::B64,
        },
    };
    match body::passed_width(ty) {
        Some(width) if width.bytes().checked_mul(count) == Some(bytes) => Ok((ty, width)),
        _ => Err(ins.wrong_operand(operand, "an argument of the parameter's size")),
    }
}
