// The kernel of examples/cuda/mandelbrot.cu.
int escape_count(float cx, float cy, int limit) {
    float x = 0.0f, y = 0.0f;
    for (int count = 0; count < limit; ++count) {
        const float y_squared = y * y;
        if (fma(x, x, y_squared) > 4.0f) return count;
        const float next_x = fma(x, x, cx - y_squared);
        y = fma(2.0f * x, y, cy);
        x = next_x;
    }
    return limit;
}

kernel void mandelbrot(global int *counts, int width, int height, float left, float top, float step, int limit) {
    const int column = get_global_id(0);
    const int row = get_global_id(1);
    if (column >= width || row >= height) return;
    const float cx = fma((float)column, step, left);
    const float cy = fma((float)row, step, top);
    counts[row * width + column] = escape_count(cx, cy, limit);
}
