// Product of quantised weights with quantised activations on the matrix unit, both in the tile order of int8.cuh:
// y[row][o] = sum over i of x[row][i] * w[o][i] * x_scale[row] * w_scale, plus bias[o], plus what y held.
//
// int8: one scale per output, the sum over all inputs is exact in int32. int4: one scale per output and 32 inputs,
// [output tile][input tile][16]; sums of 32 are exact, the sum of those is in f32.
// Either way a row's result does not depend on the rows beside it.
//
// *_few: a tile of outputs per CTA along x, eight rows along y. The warps of the CTA share the inputs, a stretch each.
// The order of f32 sums depends on the number of warps, which the shape of w alone must decide.
// *_many: 16 rows per CTA along x, a tile of outputs per warp, CTAs along y: those that run together read the same
// weights. There is none for int4, whose f32 sums must be in one order.
// expert_*: y[r][o] from row r / share of x and matrix experts[r]; one row per CTA along y, otherwise as *_few.
//
// CTAs are one-dimensional, of at most eight whole warps. Addresses are a pointer that all lanes share and a small
// offset of the lane.

#include <cuda_fp16.h>

#include "../int8.cuh"

static constexpr uint32_t WARPS_MAX = 8;
// Tiles of rows of a warp where there are many: with more, accumulators would not stay in registers.
static constexpr uint32_t MANY_TILES = 2;

// Accumulators of one tile of outputs and one tile of rows.
struct Int8 {
    static constexpr uint32_t WORDS_PER_TILE = 128;
    int32_t sum[4] = {0, 0, 0, 0};
    struct Tile {
        uint32_t a[4];
    };

    // w: the tile.
    static __device__ __forceinline__ Tile load(const uint32_t* w, const void*, uint64_t, uint32_t lane) {
        Tile t;
#pragma unroll
        for (int r = 0; r < 4; r++) t.a[r] = w[r * 32 + lane];
        return t;
    }
    __device__ __forceinline__ void add(const Tile& tile, const uint32_t (&b)[2]) { multiply(sum, tile.a, b); }
    static __device__ float scale(const void* scales, uint32_t output) { return ((const float*)scales)[output]; }
};

struct Int4 {
    static constexpr uint32_t WORDS_PER_TILE = 64;
    float sum[4] = {0, 0, 0, 0};
    struct Tile {
        uint32_t a[4];
        float scale[2];
    };

    static __device__ __forceinline__ Tile load(const uint32_t* w, const void* scales, uint64_t tile, uint32_t lane) {
        Tile t;
        const __half* of_tile = (const __half*)scales + tile * TILE_OUTPUTS;
#pragma unroll
        for (int p = 0; p < 2; p++) {
            const uint32_t word = w[p * 32 + lane];
            // Sixteen times the value: a signed nibble in the high half of a byte.
            t.a[2 * p] = word & 0xf0f0f0f0u;
            t.a[2 * p + 1] = word << 4 & 0xf0f0f0f0u;
            t.scale[p] = __half2float(of_tile[lane / 4 + 8 * p]);
        }
        return t;
    }
    __device__ __forceinline__ void add(const Tile& tile, const uint32_t (&b)[2]) {
        int32_t part[4] = {0, 0, 0, 0};
        multiply(part, tile.a, b);
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = fmaf((float)part[i], tile.scale[i / 2], sum[i]);
    }
    static __device__ float scale(const void*, uint32_t) { return 0.0625f; }
};

// Where the results of one tile of rows go.
struct Target {
    // Row 0 of the tile.
    float* y;
    const float* x_scales;
    uint32_t outputs;
    // Rows of the tile that are wanted, from first to before end.
    uint32_t first, end;
    uint32_t accumulate;

    // Odd sums belong to odd rows: where there is only row 0, nobody wants them.
    __device__ bool is_row_0() const { return end <= 1; }
};

// What belongs to the lane's outputs of a tile: lane / 4, and 8 more.
struct Columns {
    float scale[2], bias[2];
    bool is_there[2];
};

template <class Format>
static __device__ __forceinline__ Columns columns(const void* w_scales, const float* bias, uint32_t outputs,
                                                  uint32_t output_tile, uint32_t lane) {
    Columns c;
#pragma unroll
    for (int v = 0; v < 2; v++) {
        const uint32_t output = output_tile * TILE_OUTPUTS + lane / 4 + 8 * v;
        const uint32_t known = min(output, outputs - 1);
        c.is_there[v] = output < outputs;
        c.scale[v] = Format::scale(w_scales, known);
        c.bias[v] = bias ? bias[known] : 0.0f;
    }
    return c;
}

// Stores the sums of a tile of outputs and a tile of rows.
template <class Sum>
static __device__ __forceinline__ void store(const Target& to, const Columns& c, uint32_t output_tile, uint32_t lane,
                                             const Sum (&sum)[4]) {
    float* at = to.y + output_tile * TILE_OUTPUTS + (2 * (lane % 4) * to.outputs + lane / 4);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        if (h == 1 && to.is_row_0()) return;
        const uint32_t row = 2 * (lane % 4) + h;
        if (row >= to.first && row < to.end) {
            const float x_scale = to.x_scales[row];
#pragma unroll
            for (int v = 0; v < 2; v++) {
                float value = (float)sum[2 * v + h] * c.scale[v] * x_scale + c.bias[v];
                if (c.is_there[v]) {
                    if (to.accumulate) value += at[8 * v];
                    at[8 * v] = value;
                }
            }
        }
        at += to.outputs;
    }
}

// The results of one tile of outputs and one tile of rows, by the warps of a CTA.
template <class Format>
static __device__ __forceinline__ void together(const Target& to, const uint32_t* w, const void* w_scales,
                                                const float* bias, const uint32_t* x, uint32_t tiles) {
    typedef decltype(Format::sum[0] + Format::sum[0]) Sum;
    __shared__ Sum parts[WARPS_MAX][4][32];
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t warps = blockDim.x >> 5, output_tile = blockIdx.x;
    const uint32_t stretch = (tiles + warps - 1) / warps;
    const uint32_t begin = min(warp * stretch, tiles);
    uint32_t left = min(stretch, tiles - begin);
    uint64_t at = (uint64_t)output_tile * tiles + begin;
    const uint32_t* from = x + (uint64_t)begin * GROUP_WORDS;
    Format sums;
    // Two tiles at a time: their loads are under way together.
#pragma unroll 1
    for (; left >= 2; left -= 2) {
        const auto first = Format::load(w + at * Format::WORDS_PER_TILE, w_scales, at, lane);
        const auto second = Format::load(w + (at + 1) * Format::WORDS_PER_TILE, w_scales, at + 1, lane);
        const uint32_t b_first[2] = {from[lane], from[32 + lane]};
        const uint32_t b_second[2] = {from[GROUP_WORDS + lane], from[GROUP_WORDS + 32 + lane]};
        sums.add(first, b_first);
        sums.add(second, b_second);
        at += 2;
        from += 2 * GROUP_WORDS;
    }
    if (left > 0) {
        const uint32_t b[2] = {from[lane], from[32 + lane]};
        sums.add(Format::load(w + at * Format::WORDS_PER_TILE, w_scales, at, lane), b);
    }
    if (warps > 1) {
        if (warp > 0) {
#pragma unroll
            for (int i = 0; i < 4; i++) parts[warp][i][lane] = sums.sum[i];
        }
        __syncthreads();
        if (warp > 0) return;
        // In order of stretches.
        for (uint32_t other = 1; other < warps; other++) {
#pragma unroll
            for (int i = 0; i < 4; i++) sums.sum[i] += parts[other][i][lane];
        }
    }
    const Columns c = columns<Format>(w_scales, bias, to.outputs, output_tile, lane);
    store(to, c, output_tile, lane, sums.sum);
}

template <class Format>
static __device__ __forceinline__ void few(float* y, const uint32_t* x, const float* x_scales, const uint32_t* w,
                                           const void* w_scales, const float* bias, uint32_t outputs, uint32_t inputs,
                                           uint32_t rows, uint32_t accumulate) {
    const uint32_t tiles = (inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t row = blockIdx.y * TILE_ROWS;
    const Target to{y + (uint64_t)row * outputs, x_scales + row, outputs, 0, min(rows - row, TILE_ROWS), accumulate};
    together<Format>(to, w, w_scales, bias, x + row_tile_at(blockIdx.y, tiles), tiles);
}

template <class Format>
static __device__ __forceinline__ void expert(float* y, const uint32_t* x, const float* x_scales, const uint32_t* w,
                                              const void* w_scales, const uint32_t* experts, uint32_t outputs,
                                              uint32_t inputs, uint32_t share, uint64_t expert_words,
                                              uint64_t expert_scale_bytes) {
    const uint32_t tiles = (inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t row = blockIdx.y, from = row / share, in_tile = from % TILE_ROWS, who = experts[row];
    const void* scales = (const char*)w_scales + who * expert_scale_bytes;
    const Target to{y + ((int64_t)row - in_tile) * outputs, x_scales + (from - in_tile), outputs, in_tile, in_tile + 1, 0};
    together<Format>(to, w + who * expert_words, scales, nullptr, x + row_tile_at(from / TILE_ROWS, tiles), tiles);
}

template <class Format>
static __device__ __forceinline__ void many(float* y, const uint32_t* x, const float* x_scales, const uint32_t* w,
                                            const void* w_scales, const float* bias, uint32_t outputs, uint32_t inputs,
                                            uint32_t rows, uint32_t accumulate) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t tiles = (inputs + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t output_tile = blockIdx.y * (blockDim.x >> 5) + warp;
    if (output_tile * TILE_OUTPUTS >= outputs) return;
    const uint64_t first = (uint64_t)output_tile * tiles;
    const uint32_t row_tile = blockIdx.x * MANY_TILES;
    const uint32_t* from = x + row_tile_at(row_tile, tiles);
    Format sums[MANY_TILES];
#pragma unroll 1
    for (uint32_t tile = 0; tile < tiles; tile++) {
        const auto a = Format::load(w + (first + tile) * Format::WORDS_PER_TILE, w_scales, first + tile, lane);
#pragma unroll
        for (int n = 0; n < MANY_TILES; n++) {
            const uint32_t b[2] = {from[n * ROW_TILE_WORDS + lane], from[n * ROW_TILE_WORDS + 32 + lane]};
            sums[n].add(a, b);
        }
        from += GROUP_WORDS;
    }
    const Columns c = columns<Format>(w_scales, bias, outputs, output_tile, lane);
#pragma unroll
    for (int n = 0; n < MANY_TILES; n++) {
        const uint32_t row = (row_tile + n) * TILE_ROWS;
        if (row >= rows) return;
        const Target to{y + (uint64_t)row * outputs, x_scales + row, outputs, 0, min(rows - row, TILE_ROWS),
                        accumulate};
        store(to, c, output_tile, lane, sums[n].sum);
    }
}

#define PARAMETERS                                                                                            \
    float *y, const uint32_t *x, const float *x_scales, const uint32_t *w, const void *w_scales,              \
        const float *bias, uint32_t outputs, uint32_t inputs, uint32_t rows, uint32_t accumulate
#define ARGUMENTS y, x, x_scales, w, w_scales, bias, outputs, inputs, rows, accumulate

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
