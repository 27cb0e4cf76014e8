// The paged KV cache. A block holds BLOCK positions of one layer, `at` is block * kv_heads + kv_head:
//
// f32: keys [at][head_dim][BLOCK], so that lanes of a warp can take neighbouring positions; values
// [at][BLOCK][head_dim].
// int8: keys [at][head_dim / 4][BLOCK] words of four neighbouring dimensions; values [at][BLOCK][head_dim] bytes. Each
// vector of a position has a scale, largest magnitude / 127: key_scales and value_scales [at][BLOCK].
#pragma once

#include <cstdint>

static constexpr uint32_t BLOCK = 32;

static __device__ float largest_of_warp(float value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    return value;
}

struct F32Cache {
    static constexpr bool HAS_SCALES = false;
    void *keys, *values;
    float *key_scales, *value_scales;

    struct Store {
        float* to;
        uint32_t stride;
        __device__ void operator()(uint32_t d, float value) const { to[(uint64_t)d * stride] = value; }
    };
    __device__ Store key_store(uint64_t at, uint32_t slot, uint32_t head_dim, float, uint32_t) const {
        return {(float*)keys + at * head_dim * BLOCK + slot, BLOCK};
    }
    __device__ Store value_store(uint64_t at, uint32_t slot, uint32_t head_dim, float, uint32_t) const {
        return {(float*)values + (at * BLOCK + slot) * head_dim, 1};
    }

    // Each q times the key of position `lane` of a block.
    template <int ROWS>
    __device__ void score(float (&scores)[ROWS], const float* const (&q)[ROWS], uint64_t at, uint32_t head_dim,
                          uint32_t lane) const {
        const float* key = (const float*)keys + at * head_dim * BLOCK;
#pragma unroll
        for (int r = 0; r < ROWS; r++) scores[r] = 0.0f;
        // Loads of several dimensions are under way together.
        constexpr uint32_t TOGETHER = ROWS == 1 ? 16 : 8;
        uint32_t d = 0;
#pragma unroll 1
        for (; d + TOGETHER <= head_dim; d += TOGETHER) {
            float k[TOGETHER];
#pragma unroll
            for (uint32_t j = 0; j < TOGETHER; j++) k[j] = key[(d + j) * BLOCK + lane];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float own[TOGETHER];
#pragma unroll
                for (uint32_t j = 0; j < TOGETHER; j++) own[j] = q[r][d + j];
#pragma unroll
                for (uint32_t j = 0; j < TOGETHER; j++) scores[r] = fmaf(own[j], k[j], scores[r]);
            }
        }
#pragma unroll 1
        for (; d < head_dim; d++) {
            const float k = key[d * BLOCK + lane];
#pragma unroll
            for (int r = 0; r < ROWS; r++) scores[r] = fmaf(q[r][d], k, scores[r]);
        }
    }
    // What the weight of position `lane` must be multiplied with.
    __device__ float weight_scale(uint64_t, uint32_t) const { return 1.0f; }
    // Dimension lane + d. Lanes past the head get what lies there: the cache has room for that at its end.
    __device__ float value(uint64_t at, uint32_t slot, uint32_t head_dim, uint32_t lane, uint32_t d) const {
        return ((const float*)values + (at * BLOCK + slot) * head_dim + d)[lane];
    }
};

struct Int8Cache {
    static constexpr bool HAS_SCALES = true;
    void *keys, *values;
    float *key_scales, *value_scales;

    struct Store {
        int8_t* to;
        float inverse;
        bool is_key;
        __device__ void operator()(uint32_t d, float value) const {
            to[is_key ? d / 4 * BLOCK * 4 + d % 4 : d] = (int8_t)__float2int_rn(value * inverse);
        }
    };
    __device__ Store key_store(uint64_t at, uint32_t slot, uint32_t head_dim, float largest, uint32_t lane) const {
        if (lane == 0) key_scales[at * BLOCK + slot] = largest / 127.0f;
        return {(int8_t*)keys + at * head_dim * BLOCK + slot * 4, largest > 0.0f ? 127.0f / largest : 0.0f, true};
    }
    __device__ Store value_store(uint64_t at, uint32_t slot, uint32_t head_dim, float largest, uint32_t lane) const {
        if (lane == 0) value_scales[at * BLOCK + slot] = largest / 127.0f;
        return {(int8_t*)values + (at * BLOCK + slot) * head_dim, largest > 0.0f ? 127.0f / largest : 0.0f, false};
    }

    template <int ROWS>
    __device__ void score(float (&scores)[ROWS], const float* const (&q)[ROWS], uint64_t at, uint32_t head_dim,
                          uint32_t lane) const {
        const uint32_t* key = (const uint32_t*)keys + at * head_dim / 4 * BLOCK;
#pragma unroll
        for (int r = 0; r < ROWS; r++) scores[r] = 0.0f;
        const auto add = [&](uint32_t word, int32_t four) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float k = (float)(four << (24 - 8 * j) >> 24);
#pragma unroll
                for (int r = 0; r < ROWS; r++) scores[r] = fmaf(q[r][4 * word + j], k, scores[r]);
            }
        };
        // Loads of several words are under way together.
        constexpr uint32_t TOGETHER = ROWS == 1 ? 8 : 4;
        const uint32_t words = head_dim / 4;
        uint32_t word = 0;
#pragma unroll 1
        for (; word + TOGETHER <= words; word += TOGETHER) {
            int32_t four[TOGETHER];
#pragma unroll
            for (uint32_t j = 0; j < TOGETHER; j++) four[j] = (int32_t)key[(word + j) * BLOCK + lane];
#pragma unroll
            for (uint32_t j = 0; j < TOGETHER; j++) add(word + j, four[j]);
        }
#pragma unroll 1
        for (; word < words; word++) add(word, (int32_t)key[word * BLOCK + lane]);
        const float scale = key_scales[at * BLOCK + lane];
#pragma unroll
        for (int r = 0; r < ROWS; r++) scores[r] *= scale;
    }
    __device__ float weight_scale(uint64_t at, uint32_t lane) const { return value_scales[at * BLOCK + lane]; }
    __device__ float value(uint64_t at, uint32_t slot, uint32_t head_dim, uint32_t lane, uint32_t d) const {
        return (float)((const int8_t*)values + (at * BLOCK + slot) * head_dim + d)[lane];
    }
};
