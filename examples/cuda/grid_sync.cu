// A cooperative grid: CTAs pass numbers around in rounds, with the whole grid waiting between them, through
// cooperative groups; and a launch that is not cooperative is told so.

#include <cooperative_groups.h>

#include "check.cuh"

namespace cg = cooperative_groups;

// Each round replaces an element by the sum of itself and its neighbour to the right, as it was before.
extern "C" __global__ void rotate_and_add(unsigned *from, unsigned *to, int n, int rounds) {
    cg::grid_group grid = cg::this_grid();
    const int i = static_cast<int>(grid.thread_rank());
    for (int round = 0; round < rounds; ++round) {
        if (i < n) to[i] = from[i] + from[(i + 1) % n];
        grid.sync();
        unsigned *other = from;
        from = to;
        to = other;
    }
}

extern "C" __global__ void is_cooperative(unsigned *answer) {
    if (threadIdx.x == 0) *answer = cg::this_grid().is_valid() ? 1 : 0;
}

int main() {
    const int blocks = 4, threads = 96, n = blocks * threads - 5, rounds = 7;
    std::vector<unsigned> start(n), want;
    Random random(23);
    for (unsigned &value : start) value = static_cast<unsigned>(random.below(1000));
    want = start;
    for (int round = 0; round < rounds; ++round) {
        std::vector<unsigned> next(n);
        for (int i = 0; i < n; ++i) next[i] = want[i] + want[(i + 1) % n];
        want = next;
    }
    DeviceArray<unsigned> first(start), second(n), answer(1);
    unsigned *from = first.get(), *to = second.get(), *told = answer.get();
    int count = n, turns = rounds;
    void *parameters[] = {&from, &to, &count, &turns};
    CUDA_CHECK(cudaLaunchCooperativeKernel(reinterpret_cast<void *>(rotate_and_add), blocks, threads, parameters, 0, 0));
    CUDA_CHECK(cudaDeviceSynchronize());
    bool passed = same("sums", second.download(), want);

    is_cooperative<<<1, 32>>>(told);
    CHECK_LAUNCH();
    passed &= same("not cooperative", answer.download(), std::vector<unsigned>{0});
    void *one[] = {&told};
    CUDA_CHECK(cudaLaunchCooperativeKernel(reinterpret_cast<void *>(is_cooperative), 1, 32, one, 0, 0));
    passed &= same("cooperative", answer.download(), std::vector<unsigned>{1});
    return finish("grid_sync", passed);
}
