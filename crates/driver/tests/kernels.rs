//! Real PTX from text to result: the kernels of `examples/ptx`, made by nvcc from
//! `examples/cuda`, against plain loops on the host.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use weft_driver::{
    AllocationKind, CacheConfig, ChipConfig, Config, Context, Device, Error, FaultClass, Kernel,
    LaunchConfig, Linker, Module, ModuleImage,
};

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

fn device(cache: Option<CacheConfig>) -> Arc<Device> {
    let mut chip = ChipConfig::default();
    chip.memory_bytes = 64 << 20;
    Device::new(Config {
        chip,
        cache,
        ..Config::default()
    })
    .unwrap()
}

/// A context with a module, and buffers in its memory.
struct Program {
    context: Arc<Context>,
    module: Arc<Module>,
}

impl Program {
    fn load(device: &Arc<Device>, image: ModuleImage<'_>) -> Self {
        let context = Context::new(device, 0);
        let module = Module::load(&context, image).unwrap_or_else(|error| panic!("{error}"));
        Self { context, module }
    }

    fn example(name: &str) -> Self {
        let path = Path::new("../../examples/ptx").join(format!("{name}.ptx"));
        Self::load(&device(None), ModuleImage::Ptx(&fs::read(path).unwrap()))
    }

    fn text(text: &str) -> Self {
        let text = format!("{HEADER}{text}");
        Self::load(&device(None), ModuleImage::Ptx(text.as_bytes()))
    }

    fn kernel(&self, name: &str) -> Arc<Kernel> {
        self.module
            .kernel(name)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn upload<const N: usize, T: Copy>(&self, values: &[T], bytes: fn(T) -> [u8; N]) -> u64 {
        let bytes: Vec<u8> = values.iter().flat_map(|&value| bytes(value)).collect();
        let size = bytes.len() as u64;
        let address = self
            .context
            .allocate(size, AllocationKind::Device, 0)
            .unwrap();
        self.context.device().write(address, &bytes).unwrap();
        address
    }

    fn download<const N: usize, T>(
        &self,
        address: u64,
        count: usize,
        value: fn([u8; N]) -> T,
    ) -> Vec<T> {
        let mut bytes = vec![0; count * N];
        self.context.device().read(address, &mut bytes).unwrap();
        let (chunks, _) = bytes.as_chunks();
        chunks.iter().copied().map(value).collect()
    }

    /// Launches with arguments in the places that the kernel's parameters have.
    fn launch(&self, name: &str, shape: Shape, arguments: &[&[u8]]) -> Result<(), Error> {
        let kernel = self.kernel(name);
        assert_eq!(kernel.parameters().len(), arguments.len(), "{name}");
        let mut block = vec![0; usize::try_from(kernel.parameter_bytes()).unwrap()];
        for (&(offset, bytes), argument) in kernel.parameters().iter().zip(arguments) {
            assert_eq!(usize::try_from(bytes).unwrap(), argument.len(), "{name}");
            let start = usize::try_from(offset).unwrap();
            block[start..start + argument.len()].copy_from_slice(argument);
        }
        let config = LaunchConfig {
            grid: [shape.0[0], shape.0[1], 1],
            block: [shape.1[0], shape.1[1], 1],
            shared_bytes: 0,
            cooperative: false,
        };
        kernel.launch(&config, &block)
    }

    fn run(&self, name: &str, shape: Shape, arguments: &[&[u8]]) {
        self.launch(name, shape, arguments)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Grid and block in x and y.
type Shape = ([u32; 2], [u32; 2]);

fn linear(grid: u32, block: u32) -> Shape {
    ([grid, 1], [block, 1])
}

/// SplitMix64.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn words(seed: u64, count: usize) -> Vec<u32> {
    let mut next = random(seed);
    (0..count)
        .map(|_| u32::try_from(next() >> 32).unwrap())
        .collect()
}

/// Floats from -1 to 1.
fn floats(seed: u64, count: usize) -> Vec<f32> {
    let unit = |word: u32| f32::from(u16::try_from(word >> 16).unwrap()) / 32768.0 - 1.0;
    words(seed, count).into_iter().map(unit).collect()
}

fn assert_same(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(
            got.to_bits(),
            want.to_bits(),
            "element {index}: {got} for {want}"
        );
    }
}

#[test]
fn saxpy() {
    const N: usize = 10_007;
    let program = Program::example("saxpy");
    let (x, y) = (floats(1, N), floats(2, N));
    let want: Vec<f32> = x
        .iter()
        .zip(&y)
        .map(|(x, y)| 1.7f32.mul_add(*x, *y))
        .collect();
    let [device_x, device_y] = [&x, &y].map(|v| program.upload(v, f32::to_le_bytes));
    program.run(
        "saxpy",
        linear(24, 128),
        &[
            &10_007u32.to_le_bytes(),
            &1.7f32.to_le_bytes(),
            &device_x.to_le_bytes(),
            &device_y.to_le_bytes(),
        ],
    );
    assert_same(&program.download(device_y, N, f32::from_le_bytes), &want);
    let report = program.context.device().report();
    assert_eq!(
        (report.kernels[0].ctas, report.kernels[0].warps),
        (24, 24 * 4)
    );
    assert_eq!(report.kernels[0].bytes_written, 4 * 10_007);
}

#[test]
fn dot_product_through_shuffles_and_atomics() {
    const N: usize = 3_003;
    let program = Program::example("dot_product");
    let (a, b) = (words(3, N), words(4, N));
    let product =
        |(a, b): (&u32, &u32)| i64::from(a.cast_signed()).wrapping_mul(i64::from(b.cast_signed()));
    let want = a.iter().zip(&b).map(product).fold(0i64, i64::wrapping_add);
    let [device_a, device_b] = [&a, &b].map(|v| program.upload(v, u32::to_le_bytes));
    let result = program.upload(&[0], u64::to_le_bytes);
    program.run(
        "dot_product",
        linear(5, 256),
        &[
            &device_a.to_le_bytes(),
            &device_b.to_le_bytes(),
            &3_003u32.to_le_bytes(),
            &result.to_le_bytes(),
        ],
    );
    assert_eq!(program.download(result, 1, i64::from_le_bytes), [want]);
}

#[test]
fn histogram_in_shared_memory() {
    let program = Program::example("histogram");
    let input: Vec<u8> = words(5, 4_000)
        .iter()
        .map(|w| w.to_le_bytes()[3] & 0x3f)
        .collect();
    let mut want = vec![0u32; 256];
    for &value in &input {
        want[usize::from(value)] += 1;
    }
    let device_input = program.upload(&input, u8::to_le_bytes);
    let bins = program.upload(&[0; 256], u32::to_le_bytes);
    program.run(
        "histogram",
        linear(6, 96),
        &[
            &device_input.to_le_bytes(),
            &4_000u32.to_le_bytes(),
            &bins.to_le_bytes(),
        ],
    );
    assert_eq!(program.download(bins, 256, u32::from_le_bytes), want);
}

#[test]
fn transpose_through_a_tile() {
    const WIDTH: usize = 70;
    const HEIGHT: usize = 45;
    let program = Program::example("transpose");
    let input = floats(6, WIDTH * HEIGHT);
    let want: Vec<f32> = (0..WIDTH * HEIGHT)
        .map(|i| input[i % HEIGHT * WIDTH + i / HEIGHT])
        .collect();
    let device_input = program.upload(&input, f32::to_le_bytes);
    let output = program.upload(&vec![0.0; WIDTH * HEIGHT], f32::to_le_bytes);
    program.run(
        "transpose",
        ([3, 2], [32, 8]),
        &[
            &device_input.to_le_bytes(),
            &output.to_le_bytes(),
            &70u32.to_le_bytes(),
            &45u32.to_le_bytes(),
        ],
    );
    let got = program.download(output, WIDTH * HEIGHT, f32::from_le_bytes);
    assert_same(&got, &want);
}

#[test]
fn sorting_in_spans() {
    let program = Program::example("bitonic_sort");
    let keys = words(7, 4096);
    let device_keys = program.upload(&keys, u32::to_le_bytes);
    program.run(
        "bitonic_sort_runs",
        linear(8, 256),
        &[&device_keys.to_le_bytes()],
    );
    let got = program.download(device_keys, 4096, u32::from_le_bytes);
    // Spans of 512 are sorted upwards and downwards by turns.
    for (index, (got, keys)) in got.chunks(512).zip(keys.chunks(512)).enumerate() {
        let mut want = keys.to_vec();
        want.sort_unstable();
        if index % 2 == 1 {
            want.reverse();
        }
        assert_eq!(got, want, "span {index}");
    }
}

#[test]
fn a_kernel_writes_a_module_variable() {
    let program = Program::text(
        ".visible .global .align 8 .u64 total = 5;
         .visible .global .align 8 .u64 place = total;
         .visible .entry add(.param .u64 value) {
            .reg .b64 %rd<4>;
            ld.param.u64 %rd0, [value];
            ld.global.u64 %rd1, [place];
            ld.global.u64 %rd2, [%rd1];
            add.u64 %rd3, %rd2, %rd0;
            st.global.u64 [total], %rd3;
            ret;
         }",
    );
    program.run("add", linear(1, 1), &[&37u64.to_le_bytes()]);
    let (address, bytes) = program.module.variable("total").unwrap();
    assert_eq!(bytes, 8);
    assert_eq!(program.download(address, 1, u64::from_le_bytes), [42]);
}

/// Stores the parameter plus one, by a function of another input.
const CALLER: &str = "
.extern .func (.param .b32 result) next (.param .b32 x);
.visible .entry store_next(.param .u64 address, .param .u32 x) {
    .reg .b32 %r<2>;
    .reg .b64 %rd<1>;
    ld.param.u64 %rd0, [address];
    ld.param.u32 %r0, [x];
    {
        .param .b32 argument;
        .param .b32 result;
        st.param.b32 [argument], %r0;
        call.uni (result), next, (argument);
        ld.param.b32 %r1, [result];
    }
    st.global.u32 [%rd0], %r1;
    ret;
}";
const CALLEE: &str = "
.visible .func (.param .b32 result) next (.param .b32 x) {
    .reg .b32 %r<2>;
    ld.param.b32 %r0, [x];
    add.u32 %r1, %r0, 1;
    st.param.b32 [result], %r1;
    ret;
}";

#[test]
fn linked_inputs_call_each_other() {
    let mut linker = Linker::new(&device(None));
    for (name, text) in [("caller", CALLER), ("callee", CALLEE)] {
        linker
            .add(name, format!("{HEADER}{text}").as_bytes())
            .unwrap();
    }
    let blob = linker.complete().unwrap();
    let image = ModuleImage::of_bytes(&blob).unwrap();
    let program = Program::load(&device(None), image);
    let target = program.upload(&[0], u32::to_le_bytes);
    let arguments: [&[u8]; 2] = [&target.to_le_bytes(), &41u32.to_le_bytes()];
    program.run("store_next", linear(1, 1), &arguments);
    assert_eq!(program.download(target, 1, u32::from_le_bytes), [42]);

    // Without the callee there is an error when the kernel is asked for, which names it.
    let alone = Program::text(CALLER);
    let error = alone.module.kernel("store_next").unwrap_err();
    assert!(
        matches!(&error, Error::InvalidPtx(log) if log.contains("next")),
        "{error}"
    );
}

const STORE: &str = "
.visible .entry store(.param .u64 address) {
    .reg .b32 %r<3>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd0, [address];
    mov.u32 %r0, %tid.x;
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd2, %rd0, %rd1;
    mov.u32 %r1, 42;
    st.global.u32 [%rd2], %r1;
    ret;
}";

#[test]
fn a_fault_names_thread_and_line() {
    let program = Program::text(STORE);
    let target = program.upload(&[0; 40], u32::to_le_bytes);
    let error = program
        .launch("store", linear(1, 64), &[&target.to_le_bytes()])
        .unwrap_err();
    let Error::Fault { class, message } = &error else {
        panic!("{error}");
    };
    assert_eq!(*class, FaultClass::IllegalAddress);
    let text = format!("{HEADER}{STORE}");
    let store = text
        .lines()
        .position(|line| line.contains("st.global"))
        .unwrap();
    let line = format!("line {} of the PTX", store + 1);
    let address = format!("{:#x}", target + 160);
    for part in ["`store`", "thread (40, 0, 0)", &line, &address] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
    assert_eq!(program.context.usable(), Err(error));
}

#[test]
fn what_the_compiler_cannot_do_is_an_error_of_its_kernel_alone() {
    let text = format!("{STORE}\n.visible .entry odd() {{ frobnicate.u32 %r0, 1; ret; }}");
    let program = Program::text(&text);
    let error = program.module.kernel("odd").unwrap_err();
    assert!(
        matches!(&error, Error::InvalidPtx(log) if log.contains("frobnicate")),
        "{error}"
    );
    let target = program.upload(&[0; 32], u32::to_le_bytes);
    program.run("store", linear(1, 32), &[&target.to_le_bytes()]);
    assert_eq!(program.download(target, 32, u32::from_le_bytes), [42; 32]);
}

#[test]
fn kernels_from_the_cache_do_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let cache = CacheConfig {
        directory: folder.path().to_owned(),
        max_bytes: 1 << 20,
    };
    let entries = || fs::read_dir(folder.path()).unwrap().count();
    let text = format!("{HEADER}{STORE}");
    for _ in 0..3 {
        let device = device(Some(cache.clone()));
        let program = Program::load(&device, ModuleImage::Ptx(text.as_bytes()));
        let target = program.upload(&[0; 32], u32::to_le_bytes);
        program.run("store", linear(1, 32), &[&target.to_le_bytes()]);
        assert_eq!(program.download(target, 32, u32::from_le_bytes), [42; 32]);
        assert_eq!(entries(), 1);
    }
    // A damaged entry is made again.
    let entry = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&entry).unwrap();
    let sound = bytes.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&entry, bytes).unwrap();
    let device = device(Some(cache));
    let program = Program::load(&device, ModuleImage::Ptx(text.as_bytes()));
    program.kernel("store");
    assert_eq!(
        fs::read(&entry).unwrap(),
        sound,
        "compiling again gives the same bytes"
    );
}
