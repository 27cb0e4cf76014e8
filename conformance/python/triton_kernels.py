"""Kernels of Triton's tutorials without PyTorch, compared with NumPy.

Triton compiles to PTX; `weft run` gives it an assembler that hands the PTX on. Arrays are device memory
of the driver API behind objects with `data_ptr()` and `dtype`, which is all that a launch asks for.
"""

import ctypes

import numpy as np
import triton
import triton.language as tl

from suite import main, test

_cuda = ctypes.CDLL("libcuda.so.1")


def _check(code):
    if code != 0:
        name = ctypes.c_char_p()
        _cuda.cuGetErrorName(code, ctypes.byref(name))
        raise RuntimeError(name.value.decode() if name.value else f"CUDA error {code}")


def _context():
    context, device = ctypes.c_void_p(), ctypes.c_int()
    _check(_cuda.cuInit(0))
    _check(_cuda.cuDeviceGet(ctypes.byref(device), 0))
    _check(_cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
    _check(_cuda.cuCtxSetCurrent(context))


_context()


class Array:
    """A NumPy array's copy in device memory."""

    def __init__(self, host, dtype=None):
        self.host = np.ascontiguousarray(host)
        self.dtype = dtype or {
            "float32": "fp32", "float16": "fp16", "int32": "i32", "int8": "i8", "uint16": "bf16",
        }[self.host.dtype.name]
        self._pointer = ctypes.c_uint64()
        size = ctypes.c_size_t(max(self.host.nbytes, 16))
        _check(_cuda.cuMemAlloc_v2(ctypes.byref(self._pointer), size))
        _check(_cuda.cuMemcpyHtoD_v2(self._pointer, self.host.ctypes.data_as(ctypes.c_void_p),
                                     ctypes.c_size_t(self.host.nbytes)))

    def data_ptr(self):
        return self._pointer.value

    def numpy(self):
        _check(_cuda.cuCtxSynchronize())
        out = np.empty_like(self.host)
        _check(_cuda.cuMemcpyDtoH_v2(out.ctypes.data_as(ctypes.c_void_p), self._pointer,
                                     ctypes.c_size_t(out.nbytes)))
        return out


def rng():
    return np.random.default_rng(20261124)


def normal(*shape):
    return rng().standard_normal(shape).astype(np.float32)


@triton.jit
def _add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    tl.store(out + at, tl.load(x + at, mask=mask) + tl.load(y + at, mask=mask), mask=mask)


@test
def vector_add():
    n = 98_432
    x, y = normal(2, n)
    a, b, out = Array(x), Array(y), Array(np.zeros(n, np.float32))
    _add[(triton.cdiv(n, 1024),)](a, b, out, n, BLOCK=1024)
    np.testing.assert_array_equal(out.numpy(), x + y)


@triton.jit
def _softmax(out, x, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=-float("inf"))
    e = tl.exp(values - tl.max(values, axis=0))
    tl.store(out + row * columns + at, e / tl.sum(e, axis=0), mask=at < columns)


@test
def fused_softmax():
    rows, columns = 61, 781
    x = normal(rows, columns)
    out = Array(np.zeros_like(x))
    _softmax[(rows,)](out, Array(x), columns, BLOCK=1024)
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(out.numpy(), e / e.sum(1, keepdims=True), rtol=2e-5, atol=1e-7)


@triton.jit
def _matmul(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, tl.cdiv(K, BK)):
        left = K - start * BK
        x = tl.load(a + m[:, None] * K + (start * BK + k)[None, :],
                    mask=(m[:, None] < M) & (k[None, :] < left), other=0.0)
        y = tl.load(b + (start * BK + k)[:, None] * N + n[None, :],
                    mask=(k[:, None] < left) & (n[None, :] < N), other=0.0)
        acc = tl.dot(x, y, acc)
    tl.store(c + m[:, None] * N + n[None, :], acc, mask=(m[:, None] < M) & (n[None, :] < N))


@test
def matmul_halves():
    m, n, k = 100, 136, 96
    a, b = normal(m, k).astype(np.float16), normal(k, n).astype(np.float16)
    c = Array(np.zeros((m, n), np.float32))
    _matmul[(triton.cdiv(m, 64), triton.cdiv(n, 64))](Array(a), Array(b), c, m, n, k, BM=64, BN=64, BK=32)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(c.numpy(), expected, rtol=1e-3, atol=1e-3)


@triton.jit
def _dropout(x, out, n, p, seed, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(x + at, mask=at < n)
    keep = tl.rand(seed, at) > p
    tl.store(out + at, tl.where(keep, values / (1 - p), 0.0), mask=at < n)


@test
def dropout_depends_on_the_seed_alone():
    n = 10_000
    x = normal(n)
    results = []
    for seed in (123, 123, 512):
        out = Array(np.zeros_like(x))
        _dropout[(triton.cdiv(n, 1024),)](Array(x), out, n, 0.5, seed, BLOCK=1024)
        results.append(out.numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()
    kept = results[0] != 0
    assert 0.45 < kept.mean() < 0.55
    np.testing.assert_allclose(results[0][kept], 2 * x[kept], rtol=1e-6)


@triton.jit
def _layer_norm(x, out, weight, bias, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    mask = at < columns
    values = tl.load(x + row * columns + at, mask=mask, other=0.0)
    mean = tl.sum(values, axis=0) / columns
    centred = tl.where(mask, values - mean, 0.0)
    scale = 1 / tl.sqrt(tl.sum(centred * centred, axis=0) / columns + eps)
    result = centred * scale * tl.load(weight + at, mask=mask) + tl.load(bias + at, mask=mask)
    tl.store(out + row * columns + at, result, mask=mask)


@test
def layer_norm():
    rows, columns = 33, 500
    x, weight, bias = normal(rows, columns), normal(columns), normal(columns)
    out = Array(np.zeros_like(x))
    _layer_norm[(rows,)](Array(x), out, Array(weight), Array(bias), columns, 1e-5, BLOCK=512)
    centred = x - x.mean(1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * weight + bias
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-4, atol=1e-5)


@triton.jit
def _attention(q, k, v, out, n, scale, BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    query = tl.load(q + m[:, None] * D + d[None, :])
    most = tl.full((BM,), -float("inf"), dtype=tl.float32)
    total = tl.zeros((BM,), dtype=tl.float32)
    acc = tl.zeros((BM, D), dtype=tl.float32)
    for start in range(0, n, BN):
        at = start + tl.arange(0, BN)
        key = tl.load(k + at[None, :] * D + d[:, None])
        scores = tl.dot(query, key) * scale
        scores = tl.where(m[:, None] >= at[None, :], scores, -float("inf"))
        new_most = tl.maximum(most, tl.max(scores, 1))
        factor = tl.exp(most - new_most)
        weights = tl.exp(scores - new_most[:, None])
        total = total * factor + tl.sum(weights, 1)
        value = tl.load(v + at[:, None] * D + d[None, :])
        acc = acc * factor[:, None] + tl.dot(weights.to(tl.float16), value)
        most = new_most
    tl.store(out + m[:, None] * D + d[None, :], acc / total[:, None])


@test
def fused_attention_is_causal():
    n, d = 128, 64
    q, k, v = (normal(3, n, d) * 0.5).astype(np.float16)
    out = Array(np.zeros((n, d), np.float32))
    _attention[(n // 64,)](Array(q), Array(k), Array(v), out, n, d**-0.5, BM=64, BN=32, D=d)
    q, k, v = (each.astype(np.float64) for each in (q, k, v))
    scores = np.where(np.tri(n, dtype=bool), q @ k.T * d**-0.5, -np.inf)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    expected = weights / weights.sum(1, keepdims=True) @ v
    np.testing.assert_allclose(out.numpy(), expected, rtol=5e-3, atol=5e-3)


@triton.jit
def _grouped(a_list, b_list, c_list, sizes, groups, D: tl.constexpr):
    at = tl.arange(0, D)
    for group in range(groups):
        m = tl.load(sizes + group)
        a = tl.load(a_list + group).to(tl.pointer_type(tl.float16))
        b = tl.load(b_list + group).to(tl.pointer_type(tl.float16))
        c = tl.load(c_list + group).to(tl.pointer_type(tl.float32))
        for row in range(tl.program_id(0) * D, m, D * tl.num_programs(0)):
            rows = row + at
            x = tl.load(a + rows[:, None] * D + at[None, :], mask=rows[:, None] < m, other=0.0)
            y = tl.load(b + at[:, None] * D + at[None, :])
            tl.store(c + rows[:, None] * D + at[None, :], tl.dot(x, y), mask=rows[:, None] < m)


@test
def grouped_gemm():
    d, sizes = 32, [70, 5, 33]
    pairs = [(normal(m, d).astype(np.float16), normal(d, d).astype(np.float16)) for m in sizes]
    arrays = [(Array(a), Array(b), Array(np.zeros((len(a), d), np.float32))) for a, b in pairs]
    pointers = [Array(np.array([row[i].data_ptr() for row in arrays], np.int64), dtype="i64") for i in range(3)]
    _grouped[(2,)](*pointers, Array(np.array(sizes, np.int32)), len(sizes), D=d)
    for (a, b), (_, _, c) in zip(pairs, arrays):
        np.testing.assert_allclose(c.numpy(), a.astype(np.float64) @ b.astype(np.float64), rtol=1e-3, atol=1e-3)


@triton.jit
def _int8_matmul(a, b, c, D: tl.constexpr):
    at = tl.arange(0, D)
    place = at[:, None] * D + at[None, :]
    tl.store(c + place, tl.dot(tl.load(a + place), tl.load(b + place)))


@test
def matmul_bytes():
    a, b = rng().integers(-128, 128, (2, 64, 64)).astype(np.int8)
    c = Array(np.zeros((64, 64), np.int32))
    _int8_matmul[(1,)](Array(a), Array(b), c, D=64)
    np.testing.assert_array_equal(c.numpy(), a.astype(np.int32) @ b.astype(np.int32))


@triton.jit
def _histogram(x, counts, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(counts + tl.load(x + at, mask=at < n, other=0), 1, mask=at < n)


@test
def atomic_histogram():
    x = rng().integers(0, 50, 5_000).astype(np.int32)
    counts = Array(np.zeros(50, np.int32))
    _histogram[(triton.cdiv(x.size, 256),)](Array(x), counts, x.size, BLOCK=256)
    np.testing.assert_array_equal(counts.numpy(), np.bincount(x, minlength=50))


if __name__ == "__main__":
    main()
