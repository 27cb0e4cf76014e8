// Sum and maximum of an array: shuffles inside a warp, shared memory between warps, atomics between
// blocks. The values are small integers, so the float sum is exact in any order.

#include "check.cuh"

constexpr unsigned FULL_MASK = 0xffffffffu;

__device__ float warp_sum(float value) {
    for (int offset = 16; offset > 0; offset >>= 1) value += __shfl_down_sync(FULL_MASK, value, offset);
    return value;
}

__device__ int warp_max(int value) {
    for (int offset = 16; offset > 0; offset >>= 1) value = max(value, __shfl_xor_sync(FULL_MASK, value, offset));
    return value;
}

extern "C" __global__ void reduce_sum(const float *input, int n, float *sum) {
    __shared__ float warp_sums[32];
    float value = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) value += input[i];

    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    value = warp_sum(value);
    if (lane == 0) warp_sums[warp] = value;
    __syncthreads();
    if (warp == 0) {
        value = lane < blockDim.x / 32 ? warp_sums[lane] : 0.0f;
        value = warp_sum(value);
        if (lane == 0) atomicAdd(sum, value);
    }
}

extern "C" __global__ void reduce_max(const int *input, int n, int *maximum) {
    __shared__ int block_max;
    if (threadIdx.x == 0) block_max = INT_MIN;
    __syncthreads();
    int value = INT_MIN;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) value = max(value, input[i]);
    value = warp_max(value);
    if (threadIdx.x % 32 == 0) atomicMax(&block_max, value);
    __syncthreads();
    if (threadIdx.x == 0) atomicMax(maximum, block_max);
}

int main() {
    const int n = 60'001;
    Random random(4);
    std::vector<float> floats(n);
    std::vector<int> ints(n);
    float want_sum = 0.0f;
    int want_max = INT_MIN;
    for (int i = 0; i < n; ++i) {
        floats[i] = static_cast<float>(static_cast<int>(random.below(201)) - 100);
        ints[i] = static_cast<int>(random.bits());
        want_sum += floats[i];
        want_max = ints[i] > want_max ? ints[i] : want_max;
    }

    DeviceArray<float> device_floats(floats), device_sum(std::vector<float>{0.0f});
    DeviceArray<int> device_ints(ints), device_max(std::vector<int>{INT_MIN});
    reduce_sum<<<20, 256>>>(device_floats.get(), n, device_sum.get());
    CHECK_LAUNCH();
    reduce_max<<<20, 256>>>(device_ints.get(), n, device_max.get());
    CHECK_LAUNCH();

    const bool passed = same("sum", device_sum.download(), {want_sum}) && same("max", device_max.download(), {want_max});
    return finish("reduce", passed);
}
