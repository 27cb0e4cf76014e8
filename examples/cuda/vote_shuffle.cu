// Warp votes and shuffles: ballot, any, all; shuffle up, down, xor and indexed; sub-warp widths; masks
// that name a part of the warp; 64-bit and float values; a last warp with few threads.

#include "check.cuh"

constexpr unsigned FULL_MASK = 0xffffffffu;
constexpr int RESULTS = 12;

extern "C" __global__ void vote_shuffle(const int *values, int *results) {
    const int thread = threadIdx.x;
    const int lane = thread % 32;
    const int value = values[thread];
    int *out = results + thread * RESULTS;
    out[0] = static_cast<int>(__ballot_sync(FULL_MASK, value % 3 == 0));
    out[1] = __any_sync(FULL_MASK, value == 1000);
    out[2] = __all_sync(FULL_MASK, value < 900);
    out[3] = __shfl_up_sync(FULL_MASK, value, 3);
    out[4] = __shfl_down_sync(FULL_MASK, value, 5);
    out[5] = __shfl_xor_sync(FULL_MASK, value, 9);
    out[6] = __shfl_sync(FULL_MASK, value, (lane * 7 + 3) % 32);
    out[7] = __shfl_sync(FULL_MASK, value, lane + 1, 8);
    out[8] = __shfl_down_sync(FULL_MASK, value, 2, 16);
    out[9] = __double2int_rn(__shfl_xor_sync(FULL_MASK, static_cast<double>(value) * 2.0, 1));
    // Lanes 0-11 and 12-31 take different branches, each with its own mask.
    if (lane < 12) {
        out[10] = __shfl_sync(0x00000fffu, value, 11 - lane);
        out[11] = static_cast<int>(__ballot_sync(0x00000fffu, value & 1));
    } else {
        out[10] = __shfl_up_sync(0xfffff000u, value, 1);
        out[11] = static_cast<int>(__ballot_sync(0xfffff000u, value & 2));
    }
}

// 20 threads: the warp is partial, so the mask names the present lanes only.
extern "C" __global__ void partial_warp(const int *values, int *results) {
    const unsigned mask = __activemask();
    const int value = values[threadIdx.x];
    results[threadIdx.x * 3] = static_cast<int>(mask);
    results[threadIdx.x * 3 + 1] = static_cast<int>(__ballot_sync(mask, value & 1));
    results[threadIdx.x * 3 + 2] = __shfl_sync(mask, value, 19 - static_cast<int>(threadIdx.x));
}

// __match_any_sync, __syncwarp and the warp-wide reductions of compute capability 8.0.
extern "C" __global__ void match_and_reduce(const int *values, int *results) {
    __shared__ int exchange[32];
    const int lane = threadIdx.x;
    const int value = values[lane];
    exchange[lane] = value;
    __syncwarp();
    int *out = results + lane * 5;
    out[0] = static_cast<int>(__match_any_sync(FULL_MASK, value % 4));
    out[1] = __reduce_add_sync(FULL_MASK, value);
    out[2] = __reduce_max_sync(FULL_MASK, value - 500);
    out[3] = static_cast<int>(__reduce_xor_sync(FULL_MASK, static_cast<unsigned>(value)));
    out[4] = exchange[31 - lane];
}

// The source lane of a shuffle with `width`; a lane outside the segment gets its own value.
static int shuffled(const std::vector<int> &values, int warp, int lane, int source, int width) {
    const int segment = lane / width * width;
    const bool inside = source >= segment && source < segment + width;
    return values[warp * 32 + (inside ? source : lane)];
}

int main() {
    const int threads = 96;
    Random random(16);
    std::vector<int> values(threads);
    for (int &value : values) value = static_cast<int>(random.below(1000));
    for (int lane = 32; lane < 64; ++lane) values[lane] %= 900; // one warp where all() holds
    values[70] = 1000;                                          // one warp where any() holds

    std::vector<int> want(threads * RESULTS);
    for (int thread = 0; thread < threads; ++thread) {
        const int warp = thread / 32, lane = thread % 32;
        const int *warp_values = &values[warp * 32];
        unsigned thirds = 0, odd = 0, twos = 0;
        bool any = false, all = true;
        for (int i = 0; i < 32; ++i) {
            thirds |= static_cast<unsigned>(warp_values[i] % 3 == 0) << i;
            if (i < 12) odd |= static_cast<unsigned>(warp_values[i] & 1) << i;
            if (i >= 12) twos |= static_cast<unsigned>((warp_values[i] & 2) != 0) << i;
            any |= warp_values[i] == 1000;
            all &= warp_values[i] < 900;
        }
        int *out = &want[thread * RESULTS];
        out[0] = static_cast<int>(thirds);
        out[1] = any;
        out[2] = all;
        out[3] = shuffled(values, warp, lane, lane - 3, 32);
        out[4] = shuffled(values, warp, lane, lane + 5, 32);
        out[5] = warp_values[lane ^ 9];
        out[6] = warp_values[(lane * 7 + 3) % 32];
        out[7] = warp_values[lane / 8 * 8 + (lane + 1) % 8];
        out[8] = shuffled(values, warp, lane, lane + 2, 16);
        out[9] = warp_values[lane ^ 1] * 2;
        out[10] = lane < 12 ? warp_values[11 - lane] : warp_values[lane == 12 ? 12 : lane - 1];
        out[11] = static_cast<int>(lane < 12 ? odd : twos);
    }
    // Lane 12 would read lane 11, which its mask does not name; CUDA leaves that value undefined, so it
    // is not compared.
    DeviceArray<int> device_values(values), results(threads * RESULTS);
    vote_shuffle<<<1, threads>>>(device_values.get(), results.get());
    CHECK_LAUNCH();
    std::vector<int> got = results.download();
    for (int warp = 0; warp < 3; ++warp) {
        const int index = (warp * 32 + 12) * RESULTS + 10;
        got[index] = want[index];
    }

    const int present = 20;
    std::vector<int> want_partial(present * 3);
    unsigned odd = 0;
    for (int i = 0; i < present; ++i) odd |= static_cast<unsigned>(values[i] & 1) << i;
    for (int i = 0; i < present; ++i) {
        want_partial[i * 3] = 0x000fffff;
        want_partial[i * 3 + 1] = static_cast<int>(odd);
        want_partial[i * 3 + 2] = values[19 - i];
    }
    DeviceArray<int> partial(present * 3);
    partial_warp<<<1, present>>>(device_values.get(), partial.get());
    CHECK_LAUNCH();

    std::vector<int> want_matched(32 * 5);
    int sum = 0, maximum = INT32_MIN;
    unsigned parity = 0;
    for (int i = 0; i < 32; ++i) {
        sum += values[i];
        maximum = values[i] - 500 > maximum ? values[i] - 500 : maximum;
        parity ^= static_cast<unsigned>(values[i]);
    }
    for (int lane = 0; lane < 32; ++lane) {
        unsigned equal = 0;
        for (int i = 0; i < 32; ++i) equal |= static_cast<unsigned>(values[i] % 4 == values[lane] % 4) << i;
        int *out = &want_matched[lane * 5];
        out[0] = static_cast<int>(equal);
        out[1] = sum;
        out[2] = maximum;
        out[3] = static_cast<int>(parity);
        out[4] = values[31 - lane];
    }
    DeviceArray<int> matched(32 * 5);
    match_and_reduce<<<1, 32>>>(device_values.get(), matched.get());
    CHECK_LAUNCH();

    const bool passed = same("results", got, want) && same("partial", partial.download(), want_partial) &&
                        same("matched", matched.download(), want_matched);
    return finish("vote_shuffle", passed);
}
