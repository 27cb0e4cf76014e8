// Where gates and what they gate lie in a row of the product with gate_proj and up_proj, if the weights are quantised:
// a tile of outputs of one, then the same tile of the other.
#pragma once

#include "int8.cuh"

static __device__ __forceinline__ uint32_t gate_at(uint32_t i) {
    return i / TILE_OUTPUTS * 2 * TILE_OUTPUTS + i % TILE_OUTPUTS;
}

static __device__ __forceinline__ float gated(float gate, float up) { return gate / (1.0f + __expf(-gate)) * up; }
