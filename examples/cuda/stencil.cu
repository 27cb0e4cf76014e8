// Five-point stencil in two dimensions through a shared tile with a halo, and seven-point stencil in
// three dimensions from global memory. Borders keep their value.

#include "check.cuh"

constexpr int TILE_X = 32;
constexpr int TILE_Y = 8;

extern "C" __global__ void stencil_2d(const float *input, float *output, int width, int height) {
    __shared__ float tile[TILE_Y + 2][TILE_X + 2];
    const int x = blockIdx.x * TILE_X + threadIdx.x;
    const int y = blockIdx.y * TILE_Y + threadIdx.y;
    const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    const bool inside = x < width && y < height;
    if (inside) {
        tile[ty][tx] = input[y * width + x];
        if (threadIdx.x == 0 && x > 0) tile[ty][0] = input[y * width + x - 1];
        if (threadIdx.x == TILE_X - 1 && x + 1 < width) tile[ty][tx + 1] = input[y * width + x + 1];
        if (threadIdx.y == 0 && y > 0) tile[0][tx] = input[(y - 1) * width + x];
        if (threadIdx.y == TILE_Y - 1 && y + 1 < height) tile[ty + 1][tx] = input[(y + 1) * width + x];
    }
    __syncthreads();
    if (!inside) return;
    const bool border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
    float value = tile[ty][tx];
    if (!border) {
        const float around = (tile[ty][tx - 1] + tile[ty][tx + 1]) + (tile[ty - 1][tx] + tile[ty + 1][tx]);
        value = fmaf(0.125f, around, 0.5f * value);
    }
    output[y * width + x] = value;
}

extern "C" __global__ void stencil_3d(const float *input, float *output, int nx, int ny, int nz) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    const int z = blockIdx.z * blockDim.z + threadIdx.z;
    if (x >= nx || y >= ny || z >= nz) return;
    const int i = (z * ny + y) * nx + x;
    float value = input[i];
    if (x > 0 && x < nx - 1 && y > 0 && y < ny - 1 && z > 0 && z < nz - 1) {
        const float around = ((input[i - 1] + input[i + 1]) + (input[i - nx] + input[i + nx])) +
                             (input[i - nx * ny] + input[i + nx * ny]);
        value = fmaf(-6.0f, value, around);
    }
    output[i] = value;
}

static std::vector<float> stencil_2d_cpu(const std::vector<float> &input, int width, int height) {
    std::vector<float> output = input;
    for (int y = 1; y < height - 1; ++y) {
        for (int x = 1; x < width - 1; ++x) {
            const int i = y * width + x;
            const float around = (input[i - 1] + input[i + 1]) + (input[i - width] + input[i + width]);
            output[i] = std::fmaf(0.125f, around, 0.5f * input[i]);
        }
    }
    return output;
}

static std::vector<float> stencil_3d_cpu(const std::vector<float> &input, int nx, int ny, int nz) {
    std::vector<float> output = input;
    for (int z = 1; z < nz - 1; ++z) {
        for (int y = 1; y < ny - 1; ++y) {
            for (int x = 1; x < nx - 1; ++x) {
                const int i = (z * ny + y) * nx + x;
                const float around = ((input[i - 1] + input[i + 1]) + (input[i - nx] + input[i + nx])) +
                                     (input[i - nx * ny] + input[i + nx * ny]);
                output[i] = std::fmaf(-6.0f, input[i], around);
            }
        }
    }
    return output;
}

int main() {
    const int width = 101, height = 67, nx = 30, ny = 21, nz = 13;
    Random random(10);
    std::vector<float> plane(width * height), volume(nx * ny * nz);
    for (float &value : plane) value = random.unit();
    for (float &value : volume) value = random.unit();

    DeviceArray<float> plane_input(plane), plane_output(plane.size());
    DeviceArray<float> volume_input(volume), volume_output(volume.size());
    stencil_2d<<<dim3(blocks_for(width, TILE_X), blocks_for(height, TILE_Y)), dim3(TILE_X, TILE_Y)>>>(
        plane_input.get(), plane_output.get(), width, height);
    CHECK_LAUNCH();
    const dim3 block(8, 4, 4);
    stencil_3d<<<dim3(blocks_for(nx, block.x), blocks_for(ny, block.y), blocks_for(nz, block.z)), block>>>(
        volume_input.get(), volume_output.get(), nx, ny, nz);
    CHECK_LAUNCH();

    const bool passed = same("plane", plane_output.download(), stencil_2d_cpu(plane, width, height)) &&
                        same("volume", volume_output.download(), stencil_3d_cpu(volume, nx, ny, nz));
    return finish("stencil", passed);
}
