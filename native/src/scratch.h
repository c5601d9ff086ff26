// The memory of one thread that runs an MLSTM: where each array of a chunk lies.
#pragma once

#include <math.h>
#include <stdint.h>

namespace {

// Lengths of lines are whole cache lines: vectors may reach beyond the last column.
struct Scratch {
  int64_t d, wide, span, floats = 0;
  float key_factor;
  // [chunk wide], [d span], [chunk span], [d wide], [wide], [span]
  float *q, *k, *v, *num, *out;
  float *k_columns, *v_columns;
  float *p, *weights, *slopes;
  float *c, *g_columns;
  float* n;
  // of each head: [d wide], [wide], numbers
  float *matrices, *vectors, *exponents, *products;
  float *i, *f, *decay, *high, *low, *added, *exponent, *kept, *end, *carries, *floor;
  float *read_n, *divisor, *grad_n, *grad_m, *query_part, *key_part;

  Scratch(int64_t size, int64_t chunk, int64_t heads, float* memory)
      : d(size), wide(whole(size)), span(whole(chunk)) {
    key_factor = 1.0f / sqrtf(static_cast<float>(size));
    auto take = [&](int64_t numbers, auto&... arrays) {
      ((arrays = memory ? memory + floats : nullptr, floats += numbers), ...);
    };
    take(chunk * wide, q, k, v, num, out);
    take(d * span, k_columns, v_columns);
    take(chunk * span, p, weights, slopes);
    take(d * wide, c, g_columns);
    take(wide, n);
    take(heads * d * wide, matrices);
    take(heads * wide, vectors);
    take(whole(heads), exponents, products);
    take(span, i, f, decay, high, low, added, exponent, kept, end, carries, floor);
    take(span, read_n, divisor, grad_n, grad_m, query_part, key_part);
  }

  static int64_t whole(int64_t floats) { return (floats + 15) / 16 * 16; }
};

}  // namespace
