// Forms that nvcc emits: control flow, vectors, shared memory, atomics, warp operations, calls.
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <mma.h>
#include <cstdio>
#include <cassert>
struct Pair { int a; double b; float c[3]; };
__constant__ float coefficients[4] = {1.0f, 2.5f, -3.0f, 4.0f};
__device__ int counters[2][3] = {{1, 2, 3}, {4, 5, 6}};
__device__ __managed__ int managed_value = 7;
__device__ int *pointer_to_counter = &counters[1][1];
__device__ const char *names[] = {"one", "two"};
extern __shared__ int dynamic_shared[];
__device__ __noinline__ Pair make_pair_of(int a, Pair p) { p.a += a; p.c[1] = a; return p; }
__device__ __noinline__ float recurse(float x, int n) { return n == 0 ? x : recurse(x * 0.5f, n - 1) + 1.0f; }
__device__ __noinline__ int plus(int x) { return x + 1; }
__device__ __noinline__ int minus(int x) { return x - 1; }
__device__ int (*const table[])(int) = {plus, minus};
__global__ void __launch_bounds__(256, 2) vectors(const float4 *__restrict__ in, float4 *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) { float4 v = __ldg(&in[i]); v.x *= coefficients[i & 3]; out[i] = v; }
}
__global__ void warps(int *data, unsigned *ballots) {
  int v = data[threadIdx.x];
  for (int d = 16; d; d >>= 1) v += __shfl_xor_sync(~0u, v, d);
  ballots[threadIdx.x] = __ballot_sync(~0u, v > 3) + __popc(v) + __clz(v) + __brev(v) + __ffs(v);
  atomicAdd(&data[0], v); atomicCAS(&data[1], 1, 2); atomicMax(&counters[0][1], v);
  dynamic_shared[threadIdx.x] = v; __syncthreads(); __syncwarp(); __threadfence();
  data[threadIdx.x] = dynamic_shared[255 - threadIdx.x] + __any_sync(~0u, v) + __syncthreads_count(v);
  data[2] = __reduce_add_sync(~0u, v);
}
__global__ void switches(int *p, int n) {
  switch (p[0]) { case 0: n += 3; break; case 1: n *= 7; break; case 2: n ^= 5; break; case 3: n /= 3; break;
    case 4: n %= 11; break; case 5: n <<= 2; break; case 6: n = ~n; break; case 7: n = -n; break; case 8: n = n * n + 1; break; }
  for (int i = 0; i < n; i++) { if (p[i] == 3) continue; if (p[i] == 9) break; p[i] += n; }
  p[1] = n;
}
__global__ void calls(Pair *p, int which, float x) {
  *p = make_pair_of(which, *p); p->c[0] = recurse(x, which); p->a = table[which & 1](p->a);
  printf("%d %f %s\n", p->a, p->b, names[which & 1]); assert(which != 17);
  if (which == 99) __trap();
}
__global__ void maths(float *f, double *d, __half2 *h, __nv_bfloat162 *b) {
  int i = threadIdx.x;
  f[i] = sinf(f[i]) + __expf(f[i]) + rsqrtf(f[i]) + __fdividef(f[i], 3.0f) + tanhf(f[i]) + fmaf(f[i], 2.0f, 1e-3f) + __fmul_rz(f[i], f[i+1]);
  d[i] = sqrt(d[i]) + exp(d[i]) / 3.0 + pow(d[i], 1.5);
  h[i] = __hfma2(h[i], h[i], h[i]); b[i] = __hadd2(b[i], b[i]); h[i + 1] = __float22half2_rn(make_float2(f[i], f[i]));
}
__global__ void tensor(const half *a, const half *b, float *c) {
  using namespace nvcuda::wmma;
  fragment<matrix_a, 16, 16, 16, half, row_major> fa; fragment<matrix_b, 16, 16, 16, half, col_major> fb; fragment<accumulator, 16, 16, 16, float> fc;
  fill_fragment(fc, 0.0f); load_matrix_sync(fa, a, 16); load_matrix_sync(fb, b, 16); mma_sync(fc, fa, fb, fc); store_matrix_sync(c, fc, 16, mem_row_major);
}
__global__ void inline_asm(int *p, unsigned long long q) {
  int r; unsigned x0, x1, x2, x3;
  asm volatile("{ .reg .pred %%p1;\n\t .reg .b32 t<3>;\n\t setp.ne.s32 %%p1, %1, 0;\n\t @!%%p1 bra DONE;\n\t mov.b32 t0, 0x7f;\n\t DONE: selp.b32 %0, t0, %1, %%p1; }" : "=r"(r) : "r"(p[0]));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(x0), "=r"(x1), "=r"(x2), "=r"(x3) : "r"(r));
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" :: "r"(r), "l"(q));
  asm volatile("cp.async.commit_group;\n cp.async.wait_group 0;");
  asm volatile("mov.u32 %0, %%laneid;" : "=r"(x0)); asm volatile("bar.red.popc.u32 %0, 0, 1;" : "=r"(x1));
  asm volatile("{ .reg .b64 s; createpolicy.fractional.L2::evict_first.b64 s, 1.0; ld.global.L2::cache_hint.u32 %0, [%1], s; }" : "=r"(x2) : "l"(q));
  p[1] = r + x0 + x1 + x2 + x3;
}
__global__ void textures(cudaTextureObject_t t, cudaSurfaceObject_t s, float *out) {
  out[0] = tex2D<float>(t, 0.5f, 1.5f) + tex3D<float>(t, 0.f, 1.f, 2.f); surf2Dwrite(out[0], s, 4, 5); out[1] = surf2Dread<float>(s, 8, 9);
  float4 g = tex2Dgather<float4>(t, 0.1f, 0.2f); out[2] = g.x + tex2DLod<float>(t, 0.f, 0.f, 1.f);
}
// forms_sm80.ptx: nvcc -ptx -arch=compute_80 forms.cu (needs nvidia-cuda-cccl for cuda_fp16.h)
