// Two streams with asynchronous copies from pinned memory, ordering by an event, event queries and
// elapsed time, a host function in stream order, and device queries.

#include "check.cuh"

extern "C" __global__ void scale(float *data, float factor, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) data[i] *= factor;
}

extern "C" __global__ void add_arrays(const float *a, const float *b, float *sum, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sum[i] = a[i] + b[i];
}

static void increment(void *counter) { ++*static_cast<int *>(counter); }

int main() {
    int devices = 0, device = -1, multiprocessors = 0;
    CUDA_CHECK(cudaGetDeviceCount(&devices));
    CUDA_CHECK(cudaSetDevice(0));
    CUDA_CHECK(cudaGetDevice(&device));
    CUDA_CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
    cudaDeviceProp properties;
    CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
    if (devices < 1 || device != 0 || properties.multiProcessorCount != multiprocessors || properties.warpSize != 32 ||
        properties.totalGlobalMem == 0 || properties.name[0] == '\0') {
        std::printf("device queries disagree\n");
        return finish("streams_events", false);
    }

    const int n = 5000;
    const std::size_t bytes = n * sizeof(float);
    float *host_a = nullptr, *host_b = nullptr, *host_sum = nullptr;
    CUDA_CHECK(cudaMallocHost(reinterpret_cast<void **>(&host_a), bytes));
    CUDA_CHECK(cudaMallocHost(reinterpret_cast<void **>(&host_b), bytes));
    CUDA_CHECK(cudaHostAlloc(reinterpret_cast<void **>(&host_sum), bytes, cudaHostAllocDefault));
    Random random(20);
    std::vector<float> want(n);
    for (int i = 0; i < n; ++i) {
        host_a[i] = random.unit();
        host_b[i] = random.unit();
        want[i] = host_a[i] * 3.0f + host_b[i] * 0.25f;
    }

    DeviceArray<float> a(n), b(n), sum(n);
    cudaStream_t first, second;
    cudaEvent_t start, b_ready, stop;
    CUDA_CHECK(cudaStreamCreate(&first));
    CUDA_CHECK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    CUDA_CHECK(cudaEventCreate(&start));
    CUDA_CHECK(cudaEventCreateWithFlags(&b_ready, cudaEventDisableTiming));
    CUDA_CHECK(cudaEventCreate(&stop));

    int callbacks = 0;
    CUDA_CHECK(cudaEventRecord(start, first));
    CUDA_CHECK(cudaMemcpyAsync(a.get(), host_a, bytes, cudaMemcpyHostToDevice, first));
    CUDA_CHECK(cudaMemcpyAsync(b.get(), host_b, bytes, cudaMemcpyHostToDevice, second));
    scale<<<blocks_for(n, 128), 128, 0, first>>>(a.get(), 3.0f, n);
    scale<<<blocks_for(n, 128), 128, 0, second>>>(b.get(), 0.25f, n);
    CUDA_CHECK(cudaEventRecord(b_ready, second));
    CUDA_CHECK(cudaStreamWaitEvent(first, b_ready, 0));
    add_arrays<<<blocks_for(n, 128), 128, 0, first>>>(a.get(), b.get(), sum.get(), n);
    CUDA_CHECK(cudaGetLastError());
    CUDA_CHECK(cudaMemcpyAsync(host_sum, sum.get(), bytes, cudaMemcpyDeviceToHost, first));
    CUDA_CHECK(cudaLaunchHostFunc(first, increment, &callbacks));
    CUDA_CHECK(cudaEventRecord(stop, first));
    CUDA_CHECK(cudaEventSynchronize(stop));
    CUDA_CHECK(cudaStreamSynchronize(second));

    float milliseconds = -1.0f;
    CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
    bool passed = milliseconds >= 0.0f && callbacks == 1;
    if (!passed) std::printf("elapsed %g ms, %d callbacks, expected 1\n", milliseconds, callbacks);
    CUDA_CHECK(cudaEventQuery(stop));
    CUDA_CHECK(cudaStreamQuery(first));
    passed = passed && same("sum", std::vector<float>(host_sum, host_sum + n), want);

    CUDA_CHECK(cudaEventDestroy(start));
    CUDA_CHECK(cudaEventDestroy(b_ready));
    CUDA_CHECK(cudaEventDestroy(stop));
    CUDA_CHECK(cudaStreamDestroy(first));
    CUDA_CHECK(cudaStreamDestroy(second));
    CUDA_CHECK(cudaFreeHost(host_a));
    CUDA_CHECK(cudaFreeHost(host_b));
    CUDA_CHECK(cudaFreeHost(host_sum));
    return finish("streams_events", passed);
}
