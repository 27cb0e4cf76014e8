// Matrix transpose through a shared tile with a padded row, which keeps column reads free of bank
// conflicts; a block of 32 x 8 threads moves a 32 x 32 tile.

#include "check.cuh"

constexpr int TILE = 32;
constexpr int ROWS = 8;

extern "C" __global__ void transpose(const float *input, float *output, int width, int height) {
    __shared__ float tile[TILE][TILE + 1];
    int x = blockIdx.x * TILE + threadIdx.x;
    int y = blockIdx.y * TILE + threadIdx.y;
    for (int row = 0; row < TILE; row += ROWS) {
        if (x < width && y + row < height) tile[threadIdx.y + row][threadIdx.x] = input[(y + row) * width + x];
    }
    __syncthreads();
    x = blockIdx.y * TILE + threadIdx.x;
    y = blockIdx.x * TILE + threadIdx.y;
    for (int row = 0; row < TILE; row += ROWS) {
        if (x < height && y + row < width) output[(y + row) * height + x] = tile[threadIdx.x][threadIdx.y + row];
    }
}

int main() {
    const int width = 200, height = 135;
    Random random(7);
    std::vector<float> input(width * height), want(width * height);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            input[y * width + x] = random.unit();
            want[x * height + y] = input[y * width + x];
        }
    }

    DeviceArray<float> device_input(input), output(width * height);
    transpose<<<dim3(blocks_for(width, TILE), blocks_for(height, TILE)), dim3(TILE, ROWS)>>>(
        device_input.get(), output.get(), width, height);
    CHECK_LAUNCH();

    return finish("transpose", same("output", output.download(), want));
}
