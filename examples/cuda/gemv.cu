// y = A * x with one block a row: each warp reads several lines of it at once, so that a block reads one
// long stretch; sums are reduced by shuffles in warps, then in shared memory.
//
// `gemv ROWS COLUMNS` takes other sizes than the small default.

#include "check.cuh"

constexpr int THREADS = 256, UNROLL = 8;

// Words 128 bytes apart, in one piece: compilers would put each load beside its use.
__device__ void load(float (&to)[UNROLL], const float *from) {
    asm volatile(
        "ld.global.nc.f32 %0, [%8];\n\t"
        "ld.global.nc.f32 %1, [%8+128];\n\t"
        "ld.global.nc.f32 %2, [%8+256];\n\t"
        "ld.global.nc.f32 %3, [%8+384];\n\t"
        "ld.global.nc.f32 %4, [%8+512];\n\t"
        "ld.global.nc.f32 %5, [%8+640];\n\t"
        "ld.global.nc.f32 %6, [%8+768];\n\t"
        "ld.global.nc.f32 %7, [%8+896];"
        : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3]), "=f"(to[4]), "=f"(to[5]), "=f"(to[6]), "=f"(to[7])
        : "l"(from));
}

extern "C" __global__ void __launch_bounds__(THREADS)
gemv(const float *matrix, const float *x, float *y, int columns) {
    __shared__ float sums[THREADS / 32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, first = warp * 32 * UNROLL;
    const float *from = matrix + static_cast<long long>(blockIdx.x) * columns + first + lane;
    x += first + lane;
    float sum = 0.0f;
    int at = first;
    for (; at + 32 * UNROLL <= columns; at += THREADS * UNROLL) {
        float m[UNROLL], v[UNROLL];
        load(m, from);
        load(v, x);
#pragma unroll
        for (int j = 0; j < UNROLL; ++j) sum = fmaf(m[j], v[j], sum);
        from += THREADS * UNROLL;
        x += THREADS * UNROLL;
    }
    // What is left for one warp.
#pragma unroll 1
    for (; at + lane < columns; at += 32, from += 32, x += 32) sum = fmaf(*from, *x, sum);
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (lane == 0) sums[warp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < THREADS / 32; ++i) sum += sums[i];
        y[blockIdx.x] = sum;
    }
}

// The kernel's order of additions: sums of the lanes of each warp, the butterfly tree, then the warps.
static float row_product(const float *row, const float *x, int columns) {
    float total = 0.0f;
    for (int warp = 0; warp < THREADS / 32; ++warp) {
        float lanes[32] = {};
        for (int column = 0; column < columns; ++column) {
            if (column / (32 * UNROLL) % (THREADS / 32) != warp) continue;
            float &sum = lanes[column % 32];
            sum = std::fmaf(row[column], x[column], sum);
        }
        for (int offset = 16; offset > 0; offset >>= 1) {
            for (int lane = 0; lane < offset; ++lane) lanes[lane] += lanes[lane + offset];
        }
        total = warp == 0 ? lanes[0] : total + lanes[0];
    }
    return total;
}

int main(int argc, char **argv) {
    const int rows = argc > 1 ? std::atoi(argv[1]) : 37, columns = argc > 2 ? std::atoi(argv[2]) : 2891;
    Random random(12);
    std::vector<float> matrix(static_cast<std::size_t>(rows) * columns), x(columns), want(rows);
    for (float &value : matrix) value = random.unit();
    for (float &value : x) value = random.unit();
    for (int row = 0; row < rows; ++row) want[row] = row_product(&matrix[static_cast<std::size_t>(row) * columns], x.data(), columns);

    DeviceArray<float> device_matrix(matrix), device_x(x), y(rows);
    gemv<<<rows, THREADS>>>(device_matrix.get(), device_x.get(), y.get(), columns);
    CHECK_LAUNCH();

    return finish("gemv", same("y", y.download(), want));
}
