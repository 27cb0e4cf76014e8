//! Kernels on the chip against plain Rust, over shapes that do not fit tiles.

use super::{
    ATTENTION_ROWS, BLOCK_TOKENS, HEAD_DIM_MAX, HeadTransform, Heads, Input, Kernels, LayerCache,
    Norm, Paging, Product, Quantized, Targets, reference,
};
use crate::accelerator::{Accelerator, ChipAccelerator, DeviceAddress};
use crate::matrix::{Matrix, Packed};
use crate::quantization::{KvCacheFormat, Quantization};
use crate::weights::{StoredType, Tensor};

/// Relative to the largest value of a result: sums in f32 of at most a few hundred products, and
/// the approximate reciprocal root and exponential.
const TOLERANCE: f32 = 2e-6;

struct Bench {
    device: Box<dyn Accelerator>,
    kernels: Kernels,
    random: u64,
}

impl Bench {
    fn new() -> Self {
        let chip = ChipAccelerator::new(weft_driver::Config::default()).expect("a chip");
        Self {
            device: Box::new(chip),
            kernels: Kernels::default(),
            random: 1,
        }
    }

    /// Values in [-1, 1), representable in bf16 and f16.
    fn random(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.random = self
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            #[expect(clippy::cast_precision_loss, reason = "eight bits")]
            let value = (self.random >> 56) as f32;
            value / 128.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn upload(&mut self, values: &[f32]) -> DeviceAddress {
        let words: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        self.upload_words(&words)
    }

    fn upload_words(&mut self, words: &[u32]) -> DeviceAddress {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let address = self.device.allocate(bytes.len() as u64).expect("memory");
        self.device.write(address, &bytes).expect("a copy");
        address
    }

    fn words(&mut self, from: DeviceAddress, count: usize) -> Vec<u32> {
        let mut bytes = vec![0; count * 4];
        self.device.read(from, &mut bytes).expect("a copy");
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|&word| u32::from_le_bytes(word)).collect()
    }

    fn values(&mut self, from: DeviceAddress, count: usize) -> Vec<f32> {
        let words = self.words(from, count);
        words.into_iter().map(f32::from_bits).collect()
    }

    /// A buffer of values that no kernel computes.
    fn scratch(&mut self, count: usize) -> DeviceAddress {
        self.upload(&vec![-777.0; count])
    }

    fn matrix(&mut self, values: &[f32], outputs: u32, stored: StoredType) -> Matrix {
        let packed = pack(values, outputs, stored, Quantization::None);
        packed.upload(self.device.as_mut()).expect("memory")
    }
}

fn pack(values: &[f32], outputs: u32, stored: StoredType, to: Quantization) -> Packed {
    let inputs = values.len() as u64 / u64::from(outputs);
    let bytes = values.iter().flat_map(|&value| match stored {
        StoredType::F32 => value.to_le_bytes().to_vec(),
        StoredType::F16 => half::f16::from_f32(value).to_le_bytes().to_vec(),
        StoredType::Bf16 => half::bf16::from_f32(value).to_le_bytes().to_vec(),
    });
    let tensor = Tensor {
        name: "w".to_owned(),
        shape: vec![u64::from(outputs), inputs],
        stored,
        bytes: bytes.collect(),
    };
    Packed::stack(&[tensor], to).expect("a matrix")
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_within(found, expected, what, TOLERANCE);
}

#[track_caller]
fn assert_within(found: &[f32], expected: &[f32], what: &str, tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let peak = expected
        .iter()
        .fold(1e-3f32, |peak, value| peak.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance * peak,
            "{what}: value {index} is {found}, not {expected}: off by {difference:e} of {peak}"
        );
    }
}

const TYPES: [StoredType; 3] = [StoredType::F32, StoredType::Bf16, StoredType::F16];

#[test]
fn matmul_is_the_product() {
    let mut bench = Bench::new();
    for (rows, outputs, inputs) in [
        (1, 1, 1),
        (1, 33, 7),
        (3, 32, 64),
        (8, 31, 65),
        (9, 64, 96),
        (17, 5, 129),
    ] {
        for stored in TYPES {
            let what = format!("{rows} x {outputs} x {inputs} {stored:?}");
            let x = bench.random(rows * inputs);
            let w = bench.random(outputs * inputs);
            let bias = bench.random(outputs);
            let before = bench.random(rows * outputs);
            let outputs_u32 = u32::try_from(outputs).expect("small");
            let matrix = bench.matrix(&w, outputs_u32, stored);
            let product = Product {
                y: bench.upload(&before),
                x: Input::Values(bench.upload(&x)),
                rows: u32::try_from(rows).expect("small"),
                bias: bench.upload(&bias),
                accumulate: true,
            };
            let Bench {
                device, kernels, ..
            } = &mut bench;
            kernels
                .matmul(device.as_mut(), &product, &matrix)
                .expect("a launch");
            let found = bench.values(product.y, rows * outputs);
            let mut expected = reference::matmul(&x, &w, inputs);
            for (index, value) in expected.iter_mut().enumerate() {
                *value += bias[index % outputs] + before[index];
            }
            assert_close(&found, &expected, &what);
        }
    }
}

/// A row's result must not depend on the rows beside it: answers would depend on the batch.
#[test]
fn a_row_is_the_same_bits_in_every_batch() {
    let mut bench = Bench::new();
    let (rows, outputs, inputs) = (11, 40, 100);
    let x = bench.random(rows * inputs);
    let w = bench.random(outputs * inputs);
    let matrix = bench.matrix(&w, 40, StoredType::Bf16);
    let x_at = bench.upload(&x);
    let mut run = |first: usize, rows: usize| {
        let product = Product {
            y: bench.scratch(rows * outputs),
            x: Input::Values(x_at + (first * inputs * 4) as u64),
            rows: u32::try_from(rows).expect("small"),
            bias: 0,
            accumulate: false,
        };
        let Bench {
            device, kernels, ..
        } = &mut bench;
        kernels
            .matmul(device.as_mut(), &product, &matrix)
            .expect("a launch");
        bench.words(product.y, rows * outputs)
    };
    let all = run(0, rows);
    for row in 0..rows {
        assert_eq!(run(row, 1), all[row * outputs..][..outputs], "row {row}");
    }
}

#[test]
fn embedding_takes_rows() {
    let mut bench = Bench::new();
    for stored in TYPES {
        let (vocabulary, hidden) = (37, 33);
        let w = bench.random(vocabulary * hidden);
        let matrix = bench.matrix(&w, 37, stored);
        let tokens = [36, 0, 5, 5];
        let at = bench.upload_words(&tokens);
        let y = bench.scratch(tokens.len() * hidden);
        let Bench {
            device, kernels, ..
        } = &mut bench;
        kernels
            .embedding(device.as_mut(), y, at, 4, &matrix)
            .expect("a launch");
        let expected: Vec<f32> = tokens
            .iter()
            .flat_map(|&token| w[token as usize * hidden..][..hidden].to_vec())
            .collect();
        assert_eq!(bench.values(y, expected.len()), expected, "{stored:?}");
    }
}

#[test]
fn rms_norm_is_the_norm() {
    let mut bench = Bench::new();
    for (rows, width) in [(1, 1), (2, 31), (3, 160), (1, 257), (2, 1000)] {
        let x = bench.random(rows * width);
        let w = bench.random(width);
        let (x_at, w_at) = (bench.upload(&x), bench.upload(&w));
        let y = bench.scratch(rows * width);
        let [rows_u32, width_u32] = [rows, width].map(|n| u32::try_from(n).expect("small"));
        let norm = Norm {
            weights: w_at,
            width: width_u32,
            eps: 1e-5,
        };
        let Bench {
            device, kernels, ..
        } = &mut bench;
        kernels
            .rms_norm(device.as_mut(), y, x_at, &norm, rows_u32)
            .expect("a launch");
        let found = bench.values(y, rows * width);
        assert_close(
            &found,
            &reference::rms_norm(&x, &w, 1e-5),
            &format!("{rows} x {width}"),
        );
    }
}

#[test]
fn silu_mul_is_the_gate() {
    let mut bench = Bench::new();
    for (rows, width) in [(1, 1), (3, 255), (2, 300)] {
        let x: Vec<f32> = bench
            .random(rows * 2 * width)
            .iter()
            .map(|v| v * 8.0)
            .collect();
        let x_at = bench.upload(&x);
        let y = bench.scratch(rows * width);
        let shape = [rows, width].map(|extent| u32::try_from(extent).expect("small"));
        let Bench {
            device, kernels, ..
        } = &mut bench;
        kernels
            .silu_mul(device.as_mut(), y, x_at, shape)
            .expect("a launch");
        let found = bench.values(y, rows * width);
        assert_close(
            &found,
            &reference::silu_mul(&x, width),
            &format!("{rows} x {width}"),
        );
    }
}

/// Two sequences of different lengths in scattered blocks; every row of both, from the qkv
/// projection to the output of attention.
#[test]
fn attention_is_softmax_over_the_sequence() {
    let mut bench = Bench::new();
    // Query heads, key and value heads, width, whether q and k are normed.
    for (query, kv, dim, normed) in [
        (1, 1, 2, false),
        (5, 1, 32, true),
        (4, 2, 16, false),
        (9, 3, 64, false),
        (2, 2, 96, true),
        (2, 1, 256, true),
    ] {
        check_attention(&mut bench, (query, kv, dim), normed, KvCacheFormat::F32);
        if dim % 4 == 0 {
            check_attention(&mut bench, (query, kv, dim), normed, KvCacheFormat::Int8);
        }
    }
}

fn check_attention(
    bench: &mut Bench,
    (query, kv, dim): (usize, usize, usize),
    normed: bool,
    format: KvCacheFormat,
) {
    let what = format!("{query}/{kv} heads of {dim}, {format:?}");
    let small = |value: usize| u32::try_from(value).expect("small");
    let lengths = [35usize, 3];
    let tables: [&[u32]; 2] = [&[4, 1], &[2, 0]];
    let rows: usize = lengths.iter().sum();
    let width = (query + 2 * kv) * dim;
    let qkv = bench.random(rows * width);
    let norms = [bench.random(dim), bench.random(dim)];
    let positions: Vec<u32> = lengths.iter().flat_map(|&n| (0..).take(n)).collect();
    let sequences: Vec<u32> = (0..).zip(lengths).flat_map(|(s, n)| vec![s; n]).collect();
    let angle = |position: u32, pair: usize| {
        f64::from(position) * 0.3f64.powi(i32::try_from(pair % 9).expect("small"))
    };
    let angles_of = |position: u32| {
        (0..dim / 2)
            .map(|pair| angle(position, pair))
            .collect::<Vec<_>>()
    };
    #[expect(clippy::cast_possible_truncation, reason = "the table is f32")]
    let table: Vec<f32> = (0..40)
        .flat_map(|position| {
            let angles = angles_of(position);
            let cosines: Vec<f32> = angles.iter().map(|a| a.cos() as f32).collect();
            let sines = angles.iter().map(|a| a.sin() as f32);
            cosines.into_iter().chain(sines).collect::<Vec<_>>()
        })
        .collect();
    let cache_words = 5 * kv * dim * BLOCK_TOKENS as usize;
    let cache = LayerCache {
        keys: bench.scratch(cache_words),
        values: bench.scratch(cache_words + HEAD_DIM_MAX as usize),
        scales: [(); 2].map(|()| bench.scratch(5 * kv * BLOCK_TOKENS as usize)),
        format,
    };
    let paging = Paging {
        positions: bench.upload_words(&positions),
        sequences: bench.upload_words(&sequences),
        tables: bench.upload_words(&tables.concat()),
        table_stride: 2,
        tiles: 0,
        tile_count: 0,
        tile_rows: 0,
        blocks_max: 2,
    };
    // Every row alone, and in tiles of which the last of a sequence is not full.
    let single: Vec<[u32; 2]> = (0..small(rows)).map(|row| [row, 1]).collect();
    let tiled: Vec<[u32; 2]> = (0..9)
        .map(|tile| [4 * tile, if tile == 8 { 3 } else { 4 }])
        .chain([[35, 3]])
        .collect();
    let heads = Heads {
        query: small(query),
        kv: small(kv),
        dim: small(dim),
    };
    let eps = 1e-6;
    let transform = HeadTransform {
        norms: if normed {
            [bench.upload(&norms[0]), bench.upload(&norms[1])]
        } else {
            [0, 0]
        },
        eps,
        angles: bench.upload(&table),
    };
    let qkv_at = bench.upload(&qkv);
    let Bench {
        device, kernels, ..
    } = bench;
    let cached = (&paging, cache, heads);
    kernels
        .attention_input(device.as_mut(), qkv_at, small(rows), cached, &transform)
        .expect("a launch");
    // In tiles of which one sees a block that its first rows do not see.
    let crossing: Vec<[u32; 2]> = [[0, 2]]
        .into_iter()
        .chain((0..8).map(|tile| [2 + 4 * tile, 4]))
        .chain([[34, 1], [35, 3]])
        .collect();
    let mut attend = |tiles: &[[u32; 2]], tile_rows: u32, blocks_max: u32| {
        let paging = Paging {
            tiles: bench.upload_words(tiles.as_flattened()),
            tile_count: small(tiles.len()),
            tile_rows,
            blocks_max,
            ..paging
        };
        let out = bench.scratch(rows * query * dim);
        let cached = (&paging, cache, heads);
        let Bench {
            device, kernels, ..
        } = &mut *bench;
        kernels
            .paged_attention(device.as_mut(), out, qkv_at, cached)
            .expect("a launch");
        bench.values(out, rows * query * dim)
    };
    let found = attend(&single, 1, 2);
    for (tiles, blocks_max) in [(&tiled, 2), (&tiled, 9), (&crossing, 2)] {
        assert_eq!(
            found,
            attend(tiles, ATTENTION_ROWS, blocks_max),
            "{what}: the same bits in tiles"
        );
    }

    let head = |row: usize, head: usize| &qkv[row * width + head * dim..][..dim];
    let turned = |row: usize, index: usize, norm: usize| {
        let plain = head(row, index);
        let value = if normed {
            reference::rms_norm(plain, &norms[norm], eps)
        } else {
            plain.to_vec()
        };
        reference::rotate(&value, &angles_of(positions[row]))
    };
    let mut expected = Vec::new();
    for (row, &position) in positions.iter().enumerate() {
        let first = row - position as usize;
        for index in 0..query {
            let kv_head = index / (query / kv);
            let keys: Vec<_> = (first..=row)
                .map(|r| turned(r, query + kv_head, 1))
                .collect();
            let values: Vec<_> = (first..=row)
                .map(|r| head(r, query + kv + kv_head).to_vec())
                .collect();
            let kept = |vectors: Vec<Vec<f32>>| match format {
                KvCacheFormat::F32 => vectors,
                KvCacheFormat::Int8 => vectors.iter().map(|v| reference::eight_bits(v)).collect(),
            };
            let (keys, values) = (kept(keys), kept(values));
            expected.extend(reference::attention(&turned(row, index, 0), &keys, &values));
        }
    }
    match format {
        KvCacheFormat::F32 => assert_close(&found, &expected, &what),
        // A key that lies between two of 255 steps may be rounded to either, after a rotation
        // in other precision: the output then moves by a part of a step.
        KvCacheFormat::Int8 => assert_within(&found, &expected, &what, 2e-3),
    }
}

#[test]
fn experts_are_routed_multiplied_and_combined() {
    let mut bench = Bench::new();
    for (rows, experts, chosen, normalise) in [
        (1, 2, 1, false),
        (3, 8, 2, true),
        (11, 33, 8, true),
        (2, 128, 3, false),
    ] {
        for to in [Quantization::None, Quantization::Int8, Quantization::Int4] {
            check_experts(&mut bench, (rows, experts, chosen, normalise), to);
        }
    }
}

fn check_experts(
    bench: &mut Bench,
    (rows, experts, chosen, normalise): (usize, usize, usize, bool),
    to: Quantization,
) {
    let what = format!("{chosen} of {experts} experts, {to:?}");
    let (inputs, outputs) = (35usize, 40usize);
    let small = |value: usize| u32::try_from(value).expect("small");
    let logits: Vec<f32> = bench
        .random(rows * experts)
        .iter()
        .map(|v| v * 3.0)
        .collect();
    let x = bench.random(rows * inputs);
    let w = bench.random(experts * outputs * inputs);
    let before = bench.random(rows * outputs);
    let mut matrix: Option<Matrix> = None;
    for (index, each) in (0u64..).zip(w.chunks_exact(outputs * inputs)) {
        let packed = pack(each, small(outputs), StoredType::Bf16, to);
        let device = bench.device.as_mut();
        let matrix =
            *matrix.get_or_insert_with(|| packed.allocate(device, experts as u64).expect("memory"));
        assert!(
            packed
                .write(bench.device.as_mut(), &matrix, index)
                .expect("a copy")
        );
    }
    let matrix = matrix.expect("at least one expert");
    let pairs = rows * chosen;
    let (logits_at, x_at) = (bench.upload(&logits), bench.upload(&x));
    let experts_at = bench.upload_words(&vec![9999; pairs]);
    let (weights_at, parts) = (bench.scratch(pairs), bench.scratch(pairs * outputs));
    let quantized = bench.quantized(rows, inputs);
    let y = bench.upload(&before);
    let Bench {
        device, kernels, ..
    } = bench;
    let device = device.as_mut();
    let shape = (small(rows), small(experts), small(chosen), normalise);
    kernels
        .moe_route(device, experts_at, weights_at, logits_at, shape)
        .expect("a launch");
    let input = kernels
        .input(device, x_at, small(rows), quantized, &matrix)
        .expect("a launch");
    let shape = (small(pairs), small(chosen));
    kernels
        .expert_matmul(device, parts, input, experts_at, shape, &matrix)
        .expect("a launch");
    let shape = [small(rows), small(chosen), small(outputs)];
    kernels
        .moe_combine(device, y, parts, weights_at, shape)
        .expect("a launch");
    let found = bench.values(y, rows * outputs);
    let ids = bench.words(experts_at, pairs);
    let mut expected = before;
    for row in 0..rows {
        let row_logits = &logits[row * experts..][..experts];
        let (wanted, weights) = reference::route(row_logits, chosen, normalise);
        assert_eq!(ids[row * chosen..][..chosen], wanted, "{what}, row {row}");
        for (&expert, weight) in wanted.iter().zip(weights) {
            let matrix = &w[expert as usize * outputs * inputs..][..outputs * inputs];
            let part = reference::product(&x[row * inputs..][..inputs], matrix, inputs, to);
            for (to, value) in expected[row * outputs..].iter_mut().zip(part) {
                *to += weight * value;
            }
        }
    }
    assert_close(&found, &expected, &what);
}

/// Rows on both sides of the limit between the two integer kernels.
#[test]
fn quantized_products_are_those_of_the_quantized_values() {
    let mut bench = Bench::new();
    let small = |value: usize| u32::try_from(value).expect("small");
    for (rows, outputs, inputs) in [
        (1, 1, 1),
        (1, 40, 33),
        (3, 16, 64),
        (8, 130, 300),
        (9, 17, 31),
        (37, 150, 96),
    ] {
        for to in [Quantization::Int8, Quantization::Int4] {
            let what = format!("{rows} x {outputs} x {inputs} {to:?}");
            let x = bench.random(rows * inputs);
            let w = bench.random(outputs * inputs);
            let (bias, before) = (bench.random(outputs), bench.random(rows * outputs));
            let packed = pack(&w, small(outputs), StoredType::F32, to);
            let matrix = packed.upload(bench.device.as_mut()).expect("memory");
            let quantized = bench.quantized(rows, inputs);
            let x_at = bench.upload(&x);
            let (y, bias_at) = (bench.upload(&before), bench.upload(&bias));
            let Bench {
                device, kernels, ..
            } = &mut bench;
            let device = device.as_mut();
            let product = Product {
                y,
                x: kernels
                    .input(device, x_at, small(rows), quantized, &matrix)
                    .expect("a launch"),
                rows: small(rows),
                bias: bias_at,
                accumulate: true,
            };
            kernels.matmul(device, &product, &matrix).expect("a launch");
            let found = bench.values(y, rows * outputs);
            let mut expected = reference::product(&x, &w, inputs, to);
            for (index, value) in expected.iter_mut().enumerate() {
                *value += bias[index % outputs] + before[index];
            }
            assert_close(&found, &expected, &what);
        }
    }
}

/// The fused forms quantise what the plain kernels compute: no value is off by more than one of
/// 127 steps.
#[test]
fn fused_norm_and_gate_are_quantized() {
    let mut bench = Bench::new();
    let small = |value: usize| u32::try_from(value).expect("small");
    for (rows, width) in [(1, 1), (9, 33), (3, 260)] {
        let x = bench.random(rows * width);
        let gates: Vec<f32> = bench
            .random(rows * 2 * width)
            .iter()
            .map(|v| v * 4.0)
            .collect();
        let w = bench.random(width);
        // The only thing asked of the matrix is its format and inputs.
        let packed = pack(&w, 1, StoredType::F32, Quantization::Int8);
        let matrix = packed.upload(bench.device.as_mut()).expect("memory");
        let norm = Norm {
            weights: bench.upload(&w),
            width: small(width),
            eps: 1e-5,
        };
        let to = Targets {
            values: 0,
            quantized: bench.quantized(rows, width),
        };
        let tiled = interleaved(&gates, rows, width);
        let (x_at, gates_at) = (bench.upload(&x), bench.upload(&tiled));
        for (what, expected) in [
            ("norm", reference::rms_norm(&x, &w, 1e-5)),
            ("gate", reference::silu_mul(&gates, width)),
        ] {
            let Bench {
                device, kernels, ..
            } = &mut bench;
            let device = device.as_mut();
            let result = if what == "norm" {
                kernels.norm_input(device, to, x_at, &norm, small(rows), &matrix)
            } else {
                kernels.gate_input(device, to, gates_at, small(rows), &matrix)
            };
            result.expect("a launch");
            let scales = bench.values(to.quantized.scales, rows);
            let words = bench.words(to.quantized.words, quantized_words(rows, width));
            for row in 0..rows {
                let expected = &expected[row * width..][..width];
                let peak = expected.iter().fold(0.0f32, |peak, v| peak.max(v.abs()));
                assert!((scales[row] * 127.0 - peak).abs() <= 1e-5 * peak, "{what}");
                for (input, expected) in expected.iter().enumerate() {
                    let tile = (row / 32 * width.div_ceil(32) + input / 32) * 4 + row / 8 % 4;
                    let word =
                        words[tile * 64 + input % 32 / 16 * 32 + row % 8 * 4 + input % 16 / 4];
                    let byte = word.to_le_bytes()[input % 4].cast_signed();
                    let difference = (f32::from(byte) * scales[row] - expected).abs();
                    assert!(difference <= 0.501 * scales[row], "{what} {row} {input}");
                }
            }
        }
    }
}

/// Rows of gates and what they gate, [2, width], as tiles of 16 in turns.
fn interleaved(gates: &[f32], rows: usize, width: usize) -> Vec<f32> {
    let stride = width.next_multiple_of(16) * 2;
    let mut tiled = vec![f32::NAN; rows * stride];
    for row in 0..rows {
        for part in 0..2 {
            for i in 0..width {
                let to = row * stride + (i / 16 * 2 + part) * 16 + i % 16;
                tiled[to] = gates[(row * 2 + part) * width + i];
            }
        }
    }
    tiled
}

/// Words of activations in groups of four tiles of 8 rows by 32 inputs.
fn quantized_words(rows: usize, inputs: usize) -> usize {
    rows.div_ceil(32) * inputs.div_ceil(32) * 256
}

impl Bench {
    fn quantized(&mut self, rows: usize, inputs: usize) -> Quantized {
        Quantized {
            words: self.scratch(quantized_words(rows, inputs)),
            scales: self.scratch(rows),
        }
    }
}
