// Inclusive prefix sum over several blocks: a scan of each block (shuffles inside a warp, shared memory
// between warps), a scan of the block totals, and an addition of each block's offset.

#include "check.cuh"

constexpr int BLOCK = 256;
constexpr unsigned FULL_MASK = 0xffffffffu;

__device__ int warp_inclusive_scan(int value) {
    const int lane = threadIdx.x % 32;
    for (int offset = 1; offset < 32; offset *= 2) {
        const int left = __shfl_up_sync(FULL_MASK, value, offset);
        if (lane >= offset) value += left;
    }
    return value;
}

extern "C" __global__ void scan_blocks(const int *input, int *output, int *totals, int n) {
    __shared__ int warp_totals[BLOCK / 32];
    const int i = blockIdx.x * BLOCK + threadIdx.x;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int value = warp_inclusive_scan(i < n ? input[i] : 0);
    if (lane == 31) warp_totals[warp] = value;
    __syncthreads();
    if (warp == 0) {
        const int scanned = warp_inclusive_scan(lane < BLOCK / 32 ? warp_totals[lane] : 0);
        if (lane < BLOCK / 32) warp_totals[lane] = scanned;
    }
    __syncthreads();
    if (warp > 0) value += warp_totals[warp - 1];
    if (i < n) output[i] = value;
    if (threadIdx.x == BLOCK - 1 && totals != nullptr) totals[blockIdx.x] = value;
}

extern "C" __global__ void add_offsets(int *output, const int *scanned_totals, int n) {
    const int i = blockIdx.x * BLOCK + threadIdx.x;
    if (blockIdx.x > 0 && i < n) output[i] += scanned_totals[blockIdx.x - 1];
}

int main() {
    const int n = 20'011;
    const unsigned blocks = blocks_for(n, BLOCK);
    static_assert((n + BLOCK - 1) / BLOCK <= BLOCK, "the totals must fit in one block");
    Random random(5);
    std::vector<int> input(n), want(n);
    int sum = 0;
    for (int i = 0; i < n; ++i) {
        input[i] = static_cast<int>(random.below(2001)) - 1000;
        sum += input[i];
        want[i] = sum;
    }

    DeviceArray<int> device_input(input), output(n), totals(blocks), scanned_totals(blocks);
    scan_blocks<<<blocks, BLOCK>>>(device_input.get(), output.get(), totals.get(), n);
    CHECK_LAUNCH();
    scan_blocks<<<1, BLOCK>>>(totals.get(), scanned_totals.get(), nullptr, static_cast<int>(blocks));
    CHECK_LAUNCH();
    add_offsets<<<blocks, BLOCK>>>(output.get(), scanned_totals.get(), n);
    CHECK_LAUNCH();

    return finish("prefix_sum", same("output", output.download(), want));
}
