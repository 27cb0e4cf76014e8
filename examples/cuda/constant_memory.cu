// Constant memory and global device variables, set and read through their symbols, with initial values
// from the source and a pointer from one variable to another.

#include "check.cuh"

struct Filter {
    float taps[5];
    int shift;
};

__constant__ Filter filter;
__constant__ unsigned char permutation[8] = {5, 2, 7, 0, 1, 6, 3, 4};
__device__ int calls = 40;
__device__ float bias[4] = {0.5f, -1.5f, 2.5f, -3.5f};
__device__ float *bias_pointer = &bias[1];

extern "C" __global__ void filter_signal(const float *input, float *output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = bias_pointer[i % 3];
    for (int tap = 0; tap < 5; ++tap) {
        const int source = i + tap - filter.shift;
        if (source >= 0 && source < n) sum = fmaf(filter.taps[tap], input[source], sum);
    }
    output[i / 8 * 8 + permutation[i % 8]] = sum;
    if (i % 10 == 0) atomicAdd(&calls, 1);
}

int main() {
    const int n = 800;
    static_assert(n % 8 == 0, "the permutation covers whole groups");
    const Filter host_filter = {{0.1f, -0.2f, 0.4f, -0.2f, 0.1f}, 2};
    const float host_bias[4] = {0.5f, -1.5f, 2.25f, -3.5f};
    const int order[8] = {5, 2, 7, 0, 1, 6, 3, 4};
    Random random(21);
    std::vector<float> input(n), want(n);
    for (float &value : input) value = random.unit();
    for (int i = 0; i < n; ++i) {
        float sum = host_bias[1 + i % 3];
        for (int tap = 0; tap < 5; ++tap) {
            const int source = i + tap - host_filter.shift;
            if (source >= 0 && source < n) sum = std::fmaf(host_filter.taps[tap], input[source], sum);
        }
        want[i / 8 * 8 + order[i % 8]] = sum;
    }

    CUDA_CHECK(cudaMemcpyToSymbol(filter, &host_filter, sizeof host_filter));
    // Overwrites bias[2] only.
    CUDA_CHECK(cudaMemcpyToSymbol(bias, &host_bias[2], sizeof(float), 2 * sizeof(float)));
    DeviceArray<float> device_input(input), output(n);
    filter_signal<<<blocks_for(n, 128), 128>>>(device_input.get(), output.get(), n);
    CHECK_LAUNCH();

    int device_calls = 0;
    CUDA_CHECK(cudaMemcpyFromSymbol(&device_calls, calls, sizeof device_calls));
    float *bias_address = nullptr;
    std::size_t bias_size = 0;
    CUDA_CHECK(cudaGetSymbolAddress(reinterpret_cast<void **>(&bias_address), bias));
    CUDA_CHECK(cudaGetSymbolSize(&bias_size, bias));
    std::vector<float> device_bias(4);
    CUDA_CHECK(cudaMemcpy(device_bias.data(), bias_address, bias_size, cudaMemcpyDeviceToHost));

    const bool passed = same("output", output.download(), want) && same("calls", std::vector<int>{device_calls}, {40 + n / 10}) &&
                        same("bias", device_bias, std::vector<float>(host_bias, host_bias + 4));
    return finish("constant_memory", passed);
}
