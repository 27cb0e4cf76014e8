// Attention of a warp over blocks of the paged cache, with an online softmax, for rows of one sequence. For the scores
// a lane is a position, for the output a lane is a dimension. The order of sums depends on positions and on `splits`.
#pragma once

#include "cache.cuh"

// LANE_DIMS: dimensions of a lane; head_dim is at most 32 times that.
template <int LANE_DIMS, int ROWS>
struct Attended {
    float maximum[ROWS], sum[ROWS], output[ROWS][LANE_DIMS];

    __device__ __forceinline__ Attended() {
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            maximum[r] = -INFINITY;
            sum[r] = 0.0f;
#pragma unroll
            for (int i = 0; i < LANE_DIMS; i++) output[r][i] = 0.0f;
        }
    }

    // Blocks split, split + splits and so on, up to that of the last position. q, position: of each row.
    template <class Cache>
    __device__ __forceinline__ void add(const Cache& cache, const uint32_t* table, const float* const (&q)[ROWS],
                                        const uint32_t (&position)[ROWS], uint32_t last_position, uint32_t split,
                                        uint32_t splits, uint32_t kv_head, uint32_t kv_heads, uint32_t head_dim,
                                        float scale, uint32_t lane) {
        const auto add_position = [&](uint32_t t, const float(&scaled)[ROWS], const float(&values)[LANE_DIMS]) {
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const float share = __shfl_sync(0xffffffffu, scaled[r], t);
#pragma unroll
                for (int i = 0; i < LANE_DIMS; i++) output[r][i] = fmaf(share, values[i], output[r][i]);
            }
        };
        constexpr uint32_t TOGETHER = LANE_DIMS * ROWS >= 8 ? 2 : 4;
        for (uint32_t first = split * BLOCK; first <= last_position; first += splits * BLOCK) {
            const uint64_t at = (uint64_t)table[first / BLOCK] * kv_heads + kv_head;
            float scores[ROWS], scaled[ROWS];
            cache.score(scores, q, at, head_dim, lane);
            // Lanes past the last position have weight 0, and a scale that may be anything.
            const float value_scale = first + lane <= last_position ? cache.weight_scale(at, lane) : 0.0f;
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const float score = first + lane <= position[r] ? scores[r] * scale : -INFINITY;
                const float updated = fmaxf(maximum[r], largest_of_warp(score));
                // A warp may meet only positions that the row does not see.
                const float weight = score == -INFINITY ? 0.0f : __expf(score - updated);
                const float keep = maximum[r] == -INFINITY ? 0.0f : __expf(maximum[r] - updated);
                maximum[r] = updated;
                float total = weight;
#pragma unroll
                for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(0xffffffffu, total, step);
                sum[r] = fmaf(sum[r], keep, total);
#pragma unroll
                for (int i = 0; i < LANE_DIMS; i++) output[r][i] *= keep;
                scaled[r] = weight * value_scale;
            }
            const uint32_t count = min(last_position + 1 - first, BLOCK);
            // Loads of several positions are under way together.
            uint32_t t = 0;
#pragma unroll 1
            for (; t + TOGETHER <= count; t += TOGETHER) {
                float values[TOGETHER][LANE_DIMS];
#pragma unroll
                for (uint32_t j = 0; j < TOGETHER; j++) {
#pragma unroll
                    for (int i = 0; i < LANE_DIMS; i++) values[j][i] = cache.value(at, t + j, head_dim, lane, 32 * i);
                }
#pragma unroll
                for (uint32_t j = 0; j < TOGETHER; j++) add_position(t + j, scaled, values[j]);
            }
#pragma unroll 1
            for (; t < count; t++) {
                float values[LANE_DIMS];
#pragma unroll
                for (int i = 0; i < LANE_DIMS; i++) values[i] = cache.value(at, t, head_dim, lane, 32 * i);
                add_position(t, scaled, values);
            }
        }
    }
};

// What another warp found over other blocks, joined to what was found so far over some that have position 0, which
// every row sees. maximum and sum are updated; the new output is fmaf(output, keep, theirs * weight).
struct Joint {
    float maximum, sum, keep, weight;

    __device__ __forceinline__ void join(float their_maximum, float their_sum) {
        const float updated = fmaxf(maximum, their_maximum);
        keep = __expf(maximum - updated);
        weight = their_maximum == -INFINITY ? 0.0f : __expf(their_maximum - updated);
        maximum = updated;
        sum = fmaf(sum, keep, their_sum * weight);
    }
};
