// Indirect calls: a table of device functions from which every thread picks its own, a virtual
// method, and an address that the host reads in one place and hands to another kernel.

#include "check.cuh"

typedef int (*Operation)(int, int);

__host__ __device__ int add(int a, int b) { return a + b; }
__host__ __device__ int subtract(int a, int b) { return a - b; }
__host__ __device__ int multiply(int a, int b) { return a * b; }
__host__ __device__ int bits_in_common(int a, int b) { return a & b; }

__device__ Operation device_operations[4] = {add, subtract, multiply, bits_in_common};

struct Shape {
    __host__ __device__ virtual int area() const = 0;
};
struct Square : Shape {
    int side;
    __host__ __device__ explicit Square(int side) : side(side) {}
    __host__ __device__ int area() const override { return side * side; }
};
struct Rectangle : Shape {
    int width, height;
    __host__ __device__ Rectangle(int width, int height) : width(width), height(height) {}
    __host__ __device__ int area() const override { return width * height; }
};

extern "C" __global__ void apply_operations(const int *a, const int *b, const int *choice, int *output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) output[i] = device_operations[choice[i]](a[i], b[i]);
}

extern "C" __global__ void shape_areas(const int *a, const int *b, const int *choice, int *output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Square square(a[i]);
    const Rectangle rectangle(a[i], b[i]);
    const Shape *shape = choice[i] % 2 == 0 ? static_cast<const Shape *>(&square) : &rectangle;
    output[i] = shape->area();
}

extern "C" __global__ void apply_given(Operation operation, const int *a, const int *b, int *output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) output[i] = operation(a[i], b[i]);
}

int main() {
    const int n = 150;
    const Operation operations[4] = {add, subtract, multiply, bits_in_common};
    Random random(13);
    std::vector<int> a(n), b(n), choice(n), want(n), want_areas(n);
    for (int i = 0; i < n; ++i) {
        a[i] = static_cast<int>(random.below(1000));
        b[i] = static_cast<int>(random.below(1000));
        choice[i] = static_cast<int>(random.below(4));
        want[i] = operations[choice[i]](a[i], b[i]);
        want_areas[i] = choice[i] % 2 == 0 ? a[i] * a[i] : a[i] * b[i];
    }

    DeviceArray<int> device_a(a), device_b(b), device_choice(choice), output(n), areas(n);
    apply_operations<<<blocks_for(n, 64), 64>>>(device_a.get(), device_b.get(), device_choice.get(), output.get(), n);
    CHECK_LAUNCH();
    shape_areas<<<blocks_for(n, 64), 64>>>(device_a.get(), device_b.get(), device_choice.get(), areas.get(), n);
    CHECK_LAUNCH();

    bool passed = same("output", output.download(), want) && same("areas", areas.download(), want_areas);

    Operation addresses[4];
    CUDA_CHECK(cudaMemcpyFromSymbol(addresses, device_operations, sizeof addresses));
    for (int which = 0; which < 4; ++which) {
        for (int i = 0; i < n; ++i) want[i] = operations[which](a[i], b[i]);
        apply_given<<<blocks_for(n, 64), 64>>>(addresses[which], device_a.get(), device_b.get(), output.get(), n);
        CHECK_LAUNCH();
        passed &= same("given", output.download(), want);
    }
    return finish("function_pointers", passed);
}
