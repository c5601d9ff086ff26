// Where rows lie: every kind of layout that recurra_rows can describe, no two steps on one line.
#pragma once

#include <vector>

#include "random.h"
#include "recurra.h"

struct Shape {
  int64_t batch, time, width;
};

struct Layout {
  int64_t lines, stride;
  std::vector<int64_t> offset, length;

  int64_t line(int64_t row, int64_t t) const { return offset[row] + t * stride; }
};

// Rows of up to `time` steps, one of them as long as that, some of none.
Layout draw_layout(Random& random, int64_t batch, int64_t time);
