//! What kernels ask of their environment: output, assertions, the heap; and function addresses.
#![allow(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::sync::{Arc, Mutex};
use weft_driver::{
    AllocationKind, ChipConfig, Config, Console, Context, Device, Error, FaultClass, LaunchConfig,
    Limit, Module, ModuleImage,
};

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Keeps what is printed.
#[derive(Debug, Default)]
struct Recorder {
    printed: Mutex<String>,
    reported: Mutex<String>,
}

impl Console for Recorder {
    fn print(&self, text: &[u8]) {
        self.printed
            .lock()
            .unwrap()
            .push_str(std::str::from_utf8(text).unwrap());
    }

    fn report(&self, text: &str) {
        self.reported.lock().unwrap().push_str(text);
    }
}

struct Program {
    recorder: Arc<Recorder>,
    context: Arc<Context>,
    module: Arc<Module>,
}

impl Program {
    fn new(text: &str, host_threads: usize) -> Self {
        let recorder = Arc::new(Recorder::default());
        let mut chip = ChipConfig::default();
        chip.memory_bytes = 64 << 20;
        chip.host_threads = Some(host_threads);
        let device = Device::new(Config {
            chip,
            console: Arc::clone(&recorder) as Arc<dyn Console>,
            ..Config::default()
        });
        let context = Context::new(&device.unwrap(), 0);
        let text = format!("{HEADER}{text}");
        let module = Module::load(&context, ModuleImage::Ptx(text.as_bytes()))
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            recorder,
            context,
            module,
        }
    }

    /// Launches with 64-bit parameters.
    fn launch(&self, name: &str, grid: u32, block: u32, parameters: &[u64]) -> Result<(), Error> {
        let kernel = self.module.kernel(name)?;
        let parameters: Vec<u8> = parameters
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let config = LaunchConfig {
            grid: [grid, 1, 1],
            block: [block, 1, 1],
            shared_bytes: 0,
            cooperative: false,
        };
        kernel.launch(&config, &parameters)
    }

    fn buffer(&self, bytes: u64) -> u64 {
        let address = self
            .context
            .allocate(bytes, AllocationKind::Device, 0)
            .unwrap();
        self.context.device().fill(address, bytes, &[0]).unwrap();
        address
    }

    fn words(&self, address: u64, count: usize) -> Vec<u64> {
        let mut bytes = vec![0; count * 8];
        self.context.device().read(address, &mut bytes).unwrap();
        let (chunks, _) = bytes.as_chunks();
        chunks
            .iter()
            .map(|chunk| u64::from_le_bytes(*chunk))
            .collect()
    }

    fn printed(&self) -> String {
        std::mem::take(&mut self.recorder.printed.lock().unwrap())
    }
}

/// Every thread prints its block, its thread, half its thread and a text.
const PRINT: &str = r#"
.extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);
.global .align 1 .b8 format[] = {37,117,47,37,100,58,32,37,46,49,102,32,37,115,10,0};
.global .align 1 .b8 word[] = {110,105,116,0};
.visible .entry print_all() {
    .local .align 8 .b8 depot[32];
    .reg .b32 %r<4>; .reg .b64 %rd<8>; .reg .f64 %d<3>;
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %tid.x;
    cvt.rn.f64.u32 %d1, %r2;
    mul.f64 %d2, %d1, 0d3FE0000000000000;
    mov.u64 %rd1, depot;
    st.local.u32 [%rd1], %r1;
    st.local.u32 [%rd1+4], %r2;
    st.local.f64 [%rd1+8], %d2;
    mov.u64 %rd2, word;
    st.local.u64 [%rd1+16], %rd2;
    cvta.local.u64 %rd3, %rd1;
    mov.u64 %rd4, format;
    { .param .b64 p0; .param .b64 p1; .param .b32 ret;
      st.param.b64 [p0], %rd4; st.param.b64 [p1], %rd3;
      call.uni (ret), vprintf, (p0, p1);
      ld.param.b32 %r3, [ret]; }
    ret;
}
"#;

fn expected(blocks: u32, threads: u32) -> String {
    let mut text = String::new();
    for block in 0..blocks {
        for thread in 0..threads {
            text.push_str(&format!(
                "{block}/{thread}: {:.1} nit\n",
                f64::from(thread) / 2.0
            ));
        }
    }
    text
}

#[test]
fn output_comes_in_order_for_any_number_of_host_threads() {
    for host_threads in [1, 2, 5] {
        let program = Program::new(PRINT, host_threads);
        program.launch("print_all", 40, 32, &[]).unwrap();
        assert_eq!(
            program.printed(),
            expected(40, 32),
            "{host_threads} host threads"
        );
    }
}

#[test]
fn a_full_buffer_keeps_the_newest_lines() {
    let all = expected(10, 32);
    let newest = all.len() - 200;
    for host_threads in [1, 3] {
        let program = Program::new(PRINT, host_threads);
        program.context.set_limit(Limit::PrintfBytes, 200).unwrap();
        program.launch("print_all", 10, 32, &[]).unwrap();
        let printed = program.printed();
        assert!(all.ends_with(&printed), "{printed}");
        let first_whole = all[newest..].find('\n').unwrap() + newest + 1;
        assert_eq!(printed, all[first_whole..]);
    }
}

#[test]
fn an_assertion_says_where_and_ends_the_launch() {
    let program = Program::new(
        r#"
.extern .func __assertfail (.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 n, .param .b64 s);
.global .align 1 .b8 message[] = {120,32,60,32,51,0};
.global .align 1 .b8 file[] = {97,46,99,117,0};
.global .align 1 .b8 name[] = {107,40,41,0};
.visible .entry check() {
    .reg .b32 %r<4>; .reg .b64 %rd<8>; .reg .pred %p<2>;
    mov.u32 %r1, %tid.x;
    setp.ne.u32 %p1, %r1, 35;
    @%p1 bra done;
    mov.u64 %rd1, message; mov.u64 %rd2, file; mov.u64 %rd3, name;
    { .param .b64 p0; .param .b64 p1; .param .b32 p2; .param .b64 p3; .param .b64 p4;
      st.param.b64 [p0], %rd1; st.param.b64 [p1], %rd2; st.param.b32 [p2], 12;
      st.param.b64 [p3], %rd3; st.param.b64 [p4], 1;
      call.uni __assertfail, (p0, p1, p2, p3, p4); }
done:
    ret;
}
"#,
        2,
    );
    let error = program.launch("check", 1, 64, &[]).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Fault {
                class: FaultClass::Assert,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        *program.recorder.reported.lock().unwrap(),
        "a.cu:12: k(): block: [0,0,0], thread: [35,0,0] Assertion `x < 3` failed.\n"
    );
}

const HEAP: &str = r#"
.extern .func (.param .b64 r) malloc (.param .b64 n);
.extern .func free (.param .b64 p);
.visible .entry take(.param .u64 out, .param .u64 bytes) {
    .reg .b32 %r<4>; .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [bytes];
    mov.u32 %r1, %tid.x;
    { .param .b64 p0; .param .b64 ret; st.param.b64 [p0], %rd2;
      call.uni (ret), malloc, (p0); ld.param.b64 %rd3, [ret]; }
    mad.wide.u32 %rd4, %r1, 8, %rd1;
    st.global.u64 [%rd4], %rd3;
    ret;
}
.visible .entry give(.param .u64 list) {
    .reg .b32 %r<4>; .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [list];
    mov.u32 %r1, %tid.x;
    mad.wide.u32 %rd4, %r1, 8, %rd1;
    ld.global.u64 %rd3, [%rd4];
    { .param .b64 p0; st.param.b64 [p0], %rd3; call.uni free, (p0); }
    ret;
}
"#;

#[test]
fn the_heap_gives_each_thread_its_own_memory_until_it_is_full() {
    let program = Program::new(HEAP, 2);
    program.context.set_limit(Limit::HeapBytes, 4096).unwrap();
    let out = program.buffer(64 * 8);
    program.launch("take", 1, 64, &[out, 100]).unwrap();
    let mut given = program.words(out, 64);
    // 112 bytes each, for the alignment of 16.
    let full = given.iter().filter(|&&address| address == 0).count();
    assert_eq!(full, 64 - 4096 / 112);
    given.retain(|&address| address != 0);
    given.sort_unstable();
    assert!(given.windows(2).all(|pair| pair[1] - pair[0] >= 100));
    assert!(given.iter().all(|address| address % 16 == 0));
    // What is given back can be had again; null is no error.
    program.launch("give", 1, 64, &[out]).unwrap();
    program.launch("take", 1, 1, &[out, 4000]).unwrap();
    assert_ne!(program.words(out, 1), [0]);
    assert!(
        program
            .context
            .set_limit(Limit::HeapBytes, 1 << 20)
            .is_err()
    );
}

#[test]
fn freeing_twice_is_a_fault() {
    let program = Program::new(HEAP, 1);
    let out = program.buffer(8);
    program.launch("take", 1, 1, &[out, 8]).unwrap();
    program.launch("give", 1, 1, &[out]).unwrap();
    let error = program.launch("give", 1, 1, &[out]).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Fault {
                class: FaultClass::IllegalAddress,
                ..
            }
        ),
        "{error}"
    );
}

const FUNCTIONS: &str = r"
.func (.param .b32 r) twice (.param .b32 x) {
    .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.u32 %r2, %r1, %r1; st.param.b32 [r], %r2; ret; }
.func (.param .b32 r) next (.param .b32 x) {
    .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.u32 %r2, %r1, 1; st.param.b32 [r], %r2; ret; }
.func (.param .b32 r) called_directly (.param .b32 x) {
    .reg .b32 %r<3>; ld.param.b32 %r1, [x]; st.param.b32 [r], %r1; ret; }
.global .u64 table[2] = {next, twice};
.visible .entry address_in_code(.param .u64 out) {
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [out]; mov.u64 %rd2, twice; st.global.u64 [%rd1], %rd2; ret; }
.visible .entry call_it(.param .u64 out, .param .u64 function) {
    .reg .b32 %r<4>; .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [function];
    { .param .b32 p0; .param .b32 ret; st.param.b32 [p0], 20;
      prototype: .callprototype (.param .b32 _) _ (.param .b32 _);
      call (ret), %rd2, (p0), prototype; ld.param.b32 %r1, [ret]; }
    cvt.u64.u32 %rd3, %r1;
    st.global.u64 [%rd1], %rd3; ret; }
";

#[test]
fn a_function_has_one_address_in_all_kernels_and_variables_of_its_module() {
    let program = Program::new(FUNCTIONS, 1);
    let (table, _) = program.module.variable("table").unwrap();
    let [next, twice] = program.words(table, 2)[..] else {
        unreachable!("two words")
    };
    let out = program.buffer(8);
    program.launch("address_in_code", 1, 1, &[out]).unwrap();
    assert_eq!(program.words(out, 1), [twice]);
    program.launch("call_it", 1, 1, &[out, twice]).unwrap();
    assert_eq!(program.words(out, 1), [40]);
    program.launch("call_it", 1, 1, &[out, next]).unwrap();
    assert_eq!(program.words(out, 1), [21]);
}

#[test]
fn what_is_no_function_of_the_module_cannot_be_called() {
    let image = format!("{HEADER}{FUNCTIONS}");
    for case in ["null", "data", "another module"] {
        let program = Program::new(FUNCTIONS, 1);
        let second = Module::load(&program.context, ModuleImage::Ptx(image.as_bytes())).unwrap();
        let out = program.buffer(8);
        let address = match case {
            "null" => 0,
            "data" => out,
            _ => program.words(second.variable("table").unwrap().0, 1)[0],
        };
        let error = program
            .launch("call_it", 1, 1, &[out, address])
            .unwrap_err();
        assert!(
            matches!(
                &error,
                Error::Fault {
                    class: FaultClass::InvalidPc,
                    ..
                }
            ),
            "{case}: {error}"
        );
    }
}
