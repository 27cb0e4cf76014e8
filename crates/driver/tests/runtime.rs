//! The runtime through its public interface: memory, contexts, modules and linking.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use weft_driver::{
    AllocationKind, ChipConfig, Config, Context, Device, Error, Event, Limit, Linker, Module,
    ModuleImage, Pool, Stream, Work, event_flag,
};

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

fn device() -> Arc<Device> {
    let mut chip = ChipConfig::default();
    chip.memory_bytes = 64 << 20;
    Device::new(Config {
        chip,
        ..Config::default()
    })
    .unwrap()
}

fn load(context: &Arc<Context>, text: &str) -> Result<Arc<Module>, Error> {
    Module::load(
        context,
        ModuleImage::Ptx(format!("{HEADER}{text}").as_bytes()),
    )
}

fn contents(device: &Device, (address, bytes): (u64, u64)) -> Vec<u8> {
    let mut contents = vec![0; usize::try_from(bytes).unwrap()];
    device.read(address, &mut contents).unwrap();
    contents
}

fn is_invalid<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::InvalidValue(_))), "{result:?}");
}

#[test]
fn copies_stay_inside_allocations() {
    let device = device();
    let context = Context::new(&device, 0);
    let one = context.allocate(100, AllocationKind::Device, 0).unwrap();
    let other = context.allocate(100, AllocationKind::Device, 0).unwrap();
    let bytes: Vec<u8> = (0..100).collect();
    device.write(one, &bytes).unwrap();
    device.copy(other, one, 100).unwrap();
    assert_eq!(contents(&device, (other, 100)), bytes);
    device.copy(other + 1, other, 99).unwrap();
    assert_eq!(contents(&device, (other + 1, 99)), bytes[..99]);
    device.fill(other, 8, &[1, 2, 3, 4]).unwrap();
    assert_eq!(contents(&device, (other, 8)), [1, 2, 3, 4, 1, 2, 3, 4]);

    is_invalid(device.write(one, &[0; 101]));
    is_invalid(device.write(one - 1, &[0; 2]));
    is_invalid(device.read(one + 100, &mut [0]));
    is_invalid(device.copy(other, one + 1, 100));
    is_invalid(device.copy(other + 1, one, 100));
    is_invalid(device.fill(one, 101, &[0]));
    is_invalid(device.fill(u64::MAX, 2, &[0]));
    assert_eq!(contents(&device, (one, 100)), bytes, "a refused copy wrote");
}

#[test]
fn allocations_are_freed_once_and_by_their_kind() {
    let device = device();
    let context = Context::new(&device, 0);
    let free = device.free_memory();
    let address = context.allocate(1000, AllocationKind::Device, 0).unwrap();
    assert_eq!(address % 256, 0);
    let found = device.allocation_of(address + 999).unwrap();
    assert_eq!((found.address, found.bytes), (address, 1000));
    assert!(device.allocation_of(address + 1000).is_none());
    is_invalid(context.free(address + 1, |_| true));
    is_invalid(context.free(address, |kind| kind == AllocationKind::Host));
    context.free(address, |_| true).unwrap();
    is_invalid(context.free(address, |_| true));
    assert_eq!(device.free_memory(), free);

    let host = context.allocate(10, AllocationKind::Host, 0).unwrap();
    assert_eq!(host % 4096, 0, "pinned memory begins at a page");
    is_invalid(context.allocate(0, AllocationKind::Device, 0));
    let error = context.allocate(1 << 30, AllocationKind::Device, 0);
    assert!(matches!(error, Err(Error::OutOfMemory { requested, .. }) if requested == 1 << 30));
    assert!(
        context
            .allocate(u64::MAX, AllocationKind::Device, 0)
            .is_err()
    );
}

#[test]
fn a_context_frees_what_it_owns() {
    let device = device();
    let free = device.free_memory();
    let one = Context::new(&device, 0);
    let other = Context::new(&device, 0);
    one.allocate(5000, AllocationKind::Managed, 0).unwrap();
    load(&one, ".visible .global .b32 v;").unwrap();
    let kept = other.allocate(8, AllocationKind::Device, 0).unwrap();
    one.destroy();
    one.destroy();
    assert_eq!(one.usable(), Err(Error::ContextDestroyed));
    assert_eq!(
        one.allocate(8, AllocationKind::Device, 0),
        Err(Error::ContextDestroyed)
    );
    // Contexts of a device share its addresses, so one may free for another.
    let third = Context::new(&device, 0);
    third.free(kept, |_| true).unwrap();
    assert_eq!(device.free_memory(), free);
    drop(other);
}

#[test]
fn the_primary_context_lives_as_long_as_it_is_retained() {
    let device = device();
    assert!(device.release_primary().is_err());
    let first = device.retain_primary();
    let second = device.retain_primary();
    assert_eq!(first.id(), second.id());
    device.release_primary().unwrap();
    assert_eq!(first.usable(), Ok(()));
    assert!(device.primary_state().1);
    device.release_primary().unwrap();
    assert_eq!(first.usable(), Err(Error::ContextDestroyed));
    assert!(!device.primary_state().1);
    assert!(device.retain_primary().usable().is_ok());
}

#[test]
fn registered_memory_is_the_programs_own() {
    let device = device();
    let context = Context::new(&device, 0);
    let mut buffer = vec![0u64; 1024];
    let (address, bytes) = (buffer.as_mut_ptr().expose_provenance() as u64, 8192);
    // SAFETY: the buffer outlives its registration and is not touched while registered.
    unsafe { context.register_host(address, bytes, 0) }.unwrap();
    device.fill(address, bytes, &[7]).unwrap();
    // SAFETY: as above; nothing is registered by a call that fails.
    let again = unsafe { context.register_host(address + 8, 8, 0) };
    assert_eq!(again, Err(Error::AlreadyRegistered(address + 8)));
    assert_eq!(
        context.unregister_host(address + 8),
        Err(Error::NotRegistered(address + 8))
    );
    context.unregister_host(address).unwrap();
    assert_eq!(
        context.unregister_host(address),
        Err(Error::NotRegistered(address))
    );
    is_invalid(device.fill(address, 1, &[0]));
    assert_eq!(buffer, [0x0707_0707_0707_0707; 1024]);
}

#[test]
fn module_variables_are_placed_and_hold_their_initial_values() {
    let device = device();
    let context = Context::new(&device, 0);
    let module = load(
        &context,
        ".visible .global .align 4 .b32 plain = 7;
         .visible .const .align 2 .b16 table[4] = {1, 2, 3};
         .visible .global .align 8 .u64 pointer = generic(table)+2;
         .visible .global .align 8 .u64 pointers[2] = {plain, pointer};
         .visible .global .align 8192 .b8 wide[3];
         .visible .global .attribute(.managed) .b32 shared_with_host;",
    )
    .unwrap();
    let value = |name| contents(&device, module.variable(name).unwrap());
    let address = |name| module.variable(name).unwrap().0;
    assert_eq!(value("plain"), 7u32.to_le_bytes());
    assert_eq!(value("table"), [1, 0, 2, 0, 3, 0, 0, 0]);
    assert_eq!(value("pointer"), (address("table") + 2).to_le_bytes());
    let both = [
        address("plain").to_le_bytes(),
        address("pointer").to_le_bytes(),
    ]
    .concat();
    assert_eq!(value("pointers"), both);
    assert_eq!(value("wide"), [0; 3]);
    assert_eq!(address("wide") % 8192, 0);
    let managed = device.allocation_of(address("shared_with_host")).unwrap();
    assert_eq!(managed.kind, AllocationKind::ManagedVariable);
    let plain = device.allocation_of(address("plain")).unwrap();
    assert_eq!(plain.kind, AllocationKind::Variable);
    assert!(matches!(
        module.variable("none"),
        Err(Error::NotFound { .. })
    ));

    let place = address("plain");
    module.unload().unwrap();
    assert!(device.allocation_of(place).is_none());
    assert!(matches!(
        module.variable("plain"),
        Err(Error::InvalidHandle(_))
    ));
    assert!(matches!(module.unload(), Err(Error::InvalidHandle(_))));
}

#[test]
fn every_load_has_variables_of_its_own() {
    let device = device();
    let context = Context::new(&device, 0);
    let text = ".visible .global .b32 v = 1;";
    let [one, other] = [load(&context, text).unwrap(), load(&context, text).unwrap()];
    let place = one.variable("v").unwrap().0;
    device.write(place, &9u32.to_le_bytes()).unwrap();
    assert_ne!(place, other.variable("v").unwrap().0);
    assert_eq!(
        contents(&device, other.variable("v").unwrap()),
        1u32.to_le_bytes()
    );
}

#[test]
fn a_module_that_does_not_load_leaves_nothing_behind() {
    let device = device();
    let context = Context::new(&device, 0);
    let free = device.free_memory();
    for text in [
        ".visible .global .b8 small; .visible .global .b8 huge[1000000000];",
        ".visible .global .u64 a = 1; .visible .global .u64 f = missing;",
    ] {
        assert!(load(&context, text).is_err());
        assert_eq!(device.free_memory(), free, "{text}");
    }
}

#[test]
fn what_cannot_be_loaded_is_refused_with_the_reason() {
    let device = device();
    let context = Context::new(&device, 0);
    let error = load(&context, ".visible .entry k() { add.s32 ; }}").unwrap_err();
    assert!(
        matches!(&error, Error::InvalidPtx(log) if log.contains(":4:")),
        "{error}"
    );
    let newer = HEADER.replace("sm_80", "sm_100");
    let error = Module::load(&context, ModuleImage::Ptx(newer.as_bytes())).unwrap_err();
    assert!(matches!(error, Error::NoBinaryForGpu(_)), "{error}");
    for bytes in [&b""[..], b"\0\0\0\0", b"hello", b"\x7fELF", &[0xff; 100]] {
        let error = ModuleImage::of_bytes(bytes).unwrap_err();
        assert!(matches!(error, Error::InvalidImage(_)), "{error}");
    }
    let cut = &0xba55_ed50_u32.to_le_bytes();
    let error = Module::load(&context, ModuleImage::Fatbin(cut)).unwrap_err();
    assert!(matches!(error, Error::InvalidImage(_)), "{error}");
    assert!(matches!(
        load(&context, ".visible .entry k() { ret; }")
            .unwrap()
            .kernel("other"),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn linked_inputs_load_as_one_module() {
    let device = device();
    let context = Context::new(&device, 0);
    let mut linker = Linker::new(&device);
    assert!(matches!(linker.complete(), Err(Error::InvalidImage(_))));
    let user = format!(
        "{HEADER}.extern .global .b32 value;
         .visible .global .u64 pointer = value;
         .visible .entry kernel() {{ ret; }}\0"
    );
    linker.add("user", user.as_bytes()).unwrap();
    let single = linker.complete().unwrap();
    assert!(single.starts_with(b"\x7fELF"));
    // On its own the extern variable has no address.
    let linked = ModuleImage::of_bytes(&single).unwrap();
    assert!(Module::load(&context, linked).is_err());

    linker
        .add(
            "definer",
            format!("{HEADER}.visible .global .b32 value = 3;").as_bytes(),
        )
        .unwrap();
    let blob = linker.complete().unwrap();
    let module = Module::load(&context, ModuleImage::of_bytes(&blob).unwrap()).unwrap();
    assert_eq!(module.kernel_names(), ["kernel"]);
    let value = module.variable("value").unwrap();
    assert_eq!(contents(&device, value), 3u32.to_le_bytes());
    assert_eq!(
        contents(&device, module.variable("pointer").unwrap()),
        value.0.to_le_bytes()
    );
    assert!(
        linker
            .add("broken", format!("{HEADER}.entry {{").as_bytes())
            .is_err()
    );
}

#[test]
fn pools_count_what_they_gave() {
    let device = device();
    let context = Context::new(&device, 0);
    let pool = Pool::new(&device);
    let address = pool.allocate(&context, 1000).unwrap();
    assert_eq!(device.allocation_of(address).unwrap().tag, pool.id());
    assert_eq!(
        (pool.attribute(7), pool.attribute(8)),
        (Some(1000), Some(1000))
    );
    context.free_device_memory(address).unwrap();
    assert_eq!(
        (pool.attribute(7), pool.attribute(8)),
        (Some(0), Some(1000))
    );
    pool.set_attribute(8, 0).unwrap();
    assert_eq!(pool.attribute(8), Some(0));
    assert!(pool.set_attribute(8, 1).is_err());
    assert!(pool.set_attribute(7, 0).is_err());
    assert_eq!(pool.attribute(99), None);
}

#[test]
fn streams_and_events_end_with_errors_not_surprises() {
    let device = device();
    let context = Context::new(&device, 0);
    let stream = Stream::new(&context, 1, -100).unwrap();
    assert_eq!(stream.priority(), weft_driver::PRIORITY_RANGE.1);
    stream.synchronize().unwrap();
    stream.destroy().unwrap();
    assert!(matches!(stream.synchronize(), Err(Error::InvalidHandle(_))));
    assert!(matches!(stream.destroy(), Err(Error::InvalidHandle(_))));

    let stream = Stream::new(&context, 0, 0).unwrap();
    let record = |event: &Arc<Event>| {
        // SAFETY: no memory of the program is touched.
        unsafe { stream.submit(Work::Record(Arc::clone(event), 0)) }
    };
    let [start, end] = [
        Event::new(&context, 0).unwrap(),
        Event::new(&context, 0).unwrap(),
    ];
    assert!(start.elapsed_ms(&end).is_err(), "never recorded");
    record(&start).unwrap();
    record(&end).unwrap();
    assert!(start.elapsed_ms(&end).unwrap() >= 0.0);
    assert!(end.elapsed_ms(&start).unwrap() <= 0.0);
    let untimed = Event::new(&context, event_flag::DISABLE_TIMING).unwrap();
    record(&untimed).unwrap();
    assert!(start.elapsed_ms(&untimed).is_err());
    context.destroy();
    assert_eq!(record(&start), Err(Error::ContextDestroyed));
}

#[test]
fn limits_are_kept_within_what_is_possible() {
    let device = device();
    let context = Context::new(&device, 0);
    assert_eq!(context.limit(Limit::StackBytes), 1024);
    context.set_limit(Limit::StackBytes, 4096).unwrap();
    assert_eq!(context.limit(Limit::StackBytes), 4096);
    is_invalid(context.set_limit(Limit::StackBytes, 1 << 40));
    assert_eq!(context.limit(Limit::HeapBytes), 8 << 20);
}

#[test]
fn local_names_of_linked_inputs_are_kept_apart() {
    let device = device();
    let context = Context::new(&device, 0);
    let mut linker = Linker::new(&device);
    for (name, value) in [("one", 1), ("two", 2)] {
        let text = format!(
            "{HEADER}.global .b32 table = {value}; // table
             .visible .global .u64 of_{name} = table;"
        );
        linker.add(name, text.as_bytes()).unwrap();
    }
    let blob = linker.complete().unwrap();
    let module = Module::load(&context, ModuleImage::of_bytes(&blob).unwrap()).unwrap();
    for (name, value) in [("one", 1u32), ("two", 2)] {
        let pointer = contents(&device, module.variable(&format!("of_{name}")).unwrap());
        let address = u64::from_le_bytes(pointer.try_into().unwrap());
        assert_eq!(
            contents(&device, (address, 4)),
            value.to_le_bytes(),
            "{name}"
        );
    }
}
