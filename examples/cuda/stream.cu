// The four loops of STREAM (McCalpin): copy, scale, add, triad. Few long-lived blocks of many warps each,
// and several independent loads in flight in each thread, so that memory is never idle.
//
// `stream N` runs on N thousand elements; the default is small.

#include "check.cuh"

constexpr int THREADS = 1024, UNROLL = 4;

// Loads and stores every index below n once: UNROLL loads before the first of their stores.
template <class Load, class Store>
__device__ void stream(long long n, Load load, Store store) {
    const long long step = gridDim.x * THREADS;
    long long i = blockIdx.x * THREADS + threadIdx.x;
    for (; i + (UNROLL - 1) * step < n; i += UNROLL * step) {
        decltype(load(i)) values[UNROLL];
#pragma unroll
        for (int j = 0; j < UNROLL; ++j) values[j] = load(i + j * step);
#pragma unroll
        for (int j = 0; j < UNROLL; ++j) store(i + j * step, values[j]);
    }
    for (; i < n; i += step) store(i, load(i));
}

extern "C" __global__ void __launch_bounds__(THREADS)
stream_copy(int n, const float *__restrict__ a, float *__restrict__ c) {
    stream(n, [=](long long i) { return a[i]; }, [=](long long i, float value) { c[i] = value; });
}

extern "C" __global__ void __launch_bounds__(THREADS)
stream_scale(int n, float s, const float *__restrict__ c, float *__restrict__ b) {
    stream(n, [=](long long i) { return c[i]; }, [=](long long i, float value) { b[i] = s * value; });
}

extern "C" __global__ void __launch_bounds__(THREADS)
stream_add(int n, const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ c) {
    stream(n, [=](long long i) { return make_float2(a[i], b[i]); }, [=](long long i, float2 pair) { c[i] = pair.x + pair.y; });
}

extern "C" __global__ void __launch_bounds__(THREADS)
stream_triad(int n, float s, const float *__restrict__ b, const float *__restrict__ c, float *__restrict__ a) {
    stream(n, [=](long long i) { return make_float2(b[i], c[i]); }, [=](long long i, float2 pair) { a[i] = fmaf(s, pair.y, pair.x); });
}

int main(int argc, char **argv) {
    const int n = argc > 1 ? 1000 * std::atoi(argv[1]) : 100'003;
    const float s = 1.25f;
    Random random(50);
    std::vector<float> a(n), b(n), c(n);
    for (int i = 0; i < n; ++i) a[i] = random.unit();
    DeviceArray<float> device_a(a), device_b(n), device_c(n);

    int blocks = 0;
    CUDA_CHECK(cudaDeviceGetAttribute(&blocks, cudaDevAttrMultiProcessorCount, 0));
    stream_copy<<<blocks, THREADS>>>(n, device_a.get(), device_c.get());
    stream_scale<<<blocks, THREADS>>>(n, s, device_c.get(), device_b.get());
    stream_add<<<blocks, THREADS>>>(n, device_a.get(), device_b.get(), device_c.get());
    stream_triad<<<blocks, THREADS>>>(n, s, device_b.get(), device_c.get(), device_a.get());
    CHECK_LAUNCH();

    for (int i = 0; i < n; ++i) {
        c[i] = a[i];
        b[i] = s * c[i];
        c[i] = a[i] + b[i];
        a[i] = std::fmaf(s, c[i], b[i]);
    }
    const bool right = same("b", device_b.download(), b) && same("c", device_c.download(), c) &&
                       same("a", device_a.download(), a);
    return finish("stream", right);
}
