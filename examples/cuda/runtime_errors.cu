// What the runtime reports for wrong calls and faulting kernels: the sticky error after an illegal
// access, recovery by cudaDeviceReset, refused launches, and the names of errors.

#include "check.cuh"

extern "C" __global__ void write_one(int *target) { *target = 1; }

static bool expect(const char *what, cudaError_t got, cudaError_t want) {
    if (got == want) return true;
    std::printf("%s: %s, expected %s\n", what, cudaGetErrorName(got), cudaGetErrorName(want));
    return false;
}

int main() {
    bool passed = true;
    int *target = nullptr;
    CUDA_CHECK(cudaMalloc(reinterpret_cast<void **>(&target), sizeof(int)));

    // Refused launches do not poison the context; cudaGetLastError clears the error, cudaPeekAtLastError does not.
    write_one<<<1, 4096>>>(target);
    passed &= expect("peek", cudaPeekAtLastError(), cudaErrorInvalidConfiguration);
    passed &= expect("block of 4096", cudaGetLastError(), cudaErrorInvalidConfiguration);
    passed &= expect("cleared", cudaGetLastError(), cudaSuccess);
    write_one<<<0, 32>>>(target);
    passed &= expect("empty grid", cudaGetLastError(), cudaErrorInvalidConfiguration);
    passed &= expect("bad device", cudaSetDevice(12345), cudaErrorInvalidDevice);
    passed &= expect("null copy", cudaMemcpy(nullptr, target, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    cudaGetLastError();
    write_one<<<1, 1>>>(target);
    passed &= expect("good launch", cudaDeviceSynchronize(), cudaSuccess);

    // A fault is sticky until the device is reset.
    write_one<<<1, 1>>>(reinterpret_cast<int *>(0x10));
    passed &= expect("illegal address", cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    void *refused = nullptr;
    passed &= expect("sticky", cudaMalloc(&refused, 16), cudaErrorIllegalAddress);
    CUDA_CHECK(cudaDeviceReset());
    passed &= expect("after reset", cudaMalloc(reinterpret_cast<void **>(&target), sizeof(int)), cudaSuccess);
    write_one<<<1, 1>>>(target);
    passed &= expect("launch after reset", cudaDeviceSynchronize(), cudaSuccess);
    int value = 0;
    CUDA_CHECK(cudaMemcpy(&value, target, sizeof value, cudaMemcpyDeviceToHost));
    passed &= value == 1;
    CUDA_CHECK(cudaFree(target));
    return finish("runtime_errors", passed);
}
