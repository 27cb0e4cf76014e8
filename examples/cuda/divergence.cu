// Control flow that differs between the lanes of a warp: nested loops with break and continue, an early
// return, a switch with fall-through, a short-circuit condition, and a loop entered in the middle.

#include "check.cuh"

__host__ __device__ inline int nested_loops(int seed) {
    int result = 0;
    for (int i = 0; i < seed % 11; ++i) {
        if ((i + seed) % 3 == 0) continue;
        int inner = seed;
        while (true) {
            inner = inner % 2 == 0 ? inner / 2 : 3 * inner + 1;
            ++result;
            if (inner <= 1) break;
            if (result % 17 == 16) goto next;
            if (result > 200) return -result;
        }
        result += 1000;
    next:
        result += i;
    }
    return result;
}

__host__ __device__ inline int switch_with_fall_through(int value) {
    int result = 1;
    switch (value % 8) {
    case 0:
        return 7;
    case 1:
        result *= 3;
    case 2:
        result += 5;
        break;
    case 3:
        result = -value;
    case 5:
        result ^= 0x55;
    case 6:
        result *= 9;
        break;
    default:
        for (int i = 0; i < value % 5; ++i) result = result * 31 + i;
    }
    return result + value;
}

// Duff's device: the switch jumps into the body of the loop.
__host__ __device__ inline int loop_entered_in_the_middle(int count) {
    int sum = 0;
    if (count <= 0) return -1;
    int rounds = (count + 3) / 4;
    switch (count % 4) {
    case 0:
        do {
            sum = sum * 2 + 1;
    case 3:
            sum = sum * 3 + 2;
    case 2:
            sum = sum * 5 + 3;
    case 1:
            sum = sum * 7 + 4;
        } while (--rounds > 0);
    }
    return sum;
}

__host__ __device__ inline int short_circuit(const int *values, int n, int i) {
    int probes = 0;
    while (i < n && (++probes, values[i] != 0) && (values[i] % 7 != 3 || probes > 4)) i += 1 + values[i] % 2;
    return i * 100 + probes;
}

extern "C" __global__ void divergent_paths(const int *values, int *nested, int *switched, int *duff, int *probes, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int value = values[i];
    nested[i] = nested_loops(value);
    switched[i] = switch_with_fall_through(value);
    duff[i] = loop_entered_in_the_middle(value % 23);
    probes[i] = short_circuit(values, n, i);
}

// Odd and even threads meet at the barrier after different work; the exited ones do not take part.
extern "C" __global__ void diverge_then_meet(int *output, int n) {
    __shared__ int exchange[96];
    const int thread = threadIdx.x;
    int value = thread;
    if (thread % 2 == 1) {
        for (int i = 0; i < thread; ++i) value = (value * 5 + i) & 0xffff;
    } else if (thread % 3 == 0) {
        value = -thread;
    }
    exchange[thread] = value;
    __syncthreads();
    const int partner = exchange[blockDim.x - 1 - thread];
    const int i = blockIdx.x * blockDim.x + thread;
    if (i < n) output[i] = value ^ partner;
}

int main() {
    const int n = 300;
    Random random(14);
    std::vector<int> values(n), want_nested(n), want_switched(n), want_duff(n), want_probes(n);
    for (int &value : values) value = static_cast<int>(random.below(500));
    for (int i = 0; i < n; ++i) {
        want_nested[i] = nested_loops(values[i]);
        want_switched[i] = switch_with_fall_through(values[i]);
        want_duff[i] = loop_entered_in_the_middle(values[i] % 23);
        want_probes[i] = short_circuit(values.data(), n, i);
    }
    const int threads = 96;
    std::vector<int> want_met(2 * threads);
    for (int i = 0; i < 2 * threads; ++i) {
        int pair[2];
        for (int side = 0; side < 2; ++side) {
            const int thread = side == 0 ? i % threads : threads - 1 - i % threads;
            int value = thread;
            if (thread % 2 == 1) {
                for (int k = 0; k < thread; ++k) value = (value * 5 + k) & 0xffff;
            } else if (thread % 3 == 0) {
                value = -thread;
            }
            pair[side] = value;
        }
        want_met[i] = pair[0] ^ pair[1];
    }

    DeviceArray<int> device_values(values), nested(n), switched(n), duff(n), probes(n), met(2 * threads);
    divergent_paths<<<blocks_for(n, 96), 96>>>(device_values.get(), nested.get(), switched.get(), duff.get(),
                                              probes.get(), n);
    CHECK_LAUNCH();
    diverge_then_meet<<<2, threads>>>(met.get(), 2 * threads);
    CHECK_LAUNCH();

    const bool passed = same("nested", nested.download(), want_nested) &&
                        same("switched", switched.download(), want_switched) &&
                        same("duff", duff.download(), want_duff) && same("probes", probes.download(), want_probes) &&
                        same("met", met.download(), want_met);
    return finish("divergence", passed);
}
