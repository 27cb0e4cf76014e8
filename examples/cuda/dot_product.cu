// Dot product of 32-bit integers in 64-bit arithmetic: wide multiplies, 64-bit shuffles and a 64-bit
// atomic addition.

#include "check.cuh"

extern "C" __global__ void dot_product(const int *a, const int *b, int n, unsigned long long *result) {
    __shared__ long long warp_sums[8];
    long long sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        sum += static_cast<long long>(a[i]) * b[i];
    }
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        long long total = 0;
        for (int warp = 0; warp < blockDim.x / 32; ++warp) total += warp_sums[warp];
        // Two's complement: adding the bits as unsigned is the signed sum.
        atomicAdd(result, static_cast<unsigned long long>(total));
    }
}

int main() {
    const int n = 30'003;
    Random random(11);
    std::vector<int> a(n), b(n);
    unsigned long long want = 0;
    for (int i = 0; i < n; ++i) {
        a[i] = static_cast<int>(random.bits());
        b[i] = static_cast<int>(random.bits());
        want += static_cast<unsigned long long>(static_cast<long long>(a[i]) * b[i]);
    }

    DeviceArray<int> device_a(a), device_b(b);
    DeviceArray<unsigned long long> result(std::vector<unsigned long long>{0});
    dot_product<<<10, 256>>>(device_a.get(), device_b.get(), n, result.get());
    CHECK_LAUNCH();

    return finish("dot_product", same("result", result.download(), {want}));
}
