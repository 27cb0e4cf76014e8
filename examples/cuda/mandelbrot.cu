// Escape counts of the Mandelbrot set: neighbouring threads leave the loop at different iterations.
// Every multiply-add is written as a fused one, so the CPU runs the same arithmetic.

#include "check.cuh"

__host__ __device__ inline int escape_count(float cx, float cy, int limit) {
    float x = 0.0f, y = 0.0f;
    for (int count = 0; count < limit; ++count) {
        const float y_squared = y * y;
        if (fmaf(x, x, y_squared) > 4.0f) return count;
        const float next_x = fmaf(x, x, cx - y_squared);
        y = fmaf(2.0f * x, y, cy);
        x = next_x;
    }
    return limit;
}

extern "C" __global__ void mandelbrot(int *counts, int width, int height, float left, float top, float step, int limit) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= width || row >= height) return;
    const float cx = fmaf(static_cast<float>(column), step, left);
    const float cy = fmaf(static_cast<float>(row), step, top);
    counts[row * width + column] = escape_count(cx, cy, limit);
}

int main() {
    const int width = 150, height = 100, limit = 128;
    const float left = -2.0f, top = -1.0f, step = 0.02f;
    std::vector<int> want(width * height);
    for (int row = 0; row < height; ++row) {
        for (int column = 0; column < width; ++column) {
            const float cx = std::fmaf(static_cast<float>(column), step, left);
            const float cy = std::fmaf(static_cast<float>(row), step, top);
            want[row * width + column] = escape_count(cx, cy, limit);
        }
    }

    DeviceArray<int> counts(width * height);
    const dim3 block(32, 4);
    mandelbrot<<<dim3(blocks_for(width, block.x), blocks_for(height, block.y)), block>>>(counts.get(), width, height,
                                                                                        left, top, step, limit);
    CHECK_LAUNCH();

    return finish("mandelbrot", same("counts", counts.download(), want));
}
