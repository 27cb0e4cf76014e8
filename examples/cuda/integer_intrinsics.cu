// Integer instructions that C++ operators do not reach directly: bit counts and reversals, byte
// permutation, high halves of products, funnel shifts, packed dot products, distances, and shifts by the
// full width.

#include "check.cuh"

constexpr int RESULTS = 19;

extern "C" __global__ void integer_intrinsics(const unsigned *a, const unsigned *b, const unsigned *c, unsigned *results, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const unsigned x = a[i], y = b[i], z = c[i];
    const unsigned long long wide = (static_cast<unsigned long long>(x) << 32) | y;
    unsigned *out = results + i * RESULTS;
    out[0] = __popc(x);
    out[1] = __clz(static_cast<int>(x));
    out[2] = __ffs(static_cast<int>(x));
    out[3] = __brev(x);
    out[4] = __byte_perm(x, y, z & 0x7777u);
    out[5] = __umulhi(x, y);
    out[6] = static_cast<unsigned>(__mulhi(static_cast<int>(x), static_cast<int>(y)));
    out[7] = __funnelshift_l(x, y, z);
    out[8] = __funnelshift_rc(x, y, z & 63u);
    out[9] = static_cast<unsigned>(__dp4a(static_cast<int>(x), static_cast<int>(y), static_cast<int>(z)));
    out[10] = __dp4a(x, y, z);
    out[11] = __sad(static_cast<int>(x), static_cast<int>(y), z);
    out[12] = __popcll(wide);
    out[13] = __clzll(static_cast<long long>(wide & (~0ull >> (z % 64u))));
    out[14] = static_cast<unsigned>(__brevll(wide) >> 16);
    out[15] = static_cast<unsigned>(__umul64hi(wide, wide ^ 0x123456789abcdefull));
    out[16] = __rhadd(static_cast<int>(x), static_cast<int>(y));
    out[17] = static_cast<unsigned>(wide % (z | 1u)) ^ static_cast<unsigned>(static_cast<int>(x) / static_cast<int>(z | 1u));
    out[18] = static_cast<unsigned>(static_cast<long long>(wide) >> (z % 64u));
}

static unsigned byte_of(unsigned word, int index) { return (word >> (8 * index)) & 0xffu; }

static void expected(unsigned x, unsigned y, unsigned z, unsigned *out) {
    const unsigned long long wide = (static_cast<unsigned long long>(x) << 32) | y;
    const unsigned __int128 product = static_cast<unsigned __int128>(wide) * (wide ^ 0x123456789abcdefull);
    const unsigned long long pair = (static_cast<unsigned long long>(y) << 32) | x;
    out[0] = __builtin_popcount(x);
    out[1] = x == 0 ? 32 : __builtin_clz(x);
    out[2] = __builtin_ffs(static_cast<int>(x));
    out[3] = 0;
    for (int bit = 0; bit < 32; ++bit) out[3] |= (x >> bit & 1u) << (31 - bit);
    out[4] = 0;
    for (int k = 0; k < 4; ++k) {
        const unsigned selector = z >> (4 * k) & 7u;
        out[4] |= (selector < 4 ? byte_of(x, selector) : byte_of(y, selector - 4)) << (8 * k);
    }
    out[5] = static_cast<unsigned>(static_cast<unsigned long long>(x) * y >> 32);
    out[6] = static_cast<unsigned>(static_cast<long long>(static_cast<int>(x)) * static_cast<int>(y) >> 32);
    out[7] = static_cast<unsigned>(pair << (z & 31u) >> 32);
    const unsigned clamped = (z & 63u) > 32 ? 32 : z & 63u;
    out[8] = static_cast<unsigned>(pair >> clamped);
    out[9] = z;
    out[10] = z;
    for (int k = 0; k < 4; ++k) {
        out[9] += static_cast<unsigned>(static_cast<signed char>(byte_of(x, k)) * static_cast<signed char>(byte_of(y, k)));
        out[10] += byte_of(x, k) * byte_of(y, k);
    }
    const long long difference = static_cast<long long>(static_cast<int>(x)) - static_cast<int>(y);
    out[11] = z + static_cast<unsigned>(difference < 0 ? -difference : difference);
    out[12] = __builtin_popcountll(wide);
    const unsigned long long masked = wide & (~0ull >> (z % 64u));
    out[13] = masked == 0 ? 64 : __builtin_clzll(masked);
    unsigned long long reversed = 0;
    for (int bit = 0; bit < 64; ++bit) reversed |= (wide >> bit & 1ull) << (63 - bit);
    out[14] = static_cast<unsigned>(reversed >> 16);
    out[15] = static_cast<unsigned>(product >> 64);
    out[16] = static_cast<unsigned>((static_cast<long long>(static_cast<int>(x)) + static_cast<int>(y) + 1) >> 1);
    out[17] = static_cast<unsigned>(wide % (z | 1u)) ^ static_cast<unsigned>(static_cast<int>(x) / static_cast<int>(z | 1u));
    out[18] = static_cast<unsigned>(static_cast<long long>(wide) >> (z % 64u));
}

int main() {
    const int n = 400;
    Random random(23);
    std::vector<unsigned> a(n), b(n), c(n), want(n * RESULTS);
    for (int i = 0; i < n; ++i) {
        a[i] = random.bits() >> (i % 3 == 0 ? random.below(32) : 0);
        b[i] = random.bits();
        c[i] = random.bits() >> random.below(31);
    }
    a[0] = 0, b[0] = 0, c[0] = 0;
    a[1] = 0x80000000u, b[1] = 0xffffffffu, c[1] = 32;
    a[2] = 0xffffffffu, b[2] = 0x80000000u, c[2] = 63;
    for (int i = 0; i < n; ++i) expected(a[i], b[i], c[i], &want[i * RESULTS]);

    DeviceArray<unsigned> device_a(a), device_b(b), device_c(c), results(n * RESULTS);
    integer_intrinsics<<<blocks_for(n, 128), 128>>>(device_a.get(), device_b.get(), device_c.get(), results.get(), n);
    CHECK_LAUNCH();

    return finish("integer_intrinsics", same("results", results.download(), want));
}
