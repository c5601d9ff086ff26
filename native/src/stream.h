// What the C interface of streams and their kernels share.
#pragma once

#include <stdint.h>

#include "recurra.h"

namespace recurra {

// A layer's packed weights, panel after panel, and the states of all rows. h of a row is read at
// now[row] and written at next[row]; c, `stride` floats a row, is changed in place.
struct StreamLayer {
  int64_t inputs, width, stride, panels, panel_bytes, panel_vectors;
  char* weights;
  float* vectors;
  float **now, **next;
  float* c;
};

// The rows of one step: their places in the layer's state, their inputs and their h.
struct StreamRows {
  int64_t count;
  const int64_t* places;
  const float* const* x;
  const float* const* h;
};

// The kernels of one cell with weights in one kind of numbers. A panel has `columns` columns of the
// state, panel_bytes of weights for each input and (where the cell is `recurrent`) each column of
// the state, and panel_vectors floats beside.
struct StreamKernels {
  bool recurrent, memory;
  int gates, columns, depth_bytes, panel_vectors;
  void (*pack)(const recurra_layer& from, int64_t panel, char* weights, float* vectors);
  // `expanded` has room for one panel as floats.
  void (*step)(const StreamLayer&, const StreamRows&, int64_t panel, float* expanded);
};

struct StreamTable {
  StreamKernels of[RECURRA_STREAM_CELLS][RECURRA_FORMATS];
};

namespace baseline {
extern const StreamTable streams;
}
namespace avx2 {
extern const StreamTable streams;
}
namespace avx512 {
extern const StreamTable streams;
}
namespace neon {
extern const StreamTable streams;
}

}  // namespace recurra
