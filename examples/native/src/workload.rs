//! The three workloads: each uploads its input, launches its kernel, and computes the same on
//! the CPU with the same operations in the same order, so that results must be equal.
//!
//! The kernels are those of `examples/cuda`, as `nvcc` compiled them to `examples/ptx`.

use std::fmt;

use crate::cuda::{Context, Error, Parameter};

/// What became of a workload.
pub(crate) struct Outcome {
    name: &'static str,
    /// The problem, in words.
    problem: String,
    /// Elements compared.
    count: usize,
    /// First index at which chip and CPU differ, with both values.
    difference: Option<String>,
    /// Something to look at.
    pub(crate) picture: Option<String>,
}

impl Outcome {
    fn compare<T: PartialEq + fmt::Debug>(
        name: &'static str,
        problem: String,
        got: &[T],
        want: &[T],
    ) -> Self {
        let difference = if got.len() == want.len() {
            let index = got.iter().zip(want).position(|(got, want)| got != want);
            index.map(|index| {
                let (got, want) = (&got[index], &want[index]);
                format!("element {index} is {got:?}, on the CPU {want:?}")
            })
        } else {
            Some(format!("{} elements, not {}", got.len(), want.len()))
        };
        Self {
            name,
            problem,
            count: want.len(),
            difference,
            picture: None,
        }
    }

    /// Whether the device computed what the CPU did.
    pub(crate) fn is_right(&self) -> bool {
        self.difference.is_none()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<12} {:<28} ", self.name, self.problem)?;
        match &self.difference {
            None => write!(
                formatter,
                "right: all {} elements equal the CPU's",
                self.count
            ),
            Some(difference) => write!(formatter, "WRONG: {difference}"),
        }
    }
}

/// Numbers in [-0.5, 0.5) from a linear congruential generator, so that every run is the same.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let high = u16::try_from(state >> 16).unwrap_or(0);
        f32::from(high) / 65_536.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// `value` as a kernel's `int`.
fn int(value: usize) -> Parameter {
    Parameter::Int(i32::try_from(value).expect("the problem sizes are small"))
}

/// Blocks of `block` that cover `count`.
fn blocks(count: usize, block: u32) -> u32 {
    u32::try_from(count)
        .expect("the problem sizes are small")
        .div_ceil(block)
}

/// `c = a + b`.
pub(crate) fn vector_add(context: &Context<'_>) -> Result<Outcome, Error> {
    const COUNT: usize = 1_000_003;
    const BLOCK: u32 = 256;
    let (a, b) = (numbers(COUNT, 1), numbers(COUNT, 2));
    let want: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();

    let module = context.load(include_str!("../../ptx/vector_add.ptx"))?;
    let kernel = module.kernel(c"vector_add")?;
    let (a, b) = (context.upload(&a)?, context.upload(&b)?);
    let c = context.upload(&vec![0.0; COUNT])?;
    let parameters = [(&a).into(), (&b).into(), (&c).into(), int(COUNT)];
    // SAFETY: the kernel takes three arrays of `n` floats and the int `n`.
    unsafe { kernel.launch((blocks(COUNT, BLOCK), 1), (BLOCK, 1), &parameters) }?;
    context.synchronize()?;

    let problem = format!("{COUNT} floats");
    Ok(Outcome::compare(
        "vector add",
        problem,
        &c.download()?,
        &want,
    ))
}

/// `C = A * B` through tiles in shared memory.
pub(crate) fn sgemm(context: &Context<'_>) -> Result<Outcome, Error> {
    const M: usize = 200;
    const N: usize = 170;
    const K: usize = 130;
    const TILE: u32 = 16;
    let (a, b) = (numbers(M * K, 3), numbers(K * N, 4));
    let mut want = vec![0.0_f32; M * N];
    for row in 0..M {
        for column in 0..N {
            want[row * N + column] =
                (0..K).fold(0.0, |sum, k| a[row * K + k].mul_add(b[k * N + column], sum));
        }
    }

    let module = context.load(include_str!("../../ptx/matmul_tiled.ptx"))?;
    let kernel = module.kernel(c"matmul_tiled")?;
    let (a, b) = (context.upload(&a)?, context.upload(&b)?);
    let c = context.upload(&vec![0.0; M * N])?;
    let parameters = [
        (&a).into(),
        (&b).into(),
        (&c).into(),
        int(M),
        int(N),
        int(K),
    ];
    let grid = (blocks(N, TILE), blocks(M, TILE));
    // SAFETY: the kernel takes matrices of m*k, k*n and m*n floats and the ints m, n, k.
    unsafe { kernel.launch(grid, (TILE, TILE), &parameters) }?;
    context.synchronize()?;

    let problem = format!("{M} x {K} by {K} x {N}");
    Ok(Outcome::compare(
        "tiled SGEMM",
        problem,
        &c.download()?,
        &want,
    ))
}

/// Escape counts of the Mandelbrot set.
pub(crate) fn mandelbrot(context: &Context<'_>) -> Result<Outcome, Error> {
    const WIDTH: usize = 78;
    const HEIGHT: usize = 60;
    const LIMIT: i32 = 256;
    const LEFT: f32 = -2.1;
    const TOP: f32 = -1.2;
    const STEP: f32 = 0.04;
    let mut want = vec![0; WIDTH * HEIGHT];
    for (row, counts) in (0_u16..).zip(want.chunks_mut(WIDTH)) {
        let y = f32::from(row).mul_add(STEP, TOP);
        for (column, count) in (0_u16..).zip(counts) {
            let x = f32::from(column).mul_add(STEP, LEFT);
            *count = escape_count(x, y, LIMIT);
        }
    }

    let module = context.load(include_str!("../../ptx/mandelbrot.ptx"))?;
    let kernel = module.kernel(c"mandelbrot")?;
    let counts = context.upload(&vec![0_i32; WIDTH * HEIGHT])?;
    let parameters = [
        (&counts).into(),
        int(WIDTH),
        int(HEIGHT),
        Parameter::Float(LEFT),
        Parameter::Float(TOP),
        Parameter::Float(STEP),
        Parameter::Int(LIMIT),
    ];
    let block = (32, 4);
    let grid = (blocks(WIDTH, block.0), blocks(HEIGHT, block.1));
    // SAFETY: the kernel takes width*height ints, two ints, three floats and an int.
    unsafe { kernel.launch(grid, block, &parameters) }?;
    context.synchronize()?;

    let got = counts.download()?;
    let problem = format!("{WIDTH} x {HEIGHT}, up to {LIMIT} steps");
    let mut outcome = Outcome::compare("Mandelbrot", problem, &got, &want);
    outcome.picture = Some(picture(&got, WIDTH));
    Ok(outcome)
}

/// Steps until the orbit of `cx + i cy` leaves the circle of radius 2; the kernel's arithmetic.
fn escape_count(cx: f32, cy: f32, limit: i32) -> i32 {
    let (mut x, mut y) = (0.0_f32, 0.0_f32);
    for count in 0..limit {
        let y_squared = y * y;
        if x.mul_add(x, y_squared) > 4.0 {
            return count;
        }
        let next_x = x.mul_add(x, cx - y_squared);
        y = (2.0 * x).mul_add(y, cy);
        x = next_x;
    }
    limit
}

/// Every second row as text: a character is twice as high as wide.
fn picture(counts: &[i32], width: usize) -> String {
    const SHADES: &[u8] = b" .:-=+*#%@";
    let mut text = String::new();
    for row in counts.chunks(width).step_by(2) {
        for &count in row {
            // Each shade is twice the count of the one before.
            let shade = usize::try_from(count.max(1).ilog2()).unwrap_or(0);
            text.push(char::from(SHADES[shade.min(SHADES.len() - 1)]));
        }
        text.push('\n');
    }
    text
}
