// 256-bin histogram of bytes: each block counts with shared-memory atomics and merges with global ones.

#include "check.cuh"

constexpr int BINS = 256;

extern "C" __global__ void histogram(const unsigned char *input, int n, unsigned *bins) {
    __shared__ unsigned counts[BINS];
    for (int bin = threadIdx.x; bin < BINS; bin += blockDim.x) counts[bin] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        atomicAdd(&counts[input[i]], 1u);
    }
    __syncthreads();
    for (int bin = threadIdx.x; bin < BINS; bin += blockDim.x) {
        if (counts[bin] != 0) atomicAdd(&bins[bin], counts[bin]);
    }
}

int main() {
    const int n = 40'000;
    Random random(6);
    std::vector<unsigned char> input(n);
    std::vector<unsigned> want(BINS, 0);
    for (unsigned char &value : input) {
        // A square skews the distribution: low bins get many collisions, some high bins stay empty.
        const unsigned draw = random.below(256);
        value = static_cast<unsigned char>(draw * draw / 256);
        ++want[value];
    }

    DeviceArray<unsigned char> device_input(input);
    DeviceArray<unsigned> bins(BINS);
    CUDA_CHECK(cudaMemset(bins.get(), 0, BINS * sizeof(unsigned)));
    histogram<<<12, 192>>>(device_input.get(), n, bins.get());
    CHECK_LAUNCH();

    return finish("histogram", same("bins", bins.download(), want));
}
