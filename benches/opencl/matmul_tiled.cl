// The kernel of examples/cuda/matmul_tiled.cu.
#define TILE 16

kernel void matmul_tiled(global const float *a, global const float *b, global float *c, int m, int n, int k) {
    local float a_tile[TILE][TILE];
    local float b_tile[TILE][TILE];
    const int x = get_local_id(0), y = get_local_id(1);
    const int row = get_global_id(1);
    const int column = get_global_id(0);

    float sum = 0.0f;
    for (int base = 0; base < k; base += TILE) {
        const int a_column = base + x;
        const int b_row = base + y;
        a_tile[y][x] = row < m && a_column < k ? a[row * k + a_column] : 0.0f;
        b_tile[y][x] = b_row < k && column < n ? b[b_row * n + column] : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < TILE; ++i) {
            sum = fma(a_tile[y][i], b_tile[i][x], sum);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < m && column < n) c[row * n + column] = sum;
}
