// Causal attention of every row over the paged cache, for prompts and for decoding alike.
//
// q: the first q_heads * head_dim of every row of qkv; out: [rows][q_heads * head_dim].
// One CTA per row and key/value head, one warp per query head that shares it. A warp goes through the blocks of
// its sequence: for the scores a lane is a position, for the output a lane is a dimension. Softmax is online, with
// the running maximum and sum of every block. The order of sums depends on positions alone.

#include "../cache.cuh"

// LANE_DIMS: dimensions of a lane; head_dim is at most 32 times that.
template <int LANE_DIMS, class Cache>
static __device__ void attend(float* out, const float* qkv, const Cache& cache, const uint32_t* positions,
                              const uint32_t* sequences, const uint32_t* tables, uint32_t kv_heads, uint32_t head_dim,
                              uint32_t qkv_stride, uint32_t table_stride, float scale) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t group = blockDim.x >> 5;
    const uint32_t row = blockIdx.x, kv_head = blockIdx.y;
    const uint32_t head = kv_head * group + warp;
    const uint32_t position = positions[row];
    const uint32_t* table = tables + (uint64_t)sequences[row] * table_stride;
    const float* q = qkv + (uint64_t)row * qkv_stride + head * head_dim;

    float maximum = -INFINITY, sum = 0.0f;
    float output[LANE_DIMS];
#pragma unroll
    for (int i = 0; i < LANE_DIMS; i++) output[i] = 0.0f;
    for (uint32_t first = 0; first <= position; first += BLOCK) {
        const uint64_t at = (uint64_t)table[first / BLOCK] * kv_heads + kv_head;
        float score = cache.score(q, at, head_dim, lane);
        score = first + lane <= position ? score * scale : -INFINITY;
        float peak = score;
#pragma unroll
        for (int step = 16; step > 0; step /= 2) peak = fmaxf(peak, __shfl_xor_sync(0xffffffffu, peak, step));
        const float updated = fmaxf(maximum, peak);
        const float weight = __expf(score - updated);
        const float keep = __expf(maximum - updated);
        maximum = updated;
        float total = weight;
#pragma unroll
        for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(0xffffffffu, total, step);
        sum = fmaf(sum, keep, total);
#pragma unroll
        for (int i = 0; i < LANE_DIMS; i++) output[i] *= keep;
        // Lanes past the position have weight 0, and a scale that may be anything.
        const float scaled = weight > 0.0f ? weight * cache.weight_scale(at, lane) : 0.0f;
        const uint32_t count = min(position + 1 - first, BLOCK);
        for (uint32_t t = 0; t < count; t++) {
            const float share = __shfl_sync(0xffffffffu, scaled, t);
#pragma unroll
            for (int i = 0; i < LANE_DIMS; i++) {
                const uint32_t d = lane + 32 * i;
                if (d < head_dim) output[i] = fmaf(share, cache.value(at, t, head_dim, d), output[i]);
            }
        }
    }
    float* to = out + ((uint64_t)row * kv_heads * group + head) * head_dim;
#pragma unroll
    for (int i = 0; i < LANE_DIMS; i++) {
        const uint32_t d = lane + 32 * i;
        if (d < head_dim) to[d] = output[i] / sum;
    }
}

#define KERNEL(name, LANE_DIMS, Cache)                                                                                \
    extern "C" __global__ void name(float* out, const float* qkv, void* keys, void* values, float* key_scales,        \
                                    float* value_scales, const uint32_t* positions, const uint32_t* sequences,        \
                                    const uint32_t* tables, uint32_t kv_heads, uint32_t head_dim,                     \
                                    uint32_t qkv_stride, uint32_t table_stride, float scale) {                        \
        attend<LANE_DIMS>(out, qkv, Cache{keys, values, key_scales, value_scales}, positions, sequences, tables,      \
                          kv_heads, head_dim, qkv_stride, table_stride, scale);                                       \
    }

KERNEL(paged_attention_f32_1, 1, F32Cache)
KERNEL(paged_attention_f32_2, 2, F32Cache)
KERNEL(paged_attention_f32_4, 4, F32Cache)
KERNEL(paged_attention_f32_8, 8, F32Cache)
KERNEL(paged_attention_i8_1, 1, Int8Cache)
KERNEL(paged_attention_i8_2, 2, Int8Cache)
KERNEL(paged_attention_i8_4, 4, Int8Cache)
KERNEL(paged_attention_i8_8, 8, Int8Cache)
