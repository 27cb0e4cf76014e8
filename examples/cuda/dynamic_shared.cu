// Shared memory sized at launch, carved into arrays of different types, and more than the 48 KiB that
// need the opt-in attribute.

#include "check.cuh"

extern "C" __global__ void carve_shared(const int *input, double *output, int n) {
    extern __shared__ double arena[];
    double *sums = arena;
    int *staged = reinterpret_cast<int *>(sums + blockDim.x);
    unsigned char *flags = reinterpret_cast<unsigned char *>(staged + n);
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        staged[i] = input[i];
        flags[i] = input[i] % 3 == 0;
    }
    __syncthreads();
    double sum = 0.0;
    for (int i = n - 1 - static_cast<int>(threadIdx.x); i >= 0; i -= blockDim.x) sum += flags[i] ? staged[i] * 0.5 : staged[i];
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) *output = sums[0];
}

int main() {
    const int n = 12'000, threads = 128;
    const std::size_t shared = threads * sizeof(double) + n * sizeof(int) + n;
    Random random(25);
    std::vector<int> input(n);
    double want = 0.0; // halves of small integers: exact in any order
    for (int &value : input) {
        value = static_cast<int>(random.below(2000)) - 1000;
        want += value % 3 == 0 ? value * 0.5 : value;
    }

    cudaFuncAttributes attributes;
    CUDA_CHECK(cudaFuncGetAttributes(&attributes, carve_shared));
    if (attributes.maxThreadsPerBlock < threads) {
        std::printf("maxThreadsPerBlock = %d, expected at least %d\n", attributes.maxThreadsPerBlock, threads);
        return finish("dynamic_shared", false);
    }
    CUDA_CHECK(cudaFuncSetAttribute(carve_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)));
    DeviceArray<int> device_input(input);
    DeviceArray<double> output(1);
    carve_shared<<<1, threads, shared>>>(device_input.get(), output.get(), n);
    CHECK_LAUNCH();

    return finish("dynamic_shared", same("output", output.download(), {want}));
}
