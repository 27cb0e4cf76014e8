// A head of q or k before attention: RMS norm (where the model has one) and rotation. The lanes of a warp share it:
// pair p is (p, p + head_dim / 2), and lane l has pairs l, l + 32 and so on.
#pragma once

#include <cstdint>

// Pairs of a lane: heads are at most 256 wide.
static constexpr int PAIRS = 4;

struct Head {
    float low[PAIRS], high[PAIRS];

    static __device__ __forceinline__ Head load(const float* data, uint32_t half, uint32_t lane) {
        Head h;
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
            const uint32_t pair = lane + 32 * i;
            h.low[i] = pair < half ? data[pair] : 0.0f;
            h.high[i] = pair < half ? data[pair + half] : 0.0f;
        }
        return h;
    }

    __device__ __forceinline__ void normalise(const float* weights, uint32_t head_dim, float eps, uint32_t lane) {
        const uint32_t half = head_dim / 2;
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < PAIRS; i++) sum = fmaf(low[i], low[i], fmaf(high[i], high[i], sum));
#pragma unroll
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        const float scale = rsqrtf(sum / (float)head_dim + eps);
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
            const uint32_t pair = lane + 32 * i;
            if (pair < half) {
                low[i] *= scale * weights[pair];
                high[i] *= scale * weights[pair + half];
            }
        }
    }

    // angles: those of the position, head_dim / 2 cosines, then as many sines.
    __device__ __forceinline__ void rotate(const float* angles, uint32_t half, uint32_t lane) {
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
            const uint32_t pair = lane + 32 * i;
            if (pair < half) {
                const float c = angles[pair], s = angles[half + pair];
                const float turned = low[i] * c - high[i] * s;
                high[i] = high[i] * c + low[i] * s;
                low[i] = turned;
            }
        }
    }

    __device__ __forceinline__ float largest() const {
        float largest = 0.0f;
#pragma unroll
        for (int i = 0; i < PAIRS; i++) largest = fmaxf(largest, fmaxf(fabsf(low[i]), fabsf(high[i])));
        return largest;
    }

    // to(d, value) for every dimension.
    template <class Store>
    __device__ __forceinline__ void store(const Store& to, uint32_t half, uint32_t lane) const {
#pragma unroll
        for (int i = 0; i < PAIRS; i++) {
            const uint32_t pair = lane + 32 * i;
            if (pair < half) {
                to(pair, low[i]);
                to(pair + half, high[i]);
            }
        }
    }
};
