// Vector addition through the driver API from PTX text: a module, a kernel, and both ways to pass
// parameters (an array of pointers, and one packed buffer).

#include "check.h"

static const char PTX[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .entry vector_add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n"
    "{\n"
    "    .reg .pred %p;\n"
    "    .reg .f32 %f<3>;\n"
    "    .reg .b32 %r<5>;\n"
    "    .reg .b64 %rd<7>;\n"
    "    mov.u32 %r0, %ctaid.x;\n"
    "    mov.u32 %r1, %ntid.x;\n"
    "    mov.u32 %r2, %tid.x;\n"
    "    mad.lo.s32 %r3, %r0, %r1, %r2;\n"
    "    ld.param.u32 %r4, [n];\n"
    "    setp.ge.u32 %p, %r3, %r4;\n"
    "    @%p bra done;\n"
    "    ld.param.u64 %rd0, [a];\n"
    "    ld.param.u64 %rd1, [b];\n"
    "    ld.param.u64 %rd2, [c];\n"
    "    cvta.to.global.u64 %rd0, %rd0;\n"
    "    cvta.to.global.u64 %rd1, %rd1;\n"
    "    cvta.to.global.u64 %rd2, %rd2;\n"
    "    mul.wide.u32 %rd3, %r3, 4;\n"
    "    add.s64 %rd4, %rd0, %rd3;\n"
    "    add.s64 %rd5, %rd1, %rd3;\n"
    "    add.s64 %rd6, %rd2, %rd3;\n"
    "    ld.global.f32 %f0, [%rd4];\n"
    "    ld.global.f32 %f1, [%rd5];\n"
    "    add.rn.f32 %f2, %f0, %f1;\n"
    "    st.global.f32 [%rd6], %f2;\n"
    "done:\n"
    "    ret;\n"
    "}\n";

enum { N = 10000, THREADS = 256 };

static bool same(const char *array, const float *got, const float *want) {
    for (int i = 0; i < N; ++i) {
        if (memcmp(&got[i], &want[i], sizeof(float)) != 0) {
            printf("%s[%d] = %.9g, expected %.9g\n", array, i, got[i], want[i]);
            return false;
        }
    }
    return true;
}

int main(void) {
    static float a[N], b[N], want[N], got[N];
    for (int i = 0; i < N; ++i) {
        a[i] = (float)i * 0.25f - 100.0f;
        b[i] = (float)(i % 77) * 1.5f;
        want[i] = a[i] + b[i];
    }

    CUdevice device;
    CUcontext context;
    CUmodule module;
    CUfunction kernel;
    CUdeviceptr device_a, device_b, device_c;
    const size_t bytes = sizeof a;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    CHECK(cuModuleLoadData(&module, PTX));
    CHECK(cuModuleGetFunction(&kernel, module, "vector_add"));
    CHECK(cuMemAlloc(&device_a, bytes));
    CHECK(cuMemAlloc(&device_b, bytes));
    CHECK(cuMemAlloc(&device_c, bytes));
    CHECK(cuMemcpyHtoD(device_a, a, bytes));
    CHECK(cuMemcpyHtoD(device_b, b, bytes));

    unsigned n = N;
    const unsigned blocks = (N + THREADS - 1) / THREADS;
    void *parameters[] = {&device_a, &device_b, &device_c, &n};
    CHECK(cuLaunchKernel(kernel, blocks, 1, 1, THREADS, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuCtxSynchronize());
    CHECK(cuMemcpyDtoH(got, device_c, bytes));
    bool passed = same("c", got, want);

    CHECK(cuMemsetD32(device_c, 0x7fc00000u, N));
    struct {
        CUdeviceptr a, b, c;
        unsigned n;
    } packed = {device_a, device_b, device_c, N};
    // The size of the parameters, without the padding that C adds at the end of the structure.
    size_t packed_bytes = 3 * sizeof(CUdeviceptr) + sizeof(unsigned);
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &packed_bytes, CU_LAUNCH_PARAM_END};
    CHECK(cuLaunchKernel(kernel, blocks, 1, 1, THREADS, 1, 1, 0, NULL, NULL, extra));
    CHECK(cuMemcpyDtoH(got, device_c, bytes));
    passed = passed && same("packed", got, want);

    CHECK(cuMemFree(device_a));
    CHECK(cuMemFree(device_b));
    CHECK(cuMemFree(device_c));
    CHECK(cuModuleUnload(module));
    CHECK(cuDevicePrimaryCtxRelease(device));
    return finish("vector_add", passed);
}
