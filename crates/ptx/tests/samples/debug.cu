// Small, because debug builds write much: locals in memory, line directives, debug sections.
__device__ int twice(int x) { return x + x; }
__global__ void debug(int *p, int n) {
  int i = threadIdx.x;
  if (i < n) p[i] = twice(p[i]) + 1;
}
// debug_sm75.ptx: nvcc -ptx -G -g -arch=compute_75 debug.cu
// lineinfo_sm80.ptx: nvcc -ptx -lineinfo -rdc=true -arch=compute_80 debug.cu
