// C = A B of signed bytes with 32-bit sums, on tensor instructions (mma.sync m16n8k32). A is row-major,
// B column-major, as weights usually are, so that both run along k.
//
// A CTA of 16 warps computes 64 x 64 elements, a warp 16 x 16 of them. Tiles of 128 columns of A and 128
// rows of B are copied to shared memory asynchronously, one ahead of the one in use: a warp copies a row of
// a tile at once. Rows are padded by 16 bytes, which puts the words that a warp reads at once into 32
// different banks. Fragments are read straight from the tile, since each thread's part of one is a word.

#include "check.cuh"

constexpr int TILE = 64, TILE_K = 128, ROW_BYTES = TILE_K + 16, WARPS = 16;
constexpr int WARP_TILE = 16, ROWS_PER_WARP = 2 * TILE / WARPS;

__device__ void copy_async(unsigned to, const void *from) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(from) : "memory");
}

__device__ void multiply(int (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ unsigned word(const unsigned char *at) { return *reinterpret_cast<const unsigned *>(at); }

// The product of a tile of A and one of B, added to sums.
__device__ void multiply_tiles(int (&sums)[2][4], const unsigned char *a_tile, const unsigned char *b_tile) {
#pragma unroll
    for (int at = 0; at < TILE_K; at += 32) {
        const unsigned a[4] = {word(a_tile + at), word(a_tile + 8 * ROW_BYTES + at), word(a_tile + at + 16),
                               word(a_tile + 8 * ROW_BYTES + at + 16)};
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const unsigned char *column = b_tile + 8 * j * ROW_BYTES + at;
            const unsigned b[2] = {word(column), word(column + 16)};
            multiply(sums[j], a, b);
        }
    }
}

// m and n are multiples of 64, k of 128. Grid: n / 64 by m / 64.
extern "C" __global__ void __launch_bounds__(32 * WARPS)
gemm_int8(const signed char *a, const signed char *b, int *c, int n, int k) {
    // Two stages; in each the tile of A, then that of B.
    __shared__ __align__(16) unsigned char tiles[2][2 * TILE * ROW_BYTES];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, member = lane % 4;
    const int warp_row = warp % 4 * WARP_TILE, warp_column = warp / 4 * WARP_TILE;

    // The first half of the warps copies A, the other B.
    const int first_row = warp * ROWS_PER_WARP;
    const signed char *source = first_row < TILE ? a + static_cast<long long>(blockIdx.y * TILE + first_row) * k
                                                 : b + static_cast<long long>(blockIdx.x * TILE + first_row - TILE) * k;
    source += 4 * lane;
    const unsigned target = static_cast<unsigned>(__cvta_generic_to_shared(&tiles[0][first_row * ROW_BYTES + 4 * lane]));
    const auto copy_tiles = [&](int stage) {
#pragma unroll
        for (int row = 0; row < ROWS_PER_WARP; ++row) {
            copy_async(target + stage * sizeof tiles[0] + row * ROW_BYTES, source + static_cast<long long>(row) * k);
        }
        source += TILE_K;
        asm volatile("cp.async.commit_group;");
    };

    const unsigned char *a_tile = &tiles[0][(warp_row + group) * ROW_BYTES + member * 4];
    const unsigned char *b_tile = &tiles[0][(TILE + warp_column + group) * ROW_BYTES + member * 4];
    int sums[2][4] = {};
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
        const int row = blockIdx.y * TILE + warp_row + group;
        const int column = blockIdx.x * TILE + warp_column + 8 * j + member * 2;
        int2 *to = reinterpret_cast<int2 *>(c + static_cast<long long>(row) * n + column);
        to[0] = make_int2(sums[j][0], sums[j][1]);
        to[8 * n / 2] = make_int2(sums[j][2], sums[j][3]);
    }
}

int main(int argc, char **argv) {
    // Rows, columns and depth, in tiles: larger ones to measure with, whose result is not checked whole.
    const int m = TILE * (argc > 1 ? std::atoi(argv[1]) : 3);
    const int n = TILE * (argc > 2 ? std::atoi(argv[2]) : 2);
    const int k = TILE_K * (argc > 3 ? std::atoi(argv[3]) : 3);
    Random random(41);
    std::vector<signed char> a(static_cast<std::size_t>(m) * k), b(static_cast<std::size_t>(n) * k);
    for (signed char &value : a) value = static_cast<signed char>(random.bits());
    for (signed char &value : b) value = static_cast<signed char>(random.bits());

    DeviceArray<signed char> device_a(a), device_b(b);
    DeviceArray<int> device_c(static_cast<std::size_t>(m) * n);
    gemm_int8<<<dim3(n / TILE, m / TILE), 32 * WARPS>>>(device_a.get(), device_b.get(), device_c.get(), n, k);
    CHECK_LAUNCH();

    // Every row of a small result; of a large one, 128 rows spread over it.
    const std::vector<int> c = device_c.download();
    const int step = m > 256 ? m / 128 + 1 : 1;
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
