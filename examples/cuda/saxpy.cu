// y = alpha * x + y with a grid-stride loop: fewer threads than elements, and a count that is no
// multiple of the grid.

#include "check.cuh"

extern "C" __global__ void saxpy(int n, float alpha, const float *x, float *y) {
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        y[i] = fmaf(alpha, x[i], y[i]);
    }
}

int main() {
    const int n = 100'003;
    const float alpha = 1.7f;
    Random random(2);
    std::vector<float> x(n), y(n), want(n);
    for (int i = 0; i < n; ++i) {
        x[i] = random.unit();
        y[i] = random.unit();
        want[i] = std::fmaf(alpha, x[i], y[i]);
    }

    DeviceArray<float> device_x(x), device_y(y);
    saxpy<<<24, 128>>>(n, alpha, device_x.get(), device_y.get());
    CHECK_LAUNCH();

    return finish("saxpy", same("y", device_y.download(), want));
}
