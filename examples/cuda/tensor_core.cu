// Matrix multiply-accumulate on tensor instructions: wmma 16 x 16 x 16 half with float accumulators,
// and mma.sync m16n8k32 of signed bytes with the documented fragment layout. All values are small
// integers, so every sum is exact.

#include "check.cuh"

#include <cuda_fp16.h>
#include <mma.h>

extern "C" __global__ void wmma_half(const __half *a, const __half *b, float *c, int tiles_k) {
    using namespace nvcuda;
    wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> a_fragment;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::col_major> b_fragment;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
    wmma::fill_fragment(sum, 0.0f);
    for (int tile = 0; tile < tiles_k; ++tile) {
        wmma::load_matrix_sync(a_fragment, a + 16 * tile, 16 * tiles_k);
        wmma::load_matrix_sync(b_fragment, b + 16 * tile, 16 * tiles_k);
        wmma::mma_sync(sum, a_fragment, b_fragment, sum);
    }
    wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

// One warp: D[16][8] = A[16][32] * B[32][8]; A row-major, B column-major.
extern "C" __global__ void mma_bytes(const signed char *a, const signed char *b, int *d) {
    const int group = threadIdx.x / 4, member = threadIdx.x % 4;
    const int *a_words = reinterpret_cast<const int *>(a), *b_words = reinterpret_cast<const int *>(b);
    const int a0 = a_words[group * 8 + member], a1 = a_words[(group + 8) * 8 + member];
    const int a2 = a_words[group * 8 + member + 4], a3 = a_words[(group + 8) * 8 + member + 4];
    const int b0 = b_words[group * 8 + member], b1 = b_words[group * 8 + member + 4];
    int d0, d1, d2, d3;
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
                 : "=r"(d0), "=r"(d1), "=r"(d2), "=r"(d3)
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "r"(0));
    d[group * 8 + member * 2] = d0;
    d[group * 8 + member * 2 + 1] = d1;
    d[(group + 8) * 8 + member * 2] = d2;
    d[(group + 8) * 8 + member * 2 + 1] = d3;
}

int main() {
    const int k = 48;
    Random random(27);
    std::vector<__half> a(16 * k), b(16 * k);
    std::vector<float> a_values(16 * k), b_values(16 * k), want(16 * 16, 0.0f);
    for (int i = 0; i < 16 * k; ++i) {
        a_values[i] = static_cast<float>(static_cast<int>(random.below(17)) - 8);
        b_values[i] = static_cast<float>(static_cast<int>(random.below(17)) - 8);
        a[i] = __float2half(a_values[i]);
        b[i] = __float2half(b_values[i]);
    }
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 16; ++column) {
            for (int i = 0; i < k; ++i) want[row * 16 + column] += a_values[row * k + i] * b_values[column * k + i];
        }
    }
    std::vector<signed char> a_bytes(16 * 32), b_bytes(8 * 32);
    std::vector<int> want_bytes(16 * 8, 0);
    for (signed char &value : a_bytes) value = static_cast<signed char>(random.bits());
    for (signed char &value : b_bytes) value = static_cast<signed char>(random.bits());
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 8; ++column) {
            for (int i = 0; i < 32; ++i) want_bytes[row * 8 + column] += a_bytes[row * 32 + i] * b_bytes[column * 32 + i];
        }
    }

    DeviceArray<__half> device_a(a), device_b(b);
    DeviceArray<float> c(16 * 16);
    wmma_half<<<1, 32>>>(device_a.get(), device_b.get(), c.get(), k / 16);
    CHECK_LAUNCH();
    DeviceArray<signed char> device_a_bytes(a_bytes), device_b_bytes(b_bytes);
    DeviceArray<int> d(16 * 8);
    mma_bytes<<<1, 32>>>(device_a_bytes.get(), device_b_bytes.get(), d.get());
    CHECK_LAUNCH();

    const bool passed = same("half", c.download(), want) && same("bytes", d.download(), want_bytes);
    return finish("tensor_core", passed);
}
