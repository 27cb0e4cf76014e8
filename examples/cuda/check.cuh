// What every example program shares: checked CUDA calls, device arrays, a seeded generator, and the
// comparison of device results with CPU results. Nothing here runs on the device.
//
// A program prints `<name>: PASS` and exits 0, or prints the first mismatch (array, index, both values)
// or the failed CUDA call, then `<name>: FAIL`, and exits 1.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include <cuda_runtime.h>

#define CUDA_CHECK(call)                                                                             \
    do {                                                                                             \
        const cudaError_t status_ = (call);                                                          \
        if (status_ != cudaSuccess) {                                                                \
            std::printf("%s:%d: %s failed: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status_)); \
            std::exit(1);                                                                            \
        }                                                                                            \
    } while (0)

// After a `<<<>>>` launch: reports a refused launch, then waits and reports a fault of the kernel.
#define CHECK_LAUNCH()                       \
    do {                                     \
        CUDA_CHECK(cudaGetLastError());      \
        CUDA_CHECK(cudaDeviceSynchronize()); \
    } while (0)

// Device memory of `count` elements, freed with the variable.
template <class T>
class DeviceArray {
public:
    explicit DeviceArray(std::size_t count) : count_(count) {
        CUDA_CHECK(cudaMalloc(reinterpret_cast<void **>(&data_), count * sizeof(T)));
    }
    explicit DeviceArray(const std::vector<T> &host) : DeviceArray(host.size()) { upload(host); }
    DeviceArray(const DeviceArray &) = delete;
    DeviceArray &operator=(const DeviceArray &) = delete;
    ~DeviceArray() { CUDA_CHECK(cudaFree(data_)); }

    T *get() const { return data_; }
    void upload(const std::vector<T> &host) {
        CUDA_CHECK(cudaMemcpy(data_, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
    }
    std::vector<T> download() const {
        std::vector<T> host(count_);
        CUDA_CHECK(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
        return host;
    }

private:
    T *data_ = nullptr;
    std::size_t count_;
};

// xorshift32 (Marsaglia 2003): the same inputs on every run and machine.
class Random {
public:
    explicit Random(std::uint32_t seed) : state_(seed) {}
    std::uint32_t bits() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_;
    }
    // Uniform in [0, bound).
    std::uint32_t below(std::uint32_t bound) { return bits() % bound; }
    // Uniform in [-1, 1), a multiple of 2^-23, so that it is exact as a float.
    float unit() { return static_cast<float>(bits() >> 8) * (1.0f / 8388608.0f) - 1.0f; }

private:
    std::uint32_t state_;
};

inline unsigned blocks_for(std::size_t count, unsigned threads) {
    return static_cast<unsigned>((count + threads - 1) / threads);
}

template <class T>
std::string show(T value) {
    char text[64];
    if constexpr (std::is_floating_point_v<T>) {
        std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    } else if constexpr (std::is_signed_v<T>) {
        std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
    } else {
        std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(value));
    }
    return text;
}

// Bit-for-bit equality, for integers and for correctly rounded arithmetic; any NaN equals any NaN,
// because PTX does not fix the payload.
template <class T>
bool same(const char *array, const std::vector<T> &got, const std::vector<T> &want) {
    for (std::size_t i = 0; i < want.size(); ++i) {
        if constexpr (std::is_floating_point_v<T>) {
            if (std::isnan(got[i]) && std::isnan(want[i])) continue;
        }
        if (std::memcmp(&got[i], &want[i], sizeof(T)) != 0) {
            std::printf("%s[%zu] = %s, expected %s\n", array, i, show(got[i]).c_str(), show(want[i]).c_str());
            return false;
        }
    }
    return true;
}

// |got - want| <= relative * |want| + absolute, for functions that CUDA allows an error.
template <class T>
bool close(const char *array, const std::vector<T> &got, const std::vector<T> &want, double relative,
           double absolute) {
    for (std::size_t i = 0; i < want.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
        const double bound = relative * std::fabs(static_cast<double>(want[i])) + absolute;
        if (!(difference <= bound)) {
            std::printf("%s[%zu] = %s, expected %s within %g\n", array, i, show(got[i]).c_str(),
                        show(want[i]).c_str(), bound);
            return false;
        }
    }
    return true;
}

// The last line of every program: prints the verdict and returns the exit code.
inline int finish(const char *name, bool passed) {
    std::printf("%s: %s\n", name, passed ? "PASS" : "FAIL");
    return passed ? 0 : 1;
}
