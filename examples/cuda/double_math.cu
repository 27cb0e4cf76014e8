// Double precision: a polynomial of fused multiply-adds, division, square root, remainder and a
// running product, all correctly rounded and so equal to the CPU bit for bit.

#include "check.cuh"

constexpr int TERMS = 8;

__host__ __device__ inline double polynomial(double x) {
    const double coefficients[TERMS] = {0.5, -1.25, 3.0, -0.0625, 7.5, -2.0, 1.0 / 3.0, 0.1};
    double value = coefficients[TERMS - 1];
    for (int i = TERMS - 2; i >= 0; --i) value = fma(value, x, coefficients[i]);
    return value;
}

__host__ __device__ inline double newton_cube_root(double x) {
    double root = x > 1.0 ? x : 1.0;
    for (int i = 0; i < 80; ++i) {
        const double next = root - (root - x / (root * root)) / 3.0;
        if (next == root) break;
        root = next;
    }
    return root;
}

extern "C" __global__ void double_math(const double *x, const double *y, double *polynomials, double *quotients,
                                       double *roots, double *extremes, double *cubes, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    polynomials[i] = polynomial(x[i]);
    quotients[i] = x[i] / y[i];
    roots[i] = sqrt(fabs(x[i]));
    extremes[i] = fmax(fmin(x[i], y[i]), -0.5) + floor(x[i] * 10.0) - ceil(y[i] * 10.0) + rint(x[i] * 3.0) + trunc(y[i] * 5.0);
    cubes[i] = newton_cube_root(fabs(y[i]) * 10.0);
}

int main() {
    const int n = 1000;
    Random random(17);
    std::vector<double> x(n), y(n), polynomials(n), quotients(n), roots(n), extremes(n), cubes(n);
    for (int i = 0; i < n; ++i) {
        x[i] = static_cast<double>(random.unit()) + static_cast<double>(random.unit()) * 1e-9;
        y[i] = static_cast<double>(random.unit()) * 3.0 + static_cast<double>(random.unit()) * 1e-10;
    }
    // Zeros, infinities, a subnormal and a NaN go through the same operations.
    x[0] = 0.0, y[0] = -0.0;
    x[1] = INFINITY, y[1] = 2.0;
    x[2] = 5e-324, y[2] = 3.0;
    x[3] = NAN, y[3] = 1.0;
    x[4] = 1.7e308, y[4] = 1e-10;
    for (int i = 0; i < n; ++i) {
        polynomials[i] = polynomial(x[i]);
        quotients[i] = x[i] / y[i];
        roots[i] = std::sqrt(std::fabs(x[i]));
        extremes[i] = std::fmax(std::fmin(x[i], y[i]), -0.5) + std::floor(x[i] * 10.0) - std::ceil(y[i] * 10.0) +
                      std::rint(x[i] * 3.0) + std::trunc(y[i] * 5.0);
        cubes[i] = newton_cube_root(std::fabs(y[i]) * 10.0);
    }

    DeviceArray<double> device_x(x), device_y(y), p(n), q(n), r(n), e(n), c(n);
    double_math<<<blocks_for(n, 128), 128>>>(device_x.get(), device_y.get(), p.get(), q.get(), r.get(), e.get(), c.get(), n);
    CHECK_LAUNCH();

    const bool passed = same("polynomials", p.download(), polynomials) && same("quotients", q.download(), quotients) &&
                        same("roots", r.download(), roots) && same("extremes", e.download(), extremes) &&
                        same("cubes", c.download(), cubes);
    return finish("double_math", passed);
}
