// Gate of the feed-forward layer: y[row][i] = silu(x[row][i]) * x[row][width + i], silu(v) = v / (1 + exp(-v)).
// A CTA of 256 threads takes 256 values of a row.

#include <cstdint>

extern "C" __global__ void silu_mul(float* y, const float* x, uint32_t width) {
    const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width) return;
    const float* from = x + (uint64_t)blockIdx.y * 2 * width;
    const float gate = from[i];
    y[(uint64_t)blockIdx.y * width + i] = gate / (1.0f + __expf(-gate)) * from[width + i];
}
