// Forms of compute capability 9.0 and up: clusters, bulk copies, asynchronous barriers.
__global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(128) clusters(int *p) {
  __shared__ int s[32]; unsigned long long state; unsigned a = (unsigned)__cvta_generic_to_shared(s), r;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(1));
  asm volatile("barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;" ::: "memory");
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(a), "r"(1));
  asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 %0, [%1], %2;" : "=l"(state) : "r"(a), "r"(16));
  asm volatile("{ .reg .pred p; WAIT: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1; @p bra DONE; bra WAIT; DONE: }" :: "r"(a), "r"(0));
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" :: "r"(a), "l"(p), "r"(0), "r"(1), "r"(a) : "memory");
  asm volatile("{ .reg .pred q; elect.sync _|q, -1; @q st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], 5, [%1]; }" :: "r"(r), "r"(a));
  asm volatile("fence.proxy.async; griddepcontrol.wait; setmaxnreg.dec.sync.aligned.u32 40;" ::: "memory");
  float c[4] = {}; 
  asm volatile("wgmma.fence.sync.aligned; { .reg .pred p; setp.ne.b32 p, %6, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0, %1, %2, %3}, %4, %5, p, 1, -1, 0, 0; } wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "l"(state), "l"(state), "r"(1));
  unsigned x, y, z, rank; asm("mov.u32 %0, %%cluster_ctaid.x; mov.u32 %1, %%clusterid.y; mov.u32 %2, %%nclusterid.z; mov.u32 %3, %%cluster_ctarank;" : "=r"(x), "=r"(y), "=r"(z), "=r"(rank));
  p[0] = c[0] + c[3] + x + y + z + rank;
}
__global__ void grid_constant(const __grid_constant__ int4 v, int *p) { *p = v.x + v.w; }
// cluster_sm90a.ptx: nvcc -ptx -arch=compute_90a cluster.cu
