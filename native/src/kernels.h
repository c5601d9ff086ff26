// What each instruction set offers, and the arguments that the C interface has checked.
#pragma once

#include <stdint.h>

#include "recurra.h"
#include "stream.h"

namespace recurra {

// One row of a scan, from column `begin` to `end`; pointers as in recurra.h.
struct Scan {
  const recurra_rows* rows;
  int64_t width;
  const float *decay, *inject, *u, *h, *initial, *grad_h, *grad_last;
  float *out, *last, *grad_decay, *grad_inject, *grad_u, *grad_initial, *decay_carried;
};

// A cell with a matrix between its states; pointers as in recurra.h.
struct Recurrent {
  const recurra_rows* rows;
  int64_t width;
  const float *u, *weight, *bias, *h_initial, *c_initial, *h, *grad_y, *grad_h_last, *grad_c_last;
  float *y, *h_last, *c_last, *gates, *c;
  float *grad_u, *grad_inner, *grad_h_initial, *grad_c_initial;
};

// One thread's rows, longest first, and its memory: h, h_next and c are `count` lines of `stride`,
// in backward h_next of `gates_stride`.
struct Share {
  int64_t count, stride, gates_stride;
  const int64_t* row;
  const float** lines;
  const float* weights;
  float *h, *h_next, *c;
};

// The kernels of one cell. A panel of weights is `forward_panel` vectors long for each column of
// the weight, or `backward_panel` vectors for each of its lines, and covers `..._columns` columns.
struct RecurrentKernels {
  int gates, forward_panel, forward_columns, backward_panel, backward_columns;
  void (*pack_forward)(const Recurrent&, int64_t panel, float* to);
  void (*forward)(const Recurrent&, const Share&);
  void (*pack_backward)(const Recurrent&, int64_t panel, float* to);
  void (*backward)(const Recurrent&, const Share&);
};

using ScanKernel = void (*)(const Scan&, int64_t row, int64_t begin, int64_t end);

struct Kernels {
  const char* name;
  int lanes;
  ScanKernel affine_forward, affine_backward, mingru_forward, mingru_backward;
  RecurrentKernels recurrent[RECURRA_CELLS];
  const StreamTable* streams;
};

namespace baseline {
extern const Kernels kernels;
}
namespace neon {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

// The kernels taken by recurra_select; nullptr before.
const Kernels* selected();

}  // namespace recurra
