// Operands of integer products, in the order in which `mma.sync.m16n8k32` takes them, so that a warp loads 32
// neighbouring words for each register.
//
// Weights: tiles of 16 outputs by 32 inputs, [output tile][input tile]. A tile of int8 is four registers of 32 lanes:
// lane l of register r holds inputs 4 * (l % 4) + 16 * (r / 2) and the next three of output l / 4 + 8 * (r % 2).
// A tile of int4 is two words of 32 lanes: word p holds register 2 * p in the high halves of its bytes, and register
// 2 * p + 1 in the low halves.
// Activations: tiles of 8 rows by 32 inputs, [row group][input tile][4], a group being four tiles: 32 rows. A tile is
// two registers of 32 lanes: lane l of register r holds inputs 4 * (l % 4) + 16 * r and the next three of row l / 4.
// Inputs past the end are 0. Source of the order: PTX ISA, "Matrix fragments for mma.m16n8k32".
#pragma once

#include <cstdint>

static constexpr uint32_t TILE_INPUTS = 32;
static constexpr uint32_t TILE_OUTPUTS = 16;
static constexpr uint32_t TILE_ROWS = 8;
static constexpr uint32_t GROUP_TILES = 4;
// Words of a tile of activations, and from one tile of inputs to the next.
static constexpr uint32_t ROW_TILE_WORDS = 64;
static constexpr uint32_t GROUP_WORDS = GROUP_TILES * ROW_TILE_WORDS;

// First word of a tile of rows.
static __device__ uint64_t row_tile_at(uint32_t row_tile, uint32_t input_tiles) {
    return (uint64_t)(row_tile / GROUP_TILES) * input_tiles * GROUP_WORDS + row_tile % GROUP_TILES * ROW_TILE_WORDS;
}

// d[0], d[1]: output lane / 4, rows 2 * (lane % 4) and the next; d[2], d[3]: the same rows of output lane / 4 + 8.
static __device__ void multiply(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
