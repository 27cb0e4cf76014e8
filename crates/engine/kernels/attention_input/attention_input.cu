// What lies between the q/k/v projection and attention, in one pass over every head of every row: RMS norm per
// head of q and k (where the model has one), rotation of q and k, and storing k and v in the paged cache.
//
// qkv: [rows][(q_heads + 2 * kv_heads) * head_dim]; q is replaced by its result in place.
// A block of the cache holds BLOCK positions of one layer: keys [kv_head][head_dim][BLOCK], so that lanes of a
// warp can take neighbouring positions; values [kv_head][BLOCK][head_dim].
// angles: [positions][head_dim] cosines of the head_dim / 2 pairs, then their sines. Pair p is (p, p + head_dim / 2).
// One warp per head, eight warps per CTA.

#include <cstdint>

static constexpr int WARPS = 8;
static constexpr uint32_t BLOCK = 32;
// Pairs of a lane: heads are at most 256 wide.
static constexpr int PAIRS = 4;

extern "C" __global__ void attention_input_f32(float* qkv, float* keys, float* values, const uint32_t* positions,
                                               const uint32_t* sequences, const uint32_t* tables, const float* angles,
                                               const float* q_norm, const float* k_norm, uint32_t q_heads,
                                               uint32_t kv_heads, uint32_t head_dim, uint32_t table_stride, float eps) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t row = blockIdx.x;
    const uint32_t head = blockIdx.y * WARPS + warp;
    const uint32_t heads = q_heads + 2 * kv_heads;
    if (head >= heads) return;
    float* data = qkv + ((uint64_t)row * heads + head) * head_dim;
    const uint32_t position = positions[row];
    const uint32_t block = tables[(uint64_t)sequences[row] * table_stride + position / BLOCK];
    const uint32_t slot = position % BLOCK;
    if (head >= q_heads + kv_heads) {
        const uint32_t kv_head = head - q_heads - kv_heads;
        float* to = values + (((uint64_t)block * kv_heads + kv_head) * BLOCK + slot) * head_dim;
        for (uint32_t i = lane; i < head_dim; i += 32) to[i] = data[i];
        return;
    }
    const uint32_t half = head_dim / 2;
    const bool is_query = head < q_heads;
    const float* norm = is_query ? q_norm : k_norm;
    float low[PAIRS], high[PAIRS];
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
        const uint32_t pair = lane + 32 * i;
        low[i] = pair < half ? data[pair] : 0.0f;
        high[i] = pair < half ? data[pair + half] : 0.0f;
        sum = fmaf(low[i], low[i], fmaf(high[i], high[i], sum));
    }
    if (norm) {
#pragma unroll
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        const float scale = rsqrtf(sum / (float)head_dim + eps);
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
            const uint32_t pair = lane + 32 * i;
            if (pair < half) {
                low[i] *= scale * norm[pair];
                high[i] *= scale * norm[pair + half];
            }
        }
    }
    const float* cosines = angles + (uint64_t)position * head_dim;
    const float* sines = cosines + half;
    float* to = data;
    uint32_t stride = 1;
    if (!is_query) {
        to = keys + ((uint64_t)block * kv_heads + (head - q_heads)) * head_dim * BLOCK + slot;
        stride = BLOCK;
    }
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
        const uint32_t pair = lane + 32 * i;
        if (pair < half) {
            const float c = cosines[pair], s = sines[pair];
            to[(uint64_t)pair * stride] = low[i] * c - high[i] * s;
            to[(uint64_t)(pair + half) * stride] = high[i] * c + low[i] * s;
        }
    }
}
