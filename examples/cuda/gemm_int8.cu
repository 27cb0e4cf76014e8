// C = A B of signed bytes with 32-bit sums, on tensor instructions (mma.sync m16n8k32). A is row-major,
// B column-major, as weights usually are, so that both run along k.
//
// A CTA of 32 warps computes 128 x 128 elements. Tiles of 64 columns of A and 64 rows of B are copied to
// shared memory asynchronously, one ahead of the one in use. Rows of a tile are padded by 16 bytes, which
// puts the words that a warp reads at once into 32 different banks. A warp computes 32 x 16 elements; it
// reads its fragments straight from the tile, since each thread's part of one is a word.

#include "check.cuh"

constexpr int TILE = 128, TILE_K = 64, ROW_BYTES = TILE_K + 16, THREADS = 1024;
constexpr int WARP_ROWS = 32, WARP_COLUMNS = 16;

__device__ void copy_async(void *to, const void *from) {
    const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared), "l"(from) : "memory");
}

__device__ void multiply(int (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m and n are multiples of 128, k of 64. Grid: n / 128 by m / 128.
extern "C" __global__ void __launch_bounds__(THREADS)
gemm_int8(const signed char *a, const signed char *b, int *c, int n, int k) {
    __shared__ __align__(16) unsigned char tiles[2][2][TILE * ROW_BYTES];
    const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, member = threadIdx.x % 4;
    const int warp_row = warp % 4 * WARP_ROWS, warp_column = warp / 4 * WARP_COLUMNS;

    // Each thread copies 16 bytes of one tile: half of the threads A, half B.
    const int copy_row = threadIdx.x % 512 / 4, chunk = threadIdx.x % 4 * 16, side = threadIdx.x / 512;
    const signed char *source = side == 0 ? a + static_cast<long long>(blockIdx.y * TILE + copy_row) * k
                                          : b + static_cast<long long>(blockIdx.x * TILE + copy_row) * k;
    source += chunk;
    unsigned char *target = &tiles[0][side][copy_row * ROW_BYTES + chunk];
    constexpr int STAGE_BYTES = sizeof tiles[0];

    int sums[2][2][4] = {};
    copy_async(target, source);
    asm volatile("cp.async.commit_group;");
    const int steps = k / TILE_K;
    for (int step = 0; step < steps; ++step) {
        const int stage = step % 2;
        if (step + 1 < steps) {
            source += TILE_K;
            copy_async(target + (1 - stage) * STAGE_BYTES, source);
            asm volatile("cp.async.commit_group;");
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
        const unsigned char *a_tile = &tiles[stage][0][(warp_row + group) * ROW_BYTES + member * 4];
        const unsigned char *b_tile = &tiles[stage][1][(warp_column + group) * ROW_BYTES + member * 4];
        const auto word = [](const unsigned char *at) { return *reinterpret_cast<const unsigned *>(at); };
#pragma unroll
        for (int at = 0; at < TILE_K; at += 32) {
            unsigned a_parts[2][4], b_parts[2][2];
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                a_parts[i][0] = word(a_tile + 16 * i * ROW_BYTES + at);
                a_parts[i][1] = word(a_tile + (16 * i + 8) * ROW_BYTES + at);
                a_parts[i][2] = word(a_tile + 16 * i * ROW_BYTES + at + 16);
                a_parts[i][3] = word(a_tile + (16 * i + 8) * ROW_BYTES + at + 16);
                b_parts[i][0] = word(b_tile + 8 * i * ROW_BYTES + at);
                b_parts[i][1] = word(b_tile + 8 * i * ROW_BYTES + at + 16);
            }
#pragma unroll
            for (int i = 0; i < 2; ++i) {
#pragma unroll
                for (int j = 0; j < 2; ++j) multiply(sums[i][j], a_parts[i], b_parts[j]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const int row = blockIdx.y * TILE + warp_row + 16 * i + group;
            const int column = blockIdx.x * TILE + warp_column + 8 * j + member * 2;
            int2 *to = reinterpret_cast<int2 *>(c + static_cast<long long>(row) * n + column);
            to[0] = make_int2(sums[i][j][0], sums[i][j][1]);
            to[8 * n / 2] = make_int2(sums[i][j][2], sums[i][j][3]);
        }
    }
}

int main(int argc, char **argv) {
    // Rows, columns and depth, in tiles: larger ones to measure with, whose result is not checked whole.
    const int m = TILE * (argc > 1 ? std::atoi(argv[1]) : 2);
    const int n = TILE * (argc > 2 ? std::atoi(argv[2]) : 1);
    const int k = TILE_K * (argc > 3 ? std::atoi(argv[3]) : 5);
    Random random(41);
    std::vector<signed char> a(static_cast<std::size_t>(m) * k), b(static_cast<std::size_t>(n) * k);
    for (signed char &value : a) value = static_cast<signed char>(random.bits());
    for (signed char &value : b) value = static_cast<signed char>(random.bits());

    DeviceArray<signed char> device_a(a), device_b(b);
    DeviceArray<int> device_c(static_cast<std::size_t>(m) * n);
    gemm_int8<<<dim3(n / TILE, m / TILE), THREADS>>>(device_a.get(), device_b.get(), device_c.get(), n, k);
    CHECK_LAUNCH();

    // Every row of a small result; of a large one, 128 rows spread over it.
    const std::vector<int> c = device_c.download();
    const int step = m > 2 * TILE ? m / TILE + 1 : 1;
    std::vector<int> got, want;
    for (int row = 0; row < m; row += step) {
        for (int column = 0; column < n; ++column) {
            int sum = 0;
            for (int i = 0; i < k; ++i) {
                sum += a[static_cast<std::size_t>(row) * k + i] * b[static_cast<std::size_t>(column) * k + i];
            }
            got.push_back(c[static_cast<std::size_t>(row) * n + column]);
            want.push_back(sum);
        }
    }
    return finish("gemm_int8", same("c", got, want));
}
