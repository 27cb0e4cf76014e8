// Embedding: y[row][i] = w[tokens[row]][i], from the layout that the output head shares.
// One CTA per row.

#include "../int8.cuh"
#include "../weights.cuh"

template <class Format>
static __device__ void embed(float* y, const uint32_t* tokens, const uint32_t* w, uint32_t hidden, uint32_t columns) {
    const uint32_t row = blockIdx.x;
    const uint32_t token = tokens[row];
    const uint32_t words = (hidden + Format::PER_WORD - 1) / Format::PER_WORD;
    for (uint32_t i = threadIdx.x; i < words; i += blockDim.x) {
        float values[Format::PER_WORD];
        Format::unpack(w[(uint64_t)i * columns + token], values);
#pragma unroll
        for (int j = 0; j < Format::PER_WORD; j++) {
            const uint32_t at = i * Format::PER_WORD + j;
            if (at < hidden) y[(uint64_t)row * hidden + at] = values[j];
        }
    }
}

#define PARAMETERS float *y, const uint32_t *tokens, const uint32_t *w, const float *scales, uint32_t hidden, uint32_t columns

extern "C" __global__ void embedding_f32(PARAMETERS) { embed<F32>(y, tokens, w, hidden, columns); }
extern "C" __global__ void embedding_bf16(PARAMETERS) { embed<Bf16>(y, tokens, w, hidden, columns); }
extern "C" __global__ void embedding_f16(PARAMETERS) { embed<F16>(y, tokens, w, hidden, columns); }

extern "C" __global__ void embedding_i8(PARAMETERS) {
    const uint32_t token = tokens[blockIdx.x];
    const uint32_t tiles = (hidden + TILE_INPUTS - 1) / TILE_INPUTS;
    const uint32_t output = token % TILE_OUTPUTS;
    const uint32_t* from = w + (uint64_t)(token / TILE_OUTPUTS) * tiles * 128 + output / 8 * 32 + output % 8 * 4;
    float* to = y + (uint64_t)blockIdx.x * hidden;
    const float scale = scales[token];
    for (uint32_t i = threadIdx.x; i < hidden; i += blockDim.x) {
        const uint32_t word = from[i / 32 * 128 + i % 32 / 16 * 64 + i % 16 / 4];
        to[i] = (float)(int8_t)(word >> (8 * (i % 4))) * scale;
    }
}
