// C = A B of halves with sums in single precision, on tensor instructions (mma.sync m16n8k16). A is
// row-major, B column-major, as weights usually are. Values are small integers, so every sum is exact and
// independent of its order.
//
// A CTA of 16 warps computes 64 x 64 elements, a warp 16 x 16 of them. Tiles of 64 columns of A and 64 rows
// of B are copied to shared memory asynchronously, one ahead of the one in use: a warp copies a row of a
// tile at once. Rows are padded by 16 bytes against bank conflicts. Fragments come from the tiles by
// ldmatrix.

#include "check.cuh"

#include <cuda_fp16.h>

constexpr int TILE = 64, TILE_K = 64, WARPS = 16;
// In halves.
constexpr int ROW = TILE_K + 8;
constexpr int WARP_TILE = 16, ROWS_PER_WARP = 2 * TILE / WARPS;

__device__ unsigned shared_address(const void *pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

__device__ void copy_async(unsigned to, const void *from) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(from) : "memory");
}

__device__ void load_matrices(unsigned (&parts)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
                 : "r"(from)
                 : "memory");
}

__device__ void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// The product of a tile of A and one of B, added to sums.
__device__ void multiply_tiles(float (&sums)[2][4], unsigned a_tile, unsigned b_tile) {
#pragma unroll
    for (int at = 0; at < TILE_K; at += 16) {
        // Of B: the first half of rows of both products, then the second.
        unsigned a[4], b[4];
        load_matrices(a, a_tile + at * sizeof(__half));
        load_matrices(b, b_tile + at * sizeof(__half));
        multiply(sums[0], a, b[0], b[2]);
        multiply(sums[1], a, b[1], b[3]);
    }
}

// m and n are multiples of 64, k of 64. Grid: n / 64 by m / 64.
extern "C" __global__ void __launch_bounds__(32 * WARPS)
gemm_half(const __half *a, const __half *b, float *c, int n, int k) {
    // Two stages; in each the tile of A, then that of B.
    __shared__ __align__(16) __half tiles[2][2 * TILE * ROW];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int warp_row = warp % 4 * WARP_TILE, warp_column = warp / 4 * WARP_TILE;

    // The first half of the warps copies A, the other B.
    const int first_row = warp * ROWS_PER_WARP;
    const __half *source = first_row < TILE ? a + static_cast<long long>(blockIdx.y * TILE + first_row) * k
                                                 : b + static_cast<long long>(blockIdx.x * TILE + first_row - TILE) * k;
    source += 2 * lane;
    const unsigned target = shared_address(&tiles[0][first_row * ROW + 2 * lane]);
    const auto copy_tiles = [&](int stage) {
#pragma unroll
        for (int row = 0; row < ROWS_PER_WARP; ++row) {
            copy_async(target + stage * sizeof tiles[0] + row * ROW * sizeof(__half), source + static_cast<long long>(row) * k);
        }
        source += TILE_K;
        asm volatile("cp.async.commit_group;");
    };

    // Lane l of a warp names row l % 16 of 16, in its half l / 16.
    const unsigned a_tile = shared_address(&tiles[0][(warp_row + lane % 16) * ROW + lane / 16 * 8]);
    const unsigned b_tile = shared_address(&tiles[0][(TILE + warp_column + lane % 16) * ROW + lane / 16 * 8]);
    float sums[2][4] = {};
    copy_tiles(0);
    asm volatile("cp.async.wait_group 0;" ::: "memory");
    __syncthreads();
    const unsigned steps = k / TILE_K;
#pragma unroll 1
    for (unsigned step = 1; step < steps; ++step) {
        copy_tiles(step % 2);
        const int offset = (step - 1) % 2 * sizeof tiles[0];
        multiply_tiles(sums, a_tile + offset, b_tile + offset);
        asm volatile("cp.async.wait_group 0;" ::: "memory");
        __syncthreads();
    }
    const int offset = (steps - 1) % 2 * sizeof tiles[0];
    multiply_tiles(sums, a_tile + offset, b_tile + offset);

#pragma unroll
    for (int j = 0; j < 2; ++j) {
        const int row = blockIdx.y * TILE + warp_row + lane / 4;
        const int column = blockIdx.x * TILE + warp_column + 8 * j + lane % 4 * 2;
        float2 *to = reinterpret_cast<float2 *>(c + static_cast<long long>(row) * n + column);
        to[0] = make_float2(sums[j][0], sums[j][1]);
        to[8 * n / 2] = make_float2(sums[j][2], sums[j][3]);
    }
}

int main(int argc, char **argv) {
    // Rows, columns and depth, in tiles: larger ones to measure with, whose result is not checked whole.
    const int m = TILE * (argc > 1 ? std::atoi(argv[1]) : 3);
    const int n = TILE * (argc > 2 ? std::atoi(argv[2]) : 2);
    const int k = TILE_K * (argc > 3 ? std::atoi(argv[3]) : 3);
    Random random(43);
    std::vector<__half> a(static_cast<std::size_t>(m) * k), b(static_cast<std::size_t>(k) * n);
    std::vector<float> a_values(a.size()), b_values(b.size());
    const auto fill = [&](std::vector<__half> &halves, std::vector<float> &values) {
        for (std::size_t i = 0; i < halves.size(); ++i) {
            values[i] = static_cast<float>(static_cast<int>(random.below(9)) - 4);
            halves[i] = __float2half(values[i]);
        }
    };
    fill(a, a_values);
    fill(b, b_values);

    DeviceArray<__half> device_a(a), device_b(b);
    DeviceArray<float> device_c(static_cast<std::size_t>(m) * n);
    gemm_half<<<dim3(n / TILE, m / TILE), 32 * WARPS>>>(device_a.get(), device_b.get(), device_c.get(), n, k);
    CHECK_LAUNCH();

    // Every row of a small result; of a large one, 128 rows spread over it.
    const std::vector<float> c = device_c.download();
    const int step = m > 256 ? m / 128 + 1 : 1;
    std::vector<float> got, want;
    for (int row = 0; row < m; row += step) {
        for (int column = 0; column < n; ++column) {
            float sum = 0.0f;
            for (int i = 0; i < k; ++i) {
                sum += a_values[static_cast<std::size_t>(row) * k + i] * b_values[static_cast<std::size_t>(column) * k + i];
            }
            got.push_back(c[static_cast<std::size_t>(row) * n + column]);
            want.push_back(sum);
        }
    }
    return finish("gemm_half", same("c", got, want));
}
