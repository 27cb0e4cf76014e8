// Causal attention of every row over the paged cache, for prompts and for decoding alike.
//
// q: the first q_heads * head_dim of every row of qkv; out: [rows][q_heads * head_dim].
// tiles: [tiles][2], first row and number of rows of each tile. Rows of a tile are consecutive positions of one
// sequence, at most ROWS: they share what is read from the cache.
// One CTA per tile and key/value head. Several of its warps work for each of the `group` query heads that share the
// key/value head: warp s * group + h for head h takes blocks s, s + splits and so on of the sequence. Warps that would
// have no block need not be there. For the scores a lane is a position, for the output a lane is a dimension. Softmax is
// online, with the running maximum and sum of every block; what the warps of a head have found is joined in their
// order. The order of sums depends on positions and on splits, which only the model decides: a row's result is the same
// bits in every tile.

#include "../attention.cuh"

// Query heads of a CTA when several warps work for each.
static constexpr uint32_t GROUP_MAX = 8;

// LANE_DIMS: dimensions of a lane; head_dim is at most 32 times that.
template <int LANE_DIMS, int ROWS, class Cache>
static __device__ void attend(float* out, const float* qkv, const Cache& cache, const uint32_t* tiles,
                              const uint32_t* positions, const uint32_t* sequences, const uint32_t* tables,
                              uint32_t kv_heads, uint32_t group, uint32_t splits, uint32_t head_dim,
                              uint32_t qkv_stride, uint32_t table_stride, float scale) {
    const uint32_t lane = threadIdx.x & 31;
    const uint32_t warp = __shfl_sync(0xffffffffu, threadIdx.x >> 5, 0);
    const uint32_t present = (blockDim.x >> 5) / group, split = warp / group, own = warp % group;
    const uint32_t first_row = tiles[2 * blockIdx.x], rows = tiles[2 * blockIdx.x + 1], kv_head = blockIdx.y;
    const uint32_t head = kv_head * group + own;
    const uint32_t last_position = positions[first_row + rows - 1];
    const uint32_t* table = tables + (uint64_t)sequences[first_row] * table_stride;

    // Rows past the end of the tile compute its last row again, and store nothing.
    const float* q[ROWS];
    uint32_t position[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const uint32_t row = first_row + min((uint32_t)r, rows - 1);
        q[r] = qkv + (uint64_t)row * qkv_stride + head * head_dim;
        position[r] = positions[row];
    }
    Attended<LANE_DIMS, ROWS> own_part;
    own_part.add(cache, table, q, position, last_position, split, splits, kv_head, kv_heads, head_dim, scale, lane);
    auto& [maximum, sum, output] = own_part;
    if (present > 1) {
        __shared__ float parts[GROUP_MAX][ROWS][32 * LANE_DIMS];
        __shared__ float maxima[GROUP_MAX][ROWS], sums[GROUP_MAX][ROWS];
        for (uint32_t other = 1; other < present; other++) {
            if (split == other) {
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
#pragma unroll
                    for (int i = 0; i < LANE_DIMS; i++) parts[own][r][32 * i + lane] = output[r][i];
                    maxima[own][r] = maximum[r];
                    sums[own][r] = sum[r];
                }
            }
            __syncthreads();
            if (split == 0) {
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    // Split 0 has position 0.
                    Joint joint{maximum[r], sum[r]};
                    joint.join(maxima[own][r], sums[own][r]);
                    maximum[r] = joint.maximum;
                    sum[r] = joint.sum;
#pragma unroll
                    for (int i = 0; i < LANE_DIMS; i++) {
                        const float theirs = parts[own][r][32 * i + lane];
                        output[r][i] = fmaf(output[r][i], joint.keep, theirs * joint.weight);
                    }
                }
            }
            __syncthreads();
        }
        if (split > 0) return;
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (r >= rows) continue;
        float* to = out + ((uint64_t)(first_row + r) * kv_heads * group + head) * head_dim;
#pragma unroll
        for (int i = 0; i < LANE_DIMS; i++) {
            const uint32_t d = lane + 32 * i;
            if (d < head_dim) to[d] = output[r][i] / sum[r];
        }
    }
}

#define KERNEL(name, LANE_DIMS, ROWS, Cache)                                                                          \
    extern "C" __global__ void name(float* out, const float* qkv, void* keys, void* values, float* key_scales,        \
                                    float* value_scales, const uint32_t* tiles, const uint32_t* positions,            \
                                    const uint32_t* sequences, const uint32_t* tables, uint32_t kv_heads,             \
                                    uint32_t group, uint32_t splits, uint32_t head_dim, uint32_t qkv_stride,          \
                                    uint32_t table_stride, float scale) {                                             \
        attend<LANE_DIMS, ROWS>(out, qkv, Cache{keys, values, key_scales, value_scales}, tiles, positions, sequences, \
                                tables, kv_heads, group, splits, head_dim, qkv_stride, table_stride, scale);          \
    }
#define KERNELS(name, LANE_DIMS)                      \
    KERNEL(name##_f32_1, LANE_DIMS, 1, F32Cache)      \
    KERNEL(name##_f32_4, LANE_DIMS, 4, F32Cache)      \
    KERNEL(name##_i8_1, LANE_DIMS, 1, Int8Cache)      \
    KERNEL(name##_i8_4, LANE_DIMS, 4, Int8Cache)

KERNELS(paged_attention_32, 1)
KERNELS(paged_attention_64, 2)
KERNELS(paged_attention_128, 4)
KERNELS(paged_attention_256, 8)
