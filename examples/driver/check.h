// What the driver API programs share: a checked call, an expected error, and a device pointer as a
// kernel parameter. The PTX of each program is text in its own source.

#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cuda.h>

static inline const char *error_name(CUresult result) {
    const char *name = NULL;
    return cuGetErrorName(result, &name) == CUDA_SUCCESS && name != NULL ? name : "an unnamed error";
}

#define CHECK(call)                                                                    \
    do {                                                                               \
        const CUresult result_ = (call);                                               \
        if (result_ != CUDA_SUCCESS) {                                                 \
            printf("%s:%d: %s failed: %s\n", __FILE__, __LINE__, #call, error_name(result_)); \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

// Says when `got` is not the error that CUDA documents for what was done.
static inline bool expect(const char *what, CUresult got, CUresult want) {
    if (got == want) return true;
    printf("%s: %s, expected %s\n", what, error_name(got), error_name(want));
    return false;
}

// The last line of every program: prints the verdict and returns the exit code.
static inline int finish(const char *name, bool passed) {
    printf("%s: %s\n", name, passed ? "PASS" : "FAIL");
    return passed ? 0 : 1;
}
