// Arrays that live in a thread's local memory because they are indexed by values known only at run
// time: an insertion sort, a byte table, and an array of structures walked through a pointer.

#include "check.cuh"

constexpr int LENGTH = 24;

struct Entry {
    short key;
    int next;
    double weight;
};

__host__ __device__ inline void sort_window(const int *input, int *output, int first, int n) {
    int window[LENGTH];
    for (int i = 0; i < LENGTH; ++i) window[i] = input[(first + i) % n];
    for (int i = 1; i < LENGTH; ++i) {
        const int value = window[i];
        int place = i;
        while (place > 0 && window[place - 1] > value) {
            window[place] = window[place - 1];
            --place;
        }
        window[place] = value;
    }
    output[0] = window[0];
    output[1] = window[LENGTH / 2];
    output[2] = window[(first * 7) % LENGTH];
}

__host__ __device__ inline int count_bytes(unsigned value) {
    unsigned char counts[16] = {};
    for (int round = 0; round < 40; ++round) {
        value = value * 1664525u + 1013904223u;
        ++counts[value >> 28];
    }
    int result = 0;
    for (int i = 0; i < 16; ++i) result = result * 3 + counts[i];
    return result;
}

__host__ __device__ inline double walk_list(int seed) {
    Entry entries[10];
    for (int i = 0; i < 10; ++i) {
        entries[i].key = static_cast<short>(seed * (i + 1));
        entries[i].next = (i * 7 + seed) % 10;
        entries[i].weight = i * 0.5;
    }
    double sum = 0.0;
    const Entry *entry = &entries[seed % 10];
    for (int step = 0; step < 12; ++step) {
        sum += entry->weight + entry->key;
        entry = &entries[entry->next];
    }
    return sum;
}

extern "C" __global__ void local_arrays(const int *input, int *windows, int *counts, double *sums, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    sort_window(input, &windows[3 * i], i, n);
    counts[i] = count_bytes(static_cast<unsigned>(input[i]));
    sums[i] = walk_list(i);
}

int main() {
    const int n = 200;
    Random random(19);
    std::vector<int> input(n), windows(3 * n), counts(n);
    std::vector<double> sums(n);
    for (int &value : input) value = static_cast<int>(random.bits());
    for (int i = 0; i < n; ++i) {
        sort_window(input.data(), &windows[3 * i], i, n);
        counts[i] = count_bytes(static_cast<unsigned>(input[i]));
        sums[i] = walk_list(i);
    }

    DeviceArray<int> device_input(input), device_windows(3 * n), device_counts(n);
    DeviceArray<double> device_sums(n);
    local_arrays<<<blocks_for(n, 64), 64>>>(device_input.get(), device_windows.get(), device_counts.get(), device_sums.get(), n);
    CHECK_LAUNCH();

    const bool passed = same("windows", device_windows.download(), windows) &&
                        same("counts", device_counts.download(), counts) && same("sums", device_sums.download(), sums);
    return finish("local_arrays", passed);
}
