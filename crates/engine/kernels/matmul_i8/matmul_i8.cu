// Product of quantised weights with quantised activations on the matrix unit, both in the tile order of int8.cuh:
// y[row][o] = sum over i of x[row][i] * w[o][i] * x_scale[row] * w_scale, plus bias[o], plus what y held.
//
// int8: one scale per output, the sum over all inputs is exact in int32. int4: one scale per output and 32 inputs,
// [output tile][input tile][16]; sums of 32 are exact, the sum of those is in f32.
// Either way a row's result does not depend on the rows beside it.
//
// *_few: eight rows per CTA, whose eight warps share the inputs of one tile of outputs (every eighth tile each).
// *_many: 32 rows per CTA, one tile of outputs per warp. There is none for int4, whose f32 sums must be in one order.
// expert_*: y[r][o] from row r / share of x and matrix experts[r]; one row per CTA, otherwise as *_few.

#include <cuda_fp16.h>

#include "../int8.cuh"

static constexpr uint32_t WARPS = 8;

// Accumulators of one tile of outputs and one tile of rows.
struct Int8 {
    static constexpr uint32_t WORDS_PER_TILE = 128;
    int32_t sum[4] = {0, 0, 0, 0};
    struct Tile {
        uint32_t a[4];
    };

    // w: the lane's first word of the tile.
    static __device__ Tile load(const uint32_t* w, const void*, uint64_t, uint32_t) {
        Tile t;
#pragma unroll
        for (int r = 0; r < 4; r++) t.a[r] = w[r * 32];
        return t;
    }
    __device__ void add(const Tile& tile, const uint32_t (&b)[2]) { multiply(sum, tile.a, b); }
    // The sum at output lane / 4 + 8 * half: its scale is applied here.
    __device__ float value(int i, const void* scales, uint32_t output) const {
        return (float)sum[i] * ((const float*)scales)[output];
    }
};

struct Int4 {
    static constexpr uint32_t WORDS_PER_TILE = 64;
    float sum[4] = {0, 0, 0, 0};
    struct Tile {
        uint32_t a[4];
        float scale[2];
    };

    static __device__ Tile load(const uint32_t* w, const void* scales, uint64_t tile, uint32_t lane) {
        Tile t;
#pragma unroll
        for (int p = 0; p < 2; p++) {
            const uint32_t word = w[p * 32];
            // Sixteen times the value: a signed nibble in the high half of a byte.
            t.a[2 * p] = word & 0xf0f0f0f0u;
            t.a[2 * p + 1] = word << 4 & 0xf0f0f0f0u;
            t.scale[p] = __half2float(((const __half*)scales)[tile * TILE_OUTPUTS + lane / 4 + 8 * p]);
        }
        return t;
    }
    __device__ void add(const Tile& tile, const uint32_t (&b)[2]) {
        int32_t part[4] = {0, 0, 0, 0};
        multiply(part, tile.a, b);
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = fmaf((float)part[i], tile.scale[i / 2], sum[i]);
    }
    __device__ float value(int i, const void*, uint32_t) const { return sum[i] * 0.0625f; }
};

struct Arguments {
    float* y;
    const uint32_t* x;
    const float* x_scales;
    const uint32_t* w;
    const void* w_scales;
    const float* bias;
    uint32_t outputs, inputs, rows, accumulate;
};

static __device__ void store(const Arguments& in, uint32_t row, uint32_t output, float value) {
    if (row >= in.rows || output >= in.outputs) return;
    value *= in.x_scales[row];
    if (in.bias) value += in.bias[output];
    float* to = in.y + (uint64_t)row * in.outputs + output;
    *to = in.accumulate ? *to + value : value;
}

// The sums of one tile of outputs and one tile of rows over all inputs, by the eight warps of a CTA. Warp i < 4 gets
// sums i of every lane, in sum[0].
template <class Format>
__device__ __forceinline__ Format sum_of_cta(const uint32_t* w, const void* w_scales, const uint32_t* x, uint64_t first,
                                    uint32_t tiles, uint32_t lane, uint32_t warp) {
    __shared__ decltype(Format::sum[0] + Format::sum[0]) parts[WARPS][4][32];
    Format sums;
    // Pointers that move, so that an address costs one addition in a step.
    const uint32_t* a = w + (first + warp) * Format::WORDS_PER_TILE + lane;
    const uint32_t* from = x + warp * GROUP_WORDS + lane;
#pragma unroll 1
    for (uint32_t tile = warp; tile < tiles; tile += WARPS) {
        const uint32_t b[2] = {from[0], from[32]};
        sums.add(Format::load(a, w_scales, first + tile, lane), b);
        a += WARPS * Format::WORDS_PER_TILE;
        from += WARPS * GROUP_WORDS;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) parts[warp][i][lane] = sums.sum[i];
    __syncthreads();
    Format whole;
    if (warp < 4) {
        // In order of warps.
        auto total = parts[0][warp][lane];
#pragma unroll
        for (uint32_t other = 1; other < WARPS; other++) total += parts[other][warp][lane];
        whole.sum[0] = total;
    }
    return whole;
}

template <class Format>
static __device__ void few(const Arguments& in) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t tiles = (in.inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t* x = in.x + row_tile_at(blockIdx.y, tiles);
    const Format sums =
        sum_of_cta<Format>(in.w, in.w_scales, x, (uint64_t)blockIdx.x * tiles, tiles, lane, warp);
    if (warp >= 4) return;
    const uint32_t output = blockIdx.x * TILE_OUTPUTS + lane / 4 + 8 * (warp / 2);
    const uint32_t row = blockIdx.y * TILE_ROWS + 2 * (lane % 4) + warp % 2;
    store(in, row, output, sums.value(0, in.w_scales, min(output, in.outputs - 1)));
}

template <class Format>
static __device__ void expert(float* y, const uint32_t* x, const float* x_scales, const uint32_t* w,
                              const void* w_scales, const uint32_t* experts, uint32_t outputs, uint32_t inputs,
                              uint32_t share, uint64_t expert_words, uint64_t expert_scale_bytes) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t tiles = (inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t row = blockIdx.y, from = row / share, who = experts[row];
    w += who * expert_words;
    w_scales = (const char*)w_scales + who * expert_scale_bytes;
    x += row_tile_at(from / TILE_ROWS, tiles);
    const Format sums = sum_of_cta<Format>(w, w_scales, x, (uint64_t)blockIdx.x * tiles, tiles, lane, warp);
    if (warp >= 4) return;
    const uint32_t output = blockIdx.x * TILE_OUTPUTS + lane / 4 + 8 * (warp / 2);
    if (output >= outputs || 2 * (lane % 4) + warp % 2 != from % TILE_ROWS) return;
    y[(uint64_t)row * outputs + output] = sums.value(0, w_scales, output) * x_scales[from];
}

template <class Format>
static __device__ void many(const Arguments& in) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t tiles = (in.inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t output_tile = blockIdx.x * WARPS + warp;
    if (output_tile * TILE_OUTPUTS >= in.outputs) return;
    const uint64_t first = (uint64_t)output_tile * tiles;
    const uint32_t row_tile = blockIdx.y * GROUP_TILES;
    const uint32_t* w = in.w + first * Format::WORDS_PER_TILE + lane;
    const uint32_t* x = in.x + row_tile_at(row_tile, tiles) + lane;
    Format sums[GROUP_TILES];
#pragma unroll 1
    for (uint32_t tile = 0; tile < tiles; tile++) {
        const auto a = Format::load(w, in.w_scales, first + tile, lane);
#pragma unroll
        for (int n = 0; n < GROUP_TILES; n++) {
            const uint32_t b[2] = {x[n * ROW_TILE_WORDS], x[n * ROW_TILE_WORDS + 32]};
            sums[n].add(a, b);
        }
        w += Format::WORDS_PER_TILE;
        x += GROUP_WORDS;
    }
#pragma unroll
    for (int n = 0; n < GROUP_TILES; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint32_t output = output_tile * TILE_OUTPUTS + lane / 4 + 8 * (i / 2);
            const uint32_t row = (row_tile + n) * TILE_ROWS + 2 * (lane % 4) + i % 2;
            store(in, row, output, sums[n].value(i, in.w_scales, min(output, in.outputs - 1)));
        }
    }
}

#define PARAMETERS                                                                                            \
    float *y, const uint32_t *x, const float *x_scales, const uint32_t *w, const void *w_scales,              \
        const float *bias, uint32_t outputs, uint32_t inputs, uint32_t rows, uint32_t accumulate
#define ARGUMENTS \
    Arguments { y, x, x_scales, w, w_scales, bias, outputs, inputs, rows, accumulate }

extern "C" __global__ void matmul_i8_few(PARAMETERS) { few<Int8>(ARGUMENTS); }
extern "C" __global__ void matmul_i8_many(PARAMETERS) { many<Int8>(ARGUMENTS); }
extern "C" __global__ void matmul_i4_few(PARAMETERS) { few<Int4>(ARGUMENTS); }

#define EXPERT_KERNEL(name, Format)                                                                                \
    extern "C" __global__ void name(float* y, const uint32_t* x, const float* x_scales, const uint32_t* w,         \
                                    const void* w_scales, const uint32_t* experts, uint32_t outputs,               \
                                    uint32_t inputs, uint32_t share, uint64_t expert_words,                        \
                                    uint64_t expert_scale_bytes) {                                                 \
        expert<Format>(y, x, x_scales, w, w_scales, experts, outputs, inputs, share, expert_words,                 \
                       expert_scale_bytes);                                                                        \
    }

EXPERT_KERNEL(expert_matmul_i8, Int8)
EXPERT_KERNEL(expert_matmul_i4, Int4)
