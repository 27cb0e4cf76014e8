// Texture and surface objects: every address and filter mode on arrays and pitched memory, bytes read as
// normalised numbers, linear memory, and surfaces that kernels write and read. The expected values follow
// the formulas of the CUDA C++ Programming Guide, "Texture Fetching".

#include "check.cuh"

constexpr int WIDTH = 16, HEIGHT = 8;  // powers of two, so that normalised coordinates are exact
constexpr int SAMPLES = 1024;

extern "C" __global__ void sample_plane(cudaTextureObject_t texture, const float *x, const float *y, float *out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = tex2D<float>(texture, x[i], y[i]);
}

extern "C" __global__ void sample_bytes(cudaTextureObject_t texture, const float *x, const float *y, float *out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float4 texel = tex2D<float4>(texture, x[i], y[i]);
    out[4 * i] = texel.x;
    out[4 * i + 1] = texel.y;
    out[4 * i + 2] = texel.z;
    out[4 * i + 3] = texel.w;
}

extern "C" __global__ void fetch_line(cudaTextureObject_t texture, int *out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = tex1Dfetch<int>(texture, (i * 7) % n);
}

extern "C" __global__ void write_surface(cudaSurfaceObject_t surface) {
    const int x = threadIdx.x, y = blockIdx.x;
    // The last column is outside: the boundary mode drops it.
    surf2Dwrite(100 * y + x, surface, 4 * x, y, cudaBoundaryModeZero);
}

extern "C" __global__ void read_surface(cudaSurfaceObject_t surface, int *out) {
    const int x = threadIdx.x, y = blockIdx.x;
    out[y * blockDim.x + x] = surf2Dread<int>(surface, 4 * (x - 1), y, cudaBoundaryModeZero) +
                              surf2Dread<int>(surface, 4 * (x - 1), y, cudaBoundaryModeClamp);
}

// The texel that an index means, or -1 for the border.
static int texel_index(int i, int size, cudaTextureAddressMode mode) {
    const int period = ((i % (2 * size)) + 2 * size) % (2 * size);
    switch (mode) {
    case cudaAddressModeWrap: return period % size;
    case cudaAddressModeMirror: return period < size ? period : 2 * size - 1 - period;
    case cudaAddressModeClamp: return i < 0 ? 0 : i >= size ? size - 1 : i;
    default: return i < 0 || i >= size ? -1 : i;
    }
}

static double texel(const std::vector<float> &plane, int i, int j, cudaTextureAddressMode mode) {
    const int x = texel_index(i, WIDTH, mode), y = texel_index(j, HEIGHT, mode);
    return x < 0 || y < 0 ? 0.0 : plane[y * WIDTH + x];
}

// Coordinates in texels.
static double expected(const std::vector<float> &plane, double x, double y, cudaTextureAddressMode mode, bool linear) {
    if (!linear) {
        return texel(plane, static_cast<int>(std::floor(x)), static_cast<int>(std::floor(y)), mode);
    }
    const double xb = x - 0.5, yb = y - 0.5;
    const int i = static_cast<int>(std::floor(xb)), j = static_cast<int>(std::floor(yb));
    const double a = xb - i, b = yb - j;
    return (1 - a) * (1 - b) * texel(plane, i, j, mode) + a * (1 - b) * texel(plane, i + 1, j, mode) +
           (1 - a) * b * texel(plane, i, j + 1, mode) + a * b * texel(plane, i + 1, j + 1, mode);
}

static cudaTextureObject_t make_texture(const cudaResourceDesc &resource, cudaTextureAddressMode mode,
                                        cudaTextureFilterMode filter, cudaTextureReadMode read, bool normalised) {
    cudaTextureDesc description = {};
    description.addressMode[0] = description.addressMode[1] = mode;
    description.filterMode = filter;
    description.readMode = read;
    description.normalizedCoords = normalised;
    cudaTextureObject_t texture = 0;
    CUDA_CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

static bool planes(Random &random) {
    std::vector<float> plane(WIDTH * HEIGHT);
    for (float &value : plane) value = random.unit();
    const cudaChannelFormatDesc channel = cudaCreateChannelDesc<float>();
    cudaArray_t array = nullptr;
    CUDA_CHECK(cudaMallocArray(&array, &channel, WIDTH, HEIGHT));
    CUDA_CHECK(cudaMemcpy2DToArray(array, 0, 0, plane.data(), WIDTH * sizeof(float), WIDTH * sizeof(float), HEIGHT,
                                   cudaMemcpyHostToDevice));
    float *pitched = nullptr;
    std::size_t pitch = 0;
    CUDA_CHECK(cudaMallocPitch(reinterpret_cast<void **>(&pitched), &pitch, WIDTH * sizeof(float), HEIGHT));
    CUDA_CHECK(cudaMemcpy2D(pitched, pitch, plane.data(), WIDTH * sizeof(float), WIDTH * sizeof(float), HEIGHT,
                            cudaMemcpyHostToDevice));
    cudaResourceDesc of_array = {}, of_pitched = {};
    of_array.resType = cudaResourceTypeArray;
    of_array.res.array.array = array;
    of_pitched.resType = cudaResourceTypePitch2D;
    of_pitched.res.pitch2D = {pitched, channel, WIDTH, HEIGHT, pitch};

    // Sixteenths of a texel, up to more than a whole image outside.
    std::vector<float> x(SAMPLES), y(SAMPLES);
    for (int i = 0; i < SAMPLES; ++i) {
        x[i] = (static_cast<int>(random.below(64 * WIDTH)) - 24 * WIDTH) / 16.0f;
        y[i] = (static_cast<int>(random.below(64 * HEIGHT)) - 24 * HEIGHT) / 16.0f;
    }
    std::vector<float> u(x), v(y);
    for (float &value : u) value /= WIDTH;
    for (float &value : v) value /= HEIGHT;
    DeviceArray<float> out(SAMPLES);
    DeviceArray<float> texels_x(x), texels_y(y), normal_x(u), normal_y(v);

    bool passed = true;
    for (const cudaResourceDesc *resource : {&of_array, &of_pitched}) {
        for (const cudaTextureAddressMode mode :
             {cudaAddressModeClamp, cudaAddressModeBorder, cudaAddressModeWrap, cudaAddressModeMirror}) {
            for (const cudaTextureFilterMode filter : {cudaFilterModePoint, cudaFilterModeLinear}) {
                const bool linear = filter == cudaFilterModeLinear;
                for (const bool normalised : {true, false}) {
                    const bool repeats = mode == cudaAddressModeWrap || mode == cudaAddressModeMirror;
                    if (repeats && !normalised) continue;
                    const cudaTextureObject_t texture =
                        make_texture(*resource, mode, filter, cudaReadModeElementType, normalised);
                    sample_plane<<<blocks_for(SAMPLES, 128), 128>>>(
                        texture, normalised ? normal_x.get() : texels_x.get(),
                        normalised ? normal_y.get() : texels_y.get(), out.get(), SAMPLES);
                    CHECK_LAUNCH();
                    CUDA_CHECK(cudaDestroyTextureObject(texture));
                    std::vector<float> want(SAMPLES);
                    for (int i = 0; i < SAMPLES; ++i) {
                        want[i] = static_cast<float>(expected(plane, x[i], y[i], mode, linear));
                    }
                    // Weights have eight bits of fraction, which sixteenths need not all of.
                    passed = passed && close("plane", out.download(), want, 0.0, linear ? 1e-5 : 0.0);
                }
            }
        }
    }
    CUDA_CHECK(cudaFree(pitched));
    CUDA_CHECK(cudaFreeArray(array));
    return passed;
}

static bool bytes(Random &random) {
    std::vector<std::uint8_t> image(4 * WIDTH * HEIGHT);
    for (std::uint8_t &value : image) value = static_cast<std::uint8_t>(random.below(256));
    const cudaChannelFormatDesc channel = cudaCreateChannelDesc<uchar4>();
    cudaArray_t array = nullptr;
    CUDA_CHECK(cudaMallocArray(&array, &channel, WIDTH, HEIGHT));
    CUDA_CHECK(cudaMemcpy2DToArray(array, 0, 0, image.data(), 4 * WIDTH, 4 * WIDTH, HEIGHT, cudaMemcpyHostToDevice));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    const cudaTextureObject_t texture =
        make_texture(resource, cudaAddressModeClamp, cudaFilterModePoint, cudaReadModeNormalizedFloat, false);
    std::vector<float> x(SAMPLES), y(SAMPLES), want(4 * SAMPLES);
    for (int i = 0; i < SAMPLES; ++i) {
        const int column = random.below(WIDTH), row = random.below(HEIGHT);
        x[i] = column + 0.5f;
        y[i] = row + 0.5f;
        for (int c = 0; c < 4; ++c) want[4 * i + c] = image[4 * (row * WIDTH + column) + c] / 255.0f;
    }
    DeviceArray<float> device_x(x), device_y(y), out(4 * SAMPLES);
    sample_bytes<<<blocks_for(SAMPLES, 128), 128>>>(texture, device_x.get(), device_y.get(), out.get(), SAMPLES);
    CHECK_LAUNCH();
    CUDA_CHECK(cudaDestroyTextureObject(texture));
    CUDA_CHECK(cudaFreeArray(array));
    return close("bytes", out.download(), want, 1e-6, 0.0);
}

static bool line(Random &random) {
    const int n = 1000;  // not a multiple of seven, so every element is fetched once
    std::vector<int> values(n), want(n);
    for (int &value : values) value = static_cast<int>(random.bits());
    for (int i = 0; i < n; ++i) want[i] = values[(i * 7) % n];
    DeviceArray<int> data(values), out(n);
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeLinear;
    resource.res.linear = {data.get(), cudaCreateChannelDesc<int>(), n * sizeof(int)};
    const cudaTextureObject_t texture =
        make_texture(resource, cudaAddressModeClamp, cudaFilterModePoint, cudaReadModeElementType, false);
    fetch_line<<<blocks_for(n, 128), 128>>>(texture, out.get(), n);
    CHECK_LAUNCH();
    CUDA_CHECK(cudaDestroyTextureObject(texture));
    return same("line", out.download(), want);
}

static bool surfaces() {
    const cudaChannelFormatDesc channel = cudaCreateChannelDesc<int>();
    cudaArray_t array = nullptr;
    CUDA_CHECK(cudaMallocArray(&array, &channel, WIDTH, HEIGHT, cudaArraySurfaceLoadStore));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaSurfaceObject_t surface = 0;
    CUDA_CHECK(cudaCreateSurfaceObject(&surface, &resource));
    write_surface<<<HEIGHT, WIDTH + 1>>>(surface);
    CHECK_LAUNCH();
    const int columns = WIDTH + 2;
    DeviceArray<int> out(columns * HEIGHT);
    read_surface<<<HEIGHT, columns>>>(surface, out.get());
    CHECK_LAUNCH();
    CUDA_CHECK(cudaDestroySurfaceObject(surface));

    std::vector<int> want(columns * HEIGHT), stored(WIDTH * HEIGHT), want_stored(WIDTH * HEIGHT);
    for (int y = 0; y < HEIGHT; ++y) {
        for (int c = 0; c < columns; ++c) {
            const int x = c - 1, nearest = x < 0 ? 0 : x >= WIDTH ? WIDTH - 1 : x;
            want[y * columns + c] = (x == nearest ? 100 * y + x : 0) + 100 * y + nearest;
        }
        for (int x = 0; x < WIDTH; ++x) want_stored[y * WIDTH + x] = 100 * y + x;
    }
    CUDA_CHECK(cudaMemcpy2DFromArray(stored.data(), 4 * WIDTH, array, 0, 0, 4 * WIDTH, HEIGHT, cudaMemcpyDeviceToHost));
    CUDA_CHECK(cudaFreeArray(array));
    return same("surface", out.download(), want) && same("array", stored, want_stored);
}

int main() {
    Random random(20);
    const bool passed = planes(random) && bytes(random) && line(random) && surfaces();
    return finish("texture_objects", passed);
}
