//! Launches of kernels assembled by hand: what the runtime does around the chip, apart from
//! what the compiler does.

use crate::error::{Error, FaultClass};
use crate::kernel::Kernel;
use crate::{
    AllocationKind, ChipConfig, Config, Context, Device, Event, LaunchConfig, Module, ModuleImage,
    Stream,
};
use std::sync::Arc;
use weft_compiler::image::{FunctionSymbol, Image, LineEntry};
use weft_compiler::ir::Location;
use weft_isa::abi::FaultCode;
use weft_isa::{Inst, X};

fn device() -> Arc<Device> {
    let mut chip = ChipConfig::default();
    chip.memory_bytes = 64 << 20;
    Device::new(Config {
        chip,
        ..Config::default()
    })
    .unwrap()
}

fn assemble(code: &[Inst], params: &[(u32, u32)]) -> Image {
    let code: Vec<u8> = code
        .iter()
        .flat_map(|inst| inst.encode().to_le_bytes())
        .collect();
    Image {
        functions: vec![FunctionSymbol {
            name: "kernel".to_owned(),
            bytes: code.len() as u64,
            ..FunctionSymbol::default()
        }],
        param_bytes: params.last().map_or(0, |(offset, bytes)| offset + bytes),
        params: params.to_vec(),
        code,
        ..Image::default()
    }
}

fn kernel_of(context: &Arc<Context>, image: Image, symbols: &[u64]) -> Arc<Kernel> {
    Kernel::new(
        context,
        "kernel",
        None,
        image,
        symbols,
        weft_isa::abi::CODE_WINDOW,
        80,
        Arc::default(),
    )
    .unwrap()
}

/// Stores 42, of 8 bytes, at its parameter.
fn store(context: &Arc<Context>) -> Arc<Kernel> {
    let mut image = assemble(
        &[
            Inst::Ld {
                rd: X::T0,
                imm: 0,
                rs1: X::A0,
            },
            Inst::Addi {
                rd: X::T1,
                rs1: X::ZERO,
                imm: 42,
            },
            Inst::Sd {
                rs2: X::T1,
                imm: 0,
                rs1: X::T0,
            },
            Inst::XwExit,
        ],
        &[(0, 8)],
    );
    image.files = vec![(1, "store.cu".to_owned())];
    image.lines = vec![
        LineEntry {
            offset: 0,
            location: Location {
                ptx_line: 10,
                file: 1,
                line: 3,
            },
        },
        LineEntry {
            offset: 8,
            location: Location {
                ptx_line: 12,
                file: 1,
                line: 4,
            },
        },
    ];
    kernel_of(context, image, &[])
}

/// Raises a fault code.
fn raise(context: &Arc<Context>, code: FaultCode) -> Arc<Kernel> {
    let image = assemble(&[Inst::XwFault { code: code as u16 }], &[]);
    kernel_of(context, image, &[])
}

fn shape(grid: u32, block: u32) -> LaunchConfig {
    LaunchConfig {
        grid: [grid, 1, 1],
        block: [block, 1, 1],
        shared_bytes: 0,
        cooperative: false,
    }
}

fn allocate(context: &Context, bytes: u64) -> u64 {
    context.allocate(bytes, AllocationKind::Device, 0).unwrap()
}

fn word(device: &Device, address: u64) -> u64 {
    let mut bytes = [0; 8];
    device.read(address, &mut bytes).unwrap();
    u64::from_le_bytes(bytes)
}

fn class(result: Result<(), Error>) -> FaultClass {
    match result {
        Err(Error::Fault { class, .. }) => class,
        other => panic!("no fault: {other:?}"),
    }
}

#[test]
fn parameters_reach_the_kernel_and_the_report_counts_launches() {
    let device = device();
    let context = Context::new(&device, 0);
    let kernel = store(&context);
    let target = allocate(&context, 8);
    for _ in 0..3 {
        kernel.launch(&shape(5, 64), &target.to_le_bytes()).unwrap();
    }
    assert_eq!(word(&device, target), 42);
    let report = device.report();
    assert_eq!(report.launches, 3);
    let [entry] = report.kernels.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((entry.name.as_str(), entry.launches), ("kernel", 3));
    assert_eq!((entry.ctas, entry.warps), (15, 30));
    assert_eq!(entry.instructions["scalar_store"], 30);
    assert_eq!(entry.bytes_written, 30 * 8);
    let mut path = std::env::temp_dir();
    path.push(format!("weft-report-{}.json", std::process::id()));
    report.write(&path).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(json["kernels"][0]["warps"], 30);
}

#[test]
fn kernels_find_module_variables_through_the_symbol_table() {
    let device = device();
    let context = Context::new(&device, 0);
    let [variable, target] = [allocate(&context, 8), allocate(&context, 8)];
    device.write(variable, &7u64.to_le_bytes()).unwrap();
    let image = assemble(
        &[
            // The second slot.
            Inst::Ld {
                rd: X::T0,
                imm: 8,
                rs1: X::A1,
            },
            Inst::Ld {
                rd: X::T1,
                imm: 0,
                rs1: X::T0,
            },
            Inst::Ld {
                rd: X::T2,
                imm: 0,
                rs1: X::A0,
            },
            Inst::Sd {
                rs2: X::T1,
                imm: 0,
                rs1: X::T2,
            },
            Inst::XwExit,
        ],
        &[(0, 8)],
    );
    let kernel = kernel_of(&context, image, &[0, variable]);
    kernel.launch(&shape(1, 1), &target.to_le_bytes()).unwrap();
    assert_eq!(word(&device, target), 7);
}

#[test]
fn a_fault_stays_with_its_context_and_no_other() {
    let device = device();
    let faulty = Context::new(&device, 0);
    let other = Context::new(&device, 0);
    let kept = allocate(&other, 8);
    let lost = allocate(&faulty, 8);
    let stream = Stream::new(&faulty, 0, 0).unwrap();
    let event = Event::new(&faulty, 0).unwrap();
    let kernel = store(&faulty);
    // The guard behind an allocation catches the first byte beyond it.
    let beyond = (lost + 8).to_le_bytes();
    let first = kernel.launch(&shape(1, 1), &beyond).unwrap_err();
    assert_eq!(class(Err(first.clone())), FaultClass::IllegalAddress);
    for later in [
        kernel.launch(&shape(1, 1), &lost.to_le_bytes()),
        faulty.allocate(8, AllocationKind::Device, 0).map(|_| ()),
        faulty.free(lost, |_| true),
        faulty.usable(),
        stream.synchronize(),
        event.record(0, 0),
        event.synchronize(),
    ] {
        assert_eq!(later, Err(first.clone()));
    }

    store(&other)
        .launch(&shape(1, 1), &kept.to_le_bytes())
        .unwrap();
    assert_eq!(word(&device, kept), 42);

    faulty.destroy();
    assert_eq!(faulty.usable(), Err(Error::ContextDestroyed));
    assert!(device.allocation_of(lost).is_none());
    assert!(device.allocation_of(kept).is_some());
    assert_eq!(other.usable(), Ok(()));
}

#[test]
fn faults_say_which_kernel_thread_and_line() {
    let device = device();
    let context = Context::new(&device, 0);
    let error = store(&context)
        .launch(&shape(1, 1), &0x1000_u64.to_le_bytes())
        .unwrap_err();
    let text = error.to_string();
    for part in ["`kernel`", "0x1000", "line 12 of the PTX", "store.cu:4"] {
        assert!(text.contains(part), "no {part} in: {text}");
    }
}

#[test]
fn fault_classes_are_those_of_cuda() {
    let device = device();
    for (code, expected) in [
        (FaultCode::Trap, FaultClass::Launch),
        (FaultCode::Assert, FaultClass::Assert),
        (FaultCode::BadTarget, FaultClass::InvalidPc),
        (FaultCode::DivergentBarrier, FaultClass::Launch),
    ] {
        let context = Context::new(&device, 0);
        let result = raise(&context, code).launch(&shape(1, 1), &[]);
        assert_eq!(class(result), expected, "{code:?}");
    }
    let context = Context::new(&device, 0);
    let illegal = Image {
        code: vec![0; 4],
        ..assemble(&[Inst::XwExit], &[])
    };
    let result = kernel_of(&context, illegal, &[]).launch(&shape(1, 1), &[]);
    assert_eq!(class(result), FaultClass::IllegalInstruction);
}

#[test]
fn launches_beyond_a_limit_are_refused_and_harm_nothing() {
    let device = device();
    let context = Context::new(&device, 0);
    let kernel = store(&context);
    let target = allocate(&context, 8);
    let parameters = target.to_le_bytes();
    let with = |grid, block| LaunchConfig {
        grid,
        block,
        ..shape(1, 1)
    };
    let refused = [
        with([0, 1, 1], [1, 1, 1]),
        with([1, 1, 1], [1, 0, 1]),
        with([1, 65_536, 1], [1, 1, 1]),
        with([1, 1, 65_536], [1, 1, 1]),
        with([1 << 31, 1, 1], [1, 1, 1]),
        with([1, 1, 1], [1025, 1, 1]),
        with([1, 1, 1], [1, 1, 65]),
        with([1, 1, 1], [32, 33, 1]),
        with([1, 1, 1], [u32::MAX, u32::MAX, 64]),
        LaunchConfig {
            shared_bytes: (48 << 10) + 1,
            ..shape(1, 1)
        },
    ];
    for config in refused {
        let result = kernel.launch(&config, &parameters);
        assert!(
            matches!(result, Err(Error::InvalidValue(_))),
            "{config:?}: {result:?}"
        );
    }
    for wrong in [&parameters[..7], &[0; 9], &[]] {
        let result = kernel.launch(&shape(1, 1), wrong);
        assert!(matches!(result, Err(Error::InvalidValue(_))), "{result:?}");
    }
    let cooperative = LaunchConfig {
        cooperative: true,
        ..shape(17, 1)
    };
    let result = kernel.launch(&cooperative, &parameters);
    assert_eq!(
        result,
        Err(Error::CooperativeTooLarge {
            ctas: 17,
            limit: 16
        })
    );

    // A limit is part of what is allowed.
    kernel
        .launch(&with([1, 1, 1], [4, 4, 64]), &parameters)
        .unwrap();
    let shared = LaunchConfig {
        shared_bytes: 48 << 10,
        ..shape(1, 1)
    };
    kernel.launch(&shared, &parameters).unwrap();
    assert_eq!(word(&device, target), 42);
}

#[test]
fn more_shared_memory_must_be_asked_for() {
    let device = device();
    let context = Context::new(&device, 0);
    let kernel = kernel_of(&context, assemble(&[Inst::XwExit], &[]), &[]);
    let most = i32::try_from(device.max_shared_bytes_optin()).unwrap();
    assert!(kernel.set_attribute(8, most + 1).is_err());
    assert!(kernel.set_attribute(8, -1).is_err());
    kernel.set_attribute(8, most).unwrap();
    assert_eq!(kernel.attribute(8), Some(most));
    let config = LaunchConfig {
        shared_bytes: device.max_shared_bytes_optin(),
        ..shape(1, 1)
    };
    kernel.launch(&config, &[]).unwrap();
}

#[test]
fn kernels_say_what_blocks_they_need() {
    let device = device();
    let context = Context::new(&device, 0);
    let image = Image {
        max_threads_per_cta: Some(64),
        required_cta: Some([64, 1, 1]),
        ..assemble(&[Inst::XwExit], &[])
    };
    let kernel = kernel_of(&context, image, &[]);
    assert_eq!(kernel.attribute(0), Some(64));
    kernel.launch(&shape(1, 64), &[]).unwrap();
    assert!(kernel.launch(&shape(1, 65), &[]).is_err());
    assert!(kernel.launch(&shape(1, 32), &[]).is_err());
}

#[test]
fn only_a_module_frees_its_variables_and_what_its_kernels_need() {
    let device = device();
    let context = Context::new(&device, 0);
    let text = b".version 8.0\n.target sm_80\n.address_size 64\n.visible .global .b64 v = 5;\n\
        .visible .global .attribute(.managed) .b64 m;";
    let module = Module::load(&context, ModuleImage::Ptx(text)).unwrap();
    let kernel = store(&context);
    let block = kernel.take_block().unwrap();
    let [variable, managed] = ["v", "m"].map(|name| module.variable(name).unwrap().0);
    for (address, kind) in [
        (variable, AllocationKind::Variable),
        (managed, AllocationKind::ManagedVariable),
        (kernel.symbols, AllocationKind::Internal),
        (block, AllocationKind::Internal),
    ] {
        assert_eq!(device.allocation_of(address).unwrap().kind, kind);
        let freed = context.free(address, AllocationKind::is_freed_as_device_memory);
        assert!(matches!(freed, Err(Error::InvalidValue(_))), "{kind:?}");
        assert!(device.allocation_of(address).is_some(), "{kind:?}");
    }
    kernel.give_back_block(block);
    let target = allocate(&context, 8);
    kernel.launch(&shape(1, 1), &target.to_le_bytes()).unwrap();
    assert_eq!(word(&device, target), 42);
    kernel.release();
    module.unload().unwrap();
    for address in [variable, managed, kernel.symbols, block] {
        assert!(device.allocation_of(address).is_none());
    }
}

#[test]
fn what_a_reset_freed_is_refused_even_if_its_addresses_are_in_use_again() {
    let device = device();
    let context = device.retain_primary();
    let kernel = store(&context);
    let text = b".version 8.0\n.target sm_80\n.address_size 64\n.visible .global .b64 v = 5;";
    let module = Module::load(&context, ModuleImage::Ptx(text)).unwrap();
    let (variable, _) = module.variable("v").unwrap();
    let stream = Stream::new(&context, 0, 0).unwrap();
    let event = Event::new(&context, 0).unwrap();
    let fault = raise(&context, FaultCode::Trap).launch(&shape(1, 1), &[]);
    assert_eq!(class(fault), FaultClass::Launch);

    device.reset_primary();
    assert_eq!(context.usable(), Ok(()));
    assert!(device.allocation_of(variable).is_none());
    let target = allocate(&context, 1 << 16);
    for result in [
        kernel.launch(&shape(1, 1), &target.to_le_bytes()),
        module.variable("v").map(|_| ()),
        stream.synchronize(),
        event.record(0, 0),
    ] {
        assert!(matches!(result, Err(Error::InvalidHandle(_))), "{result:?}");
    }
    // Unloading must not free what took the place of the module's variables.
    module.unload().unwrap();
    assert!(device.allocation_of(target).is_some());
    store(&context)
        .launch(&shape(1, 1), &target.to_le_bytes())
        .unwrap();
    assert_eq!(word(&device, target), 42);
    device.release_primary().unwrap();
}

#[test]
fn threads_may_launch_and_allocate_at_once() {
    let device = device();
    let context = Context::new(&device, 0);
    let kernel = store(&context);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let target = allocate(&context, 8);
                    device.write(target, &[0; 8]).unwrap();
                    kernel.launch(&shape(1, 32), &target.to_le_bytes()).unwrap();
                    assert_eq!(word(&device, target), 42);
                    context.free(target, |_| true).unwrap();
                }
            });
        }
    });
    assert_eq!(device.report().kernels[0].launches, 200);
}
