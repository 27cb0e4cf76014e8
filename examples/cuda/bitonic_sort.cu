// Bitonic sort of 32-bit keys: the short strides in shared memory, the long ones in global memory.

#include "check.cuh"

#include <algorithm>

constexpr unsigned BLOCK = 256;
constexpr unsigned SPAN = 2 * BLOCK; // keys a block holds in shared memory

__device__ void compare_exchange(unsigned &low, unsigned &high, bool ascending) {
    if ((low > high) == ascending) {
        const unsigned kept = low;
        low = high;
        high = kept;
    }
}

// Sorts each run of SPAN keys; runs alternate between ascending and descending.
extern "C" __global__ void bitonic_sort_runs(unsigned *keys) {
    __shared__ unsigned span[SPAN];
    const unsigned base = blockIdx.x * SPAN;
    span[threadIdx.x] = keys[base + threadIdx.x];
    span[threadIdx.x + BLOCK] = keys[base + threadIdx.x + BLOCK];
    for (unsigned size = 2; size <= SPAN; size *= 2) {
        for (unsigned stride = size / 2; stride > 0; stride /= 2) {
            __syncthreads();
            const unsigned i = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            compare_exchange(span[i], span[i + stride], ((base + i) & size) == 0);
        }
    }
    __syncthreads();
    keys[base + threadIdx.x] = span[threadIdx.x];
    keys[base + threadIdx.x + BLOCK] = span[threadIdx.x + BLOCK];
}

// One stage whose partners lie in different blocks.
extern "C" __global__ void bitonic_merge_global(unsigned *keys, unsigned size, unsigned stride) {
    const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned i = 2 * thread - (thread & (stride - 1));
    compare_exchange(keys[i], keys[i + stride], (i & size) == 0);
}

// The remaining stages of a merge, all inside one span.
extern "C" __global__ void bitonic_merge_shared(unsigned *keys, unsigned size) {
    __shared__ unsigned span[SPAN];
    const unsigned base = blockIdx.x * SPAN;
    span[threadIdx.x] = keys[base + threadIdx.x];
    span[threadIdx.x + BLOCK] = keys[base + threadIdx.x + BLOCK];
    for (unsigned stride = BLOCK; stride > 0; stride /= 2) {
        __syncthreads();
        const unsigned i = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
        compare_exchange(span[i], span[i + stride], ((base + i) & size) == 0);
    }
    __syncthreads();
    keys[base + threadIdx.x] = span[threadIdx.x];
    keys[base + threadIdx.x + BLOCK] = span[threadIdx.x + BLOCK];
}

int main() {
    const unsigned n = 4096;
    Random random(8);
    std::vector<unsigned> keys(n);
    for (unsigned &key : keys) key = random.bits();
    keys[17] = keys[4000]; // equal keys must both survive
    std::vector<unsigned> want = keys;
    std::sort(want.begin(), want.end());

    DeviceArray<unsigned> device_keys(keys);
    bitonic_sort_runs<<<n / SPAN, BLOCK>>>(device_keys.get());
    CHECK_LAUNCH();
    for (unsigned size = 2 * SPAN; size <= n; size *= 2) {
        for (unsigned stride = size / 2; stride > BLOCK; stride /= 2) {
            bitonic_merge_global<<<n / SPAN, BLOCK>>>(device_keys.get(), size, stride);
            CHECK_LAUNCH();
        }
        bitonic_merge_shared<<<n / SPAN, BLOCK>>>(device_keys.get(), size);
        CHECK_LAUNCH();
    }

    return finish("bitonic_sort", same("keys", device_keys.download(), want));
}
