// Conversions between integer widths, float and double, with each rounding mode, saturation at the ends
// of the integer ranges, and reinterpretation of bits.

#include "check.cuh"

extern "C" __global__ void float_to_integer(const float *input, int *nearest, int *down, int *up, int *zero,
                                            unsigned *unsigned_zero, long long *wide, unsigned char *narrow, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    nearest[i] = __float2int_rn(input[i]);
    down[i] = __float2int_rd(input[i]);
    up[i] = __float2int_ru(input[i]);
    zero[i] = __float2int_rz(input[i]);
    unsigned_zero[i] = __float2uint_rz(input[i]);
    wide[i] = __float2ll_rn(input[i]);
    narrow[i] = static_cast<unsigned char>(static_cast<int>(fminf(fmaxf(input[i], 0.0f), 255.0f)));
}

extern "C" __global__ void integer_to_float(const int *input, float *from_signed, float *from_unsigned, float *toward_zero,
                                            double *to_double, float *from_wide, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    from_signed[i] = static_cast<float>(input[i]);
    from_unsigned[i] = static_cast<float>(static_cast<unsigned>(input[i]));
    toward_zero[i] = __int2float_rz(input[i]);
    to_double[i] = static_cast<double>(input[i]) / 3.0;
    from_wide[i] = static_cast<float>(static_cast<long long>(input[i]) * 1'000'003ll);
}

extern "C" __global__ void double_float_bits(const double *input, float *nearest, float *down, int *high_word, int *bits,
                                             long long *rounded, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    nearest[i] = static_cast<float>(input[i]);
    down[i] = __double2float_rd(input[i]);
    high_word[i] = __double2hiint(input[i]);
    bits[i] = __float_as_int(static_cast<float>(input[i]) * 2.0f);
    rounded[i] = __double2ll_rn(input[i]);
}

extern "C" __global__ void integer_widths(const int *input, short *shorts, signed char *bytes, long long *sign_extended,
                                          unsigned long long *zero_extended, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    shorts[i] = static_cast<short>(input[i]);
    bytes[i] = static_cast<signed char>(input[i] >> 3);
    sign_extended[i] = static_cast<long long>(static_cast<short>(input[i])) * 5;
    zero_extended[i] = static_cast<unsigned long long>(static_cast<unsigned char>(input[i])) << 33;
}

// CUDA saturates where C++ leaves the conversion undefined, and turns NaN into 0 (32-bit) or
// the smallest value (64-bit).
template <class To>
static To saturate(double value, To nan_result) {
    if (std::isnan(value)) return nan_result;
    const double low = static_cast<double>(std::is_signed_v<To> ? -std::ldexp(1.0, sizeof(To) * 8 - 1) : 0.0);
    const double high = std::ldexp(1.0, sizeof(To) * 8 - (std::is_signed_v<To> ? 1 : 0));
    if (value < low) return static_cast<To>(low);
    if (value >= high) return std::is_signed_v<To> ? static_cast<To>(~(To{1} << (sizeof(To) * 8 - 1))) : static_cast<To>(~To{0});
    return static_cast<To>(value);
}

static float round_down(double value) {
    const float nearest = static_cast<float>(value);
    return static_cast<double>(nearest) > value ? std::nextafterf(nearest, -INFINITY) : nearest;
}

static float toward_zero(int value) {
    const float nearest = static_cast<float>(value);
    return std::fabs(static_cast<double>(nearest)) > std::fabs(static_cast<double>(value)) ? std::nextafterf(nearest, 0.0f) : nearest;
}

int main() {
    Random random(18);
    std::vector<float> floats = {0.0f, -0.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 1e10f, -1e10f, 3e9f, INFINITY,
                                 -INFINITY, 2147483520.0f, -2147483648.0f, 1e-40f, 254.7f, 300.0f, 1e20f};
    while (floats.size() < 200) floats.push_back(random.unit() * 100'000.0f);
    std::vector<int> ints = {0, 1, -1, INT32_MAX, INT32_MIN, 16777217, -16777219, 33554435, 0x7fffffbf};
    while (ints.size() < 200) ints.push_back(static_cast<int>(random.bits()));
    std::vector<double> doubles = {0.0, -0.0, 1e300, -1e300, 1e-320, 1.0 / 3.0, -1.0 / 3.0, 16777217.0, 0.5, 1.5, INFINITY};
    while (doubles.size() < 200) doubles.push_back(static_cast<double>(random.unit()) * 1e6 + static_cast<double>(random.unit()));
    const int n = 200;

    std::vector<int> nearest(n), down(n), up(n), zero(n), high_word(n), bits(n);
    std::vector<unsigned> unsigned_zero(n);
    std::vector<long long> wide(n), rounded(n), sign_extended(n);
    std::vector<unsigned long long> zero_extended(n);
    std::vector<unsigned char> narrow(n);
    std::vector<float> from_signed(n), from_unsigned(n), to_zero(n), from_wide(n), double_nearest(n), double_down(n);
    std::vector<double> to_double(n);
    std::vector<short> shorts(n);
    std::vector<signed char> bytes(n);
    for (int i = 0; i < n; ++i) {
        nearest[i] = saturate<int>(std::nearbyint(static_cast<double>(floats[i])), 0);
        down[i] = saturate<int>(std::floor(static_cast<double>(floats[i])), 0);
        up[i] = saturate<int>(std::ceil(static_cast<double>(floats[i])), 0);
        zero[i] = saturate<int>(std::trunc(static_cast<double>(floats[i])), 0);
        unsigned_zero[i] = saturate<unsigned>(std::trunc(static_cast<double>(floats[i])), 0);
        wide[i] = saturate<long long>(std::nearbyint(static_cast<double>(floats[i])), INT64_MIN);
        narrow[i] = static_cast<unsigned char>(static_cast<int>(std::fmin(std::fmax(floats[i], 0.0f), 255.0f)));
        from_signed[i] = static_cast<float>(ints[i]);
        from_unsigned[i] = static_cast<float>(static_cast<unsigned>(ints[i]));
        to_zero[i] = toward_zero(ints[i]);
        to_double[i] = static_cast<double>(ints[i]) / 3.0;
        from_wide[i] = static_cast<float>(static_cast<long long>(ints[i]) * 1'000'003ll);
        double_nearest[i] = static_cast<float>(doubles[i]);
        double_down[i] = round_down(doubles[i]);
        std::int64_t pattern;
        std::memcpy(&pattern, &doubles[i], 8);
        high_word[i] = static_cast<int>(pattern >> 32);
        const float doubled = static_cast<float>(doubles[i]) * 2.0f;
        std::memcpy(&bits[i], &doubled, 4);
        rounded[i] = saturate<long long>(std::nearbyint(doubles[i]), INT64_MIN);
        shorts[i] = static_cast<short>(ints[i]);
        bytes[i] = static_cast<signed char>(ints[i] >> 3);
        sign_extended[i] = static_cast<long long>(static_cast<short>(ints[i])) * 5;
        zero_extended[i] = static_cast<unsigned long long>(static_cast<unsigned char>(ints[i])) << 33;
    }

    const unsigned blocks = blocks_for(n, 64);
    DeviceArray<float> device_floats(floats), f1(n), f2(n), f3(n), f4(n), f5(n), f6(n);
    DeviceArray<int> device_ints(ints), i1(n), i2(n), i3(n), i4(n), i5(n), i6(n);
    DeviceArray<double> device_doubles(doubles), d1(n);
    DeviceArray<unsigned> u1(n);
    DeviceArray<long long> l1(n), l2(n), l3(n);
    DeviceArray<unsigned long long> l4(n);
    DeviceArray<unsigned char> c1(n);
    DeviceArray<short> s1(n);
    DeviceArray<signed char> c2(n);
    float_to_integer<<<blocks, 64>>>(device_floats.get(), i1.get(), i2.get(), i3.get(), i4.get(), u1.get(), l1.get(), c1.get(), n);
    CHECK_LAUNCH();
    integer_to_float<<<blocks, 64>>>(device_ints.get(), f1.get(), f2.get(), f3.get(), d1.get(), f4.get(), n);
    CHECK_LAUNCH();
    double_float_bits<<<blocks, 64>>>(device_doubles.get(), f5.get(), f6.get(), i5.get(), i6.get(), l2.get(), n);
    CHECK_LAUNCH();
    integer_widths<<<blocks, 64>>>(device_ints.get(), s1.get(), c2.get(), l3.get(), l4.get(), n);
    CHECK_LAUNCH();

    const bool passed =
        same("nearest", i1.download(), nearest) && same("down", i2.download(), down) && same("up", i3.download(), up) &&
        same("zero", i4.download(), zero) && same("unsigned_zero", u1.download(), unsigned_zero) &&
        same("wide", l1.download(), wide) && same("narrow", c1.download(), narrow) &&
        same("from_signed", f1.download(), from_signed) && same("from_unsigned", f2.download(), from_unsigned) &&
        same("toward_zero", f3.download(), to_zero) && same("to_double", d1.download(), to_double) &&
        same("from_wide", f4.download(), from_wide) && same("double_nearest", f5.download(), double_nearest) &&
        same("double_down", f6.download(), double_down) && same("high_word", i5.download(), high_word) &&
        same("bits", i6.download(), bits) && same("rounded", l2.download(), rounded) &&
        same("shorts", s1.download(), shorts) && same("bytes", c2.download(), bytes) &&
        same("sign_extended", l3.download(), sign_extended) && same("zero_extended", l4.download(), zero_extended);
    return finish("conversions", passed);
}
