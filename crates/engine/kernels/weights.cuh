// Weight formats. A matrix of `n` outputs and `k` inputs is stored as 32-bit words, `word[i][output]`, each
// holding consecutive inputs of one output. Lanes of a warp take neighbouring outputs, so they read
// neighbouring words. `columns` is n rounded up to 32.
#pragma once

#include <cstdint>

struct F32 {
    static constexpr int PER_WORD = 1;
    static __device__ void unpack(uint32_t word, float* values) { values[0] = __uint_as_float(word); }
};

struct Bf16 {
    static constexpr int PER_WORD = 2;
    static __device__ void unpack(uint32_t word, float* values) {
        values[0] = __uint_as_float(word << 16);
        values[1] = __uint_as_float(word & 0xffff0000u);
    }
};

struct F16 {
    static constexpr int PER_WORD = 2;
    static __device__ void unpack(uint32_t word, float* values) {
        asm("{.reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
            : "=f"(values[0]), "=f"(values[1])
            : "r"(word));
    }
};
