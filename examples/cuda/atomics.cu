// Atomic read-modify-write operations of 32 and 64 bits on global and shared memory. Every operation
// here gives a result that does not depend on the order of the threads.

#include "check.cuh"

#include <algorithm>

struct Words {
    unsigned add, minimum, maximum, conjunction, disjunction, parity, wrapped_up, wrapped_down;
    int signed_minimum, signed_maximum, subtracted;
    float float_sum;
    unsigned cas_sum;
    unsigned padding;
    unsigned long long add64, minimum64, maximum64, conjunction64, disjunction64, parity64, cas_maximum64;
    long long signed_minimum64, signed_maximum64;
    double double_sum;
};

__device__ void update_words(Words *words, unsigned value) {
    const unsigned long long wide = (static_cast<unsigned long long>(value) << 32) | ~value;
    atomicAdd(&words->add, value);
    atomicMin(&words->minimum, value);
    atomicMax(&words->maximum, value);
    atomicAnd(&words->conjunction, value | 0xffu);
    atomicOr(&words->disjunction, value & 0xf0f0f0f0u);
    atomicXor(&words->parity, value);
    atomicInc(&words->wrapped_up, 6u);
    atomicDec(&words->wrapped_down, 9u);
    atomicMin(&words->signed_minimum, static_cast<int>(value));
    atomicMax(&words->signed_maximum, static_cast<int>(value));
    atomicSub(&words->subtracted, static_cast<int>(value % 100));
    atomicAdd(&words->float_sum, static_cast<float>(value % 64));
    atomicAdd(&words->add64, wide);
    atomicMin(&words->minimum64, wide);
    atomicMax(&words->maximum64, wide);
    atomicAnd(&words->conjunction64, wide | 0xff000000ffull);
    atomicOr(&words->disjunction64, wide & 0x0f0f0f0f0f0f0f0full);
    atomicXor(&words->parity64, wide);
    atomicMin(&words->signed_minimum64, static_cast<long long>(wide));
    atomicMax(&words->signed_maximum64, static_cast<long long>(wide));
    atomicAdd(&words->double_sum, static_cast<double>(value % 1024) * 0.25);

    // Addition and maximum built from compare-and-swap: lanes of a warp contend in a loop.
    unsigned seen = words->cas_sum, assumed;
    do {
        assumed = seen;
        seen = atomicCAS(&words->cas_sum, assumed, assumed + value % 7);
    } while (seen != assumed);
    unsigned long long seen64 = words->cas_maximum64;
    while (seen64 < wide) {
        const unsigned long long before = atomicCAS(&words->cas_maximum64, seen64, wide);
        if (before == seen64) break;
        seen64 = before;
    }
}

extern "C" __global__ void atomics_global(Words *words, const unsigned *values, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) update_words(words, values[i]);
}

extern "C" __global__ void atomics_shared(Words *words, const unsigned *values, int n) {
    __shared__ Words local;
    if (threadIdx.x == 0) local = *words;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) update_words(&local, values[i]);
    __syncthreads();
    if (threadIdx.x == 0) *words = local;
}

// Returned values: each ticket is given once, and the chain of exchanges loses no value.
extern "C" __global__ void atomics_returned(unsigned *counter, unsigned *tickets, unsigned *slot, unsigned *exchanged) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    tickets[i] = atomicAdd(counter, 1u);
    exchanged[i] = atomicExch(slot, i + 1);
}

static Words initial_words() {
    Words words = {};
    words.minimum = 0xffffffffu;
    words.conjunction = 0xffffffffu;
    words.signed_minimum = INT32_MAX;
    words.signed_maximum = INT32_MIN;
    words.minimum64 = UINT64_MAX;
    words.conjunction64 = UINT64_MAX;
    words.signed_minimum64 = INT64_MAX;
    words.signed_maximum64 = INT64_MIN;
    return words;
}

static Words expected_words(const std::vector<unsigned> &values) {
    Words words = initial_words();
    for (const unsigned value : values) {
        const unsigned long long wide = (static_cast<unsigned long long>(value) << 32) | ~value;
        words.add += value;
        words.minimum = std::min(words.minimum, value);
        words.maximum = std::max(words.maximum, value);
        words.conjunction &= value | 0xffu;
        words.disjunction |= value & 0xf0f0f0f0u;
        words.parity ^= value;
        words.wrapped_up = words.wrapped_up >= 6 ? 0 : words.wrapped_up + 1;
        words.wrapped_down = words.wrapped_down == 0 || words.wrapped_down > 9 ? 9 : words.wrapped_down - 1;
        words.signed_minimum = std::min(words.signed_minimum, static_cast<int>(value));
        words.signed_maximum = std::max(words.signed_maximum, static_cast<int>(value));
        words.subtracted -= static_cast<int>(value % 100);
        words.float_sum += static_cast<float>(value % 64);
        words.cas_sum += value % 7;
        words.add64 += wide;
        words.minimum64 = std::min(words.minimum64, wide);
        words.maximum64 = std::max(words.maximum64, wide);
        words.conjunction64 &= wide | 0xff000000ffull;
        words.disjunction64 |= wide & 0x0f0f0f0f0f0f0f0full;
        words.parity64 ^= wide;
        words.cas_maximum64 = std::max(words.cas_maximum64, wide);
        words.signed_minimum64 = std::min(words.signed_minimum64, static_cast<long long>(wide));
        words.signed_maximum64 = std::max(words.signed_maximum64, static_cast<long long>(wide));
        words.double_sum += static_cast<double>(value % 1024) * 0.25;
    }
    return words;
}

// Compares word by word, so that a mismatch names its place in the structure.
static bool same_words(const char *array, const Words &got, const Words &want) {
    std::vector<std::uint64_t> got_words(sizeof(Words) / 8), want_words(sizeof(Words) / 8);
    std::memcpy(got_words.data(), &got, sizeof(Words));
    std::memcpy(want_words.data(), &want, sizeof(Words));
    return same(array, got_words, want_words);
}

int main() {
    const int n = 500;
    Random random(15);
    std::vector<unsigned> values(n);
    for (unsigned &value : values) value = random.bits();
    const Words want = expected_words(values);

    DeviceArray<unsigned> device_values(values);
    DeviceArray<Words> global(std::vector<Words>{initial_words()}), shared(std::vector<Words>{initial_words()});
    atomics_global<<<blocks_for(n, 96), 96>>>(global.get(), device_values.get(), n);
    CHECK_LAUNCH();
    atomics_shared<<<1, 128>>>(shared.get(), device_values.get(), n);
    CHECK_LAUNCH();

    const unsigned threads = 256;
    DeviceArray<unsigned> counter(std::vector<unsigned>{0}), slot(std::vector<unsigned>{0}), tickets(threads), exchanged(threads);
    atomics_returned<<<4, threads / 4>>>(counter.get(), tickets.get(), slot.get(), exchanged.get());
    CHECK_LAUNCH();
    std::vector<unsigned> got_tickets = tickets.download(), chain = exchanged.download(), want_tickets(threads), want_chain(threads + 1);
    chain.push_back(slot.download()[0]);
    std::sort(got_tickets.begin(), got_tickets.end());
    std::sort(chain.begin(), chain.end());
    for (unsigned i = 0; i < threads; ++i) want_tickets[i] = i;
    for (unsigned i = 0; i <= threads; ++i) want_chain[i] = i;

    const bool passed = same_words("global", global.download()[0], want) &&
                        same_words("shared", shared.download()[0], want) &&
                        same("tickets", got_tickets, want_tickets) && same("chain", chain, want_chain);
    return finish("atomics", passed);
}
