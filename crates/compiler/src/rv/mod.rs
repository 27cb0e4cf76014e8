//! Code generation: IR to an [`Image`] of RISC-V vector code.
//!
//! Per function: [`affine`] finds what lanes have in common, [`normalise`] brings the IR into shape,
//! [`lane_groups`] gives it another one if [`spin`] finds that lanes may wait for each other,
//! [`linearise`] lays blocks out and
//! [selects](select) instructions over virtual registers, [`vector_state`] keeps `v0` and
//! `vtype` right, [`allocate`] assigns registers, [`emit`] makes words. Then functions are
//! placed one after another, the kernel first, and calls are filled in.

mod affine;
mod allocate;
mod emit;
mod lane_groups;
mod linearise;
mod machine;
mod normalise;
mod plan;
mod select;
mod spin;
mod vector_state;

use crate::image::{
    FunctionSymbol, Image, LineEntry, RECURSION_LOCAL_BYTES, RECURSION_STACK_BYTES,
};
use crate::ir::{Function, FunctionId, LaunchShape, Op, Terminator, Unit};
use crate::{Error, ErrorKind};
use emit::Code;
use select::UnitFacts;
use weft_isa::abi::{self, FaultCode};
use weft_isa::{Inst, X};

/// Compiles a verified unit.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] for what the chip or this compiler cannot do.
pub fn compile(unit: &Unit) -> Result<Image, Error> {
    if unit.functions.is_empty() {
        return Err(unsupported("unit", 0, "unit without a kernel".to_owned()));
    }
    let mut launch = unit.launch;
    if let Some(required) = unit.required_cta {
        launch = LaunchShape {
            bounded: launch.bounded,
            ..LaunchShape::of(None, required)
        };
    }
    let facts = UnitFacts {
        rows: launch.rows,
        full_warps: launch.full_warps,
        callees_exit: unit.functions[1..].iter().any(|function| {
            function
                .blocks
                .iter()
                .any(|block| block.terminator == Terminator::Exit)
        }),
        is_kernel: false,
    };
    let mut image = Image {
        symbols: unit.symbols.clone(),
        param_bytes: unit.param_bytes,
        params: unit.params.clone(),
        shared_static_bytes: unit.shared_static_bytes,
        shared_dynamic_offset: unit.shared_dynamic_offset,
        shared_variables: unit.shared_variables.clone(),
        max_threads_per_cta: unit.max_threads_per_cta,
        required_cta: unit.required_cta,
        launch: unit.launch,
        files: unit.files.clone(),
        compiler_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Image::default()
    };
    let mut codes = Vec::new();
    for (index, function) in unit.functions.iter().enumerate() {
        let facts = UnitFacts {
            is_kernel: index == 0,
            ..facts
        };
        let (code, symbol) = compile_function(function, facts, launch)?;
        codes.push(code);
        image.functions.push(symbol);
    }
    link(&mut image, codes, &unit.addressable);
    measure_memory(unit, &mut image);
    Ok(image)
}

fn unsupported(function: &str, line: u32, feature: String) -> Error {
    Error {
        function: function.to_owned(),
        line,
        span: weft_ptx::ast::Span::default(),
        kind: ErrorKind::Unsupported { feature },
    }
}

fn compile_function(
    source: &Function,
    facts: UnitFacts,
    launch: LaunchShape,
) -> Result<(Code, FunctionSymbol), Error> {
    let name = source.name.clone();
    let fail = |line, feature: &str| unsupported(&name, line, feature.to_owned());
    let local_bytes = source.local_bytes;
    let mut function = source.clone();
    affine::expose(&mut function, launch);
    normalise::normalise(&mut function);
    if spin::may_wait_within_warp(&function, facts.is_kernel, facts.rows) {
        function = lane_groups::separate_lanes(source);
        normalise::normalise(&mut function);
    } else {
        affine::rewrite_addresses(&mut function, launch);
    }
    let mut machine =
        linearise::linearise(&function, facts).map_err(|error| fail(error.line, &error.feature))?;
    vector_state::place_masks(&mut machine);
    vector_state::remove_dead(&mut machine);
    vector_state::place_widths(&mut machine, facts.is_kernel);
    let allocation = allocate::allocate(&mut machine)
        .map_err(|_| fail(0, "instruction with too many register operands"))?;
    let code = emit::emit(&machine, facts.is_kernel)
        .map_err(|_| fail(0, "function of more than 2 GiB of code"))?;
    let symbol = FunctionSymbol {
        registers: allocation.registers,
        spills: allocation.spills,
        local_bytes,
        stack_bytes: code.stack_bytes,
        bytes: code.words.len() as u64 * 4,
        offset: 0,
        name,
    };
    Ok((code, symbol))
}

/// Puts the table of function addresses and the functions one after another, and fills in the
/// distances between them.
fn link(image: &mut Image, codes: Vec<Code>, addressable: &[Option<FunctionId>]) {
    let entry_offset = |entry: usize| entry as u64 * abi::FUNCTION_ENTRY_BYTES;
    let mut offset = entry_offset(addressable.len());
    image.entry = offset;
    for symbol in &mut image.functions {
        symbol.offset = offset;
        offset += symbol.bytes;
    }
    let offsets: Vec<u64> = image.functions.iter().map(|symbol| symbol.offset).collect();
    let distance = |from: u64, to: u64| {
        let distance = to.wrapping_sub(from).cast_signed();
        emit::split_distance(i32::try_from(distance).expect("the code of an image is below 2 GiB"))
    };
    for (entry, function) in addressable.iter().enumerate() {
        let words = match function {
            Some(function) => {
                let (high, low) = distance(entry_offset(entry), offsets[function.index()]);
                [
                    Inst::Auipc {
                        rd: X::T0,
                        imm: high,
                    },
                    Inst::Jalr {
                        rd: X::ZERO,
                        imm: low,
                        rs1: X::T0,
                    },
                ]
            }
            None => {
                let code = FaultCode::BadTarget as u16;
                [Inst::XwFault { code }, Inst::XwFault { code }]
            }
        };
        let bytes = words.map(|word| word.encode().to_le_bytes());
        image.code.extend(bytes.iter().flatten());
    }
    for (mut code, &base) in codes.into_iter().zip(&offsets) {
        for &(word, function) in &code.links {
            let from = base + word as u64 * 4;
            let decoded = [code.words[word], code.words[word + 1]].map(weft_isa::decode);
            let [Some(Inst::Auipc { rd, .. }), Some(second)] = decoded else {
                unreachable!("links are made of auipc and a second instruction");
            };
            let (high, second) = match second {
                Inst::Jalr { rd, rs1, .. } => {
                    let (high, imm) = distance(from, offsets[function.index()]);
                    (high, Inst::Jalr { rd, imm, rs1 })
                }
                Inst::Addi { rd, rs1, .. } => {
                    let mut table = addressable.iter();
                    let entry = table.position(|&entry| entry == Some(function));
                    let entry = entry.expect("the verifier found the function in the table");
                    let (high, imm) = distance(from, entry_offset(entry));
                    (high, Inst::Addi { rd, rs1, imm })
                }
                other => unreachable!("{other} has no distance"),
            };
            code.words[word] = Inst::Auipc { rd, imm: high }.encode();
            code.words[word + 1] = second.encode();
        }
        image.lines.extend(code.lines.iter().map(|line| LineEntry {
            offset: base + line.offset,
            location: line.location,
        }));
        image
            .code
            .extend(code.words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

/// Widest access to an argument in bytes.
const ARGUMENT_BYTES_MAX: u32 = 8;

/// Sums frames along the deepest chain of calls.
fn measure_memory(unit: &Unit, image: &mut Image) {
    let count = unit.functions.len();
    let mut callees: Vec<Vec<usize>> = vec![Vec::new(); count];
    // Arguments lie beyond the caller's frame, even those of calls that never happen because
    // they end the launch.
    let mut outgoing = vec![0u32; count];
    let mut indirect = false;
    for (at, function) in unit.functions.iter().enumerate() {
        for inst in &function.insts {
            match inst.op {
                Op::OutgoingAddress(offset) => {
                    outgoing[at] = outgoing[at].max(offset.saturating_add(ARGUMENT_BYTES_MAX));
                }
                Op::Call(id) => callees[at].push(id.index()),
                Op::CallIndirect(_) => indirect = true,
                Op::CallEnvironment(service) => {
                    let bytes = service.parameters().len() * 8 + 8;
                    outgoing[at] = outgoing[at].max(u32::try_from(bytes).unwrap_or(u32::MAX));
                }
                _ => {}
            }
        }
    }
    // Longest paths by repetition: a chain of calls without a cycle is at most `count` long.
    let own: Vec<(u32, u32)> = image
        .functions
        .iter()
        .map(|symbol| (symbol.local_bytes, symbol.stack_bytes))
        .collect();
    let mut total: Vec<(u32, u32)> = own
        .iter()
        .zip(&outgoing)
        .map(|(own, arguments)| (own.0.saturating_add(*arguments), own.1))
        .collect();
    let mut cyclic = false;
    for round in 0..=count {
        let mut changed = false;
        for at in 0..count {
            for &callee in &callees[at] {
                let local = own[at].0.saturating_add(total[callee].0);
                let stack = own[at].1.saturating_add(total[callee].1);
                changed |= local > total[at].0 || stack > total[at].1;
                if round < count {
                    total[at] = (total[at].0.max(local), total[at].1.max(stack));
                }
            }
        }
        cyclic = changed;
        if !changed {
            break;
        }
    }
    let (mut local, mut stack) = if cyclic || indirect {
        let sum = |pick: fn(&(u32, u32)) -> u32| own.iter().map(pick).fold(0, u32::saturating_add);
        (sum(|own| own.0), sum(|own| own.1))
    } else {
        total[0]
    };
    if cyclic || indirect {
        local = local.saturating_add(RECURSION_LOCAL_BYTES);
        stack = stack.saturating_add(RECURSION_STACK_BYTES);
    }
    image.unbounded_calls = cyclic || indirect;
    image.local_bytes_per_lane = local.next_multiple_of(16);
    image.stack_bytes_per_hart = stack.next_multiple_of(16);
}

#[cfg(test)]
mod differential;
