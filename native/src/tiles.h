// Products of tiles (AMX): a tile is up to 16 rows of 32 numbers of bfloat16, or of 16 sums.
//
// Two tiles of rows meet two of weights: four of sums, and each tile that is loaded is used twice.
// The operating system lets a process use them once it was asked: see select.cpp.
#pragma once

#include "narrow.h"
#include "panel.h"

#if defined(__AMX_BF16__)
#include <immintrin.h>
// a tile's number is part of the instruction
#define RECURRA_TILE_SHAPES(from) _tile_loadconfig(from)
#define RECURRA_TILE_RELEASE() _tile_release()
#define RECURRA_TILE_ZERO(tile) _tile_zero(tile)
#define RECURRA_TILE_LOAD(tile, from, bytes) _tile_loadd(tile, from, bytes)
#define RECURRA_TILE_STORE(tile, to, bytes) _tile_stored(tile, to, bytes)
#define RECURRA_TILE_MULTIPLY(sums, rows, weights) _tile_dpbf16ps(sums, rows, weights)
#else
#include "emulated_tiles.h"
#endif

namespace {

class Tiles {
 public:
  static_assert(panel_columns == 32, "a panel is two tiles wide");
  ~Tiles() {
    if (upper_) RECURRA_TILE_RELEASE();
  }

  // sums[r] (+)= rows[r] * panel, for all rows
  void multiply(const Product<Brain>& product, bool add) {
    const int64_t blocks = (product.count + 31) / 32;
    for (int64_t block = 0, first = 0; block < blocks; ++block) {
      const int64_t count = (product.count - first + blocks - block - 1) / (blocks - block);
      const int64_t upper = count > 16 ? (count + 1) / 2 : count;
      shape(upper, count - upper);
      multiply(product, product.rows + first * product.stride,
               product.sums + first * product.sums_stride, add);
      first += count;
    }
  }

 private:
  // 0 to 3 hold sums, 4 and 5 rows, 6 and 7 weights.
  void shape(int64_t upper, int64_t lower) {
    if (upper == upper_ && lower == lower_) return;
    upper_ = upper, lower_ = lower;
    struct {
      uint8_t palette, start, unused[14];
      uint16_t bytes[16];
      uint8_t rows[16];
    } all = {1, 0, {}, {}, {}};
    static_assert(sizeof all == 64);
    const int64_t rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
    for (int i = 0; i < 8; ++i) {
      all.rows[i] = static_cast<uint8_t>(rows[i]);
      all.bytes[i] = rows[i] ? 64 : 0;
    }
    RECURRA_TILE_SHAPES(&all);
  }

  void multiply(const Product<Brain>& product, const Brain* rows, float* sums, bool add) const {
    const auto stride = static_cast<size_t>(product.stride) * sizeof(Brain);
    const auto sums_stride = static_cast<size_t>(product.sums_stride) * sizeof(float);
    constexpr size_t line = 2 * panel_columns * sizeof(Brain);
    const Brain* lower_rows = rows + upper_ * product.stride;
    float* lower_sums = sums + upper_ * product.sums_stride;
    if (add) {
      RECURRA_TILE_LOAD(0, sums, sums_stride);
      RECURRA_TILE_LOAD(1, sums + 16, sums_stride);
    } else {
      RECURRA_TILE_ZERO(0);
      RECURRA_TILE_ZERO(1);
    }
    if (lower_ && add) {
      RECURRA_TILE_LOAD(2, lower_sums, sums_stride);
      RECURRA_TILE_LOAD(3, lower_sums + 16, sums_stride);
    } else if (lower_) {
      RECURRA_TILE_ZERO(2);
      RECURRA_TILE_ZERO(3);
    }
    const Brain* panel = product.panel;
    for (int64_t k = 0; k < product.depth; k += 32, panel += 32 * panel_columns) {
      RECURRA_TILE_LOAD(6, panel, line);
      RECURRA_TILE_LOAD(7, panel + 32, line);
      RECURRA_TILE_LOAD(4, rows + k, stride);
      RECURRA_TILE_MULTIPLY(0, 4, 6);
      RECURRA_TILE_MULTIPLY(1, 4, 7);
      if (!lower_) continue;
      RECURRA_TILE_LOAD(5, lower_rows + k, stride);
      RECURRA_TILE_MULTIPLY(2, 5, 6);
      RECURRA_TILE_MULTIPLY(3, 5, 7);
    }
    RECURRA_TILE_STORE(0, sums, sums_stride);
    RECURRA_TILE_STORE(1, sums + 16, sums_stride);
    if (!lower_) return;
    RECURRA_TILE_STORE(2, lower_sums, sums_stride);
    RECURRA_TILE_STORE(3, lower_sums + 16, sums_stride);
  }

  int64_t upper_ = 0, lower_ = 0;
};

}  // namespace
