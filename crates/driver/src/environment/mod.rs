//! What kernels can ask for while they run: formatted output, assertions, memory from the heap
//! of their context (`weft_isa::abi::Service`).
//!
//! Output appears when the launch has ended, ordered by CTA and within a CTA by the order in
//! which it was printed, so that it does not depend on host threads. The buffer of a launch has
//! the size that the context's limit says; when it is full the oldest lines go, as in CUDA.

mod console;
mod format;
mod heap;

pub use console::{Console, StandardStreams};
pub(crate) use heap::Heap;

use crate::context::{Context, Limit};
use crate::device::lock;
use format::Arguments;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use weft_chip::{Environment, EnvironmentCall, FaultKind, Refusal};
use weft_isa::abi::{FaultCode, Service};

/// Longest text that is read from device memory: format, string argument or file name.
const TEXT_BYTES_MAX: usize = 1 << 16;

/// The environment of one launch.
#[derive(Debug)]
pub(crate) struct LaunchEnvironment {
    context: Arc<Context>,
    printed: Mutex<Printed>,
    assertions: Mutex<BTreeMap<u64, String>>,
}

/// Lines printed so far.
#[derive(Debug, Default)]
struct Printed {
    /// By index of the CTA and serial number.
    lines: BTreeMap<(u64, u64), Vec<u8>>,
    bytes: u64,
    last: u64,
    bytes_max: u64,
}

impl Printed {
    fn add(&mut self, cta: u64, line: Vec<u8>) {
        self.last += 1;
        self.bytes += line.len() as u64;
        self.lines.insert((cta, self.last), line);
        while self.bytes > self.bytes_max
            && let Some((_, oldest)) = self.lines.pop_first()
        {
            self.bytes -= oldest.len() as u64;
        }
    }
}

impl LaunchEnvironment {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            printed: Mutex::new(Printed {
                bytes_max: context.limit(Limit::PrintfBytes),
                ..Printed::default()
            }),
            assertions: Mutex::default(),
        }
    }

    /// Shows what the launch printed. Of a launch that a CTA ended with a fault, only what CTAs
    /// up to that one printed: whether later ones were reached depends on the host.
    pub(crate) fn show(&self, faulting_cta: Option<u64>) {
        let console = &self.context.device().config().console;
        let last = faulting_cta.unwrap_or(u64::MAX);
        let printed = std::mem::take(&mut *lock(&self.printed));
        let text: Vec<u8> = printed
            .lines
            .into_iter()
            .filter(|&((cta, _), _)| cta <= last)
            .flat_map(|(_, line)| line)
            .collect();
        if !text.is_empty() {
            console.print(&text);
        }
        if let Some(text) = lock(&self.assertions).get(&last) {
            console.report(text);
        }
    }

    fn print(&self, call: &mut EnvironmentCall<'_>, lane: u32) -> Result<(), FaultKind> {
        let [format, arguments] = parameters::<2>(call, lane, Service::Print)?;
        let result = if format == 0 {
            -1
        } else {
            let format = text(call, format)?;
            let mut source = DeviceArguments {
                call,
                next: arguments,
            };
            let (line, count) = format::expand(&format, &mut source)?;
            lock(&self.printed).add(call.cta_linear(), line);
            i32::try_from(count).unwrap_or(i32::MAX)
        };
        give(call, lane, Service::Print, &result.to_le_bytes())
    }

    fn assertion(&self, call: &mut EnvironmentCall<'_>, lane: u32) -> Result<(), FaultKind> {
        let [condition, file, line, function, _] =
            parameters::<5>(call, lane, Service::AssertionFailed)?;
        let mut shown = |address| {
            let bytes = text(call, address)?;
            Ok::<_, FaultKind>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (condition, file, function) = (shown(condition)?, shown(file)?, shown(function)?);
        let ([bx, by, bz], [x, y, z]) = (call.cta(), call.thread(lane));
        let mut assertions = lock(&self.assertions);
        let text = assertions.entry(call.cta_linear()).or_default();
        text.push_str(&format!(
            "{file}:{line}: {function}: block: [{bx},{by},{bz}], thread: [{x},{y},{z}] \
             Assertion `{condition}` failed.\n"
        ));
        Ok(())
    }

    fn allocate(&self, call: &mut EnvironmentCall<'_>, lane: u32) -> Result<(), FaultKind> {
        let [bytes] = parameters::<1>(call, lane, Service::Allocate)?;
        let address = self.context.allocate_from_heap(bytes).unwrap_or(0);
        give(call, lane, Service::Allocate, &address.to_le_bytes())
    }

    fn free(&self, call: &mut EnvironmentCall<'_>, lane: u32) -> Result<(), FaultKind> {
        let [address] = parameters::<1>(call, lane, Service::Free)?;
        if address == 0 || self.context.free_to_heap(address) {
            return Ok(());
        }
        Err(FaultKind::IllegalAddress {
            address,
            bytes: 1,
            write: true,
        })
    }
}

impl Environment for LaunchEnvironment {
    fn call(&self, call: &mut EnvironmentCall<'_>) -> Result<(), Refusal> {
        let refuse = |kind, lane| Refusal { kind, lane };
        let Some(service) = Service::from_number(call.service()) else {
            return Err(refuse(FaultKind::UnknownCode(0), None));
        };
        for lane in call.lanes() {
            let served = match service {
                Service::Print => self.print(call, lane),
                Service::AssertionFailed => self.assertion(call, lane),
                Service::Allocate => self.allocate(call, lane),
                Service::Free => self.free(call, lane),
            };
            served.map_err(|kind| refuse(kind, Some(lane)))?;
        }
        if service == Service::AssertionFailed {
            let lane = call.lanes().next();
            return Err(refuse(FaultKind::Code(FaultCode::Assert), lane));
        }
        Ok(())
    }
}

/// Parameters of a call, each in the low bytes of a word.
fn parameters<const N: usize>(
    call: &mut EnvironmentCall<'_>,
    lane: u32,
    service: Service,
) -> Result<[u64; N], FaultKind> {
    let mut words = [0; N];
    let mut offset = 0;
    for (word, &bytes) in words.iter_mut().zip(service.parameters()) {
        offset = u64::next_multiple_of(offset, u64::from(bytes));
        *word = read_word(call, call.frame(lane).wrapping_add(offset), bytes)?;
        offset += u64::from(bytes);
    }
    Ok(words)
}

/// Writes the result of a call, which follows the parameters.
fn give(
    call: &mut EnvironmentCall<'_>,
    lane: u32,
    service: Service,
    result: &[u8],
) -> Result<(), FaultKind> {
    let mut offset = 0;
    for &bytes in service.parameters().iter().chain([&service.result()]) {
        offset = u64::next_multiple_of(offset, u64::from(bytes)) + u64::from(bytes);
    }
    let address = call.frame(lane).wrapping_add(offset) - result.len() as u64;
    call.write(address, result)
}

fn read_word(call: &mut EnvironmentCall<'_>, address: u64, bytes: u32) -> Result<u64, FaultKind> {
    let mut word = [0; 8];
    call.read(address, &mut word[..bytes as usize])?;
    Ok(u64::from_le_bytes(word))
}

/// The text at an address, up to its NUL.
fn text(call: &mut EnvironmentCall<'_>, address: u64) -> Result<Vec<u8>, FaultKind> {
    let mut text = Vec::new();
    while text.len() < TEXT_BYTES_MAX {
        let mut byte = [0];
        call.read(address.wrapping_add(text.len() as u64), &mut byte)?;
        if byte[0] == 0 {
            break;
        }
        text.push(byte[0]);
    }
    Ok(text)
}

/// Arguments of a print, in device memory.
struct DeviceArguments<'c, 'e> {
    call: &'c mut EnvironmentCall<'e>,
    next: u64,
}

impl Arguments for DeviceArguments<'_, '_> {
    type Error = FaultKind;

    fn word(&mut self, bytes: u32) -> Result<u64, FaultKind> {
        let address = self.next.next_multiple_of(u64::from(bytes));
        self.next = address.wrapping_add(u64::from(bytes));
        read_word(self.call, address, bytes)
    }

    fn text(&mut self, address: u64) -> Result<Vec<u8>, FaultKind> {
        text(self.call, address)
    }
}
