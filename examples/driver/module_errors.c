// What the driver answers to code it cannot use: PTX with a mistake (and the message in the error log),
// a truncated module, a kernel or variable that is not there, and launches that cannot be made.

#include "check.h"

static const char GOOD[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .entry nothing()\n"
    "{\n"
    "    ret;\n"
    "}\n";

static const char MISTAKE[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .entry broken()\n"
    "{\n"
    "    .reg .b32 %r<2>;\n"
    "    add.s32 %r0, %r1, %r9;\n"
    "    ret;\n"
    "}\n";

int main(void) {
    bool passed = true;
    CUdevice device;
    CUcontext context;
    CUmodule module;
    CUfunction kernel;
    CUdeviceptr address;
    size_t bytes;

    passed &= expect("call before cuInit", cuDeviceGet(&device, 0), CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuInit(0));
    passed &= expect("no such device", cuDeviceGet(&device, 1000), CUDA_ERROR_INVALID_DEVICE);
    CHECK(cuDeviceGet(&device, 0));
    passed &= expect("no context", cuMemAlloc(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));

    char log[1024] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)sizeof log};
    passed &= expect("undeclared register", cuModuleLoadDataEx(&module, MISTAKE, 2, options, values), CUDA_ERROR_INVALID_PTX);
    if (strstr(log, "%r9") == NULL || strstr(log, "7") == NULL) {
        printf("the error log names neither register %%r9 nor line 7: \"%s\"\n", log);
        passed = false;
    }
    // Text without a magic number may be called a bad image or bad PTX.
    const CUresult greeting = cuModuleLoadData(&module, "hello");
    if (greeting != CUDA_ERROR_INVALID_IMAGE) passed &= expect("no PTX at all", greeting, CUDA_ERROR_INVALID_PTX);
    char truncated[sizeof GOOD];
    memcpy(truncated, GOOD, sizeof GOOD);
    *strstr(truncated, "ret;") = '\0';
    passed &= expect("truncated PTX", cuModuleLoadData(&module, truncated), CUDA_ERROR_INVALID_PTX);

    CHECK(cuModuleLoadData(&module, GOOD));
    passed &= expect("unknown kernel", cuModuleGetFunction(&kernel, module, "something"), CUDA_ERROR_NOT_FOUND);
    passed &= expect("unknown variable", cuModuleGetGlobal(&address, &bytes, module, "something"), CUDA_ERROR_NOT_FOUND);
    CHECK(cuModuleGetFunction(&kernel, module, "nothing"));
    passed &= expect("block of 2048", cuLaunchKernel(kernel, 1, 1, 1, 2048, 1, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("empty block", cuLaunchKernel(kernel, 1, 1, 1, 32, 0, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("empty grid", cuLaunchKernel(kernel, 0, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("1 GiB of shared memory", cuLaunchKernel(kernel, 1, 1, 1, 32, 1, 1, 1 << 30, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("good launch", cuLaunchKernel(kernel, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL), CUDA_SUCCESS);
    passed &= expect("good launch, finished", cuCtxSynchronize(), CUDA_SUCCESS);

    CHECK(cuMemAlloc(&address, 16));
    CHECK(cuMemFree(address));
    passed &= expect("double free", cuMemFree(address), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("allocation of nothing", cuMemAlloc(&address, 0), CUDA_ERROR_INVALID_VALUE);
    passed &= expect("allocation of 2^60 bytes", cuMemAlloc(&address, (size_t)1 << 60), CUDA_ERROR_OUT_OF_MEMORY);
    CHECK(cuModuleUnload(module));
    CHECK(cuDevicePrimaryCtxRelease(device));
    return finish("module_errors", passed);
}
