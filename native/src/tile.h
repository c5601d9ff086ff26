// Products of small matrices that lie in the first two caches.
//
// BLAS packs its operands and shares them out to threads: at these sizes that costs more than the
// product itself.
#pragma once

#include "transpose.h"
#include "vector.h"

namespace {

constexpr int64_t tile_lines = lanes == 16 ? 8 : 6;  // by two vectors: as many sums as hide an addition's latency

// The left matrix: a(r, k) = at[r * row + k * step].
struct Left {
  const float* at;
  int64_t row, step;
};

// The right matrix: b(k, c) = at[k * stride + c].
struct Right {
  const float* at;
  int64_t stride;
};

struct Product {
  Left a;
  Right b;
  int64_t depth;

  template <int R, int P>
  RECURRA_INLINE void add_to(Vec (&sum)[R][P], int64_t column) const {
    const float* lines[R];
    for (int r = 0; r < R; ++r) lines[r] = a.at + r * a.row;
    const float* from = b.at + column;
    for (int64_t k = 0; k < depth; ++k) {
      Vec line[P];
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) line[p] = load(from + k * b.stride + p * lanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        Vec value = all(lines[r][k * a.step]);
#pragma GCC unroll 2
        for (int p = 0; p < P; ++p) sum[r][p] += value * line[p];
      }
    }
  }
};

// What sums begin with: line r's factor, at[r * step], times some matrix.
struct Factor {
  const float* at;
  int64_t step;

  template <int R, int P>
  RECURRA_INLINE void scale(Vec (&sum)[R][P]) const {
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) sum[r][p] *= at[r * step];
  }
};

struct Result {
  float* at;
  int64_t stride;
};

// Calls body(tile of `count` lines, column) over the columns of a result.
template <int R, class Body>
RECURRA_INLINE void tile_columns(int64_t count, Result out, int64_t width, const Body& body) {
  if constexpr (R > 1) {
    if (count < R) return tile_columns<R - 1>(count, out, width, body);
  }
  auto panel = [&](auto& sum, int64_t c) {
    constexpr int P = sizeof *sum / sizeof **sum;
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) sum[r][p] = load(out.at + r * out.stride + c + p * lanes);
    body(sum, c);
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) store(out.at + r * out.stride + c + p * lanes, sum[r][p]);
  };
  int64_t c = 0;
  for (; c + lanes < width; c += 2 * lanes) {
    Vec sum[R][2];
    panel(sum, c);
  }
  if (c < width) {
    Vec sum[R][1];
    panel(sum, c);
  }
}

// Of at most tile_lines lines, and columns up to the next whole vector:
// out = product
inline void multiply(int64_t count, Result out, int64_t width, Product product) {
  tile_columns<tile_lines>(count, out, width, [&](auto& sum, int64_t c) {
    memset(sum, 0, sizeof sum);
    product.add_to(sum, c);
  });
}

// out = factor first + second
inline void multiply(int64_t count, Result out, int64_t width, Product first, Factor factor,
                     Product second) {
  tile_columns<tile_lines>(count, out, width, [&](auto& sum, int64_t c) {
    memset(sum, 0, sizeof sum);
    first.add_to(sum, c);
    factor.scale(sum);
    second.add_to(sum, c);
  });
}

// out = factor out + product
inline void update(int64_t count, Result out, int64_t width, Factor factor, Product product) {
  tile_columns<tile_lines>(count, out, width, [&](auto& sum, int64_t c) {
    factor.scale(sum);
    product.add_to(sum, c);
  });
}

// Calls body(first line, count) over tiles of at most tile_lines, evenly filled.
template <class Body>
RECURRA_INLINE void tiles(int64_t lines, Body body) {
  int64_t left = (lines + tile_lines - 1) / tile_lines;
  for (int64_t first = 0; left > 0; --left) {
    const int64_t count = (lines - first + left - 1) / left;
    body(first, count);
    first += count;
  }
}

RECURRA_INLINE float total(Vec x) {
  Four sum = {};
  for (int i = 0; i < lanes; i += 4) {
    Four part;
    memcpy(&part, reinterpret_cast<const float*>(&x) + i, sizeof part);
    sum += part;
  }
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

RECURRA_INLINE float dot(const float* a, const float* b, int64_t width) {
  Vec sum = {};
  columns(0, width, [&](int64_t c, auto lane) { sum += lane.get(a + c) * lane.get(b + c); });
  return total(sum);
}

// to += factor from
RECURRA_INLINE void add(float* to, float factor, const float* from, int64_t width) {
  columns(0, width, [&](int64_t c, auto lane) {
    lane.put(to + c, lane.get(to + c) + factor * lane.get(from + c));
  });
}

RECURRA_INLINE void scale(float* to, float factor, int64_t width) {
  columns(0, width, [&](int64_t c, auto lane) { lane.put(to + c, factor * lane.get(to + c)); });
}

}  // namespace
