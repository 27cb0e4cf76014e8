"""Kernels written with numba.cuda, compared with NumPy.

Without nvJitLink, numba-cuda hands PTX to the driver's linker (cuLinkAddData), so these kernels come
to the driver as text. Integer results and correctly rounded arithmetic must be equal; functions with a
documented error, and sums in another order, have a tolerance in the test.
"""

import math
import os
import warnings

os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")

import numpy as np
from numba import cuda, float32, float64, int32, uint32, vectorize

from suite import main, test

# numba warns that it links without nvJitLink, which is what these tests are about.
warnings.filterwarnings("ignore", category=RuntimeWarning)

FULL_MASK = 0xFFFFFFFF


def rng():
    return np.random.default_rng(20260917)


@test
def vector_add():
    @cuda.jit
    def kernel(a, b, c):
        i = cuda.grid(1)
        if i < c.size:
            c[i] = a[i] + b[i]

    a, b = rng().random((2, 10_001), dtype=np.float32)
    c = np.zeros_like(a)
    kernel[80, 128](a, b, c)
    np.testing.assert_array_equal(c, a + b)


@test
def saxpy_grid_stride():
    @cuda.jit
    def kernel(alpha, x, y):
        for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
            y[i] += alpha * x[i]

    x, y = rng().random((2, 20_003))
    expected = 1.75 * x + y
    device_x, device_y = cuda.to_device(x), cuda.to_device(y)
    kernel[8, 128](1.75, device_x, device_y)
    # A fused multiply-add rounds once where NumPy rounds twice.
    np.testing.assert_allclose(device_y.copy_to_host(), expected, rtol=1e-15)


@test
def matmul_tiled():
    tile = 16

    @cuda.jit
    def kernel(a, b, c):
        a_tile = cuda.shared.array((tile, tile), dtype=float32)
        b_tile = cuda.shared.array((tile, tile), dtype=float32)
        column, row = cuda.grid(2)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        total = float32(0.0)
        for base in range(0, a.shape[1], tile):
            a_tile[ty, tx] = a[row, base + tx] if row < a.shape[0] and base + tx < a.shape[1] else float32(0.0)
            b_tile[ty, tx] = b[base + ty, column] if base + ty < b.shape[0] and column < b.shape[1] else float32(0.0)
            cuda.syncthreads()
            for k in range(tile):
                total += a_tile[ty, k] * b_tile[k, tx]
            cuda.syncthreads()
        if row < c.shape[0] and column < c.shape[1]:
            c[row, column] = total

    a = rng().random((50, 37), dtype=np.float32)
    b = rng().random((37, 41), dtype=np.float32)
    c = np.zeros((50, 41), dtype=np.float32)
    kernel[(3, 4), (tile, tile)](a, b, c)
    np.testing.assert_allclose(c, a @ b, rtol=1e-5)


@test
def reduction_with_shuffles():
    @cuda.jit
    def kernel(values, total):
        partial = cuda.shared.array(8, dtype=float32)
        value = float32(0.0)
        for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
            value += values[i]
        lane = cuda.threadIdx.x % 32
        offset = 16
        while offset > 0:
            value += cuda.shfl_down_sync(FULL_MASK, value, offset)
            offset //= 2
        if lane == 0:
            partial[cuda.threadIdx.x // 32] = value
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            for warp in range(1, 8):
                value += partial[warp]
            cuda.atomic.add(total, 0, value)

    values = rng().integers(-50, 50, 9_999).astype(np.float32)
    total = np.zeros(1, dtype=np.float32)
    kernel[5, 256](values, total)
    assert total[0] == values.sum(), f"{total[0]} != {values.sum()}"


@test
def atomics():
    @cuda.jit
    def kernel(values, sums, extremes, counters):
        i = cuda.grid(1)
        if i < values.size:
            cuda.atomic.add(sums, values[i] % 5, float64(values[i]))
            cuda.atomic.max(extremes, 0, values[i])
            cuda.atomic.min(extremes, 1, values[i])
            cuda.atomic.inc(counters, 0, uint32(9))
            cuda.atomic.xor(counters, 1, uint32(values[i]))
            cuda.atomic.or_(counters, 2, uint32(values[i]) & uint32(0xF0F))
            cuda.atomic.exch(counters, 3, uint32(77))
            cuda.atomic.sub(counters, 4, uint32(values[i]))

    values = rng().integers(0, 1_000_000, 1_000).astype(np.int32)
    sums = np.zeros(5)
    extremes = np.array([-1, 2_000_000], dtype=np.int32)
    counters = np.zeros(5, dtype=np.uint32)
    kernel[8, 128](values, sums, extremes, counters)
    np.testing.assert_array_equal(sums, [values[values % 5 == r].sum(dtype=np.float64) for r in range(5)])
    np.testing.assert_array_equal(extremes, [values.max(), values.min()])
    unsigned = values.astype(np.uint32)
    expected = [
        values.size % 10,
        np.bitwise_xor.reduce(unsigned),
        np.bitwise_or.reduce(unsigned & 0xF0F),
        77,
        (-unsigned.astype(np.int64).sum()) % 2**32,
    ]
    np.testing.assert_array_equal(counters, np.array(expected, dtype=np.uint32))


@test
def atomic_compare_and_swap():
    @cuda.jit
    def kernel(slot, tickets):
        i = cuda.grid(1)
        while True:
            seen = slot[0]
            if cuda.atomic.cas(slot, 0, seen, seen + 1) == seen:
                tickets[i] = seen
                break

    slot = np.zeros(1, dtype=np.int32)
    tickets = np.full(96, -1, dtype=np.int32)
    kernel[3, 32](slot, tickets)
    np.testing.assert_array_equal(np.sort(tickets), np.arange(96))
    assert slot[0] == 96


@test
def mandelbrot():
    @cuda.jit(device=True)
    def escape(cx, cy, limit):
        z = complex(0.0, 0.0)
        c = complex(cx, cy)
        for count in range(limit):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag >= 4.0:
                return count
        return limit

    @cuda.jit
    def kernel(counts, limit):
        row, column = cuda.grid(2)
        if row < counts.shape[0] and column < counts.shape[1]:
            counts[row, column] = escape(column * 0.0625 - 2.0, row * 0.0625 - 1.0, limit)

    counts = np.zeros((33, 49), dtype=np.int32)
    kernel[(5, 7), (8, 8)](counts, 40)
    expected = np.zeros_like(counts)
    for row in range(33):
        for column in range(49):
            z, c = 0j, complex(column * 0.0625 - 2.0, row * 0.0625 - 1.0)
            count = 0
            while count < 40:
                z = z * z + c
                if z.real * z.real + z.imag * z.imag >= 4.0:
                    break
                count += 1
            expected[row, column] = count
    # Fused multiply-adds round differently, which may shift a count at the border of the set.
    different = np.count_nonzero(counts != expected)
    assert different <= counts.size // 100, f"{different} of {counts.size} counts differ"


@test
def inclusive_scan():
    block = 128

    @cuda.jit
    def kernel(values, output):
        shared = cuda.shared.array(block, dtype=int32)
        i = cuda.threadIdx.x
        shared[i] = values[i]
        cuda.syncthreads()
        offset = 1
        while offset < block:
            left = shared[i - offset] if i >= offset else int32(0)
            cuda.syncthreads()
            shared[i] += left
            cuda.syncthreads()
            offset *= 2
        output[i] = shared[i]

    values = rng().integers(-100, 100, block).astype(np.int32)
    output = np.zeros_like(values)
    kernel[1, block](values, output)
    np.testing.assert_array_equal(output, np.cumsum(values))


@test
def histogram():
    @cuda.jit
    def kernel(values, bins):
        local = cuda.shared.array(64, dtype=int32)
        if cuda.threadIdx.x < 64:
            local[cuda.threadIdx.x] = 0
        cuda.syncthreads()
        for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
            cuda.atomic.add(local, values[i], 1)
        cuda.syncthreads()
        if cuda.threadIdx.x < 64:
            cuda.atomic.add(bins, cuda.threadIdx.x, local[cuda.threadIdx.x])

    values = (rng().random(8_000) ** 2 * 64).astype(np.uint8)
    bins = np.zeros(64, dtype=np.int32)
    kernel[4, 96](values, bins)
    np.testing.assert_array_equal(bins, np.bincount(values, minlength=64))


@test
def transpose():
    @cuda.jit
    def kernel(source, target):
        tile = cuda.shared.array((32, 33), dtype=float64)
        x = cuda.blockIdx.x * 32 + cuda.threadIdx.x
        y = cuda.blockIdx.y * 32 + cuda.threadIdx.y
        for row in range(0, 32, 8):
            if y + row < source.shape[0] and x < source.shape[1]:
                tile[cuda.threadIdx.y + row, cuda.threadIdx.x] = source[y + row, x]
        cuda.syncthreads()
        x = cuda.blockIdx.y * 32 + cuda.threadIdx.x
        y = cuda.blockIdx.x * 32 + cuda.threadIdx.y
        for row in range(0, 32, 8):
            if y + row < target.shape[0] and x < target.shape[1]:
                target[y + row, x] = tile[cuda.threadIdx.x, cuda.threadIdx.y + row]

    source = rng().random((70, 45))
    target = np.zeros((45, 70))
    kernel[(2, 3), (32, 8)](source, target)
    np.testing.assert_array_equal(target, source.T)


@test
def device_functions():
    @cuda.jit(device=True, inline="never")
    def clamp_pair(value, low, high):
        return min(max(value, low), high), value > high

    @cuda.jit(device=True, inline="never")
    def horner(x, order):
        total = 0.0
        for k in range(order, -1, -1):
            total = total * x + k
        return total

    @cuda.jit
    def kernel(x, clamped, above, polynomials):
        i = cuda.grid(1)
        if i < x.size:
            value, flag = clamp_pair(x[i], -0.25, 0.5)
            clamped[i] = value
            above[i] = flag
            polynomials[i] = horner(x[i], 1 + i % 6)

    x = rng().random(500) * 2.0 - 1.0
    clamped, polynomials = np.zeros((2, 500))
    above = np.zeros(500, dtype=np.bool_)
    kernel[4, 128](x, clamped, above, polynomials)
    np.testing.assert_array_equal(clamped, np.clip(x, -0.25, 0.5))
    np.testing.assert_array_equal(above, x > 0.5)
    expected = [sum(k * v**k for k in range(2 + i % 6)) for i, v in enumerate(x)]
    np.testing.assert_allclose(polynomials, expected, rtol=1e-12, atol=1e-12)


@test
def float64_math():
    @cuda.jit
    def kernel(x, output):
        i = cuda.grid(1)
        if i < x.size:
            v = x[i]
            output[i, 0] = math.sin(v)
            output[i, 1] = math.cos(v * 30.0)
            output[i, 2] = math.exp(v)
            output[i, 3] = math.sqrt(math.fabs(v))
            output[i, 4] = math.log(math.fabs(v) + 1.0)
            output[i, 5] = math.pow(math.fabs(v), 1.5)
            output[i, 6] = math.atan2(v, 2.0)
            output[i, 7] = math.floor(v * 10.0) + math.ceil(v)
            output[i, 8] = v / (v * v + 1.0)

    x = rng().random(300) * 8.0 - 4.0
    output = np.zeros((300, 9))
    kernel[3, 128](x, output)
    size = np.abs(x)
    expected = np.stack(
        [
            np.sin(x), np.cos(x * 30.0), np.exp(x), np.sqrt(size), np.log(size + 1.0), size**1.5,
            np.arctan2(x, 2.0), np.floor(x * 10.0) + np.ceil(x), x / (x * x + 1.0),
        ],
        axis=1,
    )  # fmt: skip
    np.testing.assert_allclose(output, expected, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(output[:, 3], np.sqrt(size))


@test
def float32_math():
    @cuda.jit
    def kernel(x, output):
        i = cuda.grid(1)
        if i < x.size:
            v = x[i]
            output[i, 0] = math.sin(v)
            output[i, 1] = math.exp(v)
            output[i, 2] = math.tanh(v)
            output[i, 3] = float32(1.0) / (float32(1.0) + math.exp(-v))
            output[i, 4] = math.sqrt(math.fabs(v))

    x = (rng().random(300) * 8.0 - 4.0).astype(np.float32)
    output = np.zeros((300, 5), dtype=np.float32)
    kernel[3, 128](x, output)
    wide = x.astype(np.float64)
    expected = np.stack(
        [np.sin(wide), np.exp(wide), np.tanh(wide), 1.0 / (1.0 + np.exp(-wide)), np.sqrt(np.abs(wide))], axis=1
    )
    np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-7)


@test
def grid_2d_stencil():
    @cuda.jit
    def kernel(source, target):
        row, column = cuda.grid(2)
        if 0 < row < source.shape[0] - 1 and 0 < column < source.shape[1] - 1:
            target[row, column] = (
                source[row - 1, column] + source[row + 1, column] + source[row, column - 1] + source[row, column + 1]
            )

    source = rng().integers(0, 1000, (37, 53)).astype(np.int64)
    target = np.zeros_like(source)
    kernel[(5, 7), (8, 8)](source, target)
    expected = np.zeros_like(source)
    expected[1:-1, 1:-1] = source[:-2, 1:-1] + source[2:, 1:-1] + source[1:-1, :-2] + source[1:-1, 2:]
    np.testing.assert_array_equal(target, expected)


@test
def grid_3d():
    @cuda.jit
    def kernel(volume):
        x, y, z = cuda.grid(3)
        if x < volume.shape[0] and y < volume.shape[1] and z < volume.shape[2]:
            volume[x, y, z] = x * 10_000 + y * 100 + z

    volume = np.zeros((9, 10, 11), dtype=np.int32)
    kernel[(3, 3, 3), (4, 4, 4)](volume)
    x, y, z = np.indices(volume.shape)
    np.testing.assert_array_equal(volume, x * 10_000 + y * 100 + z)


@test
def local_arrays():
    length = 12

    @cuda.jit
    def kernel(values, medians):
        i = cuda.grid(1)
        if i >= medians.size:
            return
        window = cuda.local.array(length, dtype=int32)
        for k in range(length):
            window[k] = values[(i + k) % values.size]
        for k in range(1, length):
            value = window[k]
            place = k
            while place > 0 and window[place - 1] > value:
                window[place] = window[place - 1]
                place -= 1
            window[place] = value
        medians[i] = window[length // 2]

    values = rng().integers(-1000, 1000, 200).astype(np.int32)
    medians = np.zeros_like(values)
    kernel[2, 128](values, medians)
    windows = np.stack([np.roll(values, -k) for k in range(length)], axis=1)
    np.testing.assert_array_equal(medians, np.sort(windows, axis=1)[:, length // 2])


@test
def constant_array():
    taps = np.array([0.5, -1.0, 2.0, -1.0, 0.5])

    @cuda.jit
    def kernel(values, output):
        weights = cuda.const.array_like(taps)
        i = cuda.grid(1)
        if i < output.size:
            total = 0.0
            for k in range(5):
                total += weights[k] * values[i + k]
            output[i] = total

    values = rng().integers(-100, 100, 304).astype(np.float64)
    output = np.zeros(300)
    kernel[3, 128](values, output)
    np.testing.assert_array_equal(output, np.convolve(values, taps[::-1], mode="valid"))


@test
def dynamic_shared_memory():
    @cuda.jit
    def kernel(values):
        shared = cuda.shared.array(0, dtype=int32)
        i = cuda.threadIdx.x
        shared[i] = values[i]
        cuda.syncthreads()
        values[i] = shared[cuda.blockDim.x - 1 - i]

    values = np.arange(100, dtype=np.int32)
    kernel[1, 100, 0, 400](values)
    np.testing.assert_array_equal(values, np.arange(100)[::-1])


@test
def votes_and_shuffles():
    @cuda.jit
    def kernel(values, output):
        i = cuda.threadIdx.x
        output[i, 0] = cuda.ballot_sync(FULL_MASK, values[i] > 50)
        output[i, 1] = cuda.any_sync(FULL_MASK, values[i] > 98)
        output[i, 2] = cuda.all_sync(FULL_MASK, values[i] >= 0)
        output[i, 3] = cuda.shfl_xor_sync(FULL_MASK, values[i], 5)
        output[i, 4] = cuda.shfl_up_sync(FULL_MASK, values[i], 2)
        output[i, 5] = cuda.shfl_sync(FULL_MASK, values[i], 17)
        output[i, 6] = cuda.popc(uint32(values[i])) * 100 + cuda.clz(int32(values[i]))

    values = rng().integers(0, 100, 32).astype(np.int32)
    output = np.zeros((32, 7), dtype=np.int64)
    kernel[1, 32](values, output)
    lanes = np.arange(32)
    ballot = sum(1 << int(lane) for lane in lanes[values > 50])
    expected = np.stack(
        [
            np.full(32, ballot), np.full(32, (values > 98).any()), np.full(32, (values >= 0).all()), values[lanes ^ 5],
            np.where(lanes >= 2, values[lanes - 2], values), np.full(32, values[17]),
            [bin(v).count("1") * 100 + 32 - int(v).bit_length() for v in values],
        ],
        axis=1,
    )  # fmt: skip
    # The ballot is an unsigned 32-bit mask, which numba returns as a signed one.
    np.testing.assert_array_equal(output[:, 0] & FULL_MASK, expected[:, 0] & FULL_MASK)
    np.testing.assert_array_equal(output[:, 1:].astype(bool)[:, :2], expected[:, 1:3].astype(bool))
    np.testing.assert_array_equal(output[:, 3:], expected[:, 3:])


@test
def integer_widths():
    @cuda.jit
    def kernel(values, narrow, wide, quotients):
        i = cuda.grid(1)
        if i < values.size:
            narrow[i] = values[i] * 3
            wide[i] = values[i] * values[i] * values[i]
            quotients[i, 0] = values[i] // 7
            quotients[i, 1] = values[i] % 7

    values = rng().integers(-1_000_000, 1_000_000, 300)
    narrow = np.zeros(300, dtype=np.int16)
    wide = np.zeros(300, dtype=np.int64)
    quotients = np.zeros((300, 2), dtype=np.int64)
    kernel[3, 128](values, narrow, wide, quotients)
    np.testing.assert_array_equal(narrow, (values * 3).astype(np.int16))
    np.testing.assert_array_equal(wide, values**3)
    np.testing.assert_array_equal(quotients, np.stack([values // 7, values % 7], axis=1))


@test
def structured_records():
    record = np.dtype([("key", np.int32), ("weight", np.float64), ("flag", np.uint8)], align=True)

    @cuda.jit
    def kernel(records, output):
        i = cuda.grid(1)
        if i < records.size:
            output[i] = records[i].weight * records[i].key
            records[i].flag = records[i].key % 3

    records = np.zeros(150, dtype=record)
    records["key"] = rng().integers(0, 1000, 150)
    records["weight"] = rng().random(150)
    output = np.zeros(150)
    expected = records["weight"] * records["key"]
    kernel[2, 96](records, output)
    np.testing.assert_array_equal(output, expected)
    np.testing.assert_array_equal(records["flag"], records["key"] % 3)


@test
def strided_views():
    @cuda.jit
    def kernel(source, target):
        i, j = cuda.grid(2)
        if i < target.shape[0] and j < target.shape[1]:
            target[i, j] = source[i, j] * 2

    device = cuda.to_device(np.arange(400, dtype=np.int32).reshape(20, 20))
    target = cuda.device_array((10, 7), dtype=np.int32)
    kernel[(2, 1), (8, 8)](device[::2, 3:17:2], target)
    np.testing.assert_array_equal(
        target.copy_to_host(), np.arange(400, dtype=np.int32).reshape(20, 20)[::2, 3:17:2] * 2
    )


@test
def streams_and_events():
    @cuda.jit
    def kernel(values):
        i = cuda.grid(1)
        if i < values.size:
            values[i] += 1

    stream = cuda.stream()
    start, stop = cuda.event(), cuda.event()
    host = cuda.pinned_array(1_000, dtype=np.int32)
    host[:] = np.arange(1_000)
    start.record(stream)
    device = cuda.to_device(host, stream=stream)
    for _ in range(3):
        kernel[8, 128, stream](device)
    result = device.copy_to_host(stream=stream)
    stop.record(stream)
    stream.synchronize()
    assert cuda.event_elapsed_time(start, stop) >= 0.0
    np.testing.assert_array_equal(result, np.arange(1_000) + 3)


@test
def managed_and_mapped_memory():
    @cuda.jit
    def kernel(values):
        i = cuda.grid(1)
        if i < values.size:
            values[i] *= 2.0

    managed = cuda.managed_array(500, dtype=np.float64)
    managed[:] = np.arange(500)
    kernel[4, 128](managed)
    cuda.synchronize()
    np.testing.assert_array_equal(managed, np.arange(500) * 2.0)
    mapped = cuda.mapped_array(500, dtype=np.float64)
    mapped[:] = np.arange(500)
    kernel[4, 128](mapped)
    cuda.synchronize()
    np.testing.assert_array_equal(mapped, np.arange(500) * 2.0)


@test
def reduce_decorator():
    @cuda.reduce
    def total(a, b):
        return a + b

    values = rng().integers(-1000, 1000, 5_000)
    assert total(values) == values.sum()


@test
def vectorize_decorator():
    @vectorize(["float32(float32, float32)"], target="cuda")
    def blend(a, b):
        return a * float32(0.25) + b

    a, b = rng().integers(-100, 100, (2, 1_000)).astype(np.float32)
    np.testing.assert_array_equal(blend(a, b), a * np.float32(0.25) + b)


@test
def error_of_an_exception():
    @cuda.jit(debug=True, opt=False)
    def kernel(values, divisor):
        i = cuda.grid(1)
        if i < values.size:
            values[i] = values[i] // divisor[0]

    values = np.full(10, 12, dtype=np.int64)
    kernel[1, 10](values, np.array([4], dtype=np.int64))
    np.testing.assert_array_equal(values, np.full(10, 3))
    try:
        kernel[1, 10](values, np.zeros(1, dtype=np.int64))
    except ZeroDivisionError:
        return
    raise AssertionError("a division by zero in debug mode raised nothing")


if __name__ == "__main__":
    main()
