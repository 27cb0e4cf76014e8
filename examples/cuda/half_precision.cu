// Half precision and bfloat16: packed and single arithmetic, comparison and conversion in both
// directions. Each operation is correctly rounded, so the CPU result from exact arithmetic must agree.

#include "check.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

constexpr int HALF_RESULTS = 8;

extern "C" __global__ void half_arithmetic(const __half2 *a, const __half2 *b, __half2 *results, float *widened, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const __half2 x = a[i], y = b[i];
    __half2 *out = results + i * HALF_RESULTS;
    out[0] = __hadd2(x, y);
    out[1] = __hmul2(x, y);
    out[2] = __hfma2(x, y, x);
    out[3] = __hsub2(y, x);
    out[4] = __halves2half2(__hmax(__low2half(x), __low2half(y)), __hmin(__high2half(x), __high2half(y)));
    out[5] = __hneg2(x);
    out[6] = __floats2half2_rn(__low2float(x) * 1.00048828125f, __high2float(y) / 3.0f);
    out[7] = __halves2half2(__int2half_rn(__half2int_rz(__hmul(__low2half(x), __float2half(100.0f)))),
                            __hlt(__low2half(x), __low2half(y)) ? __float2half(1.0f) : __float2half(-1.0f));
    widened[2 * i] = __low2float(x);
    widened[2 * i + 1] = __half2float(__high2half(y));
}

extern "C" __global__ void bfloat16_arithmetic(const float *a, const float *b, __nv_bfloat16 *rounded, float *fused, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const __nv_bfloat16 x = __float2bfloat16(a[i]), y = __float2bfloat16(b[i]);
    rounded[i] = x;
    fused[i] = __bfloat162float(__hfma(x, y, y));
}

// Rounds to a binary format with `precision` significant bits and minimum exponent `lowest`, to nearest
// even; the exact value must fit in a double and the result must not overflow.
static double round_to(double value, int precision, int lowest) {
    if (value == 0.0) return value;
    int exponent;
    std::frexp(value, &exponent);
    const int unit = (exponent > lowest ? exponent : lowest) - precision;
    return std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
}
static double round_half(double value) { return round_to(value, 11, -13); }
static double round_bfloat16(double value) { return round_to(value, 8, -125); }

int main() {
    const int n = 300;
    Random random(22);
    std::vector<__half2> a(n), b(n);
    std::vector<float> want(2 * HALF_RESULTS * n), want_widened(2 * n);
    for (int i = 0; i < n; ++i) {
        const float scale = i % 5 == 0 ? 1e-4f : 4.0f; // products of the small ones are subnormal
        const double x[2] = {round_half(random.unit() * scale), round_half(random.unit() * scale)};
        const double y[2] = {round_half(random.unit() * scale), round_half(random.unit() * scale)};
        a[i] = __floats2half2_rn(static_cast<float>(x[0]), static_cast<float>(x[1]));
        b[i] = __floats2half2_rn(static_cast<float>(y[0]), static_cast<float>(y[1]));
        double out[HALF_RESULTS][2];
        for (int k = 0; k < 2; ++k) {
            out[0][k] = round_half(x[k] + y[k]);
            out[1][k] = round_half(x[k] * y[k]);
            out[2][k] = round_half(x[k] * y[k] + x[k]);
            out[3][k] = round_half(y[k] - x[k]);
            out[5][k] = -x[k];
        }
        out[4][0] = std::fmax(x[0], y[0]);
        out[4][1] = std::fmin(x[1], y[1]);
        out[6][0] = round_half(static_cast<float>(x[0]) * 1.00048828125f);
        out[6][1] = round_half(static_cast<float>(y[1]) / 3.0f);
        out[7][0] = std::trunc(round_half(x[0] * 100.0)) + 0.0; // + 0.0: the integer has no negative zero
        out[7][1] = x[0] < y[0] ? 1.0 : -1.0;
        for (int k = 0; k < HALF_RESULTS; ++k) {
            for (int side = 0; side < 2; ++side) want[(i * HALF_RESULTS + k) * 2 + side] = static_cast<float>(out[k][side]);
        }
        want_widened[2 * i] = static_cast<float>(x[0]);
        want_widened[2 * i + 1] = static_cast<float>(y[1]);
    }

    std::vector<float> wide_a(n), wide_b(n), want_rounded(n), want_fused(n);
    for (int i = 0; i < n; ++i) {
        wide_a[i] = random.unit() * 100.0f;
        wide_b[i] = random.unit() * 1e-3f;
        const double x = round_bfloat16(wide_a[i]), y = round_bfloat16(wide_b[i]);
        want_rounded[i] = static_cast<float>(x);
        want_fused[i] = static_cast<float>(round_bfloat16(x * y + y));
    }

    DeviceArray<__half2> device_a(a), device_b(b), results(HALF_RESULTS * n);
    DeviceArray<float> widened(2 * n), device_wide_a(wide_a), device_wide_b(wide_b), fused(n);
    DeviceArray<__nv_bfloat16> rounded(n);
    half_arithmetic<<<blocks_for(n, 64), 64>>>(device_a.get(), device_b.get(), results.get(), widened.get(), n);
    CHECK_LAUNCH();
    bfloat16_arithmetic<<<blocks_for(n, 64), 64>>>(device_wide_a.get(), device_wide_b.get(), rounded.get(), fused.get(), n);
    CHECK_LAUNCH();

    std::vector<float> got, got_rounded;
    for (const __half2 pair : results.download()) {
        got.push_back(__low2float(pair));
        got.push_back(__high2float(pair));
    }
    for (const __nv_bfloat16 value : rounded.download()) got_rounded.push_back(__bfloat162float(value));
    const bool passed = same("results", got, want) && same("widened", widened.download(), want_widened) &&
                        same("rounded", got_rounded, want_rounded) && same("fused", fused.download(), want_fused);
    return finish("half_precision", passed);
}
