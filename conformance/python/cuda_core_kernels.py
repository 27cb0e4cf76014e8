"""CUDA C++ through cuda.core: NVRTC compiles to PTX, the driver loads the text, NumPy checks the results."""

import numpy as np
from cuda.core import Device, EventOptions, LaunchConfig, Program, ProgramOptions, launch

from suite import main, test

_DEVICE = Device()
_DEVICE.set_current()
_STREAM = _DEVICE.create_stream()


def rng():
    return np.random.default_rng(20260918)


def compile_kernel(source, name, **options):
    """The kernel `name` of CUDA C++ text, by way of PTX."""
    program = Program(source, "c++", ProgramOptions(std="c++17", arch="compute_80", **options))
    return program.compile("ptx", name_expressions=(name,)).get_kernel(name)


class DeviceBuffer:
    """A copy of an array in device memory, made and read in stream order."""

    def __init__(self, array):
        self.shape, self.dtype = array.shape, array.dtype
        self.memory = _DEVICE.allocate(array.nbytes, stream=_STREAM)
        self._copy(int(self.memory.handle), np.ascontiguousarray(array), to_device=True)

    def _copy(self, address, array, to_device):
        from cuda.bindings import driver

        stream = driver.CUstream(int(_STREAM.handle))
        if to_device:
            (status,) = driver.cuMemcpyHtoDAsync(address, array.ctypes.data, array.nbytes, stream)
        else:
            (status,) = driver.cuMemcpyDtoHAsync(array.ctypes.data, address, array.nbytes, stream)
        assert status == driver.CUresult.CUDA_SUCCESS, status
        _STREAM.sync()

    def read(self):
        array = np.empty(self.shape, self.dtype)
        self._copy(int(self.memory.handle), array, to_device=False)
        self.memory.close(_STREAM)
        return array


def run(kernel, grid, block, *arguments, shared=0):
    """Launches with buffers passed as pointers and NumPy scalars as they are, then waits."""
    values = [argument.memory if isinstance(argument, DeviceBuffer) else argument for argument in arguments]
    launch(_STREAM, LaunchConfig(grid=grid, block=block, shmem_size=shared), kernel, *values)
    _STREAM.sync()


@test
def device_properties():
    properties = _DEVICE.properties
    assert _DEVICE.name
    assert _DEVICE.compute_capability >= (8, 0), _DEVICE.compute_capability
    assert properties.warp_size == 32
    assert properties.max_threads_per_block == 1024
    assert properties.multiprocessor_count > 0


@test
def vector_add():
    kernel = compile_kernel(
        """
        extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) c[i] = a[i] + b[i];
        }
        """,
        "vector_add",
    )
    a, b = rng().random((2, 5_001), dtype=np.float32)
    device_a, device_b, device_c = DeviceBuffer(a), DeviceBuffer(b), DeviceBuffer(np.zeros_like(a))
    run(kernel, 20, 256, device_a, device_b, device_c, np.int32(a.size))
    np.testing.assert_array_equal(device_c.read(), a + b)


@test
def template_instantiations():
    source = """
        template <class T> __global__ void axpy(T alpha, const T *x, T *y, int n) {
            for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] += alpha * x[i];
        }
        """
    names = {np.float32: "axpy<float>", np.float64: "axpy<double>", np.int32: "axpy<int>", np.int64: "axpy<long long>"}
    program = Program(source, "c++", ProgramOptions(std="c++17", arch="compute_80"))
    module = program.compile("ptx", name_expressions=tuple(names.values()))
    for dtype, name in names.items():
        x, y = rng().integers(-100, 100, (2, 1_500)).astype(dtype)
        device_x, device_y = DeviceBuffer(x), DeviceBuffer(y)
        run(module.get_kernel(name), 3, 128, dtype(3), device_x, device_y, np.int32(x.size))
        np.testing.assert_array_equal(device_y.read(), 3 * x + y, err_msg=name)


@test
def shared_memory_reduction():
    kernel = compile_kernel(
        """
        extern "C" __global__ void block_sums(const int *values, long long *sums, int n) {
            extern __shared__ long long partial[];
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            partial[threadIdx.x] = i < n ? values[i] : 0;
            for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
                __syncthreads();
                if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
            }
            if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
        }
        """,
        "block_sums",
    )
    values = rng().integers(-(2**31), 2**31, 2_500).astype(np.int32)
    sums = DeviceBuffer(np.zeros(10, dtype=np.int64))
    run(kernel, 10, 256, DeviceBuffer(values), sums, np.int32(values.size), shared=256 * 8)
    padded = np.pad(values.astype(np.int64), (0, 2560 - values.size)).reshape(10, 256)
    np.testing.assert_array_equal(sums.read(), padded.sum(axis=1))


@test
def matmul_2d_grid():
    kernel = compile_kernel(
        """
        extern "C" __global__ void matmul(const double *a, const double *b, double *c, int m, int n, int k) {
            int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
            if (row >= m || column >= n) return;
            double sum = 0.0;
            for (int i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + column];
            c[row * n + column] = sum;
        }
        """,
        "matmul",
    )
    a, b = rng().random((33, 20)), rng().random((20, 41))
    c = DeviceBuffer(np.zeros((33, 41)))
    run(kernel, (6, 5), (8, 8), DeviceBuffer(a), DeviceBuffer(b), c, np.int32(33), np.int32(41), np.int32(20))
    np.testing.assert_allclose(c.read(), a @ b, rtol=1e-14)


@test
def fast_math_functions():
    kernel = compile_kernel(
        """
        extern "C" __global__ void functions(const float *x, float *y, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) {
                y[4 * i] = expf(x[i]);
                y[4 * i + 1] = sinf(x[i]);
                y[4 * i + 2] = rsqrtf(fabsf(x[i]) + 1.0f);
                y[4 * i + 3] = 1.0f / (x[i] * x[i] + 1.0f);
            }
        }
        """,
        "functions",
        use_fast_math=True,
    )
    x = (rng().random(300) * 6.0 - 3.0).astype(np.float32)
    y = DeviceBuffer(np.zeros((300, 4), dtype=np.float32))
    run(kernel, 3, 128, DeviceBuffer(x), y, np.int32(300))
    wide = x.astype(np.float64)
    expected = np.stack([np.exp(wide), np.sin(wide), 1 / np.sqrt(np.abs(wide) + 1), 1 / (wide * wide + 1)], axis=1)
    np.testing.assert_allclose(y.read(), expected, rtol=2e-6, atol=1e-6)


@test
def warp_primitives():
    kernel = compile_kernel(
        """
        extern "C" __global__ void ranks(const int *keys, int *rank, unsigned *ballots) {
            unsigned same = __match_any_sync(0xffffffffu, keys[threadIdx.x]);
            rank[threadIdx.x] = __popc(same & ((1u << threadIdx.x) - 1u));
            ballots[threadIdx.x] = __ballot_sync(0xffffffffu, keys[threadIdx.x] & 1);
        }
        """,
        "ranks",
    )
    keys = rng().integers(0, 6, 32).astype(np.int32)
    rank = DeviceBuffer(np.zeros(32, dtype=np.int32))
    ballots = DeviceBuffer(np.zeros(32, dtype=np.uint32))
    run(kernel, 1, 32, DeviceBuffer(keys), rank, ballots)
    np.testing.assert_array_equal(rank.read(), [np.count_nonzero(keys[:i] == keys[i]) for i in range(32)])
    np.testing.assert_array_equal(ballots.read(), np.full(32, sum(1 << i for i in range(32) if keys[i] & 1)))


@test
def global_atomics():
    kernel = compile_kernel(
        """
        extern "C" __global__ void count(const unsigned *values, unsigned *bins, unsigned long long *sum, int n) {
            for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
                atomicAdd(&bins[values[i] % 13], 1u);
                atomicAdd(sum, (unsigned long long)values[i]);
            }
        }
        """,
        "count",
    )
    values = rng().integers(0, 2**32, 3_000, dtype=np.uint64).astype(np.uint32)
    bins, total = DeviceBuffer(np.zeros(13, dtype=np.uint32)), DeviceBuffer(np.zeros(1, dtype=np.uint64))
    run(kernel, 4, 128, DeviceBuffer(values), bins, total, np.int32(values.size))
    np.testing.assert_array_equal(bins.read(), np.bincount(values % 13, minlength=13))
    assert total.read()[0] == values.sum(dtype=np.uint64)


@test
def streams_and_events():
    kernel = compile_kernel(
        'extern "C" __global__ void add(int *v, int amount) { v[threadIdx.x] = v[threadIdx.x] * 3 + amount; }', "add"
    )
    values = np.arange(64, dtype=np.int32)
    buffer = DeviceBuffer(values)
    other = _DEVICE.create_stream()
    timed = EventOptions(timing_enabled=True)
    start = _STREAM.record(options=timed)
    launch(_STREAM, LaunchConfig(grid=1, block=64), kernel, buffer.memory, np.int32(1))
    other.wait(_STREAM.record())
    launch(other, LaunchConfig(grid=1, block=64), kernel, buffer.memory, np.int32(2))
    _STREAM.wait(other.record())
    stop = _STREAM.record(options=timed)
    stop.sync()
    assert stop - start >= 0.0
    assert stop.is_done
    np.testing.assert_array_equal(buffer.read(), (values * 3 + 1) * 3 + 2)


@test
def kernel_attributes():
    kernel = compile_kernel(
        """
        extern "C" __global__ void staged(int *v) {
            __shared__ int tile[96];
            tile[threadIdx.x] = v[threadIdx.x];
            __syncthreads();
            v[threadIdx.x] = tile[95 - threadIdx.x];
        }
        """,
        "staged",
    )
    assert kernel.attributes.shared_size_bytes == 96 * 4
    assert kernel.attributes.max_threads_per_block >= 96
    buffer = DeviceBuffer(np.arange(96, dtype=np.int32))
    run(kernel, 1, 96, buffer)
    np.testing.assert_array_equal(buffer.read(), np.arange(96)[::-1])


@test
def wrong_source_and_wrong_name():
    from cuda.core._utils.cuda_utils import CUDAError

    kernel_source = 'extern "C" __global__ void here() {}'
    module = Program(kernel_source, "c++", ProgramOptions(arch="compute_80")).compile("ptx")
    try:
        module.get_kernel("elsewhere")
    except CUDAError:
        return
    raise AssertionError("a kernel that is not in the module was found")


if __name__ == "__main__":
    main()
