// The matrix product within a step in bfloat16: numbers meet two at a time, sums are float32.
//
// A panel is two vectors wide; each of its lines holds, for each column, the weights of two
// neighbouring numbers of a row. It ends in zeros, so that its numbers fill whole tiles.
#pragma once

#include "narrow.h"
#include "panel.h"

#if defined(__AMX_BF16__) || defined(RECURRA_EMULATED)
#include "tiles.h"
#endif

namespace {

constexpr int64_t tile_depth = 32;  // numbers of a row that one tile holds

// sum + value[0] weights[2 i] + value[1] weights[2 i + 1], for each lane i.
RECURRA_INLINE Vec add_pair(Vec sum, const Brain* value, const Brain* weights) {
#if defined(__AVX512BF16__)
  int32_t pair;
  memcpy(&pair, value, sizeof pair);
  return (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_loadu_si512(weights),
                               (__m512bh)_mm512_set1_epi32(pair));
#else
  IntVec pairs;
  memcpy(&pairs, weights, sizeof pairs);
  uint32_t first = uint32_t{value[0].bits} << 16, second = uint32_t{value[1].bits} << 16;
  float one, other;
  memcpy(&one, &first, sizeof one), memcpy(&other, &second, sizeof other);
  sum += one * (Vec)(pairs << 16);
  return sum + other * (Vec)(pairs & (int32_t)0xffff0000);
#endif
}

// sums[r] (+)= rows[r] * panel, for R rows and the first P vectors.
template <int R, int P>
void multiply(const Product<Brain>& product, bool add) {
  // as many sums as hide the latency of one
  constexpr int chains = R == 1 ? 4 : R < 4 ? 2 : 1;
  Vec sums[chains][R][P] = {};
  const Brain* rows[R];
  for (int r = 0; r < R; ++r) {
    rows[r] = product.rows + r * product.stride;
    if (add)
      for (int p = 0; p < P; ++p)
        sums[0][r][p] = load(product.sums + r * product.sums_stride + p * lanes);
  }
  const Brain* panel = product.panel;
  // the panel's zeros are no more than the chains need: tile_depth has as many pairs, or more
  for (int64_t k = 0; k < product.depth; k += 2 * chains) {
#pragma GCC unroll 4
    for (int chain = 0; chain < chains; ++chain, panel += 2 * panel_columns) {
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r)
        for (int p = 0; p < P; ++p)
          sums[chain][r][p] =
              add_pair(sums[chain][r][p], rows[r] + k + 2 * chain, panel + 2 * p * lanes);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int p = 0; p < P; ++p) {
      Vec sum = sums[0][r][p];
      for (int chain = 1; chain < chains; ++chain) sum += sums[chain][r][p];
      store(product.sums + r * product.sums_stride + p * lanes, sum);
    }
  }
}

// All products of one thread. Rows are numbers, and may be read, up to the end of the panel.
template <>
struct Multiplier<Brain> {
  static int64_t depth(int64_t numbers) {
    return (numbers + tile_depth - 1) / tile_depth * tile_depth;
  }
#if defined(__AMX_BF16__) || defined(RECURRA_EMULATED)
  Tiles tiles;
  void operator()(const Product<Brain>& product, bool add) { tiles.multiply(product, add); }
#else
  RECURRA_INLINE void operator()(const Product<Brain>& product, bool add) {
    multiply_all(product, add);
  }
#endif
};

}  // namespace
