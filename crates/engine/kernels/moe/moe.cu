// Mixture of experts: choice of experts, product with each row's expert, weighted sum.

#include "../weights.cuh"

static constexpr int WARPS = 8;
static constexpr float NEVER = -1.0f;

// Router. probability = softmax(logits[row]); the `chosen` likeliest experts, the lowest id among equals, with their
// probability, divided by their sum if `normalise`. One warp per row and CTA. logits is overwritten.
extern "C" __global__ void moe_route(uint32_t* experts, float* weights, float* logits, uint32_t count, uint32_t chosen,
                                     uint32_t normalise) {
    const uint32_t lane = threadIdx.x;
    float* row = logits + (uint64_t)blockIdx.x * count;
    float peak = -INFINITY;
    for (uint32_t i = lane; i < count; i += 32) peak = fmaxf(peak, row[i]);
#pragma unroll
    for (int step = 16; step > 0; step /= 2) peak = fmaxf(peak, __shfl_xor_sync(0xffffffffu, peak, step));
    float sum = 0.0f;
    for (uint32_t i = lane; i < count; i += 32) {
        row[i] = __expf(row[i] - peak);
        sum += row[i];
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    uint32_t* to_expert = experts + (uint64_t)blockIdx.x * chosen;
    float* to_weight = weights + (uint64_t)blockIdx.x * chosen;
    float total = 0.0f;
    for (uint32_t slot = 0; slot < chosen; slot++) {
        float best = NEVER;
        uint32_t who = 0;
        for (uint32_t i = lane; i < count; i += 32) {
            if (row[i] > best) {
                best = row[i];
                who = i;
            }
        }
#pragma unroll
        for (int step = 16; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(0xffffffffu, best, step);
            const uint32_t other_who = __shfl_xor_sync(0xffffffffu, who, step);
            if (other > best || (other == best && other_who < who)) {
                best = other;
                who = other_who;
            }
        }
        if (lane == who % 32) row[who] = NEVER;
        if (lane == 0) {
            to_expert[slot] = who;
            to_weight[slot] = best / sum;
        }
        total += best / sum;
        __syncwarp();
    }
    if (normalise && lane == 0) {
        for (uint32_t slot = 0; slot < chosen; slot++) to_weight[slot] /= total;
    }
}

// y[r][o] = sum over i of x[r / share][i] * w[experts[r]][o][i], for rows r of (token, slot). The layout of an
// expert is that of a matrix product; `expert_words` words apart. 32 outputs of one row per CTA.
template <class Format>
__device__ __forceinline__ void expert_matmul(float* y, const float* x, const uint32_t* w, const uint32_t* experts,
                                     uint32_t outputs, uint32_t columns, uint32_t inputs, uint32_t share,
                                     uint64_t expert_words) {
    constexpr int PER_WORD = Format::PER_WORD;
    __shared__ float sums[WARPS][32];
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t output = blockIdx.x * 32 + lane;
    const uint32_t row = blockIdx.y;
    const float* from = x + (uint64_t)(row / share) * inputs;
    const uint32_t* column = w + experts[row] * expert_words + output;
    const uint32_t words = (inputs + PER_WORD - 1) / PER_WORD;
    float sum = 0.0f;
#pragma unroll 4
    for (uint32_t i = warp; i < words; i += WARPS) {
        float values[PER_WORD];
        Format::unpack(column[(uint64_t)i * columns], values);
#pragma unroll
        for (int j = 0; j < PER_WORD; j++) {
            if (PER_WORD == 1 || i * PER_WORD + j < inputs) sum = fmaf(from[i * PER_WORD + j], values[j], sum);
        }
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp != 0 || output >= outputs) return;
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < WARPS; i++) total += sums[i][lane];
    y[(uint64_t)row * outputs + output] = total;
}

#define KERNEL(name, Format)                                                                                         \
    extern "C" __global__ void name(float* y, const float* x, const uint32_t* w, const uint32_t* experts,            \
                                    uint32_t outputs, uint32_t columns, uint32_t inputs, uint32_t share,             \
                                    uint64_t expert_words) {                                                         \
        expert_matmul<Format>(y, x, w, experts, outputs, columns, inputs, share, expert_words);                      \
    }

KERNEL(expert_matmul_f32, F32)
KERNEL(expert_matmul_bf16, Bf16)
KERNEL(expert_matmul_f16, F16)

// y[token][i] += sum over slots of weights[token][slot] * x[token][slot][i]. A CTA takes 256 values of a token.
extern "C" __global__ void moe_combine(float* y, const float* x, const float* weights, uint32_t width, uint32_t slots) {
    const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width) return;
    const uint32_t token = blockIdx.y;
    float sum = 0.0f;
    for (uint32_t slot = 0; slot < slots; slot++) {
        const uint64_t row = (uint64_t)token * slots + slot;
        sum = fmaf(weights[row], x[row * width + i], sum);
    }
    y[(uint64_t)token * width + i] += sum;
}
