// What each instruction set offers, and the arguments that the C interface has checked.
#pragma once

#include <stdint.h>

#include "recurra.h"
#include "stream.h"

namespace recurra {

constexpr int MOST_FIELDS = 4;

// A scan; pointers as in recurra.h, none of a field null. `stream`: outputs go past the caches.
// `sums` holds, for each chunk and field, the sum of the gradient over the chunk.
struct Scan {
  const recurra_rows* rows;
  int64_t width;
  bool stream;
  recurra_field fields[MOST_FIELDS];
  recurra_gradient gradients[MOST_FIELDS];
  const float *h, *initial, *grad_h, *grad_last;
  float *out, *last, *grad_initial, *sums;
};

// The steps `begin` to `end` of a row, and the number of this chunk among all.
struct Chunk {
  int64_t row, begin, end, index;
};

using ScanKernel = void (*)(const Scan&, const Chunk&, float* one, float* other);

// The kernels of one linear recurrence: see scan.h and join.h. A state is `parts` lines; `biased`: a
// field may have both lines and a constant.
struct ScanKernels {
  int fields, parts;
  bool biased;
  ScanKernel forward, join_forward, backward, join_backward;
  void (*apply)(int64_t width, const float* decays, const float* injects, const float* before,
                float* after);
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

struct Kernels {
  const char* name;
  int lanes;
  ScanKernels scans[RECURRA_SCANS];
  void (*triad)(int64_t count, float scale, const float* b, const float* c, float* a);
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
