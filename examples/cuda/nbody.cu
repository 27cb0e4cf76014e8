// One leap of a gravitational n-body system, all pairs, with positions staged through shared memory.
// rsqrtf is an approximation, so the CPU result (in double) is met within a tolerance.

#include "check.cuh"

constexpr int TILE = 128;
constexpr float SOFTENING_SQUARED = 1e-2f;

extern "C" __global__ void nbody_accelerations(const float4 *bodies, float3 *accelerations, int n) {
    __shared__ float4 tile[TILE];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float4 self = bodies[i];
    float3 sum = make_float3(0.0f, 0.0f, 0.0f);
    for (int base = 0; base < n; base += TILE) {
        tile[threadIdx.x] = bodies[base + threadIdx.x];
        __syncthreads();
        for (int j = 0; j < TILE; ++j) {
            const float4 other = tile[j];
            const float dx = other.x - self.x, dy = other.y - self.y, dz = other.z - self.z;
            const float inverse = rsqrtf(fmaf(dx, dx, fmaf(dy, dy, fmaf(dz, dz, SOFTENING_SQUARED))));
            const float scale = other.w * inverse * inverse * inverse;
            sum.x = fmaf(dx, scale, sum.x);
            sum.y = fmaf(dy, scale, sum.y);
            sum.z = fmaf(dz, scale, sum.z);
        }
        __syncthreads();
    }
    accelerations[i] = sum;
}

int main() {
    const int n = 384;
    static_assert(n % TILE == 0, "every tile is full");
    Random random(9);
    std::vector<float4> bodies(n);
    for (float4 &body : bodies) {
        body = make_float4(random.unit(), random.unit(), random.unit(), 0.5f + 0.25f * random.unit());
    }
    std::vector<float> want(3 * n);
    for (int i = 0; i < n; ++i) {
        double sum[3] = {0.0, 0.0, 0.0};
        for (int j = 0; j < n; ++j) {
            const double d[3] = {double(bodies[j].x) - bodies[i].x, double(bodies[j].y) - bodies[i].y,
                                 double(bodies[j].z) - bodies[i].z};
            const double squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + double(SOFTENING_SQUARED);
            const double scale = bodies[j].w / (squared * std::sqrt(squared));
            for (int axis = 0; axis < 3; ++axis) sum[axis] += d[axis] * scale;
        }
        for (int axis = 0; axis < 3; ++axis) want[3 * i + axis] = static_cast<float>(sum[axis]);
    }

    DeviceArray<float4> device_bodies(bodies);
    DeviceArray<float3> accelerations(n);
    nbody_accelerations<<<n / TILE, TILE>>>(device_bodies.get(), accelerations.get(), n);
    CHECK_LAUNCH();

    const std::vector<float3> vectors = accelerations.download();
    std::vector<float> got(3 * n);
    std::memcpy(got.data(), vectors.data(), n * sizeof(float3));
    // 384 float additions of terms up to about 500 that partly cancel.
    return finish("nbody", close("accelerations", got, want, 1e-4, 5e-2));
}
