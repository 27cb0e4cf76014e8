// printf from the device: integers, floating point, strings, characters, a percent sign and a line that
// only some threads print. One block of one warp, so CUDA keeps the order of lanes within a call.

#include "check.cuh"

extern "C" __global__ void print_values(int *printed) {
    const int lane = threadIdx.x;
    if (lane < 3) {
        printed[lane] = printf("lane %d of %u: %5.2f %s %c 0x%08llx 100%%\n", lane, blockDim.x, lane * 1.5 - 1.0,
                               lane == 1 ? "one" : "other", 'a' + lane, 0x123456789ull * (lane + 1));
    }
    if (lane == 31) printf("no arguments\n");
}

int main() {
    DeviceArray<int> printed(3);
    print_values<<<1, 32>>>(printed.get());
    CHECK_LAUNCH();
    // The return value is the number of arguments.
    return finish("device_printf", same("printed", printed.download(), {6, 6, 6}));
}
