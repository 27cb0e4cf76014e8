// Kinds of memory and copies: managed memory, mapped and registered host memory, stream-ordered
// allocation, pitched allocation with two-dimensional copies, device-to-device copies, and memory sets.

#include "check.cuh"

extern "C" __global__ void increment_all(int *data, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) data[i] += i;
}

extern "C" __global__ void double_pitched(float *data, std::size_t pitch, int width, int height) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    float *row = reinterpret_cast<float *>(reinterpret_cast<char *>(data) + y * pitch);
    row[x] *= 2.0f;
}

static bool managed_and_host(int n) {
    int *managed = nullptr, *mapped = nullptr, *mapped_device = nullptr, *registered_device = nullptr;
    CUDA_CHECK(cudaMallocManaged(reinterpret_cast<void **>(&managed), n * sizeof(int)));
    CUDA_CHECK(cudaHostAlloc(reinterpret_cast<void **>(&mapped), n * sizeof(int), cudaHostAllocMapped));
    CUDA_CHECK(cudaHostGetDevicePointer(reinterpret_cast<void **>(&mapped_device), mapped, 0));
    std::vector<int> registered(n), want(n);
    CUDA_CHECK(cudaHostRegister(registered.data(), n * sizeof(int), cudaHostRegisterMapped));
    CUDA_CHECK(cudaHostGetDevicePointer(reinterpret_cast<void **>(&registered_device), registered.data(), 0));
    for (int i = 0; i < n; ++i) {
        managed[i] = mapped[i] = registered[i] = 3 * i;
        want[i] = 4 * i;
    }
    for (int *data : {managed, mapped_device, registered_device}) {
        increment_all<<<blocks_for(n, 128), 128>>>(data, n);
        CHECK_LAUNCH();
    }
    cudaPointerAttributes attributes;
    CUDA_CHECK(cudaPointerGetAttributes(&attributes, managed));
    bool passed = attributes.type == cudaMemoryTypeManaged;
    if (!passed) std::printf("managed memory has type %d\n", attributes.type);
    passed = passed && same("managed", std::vector<int>(managed, managed + n), want) &&
             same("mapped", std::vector<int>(mapped, mapped + n), want) && same("registered", registered, want);
    CUDA_CHECK(cudaHostUnregister(registered.data()));
    CUDA_CHECK(cudaFreeHost(mapped));
    CUDA_CHECK(cudaFree(managed));
    return passed;
}

static bool stream_ordered(int n) {
    cudaStream_t stream;
    CUDA_CHECK(cudaStreamCreate(&stream));
    int *data = nullptr, *copy = nullptr;
    CUDA_CHECK(cudaMallocAsync(reinterpret_cast<void **>(&data), n * sizeof(int), stream));
    CUDA_CHECK(cudaMallocAsync(reinterpret_cast<void **>(&copy), n * sizeof(int), stream));
    CUDA_CHECK(cudaMemsetAsync(data, 0x01, n * sizeof(int), stream));
    increment_all<<<blocks_for(n, 128), 128, 0, stream>>>(data, n);
    CUDA_CHECK(cudaMemcpyAsync(copy, data, n * sizeof(int), cudaMemcpyDeviceToDevice, stream));
    std::vector<int> got(n), want(n);
    CUDA_CHECK(cudaMemcpyAsync(got.data(), copy, n * sizeof(int), cudaMemcpyDeviceToHost, stream));
    CUDA_CHECK(cudaFreeAsync(data, stream));
    CUDA_CHECK(cudaFreeAsync(copy, stream));
    CUDA_CHECK(cudaStreamSynchronize(stream));
    CUDA_CHECK(cudaStreamDestroy(stream));
    for (int i = 0; i < n; ++i) want[i] = 0x01010101 + i;
    return same("stream_ordered", got, want);
}

static bool pitched(int width, int height) {
    Random random(26);
    std::vector<float> input(width * height), want(width * height), got(width * height);
    for (int i = 0; i < width * height; ++i) {
        input[i] = random.unit();
        want[i] = 2.0f * input[i];
    }
    float *data = nullptr;
    std::size_t pitch = 0;
    CUDA_CHECK(cudaMallocPitch(reinterpret_cast<void **>(&data), &pitch, width * sizeof(float), height));
    const std::size_t row = width * sizeof(float);
    CUDA_CHECK(cudaMemcpy2D(data, pitch, input.data(), row, row, height, cudaMemcpyHostToDevice));
    const dim3 block(16, 8);
    double_pitched<<<dim3(blocks_for(width, block.x), blocks_for(height, block.y)), block>>>(data, pitch, width, height);
    CHECK_LAUNCH();
    CUDA_CHECK(cudaMemcpy2D(got.data(), row, data, pitch, row, height, cudaMemcpyDeviceToHost));
    CUDA_CHECK(cudaFree(data));
    return pitch >= row && same("pitched", got, want);
}

int main() {
    std::size_t free_bytes = 0, total_bytes = 0;
    CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
    const bool passed = free_bytes <= total_bytes && managed_and_host(1500) && stream_ordered(1500) && pitched(77, 45);
    return finish("memory_kinds", passed);
}
