// Kernels that fault: each poisons its context with the error that CUDA documents, and the process goes
// on with a new context.

#include "check.h"

static const char PTX[] =
    ".version 7.0\n"
    ".target sm_70\n"
    ".address_size 64\n"
    ".visible .entry store(.param .u64 address)\n"
    "{\n"
    "    .reg .b64 %rd<2>;\n"
    "    ld.param.u64 %rd0, [address];\n"
    "    mov.u64 %rd1, 42;\n"
    "    st.global.u64 [%rd0], %rd1;\n"
    "    ret;\n"
    "}\n"
    ".visible .entry stop(.param .u64 address)\n"
    "{\n"
    "    trap;\n"
    "}\n";

// Runs one kernel in a context of its own, then says what the context answers.
static bool fault(CUdevice device, const char *name, CUdeviceptr address, CUresult want) {
    CUcontext context;
    CUmodule module;
    CUfunction kernel;
    CUdeviceptr refused;
    CHECK(cuCtxCreate(&context, NULL, 0, device));
    CHECK(cuModuleLoadData(&module, PTX));
    CHECK(cuModuleGetFunction(&kernel, module, name));
    void *parameters[] = {&address};
    // A driver may report the fault at the launch already, as with CUDA_LAUNCH_BLOCKING=1.
    const CUresult launched = cuLaunchKernel(kernel, 1, 1, 1, 32, 1, 1, 0, NULL, parameters, NULL);
    bool passed = expect(name, launched != CUDA_SUCCESS ? launched : cuCtxSynchronize(), want);
    passed &= expect("the poisoned context", cuMemAlloc(&refused, 16), want);
    // The destruction succeeds or repeats the fault; either way the context is gone.
    (void)cuCtxDestroy(context);
    return passed;
}

int main(void) {
    CUdevice device;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    bool passed = fault(device, "store", 0x10, CUDA_ERROR_ILLEGAL_ADDRESS);
    passed &= fault(device, "stop", 0, CUDA_ERROR_LAUNCH_FAILED);

    CUcontext context;
    CUmodule module;
    CUfunction kernel;
    CUdeviceptr address;
    unsigned long long value = 0;
    CHECK(cuCtxCreate(&context, NULL, 0, device));
    CHECK(cuModuleLoadData(&module, PTX));
    CHECK(cuModuleGetFunction(&kernel, module, "store"));
    CHECK(cuMemAlloc(&address, sizeof value));
    void *parameters[] = {&address};
    CHECK(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(&value, address, sizeof value));
    if (value != 42) {
        printf("after the faults: %llu, expected 42\n", value);
        passed = false;
    }
    CHECK(cuMemFree(address));
    CHECK(cuCtxDestroy(context));
    return finish("fault_recovery", passed);
}
