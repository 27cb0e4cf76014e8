// A token of one sequence through a layer with int8 weights, in five launches: the products with q/k/v, output, gates
// and down, each with what makes its activations and what becomes of its results, and attention with what makes q, k and
// v. Every result is the same bits that the separate kernels compute.
//
// Products: one CTA of 1024 threads for each core. A CTA has an even share of the tiles of outputs, and its warps even
// shares of the words of that, which lie one after the other; the first are asked for at the very beginning. Sums are
// exact, so warps add theirs in any order. Every CTA quantises the activations for itself.

#include "../attention.cuh"
#include "../gate.cuh"
#include "../int8.cuh"
#include "../rotary.cuh"

static constexpr uint32_t WARPS = 32;
static constexpr uint32_t THREADS = 32 * WARPS;
static constexpr uint32_t TILE_WORDS = 128;
// Inputs of a product at most.
static constexpr uint32_t INPUTS_MAX = 24576;
// Tiles of outputs whose sums are in scratchpad together.
static constexpr uint32_t SUM_TILES = 256;
// Threads whose sums make the RMS of a row: those of rms_norm and rms_norm_quantize.
static constexpr uint32_t NORM_THREADS = 256;

// Of a CTA.
struct Shared {
    // Activations in their order, four to a word, and room for what a warp reads past them.
    uint32_t x[INPUTS_MAX / 4 + 32];
    int32_t sums[SUM_TILES * TILE_OUTPUTS];
    float parts[WARPS];
};

// An address that may be of any memory. Its arithmetic is that of 64 bits.
template <class T>
static __device__ __forceinline__ const T* anywhere(const T* at) {
    asm("" : "+l"(at));
    return at;
}

// Part `index` of `count` even parts of `all`.
static __device__ __forceinline__ uint32_t share(uint32_t all, uint32_t index, uint32_t count) {
    return (uint32_t)((uint64_t)all * index / count);
}

// A product: words in the order of int8.cuh, a scale for each output, and its bias or nullptr.
struct Product {
    const uint32_t* words;
    const float* scales;
    const float* bias;
    uint32_t outputs, inputs;
};

// The product of a CTA's share of the outputs, in rounds of as many tiles as there are sums for.
// GROUP: tiles of outputs that a CTA must have together, 2 for gates with what they gate.
template <uint32_t GROUP>
struct Stream {
    uint32_t lane, warp;
    // Tiles of inputs; the share's first tile of outputs that is left, and the one after its last.
    uint32_t tiles, first, end;
    // Tiles of the present round.
    uint32_t round;
    // The warp's tiles of weights, counted from the round's first.
    uint32_t at, until;
    uint32_t a[2][4];

    __device__ __forceinline__ Stream(Shared& shared, const Product& p) {
        lane = threadIdx.x & 31;
        warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
        tiles = (p.inputs + TILE_INPUTS - 1) / TILE_INPUTS;
        const uint32_t groups = (p.outputs + TILE_OUTPUTS * GROUP - 1) / (TILE_OUTPUTS * GROUP);
        first = share(groups, blockIdx.x, gridDim.x) * GROUP;
        end = share(groups, blockIdx.x + 1, gridDim.x) * GROUP;
        begin_round(p);
        for (uint32_t i = threadIdx.x; i < min(SUM_TILES, end - first) * TILE_OUTPUTS; i += THREADS) shared.sums[i] = 0;
    }

    __device__ __forceinline__ void begin_round(const Product& p) {
        const uint32_t left = end - first, rounds = (left + SUM_TILES - 1) / SUM_TILES;
        round = rounds > 1 ? (left / GROUP + rounds - 1) / rounds * GROUP : left;
        at = round * tiles * warp / WARPS;
        until = round * tiles * (warp + 1) / WARPS;
        if (at < until) {
            load(p, a[0], at);
            load(p, a[1], min(at + 1, until - 1));
        }
    }

    __device__ __forceinline__ void load(const Product& p, uint32_t (&to)[4], uint32_t tile) const {
        const uint32_t* from = p.words + ((uint64_t)first * tiles + tile) * TILE_WORDS;
#pragma unroll
        for (int r = 0; r < 4; r++) to[r] = from[r * 32 + lane];
    }

    // Adds the warp's part of a round to the sums.
    __device__ __forceinline__ void run(const Product& p, Shared& shared) {
        if (at >= until) return;
        uint32_t tile = at / tiles, input = at % tiles;
        const uint32_t* const x_begin = anywhere(shared.x);
        const uint32_t* x = x_begin + input * 8;
        const uint32_t last = until - 1;
        // Of the columns of the matrix unit only the first is wanted: the lanes of the others hold what follows.
        int32_t d[4] = {0, 0, 0, 0};
        const auto add = [&](const uint32_t(&words)[4], uint32_t now) {
            const uint32_t b[2] = {x[lane], x[4 + lane]};
            multiply(d, words, b);
            x += 8;
            input++;
            if (input == tiles || now == last) {
                if (lane % 4 == 0) {
                    atomicAdd(&shared.sums[tile * TILE_OUTPUTS + lane / 4], d[0]);
                    atomicAdd(&shared.sums[tile * TILE_OUTPUTS + lane / 4 + 8], d[2]);
                }
                d[0] = d[1] = d[2] = d[3] = 0;
                input = 0;
                tile++;
                x = x_begin;
            }
        };
#pragma unroll 1
        for (uint32_t now = at; now <= last; now += 2) {
            add(a[0], now);
            load(p, a[0], min(now + 2, last));
            if (now == last) break;
            add(a[1], now + 1);
            load(p, a[1], min(now + 3, last));
        }
    }

    // The product; result(output, value, other) gets the results, other being of the second of a group.
    template <class Result>
    __device__ __forceinline__ void product(Shared& shared, const Product& p, float x_scale, const Result& result) {
        constexpr bool paired = GROUP > 1;
        while (true) {
            // Where the sum of a thread is, and the scales of the thread's first, asked for before they are needed.
            const auto place = [&](uint32_t i) {
                return paired ? i / TILE_OUTPUTS * 2 * TILE_OUTPUTS + i % TILE_OUTPUTS : i;
            };
            struct Scales {
                float scale, bias, other;
            };
            const auto scales = [&](uint32_t sum) {
                const uint32_t output = min(first * TILE_OUTPUTS + sum, p.outputs - 1);
                Scales s{p.scales[output], p.bias ? p.bias[output] : 0.0f, 0.0f};
                if (paired) s.other = p.scales[output + TILE_OUTPUTS];
                return s;
            };
            const uint32_t sums = round * TILE_OUTPUTS;
            Scales s{0.0f, 0.0f, 0.0f};
            if (place(threadIdx.x) < sums) s = scales(place(threadIdx.x));
            run(p, shared);
            __syncthreads();
            for (uint32_t i = threadIdx.x; place(i) < sums; i += THREADS) {
                const uint32_t sum = place(i), output = first * TILE_OUTPUTS + sum;
                if (i >= THREADS) s = scales(sum);
                const float value = (float)shared.sums[sum] * s.scale * x_scale + s.bias;
                shared.sums[sum] = 0;
                float other = 0.0f;
                if (paired) {
                    other = (float)shared.sums[sum + TILE_OUTPUTS] * s.other * x_scale + 0.0f;
                    shared.sums[sum + TILE_OUTPUTS] = 0;
                }
                if (output < p.outputs) result(output, value, other);
            }
            first += round;
            if (first >= end) return;
            begin_round(p);
            __syncthreads();
        }
    }
};

static __device__ __forceinline__ float largest_of_cta(Shared& shared, float value) {
    value = largest_of_warp(value);
    if ((threadIdx.x & 31) == 0) shared.parts[threadIdx.x >> 5] = value;
    __syncthreads();
    return largest_of_warp(shared.parts[threadIdx.x & 31]);
}

// Activations to int8 in scratchpad: scale = largest magnitude / 127, which is given, and values / scale rounded to the
// nearest, ties to even; a row of zeros has scale 0. source(word, values) gives four values.
template <class Source>
static __device__ __forceinline__ float quantize(Shared& shared, uint32_t inputs, const Source& source) {
    const uint32_t words = (inputs + TILE_INPUTS - 1) / TILE_INPUTS * 8;
    float kept[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    float largest = 0.0f;
    const auto widen = [&](const float(&values)[4]) {
#pragma unroll
        for (int j = 0; j < 4; j++) largest = fmaxf(largest, fabsf(values[j]));
    };
    if (threadIdx.x < words) {
        source(threadIdx.x, kept);
        widen(kept);
    }
    for (uint32_t word = threadIdx.x + THREADS; word < words; word += THREADS) {
        float values[4];
        source(word, values);
        widen(values);
    }
    largest = largest_of_cta(shared, largest);
    const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
    const auto store = [&](uint32_t word, const float(&values)[4]) {
        uint32_t packed = 0;
#pragma unroll
        for (uint32_t j = 0; j < 4; j++)
            packed |= (uint32_t)(__float2int_rn(values[j] * inverse) & 0xff) << (8 * j);
        shared.x[word] = packed;
    };
    if (threadIdx.x < words) store(threadIdx.x, kept);
    for (uint32_t word = threadIdx.x + THREADS; word < words; word += THREADS) {
        float values[4];
        source(word, values);
        store(word, values);
    }
    __syncthreads();
    return largest / 127.0f;
}

// 1 / RMS of a row, with the sums of rms_norm_quantize.
static __device__ __forceinline__ float norm_scale(Shared& shared, const float* x, uint32_t width, float eps) {
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    if (warp < NORM_THREADS / 32) {
        float sum = 0.0f;
        for (uint32_t i = threadIdx.x; i < width; i += NORM_THREADS) sum = fmaf(x[i], x[i], sum);
#pragma unroll
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        if ((threadIdx.x & 31) == 0) shared.parts[warp] = sum;
    }
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < NORM_THREADS / 32; i++) total += shared.parts[i];
    __syncthreads();
    return rsqrtf(total / (float)width + eps);
}

// Values past the width are 0.
template <class Value>
static __device__ __forceinline__ void four(uint32_t word, uint32_t width, float (&values)[4], const Value& value) {
#pragma unroll
    for (uint32_t j = 0; j < 4; j++) {
        const uint32_t i = word * 4 + j;
        values[j] = i < width ? value(i) : 0.0f;
    }
}

// What warps found for a query head over their positions: outputs, then maximum and sum.
struct Parts {
    float* base;
    uint32_t splits, head_dim;

    __device__ __forceinline__ float* at(uint32_t head, uint32_t split) const {
        return base + (head * splits + split) * (head_dim + 2);
    }
};

// Four neighbouring values of the attention's result. The width of that is a multiple of TILE_INPUTS.
static __device__ __forceinline__ void joined(const Parts& parts, uint32_t present, uint32_t word, float (&values)[4]) {
    const uint32_t head = word * 4 / parts.head_dim, d = word * 4 % parts.head_dim;
    const float* from = parts.at(head, 0);
    Joint joint{from[parts.head_dim], from[parts.head_dim + 1]};
#pragma unroll
    for (int j = 0; j < 4; j++) values[j] = from[d + j];
    for (uint32_t split = 1; split < present; split++) {
        from = parts.at(head, split);
        joint.join(from[parts.head_dim], from[parts.head_dim + 1]);
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = fmaf(values[j], joint.keep, from[d + j] * joint.weight);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) values[j] /= joint.sum;
}

// y = the product with the RMS norm of x. normed, if not nullptr, gets that norm.
extern "C" __global__ void __launch_bounds__(THREADS)
    decode_normed(float* y, const uint32_t* words, const float* scales, const float* bias, uint32_t outputs,
                  uint32_t inputs, const float* x, const float* norm, float eps, float* normed) {
    __shared__ Shared shared;
    const Product p{words, scales, bias, outputs, inputs};
    Stream<1> stream(shared, p);
    const float scale = norm_scale(shared, x, inputs, eps);
    const auto value = [&](uint32_t i) { return x[i] * scale * norm[i]; };
    if (normed && blockIdx.x == 0) {
        for (uint32_t i = threadIdx.x; i < inputs; i += THREADS) normed[i] = value(i);
    }
    const float x_scale =
        quantize(shared, inputs, [&](uint32_t word, float(&values)[4]) { four(word, inputs, values, value); });
    stream.product(shared, p, x_scale, [&](uint32_t o, float value, float) { y[o] = value; });
}

// y = silu(gates) * what they gate, of the product with the RMS norm of x. outputs: tiles of both in turns.
extern "C" __global__ void __launch_bounds__(THREADS)
    decode_gate_up(float* y, const uint32_t* words, const float* scales, uint32_t outputs, uint32_t inputs,
                   const float* x, const float* norm, float eps) {
    __shared__ Shared shared;
    const Product p{words, scales, nullptr, outputs, inputs};
    Stream<2> stream(shared, p);
    const float scale = norm_scale(shared, x, inputs, eps);
    const float x_scale = quantize(shared, inputs, [&](uint32_t word, float(&values)[4]) {
        four(word, inputs, values, [&](uint32_t i) { return x[i] * scale * norm[i]; });
    });
    stream.product(shared, p, x_scale, [&](uint32_t o, float gate, float up) {
        y[o / (2 * TILE_OUTPUTS) * TILE_OUTPUTS + o % TILE_OUTPUTS] = gated(gate, up);
    });
}

// y += the product with x.
extern "C" __global__ void __launch_bounds__(THREADS)
    decode_down(float* y, const uint32_t* words, const float* scales, uint32_t outputs, uint32_t inputs,
                const float* x) {
    __shared__ Shared shared;
    const Product p{words, scales, nullptr, outputs, inputs};
    Stream<1> stream(shared, p);
    const float x_scale = quantize(shared, inputs, [&](uint32_t word, float(&values)[4]) {
        four(word, inputs, values, [&](uint32_t i) { return x[i]; });
    });
    stream.product(shared, p, x_scale, [&](uint32_t o, float value, float) { y[o] += value; });
}

// y += the product with the result of attention. present: splits that have positions.
extern "C" __global__ void __launch_bounds__(THREADS)
    decode_o(float* y, const uint32_t* words, const float* scales, const float* bias, uint32_t outputs, uint32_t inputs,
             const float* parts, uint32_t splits, uint32_t present, uint32_t head_dim) {
    __shared__ Shared shared;
    const Product p{words, scales, bias, outputs, inputs};
    Stream<1> stream(shared, p);
    const Parts from{const_cast<float*>(parts), splits, head_dim};
    const float x_scale = quantize(
        shared, inputs, [&](uint32_t word, float(&values)[4]) { joined(from, present, word, values); });
    stream.product(shared, p, x_scale, [&](uint32_t o, float value, float) { y[o] += value; });
}

// Norm and rotation of q and k, storing k and v, and attention: a CTA of one warp for each query head along x and each
// split of the positions along y. What they find is for decode_o.
template <int LANE_DIMS, class Cache>
static __device__ __forceinline__ void attend(float* parts, const float* qkv, const Cache& cache, const uint32_t* table,
                                              const float* angles, const float* q_norm, const float* k_norm,
                                              uint32_t position, uint32_t query_heads, uint32_t kv_heads,
                                              uint32_t splits, uint32_t head_dim, float eps, float scale) {
    __shared__ float q[32 * LANE_DIMS];
    const uint32_t lane = threadIdx.x, head = blockIdx.x, split = blockIdx.y;
    const uint32_t half = head_dim / 2, kv_head = head / (query_heads / kv_heads);
    const float* turns = angles + (uint64_t)position * head_dim;
    Head own = Head::load(qkv + head * head_dim, half, lane);
    if (q_norm) own.normalise(q_norm, head_dim, eps, lane);
    own.rotate(turns, half, lane);
    own.store([&](uint32_t d, float value) { q[d] = value; }, half, lane);
    if (split == position / BLOCK % splits) {
        // The warps of all query heads of the group write the same bytes, which each of them reads.
        const uint64_t at = (uint64_t)table[position / BLOCK] * kv_heads + kv_head;
        const uint32_t slot = position % BLOCK;
        Head key = Head::load(qkv + (query_heads + kv_head) * head_dim, half, lane);
        if (k_norm) key.normalise(k_norm, head_dim, eps, lane);
        key.rotate(turns, half, lane);
        const float largest = Cache::HAS_SCALES ? largest_of_warp(key.largest()) : 0.0f;
        key.store(cache.key_store(at, slot, head_dim, largest, lane), half, lane);
        const float* value = qkv + (query_heads + kv_heads + kv_head) * head_dim;
        float largest_value = 0.0f;
        if (Cache::HAS_SCALES) {
            for (uint32_t i = lane; i < head_dim; i += 32) largest_value = fmaxf(largest_value, fabsf(value[i]));
            largest_value = largest_of_warp(largest_value);
        }
        const auto store = cache.value_store(at, slot, head_dim, largest_value, lane);
        for (uint32_t i = lane; i < head_dim; i += 32) store(i, value[i]);
    }
    __syncwarp();
    const float* const queries[1] = {q};
    const uint32_t positions[1] = {position};
    Attended<LANE_DIMS, 1> found;
    found.add(cache, table, queries, positions, position, split, splits, kv_head, kv_heads, head_dim, scale, lane);
    float* to = Parts{parts, splits, head_dim}.at(head, split);
#pragma unroll
    for (int i = 0; i < LANE_DIMS; i++) {
        const uint32_t d = lane + 32 * i;
        if (d < head_dim) to[d] = found.output[0][i];
    }
    if (lane == 0) {
        to[head_dim] = found.maximum[0];
        to[head_dim + 1] = found.sum[0];
    }
}

#define KERNEL(name, LANE_DIMS, Cache)                                                                              \
    extern "C" __global__ void __launch_bounds__(32)                                                                \
        name(float* parts, const float* qkv, void* keys, void* values, float* key_scales, float* value_scales,      \
             const uint32_t* table, const float* angles, const float* q_norm, const float* k_norm,                  \
             uint32_t position, uint32_t query_heads, uint32_t kv_heads, uint32_t splits, uint32_t head_dim,        \
             float eps, float scale) {                                                                              \
        attend<LANE_DIMS>(parts, qkv, Cache{keys, values, key_scales, value_scales}, table, angles, q_norm, k_norm, \
                          position, query_heads, kv_heads, splits, head_dim, eps, scale);                           \
    }
#define KERNELS(name, LANE_DIMS)            \
    KERNEL(name##_f32, LANE_DIMS, F32Cache) \
    KERNEL(name##_i8, LANE_DIMS, Int8Cache)

KERNELS(decode_attention_64, 2)
KERNELS(decode_attention_128, 4)
