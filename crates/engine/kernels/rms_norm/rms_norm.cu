// RMS norm: y[row][i] = x[row][i] / sqrt(mean over i of x[row][i]^2 + eps) * w[i].
// One CTA of 256 threads per row.

#include <cstdint>

static constexpr int WARPS = 8;

extern "C" __global__ void rms_norm(float* y, const float* x, const float* w, uint32_t width, float eps) {
    __shared__ float sums[WARPS];
    const float* from = x + (uint64_t)blockIdx.x * width;
    float* to = y + (uint64_t)blockIdx.x * width;
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x; i < width; i += WARPS * 32) sum = fmaf(from[i], from[i], sum);
#pragma unroll
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) total += sums[i];
    const float scale = rsqrtf(total / (float)width + eps);
    for (uint32_t i = threadIdx.x; i < width; i += WARPS * 32) to[i] = from[i] * scale * w[i];
}
