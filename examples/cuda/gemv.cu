// y = A * x with one warp a row and float4 loads: lanes stride over the row, then reduce by shuffles.

#include "check.cuh"

extern "C" __global__ void gemv(const float4 *matrix, const float4 *x, float *y, int rows, int columns4) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int lane = threadIdx.x % 32;
    if (row >= rows) return;
    float sum = 0.0f;
    for (int column = lane; column < columns4; column += 32) {
        const float4 m = matrix[row * columns4 + column];
        const float4 v = x[column];
        sum = fmaf(m.x, v.x, sum);
        sum = fmaf(m.y, v.y, sum);
        sum = fmaf(m.z, v.z, sum);
        sum = fmaf(m.w, v.w, sum);
    }
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
    if (lane == 0) y[row] = sum;
}

// The kernel's order of additions: 32 lane sums, then the butterfly tree.
static float row_product(const float *row, const float *x, int columns) {
    float lanes[32] = {};
    for (int column = 0; column < columns; ++column) {
        float &sum = lanes[column / 4 % 32];
        sum = std::fmaf(row[column], x[column], sum);
    }
    for (int offset = 16; offset > 0; offset >>= 1) {
        for (int lane = 0; lane < offset; ++lane) lanes[lane] += lanes[lane + offset];
    }
    return lanes[0];
}

int main() {
    const int rows = 93, columns = 332;
    static_assert(columns % 4 == 0, "rows are read as float4");
    Random random(12);
    std::vector<float> matrix(rows * columns), x(columns), want(rows);
    for (float &value : matrix) value = random.unit();
    for (float &value : x) value = random.unit();
    for (int row = 0; row < rows; ++row) want[row] = row_product(&matrix[row * columns], x.data(), columns);

    DeviceArray<float> device_matrix(matrix), device_x(x), y(rows);
    gemv<<<blocks_for(rows * 32, 128), 128>>>(reinterpret_cast<const float4 *>(device_matrix.get()),
                                             reinterpret_cast<const float4 *>(device_x.get()), y.get(), rows,
                                             columns / 4);
    CHECK_LAUNCH();

    return finish("gemv", same("y", y.download(), want));
}
