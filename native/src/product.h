// The matrix product within a step: some rows times one panel of weights, sums held in registers.
//
// BLAS is several times slower at so few rows, and writes sums to memory that are wanted here.
#pragma once

#include "vector.h"

namespace {

// Asks for what comes `ahead` bytes later: hardware does so too, but stops at the end of a page.
template <int ahead, int bytes>
RECURRA_INLINE void fetch(const void* from) {
#pragma GCC unroll 8
  for (int at = 0; ahead > 0 && at < bytes; at += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + ahead + at));
}

// sum[r][p] = sum over k of rows[r][k] * panel[k][p]; a panel holds `depth` lines of P vectors of
// numbers that `load` turns into floats, and is asked for `ahead` bytes before it is read.
template <int R, int P, int ahead = 0, class Number>
RECURRA_INLINE void multiply(const float* const* rows, int64_t depth, const Number* panel,
                             Vec (&sum)[R][P]) {
  // One row alone would wait for each sum: it has two sums, over even and over odd k.
  constexpr int chains = R * P < 8 ? 2 : 1;
  Vec sums[chains][R][P];
#pragma GCC unroll 2
  for (int chain = 0; chain < chains; ++chain)
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sums[chain][r][p] = Vec{};
  const float* lines[R];
  for (int r = 0; r < R; ++r) lines[r] = rows[r];
  int64_t k = 0;
  for (; k + chains <= depth; k += chains) {
#pragma GCC unroll 2
    for (int chain = 0; chain < chains; ++chain, panel += P * lanes) {
      fetch<ahead, P * lanes * static_cast<int>(sizeof(Number))>(panel);
      Vec weights[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) weights[p] = load(panel + p * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        Vec value = all(lines[r][k + chain]);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sums[chain][r][p] += value * weights[p];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      sum[r][p] = sums[0][r][p];
      if (chains == 2) {
        sum[r][p] += sums[chains - 1][r][p];
        if (k < depth) sum[r][p] += lines[r][k] * load(panel + p * lanes);
      }
    }
  }
}

// Calls body(first row, sums of its tile) over `count` rows, in tiles of at most R, evenly filled.
template <int R, int P>
struct Tiles {
  template <class Body>
  static void each(const float* const* rows, int64_t count, int64_t depth, const float* panel,
                   const Body& body) {
    int64_t tiles = (count + R - 1) / R;
    for (int64_t first = 0; tiles > 0; --tiles) {
      const int64_t size = (count - first + tiles - 1) / tiles;
      one(rows, first, size, depth, panel, body);
      first += size;
    }
  }

  template <class Body>
  static RECURRA_INLINE void one(const float* const* rows, int64_t first, int64_t size,
                                 int64_t depth, const float* panel, const Body& body) {
    if (size == R) {
      Vec sum[R][P];
      multiply<R, P>(rows + first, depth, panel, sum);
      for (int r = 0; r < R; ++r) body(first + r, sum[r]);
    } else if constexpr (R > 1) {
      Tiles<R - 1, P>::one(rows, first, size, depth, panel, body);
    }
  }
};

}  // namespace
