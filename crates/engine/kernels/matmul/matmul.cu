// Matrix product: y[row][o] = sum over i of x[row][i] * w[o][i], plus bias[o], plus what y held.
//
// A CTA makes 32 outputs of TOKENS rows. Its eight warps take every eighth word of the inputs; their sums are
// added in order of warps at the end. The order of every sum is the same for every TOKENS, so a row's result
// does not depend on the rows beside it.

#include "../weights.cuh"

static constexpr int WARPS = 8;

template <class Format, int TOKENS>
__device__ __forceinline__ void matmul(float* y, const float* x, const uint32_t* w, const float* bias, uint32_t outputs,
                              uint32_t columns, uint32_t inputs, uint32_t rows, uint32_t x_stride, uint32_t y_stride,
                              uint32_t accumulate) {
    constexpr int PER_WORD = Format::PER_WORD;
    __shared__ float sums[WARPS][TOKENS][32];
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t output = blockIdx.x * 32 + lane;
    const uint32_t first = blockIdx.y * TOKENS;

    // Rows past the end compute the last row again, and store nothing.
    const float* rows_x[TOKENS];
#pragma unroll
    for (int t = 0; t < TOKENS; t++) rows_x[t] = x + (uint64_t)min(first + t, rows - 1) * x_stride;

    float sum[TOKENS];
#pragma unroll
    for (int t = 0; t < TOKENS; t++) sum[t] = 0.0f;
    const uint32_t whole = inputs / PER_WORD;
    const uint32_t* column = w + output;
#pragma unroll 4
    for (uint32_t i = warp; i < whole; i += WARPS) {
        float values[PER_WORD];
        Format::unpack(column[(uint64_t)i * columns], values);
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
#pragma unroll
            for (int j = 0; j < PER_WORD; j++) sum[t] = fmaf(rows_x[t][i * PER_WORD + j], values[j], sum[t]);
        }
    }
    if (PER_WORD > 1 && whole * PER_WORD < inputs && warp == 0) {
        float values[PER_WORD];
        Format::unpack(column[(uint64_t)whole * columns], values);
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            for (uint32_t j = 0; j < inputs - whole * PER_WORD; j++)
                sum[t] = fmaf(rows_x[t][whole * PER_WORD + j], values[j], sum[t]);
        }
    }
#pragma unroll
    for (int t = 0; t < TOKENS; t++) sums[warp][t][lane] = sum[t];
    __syncthreads();
    for (int t = warp; t < TOKENS; t += WARPS) {
        const uint32_t row = first + t;
        if (row >= rows || output >= outputs) continue;
        float total = 0.0f;
#pragma unroll
        for (int i = 0; i < WARPS; i++) total += sums[i][t][lane];
        if (bias) total += bias[output];
        float* target = y + (uint64_t)row * y_stride + output;
        *target = accumulate ? *target + total : total;
    }
}

#define KERNEL(name, Format, TOKENS)                                                                                  \
    extern "C" __global__ void name(float* y, const float* x, const uint32_t* w, const float* bias, uint32_t outputs, \
                                    uint32_t columns, uint32_t inputs, uint32_t rows, uint32_t x_stride,              \
                                    uint32_t y_stride, uint32_t accumulate) {                                         \
        matmul<Format, TOKENS>(y, x, w, bias, outputs, columns, inputs, rows, x_stride, y_stride, accumulate);        \
    }

KERNEL(matmul_f32_1, F32, 1)
KERNEL(matmul_f32_8, F32, 8)
KERNEL(matmul_bf16_1, Bf16, 1)
KERNEL(matmul_bf16_8, Bf16, 8)
KERNEL(matmul_f16_1, F16, 1)
KERNEL(matmul_f16_8, F16, 8)
