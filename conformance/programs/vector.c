// Loops that compilers vectorise: integers of all widths, floats without contraction, gathers,
// conditions, reductions of integers. Prints checksums, the same for any vector length.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N 1003
static int8_t i8[N];
static uint16_t u16[N];
static int32_t i32[N], index_[N];
static int64_t i64[N];
static float f32[N], g32[N];
static double f64[N];

static uint64_t digest(const void *data, size_t bytes) {
    const uint8_t *p = data;
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ p[i]) * 1099511628211u;
    return sum;
}
#define SHOW(what) printf(#what " %016llx\n", (unsigned long long)digest(what, sizeof what))

int main(void) {
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525 + 1013904223;
        i8[i] = (int8_t)(seed >> 24);
        u16[i] = (uint16_t)(seed >> 9);
        i32[i] = (int32_t)seed;
        i64[i] = (int64_t)((uint64_t)seed * 2654435761u);
        index_[i] = (int32_t)(seed >> 8) % N;
        if (index_[i] < 0) index_[i] += N;
        f32[i] = (float)(int32_t)seed / 65536.0f;
        f64[i] = (double)i64[i] / 3.0;
    }
    for (int i = 0; i < N; i++) i8[i] = (int8_t)(i8[i] * 3 + (i8[i] >> 2));
    for (int i = 0; i < N; i++) u16[i] = (uint16_t)(u16[i] > 1000 ? u16[i] - 1000 : u16[i] * 7);
    for (int i = 0; i < N; i++) i64[i] = (int64_t)((uint64_t)i64[i] + (uint64_t)((int64_t)i32[i] * i32[i]));
    for (int i = 0; i < N; i++) i32[i] = i32[index_[i]] ^ i32[i];
    for (int i = 0; i < N; i++) g32[i] = f32[i] * f32[i] + 2.5f;
    for (int i = 0; i < N; i++) f32[i] = g32[i] > 100.0f ? g32[i] / f32[i] : -f32[i];
    for (int i = 0; i < N; i++) f64[i] = f64[i] * 0.5 - (double)f32[i];
    for (int i = 0; i < N; i++) i32[i] += (int32_t)(f64[i] / 1e9);
    int64_t sum = 0;
    int32_t least = INT32_MAX;
    for (int i = 0; i < N; i++) sum += i8[i] * u16[i];
    for (int i = 0; i < N; i++) least = i32[i] < least ? i32[i] : least;
    SHOW(i8); SHOW(u16); SHOW(i32); SHOW(i64); SHOW(f32); SHOW(g32); SHOW(f64);
    printf("sum %lld, least %d\n", (long long)sum, least);
    return 0;
}
