// Activations to int8: for each row, scale = largest magnitude / 127, and values / scale rounded to the nearest, ties
// to even; a row of zeros has scale 0. Written in the tile order of int8.cuh. One CTA of 256 threads per row.
//
// quantize: of x. rms_norm_quantize: of the RMS norm of x. silu_mul_quantize: of silu(gate[i]) * up[i], which are in x as
// ../gate.cuh says.

#include "../gate.cuh"
#include "../int8.cuh"

static constexpr int WARPS = 8;

__device__ __forceinline__ float sum_of_cta(float value) {
    __shared__ float parts[WARPS];
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = value;
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) total += parts[i];
    return total;
}

__device__ __forceinline__ float largest_of_cta(float value) {
    __shared__ float parts[WARPS];
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = value;
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) total = fmaxf(total, parts[i]);
    return total;
}

template <class Source>
static __device__ void quantize_row(uint32_t* words, float* scales, const Source& source, uint32_t width) {
    const uint32_t row = blockIdx.x;
    float largest = 0.0f;
    for (uint32_t i = threadIdx.x; i < width; i += WARPS * 32) largest = fmaxf(largest, fabsf(source(i)));
    largest = largest_of_cta(largest);
    const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
    if (threadIdx.x == 0) scales[row] = largest / 127.0f;
    const uint32_t tiles = (width + TILE_INPUTS - 1) / TILE_INPUTS;
    uint32_t* to = words + row_tile_at(row / TILE_ROWS, tiles) + row % TILE_ROWS * 4;
    for (uint32_t word = threadIdx.x; word < tiles * 8; word += WARPS * 32) {
        uint32_t packed = 0;
#pragma unroll
        for (uint32_t j = 0; j < 4; j++) {
            const uint32_t i = word * 4 + j;
            const int32_t value = i < width ? __float2int_rn(source(i) * inverse) : 0;
            packed |= (uint32_t)(value & 0xff) << (8 * j);
        }
        to[word / 8 * GROUP_WORDS + word % 8 / 4 * 32 + word % 4] = packed;
    }
}

struct Plain {
    const float* x;
    __device__ float operator()(uint32_t i) const { return x[i]; }
};

struct Normed {
    const float* x;
    const float* w;
    float scale;
    __device__ float operator()(uint32_t i) const { return x[i] * scale * w[i]; }
};

struct Gated {
    const float* x;
    __device__ float operator()(uint32_t i) const {
        const float* from = x + gate_at(i);
        return gated(from[0], from[TILE_OUTPUTS]);
    }
};

extern "C" __global__ void quantize(uint32_t* words, float* scales, const float* x, uint32_t width) {
    quantize_row(words, scales, Plain{x + (uint64_t)blockIdx.x * width}, width);
}

extern "C" __global__ void rms_norm_quantize(uint32_t* words, float* scales, const float* x, const float* w,
                                             uint32_t width, float eps) {
    const float* from = x + (uint64_t)blockIdx.x * width;
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x; i < width; i += WARPS * 32) sum = fmaf(from[i], from[i], sum);
    const float scale = rsqrtf(sum_of_cta(sum) / (float)width + eps);
    quantize_row(words, scales, Normed{from, w, scale}, width);
}

extern "C" __global__ void silu_mul_quantize(uint32_t* words, float* scales, const float* x, uint32_t width) {
    quantize_row(words, scales, Gated{x + (uint64_t)blockIdx.x * gate_at((width + TILE_OUTPUTS - 1) / TILE_OUTPUTS * TILE_OUTPUTS)}, width);
}
