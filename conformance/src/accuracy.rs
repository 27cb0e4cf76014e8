//! Largest errors of the approximate instructions of PTX, against the host's double precision, over dense or
//! all inputs, beside the largest errors that the PTX ISA documents (section 9.7.3 and 9.7.4).
//!
//! Double precision has 29 bits more than single precision, and its functions err by about one unit of its
//! last place, so that what is measured is the error of the instruction. Inputs whose exact result is not
//! finite, or is beyond the range of the format, must give the infinity, zero or NaN that the exact result
//! rounds to.

use std::f64::consts::PI;
use std::ffi::CString;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use half::{bf16, f16};
use serde_json::{Value, json};

use crate::driver_api::Driver;
use crate::table::{Case, Table, Verdict};

/// Inputs of one launch.
const BATCH: u32 = 1 << 20;
const THREADS: u32 = 256;

/// A floating-point format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Half,
    Bfloat,
    Single,
}

impl Format {
    fn bytes(self) -> u32 {
        match self {
            Self::Half | Self::Bfloat => 2,
            Self::Single => 4,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "16 bits in the low end")]
    fn value(self, bits: u32) -> f64 {
        match self {
            Self::Half => f16::from_bits(bits as u16).to_f64(),
            Self::Bfloat => bf16::from_bits(bits as u16).to_f64(),
            Self::Single => f64::from(f32::from_bits(bits)),
        }
    }

    /// Rounded to the format.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounds to single precision"
    )]
    fn rounded(self, value: f64) -> f64 {
        match self {
            Self::Half => f16::from_f64(value).to_f64(),
            Self::Bfloat => bf16::from_f64(value).to_f64(),
            Self::Single => f64::from(value as f32),
        }
    }

    fn least_normal(self) -> f64 {
        match self {
            Self::Half => 2.0f64.powi(-14),
            Self::Bfloat | Self::Single => 2.0f64.powi(-126),
        }
    }

    /// The unit of the last place of numbers like this one.
    fn unit(self, value: f64) -> f64 {
        let digits = match self {
            Self::Half => 10.0,
            Self::Bfloat => 7.0,
            Self::Single => 23.0,
        };
        let exponent = value.abs().max(self.least_normal()).log2().floor();
        (exponent - digits).exp2()
    }
}

/// How an error is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Units of the last place of the exact result.
    Ulp,
    Absolute,
    Relative,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Ulp => "ulp",
            Self::Absolute => "absolute",
            Self::Relative => "relative",
        }
    }

    fn of(self, format: Format, got: f64, exact: f64) -> f64 {
        let difference = (got - exact).abs();
        match self {
            Self::Absolute => difference,
            Self::Ulp => difference / format.unit(exact),
            Self::Relative if difference == 0.0 => 0.0,
            // Subnormal numbers have fewer digits: their errors count as those of the least normal one.
            Self::Relative => difference / exact.abs().max(format.least_normal()),
        }
    }
}

/// An instruction and what the PTX ISA says of it.
struct Operation {
    /// As written, without operands.
    instruction: &'static str,
    format: Format,
    exact: fn(f64, f64) -> f64,
    /// Takes two operands.
    binary: bool,
    /// Largest magnitude of the (second) operand that the bound holds for, and the least.
    range: [f64; 2],
    /// The same of a range that it does not hold for.
    excluded: [f64; 2],
    measure: Measure,
    /// The documented bound, and how the manual writes it.
    bound: f64,
    documented: &'static str,
}

const EVERYWHERE: [f64; 2] = [f64::INFINITY, 0.0];
const NOWHERE: [f64; 2] = [-1.0, 0.0];

fn single(
    instruction: &'static str,
    exact: fn(f64, f64) -> f64,
    measure: Measure,
    bound: f64,
    documented: &'static str,
) -> Operation {
    Operation {
        instruction,
        format: Format::Single,
        exact,
        binary: false,
        range: EVERYWHERE,
        excluded: NOWHERE,
        measure,
        bound,
        documented,
    }
}

fn power(exponent: f64) -> f64 {
    exponent.exp2()
}

fn operations() -> Vec<Operation> {
    use Format::{Bfloat, Half};
    use Measure::{Absolute, Relative, Ulp};
    let of = |format, operation: Operation| Operation {
        format,
        ..operation
    };
    let within = |range, operation: Operation| Operation { range, ..operation };
    let binary = |operation: Operation| Operation {
        binary: true,
        ..operation
    };
    vec![
        binary(within(
            [power(126.0), power(-126.0)],
            single(
                "div.approx.f32",
                |a, b| a / b,
                Ulp,
                2.0,
                "2 ulp for |b| in [2^-126, 2^126]",
            ),
        )),
        binary(single("div.full.f32", |a, b| a / b, Ulp, 2.0, "2 ulp")),
        single("rcp.approx.f32", |a, _| a.recip(), Ulp, 1.0, "1 ulp"),
        single(
            "sqrt.approx.f32",
            |a, _| a.sqrt(),
            Relative,
            power(-23.0),
            "2^-23",
        ),
        single(
            "rsqrt.approx.f32",
            |a, _| a.sqrt().recip(),
            Relative,
            power(-22.9),
            "2^-22.9",
        ),
        within(
            [PI, 0.0],
            single(
                "sin.approx.f32",
                |a, _| a.sin(),
                Absolute,
                power(-20.5),
                "2^-20.5 in [-pi, pi]",
            ),
        ),
        within(
            [100.0 * PI, 0.0],
            single(
                "sin.approx.f32",
                |a, _| a.sin(),
                Absolute,
                power(-14.7),
                "2^-14.7 in [-100 pi, 100 pi]",
            ),
        ),
        within(
            [PI, 0.0],
            single(
                "cos.approx.f32",
                |a, _| a.cos(),
                Absolute,
                power(-20.5),
                "2^-20.5 in [-pi, pi]",
            ),
        ),
        within(
            [100.0 * PI, 0.0],
            single(
                "cos.approx.f32",
                |a, _| a.cos(),
                Absolute,
                power(-14.7),
                "2^-14.7 in [-100 pi, 100 pi]",
            ),
        ),
        within(
            [2.0, 0.5],
            single(
                "lg2.approx.f32",
                |a, _| a.log2(),
                Absolute,
                power(-22.0),
                "2^-22 in (0.5, 2)",
            ),
        ),
        Operation {
            excluded: [2.0, 0.5],
            ..single(
                "lg2.approx.f32",
                |a, _| a.log2(),
                Relative,
                power(-22.0),
                "2^-22 outside (0.5, 2)",
            )
        },
        single(
            "ex2.approx.f32",
            |a, _| a.exp2(),
            Relative,
            power(-22.0),
            "2^-22",
        ),
        single(
            "tanh.approx.f32",
            |a, _| a.tanh(),
            Relative,
            power(-11.0),
            "2^-11",
        ),
        of(
            Half,
            single(
                "ex2.approx.f16",
                |a, _| a.exp2(),
                Relative,
                power(-9.9),
                "2^-9.9",
            ),
        ),
        of(
            Bfloat,
            single(
                "ex2.approx.ftz.bf16",
                |a, _| a.exp2(),
                Relative,
                power(-7.0),
                "2^-7",
            ),
        ),
        of(
            Half,
            single(
                "tanh.approx.f16",
                |a, _| a.tanh(),
                Absolute,
                power(-10.987),
                "2^-10.987",
            ),
        ),
        of(
            Bfloat,
            single(
                "tanh.approx.bf16",
                |a, _| a.tanh(),
                Absolute,
                power(-8.0),
                "2^-8",
            ),
        ),
    ]
}

/// What was found of an operation.
struct Found {
    inputs: u64,
    error: f64,
    /// Bits of the operands at which it is largest.
    at: [u32; 2],
    /// Bits at which a special value was wrong, and the result's.
    wrong: Option<([u32; 2], u32)>,
}

/// Measures every operation whose name contains `filter` with the driver at `library`. Single precision takes
/// every `stride`-th bit pattern and all significands of two octaves; halves take all patterns.
///
/// # Errors
/// When the library cannot be loaded or refuses a kernel.
pub fn run(library: &Path, filter: &str, stride: u32, table: &mut Table) -> Result<Value> {
    // SAFETY: the user names the library as the driver under test.
    let driver = unsafe { Driver::load(library) }
        .with_context(|| format!("failed to load {}", library.display()))?;
    let at = |step: &'static str| move |error| anyhow!("{step}: {error}");
    driver.init().map_err(at("cuInit"))?;
    let device = driver.device_get(0).map_err(at("cuDeviceGet"))?;
    driver.ctx_create(device).map_err(at("cuCtxCreate"))?;
    let mut rows = Vec::new();
    for operation in operations() {
        if !operation.instruction.contains(filter) {
            continue;
        }
        let found = measure(&driver, &operation, stride.max(1))
            .with_context(|| format!("failed to measure {}", operation.instruction))?;
        table.add(Case {
            name: format!("{} ({})", operation.instruction, operation.documented),
            verdict: judge(&operation, &found),
            elapsed: std::time::Duration::ZERO,
        })?;
        rows.push(json!({
            "instruction": operation.instruction,
            "documented": operation.documented,
            "bound": operation.bound,
            "measure": operation.measure.name(),
            "largest": found.error,
            "inputs": found.inputs,
            "operands": found.at.iter().take(1 + usize::from(operation.binary)).collect::<Vec<_>>(),
        }));
    }
    Ok(Value::Array(rows))
}

fn judge(operation: &Operation, found: &Found) -> Verdict {
    if let Some((operands, result)) = found.wrong {
        return Verdict::Fail(format!(
            "of {operands:x?} it gives {result:#x}, which is not the special value"
        ));
    }
    if found.error > operation.bound {
        return Verdict::Fail(format!(
            "{} error {:.4e} at {:x?}, documented {:.4e}",
            operation.measure.name(),
            found.error,
            found.at,
            operation.bound
        ));
    }
    Verdict::Pass
}

fn measure(driver: &Driver, operation: &Operation, stride: u32) -> Result<Found> {
    let at = |step: &'static str| move |error| anyhow!("{step}: {error}");
    let text = kernel(operation);
    let module = driver
        .module_load_logged(text.as_bytes())
        .map_err(|(error, log)| anyhow!("cuModuleLoadDataEx: {error}: {log}"))?;
    let name = CString::new("measured")?;
    let function = driver
        .module_get_function(module, &name)
        .map_err(at("cuModuleGetFunction"))?;
    let bytes = BATCH as usize * operation.format.bytes() as usize;
    let buffers = [(); 3]
        .map(|()| driver.mem_alloc(bytes))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(at("cuMemAlloc"))?;
    let mut found = Found {
        inputs: 0,
        error: 0.0,
        at: [0; 2],
        wrong: None,
    };
    let mut inputs = Inputs::new(operation, stride);
    loop {
        let batch: Vec<[u32; 2]> = inputs.by_ref().take(BATCH as usize).collect();
        if batch.is_empty() {
            break;
        }
        for (place, &buffer) in buffers[..2].iter().enumerate() {
            let mut data = Vec::with_capacity(bytes);
            for operands in &batch {
                let word = operands[place].to_le_bytes();
                data.extend(&word[..operation.format.bytes() as usize]);
            }
            driver
                .memcpy_htod(buffer, &data)
                .map_err(at("cuMemcpyHtoD"))?;
        }
        let parameters = [buffers[0], buffers[1], buffers[2], batch.len() as u64];
        let grid = [BATCH / THREADS, 1, 1];
        driver
            .launch(function, grid, [THREADS, 1, 1], 0, &parameters)
            .map_err(at("cuLaunchKernel"))?;
        driver.ctx_synchronize().map_err(at("cuCtxSynchronize"))?;
        let mut results = vec![0; batch.len() * operation.format.bytes() as usize];
        driver
            .memcpy_dtoh(&mut results, buffers[2])
            .map_err(at("cuMemcpyDtoH"))?;
        let results = results.chunks_exact(operation.format.bytes() as usize);
        for (&operands, result) in batch.iter().zip(results) {
            let mut word = [0; 4];
            word[..result.len()].copy_from_slice(result);
            note(operation, &mut found, operands, u32::from_le_bytes(word));
        }
    }
    for buffer in buffers {
        driver.mem_free(buffer).map_err(at("cuMemFree"))?;
    }
    driver.module_unload(module).map_err(at("cuModuleUnload"))?;
    Ok(found)
}

/// Compares one result.
fn note(operation: &Operation, found: &mut Found, operands: [u32; 2], result: u32) {
    let format = operation.format;
    let [a, b] = operands.map(|bits| format.value(bits));
    let last = if operation.binary { b } else { a };
    let [greatest, least] = operation.range;
    let [excluded_greatest, excluded_least] = operation.excluded;
    let excluded = last.abs() < excluded_greatest && last.abs() > excluded_least;
    if last.abs() > greatest || last.abs() < least || excluded {
        return;
    }
    found.inputs += 1;
    let exact = (operation.exact)(a, b);
    let got = format.value(result);
    let rounded = format.rounded(exact);
    let flushes = operation.instruction.contains(".ftz");
    if flushes && exact.abs() < format.least_normal() && got == 0.0 {
        return;
    }
    if rounded.is_finite() && got.is_finite() {
        let error = operation.measure.of(format, got, exact);
        if error > found.error {
            found.error = error;
            found.at = operands;
        }
        return;
    }
    // The largest number may stand for infinity and infinity for it: both are one unit away.
    let near = (rounded.is_infinite()
        && got.abs() >= format.rounded(exact.signum() * f64::MAX).abs())
        || (got.is_infinite() && format.rounded(exact * (1.0 + power(-22.0))).is_infinite());
    let same = (rounded.is_nan() && got.is_nan()) || rounded == got || near;
    if !same && found.wrong.is_none() {
        found.wrong = Some((operands, result));
    }
}

/// The operands, in a fixed order.
struct Inputs {
    format: Format,
    binary: bool,
    stride: u32,
    /// Next pattern, and how far into the significands of two octaves.
    next: Option<u32>,
    octave: u32,
    state: u64,
}

/// Significands of [1, 4) in single precision.
const OCTAVES: u32 = 2 << 23;
const ONE: u32 = 0x3f80_0000;

impl Inputs {
    fn new(operation: &Operation, stride: u32) -> Self {
        Self {
            format: operation.format,
            binary: operation.binary,
            stride,
            next: Some(0),
            octave: if stride == 1 { OCTAVES } else { 0 },
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014), for the second operand.
    fn random(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from(z >> 32).unwrap_or(0)
    }
}

impl Iterator for Inputs {
    type Item = [u32; 2];

    fn next(&mut self) -> Option<[u32; 2]> {
        let (step, most) = match self.format {
            Format::Single => (self.stride, u32::MAX),
            Format::Half | Format::Bfloat => (1, 0xffff),
        };
        let first = match self.next {
            Some(bits) => {
                self.next = bits.checked_add(step).filter(|&next| next <= most);
                bits
            }
            None if self.format == Format::Single && self.octave < OCTAVES => {
                self.octave += 1;
                ONE + self.octave - 1
            }
            None => return None,
        };
        let second = if self.binary { self.random() } else { 0 };
        Some([first, second])
    }
}

/// A kernel that applies the instruction to each element.
fn kernel(operation: &Operation) -> String {
    let bits = operation.format.bytes() * 8;
    let shift = operation.format.bytes().trailing_zeros();
    let operands = if operation.binary { "%a, %b" } else { "%a" };
    let mut text = String::from(".version 8.0\n.target sm_89\n.address_size 64\n");
    let _ = write!(
        text,
        ".visible .entry measured(.param .u64 x, .param .u64 y, .param .u64 z, .param .u64 n)
{{
    .reg .pred %p;
    .reg .b{bits} %a, %b, %c;
    .reg .b32 %t, %i, %w;
    .reg .b64 %o, %q, %n, %l;
    mov.u32 %t, %tid.x;
    mov.u32 %i, %ctaid.x;
    mov.u32 %w, %ntid.x;
    mad.lo.u32 %i, %i, %w, %t;
    cvt.u64.u32 %l, %i;
    ld.param.u64 %n, [n];
    setp.ge.u64 %p, %l, %n;
    @%p ret;
    shl.b64 %o, %l, {shift};
    ld.param.u64 %q, [x];
    add.u64 %q, %q, %o;
    ld.global.b{bits} %a, [%q];
    ld.param.u64 %q, [y];
    add.u64 %q, %q, %o;
    ld.global.b{bits} %b, [%q];
    {} %c, {operands};
    ld.param.u64 %q, [z];
    add.u64 %q, %q, %o;
    st.global.b{bits} [%q], %c;
    ret;
}}
",
        operation.instruction
    );
    text
}

/// The page of what [`run`] found.
#[must_use]
pub fn page(rows: &Value, stride: u32) -> String {
    let mut page = String::from(
        "# Errors of approximate instructions\n\n\
         Generated by `cargo xtask conformance accuracy --page FILE`; not edited by hand. The largest error \
         measured, against double precision, beside the largest that the PTX ISA documents.\n\n",
    );
    let _ = writeln!(
        page,
        "Single precision: one in {stride} of the 2^32 bit patterns, and every significand from 1 to 4; the \
         divisors of a division are random. Halves: all bit patterns.\n\n\
         | instruction | documented | largest error | share of the bound | inputs | at |\n\
         |---|---|---|---|---|---|"
    );
    for row in rows.as_array().into_iter().flatten() {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let operands = row["operands"].as_array().into_iter().flatten();
        let operands: Vec<String> = operands
            .map(|bits| format!("`{:#x}`", bits.as_u64().unwrap_or(0)))
            .collect();
        let largest = number("largest");
        let told = match text("measure") {
            "ulp" => format!("{largest:.3} ulp"),
            measure => format!("2^{:.2} {measure}", largest.log2()),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {told} | {:.0} % | {} | {} |",
            text("instruction"),
            text("documented").replace('|', "\\|"),
            100.0 * largest / number("bound"),
            row["inputs"],
            operands.join(" ")
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_that_of_the_format() {
        assert_eq!(Format::Single.unit(1.5), 2.0f64.powi(-23));
        assert_eq!(Format::Single.unit(0.0), 2.0f64.powi(-149));
        assert_eq!(Format::Half.unit(-4.0), 2.0f64.powi(-8));
        assert_eq!(Format::Bfloat.unit(1.0), 2.0f64.powi(-7));
    }

    #[test]
    fn an_error_beyond_the_bound_and_a_wrong_special_value_fail() {
        let operations = operations();
        let rcp = operations
            .iter()
            .find(|operation| operation.instruction == "rcp.approx.f32")
            .expect("it is in the list");
        let check = |a: f32, result: f32| {
            let mut found = Found {
                inputs: 0,
                error: 0.0,
                at: [0; 2],
                wrong: None,
            };
            note(rcp, &mut found, [a.to_bits(), 0], result.to_bits());
            judge(rcp, &found)
        };
        assert_eq!(check(2.0, 0.5), Verdict::Pass);
        assert_eq!(check(3.0, 1.0 / 3.0), Verdict::Pass);
        assert!(matches!(check(2.0, 0.500_000_2), Verdict::Fail(_)));
        assert_eq!(check(0.0, f32::INFINITY), Verdict::Pass);
        assert!(matches!(check(0.0, 1.0), Verdict::Fail(_)));
        assert!(matches!(check(f32::NAN, 1.0), Verdict::Fail(_)));
        assert_eq!(check(f32::INFINITY, 0.0), Verdict::Pass);
    }
}
