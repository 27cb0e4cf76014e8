// C = A * B through 16 x 16 tiles in shared memory; no dimension is a multiple of the tile.
// Each element is one chain of fused multiply-adds in index order, so the CPU gets the same bits.

#include "check.cuh"

constexpr int TILE = 16;

extern "C" __global__ void matmul_tiled(const float *a, const float *b, float *c, int m, int n, int k) {
    __shared__ float a_tile[TILE][TILE];
    __shared__ float b_tile[TILE][TILE];
    const int row = blockIdx.y * TILE + threadIdx.y;
    const int column = blockIdx.x * TILE + threadIdx.x;

    float sum = 0.0f;
    for (int base = 0; base < k; base += TILE) {
        const int a_column = base + threadIdx.x;
        const int b_row = base + threadIdx.y;
        a_tile[threadIdx.y][threadIdx.x] = row < m && a_column < k ? a[row * k + a_column] : 0.0f;
        b_tile[threadIdx.y][threadIdx.x] = b_row < k && column < n ? b[b_row * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; ++i) {
            sum = fmaf(a_tile[threadIdx.y][i], b_tile[i][threadIdx.x], sum);
        }
        __syncthreads();
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

int main() {
    const int m = 70, n = 90, k = 55;
    Random random(3);
    std::vector<float> a(m * k), b(k * n), want(m * n);
    for (float &value : a) value = random.unit();
    for (float &value : b) value = random.unit();
    for (int row = 0; row < m; ++row) {
        for (int column = 0; column < n; ++column) {
            float sum = 0.0f;
            for (int i = 0; i < k; ++i) sum = std::fmaf(a[row * k + i], b[i * n + column], sum);
            want[row * n + column] = sum;
        }
    }

    DeviceArray<float> device_a(a), device_b(b), device_c(m * n);
    const dim3 grid(blocks_for(n, TILE), blocks_for(m, TILE));
    matmul_tiled<<<grid, dim3(TILE, TILE)>>>(device_a.get(), device_b.get(), device_c.get(), m, n, k);
    CHECK_LAUNCH();

    return finish("matmul_tiled", same("c", device_c.download(), want));
}
