// SIMD intrinsics on the bytes and halves of a 32-bit word: saturating sums, absolute differences,
// averages, comparisons and selections.

#include "check.cuh"

constexpr int RESULTS = 8;

extern "C" __global__ void video_intrinsics(const unsigned *a, const unsigned *b, unsigned *results, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const unsigned x = a[i], y = b[i];
    unsigned *out = results + i * RESULTS;
    out[0] = __vaddus4(x, y);
    out[1] = __vabsdiffu4(x, y);
    out[2] = __vsadu4(x, y);
    out[3] = __vavgu4(x, y);
    out[4] = __vcmpgtu4(x, y);
    out[5] = __vmaxs2(x, y);
    out[6] = __vsub2(x, y);
    out[7] = __vsubss4(x, y);
}

template <class Lane, class Operation>
static unsigned lanewise(unsigned x, unsigned y, Operation operation) {
    unsigned result = 0;
    for (unsigned lane = 0; lane < 4 / sizeof(Lane); ++lane) {
        const unsigned shift = 8 * sizeof(Lane) * lane, mask = (1u << 8 * sizeof(Lane)) - 1;
        const int left = static_cast<Lane>(x >> shift), right = static_cast<Lane>(y >> shift);
        result |= (static_cast<unsigned>(operation(left, right)) & mask) << shift;
    }
    return result;
}

static void expected(unsigned x, unsigned y, unsigned *out) {
    using Byte = unsigned char;
    out[0] = lanewise<Byte>(x, y, [](int l, int r) { return l + r > 255 ? 255 : l + r; });
    out[1] = lanewise<Byte>(x, y, [](int l, int r) { return std::abs(l - r); });
    out[2] = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) out[2] += out[1] >> shift & 0xffu;
    out[3] = lanewise<Byte>(x, y, [](int l, int r) { return (l + r + 1) / 2; });
    out[4] = lanewise<Byte>(x, y, [](int l, int r) { return l > r ? 255 : 0; });
    out[5] = lanewise<short>(x, y, [](int l, int r) { return l > r ? l : r; });
    out[6] = lanewise<short>(x, y, [](int l, int r) { return l - r; });
    out[7] = lanewise<signed char>(x, y, [](int l, int r) { return l - r > 127 ? 127 : l - r < -128 ? -128 : l - r; });
}

int main() {
    const int n = 300;
    Random random(28);
    std::vector<unsigned> a(n), b(n), want(n * RESULTS);
    for (int i = 0; i < n; ++i) {
        a[i] = random.bits();
        b[i] = i % 4 == 0 ? a[i] ^ (random.bits() & 0x01800180u) : random.bits();
        expected(a[i], b[i], &want[i * RESULTS]);
    }

    DeviceArray<unsigned> device_a(a), device_b(b), results(n * RESULTS);
    video_intrinsics<<<blocks_for(n, 64), 64>>>(device_a.get(), device_b.get(), results.get(), n);
    CHECK_LAUNCH();

    return finish("video_intrinsics", same("results", results.download(), want));
}
