// Calls that stay calls: functions that must not be inlined, recursion, and structures passed and
// returned by value.

#include "check.cuh"

struct Fraction {
    long long numerator;
    int denominator;
    short tag;
};

__host__ __device__ __noinline__ int greatest_common_divisor(int a, int b) {
    while (b != 0) {
        const int remainder = a % b;
        a = b;
        b = remainder;
    }
    return a;
}

__host__ __device__ __noinline__ Fraction add_fractions(Fraction a, Fraction b) {
    Fraction sum;
    sum.numerator = a.numerator * b.denominator + b.numerator * a.denominator;
    sum.denominator = a.denominator * b.denominator;
    sum.tag = static_cast<short>(a.tag + b.tag);
    const int divisor = greatest_common_divisor(static_cast<int>(sum.numerator), sum.denominator);
    sum.numerator /= divisor;
    sum.denominator /= divisor;
    return sum;
}

// Recursion whose depth differs between neighbouring threads.
__host__ __device__ __noinline__ unsigned fibonacci(unsigned n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

// Mutual recursion with a pointer to the caller's local variable.
__host__ __device__ __noinline__ void count_odd(unsigned n, unsigned *steps);
__host__ __device__ __noinline__ void count_even(unsigned n, unsigned *steps) {
    *steps += 1;
    if (n > 1) count_odd(n % 2 == 0 ? n / 2 : 3 * n + 1, steps);
}
__host__ __device__ __noinline__ void count_odd(unsigned n, unsigned *steps) {
    *steps += 3;
    if (n > 1) count_even(n % 2 == 0 ? n / 2 : 3 * n + 1, steps);
}

extern "C" __global__ void harmonic_fractions(Fraction *output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Fraction sum = {0, 1, 0};
    for (int k = 1; k <= 1 + i % 7; ++k) sum = add_fractions(sum, Fraction{1, k, 1});
    output[i] = sum;
}

extern "C" __global__ void recursive_functions(unsigned *fibonacci_output, unsigned *collatz_output, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    fibonacci_output[i] = fibonacci(i % 9);
    unsigned steps = 0;
    count_even(i % 12 + 1, &steps);
    collatz_output[i] = steps;
}

int main() {
    const int n = 100;
    std::vector<long long> want_numerators(n);
    std::vector<int> want_denominators(n);
    std::vector<short> want_tags(n);
    std::vector<unsigned> want_fibonacci(n), want_collatz(n);
    for (int i = 0; i < n; ++i) {
        Fraction sum = {0, 1, 0};
        for (int k = 1; k <= 1 + i % 7; ++k) sum = add_fractions(sum, Fraction{1, k, 1});
        want_numerators[i] = sum.numerator;
        want_denominators[i] = sum.denominator;
        want_tags[i] = sum.tag;
        want_fibonacci[i] = fibonacci(i % 9);
        unsigned steps = 0;
        count_even(i % 12 + 1, &steps);
        want_collatz[i] = steps;
    }

    DeviceArray<Fraction> fractions(n);
    DeviceArray<unsigned> device_fibonacci(n), device_collatz(n);
    harmonic_fractions<<<blocks_for(n, 64), 64>>>(fractions.get(), n);
    CHECK_LAUNCH();
    recursive_functions<<<blocks_for(n, 64), 64>>>(device_fibonacci.get(), device_collatz.get(), n);
    CHECK_LAUNCH();

    const std::vector<Fraction> sums = fractions.download();
    std::vector<long long> numerators(n);
    std::vector<int> denominators(n);
    std::vector<short> tags(n);
    for (int i = 0; i < n; ++i) {
        numerators[i] = sums[i].numerator;
        denominators[i] = sums[i].denominator;
        tags[i] = sums[i].tag;
    }
    const bool passed = same("numerators", numerators, want_numerators) &&
                        same("denominators", denominators, want_denominators) && same("tags", tags, want_tags) &&
                        same("fibonacci", device_fibonacci.download(), want_fibonacci) &&
                        same("collatz", device_collatz.download(), want_collatz);
    return finish("device_functions", passed);
}
