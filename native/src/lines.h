// Products of many lines with packed matrices: of the inputs before a time loop, of gradients after.
#pragma once

#include "panel.h"

namespace {

// from one line's piece to the next's: a cache line more than whole ones, see recurrent.h
constexpr int64_t piece_stride = piece_lines + 16;

// sums[p][i] = line i times panel p, for `number` panels of `depth` lines: `capacity` sums of
// `panel_columns` numbers for each panel. at(i) is line i, or null where its sum is not wanted.
// `piece` has room for `count` pieces. narrow(p): of panel p only the first vector is wanted.
template <class At, class Narrow>
RECURRA_INLINE void multiply_lines(int64_t count, At at, int64_t depth, const float* panels,
                                   int64_t number, Narrow narrow, float* piece, float* sums,
                                   int64_t capacity) {
  for (int64_t k = 0; k < depth; k += piece_lines) {
    const int64_t deep = depth - k < piece_lines ? depth - k : piece_lines;
    for (int64_t i = 0; i < count; ++i)
      if (const float* from = at(i))
        memcpy(piece + i * piece_stride, from + k, static_cast<size_t>(deep) * sizeof(float));
    for (int64_t p = 0; p < number; ++p)
      multiply_all<float>({piece, count, piece_stride, deep,
                           panels + (p * depth + k) * panel_columns,
                           sums + p * capacity * panel_columns, panel_columns, narrow(p)},
                   k > 0);
  }
}

}  // namespace
