// C = A B of halves with sums in single precision, on tensor instructions (mma.sync m16n8k16). A and B are
// row-major. Values are small integers, so every sum is exact and independent of its order.
//
// A CTA of 32 warps computes 128 x 128 elements from tiles in shared memory, which are copied
// asynchronously one ahead of the one in use. A warp computes 32 x 16 elements; its fragments come from
// the tiles by ldmatrix, those of B transposed. Rows are padded by 16 bytes against bank conflicts.

#include "check.cuh"

#include <cuda_fp16.h>

constexpr int TILE = 128, TILE_K = 32, THREADS = 1024;
constexpr int WARP_ROWS = 32, WARP_COLUMNS = 16;
// In halves.
constexpr int A_ROW = TILE_K + 8, B_ROW = TILE + 8;

__device__ unsigned shared_address(const void *pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

__device__ void copy_async(unsigned to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}

__device__ void load_matrices(unsigned (&parts)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
                 : "r"(from)
                 : "memory");
}

__device__ void load_transposed(unsigned (&parts)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(parts[0]), "=r"(parts[1]), "=r"(parts[2]), "=r"(parts[3])
                 : "r"(from)
                 : "memory");
}

__device__ void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// m and n are multiples of 128, k of 32. Grid: n / 128 by m / 128.
extern "C" __global__ void __launch_bounds__(THREADS)
gemm_half(const __half *a, const __half *b, float *c, int n, int k) {
    __shared__ __align__(16) __half a_tiles[2][TILE * A_ROW];
    __shared__ __align__(16) __half b_tiles[2][TILE_K * B_ROW];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int warp_row = warp % 4 * WARP_ROWS, warp_column = warp / 4 * WARP_COLUMNS;

    // Each thread copies eight halves of one tile: half of the threads A, half B.
    const int part = threadIdx.x % 512;
    const bool copies_a = threadIdx.x < 512;
    const __half *source;
    unsigned target, stage_bytes;
    if (copies_a) {
        source = a + static_cast<long long>(blockIdx.y * TILE + part / 4) * k + part % 4 * 8;
        target = shared_address(&a_tiles[0][part / 4 * A_ROW + part % 4 * 8]);
        stage_bytes = sizeof a_tiles[0];
    } else {
        source = b + static_cast<long long>(part / 16) * n + blockIdx.x * TILE + part % 16 * 8;
        target = shared_address(&b_tiles[0][part / 16 * B_ROW + part % 16 * 8]);
        stage_bytes = sizeof b_tiles[0];
    }
    const long long source_step = copies_a ? TILE_K : static_cast<long long>(TILE_K) * n;

    // Lane l of a warp names row l % 16 of a tile of 16 rows, in its half l / 16.
    const unsigned a_from = shared_address(&a_tiles[0][(warp_row + lane % 16) * A_ROW + lane / 16 * 8]);
    const unsigned b_from = shared_address(&b_tiles[0][lane % 16 * B_ROW + warp_column + lane / 16 * 8]);

    float sums[2][2][4] = {};
    copy_async(target, source);
    asm volatile("cp.async.commit_group;");
    const int steps = k / TILE_K;
    for (int step = 0; step < steps; ++step) {
        const int stage = step % 2;
        if (step + 1 < steps) {
            source += source_step;
            copy_async(target + (1 - stage) * stage_bytes, source);
            asm volatile("cp.async.commit_group;");
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
#pragma unroll
        for (int at = 0; at < TILE_K; at += 16) {
            unsigned a_parts[2][4], b_parts[4];
            load_matrices(a_parts[0], a_from + stage * sizeof a_tiles[0] + at * 2);
            load_matrices(a_parts[1], a_from + stage * sizeof a_tiles[0] + (16 * A_ROW + at) * 2);
            load_transposed(b_parts, b_from + stage * sizeof b_tiles[0] + at * B_ROW * 2);
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                multiply(sums[i][0], a_parts[i], b_parts[0], b_parts[1]);
                multiply(sums[i][1], a_parts[i], b_parts[2], b_parts[3]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const int row = blockIdx.y * TILE + warp_row + 16 * i + lane / 4;
            const int column = blockIdx.x * TILE + warp_column + 8 * j + lane % 4 * 2;
            float2 *to = reinterpret_cast<float2 *>(c + static_cast<long long>(row) * n + column);
            to[0] = make_float2(sums[i][j][0], sums[i][j][1]);
            to[8 * n / 2] = make_float2(sums[i][j][2], sums[i][j][3]);
        }
    }
}

int main(int argc, char **argv) {
    // Rows, columns and depth, in tiles: larger ones to measure with, whose result is not checked whole.
    const int m = TILE * (argc > 1 ? std::atoi(argv[1]) : 2);
    const int n = TILE * (argc > 2 ? std::atoi(argv[2]) : 1);
    const int k = TILE_K * (argc > 3 ? std::atoi(argv[3]) : 5);
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
    gemm_half<<<dim3(n / TILE, m / TILE), THREADS>>>(device_a.get(), device_b.get(), device_c.get(), n, k);
    CHECK_LAUNCH();

    // Every row of a small result; of a large one, 128 rows spread over it.
    const std::vector<float> c = device_c.download();
    const int step = m > 2 * TILE ? m / TILE + 1 : 1;
    std::vector<float> got, want;
    for (int row = 0; row < m; row += step) {
        for (int column = 0; column < n; ++column) {
            float sum = 0.0f;
            for (int i = 0; i < k; ++i) {
                sum += a_values[static_cast<std::size_t>(row) * k + i] * b_values[static_cast<std::size_t>(i) * n + column];
            }
            got.push_back(c[static_cast<std::size_t>(row) * n + column]);
            want.push_back(sum);
        }
    }
    return finish("gemm_half", same("c", got, want));
}
