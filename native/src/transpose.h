// A matrix turned, four lines by four columns at a time.
#pragma once

#include <stdint.h>
#include <string.h>

#include "vector.h"

namespace {

typedef float Four __attribute__((vector_size(16)));

// to[c][r] = factor from[r][c]
inline void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t columns,
                      float factor, float* to, int64_t to_stride) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* in = from + r * from_stride;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      Four a[4];
      for (int i = 0; i < 4; ++i) memcpy(&a[i], in + i * from_stride + c, sizeof *a);
      const Four low = __builtin_shufflevector(a[0], a[1], 0, 4, 1, 5);
      const Four high = __builtin_shufflevector(a[0], a[1], 2, 6, 3, 7);
      const Four low2 = __builtin_shufflevector(a[2], a[3], 0, 4, 1, 5);
      const Four high2 = __builtin_shufflevector(a[2], a[3], 2, 6, 3, 7);
      const Four out[4] = {__builtin_shufflevector(low, low2, 0, 1, 4, 5) * factor,
                           __builtin_shufflevector(low, low2, 2, 3, 6, 7) * factor,
                           __builtin_shufflevector(high, high2, 0, 1, 4, 5) * factor,
                           __builtin_shufflevector(high, high2, 2, 3, 6, 7) * factor};
      for (int i = 0; i < 4; ++i) memcpy(to + (c + i) * to_stride + r, &out[i], sizeof *out);
    }
    for (; c < columns; ++c)
      for (int i = 0; i < 4; ++i) to[c * to_stride + r + i] = factor * in[i * from_stride + c];
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      to[c * to_stride + r] = factor * from[r * from_stride + c];
}

}  // namespace
