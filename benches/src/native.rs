//! The baseline: the kernels' loops as Rust, one thread, with all the vector instructions that
//! the host offers.
//!
//! Each function does the kernel's arithmetic in the kernel's order, so results are equal, and
//! is written the way a programmer would who wants the compiler to vectorise it: it is no
//! tuned library, and no straw man either.

/// Applies `$body` with FMA and AVX2 enabled where the host has them.
///
/// `f32::mul_add` without hardware support is a library call: a baseline compiled for the
/// oldest x86-64 would be an order of magnitude too slow.
macro_rules! multiversioned {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) {
            #[inline(always)]
            fn generic($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($argument: $type),*) {
                    generic($($argument),*);
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the host has just been asked for both features.
                    unsafe { wide($($argument),*) };
                    return;
                }
            }
            generic($($argument),*);
        }
    };
}

multiversioned! {
    /// `c = a + b`.
    fn vector_add(a: &[f32], b: &[f32], c: &mut [f32]) {
        for ((c, a), b) in c.iter_mut().zip(a).zip(b) {
            *c = a + b;
        }
    }
}

multiversioned! {
    /// `y += a * x`.
    fn saxpy(a: f32, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = a.mul_add(*x, *y);
        }
    }
}

multiversioned! {
    /// Eight rows by 32 columns: `c += a' * b`, of which `a` has eight and `b` 32 elements for
    /// each k.
    fn gemm_block(a: &[f32], b: &[f32], c: &mut [[f32; 32]; 8]) {
        // A quarter of the columns at a time: the accumulators fit the host's registers.
        for part in 0..4 {
            let mut sums = [[0.0; 8]; 8];
            for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(32)) {
                let b = &b[8 * part..][..8];
                for row in 0..8 {
                    for column in 0..8 {
                        sums[row][column] = a[row].mul_add(b[column], sums[row][column]);
                    }
                }
            }
            for row in 0..8 {
                for column in 0..8 {
                    c[row][8 * part + column] += sums[row][column];
                }
            }
        }
    }
}

/// Shape of a matrix product: `m x k` by `k x n`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Rows of A and C.
    pub(crate) m: usize,
    /// Columns of B and C.
    pub(crate) n: usize,
    /// Columns of A, rows of B.
    pub(crate) k: usize,
}

multiversioned! {
    /// `C = A * B`, row-major; each element one chain of fused multiply-adds over k.
    fn sgemm(a: &[f32], b: &[f32], c: &mut [f32], shape: Shape) {
        // Columns that stay in registers: four vectors of eight.
        const COLUMNS: usize = 32;
        let Shape { n, k, .. } = shape;
        for (a, c) in a.chunks_exact(k).zip(c.chunks_exact_mut(n)) {
            let mut tiles = c.chunks_exact_mut(COLUMNS);
            let mut column = 0;
            for c in &mut tiles {
                let mut sums = [0.0_f32; COLUMNS];
                for (a, b) in a.iter().zip(b.chunks_exact(n)) {
                    let b = &b[column..column + COLUMNS];
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = a.mul_add(*b, *sum);
                    }
                }
                c.copy_from_slice(&sums);
                column += COLUMNS;
            }
            for c in tiles.into_remainder() {
                *c = a.iter().zip(b.chunks_exact(n)).fold(0.0, |sum, (a, b)| a.mul_add(b[column], sum));
                column += 1;
            }
        }
    }
}

/// A part of the complex plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Columns of the picture.
    pub(crate) width: usize,
    /// Real part of column 0.
    pub(crate) left: f32,
    /// Imaginary part of row 0.
    pub(crate) top: f32,
    /// Distance of neighbouring points.
    pub(crate) step: f32,
    /// Most iterations of a point.
    pub(crate) limit: i32,
}

multiversioned! {
    /// Escape counts, row by row, a point at a time.
    fn mandelbrot(counts: &mut [i32], view: View) {
        for (row, counts) in (0_u16..).zip(counts.chunks_exact_mut(view.width)) {
            let cy = f32::from(row).mul_add(view.step, view.top);
            for (column, count) in (0_u16..).zip(counts) {
                let cx = f32::from(column).mul_add(view.step, view.left);
                let (mut x, mut y) = (0.0_f32, 0.0_f32);
                *count = view.limit;
                for step in 0..view.limit {
                    let y_squared = y * y;
                    if x.mul_add(x, y_squared) > 4.0 {
                        *count = step;
                        break;
                    }
                    let next_x = x.mul_add(x, cx - y_squared);
                    y = (2.0 * x).mul_add(y, cy);
                    x = next_x;
                }
            }
        }
    }
}
