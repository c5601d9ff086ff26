// The matrix product within a step: some rows times one panel of weights, added up in registers.
//
// BLAS is several times slower at so few rows. A panel is two vectors wide and `depth` lines long;
// a piece of it meets all rows before the next piece does.
#pragma once

#include "vector.h"

namespace {

constexpr int panel_vectors = 2, panel_columns = panel_vectors * lanes;
constexpr int64_t piece_bytes = 1 << 14;  // half of the first cache
constexpr int64_t piece_lines = piece_bytes / (panel_columns * sizeof(float));
constexpr int most_rows = lanes == 16 ? 12 : 6;  // of a tile: as many sums as there are registers

template <class Number>
struct Product {
  const Number* rows;  // the first of `count`, `stride` numbers apart
  int64_t count, stride, depth;
  const Number* panel;
  float* sums;  // the first of `count`, `sums_stride` numbers apart
  int64_t sums_stride;
  bool narrow = false;  // only a panel's first vector counts
};

// sums[r] (+)= rows[r] * panel, for R rows and the first P vectors.
template <int R, int P>
void multiply(const Product<float>& product, bool add) {
  // Few rows would wait for each sum: they have several, over every second or every fourth line.
  constexpr int chains = R == 1 ? 4 : R < 4 ? 2 : 1;
  Vec sums[chains][R][P] = {};
  const float* rows[R];
  for (int r = 0; r < R; ++r) {
    rows[r] = product.rows + r * product.stride;
    if (add)
      for (int p = 0; p < P; ++p)
        sums[0][r][p] = load(product.sums + r * product.sums_stride + p * lanes);
  }
  const float* panel = product.panel;
  const int64_t depth = product.depth;
  int64_t k = 0;
  for (; k + chains <= depth; k += chains) {
#pragma GCC unroll 4
    for (int chain = 0; chain < chains; ++chain, panel += panel_columns) {
      Vec weights[P];
      for (int p = 0; p < P; ++p) weights[p] = load(panel + p * lanes);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        Vec value = all(rows[r][k + chain]);
        for (int p = 0; p < P; ++p) sums[chain][r][p] += value * weights[p];
      }
    }
  }
  for (; k < depth; ++k, panel += panel_columns)
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p)
        sums[0][r][p] += rows[r][k] * load(panel + p * lanes);
  for (int r = 0; r < R; ++r) {
    for (int p = 0; p < P; ++p) {
      Vec sum = sums[0][r][p];
      for (int chain = 1; chain < chains; ++chain) sum += sums[chain][r][p];
      store(product.sums + r * product.sums_stride + p * lanes, sum);
    }
  }
}

template <int R, int P, class Number>
RECURRA_INLINE void multiply_tile(int64_t count, const Product<Number>& product, bool add) {
  if (count == R) return multiply<R, P>(product, add);
  if constexpr (R > 1) multiply_tile<R - 1, P>(count, product, add);
}

// All rows, in tiles of at most `most_rows`, evenly filled. `add`: onto what `sums` holds.
template <class Number>
RECURRA_INLINE void multiply_all(Product<Number> product, bool add) {
  constexpr int64_t piece = piece_bytes / (panel_columns * sizeof(Number));
  const int64_t count = product.count, depth = product.depth;
  const Number* const rows = product.rows;
  float* const sums = product.sums;
  for (int64_t begin = 0; begin < depth; begin += piece) {
    product.depth = depth - begin < piece ? depth - begin : piece;
    int64_t first = 0;
    for (int64_t tiles = (count + most_rows - 1) / most_rows; tiles > 0; --tiles) {
      product.rows = rows + first * product.stride + begin;
      product.sums = sums + first * product.sums_stride;
      const int64_t size = (count - first + tiles - 1) / tiles;
      if (product.narrow)
        multiply_tile<most_rows, 1>(size, product, add || begin > 0);
      else
        multiply_tile<most_rows, panel_vectors>(size, product, add || begin > 0);
      first += size;
    }
    product.panel += product.depth * panel_columns;
  }
}

// All products of one thread.
template <class Number>
struct Multiplier;

template <>
struct Multiplier<float> {
  static int64_t depth(int64_t numbers) { return numbers; }  // of a panel, for rows of so many
  RECURRA_INLINE void operator()(const Product<float>& product, bool add) {
    multiply_all(product, add);
  }
};

}  // namespace
