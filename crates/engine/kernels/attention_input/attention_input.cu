// What lies between the q/k/v projection and attention, in one pass over every head of every row: RMS norm per
// head of q and k (where the model has one), rotation of q and k, and storing k and v in the paged cache.
//
// qkv: [rows][(q_heads + 2 * kv_heads) * head_dim]; q is replaced by its result in place.
// The cache is that of ../cache.cuh.
// angles: [positions][head_dim] cosines of the head_dim / 2 pairs, then their sines. Pair p is (p, p + head_dim / 2).
// One warp per head, eight warps per CTA.

#include "../cache.cuh"
#include "../rotary.cuh"

static constexpr int WARPS = 8;

template <class Cache>
static __device__ void attention_input(float* qkv, const Cache& cache, const uint32_t* positions,
                                       const uint32_t* sequences, const uint32_t* tables, const float* angles,
                                       const float* q_norm, const float* k_norm, uint32_t q_heads, uint32_t kv_heads,
                                       uint32_t head_dim, uint32_t table_stride, float eps) {
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
        const uint64_t at = (uint64_t)block * kv_heads + kv_head;
        float largest = 0.0f;
        if (Cache::HAS_SCALES) {
            for (uint32_t i = lane; i < head_dim; i += 32) largest = fmaxf(largest, fabsf(data[i]));
            largest = largest_of_warp(largest);
        }
        const auto store = cache.value_store(at, slot, head_dim, largest, lane);
        for (uint32_t i = lane; i < head_dim; i += 32) store(i, data[i]);
        return;
    }
    const uint32_t half = head_dim / 2;
    const bool is_query = head < q_heads;
    const float* norm = is_query ? q_norm : k_norm;
    Head own = Head::load(data, half, lane);
    if (norm) own.normalise(norm, head_dim, eps, lane);
    own.rotate(angles + (uint64_t)position * head_dim, half, lane);
    if (is_query) {
        own.store([&](uint32_t d, float value) { data[d] = value; }, half, lane);
        return;
    }
    const float largest = Cache::HAS_SCALES ? largest_of_warp(own.largest()) : 0.0f;
    const uint64_t at = (uint64_t)block * kv_heads + (head - q_heads);
    own.store(cache.key_store(at, slot, head_dim, largest, lane), half, lane);
}

#define KERNEL(name, Cache)                                                                                           \
    extern "C" __global__ void name(float* qkv, void* keys, void* values, float* key_scales, float* value_scales,     \
                                    const uint32_t* positions, const uint32_t* sequences, const uint32_t* tables,     \
                                    const float* angles, const float* q_norm, const float* k_norm, uint32_t q_heads,  \
                                    uint32_t kv_heads, uint32_t head_dim, uint32_t table_stride, float eps) {         \
        attention_input(qkv, Cache{keys, values, key_scales, value_scales}, positions, sequences, tables, angles,     \
                        q_norm, k_norm, q_heads, kv_heads, head_dim, table_stride, eps);                              \
    }

KERNEL(attention_input_f32, F32Cache)
KERNEL(attention_input_i8, Int8Cache)
