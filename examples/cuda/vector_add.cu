// c = a + b: one thread an element, with a bounds check in the last block.

#include "check.cuh"

extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

int main() {
    const int n = 50'000;
    Random random(1);
    std::vector<float> a(n), b(n), want(n);
    for (int i = 0; i < n; ++i) {
        a[i] = random.unit();
        b[i] = random.unit();
        want[i] = a[i] + b[i];
    }

    DeviceArray<float> device_a(a), device_b(b), device_c(n);
    vector_add<<<blocks_for(n, 256), 256>>>(device_a.get(), device_b.get(), device_c.get(), n);
    CHECK_LAUNCH();

    return finish("vector_add", same("c", device_c.download(), want));
}
