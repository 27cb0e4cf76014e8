// Two PTX modules joined by the driver's linker (one calls a function of the other and reads its
// variable), loaded as a library, and launched with cuLaunchKernelEx in a stream.

#include "check.h"

static const char CALLEE[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .global .align 4 .u32 offset = 7;\n"
    ".visible .func (.param .b32 result) scale(.param .b32 value)\n"
    "{\n"
    "    .reg .b32 %r<3>;\n"
    "    ld.param.u32 %r0, [value];\n"
    "    ld.global.u32 %r1, [offset];\n"
    "    mad.lo.u32 %r2, %r0, 3, %r1;\n"
    "    st.param.b32 [result], %r2;\n"
    "    ret;\n"
    "}\n";

static const char CALLER[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".extern .func (.param .b32 result) scale(.param .b32 value);\n"
    ".visible .entry fill(.param .u64 output)\n"
    "{\n"
    "    .reg .b32 %r<3>;\n"
    "    .reg .b64 %rd<3>;\n"
    "    mov.u32 %r0, %tid.x;\n"
    "    {\n"
    "    .param .b32 argument;\n"
    "    .param .b32 returned;\n"
    "    st.param.b32 [argument], %r0;\n"
    "    call.uni (returned), scale, (argument);\n"
    "    ld.param.b32 %r1, [returned];\n"
    "    }\n"
    "    ld.param.u64 %rd0, [output];\n"
    "    cvta.to.global.u64 %rd0, %rd0;\n"
    "    mul.wide.u32 %rd1, %r0, 4;\n"
    "    add.s64 %rd2, %rd0, %rd1;\n"
    "    st.global.u32 [%rd2], %r1;\n"
    "    ret;\n"
    "}\n";

enum { N = 100 };

int main(void) {
    CUdevice device;
    CUcontext context;
    CUstream stream;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));

    CUlinkState linker;
    void *image = NULL;
    size_t image_bytes = 0;
    CHECK(cuLinkCreate(0, NULL, NULL, &linker));
    CHECK(cuLinkAddData(linker, CU_JIT_INPUT_PTX, (void *)CALLEE, sizeof CALLEE, "callee.ptx", 0, NULL, NULL));
    CHECK(cuLinkAddData(linker, CU_JIT_INPUT_PTX, (void *)CALLER, sizeof CALLER, "caller.ptx", 0, NULL, NULL));
    CHECK(cuLinkComplete(linker, &image, &image_bytes));

    // The image belongs to the linker, so the library is loaded before the linker goes.
    CUlibrary library;
    CUkernel kernel;
    CUdeviceptr offset, output;
    size_t offset_bytes = 0;
    CHECK(cuLibraryLoadData(&library, image, NULL, NULL, 0, NULL, NULL, 0));
    CHECK(cuLinkDestroy(linker));
    CHECK(cuLibraryGetKernel(&kernel, library, "fill"));
    CHECK(cuLibraryGetGlobal(&offset, &offset_bytes, library, "offset"));
    bool passed = offset_bytes == sizeof(unsigned);
    if (!passed) printf("offset has %zu bytes, expected %zu\n", offset_bytes, sizeof(unsigned));

    CHECK(cuMemAlloc(&output, N * sizeof(unsigned)));
    void *parameters[] = {&output};
    CUlaunchConfig config;
    memset(&config, 0, sizeof config);
    config.gridDimX = config.gridDimY = config.gridDimZ = 1;
    config.blockDimX = N;
    config.blockDimY = config.blockDimZ = 1;
    config.hStream = stream;
    for (unsigned round = 0; passed && round < 2; ++round) {
        const unsigned added = round == 0 ? 7 : 1000;
        if (round == 1) CHECK(cuMemcpyHtoD(offset, &added, sizeof added));
        CHECK(cuLaunchKernelEx(&config, (CUfunction)kernel, parameters, NULL));
        CHECK(cuStreamSynchronize(stream));
        unsigned got[N];
        CHECK(cuMemcpyDtoH(got, output, sizeof got));
        for (unsigned i = 0; passed && i < N; ++i) {
            passed = got[i] == 3 * i + added;
            if (!passed) printf("round %u: output[%u] = %u, expected %u\n", round, i, got[i], 3 * i + added);
        }
    }

    CHECK(cuMemFree(output));
    CHECK(cuLibraryUnload(library));
    CHECK(cuStreamDestroy(stream));
    CHECK(cuDevicePrimaryCtxRelease(device));
    return finish("link_and_launch", passed);
}
