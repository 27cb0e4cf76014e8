// Embedding: y[row][i] = w[tokens[row]][i], from the layout that the output head shares.
// One CTA per row.

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

#define KERNEL(name, Format)                                                                              \
    extern "C" __global__ void name(float* y, const uint32_t* tokens, const uint32_t* w, uint32_t hidden, \
                                    uint32_t columns) {                                                   \
        embed<Format>(y, tokens, w, hidden, columns);                                                     \
    }

KERNEL(embedding_f32, F32)
KERNEL(embedding_bf16, Bf16)
KERNEL(embedding_f16, F16)
