// Elementary functions in float and double, and the fast float intrinsics, against the host's double
// results. The bounds are those of the CUDA C++ Programming Guide (mathematical functions appendix),
// with one unit added for the rounding of the reference.

#include "check.cuh"

constexpr int FLOATS = 12;
constexpr int DOUBLES = 8;
constexpr int FAST = 5;

extern "C" __global__ void float_functions(const float *x, float *results, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float value = x[i];
    float *out = results + i * FLOATS;
    out[0] = expf(value);
    out[1] = logf(fabsf(value) + 0.1f);
    out[2] = sinf(value);
    out[3] = cosf(value * 1000.0f);
    out[4] = tanhf(value);
    out[5] = powf(fabsf(value) + 0.5f, 1.7f);
    out[6] = erff(value);
    out[7] = atan2f(value, 1.5f - value);
    out[8] = cbrtf(value);
    out[9] = log1pf(fabsf(value));
    out[10] = fmodf(value * 50.0f, 0.7f);
    out[11] = 1.0f / (1.0f + expf(-value));
}

extern "C" __global__ void double_functions(const double *x, double *results, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const double value = x[i];
    double *out = results + i * DOUBLES;
    out[0] = exp(value);
    out[1] = log(fabs(value) + 0.1);
    out[2] = sin(value * 100.0);
    out[3] = cos(value);
    out[4] = tanh(value);
    out[5] = pow(fabs(value) + 0.5, 2.3);
    out[6] = atan(value);
    out[7] = hypot(value, 3.0);
}

extern "C" __global__ void fast_functions(const float *x, float *results, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float value = x[i];
    float *out = results + i * FAST;
    out[0] = __expf(value);
    out[1] = __logf(fabsf(value) + 2.0f);
    out[2] = __sinf(value * 0.3f);
    out[3] = __cosf(value * 0.3f);
    out[4] = __fdividef(value, 3.0f + fabsf(value));
}

int main() {
    const int n = 320;
    Random random(24);
    std::vector<float> x(n);
    std::vector<double> wide(n);
    for (int i = 0; i < n; ++i) {
        x[i] = random.unit() * 8.0f;
        wide[i] = static_cast<double>(x[i]) + static_cast<double>(random.unit()) * 1e-8;
    }
    std::vector<double> want_float(n * FLOATS), want_double(n * DOUBLES), want_fast(n * FAST);
    for (int i = 0; i < n; ++i) {
        const double v = x[i];
        const float f = x[i];
        double *out = &want_float[i * FLOATS];
        out[0] = std::exp(v);
        out[1] = std::log(static_cast<double>(std::fabs(f) + 0.1f));
        out[2] = std::sin(v);
        out[3] = std::cos(static_cast<double>(f * 1000.0f));
        out[4] = std::tanh(v);
        out[5] = std::pow(static_cast<double>(std::fabs(f) + 0.5f), static_cast<double>(1.7f));
        out[6] = std::erf(v);
        out[7] = std::atan2(v, static_cast<double>(1.5f - f));
        out[8] = std::cbrt(v);
        out[9] = std::log1p(std::fabs(v));
        out[10] = std::fmod(static_cast<double>(f * 50.0f), static_cast<double>(0.7f));
        out[11] = 1.0 / (1.0 + std::exp(-v));
        const double w = wide[i];
        out = &want_double[i * DOUBLES];
        out[0] = std::exp(w);
        out[1] = std::log(std::fabs(w) + 0.1);
        out[2] = std::sin(w * 100.0);
        out[3] = std::cos(w);
        out[4] = std::tanh(w);
        out[5] = std::pow(std::fabs(w) + 0.5, 2.3);
        out[6] = std::atan(w);
        out[7] = std::hypot(w, 3.0);
        out = &want_fast[i * FAST];
        out[0] = std::exp(v);
        out[1] = std::log(static_cast<double>(std::fabs(f) + 2.0f));
        out[2] = std::sin(static_cast<double>(f * 0.3f));
        out[3] = std::cos(static_cast<double>(f * 0.3f));
        out[4] = v / static_cast<double>(3.0f + std::fabs(f));
    }

    DeviceArray<float> device_x(x), floats(n * FLOATS), fast(n * FAST);
    DeviceArray<double> device_wide(wide), doubles(n * DOUBLES);
    float_functions<<<blocks_for(n, 64), 64>>>(device_x.get(), floats.get(), n);
    CHECK_LAUNCH();
    double_functions<<<blocks_for(n, 64), 64>>>(device_wide.get(), doubles.get(), n);
    CHECK_LAUNCH();
    fast_functions<<<blocks_for(n, 64), 64>>>(device_x.get(), fast.get(), n);
    CHECK_LAUNCH();

    const std::vector<float> got_float = floats.download(), got_fast = fast.download();
    const bool passed =
        // powf has the widest documented float bound here, 4 ulp; 9 ulp are 2^-20.
        close("floats", std::vector<double>(got_float.begin(), got_float.end()), want_float, 9.5e-7, 1e-7) &&
        close("doubles", doubles.download(), want_double, 1e-15, 1e-15) &&
        // __sinf and __cosf: 2^-21.4 absolute in [-pi, pi]; __expf: 2 + floor(1.173 |x|) ulp, 12 for |x| <= 8.
        close("fast", std::vector<double>(got_fast.begin(), got_fast.end()), want_fast, 1.5e-6, 5e-7);
    return finish("transcendental", passed);
}
